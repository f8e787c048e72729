//! Whom to trust for which application: the trust store as a value, and what it says of a release.
//!
//! Everything fails closed. A release is admitted when a signature over its statement is right, its
//! maker's key or identity is in the store, in force, not revoked and entitled to the application,
//! the statement binds this very component and is in force, and the application does not belong to
//! somebody else. Whatever is missing on that way refuses it, with a code of its own. Storing the
//! store, and telling what was refused, is the work of others.

mod credential;
mod refusal;
mod replay;
mod revoke;
mod verify;

pub use credential::{
    ApplicationPattern, Credential, CredentialRevoked, InvalidPattern, Means, SignedBy, With,
};
pub use refusal::TrustRefusal;
pub use replay::{Accepted, refuse_replay};
pub use revoke::HeldList;
pub use verify::{Admission, Release, Verified};

use crate::signature::sigstore::TrustedRoot;
use jiff::SignedDuration;
use muster_domain::id::SignerName;
use muster_domain::{ApplicationId, Digest};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// How far a signer's clock may be ahead of ours.
pub const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// All that a server knows of whom to trust.
#[derive(Debug, Clone, Default)]
pub struct TrustStore {
    /// What happens to a release without a signature.
    pub policy: Policy,
    /// Keys and identities.
    pub credentials: Vec<Credential>,
    /// The authorities and logs that Sigstore bundles must lead to.
    pub root: Option<TrustedRoot>,
    /// Whose an application is.
    pub owners: BTreeMap<ApplicationId, SignerName>,
    /// The newest revocation list of each signer that issued one.
    pub revocations: Vec<HeldList>,
    /// Components that an administrator allows without a signature, where the policy is `pinned`.
    pub pinned: BTreeSet<Digest>,
}

/// What happens to a release without a signature. One with a signature that is wrong is refused
/// under each of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// It is refused.
    #[default]
    Required,
    /// It is refused, unless an administrator named its digest beforehand.
    Pinned,
    /// It is admitted, and marked wherever it is shown. For who develops a plug-in.
    Dev,
}

impl Policy {
    /// All of them, the strictest first.
    pub const ALL: [Self; 3] = [Self::Required, Self::Pinned, Self::Dev];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Pinned => "pinned",
            Self::Dev => "dev",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a trust policy is required, pinned or dev")]
pub struct UnknownPolicy;

impl FromStr for Policy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        let mut all = Self::ALL.into_iter();
        all.find(|policy| policy.name() == text)
            .ok_or(UnknownPolicy)
    }
}
