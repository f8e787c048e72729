//! Revisions of a task: compared, and brought back.

use super::comment::Comment;
use super::{show, task_path};
use crate::command::{Context, confirm};
use crate::failure::Failure;
use crate::output::cell;
use muster_api::page::Page;
use muster_api::plan::ChangeView;
use muster_api::task::{TaskApprove, TaskRollback, TaskView};
use serde_json::Value;

/// Shows what differs between two revisions.
pub(super) async fn compare(
    context: &Context,
    task: &str,
    from: u32,
    to: Option<u32>,
) -> Result<(), Failure> {
    let to = if let Some(to) = to {
        to
    } else {
        let path = task_path(context, task, &[]).await?;
        let task: TaskView = context.client.get(&path, &vec![]).await?.view()?;
        task.revision
    };
    let path = task_path(context, task, &["compare"]).await?;
    let query = vec![("from", from.to_string()), ("to", to.to_string())];
    let answer = context.client.get(&path, &query).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let changes: Page<ChangeView> = answer.view()?;
    let text = |value: Option<Value>| value.map(|value| value.to_string()).unwrap_or_default();
    let rows = changes.items.into_iter().map(|change| {
        vec![
            cell(change.pointer),
            cell(text(change.before)),
            cell(text(change.after)),
        ]
    });
    let (before, after) = (format!("REVISION {from}"), format!("REVISION {to}"));
    context.out.table(
        &["WHERE", &before, &after],
        rows.collect(),
        "Nothing differs.",
    )
}

/// Gives a task what it had in a revision.
pub(super) async fn roll_back(
    context: &Context,
    task: &str,
    revision: u32,
    comment: &Comment,
) -> Result<(), Failure> {
    let path = task_path(context, task, &["rollback"]).await?;
    let answer = context
        .client
        .post(&comment.on(&path), &TaskRollback { revision })
        .await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let task: TaskView = answer.view()?;
    context.out.text(&format!(
        "Task {} ({}) is as it was in revision {revision}; its revision is {}.",
        task.id, task.name, task.revision
    ))?;
    show::findings(context, &task.findings)
}

/// Approves a revision of a destructive task.
pub(crate) async fn approve(
    context: &Context,
    task: &str,
    revision: Option<u32>,
    yes: bool,
) -> Result<(), Failure> {
    let path = task_path(context, task, &[]).await?;
    let known: TaskView = context.client.get(&path, &vec![]).await?.view()?;
    let revision = revision.unwrap_or(known.revision);
    let question = format!(
        "Approve revision {revision} of task {} ({}, {}), by {}, with settings {}?",
        known.id, known.name, known.task_type, known.changed_by, known.settings
    );
    confirm(yes, &question)?;
    let approve = task_path(context, task, &["approve"]).await?;
    let body = TaskApprove { revision };
    let answer = context.client.post(&approve, &body).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let task: TaskView = answer.view()?;
    context.out.text(&format!(
        "Approved revision {revision} of task {} ({}).",
        task.id, task.name
    ))
}
