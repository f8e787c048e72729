//! Compiling, in a child process of the same program.
//!
//! A compiler is large, and what it reads is hostile. So it runs apart, within limits on time,
//! memory and output and in a `cage` without files, network and other processes, and only its
//! result comes back: this server never compiles by itself. `child` is the other side.

#[cfg(feature = "compiler")]
mod attempt;
#[cfg(feature = "compiler")]
mod cage;
#[cfg(feature = "compiler")]
pub(crate) mod child;
#[cfg(feature = "author")]
mod here;

use crate::CompileConfig;
use crate::apart::apart;
use crate::capability::log::cut;
use crate::config::mebibytes;
use crate::fault::Fault;
use crate::gentle::write_gently;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Seek};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// What the child is told of its cage.
pub(crate) const CAGED: &str = "caged";
/// What the child is told if it is to have none.
pub(crate) const OPEN: &str = "open";
/// Exit status of a child whose compiler refused the component.
pub(crate) const REFUSED: u8 = 3;
/// MiB of compiled code for each MiB of component, and MiB whatever its size.
const OUTPUT: (usize, usize) = (16, 64);
/// Bytes that are kept of what a child writes to standard error.
const WORDS: u64 = 16 << 10;
/// What an allocator says before it gives up.
const OUT_OF_MEMORY: [&str; 3] = [
    "memory allocation of",
    "Cannot allocate memory",
    "out of memory",
];

/// How the compiling child is started: a program that calls [`crate::compile_child_main`].
#[derive(Debug, Clone)]
pub struct Compiler {
    /// The program, usually `std::env::current_exe()`.
    pub program: PathBuf,
    /// What it is told, so that it compiles: `["compile-component"]`.
    pub arguments: Vec<OsString>,
}

/// Where components are compiled.
#[derive(Debug)]
pub(crate) enum Compiling {
    /// In a child: the only way of a server.
    Apart(Compiler),
    /// In this very process: for an author, who compiles what is the author's own.
    #[cfg(feature = "author")]
    Here,
}

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The compiler refuses it.
    #[error("the compiler refuses it: {0}")]
    Refused(String),
    /// It takes longer than it may.
    #[error(
        "compiling took more than {seconds} s, the most that it may (plug-ins: compile.time, compile.processor-time)"
    )]
    TimedOut {
        /// The limit.
        seconds: u32,
    },
    /// It takes more memory than it may.
    #[error(
        "compiling took more than {mebibytes} MiB, the most that it may (plug-ins: compile.memory)"
    )]
    OutOfMemory {
        /// The limit.
        mebibytes: u32,
    },
    /// The compiled code is larger than it may be.
    #[error("the compiled code is larger than {mebibytes} MiB")]
    OutputTooLarge {
        /// The limit.
        mebibytes: usize,
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
        cause: io::Error,
    },
}

impl CompileError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Refused(_)
            | Self::TimedOut { .. }
            | Self::OutOfMemory { .. }
            | Self::OutputTooLarge { .. } => Fault::Plugin,
            Self::Crashed { .. } | Self::Io { .. } => Fault::Us,
        }
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |cause| Self::Io { what, cause }
    }
}

/// Compiles a component into `output`, which is empty. `folder` takes the component for as long as
/// a child reads it.
pub(crate) async fn compile(
    compiling: &Compiling,
    limits: &CompileConfig,
    folder: &Path,
    component: Arc<[u8]>,
    output: File,
) -> Result<(), CompileError> {
    match compiling {
        Compiling::Apart(compiler) => in_child(compiler, limits, folder, component, output).await,
        #[cfg(feature = "author")]
        Compiling::Here => here::compile(component, output).await,
    }
}

async fn in_child(
    compiler: &Compiler,
    limits: &CompileConfig,
    folder: &Path,
    component: Arc<[u8]>,
    output: File,
) -> Result<(), CompileError> {
    let most_output = mebibytes(1) * (component.len() / mebibytes(1) * OUTPUT.0 + OUTPUT.1);
    let folder = folder.to_owned();
    let hand = move || input_file(&folder, &component);
    let input = apart("handing a component to the compiler", hand).await;
    let input = input.map_err(|error| {
        CompileError::io("hand a component to the compiler")(io::Error::other(error))
    })??;
    let mut child = tokio::process::Command::new(&compiler.program)
        .args(&compiler.arguments)
        .arg(limits.memory.to_string())
        .arg(limits.processor_time.to_string())
        .arg(most_output.to_string())
        .arg(if limits.cage { CAGED } else { OPEN })
        .env_clear()
        // Address space is limited, and each thread takes its share of it.
        .env("RAYON_NUM_THREADS", "4")
        .current_dir("/")
        .stdin(input)
        .stdout(output)
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(CompileError::io(format!(
            "start the compiling child {}",
            compiler.program.display()
        )))?;
    let stderr = child.stderr.take();
    let ending = async {
        let mut words = Vec::new();
        if let Some(mut stderr) = stderr {
            // The rest is read and dropped, so that a talkative child does not stand still.
            (&mut stderr).take(WORDS).read_to_end(&mut words).await?;
            tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await?;
        }
        Ok((
            child.wait().await?,
            String::from_utf8_lossy(&words).into_owned(),
        ))
    };
    let time = Duration::from_secs(limits.time.into());
    match tokio::time::timeout(time, ending).await {
        // The child is killed when it is dropped, here.
        Err(_) => Err(CompileError::TimedOut {
            seconds: limits.time,
        }),
        Ok(Err(cause)) => Err(CompileError::io("wait for the compiling child")(cause)),
        Ok(Ok((status, words))) => judge(status, &words, limits, most_output),
    }
}

fn input_file(folder: &Path, component: &[u8]) -> Result<File, CompileError> {
    let write = || -> io::Result<File> {
        let mut file = tempfile::tempfile_in(folder)?;
        write_gently(&mut file, component)?;
        file.rewind()?;
        Ok(file)
    };
    write().map_err(CompileError::io(format!(
        "hand {} bytes to the compiler in {}",
        component.len(),
        folder.display()
    )))
}

/// What a child's end says.
fn judge(
    status: ExitStatus,
    words: &str,
    limits: &CompileConfig,
    most_output: usize,
) -> Result<(), CompileError> {
    let words = words.trim();
    if status.success() {
        return Ok(());
    }
    if OUT_OF_MEMORY.iter().any(|said| words.contains(said)) {
        return Err(CompileError::OutOfMemory {
            mebibytes: limits.memory,
        });
    }
    if status.code() == Some(REFUSED.into()) {
        return Err(CompileError::Refused(cut(words, 2000).to_owned()));
    }
    let signal = status
        .signal()
        .and_then(rustix::process::Signal::from_named_raw);
    if signal == Some(rustix::process::Signal::XCPU) {
        return Err(CompileError::TimedOut {
            seconds: limits.processor_time,
        });
    }
    if signal == Some(rustix::process::Signal::XFSZ) || words.contains("File too large") {
        return Err(CompileError::OutputTooLarge {
            mebibytes: most_output >> 20,
        });
    }
    Err(CompileError::Crashed {
        status: status.to_string(),
        text: cut(words, 2000).to_owned(),
    })
}
