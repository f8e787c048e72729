//! Security applications, as their management plug-ins describe them.

use crate::id::{ApplicationId, TaskTypeId};
use crate::settings::Settings;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// What a plug-in says of itself and of its application. It was checked by the plug-in host: ids
/// are unique and well formed, schemas compile, examples are valid, texts are within bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The application that the plug-in speaks for.
    pub application: ApplicationId,
    /// The application's name for people.
    pub name: String,
    /// Who makes it.
    pub vendor: String,
    /// The plug-in's own version.
    pub version: semver::Version,
    /// The application's versions that it manages.
    pub manages: semver::VersionReq,
    /// Capabilities that it asks for, beyond `log`.
    pub capabilities: Vec<CapabilityRequest>,
    /// Limits that it asks to have raised.
    pub limits: Vec<LimitRequest>,
    /// At least one.
    pub task_types: Vec<TaskType>,
    /// Names and values beyond this version of the contract.
    pub more: Vec<(String, String)>,
}

impl Description {
    /// The task type of this id.
    pub fn task_type(&self, id: &TaskTypeId) -> Option<&TaskType> {
        self.task_types.iter().find(|task_type| task_type.id == *id)
    }

    /// Whether an application of this version is managed. A version that is not written by
    /// Semantic Versioning (`1.4`, `0.103.8+dfsg`) is filled up or cut to what can be compared;
    /// one without a leading number is managed only by `*`.
    pub fn manages_version(&self, version: &str) -> bool {
        if self.manages == semver::VersionReq::STAR {
            return true;
        }
        comparable_version(version).is_some_and(|version| self.manages.matches(&version))
    }
}

/// The first three numbers of a version, with zeros for those that are missing.
pub(crate) fn comparable_version(text: &str) -> Option<semver::Version> {
    let numbers: Vec<u64> = text
        .split(['.', '-', '+', '~', ' '])
        .map_while(|part| part.parse().ok())
        .take(3)
        .collect();
    let at = |place: usize| numbers.get(place).copied().unwrap_or(0);
    (!numbers.is_empty()).then(|| semver::Version::new(at(0), at(1), at(2)))
}

/// A capability that a plug-in asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapabilityRequest {
    /// Its name, such as `files`.
    pub name: String,
    /// Why, in the vendor's words.
    pub reason: String,
}

/// A limit that a plug-in asks to have raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitRequest {
    /// Which one.
    pub limit: Limit,
    /// MiB for memory, milliseconds for times.
    pub value: u32,
    /// Why, in the vendor's words.
    pub reason: String,
}

/// The limits that a plug-in can ask to have raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// MiB of memory in one call.
    Memory,
    /// Milliseconds for `describe`, `validate` and `migrate`.
    ValidateTime,
    /// Milliseconds for `translate` and `interpret`.
    BatchTime,
}

impl Limit {
    /// All that there are.
    pub const ALL: [Self; 3] = [Self::Memory, Self::ValidateTime, Self::BatchTime];

    /// Its name, as plug-ins and administrators write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::ValidateTime => "validate-time",
            Self::BatchTime => "batch-time",
        }
    }

    /// What it is counted in.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Memory => "MiB",
            Self::ValidateTime | Self::BatchTime => "ms",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One kind of task that an application knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskType {
    /// Unique in its application, and stable.
    pub id: TaskTypeId,
    /// For people.
    pub title: String,
    /// What a task of this type does, in a sentence or two.
    pub summary: String,
    /// In which kinds of task it may be used.
    pub kinds: Vec<TaskKind>,
    /// JSON Schema 2020-12 of the settings.
    pub settings_schema: Value,
    /// The schema's version, counted up from 1.
    pub schema_version: u32,
    /// Settings that are valid, with a title each.
    pub examples: Vec<Example>,
    /// The device facts that a translation depends on.
    pub facts: Vec<String>,
    /// What the application must be before a task starts on a device.
    pub needs: Needs,
    /// Its marks.
    pub marks: Vec<Mark>,
    /// Seconds after which a device stops it, unless the task says otherwise.
    pub time_limit: u32,
    /// The events that it may raise.
    pub event_types: Vec<EventType>,
    /// Names and values beyond this version of the contract.
    pub more: Vec<(String, String)>,
}

impl TaskType {
    /// Whether it carries a mark.
    pub fn is(&self, mark: Mark) -> bool {
        self.marks.contains(&mark)
    }
}

/// The kinds of task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    /// Performed on the Administration Server.
    Server,
    /// For one device.
    Local,
    /// For the devices of a group.
    Group,
    /// For any set of devices.
    Global,
}

/// What the application must be on a device before a task starts there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Needs {
    /// It waits until the application runs, and is stopped when the application stops.
    Running,
    /// Installed is enough.
    Installed,
    /// Nothing at all.
    Nothing,
}

/// What marks a task type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// No other task of the application runs on the device meanwhile.
    Exclusive,
    /// It takes something away; a second administrator must approve it.
    Destructive,
    /// At most one task of this type exists for a device or group.
    OneOfAKind,
}

/// Valid settings, as an example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// For people.
    pub title: String,
    /// The settings.
    pub settings: Settings,
}

/// An event that a task type may raise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventType {
    /// Unique in the task type, and stable.
    pub id: TaskTypeId,
    /// For people.
    pub title: String,
    /// How much it weighs.
    pub severity: crate::event::Severity,
    /// JSON Schema 2020-12 of its fields.
    pub fields_schema: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_the_field_are_compared_by_their_numbers() {
        let of = |text| comparable_version(text).map(|version| version.to_string());
        assert_eq!(of("1.4.6"), Some("1.4.6".into()));
        assert_eq!(of("0.18.3-1+deb12u3"), Some("0.18.3".into()));
        assert_eq!(of("1.4"), Some("1.4.0".into()));
        assert_eq!(of("unknown"), None);
    }
}
