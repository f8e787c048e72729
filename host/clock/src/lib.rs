//! The clock that runs and schedules go by. What expires (certificates, statements, tokens) does so by the
//! system's, whatever this one shows.
//!
//! In a product build it is the system's. With the feature `shifted`, and with the environment
//! variable `MUSTER_CLOCK` set to a file, the clock is off by as many seconds as that file says: so a
//! test takes a running program to the next Friday evening, or back to last week, without waiting.

use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// The system's clock may be set at any time, and a timer does not notice: so often it is asked.
const LOOK: Duration = if cfg!(feature = "shifted") {
    Duration::from_millis(20)
} else {
    Duration::from_secs(15)
};

/// The time now.
pub fn now() -> Timestamp {
    #[cfg(feature = "shifted")]
    return shifted::now();
    #[cfg(not(feature = "shifted"))]
    Timestamp::now()
}

/// Waits until the clock shows a moment, also if the clock is set meanwhile.
pub async fn until(moment: Timestamp) {
    while !look(moment).await {}
}

/// The same, but ends as well when the clock is set back: whoever has decided by times that are now
/// still to come may want to decide again.
pub async fn until_or_set_back(moment: Timestamp) {
    let mut last = now();
    while !look(moment).await {
        let seen = now();
        // A clock that is kept right by the network may go back a little.
        if seen.duration_since(last) < SignedDuration::from_secs(-1) {
            return;
        }
        last = seen;
    }
}

/// Whether the clock shows a moment, after a short wait if it does not.
async fn look(moment: Timestamp) -> bool {
    let left = moment.duration_since(now());
    if left <= SignedDuration::ZERO {
        return true;
    }
    let left = Duration::try_from(left).unwrap_or(LOOK);
    tokio::time::sleep(left.min(LOOK)).await;
    false
}

#[cfg(feature = "shifted")]
mod shifted {
    use jiff::{SignedDuration, Timestamp};
    use std::path::PathBuf;
    use std::sync::OnceLock;

    pub(super) fn now() -> Timestamp {
        static FILE: OnceLock<Option<PathBuf>> = OnceLock::new();
        let file = FILE.get_or_init(|| std::env::var_os("MUSTER_CLOCK").map(PathBuf::from));
        let text = file
            .as_ref()
            .and_then(|file| std::fs::read_to_string(file).ok());
        let seconds = text.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        let now = Timestamp::now();
        now.checked_add(SignedDuration::from_secs(seconds))
            .unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_has_passed_is_not_waited_for() {
        until(now()).await;
        until(Timestamp::MIN).await;
    }

    #[tokio::test]
    async fn a_wait_ends_when_the_clock_shows_the_moment() {
        let moment = now() + SignedDuration::from_millis(30);
        until(moment).await;
        assert!(now() >= moment);
    }
}
