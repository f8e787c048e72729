//! Submit: the first step of a task's life.
//!
//! Settings go through the application's plug-in before anything is kept. What comes of it is a
//! task revision and its event in one transaction, or a refusal and its event. The next step,
//! [`crate::dispatch`], starts from those rows.

mod check;

pub use check::MOST_LISTED;
pub(crate) use check::{
    check_kind, check_name, check_time_limit, check_time_limit_range, listed_too_many, rollout_of,
    schedule_of, words_about, words_about_rollout,
};

use crate::application::task_type;
use crate::error::sentence;
use crate::place::{ScopeReference, scope_find};
use crate::schema::brought_up;
use crate::vault::{AllowPlain, Allowed};
use crate::{Administrator, App, AppError};
use check::{check_revision, joined, kept_rollout, settings_of};
use muster_domain::application::{Mark, TaskType};
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::finding::{Finding, any_error};
use muster_domain::origin::{Origin, Way};
use muster_domain::schedule::Schedule;
use muster_domain::scope::Scope;
use muster_domain::secret::{Inline, scan_text};
use muster_domain::settings::Settings;
use muster_domain::task::{NewTask, Task, TaskRevision};
use muster_domain::{ApplicationId, Digest, TaskId, TaskTypeId};
use muster_storage::Connection;
use muster_storage::event::event_insert;
use muster_storage::task::{
    task_get, task_insert, task_revision_insert, task_schedule_begin, task_update,
};

/// A task that somebody asks for.
#[derive(Debug, Clone)]
pub struct TaskRequest {
    /// 1 to 100 characters.
    pub name: String,
    /// The application that it is for.
    pub application: ApplicationId,
    /// What it does.
    pub task_type: TaskTypeId,
    /// Where it is to be done.
    pub scope: ScopeReference,
    /// Its settings, or what is wrong with their text.
    pub settings: Result<Settings, Finding>,
    /// The version of the schema that they follow; the plug-in's own if none is told.
    pub schema_version: Option<u32>,
    /// Seconds; the task type's own limit if none.
    pub time_limit: Option<u32>,
    /// When it is to start by itself; JSON.
    pub schedule: Option<serde_json::Value>,
    /// How its runs are to go out; JSON.
    pub rollout: Option<serde_json::Value>,
    /// What of the settings looks like a secret and is none.
    pub allow_plain: AllowPlain,
}

/// What is to change of a task. What is none stays.
#[derive(Debug, Clone, Default)]
pub struct TaskChangeRequest {
    /// The revision that the change was made on.
    pub revision: Option<u32>,
    /// Another name.
    pub name: Option<String>,
    /// Other settings, or what is wrong with their text.
    pub settings: Option<Result<Settings, Finding>>,
    /// Another time limit in seconds.
    pub time_limit: Option<u32>,
    /// Another schedule, or none from now on.
    pub schedule: Option<Option<serde_json::Value>>,
    /// Another rollout, or none from now on.
    pub rollout: Option<Option<serde_json::Value>>,
    /// The version of the schema that the other settings follow; the plug-in's own if none is told.
    pub schema_version: Option<u32>,
    /// What of the settings looks like a secret and is none.
    pub allow_plain: AllowPlain,
}

/// Settings that the application's plug-in agreed to.
#[derive(Debug, Clone)]
pub(crate) struct Agreed {
    /// Brought up to the plug-in's own schema.
    pub(crate) settings: Settings,
    pub(crate) plugin: Digest,
    pub(crate) task_type: TaskType,
    /// Warnings and notices.
    pub(crate) findings: Vec<Finding>,
}

impl App {
    /// Creates a task, if the application's plug-in agrees to it. A refusal is an event too.
    pub async fn task_create(
        &self,
        who: &Administrator,
        request: TaskRequest,
    ) -> Result<Task, AppError> {
        self.task_create_by(who, request, Way::Create).await
    }

    pub(crate) async fn task_create_by(
        &self,
        who: &Administrator,
        request: TaskRequest,
        way: Way,
    ) -> Result<Task, AppError> {
        let result = self.task_submit(who, &request, way).await;
        if let Err(error) = &result {
            self.task_refused(who, &request, error).await?;
        }
        result
    }

