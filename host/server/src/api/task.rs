//! Tasks.

use super::{Created, limit, number, page, value, view};
use crate::body::Json as Body;
use crate::edge::{Path, Query};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use muster_api::page::Page;
use muster_api::plan::ChangeView;
use muster_api::problem::ProblemDocument;
use muster_api::run::RunView;
use muster_api::task::{
    TaskApprove, TaskChange, TaskCopy, TaskCreate, TaskRevisionView, TaskRollback, TaskView,
};
use muster_app::submit::{TaskChangeRequest, TaskRequest};
use muster_app::task::TaskFilter;
use muster_app::vault::AllowPlain;
use muster_app::{Administrator, App};
use muster_domain::TaskId;
use muster_domain::settings::Settings;
use serde::Deserialize;
use utoipa::IntoParams;

/// Which tasks are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TaskQuery {
    /// For this application.
    application: Option<String>,
    /// Of this task type.
    task_type: Option<String>,
    /// `next` of the page before.
    after: Option<i64>,
    /// 1 to 1000; 100 if left out.
    limit: Option<u32>,
}

/// Why something is changed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CommentQuery {
    /// One line of at most 500 characters, kept with the revision.
    comment: Option<String>,
}

/// Tasks by number.
#[utoipa::path(get, path = "/api/v1/tasks", tag = "tasks", params(TaskQuery),
    responses((status = 200, body = Page<TaskView>)))]
pub(crate) async fn task_list(
    app: App,
    who: Administrator,
    Query(query): Query<TaskQuery>,
) -> Result<Json<Page<TaskView>>, Problem> {
    let limit = limit(query.limit)?;
    let filter = TaskFilter {
        application: query.application.as_deref().map(value).transpose()?,
        task_type: query.task_type.as_deref().map(value).transpose()?,
        after: query.after.map(TaskId),
    };
    let rows = app.task_list(&who, &filter, limit + 1).await?;
    Ok(page(rows, limit, |row| row.task.id, view::task))
}

/// Creates a task, if the application's plug-in agrees to it.
#[utoipa::path(post, path = "/api/v1/tasks", tag = "tasks", params(CommentQuery), request_body = TaskCreate,
    responses(
        (status = 201, body = TaskView),
        (status = 409, description = "the application has no loaded plug-in", body = ProblemDocument),
        (status = 422, description = "everything that is wrong, with its place", body = ProblemDocument),
    ))]
pub(crate) async fn task_create(
    app: App,
    who: Administrator,
    Query(query): Query<CommentQuery>,
    Body(task): Body<TaskCreate>,
) -> Result<Created<TaskView>, Problem> {
    let who = who.commented(query.comment)?;
    let task = app.task_create(&who, request(task)?).await?;
    created(&app, &who, task.id).await
}

pub(super) fn request(task: TaskCreate) -> Result<TaskRequest, Problem> {
    let settings = task.settings.as_ref();
    Ok(TaskRequest {
        schema_version: None,
        name: task.name,
        application: value(&task.application)?,
        task_type: value(&task.task_type)?,
        scope: view::scope_reference(task.scope),
        settings: settings.map_or_else(|| Ok(Settings::empty()), Settings::from_value),
        time_limit: task.time_limit,
        schedule: task.schedule,
        rollout: task.rollout,
        allow_plain: AllowPlain::At(task.allow_plain),
    })
}

pub(super) async fn shown(app: &App, who: &Administrator, id: TaskId) -> Result<TaskView, Problem> {
    Ok(view::task(app.task_get(who, id).await?))
}

async fn created(app: &App, who: &Administrator, id: TaskId) -> Result<Created<TaskView>, Problem> {
    Ok(Created::at(
        format!("/tasks/{id}"),
        shown(app, who, id).await?,
    ))
}

