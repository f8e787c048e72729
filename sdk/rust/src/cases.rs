//! Cases: settings, profiles and reports in files, and what the plug-in must answer to them.
//!
//! Each folder below `cases/` is a case, and a new folder is a new test:
//!
//! | file | what it holds |
//! |---|---|
//! | `task.json` | `task-type`, `settings`, and a `profile` where it matters |
//! | `verdict.json` | what `validate` answers |
//! | `command.json` | what `translate` answers for the profile |
//! | `report.json` | a device's report; where it is missing, `interpret` is not asked |
//! | `outcome.json` | what `interpret` answers to the report |
//!
//! With the environment variable `UPDATE_CASES=1` answers are written instead of compared; look at
//! the difference before you keep it. Natively only.

use crate::{Outcome, Plugin, Profile, Report};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// A case's `task.json`.
///
/// ```
/// use muster_sdk::{cases::CaseTask, serde_json};
///
/// let task: CaseTask =
///     serde_json::from_str(r#"{ "task-type": "scan", "settings": {} }"#).unwrap();
/// assert_eq!(task.profile.platform, "linux");
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CaseTask {
    /// One of the plug-in's task types.
    pub task_type: String,
    /// Its settings.
    pub settings: Value,
    /// The device's profile; Linux on `x86_64` without facts if it is not given.
    #[serde(default = "linux")]
    pub profile: Profile,
}

fn linux() -> Profile {
    Profile::of("linux")
}

/// A case, with the plug-in's answers, as [`check`] finds it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The folder's name.
    pub name: String,
    /// Its `task.json`.
    pub task: CaseTask,
    /// The outcome, if the case has a report.
    pub outcome: Option<Outcome>,
}

/// Checks every case of a folder, in the order of their names. The error names each file that
/// disagrees, with what it holds and what was answered.
///
/// ```
/// use muster_sdk::{About, AnyTask, Plugin, cases};
///
/// struct Scanner;
///
/// impl Plugin for Scanner {
///     const ABOUT: About = About {
///         application: "org.example.scanner",
///         name: "Scanner",
///         vendor: "Example",
///         version: "1.0.0",
///         manages: "*",
///     };
///     const TASKS: &'static [&'static dyn AnyTask] = &[];
/// }
///
/// // In a plug-in's test: `concat!(env!("CARGO_MANIFEST_DIR"), "/cases")`.
/// let folder = std::env::temp_dir().join(format!("muster-sdk-cases-{}", std::process::id()));
/// std::fs::create_dir_all(folder.join("scan")).unwrap();
/// let task = r#"{ "task-type": "scan", "settings": {} }"#;
/// std::fs::write(folder.join("scan/task.json"), task).unwrap();
/// let wrong = cases::check::<Scanner>(&folder).unwrap_err();
/// assert!(wrong.contains("verdict.json holds nothing"));
/// std::fs::remove_dir_all(&folder).unwrap();
/// ```
pub fn check<P: Plugin>(folder: &Path) -> Result<Vec<Case>, String> {
    let mut folders: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(|cause| format!("cannot list {}: {cause}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let mut wrong = Vec::new();
    let mut cases = Vec::new();
    for folder in folders {
        match case::<P>(&folder, &mut wrong) {
            Ok(case) => cases.push(case),
            Err(cause) => wrong.push(cause),
        }
    }
    if wrong.is_empty() {
        Ok(cases)
    } else {
        Err(wrong.join("\n\n"))
    }
}

fn case<P: Plugin>(folder: &Path, wrong: &mut Vec<String>) -> Result<Case, String> {
    let task: CaseTask = read(&folder.join("task.json"))?.ok_or("has no task.json")?;
    let settings = task.settings.to_string();
    let mut compare = |name: &str, answer: Value| {
        if let Err(cause) = compare(&folder.join(name), &answer) {
            wrong.push(cause);
        }
    };
    let verdict = P::validate(&task.task_type, &settings);
    compare(
        "verdict.json",
        answer(verdict.map(|verdict| verdict.findings)),
    );
    let profiles = [task.profile.clone()];
    let mut commands = P::translate(&task.task_type, &settings, &profiles);
    compare("command.json", commands.pop().map_or(Value::Null, answer));
    let report: Option<Report> = read(&folder.join("report.json"))?;
    let outcome =
        report.and_then(|report| P::interpret(&task.task_type, &settings, &[report]).pop());
    if let Some(outcome) = &outcome {
        compare("outcome.json", readable(json!(outcome)));
    }
    let name = folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok(Case {
        name,
        task,
        outcome,
    })
}

fn answer<T: Serialize, E: Serialize>(answer: Result<T, E>) -> Value {
    match answer {
        Ok(answer) => json!(answer),
        Err(refusal) => json!({ "refused": refusal }),
    }
}

/// Fields of events are JSON text; in a file they are easier to read as JSON.
fn readable(mut outcome: Value) -> Value {
    for event in outcome
        .get_mut("events")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(fields) = event.get_mut("fields")
            && let Some(read) = fields
                .as_str()
                .and_then(|text| serde_json::from_str(text).ok())
        {
            *fields = read;
        }
    }
    outcome
}

fn read<T: serde::de::DeserializeOwned>(file: &Path) -> Result<Option<T>, String> {
    match fs::read_to_string(file) {
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|cause| format!("{} cannot be read: {cause}", file.display())),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(format!("cannot open {}: {cause}", file.display())),
    }
}

fn compare(file: &Path, answer: &Value) -> Result<(), String> {
    if std::env::var_os("UPDATE_CASES").is_some() {
        return fs::write(file, format!("{answer:#}\n"))
            .map_err(|cause| format!("cannot write {}: {cause}", file.display()));
    }
    let kept: Option<Value> = read(file)?;
    if kept.as_ref() == Some(answer) {
        return Ok(());
    }
    let kept = kept.map_or("nothing".into(), |kept| format!("{kept:#}"));
    Err(format!(
        "{} holds {kept}\nbut the answer is {answer:#}",
        file.display()
    ))
}