    async fn task_submit(
        &self,
        who: &Administrator,
        request: &TaskRequest,
        way: Way,
    ) -> Result<Task, AppError> {
        let _shared = self.0.switches.shared(&request.application).await;
        let (task, agreed) = self.task_check(who, request).await?;
        let time_limit = task.time_limit.unwrap_or(agreed.task_type.time_limit);
        let by = (who.actor(), who.origin(way));
        self.task_keep(by, task, time_limit, agreed).await
    }

    /// Whether a task could be created as it is asked for, and what would come of it.
    pub(crate) async fn task_check(
        &self,
        _who: &Administrator,
        request: &TaskRequest,
    ) -> Result<(NewTask, Agreed), AppError> {
        check_name(&request.name)?;
        let plugin = self.plugin(&request.application).await?;
        task_type(&plugin, &request.task_type)?;
        let settings = settings_of(&request.settings)?;
        let scope = self.scope(&request.scope).await?;
        let schedule = schedule_of(request.schedule.as_ref())?;
        self.schedule_meets(None, schedule.as_ref()).await?;
        let rollout = rollout_of(request.rollout.as_ref(), schedule.as_ref())?;
        self.rollout_meets(rollout.as_ref()).await?;
        let mut agreed = self
            .agree_up(
                &request.application,
                &request.task_type,
                request.schema_version,
                &settings,
                &Allowed::now(&request.allow_plain),
            )
            .await?;
        agreed.findings.extend(words_about(schedule.as_ref()));
        agreed
            .findings
            .extend(words_about_rollout(rollout.as_ref()));
        check_kind(&agreed.task_type, scope.kind())?;
        let time_limit = check_time_limit(request.time_limit, &agreed.task_type)?;
        let task = NewTask {
            name: request.name.clone(),
            application: request.application.clone(),
            task_type: request.task_type.clone(),
            scope,
            time_limit: Some(time_limit),
            settings: agreed.settings.clone(),
            schedule,
            rollout,
        };
        Ok((task, agreed))
    }

    async fn scope(&self, reference: &ScopeReference) -> Result<Scope, AppError> {
        let found = scope_find(&mut *self.0.storage.read().await?, reference).await?;
        let scope = found.map_err(|missing| AppError::Invalid {
            code: "scope-unknown",
            text: format!("the scope names what is not there: {}", missing.join(", ")),
        })?;
        match &scope {
            Scope::Global { devices } if devices.is_empty() => Err(AppError::Invalid {
                code: "scope-empty",
                text: "a global task needs at least one device".into(),
            }),
            Scope::Global { devices } if devices.len() > MOST_LISTED as u64 => {
                let count = usize::try_from(devices.len()).unwrap_or(usize::MAX);
                Err(AppError::Invalid {
                    code: "scope-too-large",
                    text: listed_too_many(count),
                })
            }
            _ => Ok(scope),
        }
    }

    /// Asks the application's plug-in about settings. Errors refuse them, all at once.
    pub(crate) async fn agree(
        &self,
        application: &ApplicationId,
        id: &TaskTypeId,
        settings: &Settings,
        allowed: &Allowed,
    ) -> Result<Agreed, AppError> {
        let plugin = self.plugin(application).await?;
        let task_type = task_type(&plugin, id)?.clone();
        let schema = Some(&task_type.settings_schema);
        let plain = self.secrets_kept_out(settings, schema, allowed).await?;
        let mut findings = plugin.validate(id, settings).await?;
        let own = (task_type.schema_version, settings);
        self.0.shadows.validated(application, id, own, &findings);
        if any_error(&findings) {
            return Err(AppError::SettingsInvalid { findings });
        }
        findings.extend(plain);
        Ok(Agreed {
            settings: settings.clone(),
            plugin: plugin.digest(),
            task_type,
            findings,
        })
    }

