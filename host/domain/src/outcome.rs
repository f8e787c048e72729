//! Outcomes: what a report means.

use crate::id::TaskTypeId;
use serde::{Deserialize, Serialize};

/// A device's answer, in the words of the application's maker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    /// How it went.
    pub status: OutcomeStatus,
    /// It takes effect after a restart of the device.
    pub needs_restart: bool,
    /// One sentence.
    pub summary: String,
    /// What happened on the device, as the task type's event types.
    pub events: Vec<OutcomeEvent>,
}

impl Outcome {
    /// An outcome without events.
    pub fn plain(status: OutcomeStatus, summary: impl Into<String>) -> Self {
        Self {
            status,
            needs_restart: false,
            summary: summary.into(),
            events: Vec::new(),
        }
    }
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeStatus {
    /// It was done.
    Succeeded,
    /// It was done, and somebody should look.
    Warning,
    /// It was not done.
    Failed,
}

/// Something that happened on a device, told by an outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OutcomeEvent {
    /// One of the task type's event types.
    pub event_type: TaskTypeId,
    /// One sentence.
    pub text: String,
    /// An object, as the event type's schema says.
    pub fields: serde_json::Value,
}
