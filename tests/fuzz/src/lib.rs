//! What fuzzing calls: everything that reads bytes of strangers about plug-ins.
//!
//! A target takes any bytes and must neither panic nor let through what it would not know again: what
//! a reader accepts is written and read once more, and must be the same. The same targets run in two
//! ways: bounded and repeatable by [`bounded`], in the tests and by `cargo xtask fuzz`; and guided by
//! coverage by cargo-fuzz, in `fuzz/`.

pub mod bounded;
mod mutate;
mod random;
mod target;

pub use mutate::mutate;
pub use random::Random;
pub use target::{TARGETS, Target, target};
