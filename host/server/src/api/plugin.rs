//! Management plug-ins: upload, list, show, remove.

use super::{Created, value, view, whole};
use crate::body::{self, Json as Body};
use crate::edge::{Edge, Path, Query};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use muster_api::page::Page;
use muster_api::plugin::{AskView, GrantsChange, PluginRemovedView, PluginSource, PluginView};
use muster_api::problem::ProblemDocument;
use muster_app::install::InstallOptions;
use muster_app::{Administrator, App, AppError};
use muster_domain::grant::Words;
use muster_domain::revision::RevisionState;
use muster_release::bundle::{self, Bundle};
use muster_release::registry::RegistryError;
use muster_storage::plugin::PluginRow;
use serde::Deserialize;
use utoipa::IntoParams;

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
    let mut plugins = Vec::new();
    for row in app.plugin_list(&who).await? {
        plugins.push(viewed(&app, row).await?);
    }
    Ok(whole(plugins))
}

/// How an install goes on once the gate is passed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[into_params(parameter_in = Query)]
pub(crate) struct InstallQuery {
    /// Put it to work in place of another revision, if that changes nothing on devices.
    #[serde(default)]
    auto: bool,
    /// Take a version that is lower than that at work.
    #[serde(default)]
    allow_downgrade: bool,
    /// Leave it ready in any case.
    #[serde(default)]
    hold: bool,
    /// What is granted of what it asks for, by commas: `files,memory=128`.
    grant: Option<String>,
    /// What is denied, by commas: `random`.
    deny: Option<String>,
}

impl InstallQuery {
    fn words(&self) -> Result<Words, Problem> {
        let list = |text: &Option<String>| -> Vec<String> {
            let text = text.as_deref().unwrap_or_default();
            let names = text.split(',').filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        };
        words(&list(&self.grant), &list(&self.deny))
    }
}

pub(super) fn words(grant: &[String], deny: &[String]) -> Result<Words, Problem> {
    let text = String::as_str;
    Words::read(grant.iter().map(text), deny.iter().map(text)).map_err(|error| {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Problem::new(status, "grant-invalid", error.to_string())
    })
}

/// Installs a plug-in: a bare component, a bundle, or, as JSON, a reference to a registry, from which
/// the server fetches it. The one that is active already answers 200. One that would replace another
/// waits for a word, unless `auto` is set and its plan is clean: it answers 202, with the plan. So it does
/// where the one that has the application's place cannot work.
///
/// So does one that asks for what was neither granted nor denied; its reason says for what.
#[utoipa::path(post, path = "/api/v1/plugins", tag = "plugins",
    request_body(content(
        (Vec<u8> = "application/wasm"),
        (Vec<u8> = "application/vnd.muster.bundle.v1+tar"),
        (PluginSource = "application/json"),
    )),
    params(InstallQuery),
    responses(
        (status = 201, body = PluginView),
        (status = 202, description = "it is ready, and waits for somebody's word", body = PluginView),
        (status = 409, description = "its version is lower than that at work", body = ProblemDocument),
        (status = 200, description = "it was active already", body = PluginView),
        (status = 413, description = "it is too large", body = ProblemDocument),
        (status = 422, description = "it is not trusted or no plug-in, and why", body = ProblemDocument),
        (status = 502, description = "the registry does not give it, and why", body = ProblemDocument),
        (status = 504, description = "the registry was not done in time", body = ProblemDocument),
    ))]
pub(crate) async fn plugin_install(
    State(edge): State<Edge>,
    who: Administrator,
    Query(query): Query<InstallQuery>,
    request: Request,
) -> Result<Response, Problem> {
    let said = query.words()?;
    let (release, source) = release(&edge, &who, request).await?;
    let options = InstallOptions {
        auto: query.auto,
        allow_downgrade: query.allow_downgrade,
        hold: query.hold,
    };
    let installed = edge
        .app()
        .plugin_install(&who, release, said, options)
        .await?;
    let waits = installed.row.state != RevisionState::Active;
    let mut plan = installed.plan.map(view::plan::plan);
    if let Some(plan) = &mut plan {
        let row = &installed.row;
        let application = &row.description.application;
        let asks = edge.app().plugin_asks(&who, application, Some(row.digest));
        plan.asks = asks.await?.into_iter().map(view::ask).collect();
    }
    let plugin = PluginView {
        source,
        plan,
        ..viewed(edge.app(), installed.row).await?
    };
    Ok(if waits {
        (StatusCode::ACCEPTED, Json(plugin)).into_response()
    } else if installed.new {
        let path = format!("/plugins/{}", plugin.application);
        Created::at(path, plugin).into_response()
    } else {
        Json(plugin).into_response()
    })
}

