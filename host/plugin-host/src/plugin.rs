//! A loaded plug-in, in the words of the domain: all that the rest of the host sees.

use crate::CallError;
use muster_domain::application::Description;
use muster_domain::command::Command;
use muster_domain::finding::Finding;
use muster_domain::outcome::Outcome;
use muster_domain::profile::ProfileCount;
use muster_domain::report::Report;
use muster_domain::settings::Settings;
use muster_domain::{Digest, TaskTypeId};
use std::sync::Arc;

/// Why a plug-in has no command for a profile. It is an answer, not a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The application cannot do such a task on such a device; a sentence for people.
    Unsupported(String),
    /// The settings cannot be used there.
    Invalid(Vec<Finding>),
    /// The plug-in failed at this one profile, and says so.
    Internal(String),
}

/// A plug-in that passed the gate: compiled, linked, described. Cheap to share, and safe to use
/// from many tasks at once; each call gets a fresh instance of it.
#[derive(Debug)]
pub struct Plugin {}

impl Plugin {
    /// The component's SHA-256 digest.
    pub fn digest(&self) -> Digest {
        todo!()
    }

    /// The component's size in bytes.
    pub fn size(&self) -> usize {
        todo!()
    }

    /// What it says of itself, checked.
    pub fn description(&self) -> &Description {
        todo!()
    }

    /// Whether it says what reports mean. If not, [`Report::outcome_by_status`] does.
    pub fn has_interpret(&self) -> bool {
        todo!()
    }

    /// Whether it brings older settings up to date.
    pub fn has_migrate(&self) -> bool {
        todo!()
    }

    /// Checks settings: first by the task type's schema, and only if that finds nothing by the
    /// plug-in itself. An empty list, or one without errors, means that they can be used.
    pub async fn validate(
        self: &Arc<Self>,
        task_type: &TaskTypeId,
        settings: &Settings,
    ) -> Result<Vec<Finding>, CallError> {
        let _ = (task_type, settings);
        todo!()
    }

    /// Puts a task into the terms of each profile: exactly one answer for each, in their order.
    /// Commands are within bounds and their patterns compile.
    pub async fn translate(
        self: &Arc<Self>,
        task_type: &TaskTypeId,
        settings: &Settings,
        profiles: &[ProfileCount],
    ) -> Result<Vec<Result<Command, Refusal>>, CallError> {
        let _ = (task_type, settings, profiles);
        todo!()
    }

    /// Says what reports mean: exactly one outcome for each, in their order. Events are of the
    /// task type's event types and follow their schemas.
    pub async fn interpret(
        self: &Arc<Self>,
        task_type: &TaskTypeId,
        settings: &Settings,
        reports: &[Report],
    ) -> Result<Vec<Outcome>, CallError> {
        let _ = (task_type, settings, reports);
        todo!()
    }

    /// Brings settings of an older schema version to this plug-in's; the inner error holds what
    /// stands against it. What comes back was checked by the schema.
    pub async fn migrate(
        self: &Arc<Self>,
        task_type: &TaskTypeId,
        from_version: u32,
        settings: &Settings,
    ) -> Result<Result<Settings, Vec<Finding>>, CallError> {
        let _ = (task_type, from_version, settings);
        todo!()
    }
}
