//! Objects as files, and plans for them.

use muster_api::objects::{
    GroupEntry, ObjectPlanView, ObjectsFile, ObjectsPlanView, PluginEntry, PluginStandView,
    SelectionEntry, TaskEntry, TaskReference, TaskReferenceEntry, WindowEntry,
};
use muster_app::objects::export::Exported;
use muster_app::objects::plan::ObjectsPlan;
use muster_app::objects::wanted::TaskName;
use muster_app::place::SetReference;
use muster_domain::schedule::Zone;
use muster_domain::schedule::window::Window;
use serde_json::json;

/// What was exported, as a file.
pub(crate) fn file(exported: Exported) -> ObjectsFile {
    ObjectsFile {
        format: ObjectsFile::FORMAT.into(),
        version: ObjectsFile::VERSION,
        plugins: exported
            .plugins
            .into_iter()
            .map(|plugin| PluginEntry {
                application: plugin.application.to_string(),
                version: plugin.version,
                digest: plugin.digest.to_string(),
            })
            .collect(),
        groups: exported
            .groups
            .into_iter()
            .map(|path| GroupEntry { path })
            .collect(),
        selections: exported
            .selections
            .into_iter()
            .map(|(selection, tasks)| SelectionEntry {
                name: selection.name,
                query: selection.query,
                tasks: tasks
                    .into_iter()
                    .map(|(number, name)| (number.to_string(), reference(name)))
                    .collect(),
            })
            .collect(),
        windows: exported.windows.into_iter().map(window).collect(),
        tasks: exported
            .tasks
            .into_iter()
            .map(|task| TaskEntry {
                id: Some(task.id),
                name: task.name,
                application: task.application.to_string(),
                task_type: task.task_type.to_string(),
                schema_version: Some(task.schema_version),
                scope: super::scope_request(task.scope),
                time_limit: Some(task.time_limit),
                schedule: task.schedule,
                rollout: task.rollout,
                settings: Some(task.settings.to_value()),
                allow_plain: task.allow_plain,
            })
            .collect(),
    }
}

fn window((of, window): (SetReference, Window)) -> WindowEntry {
    let (group, selection) = match of {
        SetReference::Group(path) => (Some(path), None),
        SetReference::Selection(name) => (None, Some(name)),
    };
    let word = json!(window.kind);
    WindowEntry {
        name: window.name,
        group,
        selection,
        kind: word.as_str().unwrap_or_default().to_owned(),
        opens: json!(window.opens),
        minutes: window.minutes,
        zone: Some(window.zone)
            .filter(|zone| *zone != Zone::Device)
            .map(|zone| zone.to_string()),
    }
}

fn reference(name: TaskName) -> TaskReference {
    TaskReference::Entry(TaskReferenceEntry {
        name: name.name,
        id: name.id.map(|(_, id)| id),
    })
}

/// A plan.
pub(crate) fn plan(plan: ObjectsPlan) -> ObjectsPlanView {
    ObjectsPlanView {
        id: plan.id.to_string(),
        possible: plan.is_possible(),
        done: plan.done,
        changes: plan.changes(),
        plugins: plan
            .plugins
            .into_iter()
            .map(|plugin| PluginStandView {
                application: plugin.application.to_string(),
                version: plugin.version,
                here: plugin.here,
                stand: plugin.stand.into(),
            })
            .collect(),
        items: plan
            .items
            .into_iter()
            .map(|item| ObjectPlanView {
                kind: item.kind_word().into(),
                name: item.name,
                id: item.id,
                file: item.place.as_ref().and_then(|place| place.file.clone()),
                pointer: item.place.map(|place| place.pointer),
                action: item.action.as_str().into(),
                changes: item.changes.into_iter().map(super::plan::change).collect(),
                findings: super::findings(item.findings),
            })
            .collect(),
    }
}
