//! A folder of the application's own, which stays from call to call and from version to version.
//! The capability [`Files`](crate::Capability::Files): ask for it, and get along without it.
//!
//! ```
//! use muster_sdk::{files, files::FileFailure, native};
//!
//! /// The mirror that worked last; the vendor's own where nothing is kept, or may be.
//! fn mirror() -> String {
//!     let kept = files::read("mirror").ok();
//!     kept.and_then(|bytes| String::from_utf8(bytes).ok())
//!         .unwrap_or_else(|| "https://example.org/".into())
//! }
//!
//! // Denied: it gets along.
//! native::Server::new().run(|| {
//!     assert_eq!(files::write("mirror", b"x"), Err(FileFailure::Denied));
//!     assert_eq!(mirror(), "https://example.org/");
//! });
//! // Granted: what one call keeps, another finds.
//! let mut server = native::Server::new().files();
//! server.run(|| files::write("mirror", b"https://mirror.example.org/").unwrap());
//! server.run(|| assert_eq!(mirror(), "https://mirror.example.org/"));
//! ```

pub use crate::bindings::imports::muster::plugin::files::{File, FileFailure, Space};

#[cfg(target_arch = "wasm32")]
use crate::bindings::imports::muster::plugin::files as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::native::files as host;

/// Bytes that a file has at most.
pub const MOST_SIZE: u32 = 1 << 20;

/// All of them, sorted by name.
///
/// ```
/// use muster_sdk::{files, native::Server};
///
/// Server::new().files().run(|| assert!(files::list().unwrap().is_empty()));
/// ```
pub fn list() -> Result<Vec<File>, FileFailure> {
    host::list_files()
}

/// A whole file.
///
/// ```
/// use muster_sdk::{files, native::Server};
///
/// Server::new().files().run(|| {
///     files::write("a", b"12").unwrap();
///     assert_eq!(files::read("a").unwrap(), b"12");
/// });
/// ```
pub fn read(name: &str) -> Result<Vec<u8>, FileFailure> {
    host::read(name, 0, MOST_SIZE)
}

/// A part of a file: so many bytes from an offset on. Fewer come at the file's end, none beyond it.
///
/// ```
/// use muster_sdk::{files, native::Server};
///
/// Server::new().files().run(|| {
///     files::write("a", b"12").unwrap();
///     assert_eq!(files::read_part("a", 1, 9).unwrap(), b"2");
/// });
/// ```
pub fn read_part(name: &str, offset: u64, length: u32) -> Result<Vec<u8>, FileFailure> {
    host::read(name, offset, length)
}

/// Makes a file, or puts a whole new content in the place of the old one. When it returns, the file
/// is on the server's disk.
///
/// ```
/// use muster_sdk::{files, native::Server};
///
/// let mut server = Server::new().files();
/// server.run(|| files::write("a", b"12").unwrap());
/// assert_eq!(server.file("a"), Some(&b"12"[..]));
/// ```
pub fn write(name: &str, content: &[u8]) -> Result<(), FileFailure> {
    host::write(name, content)
}

/// Removes a file.
///
/// ```
/// use muster_sdk::{files, native::Server};
///
/// Server::new().files().run(|| {
///     files::write("a", b"12").unwrap();
///     files::remove("a").unwrap();
///     assert!(files::read("a").is_err());
/// });
/// ```
pub fn remove(name: &str) -> Result<(), FileFailure> {
    host::remove(name)
}

/// How full the folder is.
///
/// ```
/// use muster_sdk::{files, native::Server};
///
/// Server::new().files().run(|| {
///     files::write("a", b"12").unwrap();
///     assert_eq!(files::usage().unwrap().bytes, 2);
/// });
/// ```
pub fn usage() -> Result<Space, FileFailure> {
    host::usage()
}
