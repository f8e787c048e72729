//! Activate: one swap of a pointer puts a revision to work. Rows first, then the pointer; calls under
//! way end on the revision that they began with. A roll-back is the same swap to a revision that was
//! at work before.

use super::plan::Planned;
use super::revision_event;
use crate::grant::lapse_superseded;
use crate::{Administrator, App, AppError};
use jiff::Timestamp;
use muster_domain::application::Mark;
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::origin::{Origin, Way};
use muster_domain::plan::{Effect, Plan, TaskPlan};
use muster_domain::revision::RevisionState;
use muster_domain::task::TaskRevision;
use muster_domain::{ApplicationId, Digest};
use muster_plugin_host::Plugin;
use muster_storage::Connection;
use muster_storage::event::event_insert;
use muster_storage::plugin::upload::upload_delete;
use muster_storage::plugin::{
    PluginRow, plugin_insert, plugin_latest, plugin_revision, plugin_revisions, plugin_state_set,
};
use muster_storage::task::{task_get, task_revision_insert, task_update};
use std::sync::Arc;

/// Which plans are good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// None: it is only made ready.
    Nothing,
    /// Any, if nothing has the place that it would take.
    New {
        /// A clean one as well.
        auto: bool,
    },
    /// One that changes nothing on devices and leaves every task valid.
    Clean,
    /// The one that somebody saw and agreed to.
    Plan(Digest),
    /// Any.
    Any,
}

/// What came of putting a revision to work.
#[derive(Debug, Clone)]
pub struct Activated {
    /// The revision. It is active, or ready if the plan was not good enough.
    pub row: PluginRow,
    /// The plan.
    pub plan: Plan,
}

impl App {
    /// Puts a revision that is ready to work.
    pub async fn plugin_activate(
        &self,
        who: &Administrator,
        application: &ApplicationId,
        digest: Digest,
        accept: Accept,
        allow_downgrade: bool,
    ) -> Result<Activated, AppError> {
        let row = self.revision(application, digest).await?;
        self.words_said(&row).await?;
        let plugin = self.revision_load(&row).await?;
        if let Some(current) = self.place(application, digest).await?.row
            && row.description.version < current.description.version
            && !allow_downgrade
        {
            return Err(AppError::Conflict {
                code: "plugin-downgrade",
                text: format!(
                    "version {} has the application's place and {} is lower; `--allow-downgrade` puts \
                     it to work all the same",
                    current.description.version, row.description.version
                ),
            });
        }
        let done = self.put_to_work(who.actor(), &plugin, None, accept).await?;
        if done.row.state == RevisionState::Active {
            return Ok(done);
        }
        Err(AppError::Conflict {
            code: "plan-not-clean",
            text: format!(
                "putting revision {} to work is not without effect; look at its plan, and activate \
                 it with the plan's id if it is meant",
                digest.short()
            ),
        })
    }

    /// Puts back to work the revision that was before, or the one that is named. Settings that were
    /// migrated since come back as they were, unless a person changed them. What it was granted holds
    /// as far as the one in place is granted it too; beyond that it waits for a word.
    pub async fn plugin_rollback(
        &self,
        who: &Administrator,
        application: &ApplicationId,
        to: Option<Digest>,
    ) -> Result<Activated, AppError> {
        let rows = plugin_revisions(&mut *self.0.storage.read().await?, application).await?;
        let kept = rows
            .into_iter()
            .filter(|row| row.state == RevisionState::Superseded);
        let mut kept = kept.filter(|row| to.is_none_or(|to| to == row.digest));
        let row = kept.next().ok_or_else(|| AppError::Conflict {
            code: "revision-not-kept",
            text: match to {
                Some(to) => format!(
                    "revision {} of {application} was not at work before, or is not kept any more; \
                     `muster plugin revisions` lists those that are",
                    to.short()
                ),
                None => {
                    format!(
                        "application {application} has no revision that was at work before and is kept"
                    )
                }
            },
        })?;
        self.words_said(&row).await?;
        let plugin = self.revision_load(&row).await?;
        self.put_to_work(who.actor(), &plugin, None, Accept::Any)
            .await
    }

