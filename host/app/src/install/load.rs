//! Load: revisions come back to life, all that are at work when the server starts, and one at a time
//! when something needs it: a plan, a roll-back, a report of what an older revision translated.

use super::revision_event;
use crate::grant::{files_failed, set_terms};
use crate::{App, AppError};
use jiff::Timestamp;
use muster_domain::chain;
use muster_domain::event::{Actor, Severity};
use muster_domain::grant::Grants;
use muster_domain::revision::RevisionState;
use muster_domain::{ApplicationId, Digest};
use muster_plugin_host::{Known, LoadFailure, Pass, Plugin, Terms};
use muster_storage::delivery::report_list_applications;
use muster_storage::event::event_insert;
use muster_storage::plugin::{
    PluginRow, plugin_gone, plugin_in, plugin_pass_set, plugin_revision, plugin_state_set,
};
use std::sync::Arc;

impl App {
    /// Takes up what was at work when the server ended. One that cannot be is marked and told, and
    /// does not keep the others, or the server, from starting. Nothing is compiled or called here.
    pub(crate) async fn plugins_load(&self) -> Result<(), AppError> {
        self.uploads_give_up().await?;
        if self.0.safe_mode {
            tracing::warn!("safe mode: no plug-in is loaded");
            return Ok(());
        }
        let mut connection = self.0.storage.read().await?;
        let states = [
            RevisionState::Active,
            RevisionState::Failed,
            RevisionState::Shadow,
        ];
        let rows = plugin_in(&mut connection, &states).await?;
        let gone = plugin_gone(&mut connection).await?;
        let waiting = report_list_applications(&mut connection).await?;
        drop(connection);
        let (shadows, current): (Vec<_>, Vec<_>) = rows
            .into_iter()
            .partition(|row| row.state == RevisionState::Shadow);
        self.current_take_up(current).await?;
        for row in shadows {
            match self.revision_load(&row).await {
                Ok(plugin) => self.0.shadows.put(&plugin),
                Err(AppError::Trust(refusal)) => self.shadow_revoked(&row, &refusal).await?,
                Err(error) => {
                    let why = chain(&error);
                    tracing::error!(digest = %row.digest, %why, "a shadow could not be loaded");
                }
            }
        }
        for application in gone {
            self.plugin_files_remove(&application).await?;
        }
        for application in waiting {
            self.reports_take_up(&application);
        }
        self.components_clean().await
    }

    async fn current_take_up(&self, rows: Vec<PluginRow>) -> Result<(), AppError> {
        let admitted = self.admitted().await;
        let mut plugins = Vec::with_capacity(rows.len());
        for row in rows {
            let application = &row.description.application;
            let trusted = if let Ok(admitted) = &admitted {
                admitted.still(application, row.digest)
            } else {
                // Each is told why; a store that cannot be read refuses all.
                self.trust_still(application, row.digest).await
            };
            let taken_up = match trusted {
                Ok(()) => self.recall(row.clone(), Terms::active).await,
                Err(error) => Err(error),
            };
            match taken_up {
                Ok(plugin) => {
                    // One that is to be compiled first is told when that is done.
                    if !plugin.is_compiling() {
                        self.loaded(&row, None).await?;
                    }
                    plugins.push(plugin);
                }
                Err(error) => self.could_not_load(&row, &error).await?,
            }
        }
        self.0.applications.put_all(plugins);
        Ok(())
    }

    /// A revision that passed the gate before, from what was kept of it then. It may still have to
    /// be compiled.
    async fn recall(
        &self,
        row: PluginRow,
        terms: fn(Grants) -> Terms,
    ) -> Result<Arc<Plugin>, AppError> {
        let grants = self.grants(&row.description, row.digest).await?;
        let app = self.clone();
        // A row of another version of this server may have a word that this one does not know.
        let pass: Option<Pass> = row
            .pass
            .as_deref()
            .and_then(|pass| serde_json::from_str(pass).ok());
        let known = Known {
            digest: row.digest,
            size: usize::try_from(row.size).unwrap_or(usize::MAX),
            description: row.description,
        };
        let digest = known.digest;
        let component = move || {
            let read = app.0.components.read(digest);
            read.inspect_err(
                |error| tracing::error!(%digest, why = %chain(error), "a component cannot be read"),
            )
            .ok()
        };
        let host = &self.0.plugin_host;
        host.recall(known, pass, &terms(grants), component)
            .map_err(files_failed)
    }

