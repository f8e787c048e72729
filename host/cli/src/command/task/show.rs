//! Tasks as tables.

use super::{schedule, task_path};
use crate::client::Query;
use crate::command::Context;
use crate::failure::{Failure, finding_line};
use crate::output::{Cell, Tint, cell, clean_lines, number};
use crate::time::seconds;
use muster_api::problem::FindingView;
use muster_api::task::{OriginView, ScopeView, TaskRevisionView, TaskView};
use muster_domain::device::DeviceKind;
use muster_domain::scope::Membership;
use muster_domain::text::counted;
use serde_json::Value;

/// Lists tasks.
pub(crate) async fn list(
    context: &Context,
    application: Option<String>,
    task_type: Option<String>,
    limit: Option<usize>,
) -> Result<(), Failure> {
    let mut query: Query<'_> = Vec::new();
    query.extend(application.map(|application| ("application", application)));
    query.extend(task_type.map(|task_type| ("task_type", task_type)));
    let answer = context.client.list("/tasks", &query, limit).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let tasks: Vec<TaskView> = answer.view()?;
    let rows = tasks.into_iter().map(|task| {
        let application = if task.plugin_loaded {
            cell(task.application)
        } else {
            cell(format!("{} (no plug-in)", task.application)).tint(Tint::Attention)
        };
        vec![
            number(task.id),
            cell(task.name),
            application,
            cell(task.task_type),
            cell(scope(&task.scope)),
            cell(task.last_run.map(|run| run.to_string()).unwrap_or_default()),
            cell(context.out.clock.short(task.changed_at)),
        ]
    });
    let header = [
        "ID",
        "NAME",
        "APPLICATION",
        "TYPE",
        "WHERE",
        "LAST RUN",
        "CHANGED",
    ];
    context.out.table(
        &header,
        rows.collect(),
        "No tasks; `muster task create` creates one.",
    )
}

/// Shows one task.
pub(crate) async fn one(context: &Context, task: &str) -> Result<(), Failure> {
    let path = task_path(context, task, &[]).await?;
    let answer = context.client.get(&path, &vec![]).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let task: TaskView = answer.view()?;
    let clock = &context.out.clock;
    let plugin = if task.plugin_loaded {
        cell("loaded").tint(Tint::Good)
    } else {
        cell("not loaded; the task cannot be changed or started").tint(Tint::Attention)
    };
    let approval = approval(&task);
    context.out.fields(vec![
        ("id", cell(task.id.to_string())),
        ("name", cell(task.name)),
        ("application", cell(task.application)),
        ("plug-in", plugin),
        ("type", cell(task.task_type)),
        ("where", cell(scope(&task.scope))),
        (
            "schedule",
            cell(
                task.schedule
                    .as_ref()
                    .map_or("none; a person starts it".to_owned(), schedule::text),
            ),
        ),
        ("rollout", cell(rollout(task.rollout.as_ref()))),
        ("approval", approval),
        ("time limit", cell(seconds(task.time_limit.into()))),
        (
            "created",
            cell(format!(
                "{} by {}",
                clock.long(task.created_at),
                task.created_by
            )),
        ),
        ("revision", cell(task.revision.to_string())),
        (
            "changed",
            cell(format!(
                "{} by {}",
                clock.long(task.changed_at),
                task.changed_by
            )),
        ),
        ("from", cell(origin(&task.origin))),
        ("why", cell(task.origin.comment.unwrap_or_default())),
        (
            "last run",
            cell(
                task.last_run
                    .map_or("none".to_owned(), |run| run.to_string()),
            ),
        ),
    ])?;
    settings(context, &task.settings)?;
    findings(context, &task.findings)
}

fn settings(context: &Context, settings: &Value) -> Result<(), Failure> {
    context.out.whole(&format!(
        "\nsettings\n{}",
        clean_lines(&format!("{settings:#}"))
    ))
}

/// Shows the revisions of a task.
pub(crate) async fn revisions(context: &Context, task: &str) -> Result<(), Failure> {
    let path = task_path(context, task, &["revisions"]).await?;
    let answer = context.client.list(&path, &vec![], None).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let revisions: Vec<TaskRevisionView> = answer.view()?;
    let rows = revisions.into_iter().map(|revision| {
        vec![
            number(revision.number),
            cell(context.out.clock.short(revision.created_at)),
            cell(revision.created_by),
            cell(origin(&revision.origin)),
            cell(revision.origin.comment.unwrap_or_default()),
            cell(revision.settings.to_string()),
        ]
    });
    context.out.table(
        &["REVISION", "MADE", "BY", "FROM", "WHY", "SETTINGS"],
        rows.collect(),
        "No revisions.",
    )
}

