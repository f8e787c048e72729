//! Secrets in the vault.

use super::{Created, whole};
use crate::body::Json as Body;
use crate::edge::{Path, Query};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use muster_api::page::Page;
use muster_api::problem::ProblemDocument;
use muster_api::secret::{SecretSet, SecretTask, SecretView};
use muster_app::vault::SecretDetail;
use muster_app::{Administrator, App};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use utoipa::IntoParams;

/// Every secret, by name, without its value.
#[utoipa::path(get, path = "/api/v1/secrets", tag = "secrets",
    responses((status = 200, body = Page<SecretView>)))]
pub(crate) async fn secret_list(
    app: App,
    who: Administrator,
) -> Result<Json<Page<SecretView>>, Problem> {
    let secrets = app.secret_list(&who).await?.into_iter();
    Ok(whole(secrets.map(shown).collect()))
}

/// A secret, without its value.
#[utoipa::path(get, path = "/api/v1/secrets/{secret}", tag = "secrets", params(("secret" = String, Path)),
    responses((status = 200, body = SecretView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn secret_show(
    app: App,
    who: Administrator,
    Path(secret): Path<String>,
) -> Result<Json<SecretView>, Problem> {
    Ok(Json(shown(app.secret_get(&who, &secret).await?)))
}

/// Makes a secret, or gives one another value.
#[utoipa::path(put, path = "/api/v1/secrets/{secret}", tag = "secrets", params(("secret" = String, Path)),
    request_body = SecretSet,
    responses(
        (status = 200, description = "it has another value", body = SecretView),
        (status = 201, description = "it was made", body = SecretView),
        (status = 422, description = "the name or the value cannot be used", body = ProblemDocument),
    ))]
pub(crate) async fn secret_set(
    app: App,
    who: Administrator,
    Path(secret): Path<String>,
    Body(mut set): Body<SecretSet>,
) -> Result<Response, Problem> {
    let value = std::mem::take(&mut set.value).into();
    let created = app.secret_set(&who, &secret, value).await?;
    let view = shown(app.secret_get(&who, &secret).await?);
    if created {
        let name = utf8_percent_encode(&secret, NON_ALPHANUMERIC);
        return Ok(Created::at(format!("/secrets/{name}"), view).into_response());
    }
    Ok(Json(view).into_response())
}

/// How a removal is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SecretRemoveQuery {
    /// Whether it is removed though tasks refer to it. What needs it waits then.
    #[serde(default)]
    force: bool,
}

/// Removes a secret.
#[utoipa::path(delete, path = "/api/v1/secrets/{secret}", tag = "secrets",
    params(("secret" = String, Path), SecretRemoveQuery),
    responses(
        (status = 204),
        (status = 404, body = ProblemDocument),
        (status = 409, description = "tasks refer to it", body = ProblemDocument),
    ))]
pub(crate) async fn secret_remove(
    app: App,
    who: Administrator,
    Path(secret): Path<String>,
    Query(query): Query<SecretRemoveQuery>,
) -> Result<StatusCode, Problem> {
    app.secret_remove(&who, secret, query.force).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(detail: SecretDetail) -> SecretView {
    let SecretDetail { row, tasks } = detail;
    SecretView {
        name: row.name.to_string(),
        version: row.version,
        created_at: row.created_at,
        created_by: row.created_by.to_string(),
        changed_at: row.changed_at,
        changed_by: row.changed_by.to_string(),
        tasks: tasks
            .into_iter()
            .map(|(id, name)| SecretTask { id: id.0, name })
            .collect(),
    }
}
