//! Around every request: its number, its line in the log, its measures, and the answer when it
//! failed or panicked.

use crate::edge::Edge;
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Response};
use axum::middleware::Next;
use axum::response::IntoResponse as _;
use std::time::Instant;
use tracing::Instrument as _;

/// Where the number of a request is told.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Runs a request.
pub(crate) async fn around(
    State(edge): State<Edge>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let number = hex::encode(rand::random::<[u8; 8]>());
    let began = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(unknown)", MatchedPath::as_str)
        .to_owned();
    let span = tracing::info_span!("request", number, %method, route);
    // In a worker of its own, so that what was begun comes to its end when nobody waits for the answer
    // any more: between a commit and what follows it there is no place to leave.
    // A panic leaves nothing half-done: what is shared is changed by the database's writer alone.
    let response = tokio::spawn(next.run(request).instrument(span.clone())).await;
    let mut response = response.unwrap_or_else(|_| Problem::panicked().into_response());
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        span.in_scope(|| log(&problem));
        let allow = response.headers_mut().remove(axum::http::header::ALLOW);
        response = problem.write(&number);
        if let Some(allow) = allow {
            response
                .headers_mut()
                .insert(axum::http::header::ALLOW, allow);
        }
    }
    if let Ok(value) = HeaderValue::from_str(&number) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let status = response.status();
    let took = began.elapsed();
    edge.metrics().request(&method, &route, status, took);
    tracing::debug!(parent: &span, status = status.as_u16(), milliseconds = took.as_millis(), "answered");
    response
}

fn log(problem: &Problem) {
    let (code, detail) = (problem.code(), problem.detail());
    match problem.cause() {
        Some(cause) => tracing::error!(code, %cause, "the server failed at a request"),
        None if problem.status().as_u16() == 502 => {
            tracing::warn!(code, detail, "a plug-in failed");
        }
        None if problem.status().is_server_error() => {
            tracing::warn!(code, detail, "not carried out");
        }
        None => tracing::info!(code, detail, "refused"),
    }
}
