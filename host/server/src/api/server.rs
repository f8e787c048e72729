//! The server itself: what it is, its CA, its interface.

use crate::edge::Edge;
use crate::openapi;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use muster_api::server::ServerView;
use muster_app::{Administrator, App};

/// What the server tells of itself.
#[utoipa::path(get, path = "/api/v1/server", tag = "server", responses((status = 200, body = ServerView)))]
pub(crate) async fn server_show(app: App, who: Administrator) -> Result<Json<ServerView>, Problem> {
    let (devices, devices_online) = app.device_counts(&who).await?;
    let marks = app.trust_marks().await.ok();
    Ok(Json(ServerView {
        trust_policy: marks
            .map_or("unreadable", |marks| marks.policy.name())
            .into(),
        plugins_unsigned: marks.map_or(0, |marks| marks.unsigned as u64),
        safe_mode: app.safe_mode(),
        version: env!("CARGO_PKG_VERSION").into(),
        administrator: who.name,
        devices_online,
        devices,
    }))
}

/// The certificate of the server's CA in PEM. Compare its fingerprint before you trust it.
#[utoipa::path(get, path = "/api/v1/ca", tag = "server", security(()),
    responses((status = 200, body = String, content_type = "application/x-pem-file")))]
pub(crate) async fn ca_show(State(edge): State<Edge>) -> impl IntoResponse {
    let pem = edge.authority().pem().to_owned();
    ([(header::CONTENT_TYPE, "application/x-pem-file")], pem)
}

/// This interface as an `OpenAPI` 3.1 document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "server", security(()),
    responses((status = 200, body = Object, content_type = "application/json")))]
pub(crate) async fn openapi_show() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/json")],
        openapi::text(),
    )
}
