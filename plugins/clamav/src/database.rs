//! `database-info`: which databases a device has, and of what version.

use crate::{container, linux_only, output, path};
use muster_sdk::{
    ApplicationState, Command, Event, EventKind, Findings, JsonSchema, Outcome, Profile, Refusal,
    Report, Severity, Step, Task, TaskType, at, task_type,
};
use serde::Deserialize;

/// The task type.
pub(crate) struct DatabaseInfo;

/// Where databases are, and which of them are asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    /// Where databases are kept.
    #[serde(default = "folder")]
    #[schemars(length(min = 1, max = 4096))]
    database_folder: String,
    /// The containers to ask; ClamAV's own if none is given.
    #[serde(default)]
    #[schemars(
        length(min = 1, max = 20),
        inner(length(max = 200), regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9._-]*\.(cvd|cld|cud)$")),
        example = ["own.cud"]
    )]
    databases: Vec<String>,
}

fn folder() -> String {
    container::FOLDER.into()
}

const VERSION: EventKind<container::Container> =
    EventKind::new("database-version", "Database version", Severity::Info);

impl Task for DatabaseInfo {
    const ID: &'static str = "database-info";
    type Settings = Settings;

    fn describe(&self) -> TaskType {
        task_type(
            Self::ID,
            "Database versions",
            "Tells which signature databases a device has, and of what version they are.",
        )
        .example("Official databases", "{}")
        .example("A database of your own", r#"{"databases": ["own.cud"]}"#)
        .needs(ApplicationState::Installed)
        .time_limit(300)
        .raises(&VERSION)
    }

    fn validate(&self, settings: &Settings, findings: &mut Findings) {
        let folder = || at!(settings.database_folder);
        path::check(&settings.database_folder, &folder, findings);
        for (index, name) in settings.databases.iter().enumerate() {
            if name.contains('/') || !container::is_container(name) {
                findings.error(
                    at!(settings.databases[index]),
                    "not-a-container",
                    format!("{name:?} is no name of a container; it ends with .cvd, .cld or .cud."),
                );
            } else if settings
                .databases
                .iter()
                .take(index)
                .any(|other| other == name)
            {
                findings.warning(
                    at!(settings.databases[index]),
                    "database-twice",
                    format!("{name} stands in the list twice."),
                );
            }
        }
    }

    fn translate(&self, settings: &Settings, profile: &Profile) -> Result<Command, Refusal> {
        linux_only(profile)?;
        let folder = settings.database_folder.as_str();
        let list = Step::run("find")
            .args([
                folder,
                "-maxdepth",
                "1",
                "-type",
                "f",
                "-printf",
                "%s %f\\n",
            ])
            .keep(4096, 1024);
        let chosen: Vec<&str> = if settings.databases.is_empty() {
            container::OFFICIAL.to_vec()
        } else {
            settings.databases.iter().map(String::as_str).collect()
        };
        let ask = chosen.into_iter().map(|name| container::ask(folder, name));
        Ok([list].into_iter().chain(ask).collect::<Vec<_>>().into())
    }

    fn interpret(&self, _: &Settings, report: &Report) -> Outcome {
        if !output::all_ended_with(report, &[("sigtool", 1)]) {
            return output::failure(report, "The databases could not be read");
        }
        let events: Vec<Event> = container::told(report).map(|found| event(&found)).collect();
        if events.is_empty() {
            return Outcome::warning("None of the databases was found.");
        }
        let texts: Vec<String> = container::told(report)
            .map(|found| format!("{} {}", found.name, found.version))
            .collect();
        Outcome::succeeded(format!("{}.", texts.join(", "))).with(events)
    }
}

fn event(found: &container::Container) -> Event {
    let container::Container {
        name,
        version,
        built,
        ..
    } = found;
    VERSION.event(
        format!("{name} is of version {version}, built {built}."),
        found,
    )
}
