//! The cage around the compiling child: what it can still ask of the system.
//!
//! A compiler that a hostile component takes over is to get nowhere. So before the child reads the
//! first byte, the system refuses it all calls but those that computing takes: its own memory and
//! threads, reading what it was given, writing and flushing what it made. No file is opened, no socket made, no
//! program started, no memory made executable. `attempt` tries.

use std::io;

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod filter;

/// Closes the cage around this process, for good. Where the system has no such cage, nothing happens.
pub(super) fn close() -> io::Result<()> {
    // Nothing more is opened, on any system.
    let standard_streams = rustix::process::Rlimit {
        current: Some(3),
        maximum: Some(3),
    };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, standard_streams)?;
    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    filter::close().map_err(|error| {
        io::Error::other(format!(
            "this system does not let the compiling child be caged ({error}); plug-ins.compile.cage = false in the configuration compiles without"
        ))
    })?;
    Ok(())
}
