//! What came with a component, to be kept beside it.

use super::{Bundle, BundleError, SignatureFile, TrustReference, read, write};
use muster_domain::Digest;

/// A release without its component, so that the component can be verified again later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The digest of the component.
    pub component: Digest,
    /// What the signer states of it, as it was signed.
    pub statement: Vec<u8>,
    /// Signatures over the statement.
    pub signatures: Vec<SignatureFile>,
    /// Who is said to have signed.
    pub reference: TrustReference,
}

impl Evidence {
    /// What a release has; none if it says nothing of its component.
    pub fn of(bundle: &Bundle) -> Option<Self> {
        let statement = bundle.statement.clone()?;
        Some(Self {
            component: bundle.digest(),
            statement,
            signatures: bundle.signatures.clone(),
            reference: bundle.reference.clone(),
        })
    }

    /// Reads what [`Evidence::write`] wrote, and nothing else.
    pub fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        let found = read::read(bytes, 0)?;
        Ok(Self {
            component: found.digest,
            statement: found.statement.ok_or(BundleError::Missing("statement"))?,
            signatures: found.signatures,
            reference: found.reference,
        })
    }

    /// Writes it as a bundle without the component.
    pub fn write(&self) -> Result<Vec<u8>, BundleError> {
        let mut bytes = Vec::new();
        let contents = write::Contents {
            digest: self.component,
            component: None,
            statement: Some(&self.statement),
            signatures: &self.signatures,
            reference: &self.reference,
        };
        write::write(contents, &mut bytes)?;
        Ok(bytes)
    }
}
