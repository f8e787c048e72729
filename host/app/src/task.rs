//! Tasks, as administrators see, copy and delete them.

use crate::place::{ScopeReference, SetNames};
use crate::submit::{TaskChangeRequest, TaskRequest};
use crate::vault::AllowPlain;
use crate::{Administrator, App, AppError};
use muster_domain::application::Mark;
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::finding::Finding;
use muster_domain::origin::Way;
use muster_domain::plan::{Change, changes};
use muster_domain::run::{Run, RunState};
use muster_domain::scope::Scope;
use muster_domain::secret::Inline;
use muster_domain::task::{Task, TaskRevision};
use muster_domain::{ApplicationId, RunId, TaskId, TaskTypeId};
use muster_storage::Connection;
use muster_storage::approval::{Approval, approval_get};
use muster_storage::event::event_insert;
use muster_storage::run::{run_latest, run_list_open_of};
use muster_storage::task::{
    task_delete, task_get, task_list, task_revision_get, task_revision_list,
};

/// A task, with what stands elsewhere about it.
#[derive(Debug, Clone)]
pub struct TaskDetail {
    /// The task.
    pub task: Task,
    /// The path of its group or the name of its selection, if it is for one.
    pub scope_name: Option<String>,
    /// Whether its application has a loaded plug-in.
    pub plugin_loaded: bool,
    /// Whether it starts only if a second administrator approved it.
    pub is_destructive: bool,
    /// Who approved its newest revision.
    pub approval: Option<Approval>,
    /// Its newest run.
    pub last_run: Option<RunId>,
}

/// Which tasks are wanted. What is none does not narrow.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    /// For this application.
    pub application: Option<ApplicationId>,
    /// Of this type.
    pub task_type: Option<TaskTypeId>,
    /// With a greater number.
    pub after: Option<TaskId>,
}

impl App {
    /// Tasks by number, at most `limit`.
    pub async fn task_list(
        &self,
        _who: &Administrator,
        filter: &TaskFilter,
        limit: u32,
    ) -> Result<Vec<TaskDetail>, AppError> {
        let mut connection = self.0.storage.read().await?;
        let tasks = task_list(
            &mut connection,
            filter.application.as_ref(),
            filter.task_type.as_ref(),
            filter.after.unwrap_or(TaskId(0)),
            limit,
        )
        .await?;
        let names = SetNames::read(&mut connection).await?;
        let mut details = Vec::with_capacity(tasks.len());
        for task in tasks {
            details.push(self.task_detail(&mut connection, task, &names).await?);
        }
        Ok(details)
    }

    /// A task.
    pub async fn task_get(&self, _who: &Administrator, id: TaskId) -> Result<TaskDetail, AppError> {
        let mut connection = self.0.storage.read().await?;
        let task = task_get(&mut connection, id).await?;
        let task = task.ok_or_else(|| AppError::not_found("task", &id))?;
        let names = SetNames::read(&mut connection).await?;
        self.task_detail(&mut connection, task, &names).await
    }

    async fn task_detail(
        &self,
        connection: &mut Connection,
        task: Task,
        names: &SetNames,
    ) -> Result<TaskDetail, AppError> {
        let plugin = self.0.applications.get(&task.application);
        let task_type = plugin
            .as_ref()
            .and_then(|plugin| plugin.description().task_type(&task.task_type));
        Ok(TaskDetail {
            scope_name: names.of_scope(&task.scope),
            is_destructive: task_type.is_some_and(|one| one.is(Mark::Destructive)),
            approval: approval_get(connection, task.id, task.revision.number).await?,
            last_run: run_latest(connection, task.id).await?,
            plugin_loaded: self.plugin_loaded(&task.application),
            task,
        })
    }

    /// The revisions of a task, newest first.
    pub async fn task_revisions(
        &self,
        who: &Administrator,
        id: TaskId,
    ) -> Result<Vec<TaskRevision>, AppError> {
        self.task_get(who, id).await?;
        Ok(task_revision_list(&mut *self.0.storage.read().await?, id).await?)
    }

    /// What differs between two revisions of a task: settings under `/settings`, its schedule under
    /// `/schedule`, its rollout under `/rollout`.
    pub async fn task_compare(
        &self,
        who: &Administrator,
        id: TaskId,
        from: u32,
        to: u32,
    ) -> Result<Vec<Change>, AppError> {
        let (from, to) = (
            self.task_revision(who, id, from).await?,
            self.task_revision(who, id, to).await?,
        );
        let whole = |revision: &TaskRevision| {
            serde_json::json!({
                "settings": revision.settings.to_value(),
                "schedule": revision.schedule,
                "rollout": revision.rollout,
            })
        };
        Ok(changes(&whole(&from), &whole(&to)))
    }

