//! A device's user wants some fields of a local task to be other than they are.
//!
//! The user changed what the device knew, which may be long ago. What others did since is the
//! administrator's side of the merge, what the user's own earlier edits did is part of the base: nobody
//! is in conflict with himself.

use super::create::check_schedule;
use super::edit::{Asked, Found, Took, refused};
use crate::application::task_type;
use crate::submit::{Agreed, check_name, check_time_limit, check_time_limit_range, revision};
use crate::vault::{AllowPlain, Allowed, secrets_kept_from_users};
use crate::{App, AppError};
use muster_domain::finding::Finding;
use muster_domain::merge::{FieldChange, Fields, Lost, merge, with};
use muster_domain::origin::{Origin, Way};
use muster_domain::scope::Scope;
use muster_domain::task::{Task, TaskRevision};
use muster_domain::user::{Content, EditOutcome, EditedTask, changes as own_changes, content};
use muster_domain::{DeviceId, TaskId};
use muster_storage::Connection;
use muster_storage::task::{
    task_get, task_revision_get, task_revision_insert, task_schedule_begin, task_update,
};
use muster_storage::user::{task_version, task_version_by, task_versions};
use serde_json::{Value, json};

/// Times that it is begun anew as the task was changed meanwhile; after that it waits a moment.
const MOST_TRIES: u32 = 5;

/// How a task stands for an edit.
struct Ground {
    task: Task,
    version: u32,
    /// What the device knew, with what its user changed since.
    base: Value,
    /// The task as it is.
    current: Value,
    /// Whether the settings of both follow one schema.
    one_schema: bool,
    /// The version of the schema that the user's settings follow.
    schema_version: u32,
}

/// What an edit comes to.
struct Plan {
    content: Content,
    lost: Vec<Lost>,
    /// What the plug-in said of settings that are new.
    agreed: Option<Agreed>,
}

pub(super) async fn take(
    app: &App,
    asked: &Asked,
    reference: &EditedTask,
    base: u32,
    changes: &[FieldChange],
) -> Result<Took, AppError> {
    let id = match asked.found(app, reference).await? {
        Found::Task(id) => id,
        Found::NotYet => return Ok(Took::Waits { passing: false }),
        Found::NeverCreated => {
            let outcome = refused("task-not-created", "the task was never created", Vec::new());
            return asked.end(app, (None, None), outcome).await;
        }
    };
    for _ in 0..MOST_TRIES {
        let read = {
            let mut connection = app.0.storage.read().await?;
            ground(&mut connection, id, base, asked.row.device).await?
        };
        let ground = match read {
            Ok(ground) => ground,
            Err(Missing::Deleted) => return deleted(app, asked, id, changes).await,
            Err(Missing::Unknown(code, reason)) => {
                return asked
                    .end(app, (None, None), refused(code, reason, Vec::new()))
                    .await;
            }
        };
        let about = (Some(id), Some(ground.task.application.clone()));
        let _shared = app.0.switches.shared(&ground.task.application).await;
        let plan = match plan(app, &ground, changes).await? {
            Ok(plan) => plan,
            Err(findings) => {
                let reason = muster_domain::chain(&AppError::SettingsInvalid {
                    findings: findings.clone(),
                });
                let outcome = refused("settings-invalid", &reason, findings);
                return asked.end(app, about, outcome).await;
            }
        };
        if keep(app, asked, ground, plan).await? {
            return Ok(Took::Settled);
        }
    }
    Ok(Took::Waits { passing: true })
}

/// Why there is nothing to be changed.
enum Missing {
    Deleted,
    Unknown(&'static str, &'static str),
}

