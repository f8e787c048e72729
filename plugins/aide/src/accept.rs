//! `accept-changes`: takes the watched files as they are now for good.

use crate::check::with_change_events;
use crate::report;
use crate::settings::{Settings, linux_only};
use muster_sdk::{
    Command, Findings, Mark, Meaning, Outcome, Profile, Refusal, Report, Severity, Task, TaskType,
    task_type,
};

/// The task type.
pub(crate) struct AcceptChanges;

impl Task for AcceptChanges {
    const ID: &'static str = "accept-changes";
    type Settings = Settings;

    fn describe(&self) -> TaskType {
        let described = task_type(
            Self::ID,
            "Accept changes",
            "Takes the watched files as they are now for good, and tells what differed from before.",
        )
        .example("System programs and configuration", r#"{"paths": ["/etc", "/usr/bin", "/usr/sbin"]}"#)
        .mark(Mark::Exclusive)
        .time_limit(4 * 3600);
        with_change_events(described, Severity::Info)
    }

    fn validate(&self, settings: &Settings, findings: &mut Findings) {
        settings.check(findings);
    }

    fn translate(&self, settings: &Settings, profile: &Profile) -> Result<Command, Refusal> {
        linux_only(profile)?;
        // Differences are what was asked for, so they are no warning.
        let update = settings.aide("--update").status(0..=7, Meaning::Succeeded);
        Ok(vec![update, settings.take_new()].into())
    }

    fn interpret(&self, _: &Settings, report: &Report) -> Outcome {
        report::accepted(report)
    }
}
