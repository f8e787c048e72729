//! Selections: saved queries over devices.

use super::plugin::WholeQuery;
use super::{Created, number, view, whole};
use crate::body::Json as Body;
use crate::edge::{Path, Query};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use muster_api::page::Page;
use muster_api::problem::ProblemDocument;
use muster_api::selection::{
    SelectedDevice, SelectionMeant, SelectionTry, SelectionView, SelectionWrite,
};
use muster_app::selection::Meant;
use muster_app::{Administrator, App};
use muster_domain::SelectionId;
use muster_domain::finding::Finding;
use muster_storage::selection::SelectionRow;

/// Devices in an answer; the count is of all.
const LIMIT: usize = 1000;

/// Every selection, by name.
#[utoipa::path(get, path = "/api/v1/selections", tag = "selections",
    responses((status = 200, body = Page<SelectionView>)))]
pub(crate) async fn selection_list(
    app: App,
    who: Administrator,
    _: Query<WholeQuery>,
) -> Result<Json<Page<SelectionView>>, Problem> {
    let rows = app.selection_list(&who).await?.into_iter();
    Ok(whole(rows.map(|row| shown(&row, Vec::new())).collect()))
}

/// Saves a selection.
#[utoipa::path(post, path = "/api/v1/selections", tag = "selections", request_body = SelectionWrite,
    responses(
        (status = 201, body = SelectionView),
        (status = 409, description = "the name is taken", body = ProblemDocument),
        (status = 422, description = "everything that is wrong, with its place", body = ProblemDocument),
    ))]
pub(crate) async fn selection_create(
    app: App,
    who: Administrator,
    Body(write): Body<SelectionWrite>,
) -> Result<Created<SelectionView>, Problem> {
    let (id, findings) = app.selection_create(&who, &write.selection).await?;
    let view = shown(&app.selection_get(&who, id).await?, findings);
    Ok(Created::at(format!("/selections/{id}"), view))
}

/// The devices that a query means, without saving it.
#[utoipa::path(post, path = "/api/v1/selections/try", tag = "selections", request_body = SelectionTry,
    responses(
        (status = 200, body = SelectionMeant),
        (status = 422, description = "everything that is wrong, with its place", body = ProblemDocument),
    ))]
pub(crate) async fn selection_try(
    app: App,
    who: Administrator,
    Body(tried): Body<SelectionTry>,
) -> Result<Json<SelectionMeant>, Problem> {
    let (meant, findings) = app.selection_try(&who, &tried.query, LIMIT).await?;
    Ok(Json(told(meant, findings)))
}

/// A selection.
#[utoipa::path(get, path = "/api/v1/selections/{selection}", tag = "selections",
    params(("selection" = i64, Path)),
    responses((status = 200, body = SelectionView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn selection_show(
    app: App,
    who: Administrator,
    Path(selection): Path<String>,
) -> Result<Json<SelectionView>, Problem> {
    let id: SelectionId = number("selection", &selection)?;
    Ok(Json(shown(&app.selection_get(&who, id).await?, Vec::new())))
}

/// Writes a selection anew.
#[utoipa::path(put, path = "/api/v1/selections/{selection}", tag = "selections",
    params(("selection" = i64, Path)), request_body = SelectionWrite,
    responses(
        (status = 200, body = SelectionView),
        (status = 404, body = ProblemDocument),
        (status = 409, description = "the name is taken", body = ProblemDocument),
        (status = 422, description = "everything that is wrong, with its place", body = ProblemDocument),
    ))]
pub(crate) async fn selection_change(
    app: App,
    who: Administrator,
    Path(selection): Path<String>,
    Body(write): Body<SelectionWrite>,
) -> Result<Json<SelectionView>, Problem> {
    let id: SelectionId = number("selection", &selection)?;
    let findings = app.selection_change(&who, id, &write.selection).await?;
    Ok(Json(shown(&app.selection_get(&who, id).await?, findings)))
}

/// Removes a selection.
#[utoipa::path(delete, path = "/api/v1/selections/{selection}", tag = "selections",
    params(("selection" = i64, Path)),
    responses((status = 204), (status = 404, body = ProblemDocument)))]
pub(crate) async fn selection_remove(
    app: App,
    who: Administrator,
    Path(selection): Path<String>,
) -> Result<StatusCode, Problem> {
    app.selection_remove(&who, number("selection", &selection)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The devices that a selection means at this moment.
#[utoipa::path(get, path = "/api/v1/selections/{selection}/devices", tag = "selections",
    params(("selection" = i64, Path)),
    responses((status = 200, body = SelectionMeant), (status = 404, body = ProblemDocument)))]
pub(crate) async fn selection_devices(
    app: App,
    who: Administrator,
    Path(selection): Path<String>,
) -> Result<Json<SelectionMeant>, Problem> {
    let id: SelectionId = number("selection", &selection)?;
    let meant = app.selection_devices(&who, id, LIMIT).await?;
    Ok(Json(told(meant, Vec::new())))
}

fn shown(row: &SelectionRow, findings: Vec<Finding>) -> SelectionView {
    SelectionView {
        id: row.id.0,
        selection: serde_json::json!(row.selection),
        changed_at: row.changed_at,
        changed_by: row.changed_by.to_string(),
        findings: view::findings(findings),
    }
}

fn told(meant: Meant, findings: Vec<Finding>) -> SelectionMeant {
    let devices = meant.devices.into_iter().map(|detail| SelectedDevice {
        id: detail.device.id.0,
        name: detail.device.name,
        group_path: detail.path,
        online: detail.online,
    });
    SelectionMeant {
        count: meant.count,
        of: meant.of,
        devices: devices.collect(),
        findings: view::findings(findings),
    }
}
