//! Maintenance windows and blackouts.

use crate::problem::FindingView;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WindowView {
    /// Its number.
    pub id: i64,
    /// It holds for the devices of this group and of those below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<i64>,
    /// Or for the devices of this selection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<i64>,
    /// The path of the group, or the name of the selection.
    pub of: String,
    /// The window: `name`, `kind` (`maintenance` or `blackout`), `opens`, `minutes`, `zone`.
    pub window: Value,
    /// The earliest moments at which it opens from now on, at most five, in UTC where it goes by the
    /// clock of each device.
    #[schema(value_type = Vec<String>)]
    pub next: Vec<Timestamp>,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
    /// Who changed it.
    pub changed_by: String,
    /// Warnings about it; only in the answer to who wrote it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingView>,
}

/// A window to be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowCreate {
    /// The group, by number or path; the root, and so every device, if neither is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The selection, by number or name, in place of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<String>,
    /// The window.
    pub window: Value,
}

/// What may be changed of a window. What is left out stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowChange {
    /// Another group, by number or path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// A selection, by number or name, in place of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<String>,
    /// Another window, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Value>,
}
