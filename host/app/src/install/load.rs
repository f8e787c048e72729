//! Load: revisions come back to life, all that are at work when the server starts, and one at a time
//! when something needs it: a plan, a roll-back, a report of what an older revision translated.

use super::{chain, revision_event};
use crate::grant::set_terms;
use crate::{App, AppError};
use jiff::Timestamp;
use muster_domain::event::{Actor, Severity};
use muster_domain::revision::RevisionState;
use muster_domain::{ApplicationId, Digest};
use muster_plugin_host::{LoadFailure, Plugin, Terms};
use muster_storage::event::event_insert;
use muster_storage::plugin::{
    PluginRow, plugin_kept, plugin_list, plugin_revision, plugin_state_set,
};
use std::sync::Arc;

impl App {
    /// Loads what was at work when the server ended. One that cannot be loaded is marked and told,
    /// and does not keep the others, or the server, from starting.
    pub(crate) async fn plugins_load(&self) -> Result<(), AppError> {
        self.uploads_give_up().await?;
        if self.0.safe_mode {
            tracing::warn!("safe mode: no plug-in is loaded");
            return Ok(());
        }
        let rows = plugin_kept(&mut *self.0.storage.read().await?).await?;
        for row in rows {
            match row.state {
                RevisionState::Active | RevisionState::Failed => self.load_current(&row).await?,
                RevisionState::Shadow => match self.revision_load(&row).await {
                    Ok(plugin) => self.0.shadows.put(&plugin),
                    Err(error) => {
                        let why = chain(&error);
                        tracing::error!(digest = %row.digest, %why, "a shadow could not be loaded");
                    }
                },
                _ => {}
            }
        }
        for row in plugin_list(&mut *self.0.storage.read().await?).await? {
            if row.state == RevisionState::Removed {
                self.plugin_files_remove(&row.description.application)
                    .await?;
            }
        }
        self.components_clean().await
    }

    async fn load_current(&self, row: &PluginRow) -> Result<(), AppError> {
        match self.revision_read(row).await {
            Ok(plugin) => {
                self.loaded(row, None).await?;
                self.swap(&plugin).await?;
                self.reports_take_up(&row.description.application);
            }
            Err(error) => {
                let why = chain(&error);
                tracing::error!(application = %row.description.application, %why,
                    "a plug-in could not be loaded");
                self.loaded(row, Some((why_not(&error), why))).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn loaded(
        &self,
        row: &PluginRow,
        failed: Option<(&'static str, String)>,
    ) -> Result<(), AppError> {
        let reason = failed.as_ref().map(|(_, why)| why);
        let state = match failed {
            None => RevisionState::Active,
            Some(("revoked", _)) => RevisionState::Quarantined,
            Some(_) => RevisionState::Failed,
        };
        if row.state == state && row.reason.as_ref() == reason {
            return Ok(());
        }
        let (application, digest) = (row.description.application.clone(), row.digest);
        let (kind, severity, text) = match &failed {
            None => (
                "plugin.loaded",
                Severity::Info,
                "could be loaded again".to_owned(),
            ),
            Some((_, why)) => (
                "plugin.failed",
                Severity::Critical,
                format!("could not be loaded: {why}"),
            ),
        };
        let text = format!("The plug-in of {} {text}.", row.description.name);
        let code = failed.as_ref().map(|(code, _)| *code);
        let fields = serde_json::json!({ "digest": digest, "state": state, "code": code });
        let event = revision_event(
            kind,
            severity,
            Actor::Server,
            Some(&application),
            text,
            fields,
        );
        self.logged(move |connection| {
            Box::pin(async move {
                let now = Timestamp::now();
                let why = failed.as_ref().map(|(code, why)| (*code, why.as_str()));
                plugin_state_set(connection, &application, digest, state, why, now).await?;
                Ok(event_insert(connection, now, &[event]).await?)
            })
        })
        .await
    }

    /// A revision whose component is kept, loaded now if it is not yet.
    pub(super) async fn revision_load(&self, row: &PluginRow) -> Result<Arc<Plugin>, AppError> {
        self.trust_still(&row.description.application, row.digest)
            .await?;
        let loaded = self
            .0
            .applications
            .revision(&row.description.application, row.digest);
        if let Some(plugin) = loaded {
            return Ok(plugin);
        }
        let plugin = self.revision_read(row).await?;
        self.0.applications.spare(&plugin);
        Ok(plugin)
    }

    async fn revision_read(&self, row: &PluginRow) -> Result<Arc<Plugin>, AppError> {
        let (app, digest) = (self.clone(), row.digest);
        self.trust_still(&row.description.application, digest)
            .await?;
        let grants = self.grants(&row.description.application, digest).await?;
        let read = tokio::task::spawn_blocking(move || app.0.components.read(digest));
        let bytes = read.await.map_err(|cause| AppError::File {
            doing: "read",
            file: digest.to_string(),
            cause: cause.into(),
        })??;
        Ok(self
            .0
            .plugin_host
            .load(bytes.into(), Terms::trial(grants))
            .await?)
    }

    /// The plug-in that says what reports of a delivery mean: the revision that translated it, or, if
    /// that is gone, the one at work. None if there is no plug-in at all.
    pub(crate) async fn interpreter(
        &self,
        application: &ApplicationId,
        translated_by: Option<Digest>,
    ) -> Result<Option<Arc<Plugin>>, AppError> {
        let current = self.0.applications.get(application);
        let Some(digest) = translated_by else {
            return Ok(current);
        };
        if let Some(plugin) = self.0.applications.revision(application, digest) {
            return Ok(Some(plugin));
        }
        let mut connection = self.0.storage.read().await?;
        let row = plugin_revision(&mut connection, application, digest).await?;
        drop(connection);
        let kept = row.filter(|row| row.state.may_activate());
        let Some(row) = kept else {
            return Ok(current);
        };
        match self.revision_load(&row).await {
            Ok(plugin) => Ok(Some(plugin)),
            Err(error) => {
                let why = chain(&error);
                tracing::error!(%digest, %why, "a revision that translated could not be loaded");
                Ok(current)
            }
        }
    }

    /// The swap itself.
    pub(super) async fn swap(&self, plugin: &Arc<Plugin>) -> Result<(), AppError> {
        let application = &plugin.description().application;
        let grants = self.grants(application, plugin.digest()).await?;
        set_terms(plugin, &Terms::active(grants))?;
        let before = self.0.applications.get(application);
        self.0.shadows.take(plugin.digest());
        self.0.applications.put(plugin);
        if let Some(before) = before.filter(|before| !Arc::ptr_eq(before, plugin)) {
            before.stand_back();
        }
        Ok(())
    }

    /// What a swap sets going: held deliveries, reports that waited, what is not kept any longer.
    pub(super) async fn after_swap(&self, application: &ApplicationId) -> Result<(), AppError> {
        self.revisions_trim(application).await?;
        self.0.hints.everything();
        self.reports_take_up(application);
        self.clean_later();
        Ok(())
    }
}

/// Whether another server could load it, or this one later: or nobody, as it is of another contract.
fn why_not(error: &AppError) -> &'static str {
    match error {
        AppError::Trust(_) => "revoked",
        AppError::TrustUnreadable(_) => "trust-store-unreadable",
        AppError::Load(error) => match error.reason {
            LoadFailure::Inspect(_)
            | LoadFailure::Contract(_)
            | LoadFailure::Description(_)
            | LoadFailure::NotAskedFor { .. } => "incompatible",
            _ => "failed-to-load",
        },
        _ => "failed-to-load",
    }
}
