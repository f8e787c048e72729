//! Identifiers. Each is a type of its own, so that one cannot stand where another is meant.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

number_id!(
    /// A device's number on this server. Numbers are dense, counted up from 1 and never given
    /// twice, so that a set of devices is a small bitmap.
    DeviceId(u32)
);
number_id!(
    /// A task's number on this server.
    TaskId(i64)
);
number_id!(
    /// A run's number on this server.
    RunId(i64)
);
number_id!(
    /// A group's number on this server; [`GroupId::ROOT`] holds every device.
    GroupId(i64)
);
number_id!(
    /// A maintenance window's or a blackout's number on this server.
    WindowId(i64)
);
number_id!(
    /// A selection's number on this server.
    SelectionId(i64)
);
number_id!(
    /// An event's place in the event log. A later event has a greater one.
    EventId(i64)
);

impl GroupId {
    /// The group at the top of the tree. It cannot be removed.
    pub const ROOT: Self = Self(1);
}

/// Why a text is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}: {rule}")]
pub struct InvalidId {
    /// What it was to be.
    pub what: &'static str,
    /// The text, cut to 200 bytes.
    pub text: String,
    /// What would be right.
    pub rule: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks a text and takes it as an identifier.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) {
                    Ok(Self(text))
                } else {
                    let text = text.chars().take(200).collect();
                    Err(InvalidId { what: $what, text, rule: $rule })
                }
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

text_id!(
    /// The reverse domain name of a security application, such as `net.clamav.clamav`.
    ApplicationId,
    "application id",
    "a reverse domain name such as net.clamav.clamav: at least two parts of letters, digits and hyphens, at most 100 bytes",
    |text| {
        text.len() <= 100
            && text.split('.').count() >= 2
            && text.split('.').all(|part| {
                !part.is_empty()
                    && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                    && !part.starts_with('-')
                    && !part.ends_with('-')
            })
    }
);

text_id!(
    /// The name of a task type within its application, such as `scan`. Event types follow the
    /// same rule.
    TaskTypeId,
    "task type",
    "lower-case letters, digits and hyphens, beginning with a letter, at most 64 bytes",
    is_kebab
);

text_id!(
    /// The name that an administrator gave to somebody who signs plug-ins, such as `clamav-vendor`.
    SignerName,
    "signer's name",
    "lower-case letters, digits and hyphens, beginning with a letter, at most 64 bytes",
    is_kebab
);

/// Lower-case letters, digits and hyphens, beginning with a letter, at most 64 bytes: the rule for
/// every stable name that a plug-in gives.
pub fn is_kebab(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_id_is_a_reverse_domain_name() {
        for good in ["net.clamav.clamav", "a.b", "org.Example-1.x2"] {
            assert!(ApplicationId::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "clamav",
            "net.",
            ".net",
            "net..x",
            "net.cla mav",
            "net.-x",
            "net/x.y",
        ] {
            assert!(ApplicationId::new(bad).is_err(), "{bad}");
        }
        assert!(ApplicationId::new(format!("a.{}", "b".repeat(99))).is_err());
    }

    #[test]
    fn an_id_that_is_wrong_does_not_deserialise() {
        assert!(serde_json::from_str::<TaskTypeId>(r#""Scan""#).is_err());
        assert_eq!(
            serde_json::from_str::<TaskTypeId>(r#""scan""#)
                .unwrap()
                .as_str(),
            "scan"
        );
    }
}
