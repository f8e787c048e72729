//! Compiling, in a child process of the same program.

use crate::fault::Fault;
use std::ffi::OsString;
use std::path::PathBuf;

#[cfg(feature = "compiler")]
pub(crate) mod child;

/// How the compiling child is started: a program that calls [`crate::compile_child_main`].
#[derive(Debug, Clone)]
pub struct Compiler {
    /// The program, usually `std::env::current_exe()`.
    pub program: PathBuf,
    /// What it is told, so that it compiles: `["compile-component"]`.
    pub arguments: Vec<OsString>,
}

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The compiler refuses it.
    #[error("the compiler refuses it: {0}")]
    Refused(String),
    /// It takes longer than it may.
    #[error(
        "compiling took more than {seconds} s, the most that it may (plug-ins.compile.time, processor-time)"
    )]
    TimedOut {
        /// The limit.
        seconds: u32,
    },
    /// It takes more memory than it may.
    #[error(
        "compiling took more than {mebibytes} MiB, the most that it may (plug-ins.compile.memory)"
    )]
    OutOfMemory {
        /// The limit.
        mebibytes: u32,
    },
    /// The child ended in a way that says nothing of the component.
    #[error("the compiling child ended with {status}: {text}")]
    Crashed {
        /// Its exit status.
        status: String,
        /// What it wrote last.
        text: String,
    },
    /// The child could not be started, or its result could not be kept.
    #[error("could not {what}")]
    Io {
        /// What was tried, on which thing.
        what: String,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
}

impl CompileError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Refused(_) | Self::TimedOut { .. } | Self::OutOfMemory { .. } => Fault::Plugin,
            Self::Crashed { .. } | Self::Io { .. } => Fault::Us,
        }
    }
}
