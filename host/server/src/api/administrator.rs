//! Administrators: each has a name and a token, which is made here and told once.

use super::{Created, whole};
use crate::administrator::token_make;
use crate::api::plugin::WholeQuery;
use crate::body::Json as Body;
use crate::edge::{Path, Query};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use muster_api::administrator::{AdministratorCreate, AdministratorView};
use muster_api::page::Page;
use muster_api::problem::ProblemDocument;
use muster_app::{Administrator, App};

/// Every administrator, by name.
#[utoipa::path(get, path = "/api/v1/administrators", tag = "administrators",
    responses((status = 200, body = Page<AdministratorView>)))]
pub(crate) async fn administrator_list(
    app: App,
    who: Administrator,
    _: Query<WholeQuery>,
) -> Result<Json<Page<AdministratorView>>, Problem> {
    let all = app.administrator_list(&who).await?.into_iter();
    let view = |(name, created_at)| AdministratorView {
        name,
        created_at,
        token: None,
    };
    Ok(whole(all.map(view).collect()))
}

/// Adds an administrator. The token comes with the answer, and never again.
#[utoipa::path(post, path = "/api/v1/administrators", tag = "administrators",
    request_body = AdministratorCreate,
    responses(
        (status = 201, body = AdministratorView),
        (status = 422, description = "what is no name", body = ProblemDocument),
        (status = 409, description = "the name is taken", body = ProblemDocument),
    ))]
pub(crate) async fn administrator_create(
    app: App,
    who: Administrator,
    Body(wanted): Body<AdministratorCreate>,
) -> Result<Created<AdministratorView>, Problem> {
    let token = token_make();
    let created_at = app.administrator_add(&who, &wanted.name, &token).await?;
    let view = AdministratorView {
        name: wanted.name.clone(),
        created_at,
        token: Some(token),
    };
    Ok(Created::at(
        format!("/administrators/{}", wanted.name),
        view,
    ))
}

/// Removes an administrator: the token is good no longer. Nobody removes the one who asks.
#[utoipa::path(delete, path = "/api/v1/administrators/{name}", tag = "administrators",
    params(("name" = String, Path)),
    responses(
        (status = 204),
        (status = 404, body = ProblemDocument),
        (status = 409, description = "it is you", body = ProblemDocument),
    ))]
pub(crate) async fn administrator_remove(
    app: App,
    who: Administrator,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    app.administrator_remove(&who, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
