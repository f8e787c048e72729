//! What a device's user may do with tasks, and what the user asks for.
//!
//! [`Rights`] are set on groups and inherited down the tree; nothing is allowed where nobody said so. An
//! [`Edit`] is what a user wants of a local task: it holds once the server has taken it, and the server
//! says what became of it with an [`EditOutcome`].

use crate::finding::Finding;
use crate::id::{ApplicationId, TaskId, TaskTypeId};
use crate::merge::{FieldChange, Lost, delta};
use crate::schedule::{Schedule, When};
use crate::settings::Settings;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;

/// What a group says of its devices' users. What is none is inherited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UserPolicy {
    /// Whether they may have local tasks of their own, and change those of their device.
    pub tasks: Option<bool>,
    /// Whether they may start and stop the tasks that an administrator made.
    pub starts: Option<bool>,
}

/// What a device's user may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rights {
    /// Create, change and delete local tasks, and start and stop those of their own.
    pub manage_own: bool,
    /// Start and stop the tasks that an administrator made.
    pub start_stop: bool,
}

impl Rights {
    /// Those of a device by what its group says, and each group above it: the nearest word holds.
    pub fn of(policies: impl IntoIterator<Item = UserPolicy>) -> Self {
        let mut nearest = UserPolicy::default();
        for policy in policies {
            nearest.tasks = nearest.tasks.or(policy.tasks);
            nearest.starts = nearest.starts.or(policy.starts);
        }
        Self {
            manage_own: nearest.tasks.unwrap_or(false),
            start_stop: nearest.starts.unwrap_or(false),
        }
    }

    /// Whether anything is allowed.
    pub fn any(self) -> bool {
        self.manage_own || self.start_stop
    }

    /// Whether a task may be started and stopped: one of the user's own, or one of an administrator.
    pub fn may_start(self, own: bool) -> bool {
        if own {
            self.manage_own
        } else {
            self.start_stop
        }
    }
}

/// Names an edit, on every device and server: 32 hexadecimal digits, drawn by the device.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EditId(String);

impl EditId {
    /// Of a number that nobody else draws.
    pub fn of(number: u128) -> Self {
        Self(format!("{number:032x}"))
    }

    /// As rows and messages have it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

impl fmt::Display for EditId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<EditId> for String {
    fn from(id: EditId) -> Self {
        id.0
    }
}

impl TryFrom<String> for EditId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 32 && text.bytes().all(is_digit) {
            Ok(Self(text))
        } else {
            Err("an edit is named by 32 hexadecimal digits".into())
        }
    }
}

/// What a device's user asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UserEdit {
    /// Its name.
    pub id: EditId,
    /// The user's name on the device.
    pub user: String,
    /// What is asked for.
    pub edit: Edit,
}

/// What is asked for of a local task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "kebab-case")]
pub enum Edit {
    /// A task that is new.
    Create(Box<NewLocalTask>),
    /// Other values in some fields.
    Change {
        /// The task.
        task: EditedTask,
        /// The version of it that the device had from the server.
        base: u32,
        /// What is other than what the user was shown.
        changes: Vec<FieldChange>,
    },
    /// No such task any more.
    Delete {
        /// The task.
        task: EditedTask,
        /// The version of it that the device had from the server.
        base: u32,
    },
}

impl Edit {
    /// The task that it is about, if it is not new.
    pub fn task(&self) -> Option<&EditedTask> {
        match self {
            Self::Create(_) => None,
            Self::Change { task, .. } | Self::Delete { task, .. } => Some(task),
        }
    }

    /// The schedule that it brings, if it brings one.
    pub fn schedule(&self) -> Option<Schedule> {
        let json = match self {
            Self::Create(new) => new.schedule.as_ref(),
            Self::Change { changes, .. } => {
                let changed = |change: &&FieldChange| change.pointer == "/schedule";
                changes.iter().find(changed)?.to.as_ref()
            }
            Self::Delete { .. } => None,
        };
        Some(Schedule::parse(json?).ok()?.0)
    }

    /// The word for what is done.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Change { .. } => "change",
            Self::Delete { .. } => "delete",
        }
    }
}

/// A local task that a device's user asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NewLocalTask {
    /// Its name.
    pub name: String,
    /// The application that it is for.
    pub application: ApplicationId,
    /// What it does.
    pub task_type: TaskTypeId,
    /// Its settings.
    pub settings: Settings,
    /// When it starts by itself; JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Value>,
    /// Seconds; the task type's own limit if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<u32>,
}

