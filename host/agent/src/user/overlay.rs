//! Overlay: what the device goes by where its user wants something else than the server assigned.
//!
//! Name, schedule and time limit hold at once. Settings have to be put into the device's terms by the
//! server first: they are shown, and the command stays what it is until then. An edit stands over
//! the assignment until the server has refused it, or has assigned a version that it is in.

use crate::store::edit::{self, Asked};
use crate::store::{StoreError, assignment};
use jiff::Timestamp;
use muster_agent_protocol::assignment::Assigned;
use muster_domain::TaskId;
use muster_domain::merge::with;
use muster_domain::schedule::{Schedule, When};
use muster_domain::user::{Content, Edit, EditOutcome, content};
use serde_json::Value;
use sqlx::SqliteConnection;

/// Makes what a task goes by anew, of what the server assigned and what the user wants.
pub(crate) async fn overlay(at: &mut SqliteConnection, task: TaskId) -> Result<(), StoreError> {
    let Some(kept) = assignment::find(at, task).await? else {
        return Ok(());
    };
    let edits = edit::of_task(at, task).await?;
    let (assigned, dropped) = match &kept.told {
        Some(told) => laid_over(told, &edits),
        None => (None, false),
    };
    assignment::set_own(at, task, assigned.as_ref(), dropped).await
}

/// What holds of a task, and whether the user deleted it.
pub(crate) fn laid_over(told: &Assigned, edits: &[Asked]) -> (Option<Assigned>, bool) {
    let mut now = told.clone();
    let mut dropped = false;
    for edit in edits.iter().filter(|edit| stands(edit, told)) {
        match &edit.asked.edit {
            Edit::Change { changes, .. } => {
                let wanted = with(&content_of(&now), changes);
                if let Some(wanted) = wanted.ok().and_then(|all| Content::read(&all).ok()) {
                    now = changed(now, wanted, edit.made_at);
                }
            }
            Edit::Delete { .. } => dropped = true,
            Edit::Create(_) => {}
        }
    }
    (Some(now), dropped)
}

/// Whether an edit is not in what the server assigned, and may come to be.
fn stands(edit: &Asked, told: &Assigned) -> bool {
    let version = told.local.as_ref().map_or(0, |local| local.version);
    match &edit.outcome {
        None => true,
        Some(EditOutcome::Taken { .. }) => edit.version.is_some_and(|in_it| in_it > version),
        Some(_) => false,
    }
}

/// A task that the server assigned, as its user edits it.
pub(crate) fn content_of(assigned: &Assigned) -> Value {
    let schedule = Some(&assigned.schedule).filter(|schedule| schedule.when != When::Manual);
    let empty = muster_domain::settings::Settings::empty();
    let settings = assigned.local.as_ref().map(|local| &local.settings);
    content(
        &assigned.task_name,
        assigned.time_limit,
        schedule,
        settings.unwrap_or(&empty),
    )
}

fn changed(mut assigned: Assigned, wanted: Content, at: Timestamp) -> Assigned {
    let schedule = wanted
        .schedule
        .unwrap_or_else(|| Schedule::new(When::Manual));
    if schedule != assigned.schedule {
        // What came due before is no matter of the new schedule's.
        assigned.since = assigned.since.max(at);
        assigned.schedule = schedule;
    }
    assigned.task_name = wanted.name;
    assigned.time_limit = wanted.time_limit;
    if let Some(local) = &mut assigned.local {
        local.settings = wanted.settings;
    }
    assigned
}
