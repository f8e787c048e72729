//! The time of day. The capability [`Clock`](crate::Capability::Clock): ask for it, and get along
//! without it.
//!
//! ```
//! use muster_sdk::{clock, native};
//!
//! const DAY: u64 = 24 * 3600 * 1000;
//!
//! /// Whether a database of that time is old; not known without a clock.
//! fn is_old(made: u64) -> Option<bool> {
//!     Some(clock::now().ok()?.saturating_sub(made) > 7 * DAY)
//! }
//!
//! native::Server::new().run(|| assert_eq!(is_old(0), None));
//! native::Server::new().clock(8 * DAY).run(|| assert_eq!(is_old(0), Some(true)));
//! ```

pub use crate::bindings::imports::muster::plugin::clock::ClockFailure;

#[cfg(target_arch = "wasm32")]
use crate::bindings::imports::muster::plugin::clock as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::native::clock as host;

/// The time at which this call began: milliseconds since 1970-01-01T00:00:00Z. It is the same in the
/// whole call.
///
/// ```
/// use muster_sdk::{clock, native::Server};
///
/// Server::new().clock(7).run(|| assert_eq!(clock::now(), Ok(7)));
/// ```
pub fn now() -> Result<u64, ClockFailure> {
    host::now()
}
