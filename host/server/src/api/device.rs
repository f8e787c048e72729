//! Devices.

use super::{limit, page, view};
use crate::body::Json as Body;
use crate::edge::{Path, Query};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use muster_api::device::{DeviceChange, DeviceView, WakeView};
use muster_api::page::Page;
use muster_api::problem::ProblemDocument;
use muster_app::device::DeviceFilter;
use muster_app::{Administrator, App};
use muster_domain::DeviceId;
use serde::Deserialize;
use utoipa::IntoParams;

/// Which devices are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeviceQuery {
    /// In this group, by number or path, without the groups below.
    group: Option<String>,
    /// Of this name.
    name: Option<String>,
    /// `next` of the page before.
    after: Option<u32>,
    /// 1 to 1000; 100 if left out.
    limit: Option<u32>,
}

/// Devices by number.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", params(DeviceQuery),
    responses((status = 200, body = Page<DeviceView>)))]
pub(crate) async fn device_list(
    app: App,
    who: Administrator,
    Query(query): Query<DeviceQuery>,
) -> Result<Json<Page<DeviceView>>, Problem> {
    let limit = limit(query.limit)?;
    let filter = DeviceFilter {
        group: query.group,
        name: query.name,
        after: query.after.map(DeviceId),
    };
    let rows = app.device_list(&who, &filter, limit + 1).await?;
    Ok(page(rows, limit, |row| row.device.id, view::device))
}

/// A device by number or name.
#[utoipa::path(get, path = "/api/v1/devices/{device}", tag = "devices", params(("device" = String, Path)),
    responses((status = 200, body = DeviceView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn device_show(
    app: App,
    who: Administrator,
    Path(device): Path<String>,
) -> Result<Json<DeviceView>, Problem> {
    Ok(Json(view::device(app.device_get(&who, &device).await?)))
}

/// Gives a device another name or another group.
#[utoipa::path(patch, path = "/api/v1/devices/{device}", tag = "devices", params(("device" = String, Path)),
    request_body = DeviceChange,
    responses((status = 200, body = DeviceView), (status = 404, body = ProblemDocument), (status = 409, body = ProblemDocument)))]
pub(crate) async fn device_change(
    app: App,
    who: Administrator,
    Path(device): Path<String>,
    Body(change): Body<DeviceChange>,
) -> Result<Json<DeviceView>, Problem> {
    let device = app
        .device_change(&who, device, change.name, change.group)
        .await?;
    Ok(Json(view::device(device)))
}

/// Sends what wakes a device over the network.
#[utoipa::path(post, path = "/api/v1/devices/{device}/wake", tag = "devices", params(("device" = String, Path)),
    responses((status = 200, body = WakeView), (status = 404, body = ProblemDocument), (status = 409, body = ProblemDocument)))]
pub(crate) async fn device_wake(
    app: App,
    who: Administrator,
    Path(device): Path<String>,
) -> Result<Json<WakeView>, Problem> {
    let (detail, sent) = app.device_wake(&who, &device).await?;
    Ok(Json(WakeView {
        device: detail.device.id.0,
        online: detail.online,
        addresses: sent.iter().map(ToString::to_string).collect(),
    }))
}

/// Removes a device: its certificate is no longer good, its history stays.
#[utoipa::path(delete, path = "/api/v1/devices/{device}", tag = "devices", params(("device" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemDocument)))]
pub(crate) async fn device_remove(
    app: App,
    who: Administrator,
    Path(device): Path<String>,
) -> Result<StatusCode, Problem> {
    app.device_remove(&who, device).await?;
    Ok(StatusCode::NO_CONTENT)
}
