//! A small plug-in that is there in every language of the SDKs, to compare them: settings of ten
//! fields, a check of what they mean together, and a command of some arguments.

use muster_sdk::{
    About, AnyTask, Command, Findings, JsonSchema, Plugin, Profile, Refusal, Step, Task, TaskType,
    at, path, task_type,
};
use serde::Deserialize;
use std::fmt;

/// The plug-in.
#[derive(Debug)]
pub struct Language;

impl Plugin for Language {
    const ABOUT: About = About {
        application: "org.example.language",
        name: "Language",
        vendor: "Example",
        version: "1.0.0",
        manages: "*",
    };
    const TASKS: &'static [&'static dyn AnyTask] = &[&Scan];
}

muster_sdk::export!(Language);

/// Looks through folders.
struct Scan;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Settings {
    /// Folders to look through.
    #[schemars(length(min = 1, max = 100))]
    paths: Vec<String>,
    /// Folders in them that are passed over.
    #[serde(default)]
    #[schemars(length(max = 100))]
    exclusions: Vec<String>,
    /// Levels of folders.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 1000))]
    depth: u32,
    /// Bytes of the largest file that is read.
    #[serde(default = "hundred_million")]
    #[schemars(range(min = 1, max = 1_000_000_000_000))]
    largest_file: u64,
    /// Whether archives are opened.
    #[serde(default = "yes")]
    archives: bool,
    /// Whether mail is opened.
    #[serde(default = "yes")]
    mail: bool,
    /// Files that are read at once.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 64))]
    threads: u32,
    /// How much is guessed.
    #[serde(default)]
    heuristics: Heuristics,
    /// What becomes of a file that is detected.
    #[serde(default)]
    on_detection: OnDetection,
    /// Where detected files are moved to.
    quarantine_folder: Option<String>,
}

#[derive(Deserialize, JsonSchema, Default)]
#[serde(rename_all = "kebab-case")]
enum Heuristics {
    Off,
    #[default]
    Low,
    High,
}

impl fmt::Display for Heuristics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Low => "low",
            Self::High => "high",
        })
    }
}

#[derive(Deserialize, JsonSchema, Default, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum OnDetection {
    #[default]
    Report,
    Quarantine,
}

fn one() -> u32 {
    1
}

fn hundred() -> u32 {
    100
}

fn hundred_million() -> u64 {
    100_000_000
}

fn yes() -> bool {
    true
}

impl Task for Scan {
    const ID: &'static str = "scan";
    type Settings = Settings;

    fn describe(&self) -> TaskType {
        task_type(Self::ID, "Scan", "Looks through folders.")
            .example("Home folders", r#"{"paths":["/home"]}"#)
            .time_limit(600)
    }

    fn validate(&self, settings: &Settings, findings: &mut Findings) {
        for (at, one) in settings.paths.iter().enumerate() {
            let pointer = || at!(settings.paths[at]);
            if !path::check(one, &pointer, findings) {
                continue;
            }
            let around = (settings.paths.iter().enumerate())
                .find(|(place, other)| *place != at && path::covers(other, one));
            if let Some((_, around)) = around {
                let text = format!("{one} lies in {around}.");
                findings.warning(pointer(), "paths-overlap", text);
            }
        }
        for (at, one) in settings.exclusions.iter().enumerate() {
            let pointer = || at!(settings.exclusions[at]);
            let mut paths = settings.paths.iter();
            if path::check(one, &pointer, findings)
                && !paths.any(|folder| path::covers(folder, one))
            {
                let text = format!("{one} is not scanned anyway.");
                findings.notice(pointer(), "exclusion-elsewhere", text);
            }
        }
        let pointer = || at!(settings.quarantine_folder);
        match &settings.quarantine_folder {
            Some(folder) => {
                path::check(folder, &pointer, findings);
            }
            None if settings.on_detection == OnDetection::Quarantine => {
                let text = "There is no folder for the quarantine.";
                findings.error(pointer(), "quarantine-missing", text);
            }
            None => {}
        }
    }

    fn translate(&self, settings: &Settings, profile: &Profile) -> Result<Command, Refusal> {
        if profile.platform != "linux" {
            return Err(Refusal::Unsupported(format!(
                "{} is not known.",
                profile.platform
            )));
        }
        let mut step = Step::run("scanner").args([
            format!("--depth={}", settings.depth),
            format!("--largest-file={}", settings.largest_file),
            format!("--archives={}", settings.archives),
            format!("--mail={}", settings.mail),
            format!("--threads={}", settings.threads),
            format!("--heuristics={}", settings.heuristics),
        ]);
        if settings.on_detection == OnDetection::Quarantine
            && let Some(folder) = &settings.quarantine_folder
        {
            step = step.arg(format!("--quarantine={folder}"));
        }
        let exclusions = settings.exclusions.iter();
        Ok(step
            .args(exclusions.map(|one| format!("--exclude={one}")))
            .args(&settings.paths)
            .into())
    }
}
