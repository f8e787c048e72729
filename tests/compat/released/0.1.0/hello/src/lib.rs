//! The least that a vendor ships: one task type, with everything that most have.

use muster_sdk::{
    About, AnyTask, Command, EventKind, Findings, JsonSchema, Meaning, Outcome, Plugin, Profile,
    Refusal, Report, Severity, Step, StepReport, Task, TaskType, at, task_type,
};
use serde::{Deserialize, Serialize};

struct Hello;

impl Plugin for Hello {
    const ABOUT: About = About {
        application: "org.example.hello",
        name: "Hello",
        vendor: "Example",
        version: "1.0.0",
        manages: ">=1.0, <3",
    };
    const TASKS: &'static [&'static dyn AnyTask] = &[&Reach];
}

muster_sdk::export!(Hello, interpret);

struct Reach;

/// Which host is asked, and how often.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Settings {
    /// Name or address.
    #[schemars(length(min = 1, max = 253))]
    host_name: String,
    /// How often it is asked.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 20))]
    attempts: u32,
}

fn three() -> u32 {
    3
}

#[derive(Serialize, JsonSchema)]
struct Silent<'a> {
    host: &'a str,
}

const SILENT: EventKind<Silent> =
    EventKind::new("host-silent", "Host does not answer", Severity::Warning);

impl Task for Reach {
    const ID: &'static str = "reach";
    type Settings = Settings;

    fn describe(&self) -> TaskType {
        task_type(Self::ID, "Reach a host", "Asks whether a host answers.")
            .example("The device itself", r#"{ "host-name": "localhost" }"#)
            .facts(&["os.id"])
            .raises(&SILENT)
            .time_limit(60)
    }

    fn validate(&self, settings: &Settings, findings: &mut Findings) {
        if settings.host_name.starts_with('-') {
            findings
                .error(
                    at!(settings.host_name),
                    "host-not-a-name",
                    "A host's name has no hyphen in front.",
                )
                .param("host", &settings.host_name);
        }
    }

    fn translate(&self, settings: &Settings, profile: &Profile) -> Result<Command, Refusal> {
        profile.only("linux", "This plug-in knows the ping")?;
        let count = settings.attempts.to_string();
        let ping = Step::run("ping").args(["-c", &count, &settings.host_name]);
        Ok(ping.status(1, Meaning::Warning).into())
    }

    fn interpret(&self, settings: &Settings, report: &Report) -> Outcome {
        let host = settings.host_name.as_str();
        match report.step("ping").and_then(StepReport::status) {
            Some(0) => Outcome::succeeded(format!("{host} answers.")),
            Some(1) => Outcome::warning(format!("{host} does not answer."))
                .with([SILENT.event(format!("{host} does not answer."), &Silent { host })]),
            _ => Outcome::by_ends(report),
        }
    }
}
