//! Capabilities: what a plug-in may do beyond computing. Granted, limited and done here once, for
//! all versions of the contract.
//!
//! `log` and `data` are every plug-in's: they reach nothing that it did not bring itself. `files`,
//! `clock` and `random` are granted by an administrator, in [`Terms`].

pub(crate) mod clock;
pub(crate) mod data;
pub(crate) mod files;
pub(crate) mod log;
pub(crate) mod random;

use crate::call::Limits;
use data::DataFiles;
use files::{FilesError, FilesRoot, PrivateFolder};
use muster_domain::ApplicationId;
use muster_domain::grant::{Capability, Grants};
use std::collections::BTreeSet;
use std::sync::Arc;

/// On which terms a plug-in is run. They can be changed while it runs; a call keeps those that held
/// when it began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// What an administrator granted.
    pub grants: Grants,
    /// Whether it may change files. A revision that is only tried (at the gate, in a plan, as a
    /// shadow) reads the application's folder and leaves it as it is.
    pub changes_files: bool,
}

impl Terms {
    /// For a revision that is only tried.
    pub fn trial(grants: Grants) -> Self {
        Self {
            grants,
            changes_files: false,
        }
    }

    /// For the one that speaks for its application.
    pub fn active(grants: Grants) -> Self {
        Self {
            grants,
            changes_files: true,
        }
    }
}

/// Terms as a call uses them.
#[derive(Debug, Clone)]
pub(crate) struct InForce {
    pub(crate) limits: Limits,
    granted: BTreeSet<Capability>,
    pub(crate) folder: Option<Arc<PrivateFolder>>,
    pub(crate) changes_files: bool,
    /// The files that came with the plug-in; the same on all terms.
    pub(crate) data: Arc<DataFiles>,
}

impl InForce {
    /// Nothing beyond computing: for a component of which nobody knows yet what it is.
    pub(crate) fn computing(limits: Limits, data: DataFiles) -> Self {
        Self {
            limits,
            granted: BTreeSet::new(),
            folder: None,
            changes_files: false,
            data: Arc::new(data),
        }
    }

    /// What terms mean for the plug-in of an application. Opens its folder if that is granted.
    pub(crate) fn new(
        limits: Limits,
        terms: &Terms,
        files: &FilesRoot,
        application: &ApplicationId,
        data: Arc<DataFiles>,
    ) -> Result<Self, FilesError> {
        let folder = if terms.grants.has(Capability::Files) {
            Some(files.folder(application)?)
        } else {
            None
        };
        Ok(Self {
            limits,
            granted: terms.grants.capabilities.clone(),
            folder,
            changes_files: terms.changes_files,
            data,
        })
    }

    /// The same, without changes of files.
    pub(crate) fn only_reading(&self) -> Self {
        Self {
            changes_files: false,
            ..self.clone()
        }
    }

    pub(crate) fn grants(&self, capability: Capability) -> bool {
        self.granted.contains(&capability)
    }
}
