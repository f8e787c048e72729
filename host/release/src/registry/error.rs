//! Why a release did not come from a registry, or did not get there.

use super::ReferenceError;
use crate::bundle::BundleError;
use muster_domain::Digest;
use std::time::Duration;

/// Why a release did not come from a registry, or did not get there.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The text names no release.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The certificates that were given are none.
    #[error("the certificates for registries are no certificates in PEM")]
    Certificates,
    /// TLS cannot be set up.
    #[error("TLS for registries cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The client cannot be made.
    #[error("the client for registries cannot be set up")]
    Setup(#[source] reqwest::Error),
    /// Nobody answers, or the answer breaks off.
    #[error("{registry} does not answer {request}: {why}")]
    Unreachable {
        /// The registry.
        registry: String,
        /// What was asked.
        request: String,
        /// The innermost cause.
        why: String,
    },
    /// The whole took too long.
    #[error("{registry} was not done after {} s", time.as_secs())]
    Late {
        /// The registry.
        registry: String,
        /// How long it had.
        time: Duration,
    },
    /// It wants to know who asks, or another one than who asks.
    #[error("{registry} refuses {request}: {why}")]
    Credentials {
        /// The registry.
        registry: String,
        /// What was asked.
        request: String,
        /// What it says, and what would help.
        why: String,
    },
    /// There is no such release.
    #[error("{registry} has no {what}")]
    NotFound {
        /// The registry.
        registry: String,
        /// What it was asked for.
        what: String,
    },
    /// An answer that a registry may not give.
    #[error("{registry} answers {request} with what no registry should: {why}")]
    Answer {
        /// The registry.
        registry: String,
        /// What was asked.
        request: String,
        /// What is wrong with it.
        why: String,
    },
    /// It sends elsewhere, where it may not.
    #[error("{registry} sends {request} to {to}; {why}")]
    Elsewhere {
        /// The registry.
        registry: String,
        /// What was asked.
        request: String,
        /// Where it sends.
        to: String,
        /// Why nobody goes there.
        why: &'static str,
    },
    /// More bytes than there may be.
    #[error("{what} in {registry} has more than {most} bytes")]
    TooLarge {
        /// The registry.
        registry: String,
        /// Of what.
        what: String,
        /// How many there may be.
        most: usize,
    },
    /// Bytes that are not those that were named.
    #[error("{what} from {registry} has the digest {found}, and {wanted} was asked for")]
    Digest {
        /// The registry.
        registry: String,
        /// What came.
        what: String,
        /// The digest that was named.
        wanted: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// The artifact is something else than a plug-in.
    #[error("{what} is no plug-in: {why}")]
    Artifact {
        /// The reference.
        what: String,
        /// What it is instead.
        why: String,
    },
    /// The bundle in it is none, or the release cannot be packed.
    #[error("the release in the registry cannot be read")]
    Bundle(#[from] BundleError),
}

impl RegistryError {
    /// A stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Reference(_) => "registry-reference",
            Self::Certificates | Self::Tls(_) | Self::Setup(_) => "registry-setup",
            Self::Unreachable { .. } => "registry-unreachable",
            Self::Late { .. } => "registry-late",
            Self::Credentials { .. } => "registry-credentials",
            Self::NotFound { .. } => "registry-not-found",
            Self::Answer { .. } => "registry-answer",
            Self::Elsewhere { .. } => "registry-elsewhere",
            Self::TooLarge { .. } => "registry-too-large",
            Self::Digest { .. } => "registry-digest",
            Self::Artifact { .. } => "registry-no-plug-in",
            Self::Bundle(error) => error.code(),
        }
    }
}
