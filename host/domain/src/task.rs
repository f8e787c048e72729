//! Tasks: what an administrator asked for, with revisions.

use crate::Digest;
use crate::application::Needs;
use crate::event::Actor;
use crate::finding::Finding;
use crate::group::is_name;
use crate::id::{ApplicationId, TaskId, TaskTypeId};
use crate::origin::Origin;
use crate::rollout::Rollout;
use crate::schedule::Schedule;
use crate::scope::Scope;
use crate::settings::Settings;
use jiff::Timestamp;

/// A task as it stands: its newest revision gives the settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its number.
    pub id: TaskId,
    /// Its name; several tasks may share one.
    pub name: String,
    /// The application that it is for.
    pub application: ApplicationId,
    /// What it does.
    pub task_type: TaskTypeId,
    /// Where it is done.
    pub scope: Scope,
    /// Seconds after which a device stops it.
    pub time_limit: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it.
    pub created_by: Actor,
    /// The newest revision.
    pub revision: TaskRevision,
}

/// One state of a task's settings. Revisions are never changed, only added.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRevision {
    /// Counted up from 1 for each task.
    pub number: u32,
    /// The settings.
    pub settings: Settings,
    /// When it starts by itself. Not at all if none.
    pub schedule: Option<Schedule>,
    /// How its runs go out. To all at once if none.
    pub rollout: Option<Rollout>,
    /// The version of the schema that the settings follow.
    pub schema_version: u32,
    /// The plug-in that found them valid.
    pub plugin: Digest,
    /// What the application must be on a device before the task starts there, as the plug-in says.
    pub needs: Needs,
    /// Whether no other task of the application may run on a device meanwhile.
    pub exclusive: bool,
    /// What the plug-in had to say: warnings and notices.
    pub findings: Vec<Finding>,
    /// The revision that these settings were made of when the plug-in changed. None where a person
    /// set them.
    pub migrated_from: Option<u32>,
    /// When they were set.
    pub created_at: Timestamp,
    /// Who set them.
    pub created_by: Actor,
    /// Where that came from.
    pub origin: Origin,
}

/// A task to be.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// 1 to 100 characters.
    pub name: String,
    /// The application that it is for.
    pub application: ApplicationId,
    /// What it does.
    pub task_type: TaskTypeId,
    /// Where it is done.
    pub scope: Scope,
    /// Seconds after which a device stops it; the task type's own limit if none.
    pub time_limit: Option<u32>,
    /// Its settings.
    pub settings: Settings,
    /// When it starts by itself.
    pub schedule: Option<Schedule>,
    /// How its runs go out.
    pub rollout: Option<Rollout>,
}

/// Whether a text may name a task: what may name anything here, without the characters that may not
/// stand in names of files, as tasks are exported under their names.
pub fn is_task_name(text: &str) -> bool {
    is_name(text) && !text.contains(['"', '*', '<', '>', '?', '\\', ':', '|'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_name_a_file_names_no_task() {
        assert!(is_task_name("Nightly scan, 2nd (office)"));
        for name in [
            "a:b", "a*", "\"a\"", "a|b", "what?", "a\\b", "<a", "a>", "", " a",
        ] {
            assert!(!is_task_name(name), "{name}");
        }
        assert!(is_task_name(&"ä".repeat(100)) && !is_task_name(&"ä".repeat(101)));
    }
}