/// The release that a request brings or names, and the pinned reference of one that it names.
async fn release(
    edge: &Edge,
    who: &Administrator,
    request: Request,
) -> Result<(Bundle, Option<String>), Problem> {
    let given = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let most = edge.component_bytes();
    let limit = match given {
        "application/wasm" => most,
        bundle::MEDIA_TYPE => most.saturating_add(bundle::OVERHEAD),
        "application/json" => {
            let body::Json(PluginSource { source }) =
                body::Json::from_request(request, edge).await?;
            let reference = source.parse().map_err(RegistryError::from);
            let reference = reference.map_err(AppError::from)?;
            let pulled = edge.app().plugin_fetch(who, &reference).await?;
            return Ok((pulled.bundle, Some(pulled.pinned.to_string())));
        }
        other => {
            let wanted = format!(
                "application/wasm, {} or application/json",
                bundle::MEDIA_TYPE
            );
            return Err(body::media_type(&wanted, other));
        }
    };
    let bytes = body::read(
        request.into_body(),
        limit,
        edge.read_time(),
        "the plug-in",
        "plug-ins.component-size",
    )
    .await?;
    // A bundle of tens of MiB is read and hashed.
    let opened = tokio::task::spawn_blocking(move || Bundle::open(bytes.into(), most));
    let opened = opened.await.map_err(|cause| AppError::File {
        doing: "read",
        file: "the component that was sent".to_owned(),
        cause: cause.into(),
    })?;
    Ok((opened.map_err(AppError::from)?, None))
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
    Ok(Json(viewed(&app, row).await?))
}

async fn viewed(app: &App, row: PluginRow) -> Result<PluginView, Problem> {
    let trust = app
        .plugin_trust(&row.description.application, row.digest)
        .await?;
    let compiling =
        row.state == RevisionState::Active && app.plugin_compiling(&row.description.application);
    let safe_mode = row.state == RevisionState::Active && app.safe_mode();
    Ok(PluginView {
        safe_mode,
        ..view::plugin(row, trust.as_ref(), compiling)
    })
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

/// What an application's plug-in asks for, each with its reason and what was said to it. The list
/// comes whole.
#[utoipa::path(get, path = "/api/v1/plugins/{application}/grants", tag = "plugins",
    params(("application" = String, Path)),
    responses((status = 200, body = Page<AskView>), (status = 404, body = ProblemDocument)))]
pub(crate) async fn grant_list(
    app: App,
    who: Administrator,
    Path(application): Path<String>,
    _: Query<WholeQuery>,
) -> Result<Json<Page<AskView>>, Problem> {
    let asks = app.plugin_asks(&who, &value(&application)?, None).await?;
    Ok(whole(asks.into_iter().map(view::ask).collect()))
}

/// Grants what a plug-in asks for, denies it, or withdraws it. It holds from the plug-in's next call on.
#[utoipa::path(patch, path = "/api/v1/plugins/{application}/grants", tag = "plugins",
    params(("application" = String, Path)), request_body = GrantsChange,
    responses(
        (status = 200, body = Page<AskView>),
        (status = 404, body = ProblemDocument),
        (status = 422, description = "it does not ask for that, or this server does not grant so much", body = ProblemDocument),
    ))]
pub(crate) async fn grant_change(
    app: App,
    who: Administrator,
    Path(application): Path<String>,
    Body(change): Body<GrantsChange>,
) -> Result<Json<Page<AskView>>, Problem> {
    let said = words(&change.grant, &change.deny)?;
    let asks = app
        .plugin_grant(&who, &value(&application)?, None, said)
        .await?;
    Ok(whole(asks.into_iter().map(view::ask).collect()))
}
