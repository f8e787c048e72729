//! What devices' users may do with tasks, and what they asked for.

use crate::problem::FindingView;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a group says of its devices' users, and what those may do by it and by the groups above.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct UserPolicyView {
    /// What the group says of local tasks of their own; null if it says nothing.
    pub tasks: Option<bool>,
    /// What it says of starting and stopping an administrator's tasks; null if it says nothing.
    pub starts: Option<bool>,
    /// Whether they may create, change and delete local tasks.
    pub may_manage: bool,
    /// Whether they may start and stop an administrator's tasks.
    pub may_start: bool,
}

/// What a group says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserWord {
    /// They may.
    Allow,
    /// They may not.
    Deny,
    /// What the group above says.
    Inherit,
}

/// What a group is to say of its devices' users. What is left out stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPolicyChange {
    /// Of local tasks of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<UserWord>,
    /// Of starting and stopping an administrator's tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<UserWord>,
}

/// Something that a device's user asked of a task, and what became of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UserEditView {
    /// Its name, the same on the device.
    pub id: String,
    /// The device.
    pub device: u32,
    /// The user, by the name on the device.
    pub user: String,
    /// What was asked for; null if it was too much to be kept. What stood in settings that were refused
    /// is not kept.
    #[schema(value_type = Object)]
    pub edit: serde_json::Value,
    /// When, by the device's clock.
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// When the server heard of it.
    #[schema(value_type = String, format = DateTime)]
    pub came_at: Timestamp,
    /// `waiting`, `accepted`, `merged`, `lost` or `refused`.
    pub state: String,
    /// Why nothing of it holds, if so.
    pub reason: Option<String>,
    /// The user's values that an administrator's took the place of.
    pub lost: Vec<LostView>,
    /// What is wrong with it, if it was refused.
    pub findings: Vec<FindingView>,
}

/// A value of a device's user that an administrator's took the place of.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LostView {
    /// The field, a JSON Pointer into the task; empty for the whole.
    pub pointer: String,
    /// What the user wanted; null if it was to be taken out.
    #[schema(value_type = Option<Object>)]
    pub user: Option<serde_json::Value>,
    /// What stands there.
    #[schema(value_type = Option<Object>)]
    pub administrator: Option<serde_json::Value>,
}
