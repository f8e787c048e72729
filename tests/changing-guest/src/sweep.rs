//! The one task type: sweep a folder.
//!
//! | schema | settings |
//! |---|---|
//! | 1 | `folder`; `deep`, if it is to go below |
//! | 2 | `path`, which was `folder`; `mode`, which has to be said: `quick` or `full` |
//!
//! A relative folder was taken by the first and is not by the second.

use crate::release::{Release, release};
use muster_sdk::{
    Command, Failure, Finding, Findings, JsonSchema, Level, Mark, Outcome, Profile, Refusal,
    Report, Secret, Step, Task, TaskType, Value, pointer, serde::Deserialize, serde_json,
    task_type,
};

pub(crate) struct Sweep;

/// Of either version.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "muster_sdk::serde", deny_unknown_fields)]
pub(crate) struct Settings {
    #[serde(alias = "path")]
    folder: String,
    #[serde(default)]
    deep: bool,
    mode: Option<String>,
    password: Option<Secret>,
    token: Option<Secret>,
    note: Option<String>,
}

impl Settings {
    fn goes_below(&self) -> bool {
        self.deep || self.mode.as_deref() == Some("full")
    }
}

const FIRST: &str = r#"{
    "type": "object",
    "properties": { "folder": { "type": "string", "minLength": 1 }, "deep": { "type": "boolean" } },
    "required": ["folder"],
    "additionalProperties": false
}"#;

const SECOND: &str = r#"{
    "type": "object",
    "properties": { "path": { "type": "string", "pattern": "^/" }, "mode": { "enum": ["quick", "full"] } },
    "required": ["path", "mode"],
    "additionalProperties": false
}"#;

const SECRETS: &str = r##"{
    "type": "object",
    "properties": {
        "folder": { "type": "string", "minLength": 1 },
        "deep": { "type": "boolean" },
        "password": { "$ref": "#/$defs/secret" },
        "token": { "$ref": "#/$defs/secret" },
        "pin": { "type": "string", "format": "password" },
        "note": { "type": "string" }
    },
    "required": ["folder"],
    "additionalProperties": false,
    "$defs": { "secret": {
        "type": "object",
        "properties": { "secret": { "type": "string", "minLength": 1 } },
        "required": ["secret"],
        "additionalProperties": false
    } }
}"##;

impl Task for Sweep {
    const ID: &'static str = "sweep";
    type Settings = Settings;

    fn describe(&self) -> TaskType {
        let sweep = task_type(Self::ID, "Sweep", "Sweeps a folder.");
        let sweep = if release().destructive {
            sweep.mark(Mark::Destructive)
        } else {
            sweep
        };
        if release().secrets {
            return sweep
                .schema(SECRETS)
                .example("One folder", r#"{ "folder": "/srv" }"#);
        }
        if release().renamed {
            TaskType {
                schema_version: 2,
                ..sweep
                    .schema(SECOND)
                    .example("Quick", r#"{ "path": "/srv", "mode": "quick" }"#)
            }
        } else {
            sweep
                .schema(FIRST)
                .example("One folder", r#"{ "folder": "/srv" }"#)
        }
    }

    fn validate(&self, settings: &Settings, findings: &mut Findings) {
        if settings.folder == "/loop" && release().loops {
            loop {
                std::hint::black_box(settings);
            }
        }
        if settings.folder == "/" {
            let text = "Everything is swept.";
            findings.warning(pointer!("folder"), "everything", text);
        }
    }

    fn translate(&self, settings: &Settings, profile: &Profile) -> Result<Command, Refusal> {
        let release = release();
        knows(&release, profile)?;
        let step = Step::run("sweep").arg(&settings.folder);
        let step = match (release.renamed && !release.same_command, &settings.mode) {
            (true, Some(mode)) => step.arg(format!("--mode={mode}")),
            _ if settings.goes_below() => step.arg("--deep"),
            _ => step,
        };
        Ok(with_secrets(step, settings).into())
    }

    fn interpret(&self, settings: &Settings, report: &Report) -> Outcome {
        let outcome = Outcome::by_ends(report);
        let said = format!("{} swept {}", release().version, settings.folder);
        Outcome {
            summary: said,
            ..outcome
        }
    }

    fn migrate(&self, from_version: u32, settings: &str) -> Result<String, Failure> {
        if from_version != 1 {
            return Err(Failure::Internal(format!(
                "there was no version {from_version}"
            )));
        }
        let old: Settings =
            serde_json::from_str(settings).map_err(|error| Failure::Internal(error.to_string()))?;
        if !old.folder.starts_with('/') {
            return Err(Failure::Invalid(vec![Finding {
                level: Level::Error,
                pointer: pointer!("folder"),
                code: "folder-relative".into(),
                text: "A relative folder means another one on each device; name the whole path."
                    .into(),
                params: vec![],
            }]));
        }
        let mode = if old.deep { "full" } else { "quick" };
        let new = serde_json::json!({ "path": old.folder, "mode": mode });
        Ok(new.to_string())
    }
}

/// The password goes by standard input and the token in the environment. A note may ask for what a
/// plug-in must not do.
fn with_secrets(mut step: Step, settings: &Settings) -> Step {
    if let Some(password) = &settings.password {
        step = step.input_secret(password);
    }
    if let Some(token) = &settings.token {
        step = step.env_secret("TOKEN", token);
    }
    match settings.note.as_deref() {
        Some("steal") => step.env_secret("STOLEN", "other"),
        Some("argue") => {
            step.arguments.push(Value::Secret("other".into()));
            step
        }
        _ => step.keep(4096, 4096).keep_lines("^said ", 100),
    }
}

/// Refuses devices of another version than the release knows.
fn knows(release: &Release, profile: &Profile) -> Result<(), Refusal> {
    let version = profile.application_version.as_deref().unwrap_or_default();
    let major = version
        .split('.')
        .next()
        .and_then(|number| number.parse::<u64>().ok());
    match (release.devices, major) {
        (Some(first), Some(major)) if major != first && major != first + 1 => {
            Err(Refusal::Unsupported(format!(
                "Release {} knows versions {first} and {} of the application, not {version}.",
                release.version,
                first + 1
            )))
        }
        _ => Ok(()),
    }
}
