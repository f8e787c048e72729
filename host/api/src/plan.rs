//! Revisions of plug-ins, and the plans for putting one to work.

use crate::plugin::{AskView, PluginView};
use crate::problem::FindingView;
use crate::trust::PluginTrustView;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A revision of a plug-in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RevisionView {
    /// The application that it speaks for.
    pub application: String,
    /// Digest of the component.
    pub digest: String,
    /// The plug-in's version.
    pub version: String,
    /// `ready`, `shadow`, `active`, `failed`, `quarantined`, `superseded` or `removed`.
    pub state: String,
    /// For `failed` and `quarantined`, and for `ready` with `plugin-asks`: the kind of reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who signed it, or on what other ground it was admitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<PluginTrustView>,
    /// Why it is no longer trusted, if it was revoked or the trust store cannot be read. It cannot be put
    /// to work, and is asked nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<String>,
    /// Bytes of the component.
    pub size: u64,
    /// When it was installed.
    #[schema(value_type = String, format = DateTime)]
    pub installed_at: Timestamp,
    /// Who installed it.
    pub installed_by: String,
    /// When it came into its state.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
    /// For `shadow`: how its answers compare, since it became one or the server started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowView>,
}

/// How a shadow's answers compare to those that counted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ShadowView {
    /// Of `validate`, by call.
    pub validate: ComparisonView,
    /// Of `translate`, by profile.
    pub translate: ComparisonView,
}

/// How answers compare.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ComparisonView {
    /// The same.
    pub same: u64,
    /// Another.
    pub different: u64,
    /// None: the shadow failed.
    pub failed: u64,
    /// Not asked, as the shadow was busy.
    pub dropped: u64,
}

/// A component that is in the gate, or that the gate refused.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UploadView {
    /// Digest of the component.
    pub digest: String,
    /// `uploaded`, `verified`, `compiled` or `refused`.
    pub state: String,
    /// The application that it says it is for, if it got to say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// For `refused`: the kind of reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// For `refused`: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Bytes.
    pub size: u64,
    /// When it came in.
    #[schema(value_type = String, format = DateTime)]
    pub uploaded_at: Timestamp,
    /// Who brought it.
    pub uploaded_by: String,
}

/// What putting a revision to work would mean, or meant.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    /// Names the plan and the state that it was made on.
    pub id: String,
    /// The application.
    pub application: String,
    /// The revision that has the application's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// How it stands: `active`; or `failed` or `quarantined`, and then no task can be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_state: Option<String>,
    /// Why it is trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_trust: Option<PluginTrustView>,
    /// The revision that would have it.
    pub to: String,
    /// Why that one is trusted.
    pub trust: PluginTrustView,
    /// Whether nobody who signed the one in place signed that one. It is not clean then.
    pub signer_changed: bool,
    /// What that one asks for, and what was said to it. While one is `open` it cannot be put to work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<AskView>,
    /// Whether its version is lower.
    pub downgrade: bool,
    /// Whether nothing changes on any device, every task stays valid, and the same vendor signed it.
    /// Where nothing can be compared: whether every task is valid, and every device is served.
    /// Tasks without devices are no obstacle, if they are valid.
    pub clean: bool,
    /// How many tasks there are of each `effect`.
    #[serde(default)]
    pub effects: BTreeMap<String, u64>,
    /// Each task.
    pub tasks: Vec<TaskPlanView>,
}

/// What it would mean for a task.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TaskPlanView {
    /// The task.
    pub task: i64,
    /// Its name.
    pub name: String,
    /// Its type.
    pub task_type: String,
    /// The revision of the task that was looked at.
    pub revision: u32,
    /// `identical`, `migrated` (its settings are written anew, devices get the same), `changed`
    /// (devices get something else), `no-devices` (its settings are valid, and brought up to date if
    /// `settings` says so; no device in its scope has the application, so nothing was translated),
    /// `uncompared` (it is valid, and nobody can tell what devices got before) or `invalid`.
    pub effect: String,
    /// The revision of the task whose settings come back, if any do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restores: Option<u32>,
    /// What changes in its settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<ChangeView>,
    /// What the revision finds in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingView>,
    /// Profiles whose devices get something else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<ProfilePlanView>,
    /// How many there are beyond those.
    #[serde(default)]
    pub more_profiles: u32,
    /// A word for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// For `uncompared`: why. Its profiles are then those that are not supported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncompared: Option<String>,
}

/// What changes for the devices of a profile.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProfilePlanView {
    /// `linux`, …
    pub platform: String,
    /// `x86_64`, …
    pub architecture: String,
    /// Of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_version: Option<String>,
    /// The facts that the plug-in reads.
    #[schema(value_type = Vec<Vec<String>>)]
    pub facts: Vec<(String, Option<String>)>,
    /// Devices of the task that have it.
    pub devices: u64,
    /// `kept`, `gained` or `lost`.
    pub support: String,
    /// What changes in the command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<ChangeView>,
    /// Why it is not supported, before or after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangeView {
    /// JSON Pointer to what differs.
    pub pointer: String,
    /// What was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// How a revision is to be put to work.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevisionActivate {
    /// The id of the plan that was looked at and is meant. Without one, only a clean plan will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Also if its version is lower than that at work.
    #[serde(default)]
    pub allow_downgrade: bool,
}

/// Which revision is to come back.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginRollback {
    /// Its digest; the one that was at work last, if none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// What came of putting a revision to work.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ActivatedView {
    /// The plug-in.
    pub plugin: PluginView,
    /// What it meant for tasks and devices.
    pub plan: PlanView,
}

/// What the removal of a plug-in would leave without one.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RemovalView {
    /// The application.
    pub application: String,
    /// Tasks that could not be changed or started.
    pub tasks: u64,
    /// Devices in their scopes.
    pub devices: u64,
    /// Runs under way.
    pub runs: u64,
}
