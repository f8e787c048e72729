//! Why a call to a plug-in gave no answer, and whose fault it was.

use muster_domain::{ApplicationId, TaskTypeId};
use std::fmt;
use std::time::Duration;

/// Whose fault an error is. It picks the HTTP status and the level of the log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Whoever asked: asking otherwise, or later, will do.
    Caller,
    /// The plug-in's maker.
    Plugin,
    /// This server.
    Us,
}

/// The functions that a plug-in can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the contract says what each does")]
pub enum Function {
    Describe,
    Validate,
    Translate,
    Interpret,
    Migrate,
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Describe => "describe",
            Self::Validate => "validate",
            Self::Translate => "translate",
            Self::Interpret => "interpret",
            Self::Migrate => "migrate",
        })
    }
}

/// A call that gave no answer, or none that can be used.
#[derive(Debug, thiserror::Error)]
#[error("the plug-in of {application}, version {version}, gave no usable answer to {function}")]
pub struct CallError {
    /// The plug-in's application.
    pub application: ApplicationId,
    /// The plug-in's own version.
    pub version: semver::Version,
    /// What was asked of it.
    pub function: Function,
    /// What went wrong.
    #[source]
    pub failure: CallFailure,
}

impl CallError {
    /// Whose fault it was.
    pub fn fault(&self) -> Fault {
        self.failure.fault()
    }
}

/// What went wrong in a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallFailure {
    /// Too many calls wait already.
    #[error("{waiting} calls wait already; try again in {} ms", retry_after.as_millis())]
    Busy {
        /// How many calls wait.
        waiting: usize,
        /// When to try again.
        retry_after: Duration,
    },
    /// Its code is being compiled: anew after an upgrade of this server, or because what was there
    /// could not be taken.
    #[error("its code is being compiled for this server; try again in a moment")]
    Compiling,
    /// The description names no such task type.
    #[error("it knows no task type {0}")]
    UnknownTaskType(TaskTypeId),
    /// The plug-in does not have this function.
    #[error("it does not have this function")]
    NotExported,
    /// The guest trapped: a panic, `unreachable`, a division by zero, a call to what is not there.
    #[error("it trapped: {0}")]
    Trapped(String),
    /// The guest ran longer than it may.
    #[error("it was not done after {} ms, the most that it may take", limit.as_millis())]
    TimedOut {
        /// The limit.
        limit: Duration,
    },
    /// The guest was kept from running: its time by the clock was over before its own was.
    #[error(
        "it had {had} ms of a processor in {passed} ms, and may take {} ms; this server is too busy, try again later",
        limit.as_millis()
    )]
    Starved {
        /// What it may take itself.
        limit: Duration,
        /// Milliseconds of a processor that it is known to have had.
        had: u32,
        /// Milliseconds by the clock.
        passed: u32,
    },
    /// The guest asked for more memory than it may have, and gave up.
    #[error("it needs more than {} MiB of memory, the most that it may have", limit >> 20)]
    OutOfMemory {
        /// The limit in bytes.
        limit: usize,
    },
    /// The guest asked for a larger table than it may have, and gave up.
    #[error("it needs a table of more than {limit} elements, the most that it may have")]
    TableTooLarge {
        /// The limit in elements.
        limit: usize,
    },
    /// The guest's calls are nested deeper than its stack.
    #[error("its calls are nested deeper than its stack of {} KiB", limit >> 10)]
    StackOverflow {
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer is larger than an answer may be.
    #[error("its answer is larger than {} MiB, the most that it may be", limit >> 20)]
    AnswerTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The guest answered, and the answer breaks the contract.
    #[error("its answer breaks the contract: {0}")]
    Invalid(String),
    /// The guest says that it failed itself.
    #[error("it says that it failed: {0}")]
    Internal(String),
    /// A call that was repeated got another answer.
    #[error("it gave two answers to one question")]
    Differed,
    /// Our own code panicked while it served the call.
    #[error("the server's own code panicked: {0}")]
    Panicked(String),
    /// The engine refused to run the call, for a reason of its own.
    #[error("the engine could not run the call: {0}")]
    Engine(String),
    /// The host is ending.
    #[error("the server is stopping")]
    Stopping,
}

impl CallFailure {
    /// Whether the server had too much to do: the call was not taken, or kept from running.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Starved { .. })
    }

    /// Whether the same call may well be answered a little later. It says nothing of the plug-in
    /// or of the question, so nothing is to be concluded from it.
    pub fn is_passing(&self) -> bool {
        self.is_busy() || matches!(self, Self::Compiling | Self::Stopping)
    }

    /// Whose fault it was.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Busy { .. }
            | Self::Compiling
            | Self::Starved { .. }
            | Self::UnknownTaskType(_)
            | Self::NotExported => Fault::Caller,
            Self::Trapped(_)
            | Self::TimedOut { .. }
            | Self::OutOfMemory { .. }
            | Self::TableTooLarge { .. }
            | Self::StackOverflow { .. }
            | Self::AnswerTooLarge { .. }
            | Self::Invalid(_)
            | Self::Internal(_)
            | Self::Differed => Fault::Plugin,
            Self::Panicked(_) | Self::Engine(_) | Self::Stopping => Fault::Us,
        }
    }
}
