//! Waiting for what must come about.

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// How long a test waits before it gives up. Long, as a loaded machine is slow; nothing that works
/// takes a tenth of it.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Between two looks. It decides how fast a test ends, never whether it passes.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Looks again and again until there is something to see.
///
/// An error of `look` is kept and told if the time runs out: a server that was just killed does not
/// answer, and will later.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let began = Instant::now();
    loop {
        let seen = match look().await {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if began.elapsed() > PATIENCE {
            match seen {
                Some(error) => {
                    return Err(error.context(format!("waited {PATIENCE:?} in vain for {what}")));
                }
                None => bail!("waited {PATIENCE:?} in vain for {what}"),
            }
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}
