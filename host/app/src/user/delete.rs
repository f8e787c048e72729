//! A device's user wants a task to be no more.

use super::edit::{Asked, Found, Took, refused};
use super::policy::is_own_of;
use crate::{App, AppError};
use muster_domain::merge::Lost;
use muster_domain::scope::Scope;
use muster_domain::user::{EditOutcome, EditedTask};
use muster_storage::task::{task_delete, task_get};
use muster_storage::user::{task_version, task_versions};
use serde_json::json;

pub(super) async fn take(
    app: &App,
    asked: &Asked,
    reference: &EditedTask,
    base: u32,
) -> Result<Took, AppError> {
    let id = match asked.found(app, reference).await? {
        Found::Task(id) => id,
        Found::NotYet => return Ok(Took::Waits { passing: false }),
        Found::NeverCreated => {
            let reason = "the task was never created";
            let outcome = refused("task-not-created", reason, Vec::new());
            return asked.end(app, (None, None), outcome).await;
        }
    };
    let device = asked.row.device;
    let asked = asked.clone();
    app.logged(move |connection| {
        Box::pin(async move {
            let task = task_get(connection, id).await?;
            let number = task_version(connection, id).await?;
            let Some(task) = task else {
                // Both sides wanted the same.
                let outcome = EditOutcome::Taken {
                    task: id,
                    version: 0,
                    revision: 0,
                    lost: Vec::new(),
                };
                let text = format!("Task {id} was to be deleted by {} too.", asked.who());
                let what = ("task.deleted-on-device", text);
                return asked.settle(connection, (None, None), &outcome, what).await;
            };
            let application = Some(task.application.clone());
            if task.scope != (Scope::Local { device }) || !is_own_of(&task, device) {
                let reason = "the task was not made by this device's user";
                let text = format!("Task {id} was not deleted for {}: {reason}.", asked.who());
                let about = (None, application);
                let outcome = refused("not-own", reason, Vec::new());
                let what = ("task.user-change-refused", text);
                return asked.settle(connection, about, &outcome, what).await;
            }
            let after = task_versions(connection, id, base.saturating_add(1)).await?;
            let changed = after.iter().any(|version| version.device != Some(device));
            let about = (Some(id), application);
            if changed {
                let reason = "an administrator changed the task meanwhile, so it stays";
                let outcome = EditOutcome::Lost {
                    reason: reason.into(),
                    lost: vec![Lost {
                        pointer: String::new(),
                        user: None,
                        administrator: Some(json!(task.name)),
                    }],
                };
                let text = format!(
                    "Task {} was to be deleted by {}: {reason}.",
                    task.name,
                    asked.who()
                );
                let what = ("task.user-change-lost", text);
                return asked.settle(connection, about, &outcome, what).await;
            }
            task_delete(connection, id, muster_clock::now()).await?;
            let outcome = EditOutcome::Taken {
                task: id,
                version: number,
                revision: task.revision.number,
                lost: Vec::new(),
            };
            let text = format!("Task {} was deleted by {}.", task.name, asked.who());
            let what = ("task.deleted-on-device", text);
            asked.settle(connection, about, &outcome, what).await?;
            muster_crash_point::reach("user.before-commit");
            Ok(())
        })
    })
    .await?;
    muster_crash_point::reach("user.committed");
    app.0.hints.task_changed(id);
    Ok(Took::Settled)
}
