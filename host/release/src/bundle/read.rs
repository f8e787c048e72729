//! Reads a bundle that anybody may have made.
//!
//! Sizes are looked at before anything is read, names are compared with the few that there are, and
//! extensions of the format (long names, links, sparse files) are never followed. At last the parts
//! are packed again and compared with what was given, so what was passed over is refused as well.

use super::part::{self, Part};
use super::write::{Contents, write};
use super::{Bundle, BundleError, FORMAT, Manifest, SignatureFile, TrustReference};
use muster_domain::Digest;
use std::io::{Read, Write};

/// What was read, the component among it or not.
pub(super) struct Found {
    pub(super) digest: Digest,
    pub(super) component: Option<Vec<u8>>,
    pub(super) statement: Option<Vec<u8>>,
    pub(super) signatures: Vec<SignatureFile>,
    pub(super) reference: TrustReference,
}

impl Found {
    fn contents(&self) -> Contents<'_> {
        Contents {
            digest: self.digest,
            component: self.component.as_deref(),
            statement: self.statement.as_deref(),
            signatures: &self.signatures,
            reference: &self.reference,
        }
    }
}

pub(super) fn read(bytes: &[u8], component_most: usize) -> Result<Found, BundleError> {
    if !Bundle::is(bytes) {
        return Err(BundleError::NotABundle);
    }
    let found = parts(bytes, component_most)?;
    same(&found, bytes)?;
    Ok(found)
}

fn parts(bytes: &[u8], component_most: usize) -> Result<Found, BundleError> {
    let mut archive = tar::Archive::new(bytes);
    let entries = archive
        .entries()
        .map_err(|cause| BundleError::Damaged { part: 1, cause })?
        .raw(true);
    let (mut manifest, mut component, mut statement) = (None, None, None);
    let mut signatures = Vec::new();
    let mut last: Option<Part> = None;
    for (index, entry) in entries.enumerate() {
        let number = index + 1;
        let damaged = |cause| BundleError::Damaged {
            part: number,
            cause,
        };
        let mut entry = entry.map_err(damaged)?;
        let part = expected(&entry, last, number)?;
        last = Some(part);
        let size = entry.size();
        part::bounded(part, size, component_most)?;
        let mut content =
            Vec::with_capacity(usize::try_from(size).unwrap_or_default().min(bytes.len()));
        entry.read_to_end(&mut content).map_err(damaged)?;
        match part {
            Part::Manifest => manifest = Some(content),
            Part::Component => component = Some(content),
            Part::Statement => statement = Some(content),
            Part::Signature(_, kind) => signatures.push(SignatureFile {
                kind,
                bytes: content,
            }),
        }
    }
    let manifest = self::manifest(&manifest.ok_or(BundleError::NotABundle)?)?;
    if let Some(component) = &component {
        let found = Digest::of(component);
        if found != manifest.component {
            return Err(BundleError::Component {
                said: manifest.component,
                found,
            });
        }
    }
    Ok(Found {
        digest: manifest.component,
        component,
        statement,
        signatures,
        reference: manifest.reference,
    })
}

/// The part that an entry is, if it may come after the last one: each once, and in their order.
fn expected(
    entry: &tar::Entry<'_, &[u8]>,
    last: Option<Part>,
    number: usize,
) -> Result<Part, BundleError> {
    let name = entry.path_bytes();
    let part = Part::named(&name).filter(|part| {
        let follows = match (last, part) {
            (Some(Part::Signature(before, _)), Part::Signature(now, _)) => before + 1 == *now,
            (_, Part::Signature(now, _)) => *now == 1,
            (last, part) => last < Some(*part),
        };
        follows && entry.header().entry_type().is_file()
    });
    part.ok_or_else(|| {
        let name = String::from_utf8_lossy(&name).chars().take(64).collect();
        BundleError::Unexpected { part: number, name }
    })
}

fn manifest(bytes: &[u8]) -> Result<Manifest, BundleError> {
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(BundleError::Manifest)?;
    if manifest.format != FORMAT {
        let format = manifest.format.chars().take(64).collect();
        return Err(BundleError::Format { format });
    }
    Ok(manifest)
}

/// Packs what was found again, and compares.
fn same(found: &Found, bytes: &[u8]) -> Result<(), BundleError> {
    let mut compare = Compare {
        with: bytes,
        at: 0,
        differs: false,
    };
    let written = write(found.contents(), &mut compare);
    if compare.differs || compare.at != bytes.len() {
        return Err(BundleError::NotCanonical { offset: compare.at });
    }
    written
}

/// Takes bytes as long as they are the ones that it has.
struct Compare<'a> {
    with: &'a [u8],
    at: usize,
    differs: bool,
}

impl Write for Compare<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let rest = self.with.get(self.at..).unwrap_or_default();
        let same = bytes.iter().zip(rest).take_while(|(a, b)| a == b).count();
        self.at += same;
        if same < bytes.len() {
            self.differs = true;
            return Err(std::io::Error::from(std::io::ErrorKind::InvalidData));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
