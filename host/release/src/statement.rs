//! What a signer states of a component: the text that is signed.
//!
//! A signature over the component alone would say that somebody made it. The statement says for
//! which application, in which version, with which capabilities and limits, and until when; and it
//! binds the component by its digest. What is signed is exactly the bytes that travel: they are
//! kept, handed on and checked as they came, never written anew.

use crate::strict::{self, StrictError};
use jiff::Timestamp;
use muster_domain::application::{Description, Limit};
use muster_domain::id::is_kebab;
use muster_domain::{ApplicationId, Digest};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The format that this version reads and writes.
pub const FORMAT: &str = "muster-statement/1";

/// Bytes of the longest statement that is read.
pub const MOST_BYTES: usize = 64 << 10;

/// Capabilities that one statement may name.
const MOST_CAPABILITIES: usize = 64;

/// What is stated of one component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Always [`FORMAT`].
    format: String,
    /// The component's digest.
    pub digest: Digest,
    /// The application that the plug-in speaks for.
    pub application: ApplicationId,
    /// The plug-in's version.
    pub version: semver::Version,
    /// The capabilities that it asks for.
    #[serde(deserialize_with = "strict::unique_set")]
    pub capabilities: BTreeSet<String>,
    /// The limits that it asks to have raised: MiB for memory, milliseconds for times.
    #[serde(deserialize_with = "strict::unique_map")]
    pub limits: BTreeMap<Limit, u32>,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is no longer taken.
    pub expires: Timestamp,
}

/// Why bytes are no statement.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// There are none.
    #[error("the statement is empty")]
    Empty,
    /// It is of a format that this version does not know.
    #[error("the statement's format is {found:?}, and this version reads {FORMAT:?}")]
    Format {
        /// What it says, cut to 100 characters.
        found: String,
    },
    /// It cannot be read: too large, no JSON, a key that is unknown or missing or there twice.
    #[error("the statement cannot be read: {0}")]
    Unreadable(String),
}

impl StatementError {
    /// Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "statement-empty",
            Self::Format { .. } => "statement-format-unknown",
            Self::Unreadable(_) => "statement-unreadable",
        }
    }
}

impl From<StrictError> for StatementError {
    fn from(error: StrictError) -> Self {
        match error {
            StrictError::Empty => Self::Empty,
            StrictError::Format { found, .. } => Self::Format { found },
            other => Self::Unreadable(other.to_string()),
        }
    }
}

/// Where a statement and what the component says of itself part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the signed statement and the component disagree about its {what}: signed is {stated}, the component says {described}"
)]
pub struct Disagreement {
    /// `application`, `version`, `capabilities` or `limits`.
    pub what: &'static str,
    /// What was signed.
    pub stated: String,
    /// What the component's `describe` says.
    pub described: String,
}

impl Statement {
    /// States of a component what it says of itself, from `created` until `expires`. Times are cut
    /// to whole seconds.
    pub fn of(
        digest: Digest,
        description: &Description,
        created: Timestamp,
        expires: Timestamp,
    ) -> Self {
        Self::new(
            digest,
            description.application.clone(),
            description.version.clone(),
            (capabilities(description), limits(description)),
            created..expires,
        )
    }

    /// States what a vendor says. It had better be what the component says of itself. Times are cut
    /// to whole seconds.
    pub fn new(
        digest: Digest,
        application: ApplicationId,
        version: semver::Version,
        (capabilities, limits): (BTreeSet<String>, BTreeMap<Limit, u32>),
        valid: Range<Timestamp>,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            digest,
            application,
            version,
            capabilities,
            limits,
            created: whole_second(valid.start),
            expires: whole_second(valid.end),
        }
    }

    /// Reads a statement, strictly: what is unknown, missing, there twice, too large or behind its
    /// end is refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let statement: Self = strict::read(bytes, FORMAT, MOST_BYTES)?;
        let unreadable = |text: String| Err(StatementError::Unreadable(text));
        if statement.capabilities.len() > MOST_CAPABILITIES {
            return unreadable(format!(
                "it names {} capabilities, and {MOST_CAPABILITIES} are allowed",
                statement.capabilities.len()
            ));
        }
        if let Some(name) = statement.capabilities.iter().find(|name| !is_kebab(name)) {
            let name: String = name.chars().take(100).collect();
            return unreadable(format!(
                "at capabilities: {name:?} is no capability's name, which is lower-case letters, \
                 digits and hyphens"
            ));
        }
        if statement.expires <= statement.created {
            return unreadable(format!(
                "at expires: it ends at {}, which is not after {}, when it was created",
                statement.expires, statement.created
            ));
        }
        Ok(statement)
    }

    /// The bytes to sign: JSON for people to read, with a line feed at its end.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StatementError> {
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| StatementError::Unreadable(error.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Whether the component says of itself what was signed: application, version, and exactly the
    /// capabilities and limits.
    pub fn agrees_with(&self, description: &Description) -> Result<(), Disagreement> {
        same("application", &self.application, &description.application)?;
        same("version", &self.version, &description.version)?;
        let (stated, described) = (&self.capabilities, &capabilities(description));
        if stated != described {
            let list = |names: &BTreeSet<String>| listed(names.iter().cloned());
            return Err(Disagreement {
                what: "capabilities",
                stated: list(stated),
                described: list(described),
            });
        }
        let (stated, described) = (&self.limits, &limits(description));
        if stated != described {
            let list = |limits: &BTreeMap<Limit, u32>| {
                listed(
                    limits
                        .iter()
                        .map(|(limit, value)| format!("{limit} {value}")),
                )
            };
            return Err(Disagreement {
                what: "limits",
                stated: list(stated),
                described: list(described),
            });
        }
        Ok(())
    }
}

