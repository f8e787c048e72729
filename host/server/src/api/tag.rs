//! Tags of devices.

use crate::body::Json as Body;
use crate::edge::Path;
use crate::problem::Problem;
use axum::Json;
use muster_api::problem::ProblemDocument;
use muster_api::tag::{TagChange, TagView};
use muster_app::{Administrator, App};

/// The tags of a device.
#[utoipa::path(get, path = "/api/v1/devices/{device}/tags", tag = "devices", params(("device" = String, Path)),
    responses((status = 200, body = TagView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn tag_list(
    app: App,
    who: Administrator,
    Path(device): Path<String>,
) -> Result<Json<TagView>, Problem> {
    let tags = app.tag_list(&who, &device).await?;
    Ok(Json(TagView { tags }))
}

/// Gives tags to a device, and takes others from it.
#[utoipa::path(patch, path = "/api/v1/devices/{device}/tags", tag = "devices", params(("device" = String, Path)),
    request_body = TagChange,
    responses(
        (status = 200, body = TagView),
        (status = 400, description = "what is no tag, or too many", body = ProblemDocument),
        (status = 404, body = ProblemDocument),
    ))]
pub(crate) async fn tag_change(
    app: App,
    who: Administrator,
    Path(device): Path<String>,
    Body(change): Body<TagChange>,
) -> Result<Json<TagView>, Problem> {
    let tags = app
        .tag_change(&who, device, change.add, change.remove)
        .await?;
    Ok(Json(TagView { tags }))
}
