//! `initialise`: takes down how the watched files are now.

use crate::report;
use crate::settings::{self, Level, linux_only};
use muster_sdk::{
    Command, Findings, JsonSchema, Mark, Outcome, Profile, Refusal, Report, Step, Task, TaskType,
    task_type,
};
use serde::Deserialize;

/// The task type.
pub(crate) struct Initialise;

/// What is watched, and whether it is taken down anew. All but the last are [`settings::Settings`]; to
/// let serde flatten them would make every call slower.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(description = "What is watched, and whether it is taken down anew.")]
pub(crate) struct Settings {
    /// Folders and files that are watched, with all that lies below them. Names that are not UTF-8 are
    /// passed over by AIDE itself.
    #[schemars(
        length(min = 1, max = 500),
        inner(length(min = 1, max = 4096), extend("examples" = ["/etc"]))
    )]
    paths: Vec<String>,
    /// Folders and files below the paths that are not watched.
    #[serde(default)]
    #[schemars(
        length(max = 500),
        inner(length(min = 1, max = 4096), extend("examples" = ["/etc"]))
    )]
    exclusions: Vec<String>,
    /// # What counts as a change
    /// contents: type, owner, permissions, size and contents; permissions: type, owner, permissions,
    /// access lists, whatever is in the file; everything: times, inodes and extended attributes as
    /// well; growing: for logs, which may grow.
    #[serde(default)]
    level: Level,
    /// Where AIDE's database is kept on the device. All tasks that belong together name the same.
    #[serde(default = "settings::folder")]
    #[schemars(length(min = 1, max = 1024))]
    database_folder: String,
    /// Make the database anew where there is one already. What has changed since is then taken for
    /// right.
    #[serde(default)]
    replace: bool,
}

impl From<&Settings> for settings::Settings {
    fn from(settings: &Settings) -> Self {
        let settings = settings.clone();
        Self {
            paths: settings.paths,
            exclusions: settings.exclusions,
            level: settings.level,
            database_folder: settings.database_folder,
        }
    }
}

impl Task for Initialise {
    const ID: &'static str = "initialise";
    type Settings = Settings;

    fn describe(&self) -> TaskType {
        task_type(
            Self::ID,
            "Initialise",
            "Takes down how the watched files are now, as the state that checks compare with.",
        )
        .example(
            "System programs and configuration",
            r#"{"paths": ["/etc", "/usr/bin", "/usr/sbin"]}"#,
        )
        .example(
            "Anew",
            r#"{"paths": ["/etc"], "exclusions": ["/etc/mtab"], "replace": true}"#,
        )
        .mark(Mark::Exclusive)
        .time_limit(4 * 3600)
        .raises(&report::INITIALISED)
    }

    fn validate(&self, settings: &Settings, findings: &mut Findings) {
        settings::Settings::from(settings).check(findings);
    }

    fn translate(&self, settings: &Settings, profile: &Profile) -> Result<Command, Refusal> {
        linux_only(profile)?;
        let watched = settings::Settings::from(settings);
        let mut steps =
            vec![Step::run("mkdir").args(["--parents", "--mode=0700", watched.folder()])];
        if !settings.replace {
            // Ends here, with status 1, when there is a database already.
            steps.push(Step::run("test").args(["!".into(), "-e".into(), watched.database()]));
        }
        steps.push(watched.aide("--init"));
        steps.push(watched.take_new());
        Ok(steps.into())
    }

    fn interpret(&self, _: &Settings, report: &Report) -> Outcome {
        report::initialised(report)
    }
}
