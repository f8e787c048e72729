//! A plug-in whose settings are of their second version.

use muster_sdk::{
    About, AnyTask, Command, Failure, JsonSchema, Plugin, Profile, Refusal, Step, Task, TaskType,
    old_settings, serde_json, task_type,
};
use serde::{Deserialize, Serialize};

struct Migrating;

impl Plugin for Migrating {
    const ABOUT: About = About {
        application: "org.example.migrating",
        name: "Migrating",
        vendor: "Example",
        version: "2.0.0",
        manages: "*",
    };
    const TASKS: &'static [&'static dyn AnyTask] = &[&Scan];
}

muster_sdk::export!(Migrating, migrate);

struct Scan;

/// What is scanned.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Settings {
    /// Folders, with all that lies below them.
    #[schemars(length(min = 1))]
    paths: Vec<String>,
}

/// Version 1 knew one folder.
#[derive(Deserialize)]
struct First {
    folder: String,
}

impl Task for Scan {
    const ID: &'static str = "scan";
    type Settings = Settings;

    fn describe(&self) -> TaskType {
        task_type(Self::ID, "Scan", "Scans folders.")
            .schema_version(2)
            .example("Shared files", r#"{ "paths": ["/srv"] }"#)
    }

    fn translate(&self, settings: &Settings, _: &Profile) -> Result<Command, Refusal> {
        Ok(Step::run("scan").args(&settings.paths).into())
    }

    fn migrate(&self, from_version: u32, settings: &str) -> Result<String, Failure> {
        if from_version != 1 {
            let text = format!("there was no version {from_version}");
            return Err(Failure::Internal(text));
        }
        let First { folder } = old_settings(settings)?;
        let new = Settings {
            paths: vec![folder],
        };
        serde_json::to_string(&new).map_err(|error| Failure::Internal(error.to_string()))
    }
}
