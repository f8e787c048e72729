//! Tasks.

use crate::problem::FindingView;
use jiff::Timestamp;
use muster_domain::device::DeviceKind;
use muster_domain::scope::Membership;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A task.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TaskView {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The application that it is for.
    pub application: String,
    /// Whether that application has a loaded plug-in. Without one the task cannot be changed or
    /// started.
    pub plugin_loaded: bool,
    /// The task type.
    pub task_type: String,
    /// Where it is done.
    pub scope: ScopeView,
    /// Seconds after which a device stops it.
    pub time_limit: u32,
    /// Its newest revision.
    pub revision: u32,
    /// The settings of that revision.
    pub settings: Value,
    /// When it starts by itself; null if only a person starts it.
    pub schedule: Option<Value>,
    /// How its runs go out; null if to all devices at once.
    #[serde(default)]
    pub rollout: Option<Value>,
    /// The version of the schema that the settings follow.
    pub schema_version: u32,
    /// Warnings and notices of the plug-in about them.
    pub findings: Vec<FindingView>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Who created it.
    pub created_by: String,
    /// When the newest revision was made.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
    /// Who made it.
    pub changed_by: String,
    /// Where it came from.
    #[serde(default)]
    pub origin: OriginView,
    /// Its latest run, if it ever ran.
    pub last_run: Option<i64>,
    /// Whether it takes something away, so that it starts only in a revision that a second administrator
    /// approved.
    #[serde(default)]
    pub destructive: bool,
    /// Who approved its newest revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub approved_at: Option<Timestamp>,
}

/// A task is approved.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskApprove {
    /// The revision that was looked at. Refused with 409 if there is a newer one.
    pub revision: u32,
}

/// Where a task is done: what the server tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ScopeView {
    /// One device.
    Local {
        /// The device.
        device: u32,
    },
    /// The devices of a group.
    Group {
        /// The group.
        group: i64,
        /// Its path.
        path: String,
        /// With the groups below it.
        subgroups: bool,
        /// Groups left out, each with all below it.
        excluded: Vec<i64>,
        /// Devices of this kind alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, example = "workstation")]
        only: Option<DeviceKind>,
        /// Whose a run is.
        #[serde(default)]
        #[schema(value_type = String, example = "fixed")]
        membership: Membership,
    },
    /// A list of devices.
    Global {
        /// The devices.
        devices: Vec<u32>,
    },
    /// The devices that a selection means.
    Selection {
        /// The selection.
        selection: i64,
        /// Its name.
        name: String,
        /// Whose a run is.
        #[serde(default)]
        #[schema(value_type = String, example = "fixed")]
        membership: Membership,
    },
}

/// Where a task is to be done. Devices and groups are given by number or by name (`7`,
/// `pc-7`; `2`, `/Office`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ScopeRequest {
    /// One device.
    Local {
        /// The device.
        device: String,
    },
    /// The devices of a group.
    Group {
        /// The group.
        group: String,
        /// With the groups below it; true if left out.
        #[serde(default = "yes")]
        subgroups: bool,
        /// Groups left out, each with all below it.
        #[serde(default)]
        excluded: Vec<String>,
        /// Devices of this kind alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, example = "workstation")]
        only: Option<DeviceKind>,
        /// Whose a run is; `fixed` if left out.
        #[serde(default, skip_serializing_if = "is_fixed")]
        #[schema(value_type = String, example = "fixed")]
        membership: Membership,
    },
    /// A list of devices.
    Global {
        /// The devices, at least one.
        devices: Vec<String>,
    },
    /// The devices that a saved selection means, by its number or name.
    Selection {
        /// The selection.
        selection: String,
        /// Whose a run is; `fixed` if left out.
        #[serde(default, skip_serializing_if = "is_fixed")]
        #[schema(value_type = String, example = "fixed")]
        membership: Membership,
    },
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks with a reference"
)]
fn is_fixed(membership: &Membership) -> bool {
    *membership == Membership::Fixed
}

fn yes() -> bool {
    true
}

/// A task to be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskCreate {
    /// Its name: 1 to 100 characters.
    pub name: String,
    /// The application that it is for.
    pub application: String,
    /// The task type.
    pub task_type: String,
    /// Where it is to be done.
    pub scope: ScopeRequest,
    /// Its settings: an object as the task type's schema says; `{}` if left out.
    #[serde(default)]
    pub settings: Option<Value>,
    /// Seconds after which a device stops it; the task type's own limit if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<u32>,
    /// When it is to start by itself; only when a person starts it if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Value>,
    /// How its runs are to go out, wave by wave; to all devices at once if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Value>,
    /// JSON Pointers into the settings, to what looks like a secret and is none. That it was said is
    /// recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_plain: Vec<String>,
}

/// What may be changed of a task. What is left out stays. New settings make a new revision; a run
/// under way goes on with the revision that it began with.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskChange {
    /// The revision that the change was made on. Refused with 409 if there is a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// Another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Other settings, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Value>,
    /// Another time limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<u32>,
    /// Another schedule, whole; null takes it away.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schema(value_type = Option<Value>)]
    pub schedule: Option<Option<Value>>,
    /// Another rollout, whole; null takes it away.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schema(value_type = Option<Value>)]
    pub rollout: Option<Option<Value>>,
    /// JSON Pointers into the settings, to what looks like a secret and is none. That it was said is
    /// recorded, and holds as long as the value stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_plain: Vec<String>,
}

/// Tells what is null from what is left out.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether it is there, the inner one what it is"
)]
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<Value>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// A task is to be as it was.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskRollback {
    /// The revision whose settings, schedule and rollout it gets.
    pub revision: u32,
}

/// A copy of a task is wanted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskCopy {
    /// The copy's name; `Copy of …` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The copy's scope; the same if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopeRequest>,
}

/// One revision of a task.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TaskRevisionView {
    /// Its number.
    pub number: u32,
    /// The settings.
    pub settings: Value,
    /// When it starts by itself; null if only a person starts it.
    pub schedule: Option<Value>,
    /// How its runs go out; null if to all devices at once.
    #[serde(default)]
    pub rollout: Option<Value>,
    /// The version of the schema that the settings follow.
    pub schema_version: u32,
    /// The revision that they were made of, or that came back, when the plug-in changed; none where
    /// somebody set them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrated_from: Option<u32>,
    /// The plug-in that found them valid.
    pub plugin: String,
    /// Its warnings and notices.
    pub findings: Vec<FindingView>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// Where it came from.
    #[serde(default)]
    pub origin: OriginView,
}

/// Where a revision of a task came from. What is not known is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OriginView {
    /// By what way: `create`, `change`, `copy`, `import`, `apply`, `roll-back`, `migration` by a plug-in, or
    /// `device`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<String>,
    /// The address that the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The program that made the request, as it names itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Why, in the words of whoever made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}
