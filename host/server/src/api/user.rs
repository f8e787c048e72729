//! What devices' users may do with tasks, and what they asked for.

use super::{number, view, whole};
use crate::body::Json as Body;
use crate::edge::Path;
use crate::problem::Problem;
use axum::Json;
use muster_api::group::GroupView;
use muster_api::page::Page;
use muster_api::problem::ProblemDocument;
use muster_api::user::{LostView, UserEditView, UserPolicyChange, UserWord};
use muster_app::{Administrator, App};
use muster_domain::user::EditOutcome;
use muster_storage::user::UserEditRow;

/// Has a group say what its devices' users may do with tasks. It is named by number, or by its path with
/// every slash written `%2F`.
#[utoipa::path(put, path = "/api/v1/groups/{group}/users", tag = "groups", params(("group" = String, Path)),
    request_body = UserPolicyChange,
    responses((status = 200, body = GroupView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn user_policy_set(
    app: App,
    who: Administrator,
    Path(group): Path<String>,
    Body(change): Body<UserPolicyChange>,
) -> Result<Json<GroupView>, Problem> {
    let (tasks, starts) = (change.tasks.map(said), change.starts.map(said));
    let id = app.user_policy_set(&who, group, tasks, starts).await?;
    Ok(Json(super::group::shown(&app, &who, id).await?))
}

fn said(word: UserWord) -> Option<bool> {
    match word {
        UserWord::Allow => Some(true),
        UserWord::Deny => Some(false),
        UserWord::Inherit => None,
    }
}

/// What devices' users asked for of a task, newest first, also of one that was deleted.
#[utoipa::path(get, path = "/api/v1/tasks/{task}/user-changes", tag = "tasks", params(("task" = i64, Path)),
    responses((status = 200, body = Page<UserEditView>), (status = 404, body = ProblemDocument)))]
pub(crate) async fn user_edit_list(
    app: App,
    who: Administrator,
    Path(task): Path<String>,
) -> Result<Json<Page<UserEditView>>, Problem> {
    let rows = app.user_edit_list(&who, number("task", &task)?).await?;
    Ok(whole(rows.into_iter().map(edit).collect()))
}

fn edit(row: UserEditRow) -> UserEditView {
    let (reason, findings) = match &row.outcome {
        Some(EditOutcome::Refused {
            reason, findings, ..
        }) => (Some(reason.clone()), findings.clone()),
        Some(EditOutcome::Lost { reason, .. }) => (Some(reason.clone()), Vec::new()),
        _ => (None, Vec::new()),
    };
    let lost = row.outcome.as_ref().map_or(&[][..], EditOutcome::lost);
    UserEditView {
        id: row.id.to_string(),
        device: row.device.0,
        user: row.user,
        edit: serde_json::json!(row.edit),
        made_at: row.made_at,
        came_at: row.came_at,
        state: row
            .outcome
            .as_ref()
            .map_or("waiting", EditOutcome::word)
            .into(),
        reason,
        lost: lost
            .iter()
            .map(|lost| LostView {
                pointer: lost.pointer.clone(),
                user: lost.user.clone(),
                administrator: lost.administrator.clone(),
            })
            .collect(),
        findings: view::findings(findings),
    }
}
