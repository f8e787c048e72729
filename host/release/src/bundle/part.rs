//! The parts of a bundle: their names, their order, their greatest sizes.

use super::{
    BundleError, MANIFEST_MOST, SIGNATURE_MOST, SIGNATURES_MOST, STATEMENT_MOST, SignatureKind,
};

/// A part of a bundle, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Manifest,
    Component,
    Statement,
    /// Counted from one.
    Signature(usize, SignatureKind),
}

impl Part {
    pub(super) fn name(self) -> String {
        match self {
            Self::Manifest => "muster-bundle.json".to_owned(),
            Self::Component => "component.wasm".to_owned(),
            Self::Statement => "statement.json".to_owned(),
            Self::Signature(number, kind) => format!("signature-{number}.{}", kind.ending()),
        }
    }

    /// The part of this very name: there are few, so they are compared with rather than parsed.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        let signatures = (1..=SIGNATURES_MOST)
            .flat_map(|number| SignatureKind::ALL.map(|kind| Self::Signature(number, kind)));
        [Self::Manifest, Self::Component, Self::Statement]
            .into_iter()
            .chain(signatures)
            .find(|part| part.name().as_bytes() == name)
    }
}

/// Whether a part may have this size.
pub(super) fn bounded(part: Part, size: u64, component_most: usize) -> Result<(), BundleError> {
    let most = match part {
        Part::Manifest => MANIFEST_MOST,
        Part::Component => component_most,
        Part::Statement => STATEMENT_MOST,
        Part::Signature(..) => SIGNATURE_MOST,
    };
    if size <= most as u64 {
        return Ok(());
    }
    Err(BundleError::TooLarge {
        part: part.name(),
        size,
        most,
    })
}
