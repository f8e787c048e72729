//! Revisions of plug-ins: what they would mean, putting them to work and back, trying them beside
//! the one at work.

use super::{value, view, whole};
use crate::body;
use crate::edge::{Path, Query};
use crate::problem::Problem;
use axum::Json;
use muster_api::page::Page;
use muster_api::plan::{
    ActivatedView, PlanView, PluginRollback, RemovalView, RevisionActivate, RevisionView,
    UploadView,
};
use muster_api::plugin::{AskView, GrantsChange};
use muster_api::problem::ProblemDocument;
use muster_app::install::Accept;
use muster_app::{Administrator, App};
use muster_domain::{ApplicationId, Digest};

use super::plugin::{WholeQuery, words};

/// What is in the gate, and what it refused and why, the newest first. The list comes whole.
#[utoipa::path(get, path = "/api/v1/plugin-uploads", tag = "plugins",
    responses((status = 200, body = Page<UploadView>)))]
pub(crate) async fn upload_list(
    app: App,
    who: Administrator,
    _: Query<WholeQuery>,
) -> Result<Json<Page<UploadView>>, Problem> {
    let uploads = app.plugin_uploads(&who).await?;
    Ok(whole(uploads.into_iter().map(view::plan::upload).collect()))
}

/// Every revision that an application has or had: the one at work first. The list comes whole.
#[utoipa::path(get, path = "/api/v1/plugins/{application}/revisions", tag = "plugins",
    params(("application" = String, Path)),
    responses((status = 200, body = Page<RevisionView>), (status = 404, body = ProblemDocument)))]
pub(crate) async fn revision_list(
    app: App,
    who: Administrator,
    Path(application): Path<String>,
    _: Query<WholeQuery>,
) -> Result<Json<Page<RevisionView>>, Problem> {
    let rows = app.plugin_revisions(&who, &value(&application)?).await?;
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        views.push(view::plan::revision(&app, row).await?);
    }
    Ok(whole(views))
}

/// What it would mean for every task and its devices to put a revision to work.
#[utoipa::path(get, path = "/api/v1/plugins/{application}/revisions/{digest}/plan", tag = "plugins",
    params(("application" = String, Path), ("digest" = String, Path)),
    responses(
        (status = 200, body = PlanView),
        (status = 404, body = ProblemDocument),
        (status = 409, description = "it is at work, or not kept any more", body = ProblemDocument),
    ))]
pub(crate) async fn revision_plan(
    app: App,
    who: Administrator,
    Path(names): Path<(String, String)>,
) -> Result<Json<PlanView>, Problem> {
    let (application, digest) = named(&names)?;
    let plan = app.plugin_plan(&who, &application, digest).await?;
    let asks = app.plugin_asks(&who, &application, Some(digest)).await?;
    Ok(Json(PlanView {
        asks: asks.into_iter().map(view::ask).collect(),
        ..view::plan::plan(plan)
    }))
}

/// What a revision asks for, each with its reason and what was said to it. The list comes whole.
#[utoipa::path(get, path = "/api/v1/plugins/{application}/revisions/{digest}/grants", tag = "plugins",
    params(("application" = String, Path), ("digest" = String, Path)),
    responses((status = 200, body = Page<AskView>), (status = 404, body = ProblemDocument)))]
pub(crate) async fn revision_grant_list(
    app: App,
    who: Administrator,
    Path(names): Path<(String, String)>,
    _: Query<WholeQuery>,
) -> Result<Json<Page<AskView>>, Problem> {
    let (application, digest) = named(&names)?;
    let asks = app.plugin_asks(&who, &application, Some(digest)).await?;
    Ok(whole(asks.into_iter().map(view::ask).collect()))
}

/// Grants what a revision asks for, denies it, or withdraws it, whether it is at work or not.
#[utoipa::path(patch, path = "/api/v1/plugins/{application}/revisions/{digest}/grants", tag = "plugins",
    params(("application" = String, Path), ("digest" = String, Path)), request_body = GrantsChange,
    responses(
        (status = 200, body = Page<AskView>),
        (status = 404, body = ProblemDocument),
        (status = 422, description = "it does not ask for that, or this server does not grant so much", body = ProblemDocument),
    ))]
