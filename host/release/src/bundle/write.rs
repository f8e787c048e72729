//! Writes a bundle, always in the same way.

use super::part::{self, Part};
use super::{BundleError, FORMAT, Manifest, SIGNATURES_MOST, SignatureFile, TrustReference};
use muster_domain::Digest;
use std::io::Write;

/// What is written: the parts of a bundle, the component among them or not.
#[derive(Clone, Copy)]
pub(super) struct Contents<'a> {
    pub(super) digest: Digest,
    pub(super) component: Option<&'a [u8]>,
    pub(super) statement: Option<&'a [u8]>,
    pub(super) signatures: &'a [SignatureFile],
    pub(super) reference: &'a TrustReference,
}

pub(super) fn write(contents: Contents<'_>, to: &mut impl Write) -> Result<(), BundleError> {
    contents.check()?;
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        component: contents.digest,
        reference: contents.reference.clone(),
    };
    let mut manifest = serde_json::to_vec_pretty(&manifest).map_err(BundleError::Manifest)?;
    manifest.push(b'\n');
    let signatures = contents.signatures.iter().enumerate().map(|(index, file)| {
        let part = Part::Signature(index + 1, file.kind);
        (part, file.bytes.as_slice())
    });
    let parts = [(Part::Manifest, manifest.as_slice())]
        .into_iter()
        .chain(contents.component.map(|bytes| (Part::Component, bytes)))
        .chain(contents.statement.map(|bytes| (Part::Statement, bytes)))
        .chain(signatures);

    let mut archive = tar::Builder::new(to);
    for (part, bytes) in parts {
        part::bounded(part, bytes.len() as u64, usize::MAX)?;
        append(&mut archive, part, bytes).map_err(BundleError::Write)?;
    }
    archive.finish().map_err(BundleError::Write)
}

impl Contents<'_> {
    pub(super) fn check(&self) -> Result<(), BundleError> {
        self.reference.check()?;
        if self.signatures.len() > SIGNATURES_MOST {
            return Err(BundleError::TooManySignatures {
                count: self.signatures.len(),
            });
        }
        if self.statement.is_none() && !self.signatures.is_empty() {
            return Err(BundleError::NoStatement);
        }
        Ok(())
    }
}

fn append(
    archive: &mut tar::Builder<&mut impl Write>,
    part: Part,
    bytes: &[u8],
) -> std::io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_path(part.name())?;
    header.set_size(bytes.len() as u64);
    // No owner, no time, no machine: the bytes depend on the release alone.
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    archive.append(&header, bytes)
}
