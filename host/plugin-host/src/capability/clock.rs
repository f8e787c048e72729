//! `clock`: the time at which a call began.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, as the server's clock has them now. A clock that stands before that
/// year is taken to stand at its beginning.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or_default()
}
