//! A device's user asks for a task: it goes the way of every task, through the plug-in.

use super::edit::{Asked, Took};
use crate::application::task_type;
use crate::submit::{check_kind, check_name, check_time_limit, revision, schedule_of};
use crate::vault::{Allowed, secrets_kept_from_users};
use crate::{App, AppError};
use muster_domain::finding::Finding;
use muster_domain::origin::{Origin, Way};
use muster_domain::schedule::Schedule;
use muster_domain::scope::Scope;
use muster_domain::task::NewTask;
use muster_domain::user::{EditOutcome, NewLocalTask, may_have};
use muster_storage::task::task_insert;
use muster_storage::user::{task_version_by, user_task_count};

/// Tasks that the user of one device may have.
const MOST_OWN: u64 = 50;

pub(super) async fn take(app: &App, asked: &Asked, new: &NewLocalTask) -> Result<Took, AppError> {
    check_name(&new.name)?;
    let schedule = schedule_of(new.schedule.as_ref())?;
    check_schedule(schedule.as_ref())?;
    secrets_kept_from_users(None, &new.settings)?;
    let _shared = app.0.switches.shared(&new.application).await;
    let plugin = app.plugin(&new.application).await?;
    task_type(&plugin, &new.task_type)?;
    let agreed = app
        .agree_up(
            &new.application,
            &new.task_type,
            None,
            &new.settings,
            &Allowed::default(),
        )
        .await?;
    let device = asked.row.device;
    let scope = Scope::Local { device };
    check_kind(&agreed.task_type, scope.kind())?;
    let time_limit = check_time_limit(new.time_limit, &agreed.task_type)?;
    let task = NewTask {
        name: new.name.clone(),
        application: new.application.clone(),
        task_type: new.task_type.clone(),
        scope,
        time_limit: Some(time_limit),
        settings: agreed.settings.clone(),
        schedule,
        rollout: None,
    };
    let from = (asked.actor(), Origin::by_itself(Way::Device));
    let first = revision(1, agreed, task.schedule.clone(), from);
    let asked = asked.clone();
    let id = app
        .logged(move |connection| {
            Box::pin(async move {
                if user_task_count(connection, device).await? >= MOST_OWN {
                    return Err(AppError::Invalid {
                        code: "too-many-tasks",
                        text: format!("the user of a device has at most {MOST_OWN} tasks"),
                    });
                }
                let id = task_insert(connection, &task, time_limit, &first).await?;
                task_version_by(connection, id, device).await?;
                let outcome = EditOutcome::Taken {
                    task: id,
                    version: 1,
                    revision: 1,
                    lost: Vec::new(),
                };
                let text = format!("Task {} was created by {}.", task.name, asked.who());
                let about = (Some(id), Some(task.application));
                let what = ("task.created-on-device", text);
                asked.settle(connection, about, &outcome, what).await?;
                muster_crash_point::reach("user.before-commit");
                Ok(id)
            })
        })
        .await?;
    muster_crash_point::reach("user.committed");
    app.0.hints.task_changed(id);
    Ok(Took::Settled)
}

/// What other tasks, groups and devices do starts nothing of a device's user.
pub(super) fn check_schedule(schedule: Option<&Schedule>) -> Result<(), AppError> {
    if schedule.is_none_or(may_have) {
        return Ok(());
    }
    let text = "A task of a device's user starts by times, by a start on the device or by hand.";
    Err(AppError::FormInvalid {
        what: "schedule",
        findings: vec![Finding::error("/when", "schedule-not-for-users", text)],
    })
}
