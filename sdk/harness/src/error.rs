//! Why something could not be asked, or got no answer.

use muster_domain::finding::Finding;
use muster_plugin_host::{CallError, LoadError};
use std::path::PathBuf;

/// Why the harness could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder for compiled code could not be made.
    #[error("no folder could be made for compiled code; is the temporary folder full?")]
    Folder(#[source] std::io::Error),
    /// The plug-in host could not start.
    #[error(transparent)]
    Host(#[from] muster_plugin_host::StartError),
}

/// Why a component could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file could not be read.
    #[error("cannot read the component {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
    /// It did not pass the gate; a server would refuse it likewise.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The machine has no thread or memory left for it.
    #[error("the component could not be loaded by this machine: {0}")]
    Machine(String),
}

/// Why a question to a plug-in got no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The plug-in gave no usable answer: the limit that it broke, the trap with the functions that
    /// led to it, or what is wrong with the answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// No plug-in would ever be asked: these are no settings.
    #[error("these are no settings: {}", .0.text)]
    Settings(Finding),
    /// It has no such task type.
    #[error("the plug-in has no task type {asked:?}; it has {known}")]
    TaskType {
        /// What was asked for.
        asked: String,
        /// Those that it has.
        known: String,
    },
    /// The plug-in gave the wrong number of answers.
    #[error("the plug-in gave no answer")]
    Nothing,
}
