//! Selections: saved queries over devices.

use crate::problem::FindingView;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A selection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SelectionView {
    /// Its number.
    pub id: i64,
    /// The selection: `name` and `query`.
    pub selection: Value,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
    /// Who changed it.
    pub changed_by: String,
    /// Warnings about it; only in the answer to who wrote it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingView>,
}

/// A selection to be, or one that takes the place of another.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectionWrite {
    /// The selection: `name` and `query`.
    pub selection: Value,
}

/// A query that is to be tried.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectionTry {
    /// The query.
    pub query: String,
}

/// The devices that a query means at this moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SelectionMeant {
    /// How many there are.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// Those of the least numbers, at most 1,000.
    pub devices: Vec<SelectedDevice>,
    /// Warnings about the query, where it was tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingView>,
}

/// A device that is meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SelectedDevice {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The path of its group.
    pub group_path: String,
    /// Whether its link is open.
    pub online: bool,
}
