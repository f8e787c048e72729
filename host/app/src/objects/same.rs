//! Whether what is there is what is wanted: objects as JSON in names, as people compare them.

use crate::AppError;
use crate::place::{ScopeReference, SetNames};
use crate::task::by_number;
use crate::transfer::by_name;
use muster_domain::rollout::{Part, Rollout};
use muster_domain::schedule::window::Window;
use muster_domain::schedule::{Schedule, When};
use muster_domain::settings::Settings;
use muster_domain::task::Task;
use muster_domain::{DeviceSet, GroupId, TaskId};
use muster_storage::Connection;
use muster_storage::selection::SelectionRow;
use muster_storage::window::WindowRow;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A scope as files write it.
pub(super) fn scope_json(reference: &ScopeReference) -> Value {
    match reference {
        ScopeReference::Local(device) => json!({ "kind": "local", "device": device }),
        ScopeReference::Group {
            group,
            subgroups,
            excluded,
            only,
            membership,
        } => json!({
            "kind": "group",
            "group": group,
            "subgroups": subgroups,
            "excluded": excluded,
            "only": only,
            "membership": membership,
        }),
        ScopeReference::Global(devices) => json!({ "kind": "global", "devices": devices }),
        ScopeReference::Selection {
            selection,
            membership,
        } => json!({ "kind": "selection", "selection": selection, "membership": membership }),
    }
}

/// A schedule as files write it: what it names is named, not numbered.
pub(super) fn schedule_json(
    schedule: &Schedule,
    task: impl Fn(TaskId) -> Value,
    set: impl Fn(DeviceSet) -> Value,
) -> Value {
    let mut json = json!(schedule);
    match &schedule.when {
        When::AfterTask { task: after, .. } => {
            put(&mut json, "/when/after-task/task", task(*after));
        }
        When::Joined(joined @ DeviceSet::Group(_)) => {
            put(&mut json, "/when/joined/group", set(*joined));
        }
        When::Joined(joined @ DeviceSet::Selection(_)) => {
            put(&mut json, "/when/joined/selection", set(*joined));
        }
        _ => {}
    }
    json
}

/// A rollout as files write it.
pub(super) fn rollout_json(rollout: &Rollout, path: impl Fn(GroupId) -> Value) -> Value {
    let mut json = json!(rollout);
    for (place, wave) in rollout.waves.iter().enumerate() {
        if let Part::Groups { groups } = &wave.devices {
            let paths = groups.iter().map(|group| path(*group)).collect();
            let place = format!("/waves/{place}/devices/groups/groups");
            put(&mut json, &place, Value::Array(paths));
        }
    }
    json
}

fn put(json: &mut Value, place: &str, value: Value) {
    if let Some(slot) = json.pointer_mut(place) {
        *slot = value;
    }
}

/// A task, as its changes are told.
pub(super) fn task_json(
    name: &str,
    scope: &ScopeReference,
    time_limit: u32,
    (schedule, rollout): (Option<Value>, Option<Value>),
    settings: &Settings,
) -> Value {
    json!({
        "name": name,
        "scope": scope_json(scope),
        "time_limit": time_limit,
        "schedule": schedule,
        "rollout": rollout,
        "settings": settings.to_value(),
    })
}

/// A task that is there, in the same form.
pub(super) async fn task_here(
    connection: &mut Connection,
    sets: &SetNames,
    names: &BTreeMap<TaskId, String>,
    task: &Task,
) -> Result<Value, AppError> {
    let scope = by_name(connection, &task.scope).await?;
    let revision = &task.revision;
    let schedule = revision.schedule.as_ref().map(|schedule| {
        schedule_json(
            schedule,
            |task| json!(names.get(&task)),
            |set| json!(sets.of(set)),
        )
    });
    let path = |group| json!(sets.of(DeviceSet::Group(group)));
    let rollout = revision
        .rollout
        .as_ref()
        .map(|rollout| rollout_json(rollout, path));
    Ok(task_json(
        &task.name,
        &scope,
        task.time_limit,
        (schedule, rollout),
        &revision.settings,
    ))
}

/// A window, as its changes are told.
pub(super) fn window_json(of: &str, name: &str, window: &Window) -> Value {
    let mut json = json!(window);
    if let Some(fields) = json.as_object_mut() {
        fields.insert(of.into(), json!(name));
    }
    json
}

/// What a task is, in numbers: another one if anybody changes it.
pub(super) fn task_state(task: &Task) -> Value {
    json!([
        task.name,
        scope_json(&by_number(&task.scope)),
        task.time_limit,
        task.revision.schedule,
        task.revision.rollout,
        task.revision.settings,
    ])
}

/// The same of a window.
pub(super) fn window_state(row: &WindowRow) -> Value {
    json!([row.of, row.window])
}

/// The same of a selection.
pub(super) fn selection_state(row: &SelectionRow) -> Value {
    json!(row.selection)
}