    /// The plan is made twice: first with all its work, while everything goes on; then, while no
    /// task of the application can change, for what changed meanwhile.
    pub(super) async fn put_to_work(
        &self,
        actor: Actor,
        plugin: &Arc<Plugin>,
        fresh: Option<PluginRow>,
        accept: Accept,
    ) -> Result<Activated, AppError> {
        let application = &plugin.description().application;
        let planned = self.planned(plugin, None).await?;
        let alone = self.0.switches.alone(application).await;
        let planned = self.planned(plugin, Some(planned)).await?;
        let activate = good_enough(accept, &planned.plan)?;
        let terms = self.terms_at_work(plugin).await?;
        let row = self.keep(actor, plugin, fresh, &planned, activate).await?;
        if activate {
            self.swap(plugin, &terms);
            self.terms_renew(application).await;
        }
        drop(alone);
        if activate {
            self.after_swap(application).await?;
        }
        Ok(Activated {
            row,
            plan: planned.plan,
        })
    }

    /// One transaction: the rows of both revisions, the settings of tasks, and all events.
    async fn keep(
        &self,
        actor: Actor,
        plugin: &Arc<Plugin>,
        fresh: Option<PluginRow>,
        planned: &Planned,
        activate: bool,
    ) -> Result<PluginRow, AppError> {
        let (application, digest) = (plugin.description().application.clone(), plugin.digest());
        let (plan, plugin) = (planned.plan.clone(), Arc::clone(plugin));
        let row = self
            .logged(move |connection| {
                Box::pin(async move {
                    let now = Timestamp::now();
                    if let Some(fresh) = &fresh {
                        make_ready(connection, fresh, now).await?;
                    }
                    if activate {
                        still_kept(connection, &application, digest).await?;
                        supersede(connection, &plan, now, &actor).await?;
                        make_active(connection, &plugin, &plan, now, &actor).await?;
                        lapse_superseded(connection, &application, digest, &actor).await?;
                        for task in &plan.tasks {
                            renew(connection, &plugin, task, now).await?;
                            muster_crash_point::reach("install.task-renewed");
                        }
                    }
                    muster_crash_point::reach("install.before-commit");
                    plugin_revision(connection, &application, digest)
                        .await?
                        .ok_or_else(|| AppError::not_found("revision", &digest))
                })
            })
            .await?;
        muster_crash_point::reach("install.committed");
        Ok(row)
    }
}

fn good_enough(accept: Accept, plan: &Plan) -> Result<bool, AppError> {
    match accept {
        Accept::Nothing => Ok(false),
        Accept::Any => Ok(true),
        Accept::New { auto } => Ok(plan.from.is_none() || (auto && plan.is_clean())),
        Accept::Clean => Ok(plan.is_clean()),
        Accept::Plan(id) if id == plan.id => Ok(true),
        Accept::Plan(id) => Err(AppError::Conflict {
            code: "plan-outdated",
            text: format!(
                "plan {} was made on a state that has changed since; the plan is {} now: look at it \
                 again, and accept that one if it is meant",
                id.short(),
                plan.id.short()
            ),
        }),
    }
}

async fn make_ready(
    connection: &mut Connection,
    fresh: &PluginRow,
    now: Timestamp,
) -> Result<(), AppError> {
    upload_delete(connection, fresh.digest).await?;
    let application = &fresh.description.application;
    let known = plugin_revision(connection, application, fresh.digest).await?;
    if known.is_some_and(|known| known.state.is_kept() && !known.state.is_current()) {
        return Ok(());
    }
    plugin_insert(connection, fresh).await?;
    let text = format!(
        "The plug-in of {}, version {}, was installed.",
        fresh.description.name, fresh.description.version
    );
    let fields = serde_json::json!({
        "digest": fresh.digest,
        "version": fresh.description.version.to_string(),
        "state": RevisionState::Ready,
    });
    let by = fresh.installed_by.clone();
    let event = revision_event(
        "plugin.installed",
        Severity::Info,
        by,
        Some(application),
        text,
        fields,
    );
    Ok(event_insert(connection, now, &[event]).await?)
}

/// The plug-in may have been removed while the plan was made.
async fn still_kept(
    connection: &mut Connection,
    application: &ApplicationId,
    digest: Digest,
) -> Result<(), AppError> {
    let row = plugin_revision(connection, application, digest).await?;
    if row.is_some_and(|row| row.state.may_activate()) {
        return Ok(());
    }
    Err(AppError::Conflict {
        code: "revision-changed-meanwhile",
        text: "the revision was removed or put to work meanwhile; look at it again".into(),
    })
}

