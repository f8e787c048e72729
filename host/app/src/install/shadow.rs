//! Shadow: a revision that is ready answers beside the one at work, without effect. Differences are
//! counted. It never slows or fails the real call: it is asked after the real answer, a few at a
//! time, and what comes while it is busy is dropped and counted as well.

use super::revision_event;
use crate::error::sentence;
use crate::grant::remark;
use crate::schema::brought_up;
use crate::{Administrator, App, AppError};
use jiff::Timestamp;
use muster_domain::command::Command;
use muster_domain::event::{Actor, Severity};
use muster_domain::finding::Finding;
use muster_domain::profile::ProfileCount;
use muster_domain::revision::RevisionState;
use muster_domain::settings::Settings;
use muster_domain::{ApplicationId, Digest, TaskTypeId};
use muster_plugin_host::{CallError, Plugin, Refusal};
use muster_release::trust::TrustRefusal;
use muster_storage::event::event_insert;
use muster_storage::plugin::{PluginRow, plugin_revision, plugin_revisions, plugin_state_set};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Calls that shadows of one application have under way at once.
const AT_ONCE: usize = 2;

/// How answers of a shadow compare to those that counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShadowCounts {
    /// The same.
    pub same: u64,
    /// Another.
    pub different: u64,
    /// None: it failed.
    pub failed: u64,
    /// Not asked, as it or the server was busy.
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct Counts {
    same: AtomicU64,
    different: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

impl Counts {
    fn read(&self) -> ShadowCounts {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ShadowCounts {
            same: of(&self.same),
            different: of(&self.different),
            failed: of(&self.failed),
            dropped: of(&self.dropped),
        }
    }

    fn failed(&self, failed: Failed, count: u64) {
        let counts = match failed {
            Failed::Itself => &self.failed,
            Failed::NotAsked => &self.dropped,
        };
        counts.fetch_add(count, Ordering::Relaxed);
    }

    fn compare(&self, same: bool) {
        let count = if same { &self.same } else { &self.different };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Why a shadow has no answer.
#[derive(Clone, Copy)]
enum Failed {
    Itself,
    /// The server had too much to do.
    NotAsked,
}

impl Failed {
    fn of(error: &CallError) -> Self {
        if error.failure.is_passing() {
            Self::NotAsked
        } else {
            Self::Itself
        }
    }
}

struct Shadow {
    plugin: Arc<Plugin>,
    permits: Arc<Semaphore>,
    validate: Counts,
    translate: Counts,
}

/// The revisions that are asked beside those at work.
#[derive(Default)]
pub(crate) struct Shadows(Mutex<BTreeMap<ApplicationId, Arc<Shadow>>>);

impl Shadows {
    fn all(&self) -> std::sync::MutexGuard<'_, BTreeMap<ApplicationId, Arc<Shadow>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, application: &ApplicationId) -> Option<Arc<Shadow>> {
        self.all().get(application).cloned()
    }

    pub(super) fn put(&self, plugin: &Arc<Plugin>) {
        let shadow = Shadow {
            plugin: Arc::clone(plugin),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            validate: Counts::default(),
            translate: Counts::default(),
        };
        let application = plugin.description().application.clone();
        self.all().insert(application, Arc::new(shadow));
    }

    pub(super) fn take(&self, digest: Digest) {
        self.all()
            .retain(|_, shadow| shadow.plugin.digest() != digest);
    }

    pub(super) fn take_application(&self, application: &ApplicationId) {
        self.all().remove(application);
    }

    /// Has the shadow validate what was validated.
    pub(crate) fn validated(
        &self,
        application: &ApplicationId,
        task_type: &TaskTypeId,
        (schema_version, settings): (u32, &Settings),
        findings: &[Finding],
    ) {
        let Some(shadow) = self.get(application) else {
            return;
        };
        let Ok(permit) = Arc::clone(&shadow.permits).try_acquire_owned() else {
            shadow.validate.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let (task_type, settings) = (task_type.clone(), settings.clone());
        let findings = findings.to_vec();
        tokio::spawn(async move {
            let _permit = permit;
            let answer = match shadow.settings(&task_type, schema_version, &settings).await {
                Err(failed) => Err(failed),
                Ok(Err(found)) => Ok(found),
                Ok(Ok(settings)) => {
                    let asked = shadow.plugin.validate(&task_type, &settings);
                    asked.await.map_err(|error| Failed::of(&error))
                }
            };
            match answer {
                Ok(found) => shadow.validate.compare(found == findings),
                Err(failed) => shadow.validate.failed(failed, 1),
            }
        });
    }

    /// Has the shadow translate what was translated. Each profile is counted.
    pub(crate) fn translated(
        &self,
        application: &ApplicationId,
        task_type: &TaskTypeId,
        (schema_version, settings): (u32, &Settings),
        profiles: &[ProfileCount],
        answers: &[Result<Command, Refusal>],
    ) {
        let Some(shadow) = self.get(application) else {
            return;
        };
        let count = profiles.len() as u64;
        let Ok(permit) = Arc::clone(&shadow.permits).try_acquire_owned() else {
            shadow.translate.dropped.fetch_add(count, Ordering::Relaxed);
            return;
        };
        let (task_type, settings) = (task_type.clone(), settings.clone());
        let (profiles, answers) = (profiles.to_vec(), answers.to_vec());
        tokio::spawn(async move {
            let _permit = permit;
            let counts = &shadow.translate;
            let settings = match shadow.settings(&task_type, schema_version, &settings).await {
                Ok(Ok(settings)) => settings,
                Ok(Err(_)) => return counts.failed(Failed::Itself, count),
                Err(failed) => return counts.failed(failed, count),
            };
            match shadow
                .plugin
                .translate(&task_type, &settings, &profiles)
                .await
            {
                Ok(own) => own
                    .iter()
                    .zip(&answers)
                    .for_each(|(own, answer)| counts.compare(own == answer)),
                Err(error) => counts.failed(Failed::of(&error), count),
            }
        });
    }
}

impl Shadow {
    async fn settings(
        &self,
        task_type: &TaskTypeId,
        schema_version: u32,
        settings: &Settings,
    ) -> Result<Result<Settings, Vec<Finding>>, Failed> {
        let task_type = self.plugin.description().task_type(task_type);
        let task_type = task_type.ok_or(Failed::Itself)?;
        let up = brought_up(&self.plugin, task_type, schema_version, settings);
        up.await.map_err(|error| Failed::of(&error))
    }
}

impl App {
    /// Has a ready revision answer beside the one at work; another one that did so is ready again.
    pub async fn plugin_shadow(
        &self,
        who: &Administrator,
        application: &ApplicationId,
        digest: Digest,
    ) -> Result<PluginRow, AppError> {
        let row = self.revision(application, digest).await?;
        if row.state == RevisionState::Superseded {
            return Err(AppError::Conflict {
                code: "revision-superseded",
                text: "a revision that was at work before is kept for a roll-back and is no shadow"
                    .into(),
            });
        }
        let plugin = self.revision_load(&row).await?;
        for other in self.plugin_revisions(who, application).await? {
            if other.state == RevisionState::Shadow && other.digest != digest {
                self.shadow_state(who.actor(), &other, RevisionState::Ready, None)
                    .await?;
            }
        }
        let row = self
            .shadow_state(who.actor(), &row, RevisionState::Shadow, None)
            .await?;
        self.0.shadows.put(&plugin);
        Ok(row)
    }

    /// Ends that. Calls under way end, and nobody hears of them; what was counted goes.
    pub async fn plugin_shadow_end(
        &self,
        who: &Administrator,
        application: &ApplicationId,
        digest: Digest,
    ) -> Result<PluginRow, AppError> {
        let row = self.revision(application, digest).await?;
        if row.state != RevisionState::Shadow {
            return Ok(row);
        }
        let row = self
            .shadow_state(who.actor(), &row, RevisionState::Ready, None)
            .await?;
        self.0.shadows.take(digest);
        Ok(row)
    }

    /// Ends it for one that was revoked.
    pub(crate) async fn shadow_revoked(
        &self,
        row: &PluginRow,
        refusal: &TrustRefusal,
    ) -> Result<(), AppError> {
        self.0.shadows.take(row.digest);
        let why = Some(refusal.to_string());
        self.shadow_state(Actor::Server, row, RevisionState::Ready, why)
            .await?;
        Ok(())
    }

    /// What a shadow's answers came to since it began or the server started: of `validate`, and of
    /// `translate`.
    pub fn shadow_counts(
        &self,
        application: &ApplicationId,
        digest: Digest,
    ) -> Option<(ShadowCounts, ShadowCounts)> {
        let shadow = self.0.shadows.get(application);
        let shadow = shadow.filter(|shadow| shadow.plugin.digest() == digest)?;
        Some((shadow.validate.read(), shadow.translate.read()))
    }

    async fn shadow_state(
        &self,
        actor: Actor,
        row: &PluginRow,
        state: RevisionState,
        why: Option<String>,
    ) -> Result<PluginRow, AppError> {
        let (application, digest) = (row.description.application.clone(), row.digest);
        let why = why.map_or_else(String::new, |why| format!(", as it was revoked: {why}"));
        let text = sentence(format!(
            "Version {} of the plug-in of {} is {state}{why}",
            row.description.version, row.description.name
        ));
        let fields = serde_json::json!({ "digest": digest, "state": state });
        let kind = format!("plugin.{state}");
        let id = Some(&application);
        let event = revision_event(&kind, Severity::Info, actor, id, text, fields);
        let was = row.state;
        self.logged(move |connection| {
            Box::pin(async move {
                let now = Timestamp::now();
                let rows = plugin_revisions(connection, &application).await?;
                if !rows
                    .iter()
                    .any(|row| row.digest == digest && row.state == was)
                {
                    return Err(AppError::Conflict {
                        code: "revision-changed-meanwhile",
                        text: "the revision changed its state meanwhile; look at it again".into(),
                    });
                }
                plugin_state_set(connection, &application, digest, state, None, now).await?;
                event_insert(connection, now, &[event]).await?;
                let missing = || AppError::not_found("revision", &digest);
                let row = plugin_revision(connection, &application, digest).await?;
                remark(connection, &row.ok_or_else(missing)?).await?;
                let row = plugin_revision(connection, &application, digest).await?;
                row.ok_or_else(missing)
            })
        })
        .await
    }
}