/// A task.
#[utoipa::path(get, path = "/api/v1/tasks/{task}", tag = "tasks", params(("task" = i64, Path)),
    responses((status = 200, body = TaskView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn task_show(
    app: App,
    who: Administrator,
    Path(task): Path<String>,
) -> Result<Json<TaskView>, Problem> {
    Ok(Json(shown(&app, &who, number("task", &task)?).await?))
}

/// Changes a task. Other settings make a new revision.
#[utoipa::path(patch, path = "/api/v1/tasks/{task}", tag = "tasks", params(("task" = i64, Path), CommentQuery),
    request_body = TaskChange,
    responses(
        (status = 200, body = TaskView),
        (status = 404, body = ProblemDocument),
        (status = 409, description = "no loaded plug-in, or changed meanwhile", body = ProblemDocument),
        (status = 422, description = "everything that is wrong, with its place", body = ProblemDocument),
    ))]
pub(crate) async fn task_change(
    app: App,
    who: Administrator,
    Path(task): Path<String>,
    Query(query): Query<CommentQuery>,
    Body(change): Body<TaskChange>,
) -> Result<Json<TaskView>, Problem> {
    let who = who.commented(query.comment)?;
    let request = TaskChangeRequest {
        revision: change.revision,
        name: change.name,
        settings: change.settings.as_ref().map(Settings::from_value),
        time_limit: change.time_limit,
        schedule: change.schedule,
        rollout: change.rollout,
        schema_version: None,
        allow_plain: AllowPlain::At(change.allow_plain),
    };
    let task = app
        .task_change(&who, number("task", &task)?, request)
        .await?;
    Ok(Json(shown(&app, &who, task.id).await?))
}

/// Deletes a task that no run is under way of. Its history stays.
#[utoipa::path(delete, path = "/api/v1/tasks/{task}", tag = "tasks", params(("task" = i64, Path)),
    responses((status = 204), (status = 404, body = ProblemDocument), (status = 409, body = ProblemDocument)))]
pub(crate) async fn task_delete(
    app: App,
    who: Administrator,
    Path(task): Path<String>,
) -> Result<StatusCode, Problem> {
    app.task_delete(&who, number("task", &task)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The revisions of a task, newest first.
#[utoipa::path(get, path = "/api/v1/tasks/{task}/revisions", tag = "tasks", params(("task" = i64, Path)),
    responses((status = 200, body = Page<TaskRevisionView>), (status = 404, body = ProblemDocument)))]
pub(crate) async fn task_revision_list(
    app: App,
    who: Administrator,
    Path(task): Path<String>,
) -> Result<Json<Page<TaskRevisionView>>, Problem> {
    let revisions = app.task_revisions(&who, number("task", &task)?).await?;
    Ok(super::whole(
        revisions.into_iter().map(view::revision).collect(),
    ))
}

/// Which revisions are compared.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CompareQuery {
    /// What was there.
    from: u32,
    /// What is there.
    to: u32,
}

/// What differs between two revisions of a task.
#[utoipa::path(get, path = "/api/v1/tasks/{task}/compare", tag = "tasks", params(("task" = i64, Path), CompareQuery),
    responses((status = 200, body = Page<ChangeView>), (status = 404, body = ProblemDocument)))]
pub(crate) async fn task_compare(
    app: App,
    who: Administrator,
    Path(task): Path<String>,
    Query(query): Query<CompareQuery>,
) -> Result<Json<Page<ChangeView>>, Problem> {
    let task = number("task", &task)?;
    let changes = app.task_compare(&who, task, query.from, query.to).await?;
    Ok(super::whole(
        changes.into_iter().map(view::plan::change).collect(),
    ))
}

/// Approves a revision of a destructive task, which another administrator made.
#[utoipa::path(post, path = "/api/v1/tasks/{task}/approve", tag = "tasks", params(("task" = i64, Path)),
    request_body = TaskApprove,
    responses(
        (status = 200, body = TaskView),
        (status = 404, body = ProblemDocument),
        (status = 409, description = "your own, not destructive, or changed meanwhile", body = ProblemDocument),
    ))]
