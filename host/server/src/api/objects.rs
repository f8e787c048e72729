//! Objects as files: exports, imports of tasks, and files that say how the server is to be.

use super::{number, value, view};
use crate::edge::{Path, Query};
use crate::problem::Problem;
use crate::strict::Strict;
use axum::Json;
use axum::http::StatusCode;
use muster_api::objects::{
    Apply, ApplyFile, ImportMapping, NamesTaken, ObjectsFile, ObjectsPlanView, TaskReference,
    TasksImport,
};
use muster_api::problem::ProblemDocument;
use muster_app::objects::export::What;
use muster_app::objects::plan::ObjectsPlan;
use muster_app::objects::wanted::{
    self, Manner, Mapping, Place, TaskName, Wanted, WantedGroup, WantedSelection, WantedTask,
    WantedWindow, WrittenFor,
};
use muster_app::place::SetReference;
use muster_app::submit::TaskRequest;
use muster_app::vault::AllowPlain;
use muster_app::{Administrator, App};
use muster_domain::TaskId;
use muster_domain::group::is_name;
use muster_domain::settings::Settings;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use utoipa::IntoParams;

/// A task as a file.
#[utoipa::path(get, path = "/api/v1/tasks/{task}/export", tag = "tasks", params(("task" = i64, Path)),
    responses((status = 200, body = ObjectsFile), (status = 404, body = ProblemDocument)))]
pub(crate) async fn task_export(
    app: App,
    who: Administrator,
    Path(task): Path<String>,
) -> Result<Json<ObjectsFile>, Problem> {
    let what = What::Tasks(vec![number("task", &task)?]);
    let exported = app.objects_export(&who, what).await?;
    Ok(Json(view::objects::file(exported)))
}

/// Which tasks are exported.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// Their numbers, separated by commas; the file has them in this order.
    tasks: Option<String>,
    /// Those for this group, by number or path, and for groups below it.
    group: Option<String>,
}

/// Several tasks as a file; all of them if none are named.
#[utoipa::path(get, path = "/api/v1/tasks/export", tag = "tasks", params(ExportQuery),
    responses((status = 200, body = ObjectsFile), (status = 404, body = ProblemDocument)))]
pub(crate) async fn tasks_export(
    app: App,
    who: Administrator,
    Query(query): Query<ExportQuery>,
) -> Result<Json<ObjectsFile>, Problem> {
    let what = match (query.tasks, query.group) {
        (None, None) => What::AllTasks,
        (None, Some(group)) => What::TasksOf(group),
        (Some(tasks), None) => {
            let numbers = tasks.split(',').map(|task| number("task", task.trim()));
            What::Tasks(numbers.collect::<Result<Vec<TaskId>, _>>()?)
        }
        (Some(_), Some(_)) => {
            let detail = "name tasks or a group, not both";
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "query-invalid",
                detail,
            ));
        }
    };
    let exported = app.objects_export(&who, what).await?;
    Ok(Json(view::objects::file(exported)))
}

/// Every group, selection, window and task as a file.
#[utoipa::path(get, path = "/api/v1/objects", tag = "objects",
    responses((status = 200, body = ObjectsFile)))]
pub(crate) async fn objects_export(
    app: App,
    who: Administrator,
) -> Result<Json<ObjectsFile>, Problem> {
    let exported = app.objects_export(&who, What::Everything).await?;
    Ok(Json(view::objects::file(exported)))
}

/// Why something is imported or applied.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CommentQuery {
    /// One line of at most 500 characters, kept with the revisions.
    comment: Option<String>,
}

/// Says what an import of tasks would do; with the id of that plan, does it. All of it, or nothing.
#[utoipa::path(post, path = "/api/v1/tasks/import", tag = "tasks", params(CommentQuery),
    request_body = TasksImport,
    responses(
        (status = 200, description = "what it would do, or did", body = ObjectsPlanView),
        (status = 409, description = "`plan-outdated` or `plan-refused`", body = ProblemDocument),
        (status = 413, description = "larger than `http.import-size`", body = ProblemDocument),
        (status = 422, description = "the file cannot be read; where is said", body = ProblemDocument),
    ))]
pub(crate) async fn tasks_import(
    app: App,
    who: Administrator,
    Query(query): Query<CommentQuery>,
    Strict(import): Strict<TasksImport>,
) -> Result<Json<ObjectsPlanView>, Problem> {
    let who = who.commented(query.comment)?;
    let mut all = wanted(None, 0, import.file)?;
    // They are made by `apply`; here they only explain what tasks name.
    all.groups.clear();
    all.selections.clear();
    all.windows.clear();
    let manner = Manner::Import(mapping(import.mapping));
    planned(&app, &who, all, manner, import.plan).await
}

/// Says what it would take for the server to be as files say; with the id of that plan, does it. All of it, or
/// nothing.
#[utoipa::path(post, path = "/api/v1/objects", tag = "objects", params(CommentQuery),
    request_body = Apply,
    responses(
        (status = 200, description = "what it would do, or did", body = ObjectsPlanView),
        (status = 409, description = "`plan-outdated` or `plan-refused`; or what is removed is in use",
            body = ProblemDocument),
        (status = 413, description = "larger than `http.import-size`", body = ProblemDocument),
        (status = 422, description = "a file cannot be read; where is said", body = ProblemDocument),
    ))]
