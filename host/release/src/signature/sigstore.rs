//! Sigstore bundles, verified against a trusted root that the administrator supplied.
//!
//! Nothing is fetched. The root says what there is to hold a bundle against: where it lists
//! transparency logs, a bundle must prove that it was logged; where it lists logs of certificates,
//! a certificate must have been in one. An installation of one's own may have neither, then a
//! timestamp authority says when a signature was made.

use super::{SIGNATURE_MOST, ring_provider};
use serde::{Deserialize, Serialize};
use sigstore_verify::trust_root::TrustedRoot as Root;
use sigstore_verify::types::Bundle;
use sigstore_verify::{VerificationPolicy, Verifier};
use std::fmt;
use std::sync::Arc;

/// Bytes of the largest trusted root that is read.
const MOST_ROOT_BYTES: usize = 1 << 20;

/// Who signed, as a certificate authority saw it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Who vouched for the subject, such as `https://token.actions.githubusercontent.com`.
    pub issuer: String,
    /// Who it was: an address of mail, or a URI such as that of a build's definition.
    pub subject: String,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.subject, self.issuer)
    }
}

/// Why a bundle does not say who signed.
#[derive(Debug, thiserror::Error)]
pub enum SigstoreError {
    /// It has no bytes.
    #[error("it is empty")]
    Empty,
    /// It is no Sigstore bundle.
    #[error("it is no Sigstore bundle: {0}")]
    Malformed(String),
    /// It signs other bytes.
    #[error("it does not match what it is said to sign: {0}")]
    Wrong(String),
    /// What it brings does not lead to the trusted root.
    #[error("it does not hold against the trusted root: {0}")]
    Untrusted(String),
}

/// Why a text is no trusted root.
#[derive(Debug, thiserror::Error)]
#[error(
    "this is no Sigstore trusted root: {0}; it is the file trusted_root.json of your Sigstore installation"
)]
pub struct InvalidRoot(String);

/// The authorities and logs of one Sigstore installation.
#[derive(Clone)]
pub struct TrustedRoot {
    json: String,
    verifier: Arc<Verifier>,
    policy: VerificationPolicy,
}

impl TrustedRoot {
    /// Reads a trusted root and prepares its keys.
    pub fn parse(json: &str) -> Result<Self, InvalidRoot> {
        let invalid = |text: String| InvalidRoot(text);
        if json.len() > MOST_ROOT_BYTES {
            return Err(invalid(format!(
                "it has {} bytes, and at most {MOST_ROOT_BYTES} are read",
                json.len()
            )));
        }
        ring_provider::install();
        let root = Root::from_json(json).map_err(|error| invalid(error.to_string()))?;
        if root.certificate_authorities.is_empty() {
            return Err(invalid("it lists no certificate authority".to_owned()));
        }
        if root.tlogs.is_empty() && root.timestamp_authorities.is_empty() {
            return Err(invalid(
                "it lists neither a transparency log nor a timestamp authority, so nothing could \
                 say when a signature was made"
                    .to_owned(),
            ));
        }
        // The identity is looked up in the trust store, with the applications that it may sign.
        let mut policy = VerificationPolicy::any_identity();
        if root.tlogs.is_empty() {
            policy = policy.skip_tlog_unsafe();
        }
        if root.ctlogs.is_empty() {
            policy = policy.skip_sct();
        }
        let verifier = Verifier::new(&root).map_err(|error| invalid(error.to_string()))?;
        Ok(Self {
            json: json.to_owned(),
            verifier: Arc::new(verifier),
            policy,
        })
    }

    /// The text that it was read from.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Who signed these bytes, if the bundle proves it.
    pub fn verify(&self, bytes: &[u8], bundle: &[u8]) -> Result<Identity, SigstoreError> {
        use sigstore_verify::Error;
        let bundle = read(bundle)?;
        let verified =
            ring_provider::verifying(bytes, || self.verifier.verify(bytes, &bundle, &self.policy));
        let verified = verified.map_err(|error| {
            let text = error.to_string();
            match error {
                Error::SignatureInvalid(_) | Error::ArtifactMismatch(_) => {
                    SigstoreError::Wrong(text)
                }
                Error::InvalidBundle(_) | Error::UnsupportedBundle(_) | Error::Bundle(_) => {
                    SigstoreError::Malformed(text)
                }
                _ => SigstoreError::Untrusted(text),
            }
        })?;
        let proven = verified.certificate_verified()
            && !verified.verified_timestamps().is_empty()
            && (verified.tlog_verified() || !self.policy.verifies_tlog());
        let (Some(subject), Some(issuer), true) = (verified.identity(), verified.issuer(), proven)
        else {
            return Err(SigstoreError::Untrusted(
                "its certificate names no issuer and subject".to_owned(),
            ));
        };
        Ok(Identity {
            issuer: issuer.to_owned(),
            subject: subject.as_str().to_owned(),
        })
    }
}

impl fmt::Debug for TrustedRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedRoot").finish_non_exhaustive()
    }
}

/// Whether bytes are a Sigstore bundle at all.
pub(crate) fn read(bundle: &[u8]) -> Result<Bundle, SigstoreError> {
    if bundle.is_empty() {
        return Err(SigstoreError::Empty);
    }
    if bundle.len() > SIGNATURE_MOST {
        return Err(SigstoreError::Malformed(format!(
            "it has {} bytes, and at most {SIGNATURE_MOST} are read",
            bundle.len()
        )));
    }
    let text =
        str::from_utf8(bundle).map_err(|error| SigstoreError::Malformed(error.to_string()))?;
    Bundle::from_json(text).map_err(|error| SigstoreError::Malformed(error.to_string()))
}
