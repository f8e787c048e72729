//! Writes a bundle, always in the same way.

use super::part::{self, Part};
use super::{Bundle, BundleError, FORMAT, Manifest};
use std::io::Write;

pub(super) fn write(bundle: &Bundle, to: &mut impl Write) -> Result<(), BundleError> {
    bundle.check()?;
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        component: bundle.digest(),
        reference: bundle.reference.clone(),
    };
    let mut manifest = serde_json::to_vec_pretty(&manifest).map_err(BundleError::Manifest)?;
    manifest.push(b'\n');
    let signatures = bundle
        .signatures
        .iter()
        .enumerate()
        .map(|(index, signature)| {
            (
                Part::Signature(index + 1, signature.kind),
                signature.bytes.as_slice(),
            )
        });
    let parts = [
        (Part::Manifest, manifest.as_slice()),
        (Part::Component, bundle.component.as_slice()),
    ]
    .into_iter()
    .chain(
        bundle
            .statement
            .iter()
            .map(|bytes| (Part::Statement, bytes.as_slice())),
    )
    .chain(signatures);

    let mut archive = tar::Builder::new(to);
    for (part, bytes) in parts {
        part::bounded(part, bytes.len() as u64, usize::MAX)?;
        append(&mut archive, part, bytes).map_err(BundleError::Write)?;
    }
    archive.finish().map_err(BundleError::Write)
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