pub(crate) async fn objects_apply(
    app: App,
    who: Administrator,
    Query(query): Query<CommentQuery>,
    Strict(apply): Strict<Apply>,
) -> Result<Json<ObjectsPlanView>, Problem> {
    let who = who.commented(query.comment)?;
    if !is_name(&apply.owner) {
        let detail = "the name of a set of files has 1 to 100 characters, none at either end that is \
                      white space, and none that steers a terminal";
        return Err(invalid("name-invalid", detail));
    }
    let mut all = Wanted::default();
    for (index, ApplyFile { name, content }) in (0..).zip(apply.files) {
        let part = wanted(Some(&name), index, content)?;
        all.plugins.extend(part.plugins);
        all.groups.extend(part.groups);
        all.selections.extend(part.selections);
        all.windows.extend(part.windows);
        all.tasks.extend(part.tasks);
    }
    let (owner, prune) = (apply.owner, apply.prune);
    let manner = Manner::Apply { owner, prune };
    planned(&app, &who, all, manner, apply.plan).await
}

async fn planned(
    app: &App,
    who: &Administrator,
    wanted: Wanted,
    manner: Manner,
    plan: Option<String>,
) -> Result<Json<ObjectsPlanView>, Problem> {
    let plan: ObjectsPlan = match plan {
        None => app.objects_plan(who, wanted, manner).await?,
        Some(id) => app.objects_commit(who, wanted, manner, value(&id)?).await?,
    };
    Ok(Json(view::objects::plan(plan)))
}

fn invalid(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
}

fn mapping(mapping: ImportMapping) -> Mapping {
    Mapping {
        names: match mapping.names {
            NamesTaken::Refuse => wanted::NamesTaken::Refuse,
            NamesTaken::Rename => wanted::NamesTaken::Rename,
            NamesTaken::Skip => wanted::NamesTaken::Skip,
            NamesTaken::Replace => wanted::NamesTaken::Replace,
        },
        rename: mapping.rename,
        groups: mapping.groups,
        devices: mapping.devices,
        selections: mapping.selections,
        tasks: mapping.tasks,
    }
}

/// What a file says.
fn wanted(name: Option<&str>, index: u32, file: ObjectsFile) -> Result<Wanted, Problem> {
    let place = |kind: &str, at: usize| Place {
        file: name.map(str::to_owned),
        pointer: format!("/{kind}/{at}"),
    };
    let mut wanted = Wanted::default();
    for (at, plugin) in file.plugins.into_iter().enumerate() {
        let place = place("plugins", at);
        wanted.plugins.push(WrittenFor {
            application: read(&place, "application", &plugin.application)?,
            version: plugin.version,
            digest: read(&place, "digest", &plugin.digest)?,
        });
    }
    for (at, group) in file.groups.into_iter().enumerate() {
        wanted.groups.push(WantedGroup {
            place: place("groups", at),
            path: group.path,
        });
    }
    for (at, selection) in file.selections.into_iter().enumerate() {
        let place = place("selections", at);
        let mut tasks = BTreeMap::new();
        for (number, task) in selection.tasks {
            let number = read(&place, "tasks", &number)?;
            tasks.insert(number, task_name(task, index));
        }
        wanted.selections.push(WantedSelection {
            place,
            name: selection.name,
            query: selection.query,
            tasks,
        });
    }
    for (at, window) in file.windows.into_iter().enumerate() {
        let mut json = json!({
            "name": window.name,
            "kind": window.kind,
            "opens": window.opens,
            "minutes": window.minutes,
        });
        if let (Some(fields), Some(zone)) = (json.as_object_mut(), window.zone) {
            fields.insert("zone".into(), Value::String(zone));
        }
        let of = super::window::set(window.group, window.selection)?;
        wanted.windows.push(WantedWindow {
            place: place("windows", at),
            name: window.name,
            of: of.unwrap_or_else(|| SetReference::Group("/".into())),
            window: json,
        });
    }
    for (at, task) in file.tasks.into_iter().enumerate() {
        let place = place("tasks", at);
        if task.schema_version == Some(0) {
            let detail = format!(
                "in the file, {}/schema_version: versions are counted up from 1",
                place.pointer
            );
            return Err(invalid("request-invalid", &detail));
        }
        let settings = task.settings.as_ref();
        let request = TaskRequest {
            application: read(&place, "application", &task.application)?,
            task_type: read(&place, "task_type", &task.task_type)?,
            name: task.name,
            scope: view::scope_reference(task.scope),
            settings: settings.map_or_else(|| Ok(Settings::empty()), Settings::from_value),
            schema_version: task.schema_version,
            time_limit: task.time_limit,
            schedule: task.schedule,
            rollout: task.rollout,
            allow_plain: AllowPlain::At(task.allow_plain),
        };
        wanted.tasks.push(WantedTask {
            place,
            id: task.id.map(|id| (index, id)),
            file: index,
            request,
        });
    }
    Ok(wanted)
}

fn task_name(reference: TaskReference, file: u32) -> TaskName {
    match reference {
        TaskReference::Name(name) => TaskName {
            name: Some(name),
            id: None,
            outside: false,
        },
        TaskReference::Entry(entry) => TaskName {
            outside: entry.id.is_none(),
            name: entry.name,
            id: entry.id.map(|id| (file, id)),
        },
    }
}

fn read<T: FromStr<Err: Display>>(place: &Place, field: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error: T::Err| {
        let file = place.file.as_deref().unwrap_or("the file");
        let detail = format!("in {file}, {}/{field}: {error}", place.pointer);
        invalid("value-invalid", &detail)
    })
}