/// Which task an edit is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EditedTask {
    /// One that the server has given a number.
    Known(TaskId),
    /// The one that this edit is to create.
    Created(EditId),
}

/// What became of an edit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "became", rename_all = "kebab-case")]
pub enum EditOutcome {
    /// It holds. Some of it may be lost to what an administrator changed meanwhile.
    Taken {
        /// The task.
        task: TaskId,
        /// Its version since then.
        version: u32,
        /// Its revision since then.
        revision: u32,
        /// What the administrator's values took the place of.
        lost: Vec<Lost>,
    },
    /// Nothing of it holds: an administrator changed the same, or deleted the task, meanwhile.
    Lost {
        /// Why, in a sentence.
        reason: String,
        /// What the administrator's values took the place of.
        lost: Vec<Lost>,
    },
    /// It cannot be.
    Refused {
        /// Stable: `not-allowed`, `settings-invalid`, …
        code: String,
        /// Why, in a sentence.
        reason: String,
        /// What is wrong, field by field.
        findings: Vec<Finding>,
    },
}

impl EditOutcome {
    /// The word that rows and people see.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Taken { lost, .. } if lost.is_empty() => "accepted",
            Self::Taken { .. } => "merged",
            Self::Lost { .. } => "lost",
            Self::Refused { .. } => "refused",
        }
    }

    /// What of the edit an administrator's values took the place of.
    pub fn lost(&self) -> &[Lost] {
        match self {
            Self::Taken { lost, .. } | Self::Lost { lost, .. } => lost,
            Self::Refused { .. } => &[],
        }
    }
}

/// A task as both sides edit it: what [`crate::merge`] works on.
pub fn content(
    name: &str,
    time_limit: u32,
    schedule: Option<&Schedule>,
    settings: &Settings,
) -> Value {
    let mut content = json!({ "name": name, "time-limit": time_limit, "settings": settings });
    if let (Some(schedule), Some(object)) = (schedule, content.as_object_mut()) {
        object.insert("schedule".into(), json!(schedule));
    }
    content
}

/// What differs between two states of a task's content. Of the settings place by place; every other field is
/// whole, as its parts mean nothing by themselves.
pub fn changes(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    for field in ["name", "time-limit", "schedule", "settings"] {
        let (from, to) = (before.get(field), after.get(field));
        let pointer = format!("/{field}");
        match (from, to) {
            _ if from == to => {}
            (Some(from), Some(to)) if field == "settings" => {
                changes.extend(delta(from, to).into_iter().map(|change| FieldChange {
                    pointer: pointer.clone() + &change.pointer,
                    ..change
                }));
            }
            (_, to) => changes.push(FieldChange {
                pointer,
                to: to.cloned(),
            }),
        }
    }
    changes
}

/// A task's content in its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// Its name.
    pub name: String,
    /// Seconds.
    pub time_limit: u32,
    /// When it starts by itself.
    pub schedule: Option<Schedule>,
    /// Its settings.
    pub settings: Settings,
}

impl Content {
    /// Reads the parts; everything that is wrong with them, with its place.
    pub fn read(content: &Value) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        let known = ["name", "time-limit", "schedule", "settings"];
        let names = content.as_object().into_iter().flat_map(|all| all.keys());
        for name in names.filter(|name| !known.contains(&name.as_str())) {
            let text = format!("A task has no {name:?}; it has {}.", known.join(", "));
            findings.push(Finding::error("", "change-place", text));
        }
        let name = content.get("name").and_then(Value::as_str);
        if name.is_none() {
            let text = "A task's name is a text.";
            findings.push(Finding::error("/name", "name-invalid", text));
        }
        let time_limit = content.get("time-limit").and_then(Value::as_u64);
        let time_limit = time_limit.and_then(|limit| u32::try_from(limit).ok());
        if time_limit.is_none() {
            let text = "A time limit is a number of seconds.";
            findings.push(Finding::error("/time-limit", "time-limit-invalid", text));
        }
        let schedule = match content.get("schedule") {
            None | Some(Value::Null) => None,
            Some(json) => match Schedule::parse(json) {
                Ok((schedule, _)) => Some(schedule),
                Err(wrong) => {
                    findings.extend(wrong.into_iter().map(|finding| Finding {
                        pointer: format!("/schedule{}", finding.pointer),
                        ..finding
                    }));
                    None
                }
            },
        };
        let settings = match Settings::from_value(content.get("settings").unwrap_or(&Value::Null)) {
            Ok(settings) => settings,
            Err(finding) => {
                findings.push(finding);
                Settings::empty()
            }
        };
        if findings.is_empty() {
            Ok(Self {
                name: name.unwrap_or_default().to_owned(),
                time_limit: time_limit.unwrap_or_default(),
                schedule,
                settings,
            })
        } else {
            Err(findings)
        }
    }
}

