//! `start` and `stop`: ClamAV's daemon, through systemd where a device has it, else directly.

use crate::{linux_only, output, path};
use muster_sdk::{
    ApplicationState, Command, EventKind, Findings, JsonSchema, Meaning, NoFields, Outcome,
    Profile, Refusal, Report, Severity, Step, Task, TaskType, at, task_type,
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

const STARTED: EventKind<NoFields> =
    EventKind::new("daemon-started", "Daemon started", Severity::Info);
const STOPPED: EventKind<NoFields> =
    EventKind::new("daemon-stopped", "Daemon stopped", Severity::Warning);

/// Which daemon is started.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct StartSettings {
    /// # Configuration file
    /// Of the daemon; the distribution's own if not given.
    #[schemars(length(min = 1, max = 4096), example = "/etc/clamav/clamd.conf")]
    configuration: Option<String>,
    /// The daemon's units, for devices with systemd.
    #[serde(default = "start_units")]
    #[schemars(
        length(min = 1, max = 10),
        inner(
            length(max = 200),
            regex(pattern = r"^[A-Za-z0-9@_.:][A-Za-z0-9@_.:-]*$")
        )
    )]
    units: Vec<String>,
}

fn start_units() -> Vec<String> {
    vec!["clamav-daemon.service".into()]
}

/// Which daemon is stopped.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct StopSettings {
    /// # Process id file
    /// Where the daemon notes its process id. Without it, a stop ends every clamd on the device.
    #[schemars(length(min = 1, max = 4096), example = "/run/clamav/clamd.pid")]
    pid_file: Option<String>,
    /// The daemon's units, for devices with systemd.
    #[serde(default = "stop_units")]
    #[schemars(
        length(min = 1, max = 10),
        inner(
            length(max = 200),
            regex(pattern = r"^[A-Za-z0-9@_.:][A-Za-z0-9@_.:-]*$")
        )
    )]
    units: Vec<String>,
}

/// The socket first: it would start the daemon again.
fn stop_units() -> Vec<String> {
    vec![
        "clamav-daemon.socket".into(),
        "clamav-daemon.service".into(),
    ]
}

impl StartSettings {
    fn ping(&self, attempts: u32) -> Step {
        let mut step = Step::run("clamdscan");
        if let Some(file) = &self.configuration {
            step = step.arg(format!("--config-file={file}"));
        }
        step.args(["--ping".into(), format!("{attempts}:1")])
    }
}

fn by_systemd(verb: &str, units: &[String]) -> Step {
    Step::run("systemctl").arg(verb).args(units)
}

impl Task for Start {
    const ID: &'static str = "start";
    type Settings = StartSettings;

    fn describe(&self) -> TaskType {
        task_type(
            Self::ID,
            "Start the daemon",
            "Starts clamd, and waits until it answers.",
        )
        .example("The distribution's daemon", "{}")
        .facts(&[SERVICE_MANAGER])
        .needs(ApplicationState::Installed)
        .time_limit(600)
        .raises(&STARTED)
    }

    fn validate(&self, settings: &StartSettings, findings: &mut Findings) {
        if let Some(file) = &settings.configuration {
            path::check(file, &|| at!(settings.configuration), findings);
        }
    }

    fn translate(&self, settings: &StartSettings, profile: &Profile) -> Result<Command, Refusal> {
        linux_only(profile)?;
        let running = settings
            .ping(1)
            .status(0, Meaning::Done)
            .status(1..=255, Meaning::Succeeded);
        let start = if profile.fact(SERVICE_MANAGER) == Some("systemd") {
            by_systemd("start", &settings.units)
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

    fn interpret(&self, _: &StartSettings, report: &Report) -> Outcome {
        match report.steps.as_slice() {
            [ping] if ping.status() == Some(0) => {
                Outcome::succeeded("The daemon was running already.")
            }
            [_, start, ping] if start.status() == Some(0) && ping.status() == Some(0) => {
                Outcome::succeeded("The daemon runs.")
                    .with([STARTED.event("ClamAV's daemon was started.", &NoFields {})])
            }
            _ => output::failure(report, "The daemon did not start"),
        }
    }
}

impl Task for Stop {
    const ID: &'static str = "stop";
    type Settings = StopSettings;

    fn describe(&self) -> TaskType {
        task_type(
            Self::ID,
            "Stop the daemon",
            "Stops clamd, and waits until it is gone.",
        )
        .example("The distribution's daemon", "{}")
        .facts(&[SERVICE_MANAGER])
        // A task that needs the running application is stopped when that stops.
        .needs(ApplicationState::Installed)
        .time_limit(300)
        .raises(&STOPPED)
    }

    fn validate(&self, settings: &StopSettings, findings: &mut Findings) {
        if let Some(file) = &settings.pid_file {
            path::check(file, &|| at!(settings.pid_file), findings);
        }
    }

    fn translate(&self, settings: &StopSettings, profile: &Profile) -> Result<Command, Refusal> {
        linux_only(profile)?;
        if profile.fact(SERVICE_MANAGER) == Some("systemd") {
            return Ok(by_systemd("stop", &settings.units).into());
        }
        // The daemon ends by a signal, in its own time; there is no command for it.
        let which = |mut step: Step| {
            if let Some(file) = &settings.pid_file {
                step = step.args(["--pidfile", file]);
            }
            step.args(["--exact", "clamd"])
        };
        let signal = which(Step::run("pkill").arg("--signal=TERM")).status(1, Meaning::Done);
        let wait = which(Step::run("pidwait"))
            .status(0..=1, Meaning::Succeeded)
            .time_limit(120);
        Ok(vec![signal, wait].into())
    }

    fn interpret(&self, _: &StopSettings, report: &Report) -> Outcome {
        match report.steps.as_slice() {
            [signal] if signal.program == "pkill" && signal.status() == Some(1) => {
                Outcome::succeeded("The daemon was not running.")
            }
            _ if output::all_ended_with(report, &[("pidwait", 1)]) => {
                Outcome::succeeded("The daemon is stopped.")
                    .with([STOPPED.event("ClamAV's daemon was stopped.", &NoFields {})])
            }
            _ => output::failure(report, "The daemon did not stop"),
        }
    }
}
