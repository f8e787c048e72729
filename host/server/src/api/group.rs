//! Administration groups.

use super::plugin::WholeQuery;
use super::{Created, view, whole};
use crate::body::Json as Body;
use crate::edge::{Path, Query};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use muster_api::group::{GroupChange, GroupCreate, GroupView};
use muster_api::page::Page;
use muster_api::problem::ProblemDocument;
use muster_app::{Administrator, App};
use muster_domain::GroupId;

/// The whole tree.
#[utoipa::path(get, path = "/api/v1/groups", tag = "groups", responses((status = 200, body = Page<GroupView>)))]
pub(crate) async fn group_list(
    app: App,
    who: Administrator,
    _: Query<WholeQuery>,
) -> Result<Json<Page<GroupView>>, Problem> {
    let (tree, devices) = app.group_tree(&who).await?;
    let policies = app.user_policies(&who).await?;
    Ok(whole(view::groups(&tree, &devices, &policies)))
}

/// A group. It is named by number, or by its path with every slash written `%2F`.
#[utoipa::path(get, path = "/api/v1/groups/{group}", tag = "groups", params(("group" = String, Path)),
    responses((status = 200, body = GroupView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn group_show(
    app: App,
    who: Administrator,
    Path(group): Path<String>,
) -> Result<Json<GroupView>, Problem> {
    let (tree, _) = app.group_tree(&who).await?;
    let id = tree
        .find(&group)
        .ok_or_else(|| Problem::not_found("group", &group))?;
    Ok(Json(shown(&app, &who, id).await?))
}

/// Makes a group.
#[utoipa::path(post, path = "/api/v1/groups", tag = "groups", request_body = GroupCreate,
    responses((status = 201, body = GroupView), (status = 409, body = ProblemDocument)))]
pub(crate) async fn group_create(
    app: App,
    who: Administrator,
    Body(group): Body<GroupCreate>,
) -> Result<Created<GroupView>, Problem> {
    let id = app.group_create(&who, group.name, group.parent).await?;
    Ok(Created::at(
        format!("/groups/{id}"),
        shown(&app, &who, id).await?,
    ))
}

/// Gives a group another name or another place. It is named by number, or by its path with every
/// slash written `%2F`.
#[utoipa::path(patch, path = "/api/v1/groups/{group}", tag = "groups", params(("group" = String, Path)),
    request_body = GroupChange,
    responses((status = 200, body = GroupView), (status = 404, body = ProblemDocument), (status = 409, body = ProblemDocument)))]
pub(crate) async fn group_change(
    app: App,
    who: Administrator,
    Path(group): Path<String>,
    Body(change): Body<GroupChange>,
) -> Result<Json<GroupView>, Problem> {
    let id = app
        .group_change(&who, group, change.name, change.parent)
        .await?;
    Ok(Json(shown(&app, &who, id).await?))
}

/// Removes a group that nothing is in.
#[utoipa::path(delete, path = "/api/v1/groups/{group}", tag = "groups", params(("group" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemDocument), (status = 409, body = ProblemDocument)))]
pub(crate) async fn group_remove(
    app: App,
    who: Administrator,
    Path(group): Path<String>,
) -> Result<StatusCode, Problem> {
    app.group_remove(&who, group).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn shown(
    app: &App,
    who: &Administrator,
    id: GroupId,
) -> Result<GroupView, Problem> {
    let (tree, devices) = app.group_tree(who).await?;
    // Somebody else may have removed it between the two.
    let policies = app.user_policies(who).await?;
    view::group(&tree, &devices, &policies, id)
        .ok_or_else(|| Problem::not_found("group", &id.to_string()))
}
