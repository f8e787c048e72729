//! Calls of plug-ins, whole: exported from one server, to be made again by the plug-in's author.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What a plug-in was asked, and of which component. The same call gets the same answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PluginCallView {
    /// The form of this object: 1.
    pub format: u32,
    /// Digest of the component.
    pub digest: String,
    /// The application that it speaks for.
    pub application: String,
    /// The plug-in's version.
    pub version: String,
    /// Whether the same call gets the same answer. One that may use the time, random bytes or files
    /// of its own need not answer alike.
    pub pure: bool,
    /// `validate`, `translate`, `interpret` or `migrate`.
    pub function: String,
    /// The task type.
    pub task_type: String,
    /// Which version of the schema the settings follow.
    pub schema_version: u32,
    /// The settings, without what their schema marks as secret.
    pub settings: Value,
    /// Where something was taken out of the settings, as JSON Pointers. Such a call may be answered in
    /// another way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// For `translate`: what the plug-in was told of the devices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<Value>,
    /// For `interpret`: what the devices reported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<Value>,
    /// What the call may use.
    pub limits: PluginCallLimits,
}

/// What a call may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginCallLimits {
    /// Bytes of memory.
    pub memory: u64,
    /// Milliseconds.
    pub time: u64,
}

impl PluginCallView {
    /// The form that this version writes and reads.
    pub const FORMAT: u32 = 1;
}
