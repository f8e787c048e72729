//! What a task will do, told before it is saved.

use super::{number, view};
use crate::body::Json as Body;
use crate::edge::Path;
use crate::problem::Problem;
use axum::Json;
use muster_api::forecast::{
    ClashView, ForecastView, HinderedView, LoadView, StartView, ZoneStartsView,
};
use muster_api::problem::ProblemDocument;
use muster_api::task::TaskCreate;
use muster_app::forecast::{Clash, Forecast, Hindered, Load, ZoneStarts};
use muster_app::{Administrator, App};
use muster_domain::schedule::forecast::Start;

/// Says what a task would do if it were created: who is in its scope, where it cannot be done, and its
/// next starts. Refused for the reasons for which its creation would be. Nothing is kept.
#[utoipa::path(post, path = "/api/v1/tasks/plan", tag = "tasks", request_body = TaskCreate,
    responses(
        (status = 200, body = ForecastView),
        (status = 409, description = "the application has no loaded plug-in", body = ProblemDocument),
        (status = 422, description = "everything that is wrong, with its place", body = ProblemDocument),
    ))]
pub(crate) async fn task_foresee(
    app: App,
    who: Administrator,
    Body(task): Body<TaskCreate>,
) -> Result<Json<ForecastView>, Problem> {
    let request = super::task::request(task)?;
    Ok(Json(shown(app.task_foresee(&who, &request).await?)))
}

/// Says what a task will do.
#[utoipa::path(get, path = "/api/v1/tasks/{task}/plan", tag = "tasks", params(("task" = i64, Path)),
    responses((status = 200, body = ForecastView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn task_forecast(
    app: App,
    who: Administrator,
    Path(task): Path<String>,
) -> Result<Json<ForecastView>, Problem> {
    let forecast = app.task_forecast(&who, number("task", &task)?).await?;
    Ok(Json(shown(forecast)))
}

fn shown(forecast: Forecast) -> ForecastView {
    ForecastView {
        devices: forecast.devices,
        online: forecast.online,
        able: forecast.able,
        hindered: forecast.hindered.into_iter().map(hindered).collect(),
        starts: forecast.starts.into_iter().map(zone).collect(),
        load: forecast.load.map(load),
        clashes: forecast.clashes.into_iter().map(clash).collect(),
        findings: view::findings(forecast.findings),
    }
}

fn load(load: Load) -> LoadView {
    LoadView {
        results: load.results,
        median: load.median,
        most: load.most,
        all: load.all,
    }
}

fn clash(clash: Clash) -> ClashView {
    ClashView {
        task: clash.task.0,
        name: clash.name,
        devices: clash.devices,
        first: clash.first,
        starts: clash.starts,
        waits: clash.waits,
    }
}

fn hindered(hindered: Hindered) -> HinderedView {
    HinderedView {
        cause_text: hindered.cause.to_string(),
        cause: hindered.cause,
        for_good: hindered.for_good,
        devices: hindered.devices,
        named: hindered.named,
    }
}

fn zone(zone: ZoneStarts) -> ZoneStartsView {
    ZoneStartsView {
        zone: zone.zone,
        devices: zone.devices,
        starts: zone.starts.into_iter().map(start).collect(),
    }
}

fn start(start: Start) -> StartView {
    StartView {
        occurrence: start.occurrence.to_string(),
        at: start.at,
        clocks_change: start.clocks_change.map(|change| change.as_mins()),
        held: start.held.map(|held| held.to_string()),
        starts_at: start.starts_at,
    }
}