/// Whether a device's user may give a task such a schedule: what other devices, tasks and groups do is
/// not the user's to be told.
pub fn may_have(schedule: &Schedule) -> bool {
    schedule.when.is_begun_by_devices() || schedule.when == When::Manual
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(tasks: Option<bool>, starts: Option<bool>) -> UserPolicy {
        UserPolicy { tasks, starts }
    }

    #[test]
    fn nothing_is_allowed_where_nobody_said_so_and_the_nearest_word_holds() {
        assert_eq!(Rights::of([]), Rights::default());
        assert!(!Rights::default().any());
        let nearest = says(None, Some(false));
        let above = says(Some(true), Some(true));
        let rights = Rights::of([nearest, above, says(Some(false), None)]);
        assert!(rights.manage_own && !rights.start_stop);
        assert!(rights.may_start(true) && !rights.may_start(false));
        let starts = Rights::of([says(None, Some(true))]);
        assert!(!starts.may_start(true) && starts.may_start(false));
    }

    #[test]
    fn an_edit_is_named_by_digits_alone() {
        let id = EditId::of(255);
        assert_eq!(id.as_str().len(), 32);
        assert_eq!(EditId::try_from(id.to_string()), Ok(id));
        for wrong in ["", "ff", &"F".repeat(32), &"g".repeat(32)] {
            assert!(EditId::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_content_reads_back_what_it_was_made_of() {
        let schedule = Schedule::new(When::Immediately);
        let settings = Settings::parse(r#"{"a":[1]}"#).unwrap();
        for schedule in [Some(schedule), None] {
            let whole = content("scan", 60, schedule.as_ref(), &settings);
            let read = Content::read(&whole).unwrap();
            assert_eq!(read.schedule, schedule);
            assert_eq!((read.name.as_str(), read.time_limit), ("scan", 60));
            assert_eq!(read.settings, settings);
        }
    }

    #[test]
    fn a_schedule_is_changed_as_a_whole_and_settings_place_by_place() {
        let at =
            |hour: u8| json!({"when": {"every-days": {"from": format!("2027-01-01T{hour}:00")}}});
        let before = json!({"name": "a", "time-limit": 1, "schedule": at(15), "settings": {"x": 1, "y": {"z": 1}}});
        let after = json!({"name": "a", "time-limit": 2, "schedule": at(18), "settings": {"x": 1, "y": {"z": 2}}});
        let changes = changes(&before, &after);
        let places: Vec<_> = changes.iter().map(|one| one.pointer.as_str()).collect();
        assert_eq!(places, ["/time-limit", "/schedule", "/settings/y/z"]);
        assert_eq!(crate::merge::with(&before, &changes).unwrap(), after);
        let edit = Edit::Change {
            task: EditedTask::Known(TaskId(1)),
            base: 1,
            changes,
        };
        assert!(edit.schedule().is_some());
    }

    #[test]
    fn everything_that_is_wrong_with_a_content_is_said_at_once() {
        let wrong = json!({"name": 1, "time-limit": -1, "schedule": {"when": "never"}, "settings": [], "more": 1});
        let findings = Content::read(&wrong).unwrap_err();
        let places: Vec<_> = findings.iter().map(|one| one.pointer.as_str()).collect();
        assert_eq!(places, ["", "/name", "/time-limit", "/schedule/when", ""]);
    }

    #[test]
    fn a_user_waits_for_nothing_of_others() {
        let may = |when: Value| {
            let schedule = Schedule::parse(&json!({ "when": when })).unwrap().0;
            may_have(&schedule)
        };
        for when in [
            json!("manual"),
            json!("immediately"),
            json!({"every-days": {"from": "2027-01-01T18:00"}}),
        ] {
            assert!(may(when));
        }
        assert!(!may(json!({"after-task": {"task": 1}})));
    }
}
