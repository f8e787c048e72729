//! Tasks as files: export, and import in two steps.
//!
//! The digest is over the very JSON that the file holds, so that a file of a later server, with
//! members that are unknown here, is told from one that was changed.

use super::task::shown;
use super::{number, value, view};
use crate::body::Json as Body;
use crate::edge::{Path, Query};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use muster_api::problem::ProblemDocument;
use muster_api::task::{ExportedTask, TaskFile, TaskImportView};
use muster_app::submit::TaskRequest;
use muster_app::{Administrator, App};
use muster_domain::Digest;
use muster_domain::settings::Settings;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

const FORMAT: &str = "muster-task";
const VERSION: u64 = 1;

/// A task as a file.
#[utoipa::path(get, path = "/api/v1/tasks/{task}/export", tag = "tasks", params(("task" = i64, Path)),
    responses((status = 200, body = TaskFile), (status = 404, body = ProblemDocument)))]
pub(crate) async fn task_export(
    app: App,
    who: Administrator,
    Path(task): Path<String>,
) -> Result<Json<TaskFile>, Problem> {
    let (task, scope) = app.task_export(&who, number("task", &task)?).await?;
    Ok(Json(file(ExportedTask {
        name: task.name,
        application: task.application.to_string(),
        task_type: task.task_type.to_string(),
        schema_version: task.revision.schema_version,
        settings: task.revision.settings.to_value(),
        time_limit: task.time_limit,
        scope: view::scope_request(scope),
        schedule: task
            .revision
            .schedule
            .map(|schedule| serde_json::json!(schedule)),
        rollout: task
            .revision
            .rollout
            .map(|rollout| serde_json::json!(rollout)),
    })))
}

fn file(task: ExportedTask) -> TaskFile {
    TaskFile {
        format: FORMAT.into(),
        version: 1,
        digest: digest(&serde_json::json!(task)).to_string(),
        task,
    }
}

fn digest(task: &Value) -> Digest {
    Digest::of(task.to_string())
}

/// How an import is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// Whether to make the task; otherwise it is only looked at.
    #[serde(default)]
    commit: bool,
}

/// Says what an import would do, and with `commit=true` does it.
#[utoipa::path(post, path = "/api/v1/tasks/import", tag = "tasks", params(ImportQuery), request_body = TaskFile,
    responses(
        (status = 200, description = "what it would do", body = TaskImportView),
        (status = 201, description = "it was done", body = TaskImportView),
        (status = 409, body = ProblemDocument),
        (status = 422, description = "the file was changed, or cannot be imported", body = ProblemDocument),
    ))]
pub(crate) async fn task_import(
    app: App,
    who: Administrator,
    Query(query): Query<ImportQuery>,
    Body(file): Body<Value>,
) -> Result<(StatusCode, Json<TaskImportView>), Problem> {
    let task = read(file)?;
    let request = request(&task)?;
    if query.commit {
        // What stands against it is told as the refusal that it is, and is an event.
        let created = app.task_create(&who, request).await?;
        let created = shown(&app, &who, created.id).await?;
        let import = TaskImportView {
            importable: true,
            task,
            changes: Vec::new(),
            findings: created.findings.clone(),
            missing: Vec::new(),
            created: Some(created),
        };
        return Ok((StatusCode::CREATED, Json(import)));
    }
    let preview = app.task_import_preview(&who, &request).await?;
    let import = TaskImportView {
        importable: preview.importable,
        task,
        changes: preview
            .changes
            .into_iter()
            .map(view::plan::change)
            .collect(),
        findings: view::findings(preview.findings),
        missing: preview.missing,
        created: None,
    };
    Ok((StatusCode::OK, Json(import)))
}

/// The task of a file that is whole and unchanged.
fn read(mut file: Value) -> Result<ExportedTask, Problem> {
    let format = file.get("format").and_then(Value::as_str);
    if format != Some(FORMAT) {
        return Err(invalid(
            "task-file-invalid",
            "this is no task file as `muster task export` writes it",
        ));
    }
    match file.get("version").and_then(Value::as_u64) {
        Some(VERSION) => {}
        Some(version) => {
            let detail = format!(
                "task files of version {version} are unknown here, only {VERSION} is known"
            );
            return Err(invalid("task-file-version", &detail));
        }
        None => return Err(invalid("task-file-invalid", "the task file has no version")),
    }
    let told: Option<Digest> = file
        .get("digest")
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok());
    let task = file.get_mut("task").map(Value::take).unwrap_or_default();
    if told != Some(digest(&task)) {
        let detail = "the task file was changed after its export: its digest does not fit its task; \
                      export it again";
        return Err(invalid("task-file-changed", detail));
    }
    serde_path_to_error::deserialize(task).map_err(|error| {
        let detail = format!("in the task file, task.{}: {}", error.path(), error.inner());
        invalid("task-file-invalid", &detail)
    })
}

fn invalid(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
}

fn request(task: &ExportedTask) -> Result<TaskRequest, Problem> {
    if task.schema_version == 0 {
        let detail = "in the task file, task.schema_version: versions are counted up from 1";
        return Err(invalid("task-file-invalid", detail));
    }
    Ok(TaskRequest {
        name: task.name.clone(),
        application: value(&task.application)?,
        task_type: value(&task.task_type)?,
        scope: view::scope_reference(task.scope.clone()),
        settings: Settings::from_value(&task.settings),
        schema_version: Some(task.schema_version),
        time_limit: Some(task.time_limit),
        schedule: task.schedule.clone(),
        rollout: task.rollout.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_api::task::ScopeRequest;

    fn exported() -> String {
        let file = file(ExportedTask {
            name: "Nightly".into(),
            application: "net.clamav.clamav".into(),
            task_type: "scan".into(),
            schema_version: 1,
            settings: serde_json::json!({ "z": 1.5, "a": ["ü", null] }),
            time_limit: 3600,
            schedule: None,
            rollout: None,
            scope: ScopeRequest::Local {
                device: "pc-7".into(),
            },
        });
        serde_json::to_string_pretty(&file).unwrap()
    }

    fn read_text(text: &[u8]) -> Result<ExportedTask, Problem> {
        read(crate::body::parse(text)?)
    }

    #[test]
    fn an_exported_file_reads_back() {
        assert_eq!(read_text(exported().as_bytes()).unwrap().name, "Nightly");
    }

    #[test]
    fn a_file_with_one_changed_byte_is_refused() {
        let text = exported().into_bytes();
        let white = |byte: u8| byte == b' ' || byte == b'\n';
        for place in 0..text.len() {
            let mut changed = text.clone();
            changed[place] ^= 0x01;
            if white(text[place]) {
                continue;
            }
            assert!(
                read_text(&changed).is_err(),
                "byte {place} of {}",
                exported()
            );
        }
    }
}
