//! The gate that a component passes to become a plug-in.

use crate::CallFailure;
use crate::compile::CompileError;
use crate::fault::Fault;
use crate::inspect::InspectError;
use muster_domain::Digest;

/// Why a component is no plug-in.
#[derive(Debug, thiserror::Error)]
#[error("component {} cannot be loaded", digest.short())]
pub struct LoadError {
    /// The component.
    pub digest: Digest,
    /// Why.
    #[source]
    pub reason: LoadFailure,
}

/// Why a component is no plug-in.
#[derive(Debug, thiserror::Error)]
pub enum LoadFailure {
    /// The file itself is not what a plug-in is.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// It could not be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// It is built for another contract, or a function has another shape.
    #[error("it does not follow the contract muster:plugin@1: {0}")]
    Contract(String),
    /// It did not describe itself.
    #[error("it did not describe itself")]
    Describe(#[source] CallFailure),
    /// It did not say whether one of its own examples is valid.
    #[error("it did not validate its own example {example:?} of task type {task_type}")]
    Example {
        /// The task type.
        task_type: String,
        /// The example's title.
        example: String,
        /// What went wrong.
        #[source]
        cause: CallFailure,
    },
    /// What it says of itself breaks the contract. One line for each thing, with its place:
    /// `task-types/0/settings-schema/properties/paths: …`.
    #[error("its description breaks the contract: {}", .0.join("; "))]
    Description(Vec<String>),
    /// Something of ours failed.
    #[error("the server failed: {0}")]
    Us(String),
}

impl LoadError {
    /// Whose fault it is: the plug-in's maker's, unless the server failed or is busy.
    pub fn fault(&self) -> Fault {
        match &self.reason {
            LoadFailure::Inspect(_) | LoadFailure::Contract(_) | LoadFailure::Description(_) => {
                Fault::Plugin
            }
            LoadFailure::Compile(error) => error.fault(),
            LoadFailure::Describe(failure) | LoadFailure::Example { cause: failure, .. } => {
                failure.fault()
            }
            LoadFailure::Us(_) => Fault::Us,
        }
    }
}