async fn ground(
    connection: &mut Connection,
    id: TaskId,
    base: u32,
    device: DeviceId,
) -> Result<Result<Ground, Missing>, AppError> {
    let Some(task) = task_get(connection, id).await? else {
        return Ok(Err(Missing::Deleted));
    };
    if task.scope != (Scope::Local { device }) {
        let reason = "there is no such local task of this device";
        return Ok(Err(Missing::Unknown("not-local", reason)));
    }
    let versions = task_versions(connection, id, base).await?;
    let Some(first) = versions.first().filter(|first| first.version == base) else {
        let reason = "the task was never in the version that the change was made on";
        return Ok(Err(Missing::Unknown("base-unknown", reason)));
    };
    let mut revision = task_revision_get(connection, id, first.revision).await?;
    let schema_version = revision
        .as_ref()
        .map_or(0, |revision| revision.schema_version);
    let mut known = None;
    let mut before: Option<Value> = None;
    for version in &versions {
        if revision.as_ref().map(|revision| revision.number) != Some(version.revision) {
            revision = task_revision_get(connection, id, version.revision).await?;
        }
        let Some(revision) = &revision else {
            return Err(AppError::not_found("task revision", &version.revision));
        };
        let now = content_of(&version.name, version.time_limit, revision);
        known = match (known, before) {
            (Some(known), Some(before)) if version.device == Some(device) => {
                // A place of the user's own change is one that there is.
                let own = with(&known, &own_changes(&before, &now));
                Some(own.unwrap_or(known))
            }
            (known, _) => known.or(Some(now.clone())),
        };
        before = Some(now);
    }
    let version = versions.last().map_or(base, |last| last.version);
    Ok(Ok(Ground {
        current: content_of(&task.name, task.time_limit, &task.revision),
        base: known.unwrap_or_default(),
        one_schema: schema_version == task.revision.schema_version,
        schema_version,
        version,
        task,
    }))
}

fn content_of(name: &str, time_limit: u32, revision: &TaskRevision) -> Value {
    content(
        name,
        time_limit,
        revision.schedule.as_ref(),
        &revision.settings,
    )
}

/// What is to become of the task, or what is wrong with what the user wants.
async fn plan(
    app: &App,
    ground: &Ground,
    changes: &[FieldChange],
) -> Result<Result<Plan, Vec<Finding>>, AppError> {
    let wanted = match with(&ground.base, changes) {
        Ok(wanted) => wanted,
        Err(finding) => return Ok(Err(vec![finding])),
    };
    let users = match Content::read(&wanted) {
        Ok(users) => users,
        Err(findings) => return Ok(Err(findings)),
    };
    let task = &ground.task;
    let other_settings = wanted.get("settings") != ground.base.get("settings");
    let mut schema = None;
    if other_settings {
        secrets_kept_from_users(Some(&task.revision.settings), &users.settings)?;
        // By itself it has to be right, whatever an administrator did: a wish that nobody could fulfil is
        // refused, not lost.
        app.agree_up(
            &task.application,
            &task.task_type,
            Some(ground.schema_version),
            &users.settings,
            &Allowed::with(&AllowPlain::Nothing, &task.revision),
        )
        .await?;
        let plugin = app.plugin(&task.application).await?;
        if ground.one_schema {
            schema = Some(task_type(&plugin, &task.task_type)?.settings_schema.clone());
        }
    }
    let fields = Fields::of_task(schema.as_ref());
    let merged = merge(&ground.base, &ground.current, &wanted, &fields);
    let content = match Content::read(&merged.whole) {
        Ok(content) => content,
        Err(findings) => return Ok(Err(findings)),
    };
    let mut plan = Plan {
        content,
        lost: merged.lost,
        agreed: None,
    };
    check(app, ground, &mut plan).await?;
    Ok(Ok(plan))
}

async fn check(app: &App, ground: &Ground, plan: &mut Plan) -> Result<(), AppError> {
    let task = &ground.task;
    if plan.content.name != task.name {
        check_name(&plan.content.name)?;
    }
    if plan.content.schedule != task.revision.schedule {
        check_schedule(plan.content.schedule.as_ref())?;
    }
    check_time_limit_range(plan.content.time_limit)?;
    if plan.content.settings == task.revision.settings {
        return Ok(());
    }
    let version = Some(task.revision.schema_version);
    let settings = &plan.content.settings;
    let allowed = Allowed::with(&AllowPlain::Nothing, &task.revision);
    let agreed = app.agree_up(
        &task.application,
        &task.task_type,
        version,
        settings,
        &allowed,
    );
    match agreed.await {
        Ok(agreed) => {
            check_time_limit(Some(plan.content.time_limit), &agreed.task_type)?;
            plan.agreed = Some(agreed);
        }
        // Each side is right by itself, and both together are not: then the settings are one field.
        Err(AppError::SettingsInvalid { .. }) => {
            plan.lost
                .retain(|lost| !lost.pointer.starts_with("/settings"));
            plan.lost.push(Lost {
                pointer: "/settings".into(),
                user: Some(json!(plan.content.settings)),
                administrator: Some(json!(task.revision.settings)),
            });
            plan.content.settings = task.revision.settings.clone();
        }
        Err(other) => return Err(other),
    }
    Ok(())
}

