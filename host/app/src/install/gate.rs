//! The gate: what a release has to pass before it is a revision of a plug-in. The steps stand in
//! [`App::pass`], in their order. Each leaves a word of how far it got; one that refuses leaves the
//! reason, and nothing else changes.

use super::load::pass_text;
use crate::trust::Trusted;
use crate::{Administrator, App, AppError};
use jiff::Timestamp;
use muster_domain::Digest;
use muster_domain::event::Actor;
use muster_domain::grant::Words;
use muster_domain::revision::RevisionState;
use muster_plugin_host::{Plugin, Terms};
use muster_release::bundle::{Bundle, Evidence};
use muster_storage::event::event_insert;
use muster_storage::plugin::upload::{UploadRow, upload_delete};
use muster_storage::plugin::{PluginRow, plugin_latest, plugin_revision};
use std::sync::Arc;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard};

/// What passed the gate.
pub(super) struct Candidate {
    pub(super) plugin: Arc<Plugin>,
    /// The revision that it is to be.
    pub(super) row: PluginRow,
    /// Its row, if this very component is at work already.
    pub(super) at_work: Option<PluginRow>,
    /// How far it got.
    pub(super) upload: UploadRow,
    /// Its file stays until its row is there.
    _component: OwnedRwLockReadGuard<()>,
    /// Who installs for the same application waits, and sees what came of this one.
    _turn: OwnedRwLockWriteGuard<()>,
}

/// A release at the gate.
struct Arrived {
    digest: Digest,
    component: Arc<[u8]>,
    evidence: Option<Evidence>,
    /// What was signed of it, without the component.
    signed: Bundle,
}

impl Arrived {
    /// Counts the digest, which takes a processor tens of milliseconds for a large component, apart
    /// from the threads that serve sockets.
    async fn take(release: Bundle) -> Result<Self, AppError> {
        let take = move || {
            let mut signed = release;
            Self {
                digest: signed.digest(),
                evidence: Evidence::of(&signed),
                component: std::mem::take(&mut signed.component).into(),
                signed,
            }
        };
        tokio::task::spawn_blocking(take)
            .await
            .map_err(|cause| AppError::File {
                doing: "read",
                file: "the component that was sent".to_owned(),
                cause: cause.into(),
            })
    }
}

impl App {
    /// Lets a release through the gate, or says why not.
    pub(super) async fn gate(
        &self,
        who: &Administrator,
        release: Bundle,
        said: &Words,
        allow_downgrade: bool,
    ) -> Result<Candidate, AppError> {
        let release = Arrived::take(release).await?;
        let mut upload = UploadRow {
            digest: release.digest,
            state: RevisionState::Uploaded,
            application: None,
            code: None,
            reason: None,
            size: release.component.len() as u64,
            uploaded_at: Timestamp::now(),
            uploaded_by: who.actor(),
        };
        let passed = self.pass(&mut upload, release, said, allow_downgrade).await;
        match &passed {
            Ok(candidate) if candidate.at_work.is_some() => {
                let digest = upload.digest;
                self.logged(move |connection| {
                    Box::pin(async move { Ok(upload_delete(connection, digest).await?) })
                })
                .await?;
            }
            Ok(_) => {}
            Err(error) => {
                self.upload_refused(&upload, error).await?;
                self.clean_later();
            }
        }
        passed
    }

    async fn pass(
        &self,
        upload: &mut UploadRow,
        release: Arrived,
        said: &Words,
        allow_downgrade: bool,
    ) -> Result<Candidate, AppError> {
        self.upload_step(upload, RevisionState::Uploaded).await?;
        let Arrived {
            digest,
            component,
            evidence,
            signed,
        } = release;
        let trusted = self.trust_verify(digest, &signed).await?;
        self.upload_step(upload, RevisionState::Verified).await?;
        let plugin = self
            .0
            .plugin_host
            .load(Arc::clone(&component), Terms::trial(said.grants()))
            .await?;
        upload.application = Some(plugin.description().application.clone());
        trusted.agrees(plugin.description())?;
        self.upload_step(upload, RevisionState::Compiled).await?;
        let turn = self.0.installs.alone(&plugin.description().application);
        let turn = turn.await;
        let at_work = self.replaces(&plugin, allow_downgrade).await?;
        self.admit(
            trusted,
            &plugin,
            allow_downgrade,
            upload.uploaded_by.clone(),
        )
        .await?;
        let in_use = Arc::clone(&self.0.component_use).read_owned().await;
        self.component_keep(upload.digest, component, evidence)
            .await?;
        muster_crash_point::reach("install.component-kept");
        let now = Timestamp::now();
        let row = PluginRow {
            description: plugin.description().clone(),
            digest: plugin.digest(),
            state: RevisionState::Ready,
            code: None,
            reason: None,
            size: plugin.size() as u64,
            pass: Some(pass_text(&plugin)),
            installed_at: now,
            installed_by: upload.uploaded_by.clone(),
            changed_at: now,
        };
        Ok(Candidate {
            plugin,
            row,
            at_work,
            upload: upload.clone(),
            _component: in_use,
            _turn: turn,
        })
    }

    /// Keeps on what ground a component was admitted, if it still is.
    async fn admit(
        &self,
        trusted: Trusted,
        plugin: &Plugin,
        allow_downgrade: bool,
        actor: Actor,
    ) -> Result<(), AppError> {
        let description = plugin.description().clone();
        self.logged(move |connection| {
            Box::pin(async move {
                let current = plugin_latest(connection, &description.application).await?;
                let current = current.filter(|row| row.state.is_current());
                let in_use = current.map(|row| row.digest);
                let events = trusted
                    .admit(connection, &description, in_use, allow_downgrade, actor)
                    .await?;
                Ok(event_insert(connection, Timestamp::now(), &events).await?)
            })
        })
        .await
    }

    /// What a component would replace: its own row, if it is at work already; an error, if one of a
    /// higher version is.
    async fn replaces(
        &self,
        plugin: &Plugin,
        allow_downgrade: bool,
    ) -> Result<Option<PluginRow>, AppError> {
        let description = plugin.description();
        let application = &description.application;
        let mut connection = self.0.storage.read().await?;
        let same = plugin_revision(&mut connection, application, plugin.digest()).await?;
        let same = same.filter(|row| row.state == RevisionState::Active);
        if same.is_some() && self.0.applications.get(application).is_some() {
            return Ok(same);
        }
        let current = plugin_latest(&mut connection, application).await?;
        if let Some(current) = current.filter(|row| row.state.is_current())
            && !allow_downgrade
        {
            refuse_downgrade(&current, description)?;
        }
        Ok(None)
    }
}

fn refuse_downgrade(
    current: &PluginRow,
    next: &muster_domain::application::Description,
) -> Result<(), AppError> {
    let (has, comes) = (&current.description.version, &next.version);
    if comes < has {
        return Err(AppError::Conflict {
            code: "plugin-downgrade",
            text: format!(
                "version {has} of this plug-in is installed and {comes} is lower; \
                 `muster plugin rollback` goes back to a revision that was at work before, and \
                 `--allow-downgrade` installs a lower version all the same"
            ),
        });
    }
    Ok(())
}
