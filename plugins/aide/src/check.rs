//! `check`: compares the watched files with the database.

use crate::report::{self, ADDED, CHANGED, REMOVED};
use crate::settings::{Settings, linux_only};
use muster_sdk::{
    Command, Findings, Mark, Meaning, Outcome, Profile, Refusal, Report, Severity, Task, TaskType,
    task_type,
};

/// The task type.
pub(crate) struct Check;

impl Task for Check {
    const ID: &'static str = "check";
    type Settings = Settings;

    fn describe(&self) -> TaskType {
        let described = task_type(
            Self::ID,
            "Check",
            "Compares the watched files with the database, and tells what was added, removed or changed.",
        )
        .example("System programs and configuration", r#"{"paths": ["/etc", "/usr/bin", "/usr/sbin"]}"#)
        .mark(Mark::Exclusive)
        .time_limit(4 * 3600);
        with_change_events(described, Severity::Warning)
    }

    fn validate(&self, settings: &Settings, findings: &mut Findings) {
        settings.check(findings);
    }

    fn translate(&self, settings: &Settings, profile: &Profile) -> Result<Command, Refusal> {
        linux_only(profile)?;
        // 1 added, 2 removed, 4 changed, and their sums.
        let aide = settings.aide("--check").status(1..=7, Meaning::Warning);
        Ok(aide.into())
    }

    fn interpret(&self, _: &Settings, report: &Report) -> Outcome {
        report::checked(report)
    }
}

/// The events for what was added, removed and changed.
pub(crate) fn with_change_events(task_type: TaskType, severity: Severity) -> TaskType {
    task_type
        .raises(&ADDED.with_severity(severity))
        .raises(&REMOVED.with_severity(severity))
        .raises(&CHANGED.with_severity(severity))
}
