//! What runs is held against the trust store again: when the server starts, and whenever something
//! is revoked.

use super::admit::{PluginTrust, trust_of};
use super::store;
use crate::{App, AppError};
use muster_domain::chain;
use muster_domain::revision::RevisionState;
use muster_domain::{ApplicationId, Digest};
use muster_release::trust::{Policy, TrustRefusal, TrustStore};
use muster_storage::plugin::{PluginRow, plugin_in};
use muster_storage::trust::{AdmissionRow, admission_all, admission_unsigned};
use std::collections::BTreeMap;

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

    /// Stops every revision that has been revoked: the one at work, one that is a shadow, and those
    /// that are at hand to interpret what they translated.
    pub(crate) async fn trust_recheck(&self) -> Result<(), AppError> {
        let admitted = self.admitted().await?;
        let mut connection = self.0.storage.read().await?;
        let states = [
            RevisionState::Active,
            RevisionState::Shadow,
            RevisionState::Ready,
            RevisionState::Superseded,
            RevisionState::Quarantined,
            RevisionState::Failed,
        ];
        let rows = plugin_in(&mut connection, &states).await?;
        drop(connection);
        for row in &rows {
            let application = &row.description.application;
            match admitted.still(application, row.digest) {
                Ok(()) => {}
                Err(AppError::Trust(refusal)) => self.revoked(row, &refusal).await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn revoked(&self, row: &PluginRow, refusal: &TrustRefusal) -> Result<(), AppError> {
        match row.state {
            RevisionState::Active => {
                let why = refusal.to_string();
                self.loaded(row, Some(("revoked", why))).await?;
                muster_crash_point::reach("trust.quarantined");
                self.0.applications.take(&row.description.application);
                self.0.hints.everything();
                self.0.watch.log_grew();
            }
            RevisionState::Shadow => self.shadow_revoked(row, refusal).await?,
            _ => {}
        }
        self.0.applications.forget(row.digest);
        Ok(())
    }

    /// Why a revision is no longer trusted, if it is not: it was revoked, or nobody can tell.
    pub async fn revision_revoked(
        &self,
        application: &ApplicationId,
        digest: Digest,
    ) -> Result<Option<String>, AppError> {
        match self.trust_still(application, digest).await {
            Ok(()) => Ok(None),
            Err(AppError::Trust(refusal)) => Ok(Some(refusal.to_string())),
            // Nothing is trusted then; and what there is can still be listed.
            Err(error @ AppError::TrustUnreadable(_)) => Ok(Some(chain(&error))),
            Err(error) => Err(error),
        }
    }

    /// What was admitted on which ground, to be asked about many.
    pub(crate) async fn admitted(&self) -> Result<Admitted, AppError> {
        let mut connection = self.0.storage.read().await?;
        let store = store(&mut connection).await?;
        let rows = admission_all(&mut connection).await?;
        let rows = rows
            .into_iter()
            .map(|row| ((row.application.clone(), row.digest), row));
        Ok(Admitted {
            store,
            rows: rows.collect(),
        })
    }

    /// [`Admitted::still`] for one.
    pub(crate) async fn trust_still(
        &self,
        application: &ApplicationId,
        digest: Digest,
    ) -> Result<(), AppError> {
        let mut connection = self.0.storage.read().await?;
        let store = store(&mut connection).await?;
        let trust = trust_of(&mut connection, application, digest).await?;
        still(&store, application, digest, trust)
    }
}

/// The trust store as it is now, and what was admitted until now.
pub(crate) struct Admitted {
    store: TrustStore,
    rows: BTreeMap<(ApplicationId, Digest), AdmissionRow>,
}

impl Admitted {
    /// Whether what was admitted before is still trusted. Only what was revoked is not: that a key
    /// or a statement has expired since is no reason to stop what runs. A store that cannot be read
    /// refuses here as well.
    pub(crate) fn still(
        &self,
        application: &ApplicationId,
        digest: Digest,
    ) -> Result<(), AppError> {
        let row = self.rows.get(&(application.clone(), digest));
        let trust = row.map(PluginTrust::read).transpose()?;
        still(&self.store, application, digest, trust)
    }
}

fn still(
    store: &TrustStore,
    application: &ApplicationId,
    digest: Digest,
    trust: Option<PluginTrust>,
) -> Result<(), AppError> {
    let signers = trust.map(|trust| trust.signers).unwrap_or_default();
    match store.revoked(digest, application, &signers) {
        Some(refusal) => Err(refusal.into()),
        None => Ok(()),
    }
}
