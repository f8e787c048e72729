//! Random bytes that nobody can guess. The capability [`Random`](crate::Capability::Random): ask for
//! it, and get along without it.
//!
//! ```
//! use muster_sdk::{native, random, random::RandomFailure};
//!
//! /// A name that no other quarantine folder has.
//! fn folder() -> Result<String, RandomFailure> {
//!     let bytes = random::bytes(8)?;
//!     Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
//! }
//!
//! native::Server::new().run(|| assert_eq!(folder(), Err(RandomFailure::Denied)));
//! native::Server::new().random(7).run(|| {
//!     assert_eq!(folder().unwrap().len(), 16);
//!     assert_ne!(folder(), folder());
//! });
//! ```

pub use crate::bindings::imports::muster::plugin::random::RandomFailure;

#[cfg(target_arch = "wasm32")]
use crate::bindings::imports::muster::plugin::random as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::native::random as host;

/// So many bytes; at most 64 KiB in one call of the plug-in.
///
/// ```
/// use muster_sdk::{native::Server, random};
///
/// Server::new().random(7).run(|| assert_eq!(random::bytes(8).unwrap().len(), 8));
/// ```
pub fn bytes(length: u32) -> Result<Vec<u8>, RandomFailure> {
    host::bytes(length)
}