/// Writes what an edit comes to. False if the task was changed meanwhile, so that nothing was written.
async fn keep(app: &App, asked: &Asked, ground: Ground, plan: Plan) -> Result<bool, AppError> {
    let id = ground.task.id;
    let asked = asked.clone();
    let kept = app
        .logged(move |connection| {
            Box::pin(async move {
                let current = task_get(connection, id).await?;
                let number = task_version(connection, id).await?;
                if current.as_ref() != Some(&ground.task) || number != ground.version {
                    return Ok(false);
                }
                write(connection, &asked, ground, plan).await?;
                muster_crash_point::reach("user.before-commit");
                Ok(true)
            })
        })
        .await?;
    if kept {
        muster_crash_point::reach("user.committed");
        app.0.hints.task_changed(id);
    }
    Ok(kept)
}

async fn write(
    connection: &mut Connection,
    asked: &Asked,
    ground: Ground,
    plan: Plan,
) -> Result<(), AppError> {
    let Ground {
        task,
        version,
        current,
        ..
    } = ground;
    let Plan {
        content,
        lost,
        agreed,
    } = plan;
    let about = (Some(task.id), Some(task.application.clone()));
    let wanted = content_of_parts(&content);
    if wanted == current && !lost.is_empty() {
        let reason = "an administrator changed the same meanwhile";
        let outcome = EditOutcome::Lost {
            reason: reason.into(),
            lost,
        };
        let text = format!(
            "Task {} was to be changed by {}: {reason}.",
            task.name,
            asked.who()
        );
        let what = ("task.user-change-lost", text);
        return asked.settle(connection, about, &outcome, what).await;
    }
    let before = &task.revision;
    let from = (asked.actor(), Origin::by_itself(Way::Device));
    let mut next = match agreed {
        Some(agreed) => TaskRevision {
            rollout: before.rollout.clone(),
            ..revision(before.number, agreed, content.schedule.clone(), from)
        },
        None => TaskRevision {
            schedule: content.schedule.clone(),
            migrated_from: None,
            created_at: muster_clock::now(),
            created_by: from.0,
            origin: from.1,
            ..before.clone()
        },
    };
    let same_schedule = next.schedule == before.schedule;
    let same = same_schedule
        && next.settings == before.settings
        && next.schema_version == before.schema_version;
    if !same {
        next.number += 1;
        task_revision_insert(connection, task.id, &next).await?;
    }
    if !same_schedule {
        task_schedule_begin(connection, task.id, &next).await?;
    }
    let mut now = version;
    if wanted != current {
        let number = next.number;
        task_update(
            connection,
            task.id,
            &content.name,
            content.time_limit,
            number,
        )
        .await?;
        task_version_by(connection, task.id, asked.row.device).await?;
        now = task_version(connection, task.id).await?;
    }
    let outcome = EditOutcome::Taken {
        task: task.id,
        version: now,
        revision: next.number,
        lost,
    };
    let text = format!(
        "Task {} was changed by {}; its revision is {}.",
        content.name,
        asked.who(),
        next.number
    );
    asked
        .settle(
            connection,
            about,
            &outcome,
            ("task.changed-on-device", text),
        )
        .await
}

fn content_of_parts(parts: &Content) -> Value {
    content(
        &parts.name,
        parts.time_limit,
        parts.schedule.as_ref(),
        &parts.settings,
    )
}

/// The task is no more: what the user wanted of it is kept as lost.
async fn deleted(
    app: &App,
    asked: &Asked,
    id: TaskId,
    changes: &[FieldChange],
) -> Result<Took, AppError> {
    let lost = changes.iter().map(|change| Lost {
        pointer: change.pointer.clone(),
        user: change.to.clone(),
        administrator: None,
    });
    let outcome = EditOutcome::Lost {
        reason: "the task was deleted meanwhile".into(),
        lost: lost.collect(),
    };
    asked.end(app, (Some(id), None), outcome).await
}