fn same<T: PartialEq + ToString>(
    what: &'static str,
    stated: &T,
    described: &T,
) -> Result<(), Disagreement> {
    if stated == described {
        return Ok(());
    }
    Err(Disagreement {
        what,
        stated: stated.to_string(),
        described: described.to_string(),
    })
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn capabilities(description: &Description) -> BTreeSet<String> {
    let asked = description.capabilities.iter();
    asked.map(|request| request.name.clone()).collect()
}

fn limits(description: &Description) -> BTreeMap<Limit, u32> {
    let asked = description.limits.iter();
    asked
        .map(|request| (request.limit, request.value))
        .collect()
}

fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{
  "format": "muster-statement/1",
  "digest": "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  "application": "net.clamav.clamav",
  "version": "1.2.0",
  "capabilities": [
    "clock",
    "files"
  ],
  "limits": {
    "memory": 128
  },
  "created": "2026-11-24T10:00:00Z",
  "expires": "2027-11-24T10:00:00Z"
}
"#;

    #[test]
    fn a_statement_reads_back_what_it_writes() {
        let statement = Statement::parse(TEXT.as_bytes()).unwrap();
        assert_eq!(statement.limits[&Limit::Memory], 128);
        assert_eq!(statement.digest, Digest::of("abc"));
        assert_eq!(
            String::from_utf8(statement.to_bytes().unwrap()).unwrap(),
            TEXT
        );
    }

    #[test]
    fn whatever_is_not_plainly_right_is_refused_with_its_place() {
        let cases: &[(&str, &str, &str)] = &[
            ("\"clock\",", "\"clock\", \"clock\",", "twice"),
            ("\"memory\": 128", "\"memory\": 1, \"memory\": 128", "twice"),
            ("\"memory\": 128", "\"disk\": 128", "disk"),
            ("\"memory\": 128", "\"memory\": -1", "limits"),
            ("\"memory\": 128", "\"memory\": 1e3", "limits"),
            ("\"files\"", "\"Files\"", "Files"),
            ("\"files\"", "\"a\\u0000b\"", "capabilities"),
            ("\"version\": \"1.2.0\",", "", "version"),
            ("\"version\": \"1.2.0\"", "\"version\": \"1.2\"", "version"),
            ("net.clamav.clamav", "clamav", "application"),
            ("sha256:ba", "sha256:BA", "digest"),
            ("\"limits\"", "\"more\": 1, \"limits\"", "more"),
            (
                "\"version\"",
                "\"version\": \"9.9.9\", \"version\"",
                "duplicate",
            ),
            ("2027-11-24", "2026-11-23", "expires"),
            ("2026-11-24T10:00:00Z", "yesterday", "created"),
            ("}\n", "} {}", "trailing"),
            ("{\n  \"format", "[{\n  \"format", "line 1"),
        ];
        for (from, to, names) in cases {
            let text = TEXT.replacen(from, to, 1);
            assert_ne!(text, TEXT, "{from}");
            let error = Statement::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.code(), "statement-unreadable", "{to}: {error}");
            assert!(error.to_string().contains(names), "{to}: {error}");
        }
        for cut in 1..TEXT.len() - 1 {
            assert!(Statement::parse(&TEXT.as_bytes()[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn what_is_empty_too_long_or_of_another_format_has_a_code_of_its_own() {
        let code = |text: &str| Statement::parse(text.as_bytes()).unwrap_err().code();
        assert_eq!(code(""), "statement-empty");
        assert_eq!(code(&" ".repeat(MOST_BYTES + 1)), "statement-unreadable");
        let later = TEXT
            .replace("statement/1", "statement/2")
            .replace("limits", "bounds");
        assert_eq!(code(&later), "statement-format-unknown");
    }
}
