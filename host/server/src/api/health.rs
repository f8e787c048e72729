//! What watches the server asks: whether it lives, whether it is ready, how it does.
//!
//! `/metrics` needs no token from this machine itself; from elsewhere it needs an administrator's.

use crate::accept::Peer;
use crate::edge::Edge;
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use muster_app::{Administrator, App};

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses((status = 200, body = String)))]
pub(crate) async fn health_show() -> &'static str {
    "ok\n"
}

/// The database answers, too.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, body = String), (status = 503, description = "not ready")))]
pub(crate) async fn ready_show(app: App) -> Result<&'static str, Problem> {
    // The cheapest question that goes to the database; nobody has this token.
    app.administrator_by_token("").await.map_err(|error| {
        let detail = format!("the database does not answer: {error}");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail)
    })?;
    Ok("ready\n")
}

/// Metrics in the text format of `OpenMetrics`. Needs no token from this machine itself.
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
pub(crate) async fn metrics_show(
    State(edge): State<Edge>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<impl IntoResponse, Problem> {
    if !peer.address.ip().to_canonical().is_loopback() {
        let (mut parts, _) = request.into_parts();
        Administrator::from_request_parts(&mut parts, &edge).await?;
    }
    let text = edge
        .metrics()
        .text(&edge)
        .await
        .map_err(Problem::server_fault)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text))
}
