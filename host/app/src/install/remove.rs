//! Remove: an application loses its plug-in. Its tasks stay listed and readable; deliveries under way
//! end on their devices, and those that are not translated yet wait for a plug-in.

use super::revision_event;
use crate::place::devices_of;
use crate::{Administrator, App, AppError};
use jiff::Timestamp;
use muster_domain::event::Severity;
use muster_domain::revision::RevisionState;
use muster_domain::text::counted;
use muster_domain::{ApplicationId, TaskId};
use muster_storage::event::event_insert;
use muster_storage::grant::grant_forget;
use muster_storage::plugin::{plugin_latest, plugin_revisions, plugin_state_set};
use muster_storage::run::run_list_open;
use muster_storage::task::{task_count, task_head, task_list};
use roaring::RoaringBitmap;

/// What a removal leaves without a plug-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovalPreview {
    /// Tasks that cannot be changed or started any more.
    pub tasks: u64,
    /// Devices in their scopes.
    pub devices: u64,
    /// Runs under way. What devices have of them ends; the rest waits for a plug-in.
    pub runs: u64,
}

/// Tasks read at once.
const PAGE: u32 = 1000;

impl App {
    /// What the removal of an application's plug-in would leave without one.
    pub async fn plugin_removal(
        &self,
        who: &Administrator,
        application: &ApplicationId,
    ) -> Result<RemovalPreview, AppError> {
        self.plugin_get(who, application).await?;
        let mut connection = self.0.storage.read().await?;
        let mut devices = RoaringBitmap::new();
        let mut tasks = 0;
        let mut after = TaskId(0);
        loop {
            let page = task_list(&mut connection, Some(application), None, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for task in page {
                tasks += 1;
                devices |= devices_of(&mut connection, &task.scope).await?;
            }
        }
        let mut runs = 0;
        for run in run_list_open(&mut connection).await? {
            let head = task_head(&mut connection, run.task).await?;
            runs += u64::from(head.is_some_and(|head| head.application == *application));
        }
        Ok(RemovalPreview {
            tasks,
            devices: devices.len(),
            runs,
        })
    }

    /// Removes an application's plug-in, with all its revisions. Returns how many tasks are left
    /// without one.
    pub async fn plugin_remove(
        &self,
        who: &Administrator,
        application: &ApplicationId,
    ) -> Result<u64, AppError> {
        let (actor, id) = (who.actor(), application.clone());
        let alone = self.0.switches.alone(application).await;
        let tasks = self
            .logged(move |connection| {
                Box::pin(async move {
                    let now = Timestamp::now();
                    let row = plugin_latest(connection, &id).await?;
                    let rows = plugin_revisions(connection, &id).await?;
                    let kept: Vec<_> = rows.into_iter().filter(|row| row.state.is_kept()).collect();
                    let name = row
                        .as_ref()
                        .filter(|_| !kept.is_empty())
                        .or(kept.first())
                        .map(|row| row.description.name.clone())
                        .filter(|_| !kept.is_empty())
                        .ok_or_else(|| AppError::not_found("plug-in for application", &id))?;
                    grant_forget(connection, &id).await?;
                    let tasks = task_count(connection, &id).await?;
                    for row in &kept {
                        let state = RevisionState::Removed;
                        plugin_state_set(connection, &id, row.digest, state, None, now).await?;
                    }
                    let text = format!(
                        "The plug-in of {name} was removed; without one: {}.",
                        counted(tasks, "task")
                    );
                    let digests: Vec<_> = kept.iter().map(|row| row.digest).collect();
                    let fields = serde_json::json!({
                        "digest": digests.first(),
                        "revisions": digests,
                        "tasks": tasks,
                        "state": RevisionState::Removed,
                    });
                    let severity = Severity::Warning;
                    let event =
                        revision_event("plugin.removed", severity, actor, Some(&id), text, fields);
                    event_insert(connection, now, &[event]).await?;
                    muster_crash_point::reach("remove.before-commit");
                    Ok(tasks)
                })
            })
            .await?;
        muster_crash_point::reach("remove.committed");
        self.0.applications.take(application);
        // Devices hear that what they start by themselves is held.
        self.0.hints.everything();
        self.0.shadows.take_application(application);
        // What is not removed now is when the server starts again.
        self.plugin_files_remove(application).await?;
        drop(alone);
        self.clean_later();
        Ok(tasks)
    }
}
