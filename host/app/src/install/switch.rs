//! Switches: while a plug-in is exchanged, no task of its application changes, and of several installs
//! for one application each sees what came of the one before.

use muster_domain::ApplicationId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// A lock for each application that has a plug-in. Where tasks are concerned, whoever has settings
/// checked and keeps them holds it with others, and whoever exchanges the plug-in holds it alone, for
/// the moment that it takes.
#[derive(Debug, Default)]
pub(crate) struct Switches(Mutex<BTreeMap<ApplicationId, Arc<RwLock<()>>>>);

impl Switches {
    pub(crate) async fn shared(&self, application: &ApplicationId) -> OwnedRwLockReadGuard<()> {
        self.of(application).read_owned().await
    }

    pub(crate) async fn alone(&self, application: &ApplicationId) -> OwnedRwLockWriteGuard<()> {
        self.of(application).write_owned().await
    }

    fn of(&self, application: &ApplicationId) -> Arc<RwLock<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(application.clone()).or_default())
    }
}
