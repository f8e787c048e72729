//! Runs and their deliveries.

use super::{Created, limit, number, page, value, view};
use crate::body::Json as Body;
use crate::edge::{Edge, Path, Query};
use crate::problem::Problem;
use crate::stream;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use muster_api::page::Page;
use muster_api::problem::ProblemDocument;
use muster_api::run::{DeliveryView, RunAgain, RunView};
use muster_app::{Administrator, App};
use muster_domain::{DeviceId, RunId, TaskId};
use serde::Deserialize;
use utoipa::IntoParams;

/// Which runs are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunQuery {
    /// Of this task.
    task: Option<i64>,
    /// `next` of the page before.
    after: Option<i64>,
    /// 1 to 1000; 100 if left out.
    limit: Option<u32>,
}

/// Runs, newest first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", params(RunQuery),
    responses((status = 200, body = Page<RunView>)))]
pub(crate) async fn run_list(
    app: App,
    who: Administrator,
    Query(query): Query<RunQuery>,
) -> Result<Json<Page<RunView>>, Problem> {
    let limit = limit(query.limit)?;
    let (task, before) = (query.task.map(TaskId), query.after.map(RunId));
    let rows = app.run_list(&who, task, before, limit + 1).await?;
    Ok(page(rows, limit, |row| row.run.id, view::run))
}

/// A run.
#[utoipa::path(get, path = "/api/v1/runs/{run}", tag = "runs", params(("run" = i64, Path)),
    responses((status = 200, body = RunView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn run_show(
    app: App,
    who: Administrator,
    Path(run): Path<String>,
) -> Result<Json<RunView>, Problem> {
    shown(&app, &who, number("run", &run)?).await
}

async fn shown(app: &App, who: &Administrator, run: RunId) -> Result<Json<RunView>, Problem> {
    Ok(Json(view::run(app.run_get(who, run).await?)))
}

/// Stops a run: devices that are at it end it, others never get it.
#[utoipa::path(post, path = "/api/v1/runs/{run}/stop", tag = "runs", params(("run" = i64, Path)),
    responses((status = 200, body = RunView), (status = 404, body = ProblemDocument), (status = 409, body = ProblemDocument)))]
pub(crate) async fn run_stop(
    app: App,
    who: Administrator,
    Path(run): Path<String>,
) -> Result<Json<RunView>, Problem> {
    let run = app.run_stop(&who, number("run", &run)?).await?;
    shown(&app, &who, run.id).await
}

/// Runs a run's task again on the devices on which it ended in some states.
#[utoipa::path(post, path = "/api/v1/runs/{run}/again", tag = "runs", params(("run" = i64, Path)),
    request_body = RunAgain,
    responses(
        (status = 201, body = RunView),
        (status = 404, body = ProblemDocument),
        (status = 409, description = "no loaded plug-in, no such device, or a run is under way", body = ProblemDocument),
    ))]
pub(crate) async fn run_again(
    app: App,
    who: Administrator,
    Path(run): Path<String>,
    Body(again): Body<RunAgain>,
) -> Result<Created<RunView>, Problem> {
    let states = again.states.unwrap_or_else(RunAgain::failed);
    let run = app.run_again(&who, number("run", &run)?, states).await?;
    let view = view::run(app.run_get(&who, run.id).await?);
    Ok(Created::at(format!("/runs/{}", run.id), view))
}

/// Pauses a run: devices that are at it stand still, others wait.
#[utoipa::path(post, path = "/api/v1/runs/{run}/pause", tag = "runs", params(("run" = i64, Path)),
    responses((status = 200, body = RunView), (status = 404, body = ProblemDocument), (status = 409, body = ProblemDocument)))]
pub(crate) async fn run_pause(
    app: App,
    who: Administrator,
    Path(run): Path<String>,
) -> Result<Json<RunView>, Problem> {
    let run = app.run_pause(&who, number("run", &run)?).await?;
    shown(&app, &who, run.id).await
}

/// Lets the rollout of a run go on, whatever holds it: a pause, too many errors, or a wave that waits for a word
/// or is not through.
#[utoipa::path(post, path = "/api/v1/runs/{run}/continue", tag = "runs", params(("run" = i64, Path)),
    responses(
        (status = 200, body = RunView),
        (status = 404, body = ProblemDocument),
        (status = 409, description = "it has no rollout, or goes on by itself", body = ProblemDocument),
    ))]
pub(crate) async fn run_continue(
    app: App,
    who: Administrator,
    Path(run): Path<String>,
) -> Result<Json<RunView>, Problem> {
    let run = app.run_continue(&who, number("run", &run)?).await?;
    shown(&app, &who, run.id).await
}

/// Lets a paused run go on.
#[utoipa::path(post, path = "/api/v1/runs/{run}/resume", tag = "runs", params(("run" = i64, Path)),
    responses((status = 200, body = RunView), (status = 404, body = ProblemDocument), (status = 409, body = ProblemDocument)))]
pub(crate) async fn run_resume(
    app: App,
    who: Administrator,
    Path(run): Path<String>,
) -> Result<Json<RunView>, Problem> {
    let run = app.run_resume(&who, number("run", &run)?).await?;
    shown(&app, &who, run.id).await
}

/// Which deliveries are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveryQuery {
    /// In this state, such as `failed`.
    state: Option<String>,
    /// `next` of the page before.
    after: Option<u32>,
    /// 1 to 1000; 100 if left out.
    limit: Option<u32>,
}

/// The deliveries of a run by device, also those of devices that were not in contact yet.
#[utoipa::path(get, path = "/api/v1/runs/{run}/deliveries", tag = "runs", params(("run" = i64, Path), DeliveryQuery),
    responses((status = 200, body = Page<DeliveryView>), (status = 404, body = ProblemDocument)))]
pub(crate) async fn delivery_list(
    app: App,
    who: Administrator,
    Path(run): Path<String>,
    Query(query): Query<DeliveryQuery>,
) -> Result<Json<Page<DeliveryView>>, Problem> {
    let limit = limit(query.limit)?;
    let state = query.state.as_deref().map(value).transpose()?;
    let (run, after) = (number("run", &run)?, query.after.map(DeviceId));
    let rows = app
        .delivery_list(&who, run, state, after, limit + 1)
        .await?;
    Ok(page(rows, limit, |row| row.delivery.device, view::delivery))
}

/// A run as it changes: server-sent events `run` with the whole of it, at most four a second. The
/// stream ends after the run has finished.
#[utoipa::path(get, path = "/api/v1/runs/{run}/stream", tag = "runs", params(("run" = i64, Path)),
    responses((status = 200, body = RunView, content_type = "text/event-stream"), (status = 404, body = ProblemDocument)))]
pub(crate) async fn run_stream(
    State(edge): State<Edge>,
    who: Administrator,
    Path(run): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    stream::run(&edge, who, number("run", &run)?).await
}