    pub(super) async fn could_not_load(
        &self,
        row: &PluginRow,
        error: &AppError,
    ) -> Result<(), AppError> {
        let why = chain(error);
        tracing::error!(application = %row.description.application, %why,
            "a plug-in could not be loaded");
        self.loaded(row, Some((why_not(error), why))).await
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
        let plugin = self.recall(row.clone(), Terms::trial).await?;
        if !plugin.is_compiling() {
            return Ok(plugin);
        }
        self.gate_again(row).await
    }

    /// Has a revision pass the gate of this build, and keeps what was found.
    pub(super) async fn gate_again(&self, row: &PluginRow) -> Result<Arc<Plugin>, AppError> {
        let (app, digest) = (self.clone(), row.digest);
        let grants = self.grants(&row.description, digest).await?;
        let read = tokio::task::spawn_blocking(move || app.0.components.read(digest));
        let bytes = read.await.map_err(|cause| AppError::File {
            doing: "read",
            file: digest.to_string(),
            cause: cause.into(),
        })??;
        let terms = Terms::trial(grants);
        let plugin = self.0.plugin_host.load(bytes.into(), terms).await?;
        let (application, pass) = (row.description.application.clone(), pass_text(&plugin));
        self.logged(move |connection| {
            Box::pin(
                async move { Ok(plugin_pass_set(connection, &application, digest, &pass).await?) },
            )
        })
        .await?;
        Ok(plugin)
    }

    /// The plug-in that says what reports of a delivery mean: the revision that translated it, or, if
    /// that is gone or was revoked, the one at work. None if there is no plug-in at all, or it cannot
    /// be loaded at this moment.
    pub(crate) async fn interpreter(
        &self,
        application: &ApplicationId,
        translated_by: Option<Digest>,
    ) -> Result<Option<Arc<Plugin>>, AppError> {
        // One that is being compiled will be asked as soon as that is done.
        let at_work = self.0.applications.get(application);
        let current = at_work.clone().filter(|plugin| !plugin.is_compiling());
        let Some(digest) = translated_by else {
            return Ok(current);
        };
        if let Some(plugin) = at_work
            && plugin.digest() == digest
        {
            return Ok(Some(plugin).filter(|plugin| !plugin.is_compiling()));
        }
        let mut connection = self.0.storage.read().await?;
        let row = plugin_revision(&mut connection, application, digest).await?;
        drop(connection);
        // It may have come back into its place since we looked at who is at work.
        let kept = row.filter(|row| row.state.may_interpret());
        let Some(row) = kept else {
            return Ok(current);
        };
        match self.revision_load(&row).await {
            Ok(plugin) => Ok(Some(plugin)),
            Err(error) if error.is_passing() => Ok(None),
            Err(error) => {
                let why = chain(&error);
                tracing::error!(%digest, %why, "a revision that translated could not be loaded");
                Ok(current)
            }
        }
    }

    /// On what terms a plug-in is to work. Asked for before anything is written: what was written is
    /// then followed by the swap, whatever comes.
    pub(super) async fn terms_at_work(&self, plugin: &Plugin) -> Result<Terms, AppError> {
        Ok(Terms::active(
            self.grants(plugin.description(), plugin.digest()).await?,
        ))
    }

    /// The swap itself. In safe mode there is none: it is put to work by the next start without.
    pub(super) fn swap(&self, plugin: &Arc<Plugin>, terms: &Terms) {
        if self.0.safe_mode {
            return;
        }
        let application = &plugin.description().application;
        if let Err(error) = set_terms(plugin, terms) {
            let (digest, why) = (plugin.digest(), chain(&error));
            tracing::error!(%digest, %why, "a plug-in works without what it was granted");
        }
        let before = self.0.applications.get(application);
        self.0.shadows.take(plugin.digest());
        self.0.applications.put(plugin);
        if let Some(before) = before.filter(|before| !Arc::ptr_eq(before, plugin)) {
            before.stand_back();
        }
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

/// What is kept of a plug-in that passed the gate.
pub(super) fn pass_text(plugin: &Plugin) -> String {
    // Words, names and numbers: there is nothing in it that could not be written.
    serde_json::to_string(plugin.pass()).unwrap_or_default()
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
