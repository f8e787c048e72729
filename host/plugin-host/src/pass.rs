//! What is kept of a plug-in that passed the gate, so that it need not pass again when the same
//! build of this host starts anew.

use crate::capability::data::DataPlaces;
use muster_domain::Digest;
use muster_domain::application::Description;
use muster_domain::grant::Capability;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What the gate found, beside the description. Opaque to others; they keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// The build whose gate it was.
    pub(crate) gate: String,
    /// The capabilities that it imports.
    pub(crate) imports: BTreeSet<Capability>,
    /// Whether it says what reports mean.
    pub(crate) interpret: bool,
    /// Whether it brings older settings up to date.
    pub(crate) migrate: bool,
    /// Where in the component the files lie that came with it.
    pub(crate) data: DataPlaces,
}

impl Pass {
    /// For a plug-in of which nothing was kept: it may have everything, until it is asked.
    pub(crate) fn unknown(description: &Description) -> Self {
        let asks = |capability: &Capability| {
            let mut requests = description.capabilities.iter();
            requests.any(|request| request.name == capability.name())
        };
        Self {
            gate: String::new(),
            imports: Capability::ALL.into_iter().filter(asks).collect(),
            interpret: true,
            migrate: true,
            data: DataPlaces::default(),
        }
    }
}

/// A plug-in as its row tells it.
#[derive(Debug, Clone)]
pub struct Known {
    /// The component's digest.
    pub digest: Digest,
    /// The component's size in bytes.
    pub size: usize,
    /// What it said of itself, checked then.
    pub description: Description,
}
