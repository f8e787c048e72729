//! The bundle: one file with all that a release has, to be carried where no network goes.
//!
//! It is a tar archive with a fixed order and fixed metadata, so that the same release is the same
//! bytes everywhere, and so that whoever wonders what is in one asks `tar`. Reading ([`read`])
//! takes exactly what writing makes, and nothing else that a tar archive may be. Nothing here is
//! verified: a bundle says what somebody packed, and the trust store says whether to believe it.

mod error;
mod evidence;
mod part;
mod read;
mod write;

pub use error::BundleError;
pub use evidence::Evidence;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster_domain::Digest;
use muster_domain::text::is_steering;
use part::Part;
use serde::{Deserialize, Serialize};

/// The media type of a bundle.
pub const MEDIA_TYPE: &str = "application/vnd.muster.bundle.v1+tar";
/// The greatest statement, in bytes.
pub const STATEMENT_MOST: usize = 64 * 1024;
/// The greatest signature, in bytes. A Sigstore bundle has certificates and proofs in it.
pub const SIGNATURE_MOST: usize = 256 * 1024;
/// The most signatures of one release.
pub const SIGNATURES_MOST: usize = 8;
/// The most bytes of a bundle beside those of its component.
pub const OVERHEAD: usize = MANIFEST_MOST
    + STATEMENT_MOST
    + SIGNATURES_MOST * SIGNATURE_MOST
    + (SIGNATURES_MOST + 4) * 1024
    + 1024;

const MANIFEST_MOST: usize = 32 * 1024;
const SIGNERS_MOST: usize = 16;
const REFERENCE_TEXT_MOST: usize = 1024;
const FORMAT: &str = "muster-bundle/1";

/// A release as it travels, unverified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The component.
    pub component: Vec<u8>,
    /// What the signer states of the component, as it was signed.
    pub statement: Option<Vec<u8>>,
    /// Signatures over the statement.
    pub signatures: Vec<SignatureFile>,
    /// Who is said to have signed.
    pub reference: TrustReference,
}

/// A signature as its tool wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureFile {
    /// What wrote it.
    pub kind: SignatureKind,
    /// The file.
    pub bytes: Vec<u8>,
}

/// The kinds of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureKind {
    /// A detached minisign signature (Ed25519).
    Minisign,
    /// A Sigstore bundle, in JSON.
    Sigstore,
}

impl SignatureKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Minisign, Self::Sigstore];

    /// How a signature file of this kind ends: `x.wasm.minisig` lies beside `x.wasm`.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Minisign => "minisig",
            Self::Sigstore => "sigstore.json",
        }
    }
}

/// Who is said to have signed, for an administrator to compare with what the vendor publishes. It
/// is not signed itself, and nothing is trusted because of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustReference {
    /// Ids of minisign keys, and Sigstore identities with their issuers.
    pub signers: Vec<String>,
    /// Where the vendor publishes its keys, or the trusted root of its Sigstore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
}

/// The first part of a bundle.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: String,
    component: Digest,
    reference: TrustReference,
}

impl SignatureFile {
    /// Who is said to have signed: the id of a minisign key. Its maker chose it, so it identifies
    /// nobody.
    pub fn signer(&self) -> Option<String> {
        if self.kind != SignatureKind::Minisign {
            return None;
        }
        let line = std::str::from_utf8(&self.bytes).ok()?.lines().nth(1)?;
        let bytes = STANDARD.decode(line.trim()).ok()?;
        // Two bytes of the algorithm, then eight of the key's id, the least first.
        let id: [u8; 8] = bytes.get(2..10)?.try_into().ok()?;
        Some(format!("minisign key {:016X}", u64::from_le_bytes(id)))
    }
}

impl Bundle {
    /// A component that comes alone.
    pub fn bare(component: Vec<u8>) -> Self {
        Self {
            component,
            statement: None,
            signatures: Vec::new(),
            reference: TrustReference::default(),
        }
    }

    /// The digest of the component, by which the release is pinned.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.component)
    }

    /// Whether bytes look like a bundle. [`Bundle::read`] says whether they are one.
    pub fn is(bytes: &[u8]) -> bool {
        bytes
            .strip_prefix(Part::Manifest.name().as_bytes())
            .is_some_and(|rest| rest.starts_with(&[0]))
    }

    /// Reads what a file or an upload holds: a bundle, or a bare component. `component_most` is the
    /// greatest component, in bytes.
    pub fn open(bytes: Vec<u8>, component_most: usize) -> Result<Self, BundleError> {
        if Self::is(&bytes) {
            return Self::read(&bytes, component_most);
        }
        part::bounded(Part::Component, bytes.len() as u64, component_most)?;
        Ok(Self::bare(bytes))
    }

    /// Reads a bundle. `component_most` is the greatest component, in bytes.
    pub fn read(bytes: &[u8], component_most: usize) -> Result<Self, BundleError> {
        let found = read::read(bytes, component_most)?;
        Ok(Self {
            component: found.component.ok_or(BundleError::Missing("component"))?,
            statement: found.statement,
            signatures: found.signatures,
            reference: found.reference,
        })
    }

    /// The rules that hold for a release however it travels: its signatures, and what is said of the
    /// signers.
    pub fn check(&self) -> Result<(), BundleError> {
        self.contents().check()
    }

    /// Writes the bundle. The same release is always the same bytes.
    pub fn write(&self) -> Result<Vec<u8>, BundleError> {
        let mut bytes = Vec::with_capacity(self.component.len() + 64 * 1024);
        write::write(self.contents(), &mut bytes)?;
        Ok(bytes)
    }

    fn contents(&self) -> write::Contents<'_> {
        write::Contents {
            digest: self.digest(),
            component: Some(&self.component),
            statement: self.statement.as_deref(),
            signatures: &self.signatures,
            reference: &self.reference,
        }
    }
}

impl TrustReference {
    /// The rules for what is shown to people.
    fn check(&self) -> Result<(), BundleError> {
        let sound = |text: &String| {
            !text.is_empty()
                && text.len() <= REFERENCE_TEXT_MOST
                && !text.chars().any(|c| is_steering(c) || is_hidden(c))
        };
        if self.signers.len() <= SIGNERS_MOST
            && self.signers.iter().all(sound)
            && self.published.iter().all(sound)
        {
            Ok(())
        } else {
            Err(BundleError::Reference)
        }
    }
}

/// Characters that are not seen. Who signed is compared letter by letter.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}')
}

#[cfg(test)]
mod tests;
