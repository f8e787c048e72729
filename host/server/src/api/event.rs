//! The event log.

use super::{limit, value, view};
use crate::body::Json as Body;
use crate::edge::{Edge, Query};
use crate::problem::Problem;
use crate::stream;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use muster_api::event::{EventCreate, EventView};
use muster_api::page::Page;
use muster_api::problem::ProblemDocument;
use muster_app::event::{EventFilter, ToldEvent};
use muster_app::{Administrator, App};
use muster_domain::event::Severity;
use muster_domain::{DeviceId, EventId, RunId, TaskId};
use serde::Deserialize;
use utoipa::IntoParams;

/// Which events are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventQuery {
    /// Only later ones than this, oldest first.
    after: Option<i64>,
    /// Only earlier ones than this; without `after`, newest first.
    before: Option<i64>,
    /// 1 to 1000; 100 if left out.
    limit: Option<u32>,
    /// Of this kind; with a `*` at its end, of all kinds that begin so.
    kind: Option<String>,
    /// At least so severe.
    #[param(value_type = Option<String>)]
    severity: Option<Severity>,
    /// About this application.
    application: Option<String>,
    /// About this device.
    device: Option<u32>,
    /// About this task.
    task: Option<i64>,
    /// About this run.
    run: Option<i64>,
}

impl EventQuery {
    fn filter(self) -> Result<EventFilter, Problem> {
        Ok(EventFilter {
            after: self.after.map(EventId),
            before: self.before.map(EventId),
            kind: self.kind,
            severity: self.severity,
            application: self.application.as_deref().map(value).transpose()?,
            device: self.device.map(DeviceId),
            task: self.task.map(TaskId),
            run: self.run.map(RunId),
        })
    }
}

/// Events: the newest first, or with `after` the oldest first. `next` is there with `after` alone;
/// further back one goes with `before`.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(EventQuery),
    responses((status = 200, body = Page<EventView>)))]
pub(crate) async fn event_list(
    app: App,
    who: Administrator,
    Query(query): Query<EventQuery>,
) -> Result<Json<Page<EventView>>, Problem> {
    let limit = limit(query.limit)?;
    let filter = query.filter()?;
    let rows = app.event_list(&who, &filter, limit + 1).await?;
    let mut page = super::page(rows, limit, |row| row.id, view::event);
    if filter.after.is_none() {
        page.next = None;
    }
    Ok(page)
}

/// The log as it grows: server-sent events `event`, with the event's number as their id. It begins
/// after `after`, or after the header Last-Event-ID, or at the end of the log.
#[utoipa::path(get, path = "/api/v1/events/stream", tag = "events", params(EventQuery),
    responses((status = 200, body = EventView, content_type = "text/event-stream"), (status = 400, body = ProblemDocument)))]
pub(crate) async fn event_stream(
    State(edge): State<Edge>,
    who: Administrator,
    Query(query): Query<EventQuery>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let mut filter = query.filter()?;
    filter.after = last_event_id(&headers)?.or(filter.after);
    stream::events(&edge, who, filter).await
}

/// Takes in what another system tells. Tasks may start on it.
#[utoipa::path(post, path = "/api/v1/events", tag = "events", request_body = EventCreate,
    responses((status = 201, body = EventView), (status = 422, body = ProblemDocument)))]
pub(crate) async fn event_create(
    app: App,
    who: Administrator,
    Body(wanted): Body<EventCreate>,
) -> Result<(StatusCode, Json<EventView>), Problem> {
    let told = ToldEvent {
        kind: wanted.kind,
        severity: wanted.severity.unwrap_or(Severity::Info),
        text: wanted.text,
        application: wanted.application.as_deref().map(value).transpose()?,
        device: wanted.device,
        fields: wanted.fields.unwrap_or_else(|| serde_json::json!({})),
    };
    let event = app.event_post(&who, told).await?;
    Ok((StatusCode::CREATED, Json(view::event(event))))
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<EventId>, Problem> {
    let Some(header) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let id = header.to_str().ok().and_then(|text| text.parse().ok());
    let invalid = || {
        let detail = "the header Last-Event-ID is no number of an event";
        Problem::new(StatusCode::BAD_REQUEST, "header-invalid", detail)
    };
    id.map(Some).ok_or_else(invalid)
}
