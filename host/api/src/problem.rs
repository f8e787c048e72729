//! Errors: problem documents by RFC 9457, media type `application/problem+json`.

use muster_domain::finding::{Finding, Level};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What every `type` of a problem begins with; its code follows.
pub const TYPE_PREFIX: &str = "urn:muster:problem:";

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDocument {
    /// `urn:muster:problem:` and the code, such as `urn:muster:problem:application-without-plugin`.
    pub r#type: String,
    /// The kind of problem, for people; the same for every problem of the type.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened here, and what would help.
    pub detail: String,
    /// Everything that is wrong with the settings of a request, each with its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingView>,
    /// For `application-without-plugin`: the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// For `application-without-plugin`: `never-installed`, `removed`, `failed-to-load`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The request's number in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

impl ProblemDocument {
    /// The type without its prefix.
    pub fn code(&self) -> &str {
        self.r#type
            .strip_prefix(TYPE_PREFIX)
            .unwrap_or(&self.r#type)
    }
}

/// One thing that is wrong, or worth a word, in settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingView {
    /// `error`, `warning` or `notice`.
    #[schema(value_type = String)]
    pub level: Level,
    /// A JSON Pointer into the settings; the empty string is the whole. One about a task's schedule begins
    /// with `/schedule`.
    pub pointer: String,
    /// Stable, for programs.
    pub code: String,
    /// One sentence for people.
    pub text: String,
    /// The values that the text speaks of, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<(String, String)>,
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        let Finding {
            level,
            pointer,
            code,
            text,
            params,
        } = finding;
        Self {
            level,
            pointer,
            code,
            text,
            params,
        }
    }
}
