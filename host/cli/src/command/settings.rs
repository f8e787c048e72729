//! The settings of a task type as a person meets them: fields with titles, widgets, defaults, limits.
//!
//! Tables, forms and reference pages are all made of it. A schema is the vendor's and may refer to itself, so
//! reading it has an end.

mod schema;
mod widget;

pub(crate) use schema::fields;
#[cfg(feature = "author")]
pub(crate) use widget::Choice;
pub(crate) use widget::Widget;

use serde::Serialize;
use serde_json::Value;

/// One setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Field {
    /// As `--set` takes it: `archives.max-files`, `rules[].name`.
    pub(crate) path: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) widget: Widget,
    /// What it is counted in, if it says so.
    pub(crate) unit: Option<String>,
    pub(crate) required: bool,
    /// When it is required that is not always.
    pub(crate) required_if: Vec<String>,
    pub(crate) default: Option<Value>,
    /// In words: `1–100`, `at most 4096 characters`.
    pub(crate) limits: Vec<String>,
    pub(crate) example: Option<Value>,
    pub(crate) deprecated: bool,
}

/// A value as `--set` takes it, and as a form shows it.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
