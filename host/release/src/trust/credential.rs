//! Keys and identities: what a signer signs with, for which applications, and from when until when.

use crate::signature::minisign::PublicKey;
use crate::signature::sigstore::Identity;
use jiff::Timestamp;
use muster_domain::id::SignerName;
use muster_domain::{ApplicationId, Digest};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One key or identity of a signer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its number in the store.
    pub number: i64,
    /// Whose it is. A signer may have several at once, so that keys can be rotated.
    pub signer: SignerName,
    /// What is signed with.
    pub means: Means,
    /// What it may sign.
    pub applications: Vec<ApplicationPattern>,
    /// Whether its revocation lists hold for what everybody signs, not for its signer's alone.
    pub authority: bool,
    /// From when on it is in force.
    pub from: Timestamp,
    /// From when on it is no longer.
    pub until: Option<Timestamp>,
    /// Which one took its place.
    pub successor: Option<i64>,
    /// Whether an administrator revoked it.
    pub revoked: Option<CredentialRevoked>,
}

/// When and why an administrator revoked a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRevoked {
    /// When.
    pub at: Timestamp,
    /// Why, in the administrator's words.
    pub reason: String,
}

/// What a signer signs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// A minisign key.
    Key(PublicKey),
    /// An identity that a Sigstore certificate authority vouches for. A subject that ends with `/*`
    /// stands for all that begin so: builds name the release that they are of.
    Identity(Identity),
}

impl Means {
    /// Whether an identity that was proven is this one.
    pub(super) fn is_identity(&self, proven: &Identity) -> bool {
        let Self::Identity(known) = self else {
            return false;
        };
        let subject = match known.subject.strip_suffix('*') {
            Some(start) if start.ends_with('/') => {
                proven.subject.len() > start.len() && proven.subject.starts_with(start)
            }
            _ => proven.subject == known.subject,
        };
        subject && proven.issuer == known.issuer
    }
}

impl fmt::Display for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "key {} ({})", key.id(), key.fingerprint().short()),
            Self::Identity(identity) => write!(f, "identity {identity}"),
        }
    }
}

impl Credential {
    /// Whether it may sign for an application.
    pub fn may_sign(&self, application: &ApplicationId) -> bool {
        self.applications
            .iter()
            .any(|pattern| pattern.matches(application))
    }
}

/// Who signed something, and with what: as it is kept with a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedBy {
    /// The signer.
    pub signer: SignerName,
    /// The key or identity.
    #[serde(flatten)]
    pub with: With,
}

/// What something was signed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum With {
    /// The key of this fingerprint.
    Key(Digest),
    /// This identity, as it was proven.
    Identity(Identity),
}

impl fmt::Display for SignedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.with {
            With::Key(key) => write!(f, "{} (key {})", self.signer, key.short()),
            With::Identity(identity) => write!(f, "{} ({})", self.signer, identity.subject),
        }
    }
}

/// Which applications a credential may sign: one by its id, or with `.*` at the end all below a
/// domain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApplicationPattern(String);

/// A text that is neither an application's id nor a domain with `.*`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no applications: give an id such as net.clamav.clamav, or a domain such as net.clamav.*"
)]
pub struct InvalidPattern(String);

impl ApplicationPattern {
    /// Whether an application is among them.
    pub fn matches(&self, application: &ApplicationId) -> bool {
        match self.0.strip_suffix('*') {
            Some(domain) => application.as_str().starts_with(domain),
            None => application.as_str() == self.0,
        }
    }
}

impl FromStr for ApplicationPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        // A domain of one part would be a whole top-level domain, so it has two like an id.
        let id = text.strip_suffix(".*").unwrap_or(text);
        ApplicationId::new(id)
            .map(|_| Self(text.to_owned()))
            .map_err(|_| InvalidPattern(text.chars().take(200).collect()))
    }
}

impl TryFrom<String> for ApplicationPattern {
    type Error = InvalidPattern;
    fn try_from(text: String) -> Result<Self, InvalidPattern> {
        text.parse()
    }
}

impl From<ApplicationPattern> for String {
    fn from(pattern: ApplicationPattern) -> String {
        pattern.0
    }
}

impl fmt::Display for ApplicationPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_one_application_or_for_those_below_a_domain() {
        let matches = |pattern: &str, application: &str| {
            let application = ApplicationId::new(application).unwrap();
            pattern
                .parse::<ApplicationPattern>()
                .unwrap()
                .matches(&application)
        };
        assert!(matches("net.clamav.clamav", "net.clamav.clamav"));
        assert!(!matches("net.clamav.clamav", "net.clamav.clamav2"));
        assert!(matches("net.clamav.*", "net.clamav.clamav"));
        assert!(!matches("net.clamav.*", "net.clamavx.clamav"));
        assert!(!matches("net.clamav.*", "net.clamav"));
        for bad in ["*", "net.*", "net.clamav*", "net.*.clamav", "", ".*"] {
            assert!(bad.parse::<ApplicationPattern>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_star_at_the_end_of_a_subject_stands_only_behind_a_slash() {
        let known = |subject: &str| {
            Means::Identity(Identity {
                issuer: "https://issuer.example".into(),
                subject: subject.into(),
            })
        };
        let proven = Identity {
            issuer: "https://issuer.example".into(),
            subject: "https://ci.example/a/build.yml@refs/tags/v1".into(),
        };
        assert!(known(&proven.subject).is_identity(&proven));
        assert!(known("https://ci.example/a/build.yml@refs/tags/*").is_identity(&proven));
        assert!(!known("https://ci.example/a/build.yml@refs/tags/v*").is_identity(&proven));
        assert!(!known("https://ci.example/b/*").is_identity(&proven));
        let other = Identity {
            issuer: "https://other.example".into(),
            ..proven.clone()
        };
        assert!(!known(&proven.subject).is_identity(&other));
    }
}
