//! Plans: what it would mean for tasks and devices to put another revision of a plug-in to work.

use crate::Digest;
use crate::finding::{Finding, any_error};
use crate::id::{ApplicationId, TaskId, TaskTypeId};
use crate::profile::Profile;
use crate::settings::Settings;
use serde_json::Value;

/// What a revision would mean for every task of its application.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Names the state that the plan was made on and what it says. On another state there is
    /// another plan, with another id.
    pub id: Digest,
    /// The application.
    pub application: ApplicationId,
    /// The revision that is at work now, if one is.
    pub from: Option<Digest>,
    /// The revision that would be.
    pub to: Digest,
    /// Whether its version is lower than that at work.
    pub downgrade: bool,
    /// Each task that was not deleted, by number.
    pub tasks: Vec<TaskPlan>,
}

impl Plan {
    /// Whether nothing changes on any device and every task stays valid.
    pub fn is_clean(&self) -> bool {
        self.tasks
            .iter()
            .all(|task| matches!(task.effect, Effect::Identical | Effect::Migrated))
    }
}

/// What a revision would mean for one task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskPlan {
    /// The task.
    pub task: TaskId,
    /// Its name.
    pub name: String,
    /// Its type.
    pub task_type: TaskTypeId,
    /// The revision of the task that was looked at.
    pub revision: u32,
    /// What it comes to.
    pub effect: Effect,
    /// The settings that become a new revision of the task, if any do.
    pub next: Option<NextSettings>,
    /// What changes in the settings.
    pub settings: Vec<Change>,
    /// What the new revision of the plug-in finds in them.
    pub findings: Vec<Finding>,
    /// Profiles whose devices get something else, at most [`TaskPlan::MOST_PROFILES`].
    pub profiles: Vec<ProfilePlan>,
    /// How many profiles there are beyond those.
    pub more_profiles: u32,
    /// A word for people, such as why older settings could not be brought back.
    pub note: Option<String>,
}

impl TaskPlan {
    /// Profiles that are told in full.
    pub const MOST_PROFILES: usize = 20;

    /// Sets the effect from what was found.
    pub fn conclude(&mut self) {
        self.effect = if any_error(&self.findings) {
            Effect::Invalid
        } else if !self.profiles.is_empty() {
            Effect::Changed
        } else if self.next.is_some() {
            Effect::Migrated
        } else {
            Effect::Identical
        };
    }
}

/// Settings that become a new revision of a task when the plug-in changes.
#[derive(Debug, Clone, PartialEq)]
pub struct NextSettings {
    /// The settings.
    pub settings: Settings,
    /// The version of the schema that they follow.
    pub schema_version: u32,
    /// The task revision whose settings are brought back, if they are not migrated.
    pub restores: Option<u32>,
}

/// What becomes of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing changes.
    Identical,
    /// Its settings are written anew, and its devices get the same as before.
    Migrated,
    /// Devices get something else.
    Changed,
    /// The new revision does not take its settings.
    Invalid,
}

impl Effect {
    /// Stable, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::Migrated => "migrated",
            Self::Changed => "changed",
            Self::Invalid => "invalid",
        }
    }
}

/// What changes for the devices of one profile.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfilePlan {
    /// The profile.
    pub profile: Profile,
    /// Devices of the task that have it.
    pub devices: u64,
    /// How.
    pub support: Support,
    /// What changes in the command.
    pub command: Vec<Change>,
    /// Why it is not supported, by whichever revision does not.
    pub reason: Option<String>,
}

/// Whether a profile is supported, before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// Before and after.
    Kept,
    /// Only after.
    Gained,
    /// Only before.
    Lost,
}

impl Support {
    /// Stable, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Gained => "gained",
            Self::Lost => "lost",
        }
    }
}

/// One difference between two JSON values.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// A JSON Pointer (RFC 6901).
    pub pointer: String,
    /// What was there.
    pub before: Option<Value>,
    /// What is there.
    pub after: Option<Value>,
}

/// Differences that are told of two values.
const MOST_CHANGES: usize = 100;

/// The differences between two JSON values, the smallest parts of them that differ; at most 100.
pub fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(&mut changes, String::new(), Some(before), Some(after));
    changes
}

fn compare(
    changes: &mut Vec<Change>,
    pointer: String,
    before: Option<&Value>,
    after: Option<&Value>,
) {
    if before == after || changes.len() >= MOST_CHANGES {
        return;
    }
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let added = after.keys().filter(|key| !before.contains_key(*key));
            for key in before.keys().chain(added) {
                let step = key.replace('~', "~0").replace('/', "~1");
                let pointer = format!("{pointer}/{step}");
                compare(changes, pointer, before.get(key), after.get(key));
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            for place in 0..before.len().max(after.len()) {
                let pointer = format!("{pointer}/{place}");
                compare(changes, pointer, before.get(place), after.get(place));
            }
        }
        _ => changes.push(Change {
            pointer,
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_told_at_their_smallest() {
        let before = json!({"a": {"b": 1, "c/d": [1, 2]}, "e": true});
        let after = json!({"a": {"b": 1, "c/d": [1, 3, 4]}, "f": null});
        let told: Vec<(String, Option<Value>, Option<Value>)> = changes(&before, &after)
            .into_iter()
            .map(|change| (change.pointer, change.before, change.after))
            .collect();
        assert_eq!(
            told,
            [
                ("/a/c~1d/1".to_owned(), Some(json!(2)), Some(json!(3))),
                ("/a/c~1d/2".to_owned(), None, Some(json!(4))),
                ("/e".to_owned(), Some(json!(true)), None),
                ("/f".to_owned(), None, Some(json!(null))),
            ]
        );
        assert!(changes(&after, &after).is_empty());
        let many: Vec<u32> = (0..1000).collect();
        assert_eq!(changes(&json!([]), &json!(many)).len(), 100);
    }
}
