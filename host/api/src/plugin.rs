//! Management plug-ins.

pub mod call;
pub mod health;

use crate::trust::PluginTrustView;
use jiff::Timestamp;
use muster_domain::application::{Mark, Needs, TaskKind};
use muster_domain::event::Severity;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A management plug-in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PluginView {
    /// The application that it speaks for.
    pub application: String,
    /// The application's name.
    pub name: String,
    /// Who makes it.
    pub vendor: String,
    /// The plug-in's version.
    pub version: String,
    /// The application's versions that it manages.
    pub manages: String,
    /// Digest of the component.
    pub digest: String,
    /// `active`, `failed` (it would be, and could not be loaded), `quarantined` (it would be, and was
    /// put aside for its faults, or because it was revoked) or `removed`; `ready` in the answer to an
    /// install that waits.
    pub state: String,
    /// For `failed`, `quarantined` and what waits: the kind of reason, such as `revoked`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether it is being compiled for this version of the server, and cannot be asked until then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compiling: bool,
    /// Whether it would be at work, and is not loaded because the server runs in safe mode.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub safe_mode: bool,
    /// Who signed it, or on what other ground it was admitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<PluginTrustView>,
    /// Bytes of the component.
    pub size: u64,
    /// When it was installed.
    #[schema(value_type = String, format = DateTime)]
    pub installed_at: Timestamp,
    /// Who installed it.
    pub installed_by: String,
    /// In the answer to an install from a registry: the reference that names this release for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// In the answer to an install that waits for somebody's word: what it would mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<crate::plan::PlanView>,
    /// Its task types.
    pub task_types: Vec<TaskTypeView>,
}

/// Where the server is to have a plug-in from.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginSource {
    /// `oci://registry/name:tag@sha256:…`, with a tag, a digest, or both. Credentials for registries
    /// are the server's own and never in a request.
    pub source: String,
}

/// A task type of a plug-in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TaskTypeView {
    /// Its id.
    pub id: String,
    /// For people.
    pub title: String,
    /// What a task of this type does.
    pub summary: String,
    /// `server`, `local`, `group`, `global`.
    #[schema(value_type = Vec<String>)]
    pub kinds: Vec<TaskKind>,
    /// JSON Schema 2020-12 of the settings.
    pub settings_schema: Value,
    /// The schema's version.
    pub schema_version: u32,
    /// Settings that are valid.
    pub examples: Vec<ExampleView>,
    /// `running`, `installed` or `nothing`: what the application must be before a task starts.
    #[schema(value_type = String)]
    pub needs: Needs,
    /// `exclusive`, `destructive`, `one-of-a-kind`.
    #[schema(value_type = Vec<String>)]
    pub marks: Vec<Mark>,
    /// Seconds after which a device stops it.
    pub time_limit: u32,
    /// The events that it may raise.
    pub event_types: Vec<EventTypeView>,
}

/// Valid settings, as an example.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExampleView {
    /// For people.
    pub title: String,
    /// The settings.
    pub settings: Value,
}

/// An event that a task type may raise.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventTypeView {
    /// Its id; the event's kind is `application.` and this.
    pub id: String,
    /// For people.
    pub title: String,
    /// `info`, `warning` or `critical`.
    #[schema(value_type = String)]
    pub severity: Severity,
    /// JSON Schema 2020-12 of its fields.
    pub fields_schema: Value,
}

/// What the removal of a plug-in leaves without one.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PluginRemovedView {
    /// The application.
    pub application: String,
    /// Tasks that stay listed and cannot be started until a plug-in is back.
    pub tasks: u64,
}

/// Something that a plug-in asks for: a capability, or a higher limit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AskView {
    /// `files`, `clock`, `random`, or a limit: `memory`, `validate-time`, `batch-time`.
    pub name: String,
    /// For a limit: how much it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u32>,
    /// For a limit: `MiB` or `ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Why, in its vendor's words.
    pub reason: String,
    /// `granted`, `denied`, or `open` while nothing was said.
    pub word: String,
    /// For a limit that is granted: how much of it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted: Option<u32>,
    /// When it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub said_at: Option<Timestamp>,
    /// Who said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_by: Option<String>,
}

/// Words to what a plug-in asks for. They hold from its next call on.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantsChange {
    /// What is granted: `files`, or `memory=128` for less than it asks for.
    #[serde(default)]
    pub grant: Vec<String>,
    /// What is denied, or withdrawn.
    #[serde(default)]
    pub deny: Vec<String>,
}

impl From<&muster_domain::application::TaskType> for TaskTypeView {
    fn from(of: &muster_domain::application::TaskType) -> Self {
        Self {
            id: of.id.to_string(),
            title: of.title.clone(),
            summary: of.summary.clone(),
            kinds: of.kinds.clone(),
            settings_schema: of.settings_schema.clone(),
            schema_version: of.schema_version,
            examples: of
                .examples
                .iter()
                .map(|example| ExampleView {
                    title: example.title.clone(),
                    settings: example.settings.to_value(),
                })
                .collect(),
            needs: of.needs,
            marks: of.marks.clone(),
            time_limit: of.time_limit,
            event_types: of
                .event_types
                .iter()
                .map(|event| EventTypeView {
                    id: event.id.to_string(),
                    title: event.title.clone(),
                    severity: event.severity,
                    fields_schema: event.fields_schema.clone(),
                })
                .collect(),
        }
    }
}