/// Takes the place from whoever has it. It must be the one that the plan was made on.
async fn supersede(
    connection: &mut Connection,
    plan: &Plan,
    now: Timestamp,
    actor: &Actor,
) -> Result<(), AppError> {
    let application = &plan.application;
    let current = plugin_latest(connection, application).await?;
    let current = current.filter(|row| row.state.is_current() && row.digest != plan.to);
    if current.as_ref().map(|row| row.digest) != plan.from {
        return Err(AppError::Conflict {
            code: "plan-outdated",
            text: "another revision was put to work meanwhile; make the plan again".into(),
        });
    }
    let Some(current) = current else {
        return Ok(());
    };
    let state = RevisionState::Superseded;
    plugin_state_set(connection, application, current.digest, state, None, now).await?;
    let text = format!(
        "Version {} of the plug-in of {} is kept for a roll-back.",
        current.description.version, current.description.name
    );
    let fields = serde_json::json!({ "digest": current.digest, "state": state });
    let actor = actor.clone();
    let event = revision_event(
        "plugin.superseded",
        Severity::Info,
        actor,
        Some(application),
        text,
        fields,
    );
    Ok(event_insert(connection, now, &[event]).await?)
}

async fn make_active(
    connection: &mut Connection,
    plugin: &Plugin,
    plan: &Plan,
    now: Timestamp,
    actor: &Actor,
) -> Result<(), AppError> {
    let description = plugin.description();
    let application = &description.application;
    let state = RevisionState::Active;
    plugin_state_set(connection, application, plugin.digest(), state, None, now).await?;
    let (changed, invalid) = (plan.count(Effect::Changed), plan.count(Effect::Invalid));
    let text = format!(
        "Version {} of the plug-in of {} is at work; {changed} tasks are changed by it, {invalid} \
         are no longer valid.",
        description.version, description.name
    );
    let fields = serde_json::json!({
        "digest": plugin.digest(),
        "version": description.version.to_string(),
        "instead-of": plan.from,
        "plan": plan.id,
        "changed": changed,
        "invalid": invalid,
        "uncompared": plan.count(Effect::Uncompared),
        "no-devices": plan.count(Effect::NoDevices),
        "state": state,
    });
    let severity = if invalid > 0 {
        Severity::Warning
    } else {
        Severity::Info
    };
    let actor = actor.clone();
    let event = revision_event(
        "plugin.activated",
        severity,
        actor,
        Some(application),
        text,
        fields,
    );
    Ok(event_insert(connection, now, &[event]).await?)
}

/// Gives a task the settings that the plan has for it. One that is no longer valid stays as it is.
async fn renew(
    connection: &mut Connection,
    plugin: &Plugin,
    plan: &TaskPlan,
    now: Timestamp,
) -> Result<(), AppError> {
    let valid = plan.effect != Effect::Invalid;
    let Some(next) = plan.next.as_ref().filter(|_| valid) else {
        return Ok(());
    };
    // Deleted meanwhile.
    let Some(task) = task_get(connection, plan.task).await? else {
        return Ok(());
    };
    let Some(task_type) = plugin.description().task_type(&task.task_type) else {
        return Ok(());
    };
    let revision = TaskRevision {
        number: task.revision.number + 1,
        settings: next.settings.clone(),
        schedule: task.revision.schedule.clone(),
        rollout: task.revision.rollout.clone(),
        schema_version: next.schema_version,
        plugin: plugin.digest(),
        needs: task_type.needs,
        exclusive: task_type.is(Mark::Exclusive),
        findings: plan.findings.clone(),
        migrated_from: Some(next.restores.unwrap_or(task.revision.number)),
        created_at: now,
        created_by: Actor::Plugin(task.application.clone()),
        origin: Origin::by_itself(if next.restores.is_some() {
            Way::RollBack
        } else {
            Way::Migration
        }),
    };
    task_revision_insert(connection, task.id, &revision).await?;
    task_update(
        connection,
        task.id,
        &task.name,
        task.time_limit,
        revision.number,
    )
    .await?;
    let (kind, text) = match next.restores {
        None => (
            "task.migrated",
            format!(
                "The settings of task {} were brought up to date.",
                task.name
            ),
        ),
        Some(before) => (
            "task.restored",
            format!(
                "The settings of task {} are those of its revision {before} again.",
                task.name
            ),
        ),
    };
    let event = NewEvent::new(kind, Severity::Info, revision.created_by.clone(), text)
        .about(Subject {
            application: Some(task.application.clone()),
            task: Some(task.id),
            ..Subject::default()
        })
        .with(serde_json::json!({ "revision": revision.number, "plugin": plugin.digest() }));
    Ok(event_insert(connection, now, &[event]).await?)
}
