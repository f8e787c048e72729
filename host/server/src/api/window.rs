//! Maintenance windows and blackouts.

use super::plugin::WholeQuery;
use super::{Created, number, view, whole};
use crate::body::Json as Body;
use crate::edge::{Path, Query};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use muster_api::page::Page;
use muster_api::problem::ProblemDocument;
use muster_api::window::{WindowChange, WindowCreate, WindowView};
use muster_app::place::SetReference;
use muster_app::window::{WindowDetail, WindowRequest};
use muster_app::{Administrator, App, AppError};
use muster_domain::finding::Finding;
use muster_domain::{DeviceSet, WindowId};

/// Every window, by name.
#[utoipa::path(get, path = "/api/v1/windows", tag = "windows",
    responses((status = 200, body = Page<WindowView>)))]
pub(crate) async fn window_list(
    app: App,
    who: Administrator,
    _: Query<WholeQuery>,
) -> Result<Json<Page<WindowView>>, Problem> {
    let windows = app.window_list(&who).await?;
    Ok(whole(
        windows
            .into_iter()
            .map(|one| shown(one, Vec::new()))
            .collect(),
    ))
}

/// Makes a window for the devices of a group and of the groups below it, or of a selection.
#[utoipa::path(post, path = "/api/v1/windows", tag = "windows", request_body = WindowCreate,
    responses(
        (status = 201, body = WindowView),
        (status = 404, description = "no such group or selection", body = ProblemDocument),
        (status = 409, description = "the name is taken", body = ProblemDocument),
        (status = 422, description = "everything that is wrong, with its place", body = ProblemDocument),
    ))]
pub(crate) async fn window_create(
    app: App,
    who: Administrator,
    Body(window): Body<WindowCreate>,
) -> Result<Created<WindowView>, Problem> {
    let request = WindowRequest {
        of: set(window.group, window.selection)?.unwrap_or_else(|| SetReference::Group("/".into())),
        window: window.window,
    };
    let (id, findings) = app.window_create(&who, request).await?;
    let view = shown(app.window_get(&who, id).await?, findings);
    Ok(Created::at(format!("/windows/{id}"), view))
}

/// A window.
#[utoipa::path(get, path = "/api/v1/windows/{window}", tag = "windows", params(("window" = i64, Path)),
    responses((status = 200, body = WindowView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn window_show(
    app: App,
    who: Administrator,
    Path(window): Path<String>,
) -> Result<Json<WindowView>, Problem> {
    let id: WindowId = number("window", &window)?;
    Ok(Json(shown(app.window_get(&who, id).await?, Vec::new())))
}

/// Changes a window, or whom it is for.
#[utoipa::path(patch, path = "/api/v1/windows/{window}", tag = "windows", params(("window" = i64, Path)),
    request_body = WindowChange,
    responses(
        (status = 200, body = WindowView),
        (status = 404, body = ProblemDocument),
        (status = 409, description = "the name is taken", body = ProblemDocument),
        (status = 422, description = "everything that is wrong, with its place", body = ProblemDocument),
    ))]
pub(crate) async fn window_change(
    app: App,
    who: Administrator,
    Path(window): Path<String>,
    Body(change): Body<WindowChange>,
) -> Result<Json<WindowView>, Problem> {
    let id: WindowId = number("window", &window)?;
    let findings = app
        .window_change(
            &who,
            id,
            change.window,
            set(change.group, change.selection)?,
        )
        .await?;
    Ok(Json(shown(app.window_get(&who, id).await?, findings)))
}

/// Removes a window.
#[utoipa::path(delete, path = "/api/v1/windows/{window}", tag = "windows", params(("window" = i64, Path)),
    responses((status = 204), (status = 404, body = ProblemDocument)))]
pub(crate) async fn window_remove(
    app: App,
    who: Administrator,
    Path(window): Path<String>,
) -> Result<StatusCode, Problem> {
    app.window_remove(&who, number("window", &window)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whom a window is for: one or the other.
pub(super) fn set(
    group: Option<String>,
    selection: Option<String>,
) -> Result<Option<SetReference>, Problem> {
    match (group, selection) {
        (Some(_), Some(_)) => Err(Problem::from(AppError::Invalid {
            code: "window-for-two",
            text: "a window is for a group or for a selection, not for both; make two of them"
                .into(),
        })),
        (Some(group), None) => Ok(Some(SetReference::Group(group))),
        (None, Some(selection)) => Ok(Some(SetReference::Selection(selection))),
        (None, None) => Ok(None),
    }
}

fn shown(detail: WindowDetail, findings: Vec<Finding>) -> WindowView {
    let next = detail.next(muster_clock::now());
    let WindowDetail { row, name } = detail;
    let (group, selection) = match row.of {
        DeviceSet::Group(group) => (Some(group.0), None),
        DeviceSet::Selection(selection) => (None, Some(selection.0)),
    };
    WindowView {
        id: row.id.0,
        group,
        selection,
        of: name,
        window: serde_json::json!(row.window),
        next,
        changed_at: row.changed_at,
        changed_by: row.changed_by.to_string(),
        findings: view::findings(findings),
    }
}
