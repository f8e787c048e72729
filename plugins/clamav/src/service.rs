//! `start` and `stop`: ClamAV's daemon, through systemd where a device has it, else directly.

use crate::{fact, linux_only, output, path};
use muster_sdk::{
    ApplicationState, Command, Event, Findings, Meaning, NOTHING, NoFields, Outcome, Profile,
    Refusal, Report, Severity, Step, Task, TaskType, pointer, task_type,
};
use serde::Deserialize;

/// Its value is `systemd` where that is process 1.
const SERVICE_MANAGER: &str = "service.manager";
/// Signatures are loaded before the daemon answers, on a small device for minutes.
const ANSWERS_WITHIN: u32 = 300;

/// Starts the daemon.
pub(crate) struct Start;

/// Stops the daemon.
pub(crate) struct Stop;

/// Settings of both.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    configuration: Option<String>,
    pid_file: Option<String>,
    units: Option<Vec<String>>,
}

impl Settings {
    fn ping(&self, attempts: u32) -> Step {
        let mut step = Step::run("clamdscan");
        if let Some(file) = &self.configuration {
            step = step.arg(format!("--config-file={file}"));
        }
        step.args(["--ping".into(), format!("{attempts}:1")])
    }

    fn by_systemd(&self, verb: &str, default: &[&str]) -> Step {
        let step = Step::run("systemctl").arg(verb);
        match &self.units {
            Some(units) => step.args(units),
            None => step.args(default.iter().copied()),
        }
    }

    fn check(&self, findings: &mut Findings) {
        for (name, file) in [
            ("configuration", &self.configuration),
            ("pid-file", &self.pid_file),
        ] {
            if let Some(file) = file {
                path::check(file, &|| pointer!(name), findings);
            }
        }
    }
}

const START_UNITS: [&str; 1] = ["clamav-daemon.service"];
/// The socket first: it would start the daemon again.
const STOP_UNITS: [&str; 2] = ["clamav-daemon.socket", "clamav-daemon.service"];

impl Task for Start {
    const ID: &'static str = "start";
    type Settings = Settings;

    fn describe(&self) -> TaskType {
        task_type(
            Self::ID,
            "Start the daemon",
            "Starts clamd, and waits until it answers.",
        )
        .schema(include_str!("../schemas/start.json"))
        .example("The distribution's daemon", "{}")
        .facts(&[SERVICE_MANAGER])
        .needs(ApplicationState::Installed)
        .time_limit(600)
        .event("daemon-started", "Daemon started", Severity::Info, NOTHING)
    }

    fn validate(&self, settings: &Settings, findings: &mut Findings) {
        settings.check(findings);
    }

    fn translate(&self, settings: &Settings, profile: &Profile) -> Result<Command, Refusal> {
        linux_only(profile)?;
        let running = settings
            .ping(1)
            .status(0..=0, Meaning::Done)
            .status(1..=255, Meaning::Succeeded);
        let start = if fact(profile, SERVICE_MANAGER) == Some("systemd") {
            settings.by_systemd("start", &START_UNITS)
        } else {
            // It goes into the background by itself.
            let file = settings
                .configuration
                .iter()
                .map(|file| format!("--config-file={file}"));
            Step::run("clamd").args(file).time_limit(ANSWERS_WITHIN)
        };
        Ok(vec![running, start, settings.ping(ANSWERS_WITHIN)].into())
    }

    fn interpret(&self, _: &Settings, report: &Report) -> Outcome {
        match report.steps.as_slice() {
            [ping] if ping.status() == Some(0) => {
                Outcome::succeeded("The daemon was running already.")
            }
            [_, start, ping] if start.status() == Some(0) && ping.status() == Some(0) => {
                Outcome::succeeded("The daemon runs.").with([Event::new(
                    "daemon-started",
                    "ClamAV's daemon was started.",
                    &NoFields {},
                )])
            }
            _ => output::failure(report, "The daemon did not start"),
        }
    }
}

impl Task for Stop {
    const ID: &'static str = "stop";
    type Settings = Settings;

    fn describe(&self) -> TaskType {
        task_type(
            Self::ID,
            "Stop the daemon",
            "Stops clamd, and waits until it is gone.",
        )
        .schema(include_str!("../schemas/stop.json"))
        .example("The distribution's daemon", "{}")
        .facts(&[SERVICE_MANAGER])
        // A task that needs the running application is stopped when that stops.
        .needs(ApplicationState::Installed)
        .time_limit(300)
        .event(
            "daemon-stopped",
            "Daemon stopped",
            Severity::Warning,
            NOTHING,
        )
    }

    fn validate(&self, settings: &Settings, findings: &mut Findings) {
        settings.check(findings);
    }

    fn translate(&self, settings: &Settings, profile: &Profile) -> Result<Command, Refusal> {
        linux_only(profile)?;
        if fact(profile, SERVICE_MANAGER) == Some("systemd") {
            return Ok(settings.by_systemd("stop", &STOP_UNITS).into());
        }
        // The daemon ends by a signal, in its own time; there is no command for it.
        let which = |mut step: Step| {
            if let Some(file) = &settings.pid_file {
                step = step.args(["--pidfile", file]);
            }
            step.args(["--exact", "clamd"])
        };
        let signal = which(Step::run("pkill").arg("--signal=TERM"))
            .status(0..=0, Meaning::Succeeded)
            .status(1..=1, Meaning::Done);
        let wait = which(Step::run("pidwait"))
            .status(0..=1, Meaning::Succeeded)
            .time_limit(120);
        Ok(vec![signal, wait].into())
    }

    fn interpret(&self, _: &Settings, report: &Report) -> Outcome {
        match report.steps.as_slice() {
            [signal] if signal.program == "pkill" && signal.status() == Some(1) => {
                Outcome::succeeded("The daemon was not running.")
            }
            _ if output::all_ended_with(report, &[("pidwait", 1)]) => {
                Outcome::succeeded("The daemon is stopped.").with([Event::new(
                    "daemon-stopped",
                    "ClamAV's daemon was stopped.",
                    &NoFields {},
                )])
            }
            _ => output::failure(report, "The daemon did not stop"),
        }
    }
}
