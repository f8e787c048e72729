//! Lines for the server's log; in tests, for standard error. Every plug-in may write them, and none
//! of its answers may depend on it.
//!
//! A server marks each line with the plug-in, its version and the function. A line has at most 4 KiB,
//! a call 64 KiB; `muster plugin run` shows them beside the answer.
//!
//! ```
//! use muster_sdk::log;
//!
//! log::debug("looked at 3 lines");
//! log::warning("the report has lines of a newer scanner");
//! ```

#[cfg(target_arch = "wasm32")]
use crate::bindings::base::muster::plugin::log::{LogLevel, log};

/// What helps to find a fault.
///
/// ```
/// muster_sdk::log::debug("looked at 3 lines");
/// ```
pub fn debug(text: &str) {
    log(LogLevel::Debug, text);
}

/// What was done.
///
/// ```
/// muster_sdk::log::info("the older form of the settings was understood");
/// ```
pub fn info(text: &str) {
    log(LogLevel::Info, text);
}

/// What may be wrong.
///
/// ```
/// muster_sdk::log::warning("the report has lines of a newer scanner");
/// ```
pub fn warning(text: &str) {
    log(LogLevel::Warning, text);
}

/// What is wrong.
///
/// ```
/// muster_sdk::log::error("a table that comes with the plug-in cannot be read");
/// ```
pub fn error(text: &str) {
    log(LogLevel::Error, text);
}

#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug, Clone, Copy)]
enum LogLevel {
    Debug,
    Info,
    Warning,
    Error,
}

#[cfg(not(target_arch = "wasm32"))]
fn log(level: LogLevel, text: &str) {
    // A test shows it if it fails.
    eprintln!("{level:?}: {text}");
}
