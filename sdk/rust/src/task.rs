//! A task type: all that a plug-in knows of it, in one place.

use crate::{
    Command, Failure, Finding, Findings, JsonSchema, Outcome, Profile, Refusal, Report, TaskType,
    Verdict, schema, settings,
};
use serde::de::DeserializeOwned;

/// One of an application's task types: all that a plug-in knows of it.
///
/// ```
/// use muster_sdk::{
///     AnyTask, Command, JsonSchema, Profile, Refusal, Step, Task, TaskType, serde::Deserialize,
///     task_type,
/// };
///
/// struct Scan;
///
/// /// What is scanned.
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(crate = "muster_sdk::serde")]
/// struct Settings {
///     /// With all that lies below it.
///     folder: String,
/// }
///
/// impl Task for Scan {
///     const ID: &'static str = "scan";
///     type Settings = Settings;
///
///     fn describe(&self) -> TaskType {
///         task_type(Self::ID, "Scan", "Scans a folder.")
///             .example("Shared files", r#"{"folder": "/srv"}"#)
///     }
///
///     fn translate(&self, settings: &Settings, _: &Profile) -> Result<Command, Refusal> {
///         Ok(Step::run("scan").arg(&settings.folder).into())
///     }
/// }
///
/// // A plug-in has its tasks as `AnyTask`: then settings are JSON text.
/// let scan: &dyn AnyTask = &Scan;
/// assert!(scan.describe().settings_schema.contains("With all that lies below it."));
/// assert_eq!(scan.validate(r#"{"folder": 7}"#).findings[0].pointer, "/folder");
/// ```
pub trait Task: Sync {
    /// Lower-case with hyphens, and stable.
    const ID: &'static str;
    /// Its settings, as the plug-in reads them. Their JSON Schema is that of the task type.
    type Settings: DeserializeOwned + JsonSchema;

    /// What the server has to know of it. Its id is [`Self::ID`]. The schema of its settings need not
    /// be told.
    fn describe(&self) -> TaskType;

    /// What a schema cannot say of the settings. All findings at once.
    fn validate(&self, settings: &Self::Settings, findings: &mut Findings) {
        let _ = (settings, findings);
    }

    /// A task in the terms of a device. The settings were found without errors.
    fn translate(&self, settings: &Self::Settings, profile: &Profile) -> Result<Command, Refusal>;

    /// What a device's report means. Used only by plug-ins that export `interpret`. The provided
    /// one reads the exit statuses: 0 succeeded, anything else failed.
    fn interpret(&self, settings: &Self::Settings, report: &Report) -> Outcome {
        let _ = settings;
        Outcome::by_ends(report)
    }

    /// Settings of an older schema version in this one's terms. Used only by plug-ins that export
    /// `migrate`; the provided one takes settings as they are. JSON text in and out.
    fn migrate(&self, from_version: u32, settings: &str) -> Result<String, Failure> {
        let _ = from_version;
        Ok(settings.into())
    }
}

/// A [`Task`] whose settings are JSON text: what the contract's functions work with. Every task is one;
/// the example of [`Task`] shows it.
pub trait AnyTask: Sync {
    /// [`Task::ID`].
    fn id(&self) -> &'static str;
    /// [`Task::describe`].
    fn describe(&self) -> TaskType;
    /// [`Task::validate`]; settings that cannot be read are a finding too.
    fn validate(&self, settings: &str) -> Verdict;
    /// [`Task::translate`] for each profile. Settings are read and checked once.
    fn translate(&self, settings: &str, profiles: &[Profile]) -> Vec<Result<Command, Refusal>>;
    /// [`Task::interpret`] for each report, kept within the bounds of an answer.
    fn interpret(&self, settings: &str, reports: &[Report]) -> Vec<Outcome>;
    /// [`Task::migrate`].
    fn migrate(&self, from_version: u32, settings: &str) -> Result<String, Failure>;
}

impl<T: Task> AnyTask for T {
    fn id(&self) -> &'static str {
        T::ID
    }

    fn describe(&self) -> TaskType {
        let mut described = Task::describe(self);
        if described.settings_schema.is_empty() {
            described.settings_schema = schema::text::<T::Settings>();
        }
        described
    }

    fn validate(&self, settings: &str) -> Verdict {
        let findings = match settings::read(settings) {
            Ok(settings) => found(self, &settings).0,
            Err(finding) => vec![finding],
        };
        Verdict { findings }
    }

    fn translate(&self, settings: &str, profiles: &[Profile]) -> Vec<Result<Command, Refusal>> {
        let refuse_all = |findings: Vec<Finding>| {
            profiles
                .iter()
                .map(|_| Err(Refusal::Invalid(findings.clone())))
                .collect()
        };
        match settings::read(settings) {
            Err(finding) => refuse_all(vec![finding]),
            Ok(settings) => {
                let findings = found(self, &settings);
                if findings.any_error() {
                    return refuse_all(findings.0);
                }
                profiles
                    .iter()
                    .map(|profile| Task::translate(self, &settings, profile))
                    .collect()
            }
        }
    }

    fn interpret(&self, settings: &str, reports: &[Report]) -> Vec<Outcome> {
        let read = settings::read(settings);
        let outcome = |report: &Report| match &read {
            Ok(settings) => Task::interpret(self, settings, report),
            Err(finding) => Outcome::failed(&finding.text),
        };
        reports
            .iter()
            .map(|report| outcome(report).bounded(reports.len()))
            .collect()
    }

    fn migrate(&self, from_version: u32, settings: &str) -> Result<String, Failure> {
        Task::migrate(self, from_version, settings)
    }
}

fn found<T: Task>(task: &T, settings: &T::Settings) -> Findings {
    let mut findings = Findings::default();
    task.validate(settings, &mut findings);
    findings.bounded()
}