    /// The same for settings of some version of the schema. Older ones are brought up to date first.
    pub(crate) async fn agree_up(
        &self,
        application: &ApplicationId,
        id: &TaskTypeId,
        schema_version: Option<u32>,
        settings: &Settings,
        allowed: &Allowed,
    ) -> Result<Agreed, AppError> {
        let Some(version) = schema_version else {
            return self.agree(application, id, settings, allowed).await;
        };
        self.secrets_kept_out(settings, None, allowed).await?;
        let plugin = self.plugin(application).await?;
        let up = brought_up(&plugin, task_type(&plugin, id)?, version, settings);
        match up.await? {
            Ok(settings) => self.agree(application, id, &settings, allowed).await,
            Err(findings) => Err(AppError::SettingsInvalid { findings }),
        }
    }

    /// Keeps a task that was agreed to, with its event.
    pub(crate) async fn task_keep(
        &self,
        by: (Actor, Origin),
        task: NewTask,
        time_limit: u32,
        agreed: Agreed,
    ) -> Result<Task, AppError> {
        let first = TaskRevision {
            rollout: task.rollout.clone(),
            ..revision(1, agreed, task.schedule.clone(), by)
        };
        let by_scope = self.members_of(task.scope.selection()).await?;
        let by_schedule = self.members_of(joined(task.schedule.as_ref())).await?;
        let task = self
            .logged(move |connection| {
                Box::pin(async move {
                    by_scope.keep(connection).await?;
                    by_schedule.keep(connection).await?;
                    let id = task_insert(connection, &task, time_limit, &first).await?;
                    let text = format!("Task {} ({}) was created.", task.name, task.task_type);
                    task_event(
                        connection,
                        "task.created",
                        &first,
                        &task.application,
                        id,
                        text,
                    )
                    .await?;
                    muster_crash_point::reach("submit.before-commit");
                    task_get(connection, id)
                        .await?
                        .ok_or_else(|| AppError::not_found("task", &id))
                })
            })
            .await?;
        self.0.hints.task_changed(task.id);
        Ok(task)
    }

    /// Changes a task. Other settings go through the plug-in and make a new revision; runs under
    /// way go on with the one that they began with.
    pub async fn task_change(
        &self,
        who: &Administrator,
        id: TaskId,
        request: TaskChangeRequest,
    ) -> Result<Task, AppError> {
        self.task_change_by(who, id, request, Way::Change).await
    }

    pub(crate) async fn task_change_by(
        &self,
        who: &Administrator,
        id: TaskId,
        request: TaskChangeRequest,
        way: Way,
    ) -> Result<Task, AppError> {
        let task = self.task_get(who, id).await?.task;
        let _shared = match self.plugin(&task.application).await {
            Ok(_) => Some(self.0.switches.shared(&task.application).await),
            Err(_) => None,
        };
        // It may have been brought up to date by another revision of the plug-in until now.
        let task = self.task_get(who, id).await?.task;
        let name = request.name.unwrap_or_else(|| task.name.clone());
        if name != task.name {
            check_name(&name)?;
        }
        let now = &task.revision;
        let (settings, version) = match &request.settings {
            Some(settings) => (settings_of(settings)?, request.schema_version),
            None => (now.settings.clone(), Some(now.schema_version)),
        };
        let schedule = match &request.schedule {
            Some(schedule) => schedule_of(schedule.as_ref())?,
            None => now.schedule.clone(),
        };
        if request.schedule.is_some() {
            self.schedule_meets(Some(id), schedule.as_ref()).await?;
        }
        let rollout = match &request.rollout {
            Some(rollout) => rollout_of(rollout.as_ref(), schedule.as_ref())?,
            None => kept_rollout(now.rollout.clone(), schedule.as_ref())?,
        };
        self.rollout_meets(rollout.as_ref()).await?;
        let mut agreed = self
            .agree_up(
                &task.application,
                &task.task_type,
                version,
                &settings,
                &Allowed::with(&request.allow_plain, now),
            )
            .await?;
        agreed.findings.extend(words_about(schedule.as_ref()));
        agreed
            .findings
            .extend(words_about_rollout(rollout.as_ref()));
        let time_limit = request.time_limit.or(Some(task.time_limit));
        let time_limit = check_time_limit(time_limit, &agreed.task_type)?;
        let expected = request.revision;
        let seen = self.members_of(joined(schedule.as_ref())).await?;
        let next = TaskRevision {
            rollout,
            ..revision(0, agreed, schedule, (who.actor(), who.origin(way)))
        };
        let task = self
            .logged(move |connection| {
                Box::pin(async move {
                    seen.keep(connection).await?;
                    let current = task_get(connection, id).await?;
                    let current = current.ok_or_else(|| AppError::not_found("task", &id))?;
                    check_revision(expected, current.revision.number)?;
                    let mut next = next;
                    next.number = current.revision.number;
                    let same_schedule = next.schedule == current.revision.schedule;
                    let is_same = next.schema_version == current.revision.schema_version
                        && next.settings == current.revision.settings
                        && next.rollout == current.revision.rollout
                        && same_schedule;
                    if !is_same {
                        next.number += 1;
                        task_revision_insert(connection, id, &next).await?;
                    }
                    if !same_schedule {
                        task_schedule_begin(connection, id, &next).await?;
                    }
                    task_update(connection, id, &name, time_limit, next.number).await?;
                    let text = format!("Task {name} was changed; its revision is {}.", next.number);
                    task_event(
                        connection,
                        "task.changed",
                        &next,
                        &current.application,
                        id,
                        text,
                    )
                    .await?;
                    task_get(connection, id)
                        .await?
                        .ok_or_else(|| AppError::not_found("task", &id))
                })
            })
            .await?;
        self.0.hints.task_changed(id);
        Ok(task)
    }

