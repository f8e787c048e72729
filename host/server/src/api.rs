//! `/api/v1`: what administrators, the command line and the console ask.
//!
//! Handlers unwrap, make one call, wrap. One file for each noun.

#![expect(
    unused_qualifications,
    reason = "utoipa names the type of a query in full, at the handler's own place"
)]

pub(crate) mod administrator;
pub(crate) mod call;
pub(crate) mod device;
pub(crate) mod enrollment_token;
pub(crate) mod event;
pub(crate) mod forecast;
pub(crate) mod group;
pub(crate) mod health;
pub(crate) mod objects;
pub(crate) mod plugin;
pub(crate) mod plugin_health;
pub(crate) mod revision;
pub(crate) mod run;
pub(crate) mod secret;
pub(crate) mod selection;
pub(crate) mod server;
pub(crate) mod tag;
pub(crate) mod task;
pub(crate) mod trust;
pub(crate) mod user;
pub(crate) mod view;
pub(crate) mod window;

use crate::problem::Problem;
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use muster_api::BASE;
use muster_api::page::Page;
use serde::Serialize;
use std::fmt::Display;
use std::str::FromStr;

/// Rows of a page, unless somebody asks for another number.
const DEFAULT_LIMIT: u32 = 100;

/// The most rows of a page.
const MOST_LIMIT: u32 = 1000;

/// How many rows are asked for. One more is read, to know whether there is a next page.
fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(DEFAULT_LIMIT);
    if (1..=MOST_LIMIT).contains(&limit) {
        return Ok(limit);
    }
    let detail = format!("`limit` is 1 to {MOST_LIMIT}, not {limit}");
    Err(Problem::new(
        StatusCode::BAD_REQUEST,
        "query-invalid",
        detail,
    ))
}

/// A page of at most `limit` from rows of which one more was read.
fn page<T, V, K: Display>(
    mut rows: Vec<T>,
    limit: u32,
    key: impl Fn(&T) -> K,
    view: impl Fn(T) -> V,
) -> Json<Page<V>> {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|last| key(last).to_string());
    let items = rows.into_iter().map(view).collect();
    Json(Page { items, next })
}

/// A list that comes whole.
fn whole<V>(items: Vec<V>) -> Json<Page<V>> {
    Json(Page { items, next: None })
}

/// What was named by a number in a path; what is no number names nothing.
fn number<T: FromStr>(what: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::not_found(what, text))
}

/// A parameter or member that has a form of its own.
fn value<T: FromStr<Err: Display>>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error: T::Err| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "value-invalid",
            error.to_string(),
        )
    })
}

/// 201, with the address of what was made.
pub(crate) struct Created<T> {
    path: String,
    view: T,
}

impl<T> Created<T> {
    /// `path` goes on from `/api/v1`.
    fn at(path: String, view: T) -> Self {
        Self { path, view }
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let location = [(header::LOCATION, format!("{BASE}{}", self.path))];
        (StatusCode::CREATED, location, Json(self.view)).into_response()
    }
}