pub(crate) async fn task_approve(
    app: App,
    who: Administrator,
    Path(task): Path<String>,
    Body(approve): Body<TaskApprove>,
) -> Result<Json<TaskView>, Problem> {
    let id = number("task", &task)?;
    let task = app.task_approve(&who, id, approve.revision).await?;
    Ok(Json(shown(&app, &who, task.id).await?))
}

/// Gives a task the settings and the schedule that it had in a revision, as a new one.
#[utoipa::path(post, path = "/api/v1/tasks/{task}/rollback", tag = "tasks", params(("task" = i64, Path), CommentQuery),
    request_body = TaskRollback,
    responses(
        (status = 200, body = TaskView),
        (status = 404, body = ProblemDocument),
        (status = 409, body = ProblemDocument),
        (status = 422, description = "the plug-in does not take these settings any more", body = ProblemDocument),
    ))]
pub(crate) async fn task_rollback(
    app: App,
    who: Administrator,
    Path(task): Path<String>,
    Query(query): Query<CommentQuery>,
    Body(rollback): Body<TaskRollback>,
) -> Result<Json<TaskView>, Problem> {
    let who = who.commented(query.comment)?;
    let task = number("task", &task)?;
    let task = app.task_roll_back(&who, task, rollback.revision).await?;
    Ok(Json(shown(&app, &who, task.id).await?))
}

/// Makes a task like another one.
#[utoipa::path(post, path = "/api/v1/tasks/{task}/copy", tag = "tasks", params(("task" = i64, Path), CommentQuery),
    request_body = TaskCopy,
    responses((status = 201, body = TaskView), (status = 404, body = ProblemDocument), (status = 409, body = ProblemDocument), (status = 422, body = ProblemDocument)))]
pub(crate) async fn task_copy(
    app: App,
    who: Administrator,
    Path(task): Path<String>,
    Query(query): Query<CommentQuery>,
    Body(copy): Body<TaskCopy>,
) -> Result<Created<TaskView>, Problem> {
    let who = who.commented(query.comment)?;
    let scope = copy.scope.map(view::scope_reference);
    let task = app
        .task_copy(&who, number("task", &task)?, copy.name, scope)
        .await?;
    created(&app, &who, task.id).await
}

/// How a start is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StartQuery {
    /// Whether it starts whatever the windows of its devices say.
    #[serde(default)]
    despite_windows: bool,
}

/// Starts a task: a run of it begins.
#[utoipa::path(post, path = "/api/v1/tasks/{task}/start", tag = "tasks", params(("task" = i64, Path), StartQuery),
    responses(
        (status = 201, body = RunView),
        (status = 404, body = ProblemDocument),
        (status = 409, description = "no loaded plug-in, or a run is under way", body = ProblemDocument),
    ))]
pub(crate) async fn task_start(
    app: App,
    who: Administrator,
    Path(task): Path<String>,
    Query(query): Query<StartQuery>,
) -> Result<Created<RunView>, Problem> {
    let task = number("task", &task)?;
    let run = app.run_start(&who, task, query.despite_windows).await?;
    let view = view::run(app.run_get(&who, run.id).await?);
    Ok(Created::at(format!("/runs/{}", run.id), view))
}

/// Stops the runs of a task that are under way; the answer is the newest.
#[utoipa::path(post, path = "/api/v1/tasks/{task}/stop", tag = "tasks", params(("task" = i64, Path)),
    responses((status = 200, body = RunView), (status = 404, body = ProblemDocument), (status = 409, body = ProblemDocument)))]
pub(crate) async fn task_stop(
    app: App,
    who: Administrator,
    Path(task): Path<String>,
) -> Result<Json<RunView>, Problem> {
    let run = app.task_stop(&who, number("task", &task)?).await?;
    Ok(Json(view::run(app.run_get(&who, run.id).await?)))
}