    /// Gives a task the settings, schedule and rollout that it had in a revision, as a new one. They go
    /// through the plug-in like any others.
    pub async fn task_roll_back(
        &self,
        who: &Administrator,
        id: TaskId,
        to: u32,
    ) -> Result<Task, AppError> {
        let back = self.task_revision(who, id, to).await?;
        let request = TaskChangeRequest {
            allow_plain: said_before(&back),
            settings: Some(Ok(back.settings)),
            schema_version: Some(back.schema_version),
            schedule: Some(back.schedule.map(|schedule| serde_json::json!(schedule))),
            rollout: Some(back.rollout.map(|rollout| serde_json::json!(rollout))),
            ..TaskChangeRequest::default()
        };
        self.task_change_by(who, id, request, Way::RollBack).await
    }

    async fn task_revision(
        &self,
        who: &Administrator,
        id: TaskId,
        number: u32,
    ) -> Result<TaskRevision, AppError> {
        self.task_get(who, id).await?;
        let revision = task_revision_get(&mut *self.0.storage.read().await?, id, number).await?;
        revision.ok_or_else(|| AppError::not_found("revision of the task", &number))
    }

    /// Makes a task like another one, by the way that every task takes.
    pub async fn task_copy(
        &self,
        who: &Administrator,
        id: TaskId,
        name: Option<String>,
        scope: Option<ScopeReference>,
    ) -> Result<Task, AppError> {
        let task = self.task_get(who, id).await?.task;
        let copy_of = || {
            format!("Copy of {}", task.name)
                .chars()
                .take(100)
                .collect::<String>()
        };
        let request = TaskRequest {
            name: name.unwrap_or_else(|| copy_of().trim_end().to_owned()),
            application: task.application.clone(),
            task_type: task.task_type.clone(),
            scope: scope.unwrap_or_else(|| by_number(&task.scope)),
            settings: Ok(task.revision.settings.clone()),
            schema_version: Some(task.revision.schema_version),
            time_limit: Some(task.time_limit),
            allow_plain: said_before(&task.revision),
            schedule: task
                .revision
                .schedule
                .as_ref()
                .map(|schedule| serde_json::json!(schedule)),
            rollout: task
                .revision
                .rollout
                .as_ref()
                .map(|rollout| serde_json::json!(rollout)),
        };
        self.task_create_by(who, request, Way::Copy).await
    }

    /// Deletes a task that no run is under way of. Its history stays.
    pub async fn task_delete(&self, who: &Administrator, id: TaskId) -> Result<(), AppError> {
        let actor = who.actor();
        self.logged(move |connection| Box::pin(async move { remove(connection, id, actor).await }))
            .await?;
        self.0.hints.task_changed(id);
        Ok(())
    }
}

/// Deletes a task that no run is under way of.
pub(crate) async fn remove(
    connection: &mut Connection,
    id: TaskId,
    actor: Actor,
) -> Result<(), AppError> {
    let task = task_get(connection, id).await?;
    let task = task.ok_or_else(|| AppError::not_found("task", &id))?;
    let open = run_list_open_of(connection, id).await?;
    let under_way = |run: &&Run| matches!(run.state, RunState::Running | RunState::Paused);
    if let Some(run) = open.iter().find(under_way) {
        return Err(AppError::Conflict {
            code: "task-running",
            text: format!(
                "run {} of task {id} is under way; stop the task first",
                run.id
            ),
        });
    }
    let now = muster_clock::now();
    task_delete(connection, id, now).await?;
    let text = format!("Task {} was deleted.", task.name);
    let event = NewEvent::new("task.deleted", Severity::Info, actor, text).about(Subject {
        application: Some(task.application),
        task: Some(id),
        ..Subject::default()
    });
    event_insert(connection, now, &[event]).await?;
    Ok(())
}

/// What was said of the settings of a revision that come back as they were.
fn said_before(revision: &TaskRevision) -> AllowPlain {
    AllowPlain::At(said_plain(revision))
}

/// The places in the settings of a revision that look like secrets and were said to be none.
pub(crate) fn said_plain(revision: &TaskRevision) -> Vec<String> {
    let said = |finding: &&Finding| finding.code == Inline::ALLOWED;
    let places = revision.findings.iter().filter(said);
    places.map(|finding| finding.pointer.clone()).collect()
}

/// A scope in numbers, which are good on this server alone.
pub(crate) fn by_number(scope: &Scope) -> ScopeReference {
    match scope {
        Scope::Local { device } => ScopeReference::Local(device.to_string()),
        Scope::Group {
            group,
            subgroups,
            excluded,
            only,
            membership,
        } => ScopeReference::Group {
            group: group.to_string(),
            subgroups: *subgroups,
            excluded: excluded.iter().map(ToString::to_string).collect(),
            only: *only,
            membership: *membership,
        },
        Scope::Selection {
            selection,
            membership,
        } => ScopeReference::Selection {
            selection: selection.to_string(),
            membership: *membership,
        },
        Scope::Global { devices } => {
            ScopeReference::Global(devices.iter().map(|device| device.to_string()).collect())
        }
    }
}
