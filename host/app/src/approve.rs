//! Approval: what a plug-in marks as destructive starts in a revision alone that a second administrator
//! approved, whoever or whatever starts it.
//!
//! It is asked where a run is put into a device's terms ([`crate::deliver`]), so nothing that starts tasks can
//! pass it; a person who starts one is told at once.

use crate::application::task_type;
use crate::{Administrator, App, AppError};
use muster_domain::TaskId;
use muster_domain::application::Mark;
use muster_domain::event::{NewEvent, Severity, Subject};
use muster_domain::task::Task;
use muster_storage::approval::{Approval, approval_get, approval_insert};
use muster_storage::event::event_insert;
use muster_storage::task::task_get;

impl App {
    /// Approves the newest revision of a destructive task that somebody else made.
    pub async fn task_approve(
        &self,
        who: &Administrator,
        id: TaskId,
        revision: u32,
    ) -> Result<Task, AppError> {
        let task = self.task_get(who, id).await?.task;
        if !self.is_destructive(&task).await? {
            return Err(AppError::Conflict {
                code: "approval-not-needed",
                text: format!("task {id} is not destructive; it starts without an approval"),
            });
        }
        let (name, actor) = (who.name.clone(), who.actor());
        let task = self
            .logged(move |connection| {
                Box::pin(async move {
                    let task = task_get(connection, id).await?;
                    let task = task.ok_or_else(|| AppError::not_found("task", &id))?;
                    let newest = task.revision.number;
                    if newest != revision {
                        return Err(AppError::Conflict {
                            code: "task-changed-meanwhile",
                            text: format!(
                                "task {id} is at revision {newest} now, and not at {revision}; look at it \
                                 before you approve it"
                            ),
                        });
                    }
                    if task.revision.created_by == actor {
                        return Err(AppError::Conflict {
                            code: "approval-own",
                            text: format!(
                                "revision {revision} of task {id} is your own; another administrator must \
                                 approve it (`muster administrator add` makes one)"
                            ),
                        });
                    }
                    let at = muster_clock::now();
                    let approval = Approval { at, by: name };
                    approval_insert(connection, id, revision, &approval).await?;
                    let text = format!("Revision {revision} of task {} was approved.", task.name);
                    let event = NewEvent::new("task.approved", Severity::Info, actor, text)
                        .about(Subject {
                            application: Some(task.application.clone()),
                            task: Some(id),
                            ..Subject::default()
                        })
                        .with(serde_json::json!({ "revision": revision }));
                    event_insert(connection, at, &[event]).await?;
                    muster_crash_point::reach("approve.before-commit");
                    Ok(task)
                })
            })
            .await?;
        // What waited for it, on whichever device.
        self.0.hints.everything();
        Ok(task)
    }

    /// Refuses a task that waits for an approval.
    pub(crate) async fn approval_meets(&self, task: &Task) -> Result<(), AppError> {
        if !self.is_destructive(task).await? {
            return Ok(());
        }
        let (id, number) = (task.id, task.revision.number);
        let mut connection = self.0.storage.read().await?;
        if approval_get(&mut connection, id, number).await?.is_some() {
            return Ok(());
        }
        Err(AppError::Conflict {
            code: "approval-needed",
            text: format!(
                "task {id} is destructive: it starts when an administrator other than who made its revision \
                 {number} approves it with `muster task approve {id}`"
            ),
        })
    }

    async fn is_destructive(&self, task: &Task) -> Result<bool, AppError> {
        let plugin = self.plugin(&task.application).await?;
        Ok(task_type(&plugin, &task.task_type)?.is(Mark::Destructive))
    }
}