pub(crate) async fn revision_grant_change(
    app: App,
    who: Administrator,
    Path(names): Path<(String, String)>,
    body::Json(change): body::Json<GrantsChange>,
) -> Result<Json<Page<AskView>>, Problem> {
    let (application, digest) = named(&names)?;
    let said = words(&change.grant, &change.deny)?;
    let asks = app
        .plugin_grant(&who, &application, Some(digest), said)
        .await?;
    Ok(whole(asks.into_iter().map(view::ask).collect()))
}

/// Puts a revision to work: by a plan that was looked at, or without one if its plan is clean.
#[utoipa::path(post, path = "/api/v1/plugins/{application}/revisions/{digest}/activate", tag = "plugins",
    params(("application" = String, Path), ("digest" = String, Path)),
    request_body = RevisionActivate,
    responses(
        (status = 200, body = ActivatedView),
        (status = 404, body = ProblemDocument),
        (status = 409, description = "`plan-outdated`, `plan-not-clean`, `plugin-asks` or `plugin-downgrade`",
            body = ProblemDocument),
    ))]
pub(crate) async fn revision_activate(
    app: App,
    who: Administrator,
    Path(names): Path<(String, String)>,
    body::Json(asked): body::Json<RevisionActivate>,
) -> Result<Json<ActivatedView>, Problem> {
    let (application, digest) = named(&names)?;
    let accept = match &asked.plan {
        Some(plan) => Accept::Plan(value(plan)?),
        None => Accept::Clean,
    };
    let done = app
        .plugin_activate(&who, &application, digest, accept, asked.allow_downgrade)
        .await?;
    Ok(Json(view::plan::activated(done)))
}

/// Has a ready revision answer beside the one at work, without effect. Differences are counted.
#[utoipa::path(put, path = "/api/v1/plugins/{application}/revisions/{digest}/shadow", tag = "plugins",
    params(("application" = String, Path), ("digest" = String, Path)),
    responses((status = 200, body = RevisionView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn revision_shadow(
    app: App,
    who: Administrator,
    Path(names): Path<(String, String)>,
) -> Result<Json<RevisionView>, Problem> {
    let (application, digest) = named(&names)?;
    let row = app.plugin_shadow(&who, &application, digest).await?;
    Ok(Json(view::plan::revision(&app, row).await?))
}

/// Ends that.
#[utoipa::path(delete, path = "/api/v1/plugins/{application}/revisions/{digest}/shadow", tag = "plugins",
    params(("application" = String, Path), ("digest" = String, Path)),
    responses((status = 200, body = RevisionView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn revision_shadow_end(
    app: App,
    who: Administrator,
    Path(names): Path<(String, String)>,
) -> Result<Json<RevisionView>, Problem> {
    let (application, digest) = named(&names)?;
    let row = app.plugin_shadow_end(&who, &application, digest).await?;
    Ok(Json(view::plan::revision(&app, row).await?))
}

/// Puts a revision to work again that was at work before: the last one, or the one that is named.
#[utoipa::path(post, path = "/api/v1/plugins/{application}/rollback", tag = "plugins",
    params(("application" = String, Path)),
    request_body = PluginRollback,
    responses(
        (status = 200, body = ActivatedView),
        (status = 409, description = "no such revision is kept; or `plugin-asks`: it asks for what the one in place is not granted",
            body = ProblemDocument),
    ))]
pub(crate) async fn plugin_rollback(
    app: App,
    who: Administrator,
    Path(application): Path<String>,
    body::Json(asked): body::Json<PluginRollback>,
) -> Result<Json<ActivatedView>, Problem> {
    let to = asked.digest.as_deref().map(value).transpose()?;
    let done = app.plugin_rollback(&who, &value(&application)?, to).await?;
    Ok(Json(view::plan::activated(done)))
}

/// What the removal of an application's plug-in would leave without one.
#[utoipa::path(get, path = "/api/v1/plugins/{application}/removal", tag = "plugins",
    params(("application" = String, Path)),
    responses((status = 200, body = RemovalView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn plugin_removal(
    app: App,
    who: Administrator,
    Path(application): Path<String>,
) -> Result<Json<RemovalView>, Problem> {
    let preview = app.plugin_removal(&who, &value(&application)?).await?;
    Ok(Json(RemovalView {
        application,
        tasks: preview.tasks,
        devices: preview.devices,
        runs: preview.runs,
    }))
}

fn named((application, digest): &(String, String)) -> Result<(ApplicationId, Digest), Problem> {
    Ok((value(application)?, value(digest)?))
}
