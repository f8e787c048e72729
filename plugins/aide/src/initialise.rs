//! `initialise`: takes down how the watched files are now.

use crate::report;
use crate::settings::{Settings, linux_only};
use muster_sdk::{
    Command, Findings, Mark, Outcome, Profile, Refusal, Report, Severity, Step, Task, TaskType,
    task_type,
};

/// The task type.
pub(crate) struct Initialise;

impl Task for Initialise {
    const ID: &'static str = "initialise";
    type Settings = Settings;

    fn describe(&self) -> TaskType {
        task_type(
            Self::ID,
            "Initialise",
            "Takes down how the watched files are now, as the state that checks compare with.",
        )
        .schema(include_str!("../schemas/initialise.json"))
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
        .event(
            "database-initialised",
            "Database initialised",
            Severity::Info,
            include_str!("../schemas/events/database-initialised.json"),
        )
    }

    fn validate(&self, settings: &Settings, findings: &mut Findings) {
        settings.check(findings);
    }

    fn translate(&self, settings: &Settings, profile: &Profile) -> Result<Command, Refusal> {
        linux_only(profile)?;
        let mut steps =
            vec![Step::run("mkdir").args(["--parents", "--mode=0700", settings.folder()])];
        if !settings.replace {
            // Ends here, with status 1, when there is a database already.
            steps.push(Step::run("test").args(["!".into(), "-e".into(), settings.database()]));
        }
        steps.push(settings.aide("--init"));
        steps.push(settings.take_new());
        Ok(steps.into())
    }

    fn interpret(&self, _: &Settings, report: &Report) -> Outcome {
        report::initialised(report)
    }
}
