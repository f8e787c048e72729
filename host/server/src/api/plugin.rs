//! Management plug-ins: upload, list, show, remove.

use super::{Created, value, view, whole};
use crate::body;
use crate::edge::{Edge, Path, Query};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use muster_api::page::Page;
use muster_api::plugin::{PluginRemovedView, PluginView};
use muster_api::problem::ProblemDocument;
use muster_app::{Administrator, App};
use serde::Deserialize;

/// A list that comes whole takes what lists in pages take, and needs none of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "taken so that every list can be asked in the same way"
)]
pub(crate) struct WholeQuery {
    limit: Option<u32>,
    after: Option<String>,
}

/// Every application's plug-in, also removed ones. The list comes whole.
#[utoipa::path(get, path = "/api/v1/plugins", tag = "plugins", responses((status = 200, body = Page<PluginView>)))]
pub(crate) async fn plugin_list(
    app: App,
    who: Administrator,
    _: Query<WholeQuery>,
) -> Result<Json<Page<PluginView>>, Problem> {
    let plugins = app.plugin_list(&who).await?;
    Ok(whole(plugins.into_iter().map(view::plugin).collect()))
}

/// Installs a plug-in from its component. The one that is active already answers 200.
#[utoipa::path(post, path = "/api/v1/plugins", tag = "plugins",
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses(
        (status = 201, body = PluginView),
        (status = 200, description = "it was active already", body = PluginView),
        (status = 413, description = "it is too large", body = ProblemDocument),
        (status = 422, description = "it is no plug-in, and why", body = ProblemDocument),
    ))]
pub(crate) async fn plugin_install(
    State(edge): State<Edge>,
    who: Administrator,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let given = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    if given != Some("application/wasm") {
        return Err(body::media_type(
            "application/wasm",
            given.unwrap_or_default(),
        ));
    }
    let (limit, time) = (edge.component_bytes(), edge.read_time());
    let bytes = body::read(
        body,
        limit,
        time,
        "the component",
        "plug-ins.component-size",
    )
    .await?;
    let began = Timestamp::now();
    let row = edge
        .app()
        .plugin_install(&who, bytes.as_ref().into())
        .await?;
    let new = row.installed_at >= began;
    let plugin = view::plugin(row);
    Ok(if new {
        let path = format!("/plugins/{}", plugin.application);
        Created::at(path, plugin).into_response()
    } else {
        Json(plugin).into_response()
    })
}

/// The plug-in that an application has or had.
#[utoipa::path(get, path = "/api/v1/plugins/{application}", tag = "plugins",
    params(("application" = String, Path)),
    responses((status = 200, body = PluginView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn plugin_show(
    app: App,
    who: Administrator,
    Path(application): Path<String>,
) -> Result<Json<PluginView>, Problem> {
    let row = app.plugin_get(&who, &value(&application)?).await?;
    Ok(Json(view::plugin(row)))
}

/// Removes an application's plug-in. Its tasks stay, and cannot be started.
#[utoipa::path(delete, path = "/api/v1/plugins/{application}", tag = "plugins",
    params(("application" = String, Path)),
    responses((status = 200, body = PluginRemovedView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn plugin_remove(
    app: App,
    who: Administrator,
    Path(application): Path<String>,
) -> Result<Json<PluginRemovedView>, Problem> {
    let tasks = app.plugin_remove(&who, &value(&application)?).await?;
    Ok(Json(PluginRemovedView { application, tasks }))
}
