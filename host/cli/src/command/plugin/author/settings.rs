//! The settings of a task type as a person meets them: fields with titles, widgets, defaults, limits.
//!
//! Forms and reference pages are both made of it. A schema is the vendor's and may refer to itself, so
//! reading it has an end.

mod schema;
mod widget;

pub(super) use schema::fields;
pub(super) use widget::{Choice, Widget};

use serde::Serialize;
use serde_json::Value;

/// One setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Field {
    /// As `--set` takes it: `archives.max-files`, `rules[].name`.
    pub(super) path: String,
    /// How many groups it lies in.
    #[serde(skip)]
    pub(super) depth: usize,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) widget: Widget,
    /// What it is counted in, if it says so.
    pub(super) unit: Option<String>,
    pub(super) required: bool,
    /// When it is required that is not always.
    pub(super) required_if: Vec<String>,
    pub(super) default: Option<Value>,
    /// In words: `1–100`, `at most 4096 characters`.
    pub(super) limits: Vec<String>,
    pub(super) example: Option<Value>,
    pub(super) deprecated: bool,
}

/// A value as `--set` takes it, and as a form shows it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