/// Where a revision came from: by what way, by which program, from which address.
fn origin(origin: &OriginView) -> String {
    let mut text = origin.way.clone().unwrap_or_default();
    if let Some(program) = &origin.program {
        text = format!("{text} by {program}");
    }
    if let Some(address) = &origin.address {
        text = format!("{text} from {address}");
    }
    text.trim_start().to_owned()
}

/// Tells what the plug-in had to say.
pub(crate) fn findings(context: &Context, findings: &[FindingView]) -> Result<(), Failure> {
    for finding in findings {
        context
            .out
            .whole(&context.out.tinted(&finding_line(finding), Tint::Attention))?;
    }
    Ok(())
}

/// Whether a second administrator must look at it, and did.
fn approval(task: &TaskView) -> Cell {
    match &task.approved_by {
        Some(by) => cell(format!("by {by}")).tint(Tint::Good),
        None if task.destructive => {
            let text = format!(
                "needed; another administrator gives it with `muster task approve {}`",
                task.id
            );
            cell(text).tint(Tint::Attention)
        }
        None => cell("not needed"),
    }
}

/// How its runs go out, in short.
fn rollout(rollout: Option<&Value>) -> String {
    let Some(rollout) = rollout else {
        return "none; runs go to all devices at once".into();
    };
    let waves = rollout.get("waves").and_then(Value::as_array);
    let waves = waves.map_or(0, |waves| waves.len() as u64) + 1;
    let at_once = rollout.get("at-once").and_then(Value::as_u64);
    let at_once = at_once.map_or(String::new(), |limit| format!(", {limit} devices at once"));
    format!("{}{at_once}", counted(waves, "wave"))
}

fn scope(scope: &ScopeView) -> String {
    match scope {
        ScopeView::Local { device } => format!("device {device}"),
        ScopeView::Group {
            path,
            subgroups,
            excluded,
            only,
            membership,
            ..
        } => {
            let excluded: Vec<String> = excluded.iter().map(ToString::to_string).collect();
            group(path, *subgroups, &excluded) + &rest(*only, *membership)
        }
        ScopeView::Selection {
            name, membership, ..
        } => format!("selection {name}{}", rest(None, *membership)),
        ScopeView::Global { devices } => {
            devices_text(&devices.iter().map(ToString::to_string).collect::<Vec<_>>())
        }
    }
}

fn group(path: &str, subgroups: bool, excluded: &[String]) -> String {
    let alone = if subgroups { "" } else { ", without subgroups" };
    let less = if excluded.is_empty() {
        String::new()
    } else {
        format!(", without groups {}", excluded.join(", "))
    };
    format!("group {path}{alone}{less}")
}

fn rest(only: Option<DeviceKind>, membership: Membership) -> String {
    let only = only.map_or(String::new(), |kind| format!(", {}s only", kind.as_str()));
    let following = match membership {
        Membership::Fixed => "",
        Membership::Following => ", runs follow it",
    };
    format!("{only}{following}")
}

fn devices_text(devices: &[String]) -> String {
    if devices.len() > 5 {
        format!("{} devices", devices.len())
    } else {
        format!("devices {}", devices.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_told_in_words() {
        let whole = ScopeView::Group {
            group: 2,
            path: "/A".into(),
            subgroups: true,
            excluded: vec![],
            only: None,
            membership: Membership::Fixed,
        };
        assert_eq!(scope(&whole), "group /A");
        let part = ScopeView::Group {
            group: 2,
            path: "/A".into(),
            subgroups: false,
            excluded: vec![3, 4],
            only: Some(DeviceKind::Server),
            membership: Membership::Following,
        };
        assert_eq!(
            scope(&part),
            "group /A, without subgroups, without groups 3, 4, servers only, runs follow it"
        );
        assert_eq!(
            scope(&ScopeView::Global {
                devices: vec![1, 2]
            }),
            "devices 1, 2"
        );
        assert_eq!(
            scope(&ScopeView::Global {
                devices: (1..=9).collect()
            }),
            "9 devices"
        );
    }
}
