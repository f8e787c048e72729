//! What runs is held against the trust store again: when the server starts, and whenever something
//! is revoked.

use super::admit::trust_of;
use super::store;
use crate::{App, AppError};
use muster_domain::revision::RevisionState;
use muster_domain::{ApplicationId, Digest};
use muster_release::trust::Policy;
use muster_storage::plugin::plugin_list;
use muster_storage::trust::admission_unsigned;
use std::sync::Arc;

/// What is to be marked wherever somebody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustMarks {
    /// What happens to releases without a signature.
    pub policy: Policy,
    /// Plug-ins at work that nobody signed.
    pub unsigned: usize,
}

impl App {
    /// What is to be marked wherever somebody looks. An error means that nothing is admitted.
    pub async fn trust_marks(&self) -> Result<TrustMarks, AppError> {
        let mut connection = self.0.storage.read().await?;
        let policy = store(&mut connection).await?.policy;
        let unsigned = admission_unsigned(&mut connection).await?;
        Ok(TrustMarks { policy, unsigned })
    }

    /// Stops every plug-in that has been revoked.
    pub(crate) async fn trust_recheck(&self) -> Result<(), AppError> {
        let rows = plugin_list(&mut *self.0.storage.read().await?).await?;
        for row in rows.iter().filter(|row| row.state == RevisionState::Active) {
            let application = &row.description.application;
            match self.trust_still(application, row.digest).await {
                Ok(()) => {}
                Err(AppError::Trust(refusal)) => {
                    self.loaded(row, Some(("revoked", refusal.to_string())))
                        .await?;
                    muster_crash_point::reach("trust.quarantined");
                    self.0.applications.take(application);
                    self.0.watch.log_grew();
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads the store once for all that is loaded until it is let go again. Only while the server
    /// starts: nobody can change it then.
    pub(crate) async fn trust_hold(&self) -> Result<(), AppError> {
        // One that cannot be read is told by each plug-in that asks.
        if let Ok(store) = store(&mut *self.0.storage.read().await?).await {
            self.0.trust_at_start.store(Some(Arc::new(store)));
        }
        Ok(())
    }

    /// Lets it go.
    pub(crate) fn trust_release(&self) {
        self.0.trust_at_start.store(None);
    }

    /// Whether what was admitted before is still trusted. Only what was revoked is not: that a key
    /// or a statement has expired since is no reason to stop what runs. A store that cannot be read
    /// refuses here as well.
    pub(crate) async fn trust_still(
        &self,
        application: &ApplicationId,
        digest: Digest,
    ) -> Result<(), AppError> {
        let mut connection = self.0.storage.read().await?;
        let store = match self.0.trust_at_start.load_full() {
            Some(store) => store,
            None => Arc::new(store(&mut connection).await?),
        };
        let trust = trust_of(&mut connection, application, digest).await?;
        let signers = trust.map(|trust| trust.signers).unwrap_or_default();
        match store.revoked(digest, application, &signers) {
            Some(refusal) => Err(refusal.into()),
            None => Ok(()),
        }
    }
}
