//! Files that come with the plug-in: tables, signatures, texts. They need no grant.
//!
//! [`data_file!`](crate::data_file) puts one into the component; the server keeps it outside of the
//! plug-in's memory until it is read.
//!
//! ```
//! use muster_sdk::{data, native};
//!
//! fn knows(product: &str) -> bool {
//!     let table = data::read("products.txt").unwrap_or_default();
//!     table.split(|byte| *byte == b'\n').any(|line| line == product.as_bytes())
//! }
//!
//! // In a native test, the files are given by hand.
//! let mut server = native::Server::new().data("products.txt", b"scanner\nguard\n");
//! server.run(|| {
//!     assert!(knows("guard"));
//!     assert_eq!(data::list()[0].size, 14);
//! });
//! ```

pub use crate::bindings::imports::muster::plugin::data::{DataFailure, DataFile};

#[cfg(target_arch = "wasm32")]
use crate::bindings::imports::muster::plugin::data as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::native::data as host;

/// Bytes that are read at once at most.
pub const MOST_PART: u32 = 1 << 20;

/// All of them, sorted by name.
///
/// ```
/// use muster_sdk::{data, native::Server};
///
/// let mut server = Server::new().data("b", b"2").data("a", b"1");
/// server.run(|| assert_eq!(data::list()[0].name, "a"));
/// ```
pub fn list() -> Vec<DataFile> {
    host::list_files()
}

/// A whole file. Read a large one in parts, or it takes that much of the plug-in's memory.
///
/// ```
/// use muster_sdk::{data, native::Server};
///
/// Server::new().data("a", b"12").run(|| assert_eq!(data::read("a").unwrap(), b"12"));
/// ```
pub fn read(name: &str) -> Result<Vec<u8>, DataFailure> {
    let mut bytes = Vec::new();
    loop {
        let part = host::read(name, bytes.len() as u64, MOST_PART)?;
        if part.is_empty() {
            return Ok(bytes);
        }
        bytes.extend(part);
    }
}

/// A part of a file: so many bytes from an offset on, at most [`MOST_PART`]. Fewer come at the
/// file's end, none beyond it.
///
/// ```
/// use muster_sdk::{data, native::Server};
///
/// Server::new().data("a", b"12").run(|| assert_eq!(data::read_part("a", 1, 9).unwrap(), b"2"));
/// ```
pub fn read_part(name: &str, offset: u64, length: u32) -> Result<Vec<u8>, DataFailure> {
    host::read(name, offset, length)
}

/// Puts a file into the component, under a name; the path is seen from the source file, as by
/// `include_bytes!`. Natively it does nothing.
///
/// ```
/// muster_sdk::data_file!("data.rs", "data.rs");
/// ```
#[macro_export]
macro_rules! data_file {
    ($name:literal, $path:literal) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            #[used]
            #[unsafe(link_section = concat!("muster:data/", $name))]
            static FILE: [u8; include_bytes!($path).len()] = *include_bytes!($path);
        };
    };
}
