//! Findings: what is wrong, or worth a word, in the settings of a task.

use serde::{Deserialize, Serialize};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The settings cannot be used.
    Error,
    /// They can be used; the administrator is told, and the text stays with the task.
    Warning,
    /// For information only.
    Notice,
}

/// One thing found in settings, by the host's schema check or by a plug-in: both have this shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it weighs.
    pub level: Level,
    /// A JSON Pointer (RFC 6901) into the settings; the empty string is the whole.
    pub pointer: String,
    /// Stable, lower-case with hyphens. The host's own begin with `schema-` or `settings-`.
    pub code: String,
    /// One sentence for people.
    pub text: String,
    /// The values that the text speaks of, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<(String, String)>,
}

impl Finding {
    /// An error at a place.
    pub fn error(pointer: impl Into<String>, code: &str, text: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            pointer: pointer.into(),
            code: code.to_owned(),
            text: text.into(),
            params: Vec::new(),
        }
    }
}

/// Whether any of the findings refuses the settings.
pub fn any_error(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.level == Level::Error)
}