    async fn task_refused(
        &self,
        who: &Administrator,
        request: &TaskRequest,
        error: &AppError,
    ) -> Result<(), AppError> {
        let name: String = match scan_text(&request.name) {
            None => request.name.chars().take(100).collect(),
            Some(_) => "(not shown)".to_owned(),
        };
        let event = NewEvent::new(
            "task.refused",
            Severity::Warning,
            who.actor(),
            sentence(format!("Task {name:?} was refused: {error}")),
        )
        .about(Subject {
            application: Some(request.application.clone()),
            ..Subject::default()
        })
        .with(serde_json::json!({ "code": error.code(), "task-type": request.task_type }));
        self.event_write(event).await
    }
}

pub(crate) fn revision(
    number: u32,
    agreed: Agreed,
    schedule: Option<Schedule>,
    (by, origin): (Actor, Origin),
) -> TaskRevision {
    TaskRevision {
        number,
        settings: agreed.settings,
        schedule,
        rollout: None,
        schema_version: agreed.task_type.schema_version,
        plugin: agreed.plugin,
        needs: agreed.task_type.needs,
        exclusive: agreed.task_type.is(Mark::Exclusive),
        findings: agreed.findings,
        migrated_from: None,
        // Its schedule begins then.
        created_at: muster_clock::now(),
        created_by: by,
        origin,
    }
}

pub(crate) async fn task_event(
    connection: &mut Connection,
    kind: &str,
    revision: &TaskRevision,
    application: &ApplicationId,
    task: TaskId,
    text: String,
) -> Result<(), AppError> {
    let event = NewEvent::new(kind, Severity::Info, revision.created_by.clone(), text)
        .about(Subject {
            application: Some(application.clone()),
            task: Some(task),
            ..Subject::default()
        })
        .with(serde_json::json!({ "revision": revision.number, "origin": revision.origin }));
    let allowed = plain_event(revision, application, task);
    let events: Vec<NewEvent> = std::iter::once(event).chain(allowed).collect();
    Ok(event_insert(connection, revision.created_at, &events).await?)
}

/// Tells that settings hold what looks like a secret, because somebody said that it is none.
fn plain_event(
    revision: &TaskRevision,
    application: &ApplicationId,
    task: TaskId,
) -> Option<NewEvent> {
    let allowed = revision
        .findings
        .iter()
        .filter(|finding| finding.code == Inline::ALLOWED);
    let places: Vec<&str> = allowed.map(|finding| finding.pointer.as_str()).collect();
    if places.is_empty() {
        return None;
    }
    let text = format!(
        "Settings of task {task} that look like secrets were said to be none: {}.",
        places.join(", ")
    );
    let by = revision.created_by.clone();
    let event = NewEvent::new("task.plain-allowed", Severity::Warning, by, text)
        .about(Subject {
            application: Some(application.clone()),
            task: Some(task),
            ..Subject::default()
        })
        .with(serde_json::json!({ "revision": revision.number, "places": places }));
    Some(event)
}
