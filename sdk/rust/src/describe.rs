//! Describing a task type, piece by piece.

use crate::{
    ApplicationState, CapabilityRequest, Description, EventKind, EventType, Example, JsonSchema,
    LimitRequest, Mark, Plugin, Severity, TaskKind, TaskType,
};

const HOUR: u32 = 3600;

/// The JSON Schema of an object without anything in it: no settings, or no fields.
///
/// ```
/// use muster_sdk::{NOTHING, Severity, task_type};
///
/// let start = task_type("start", "Start", "Starts it.")
///     .event("started", "Started", Severity::Info, NOTHING);
/// assert_eq!(start.event_types[0].fields_schema, NOTHING);
/// ```
pub const NOTHING: &str = r#"{"type":"object","additionalProperties":false}"#;

/// A task type for devices, groups and lists of devices, which needs the running application, has
/// an hour. Its settings are those of the [`Task`](crate::Task).
///
/// ```
/// use muster_sdk::{ApplicationState, Mark, task_type};
///
/// let remove = task_type("remove", "Remove", "Removes the application.")
///     .example("All of it", "{}")
///     .needs(ApplicationState::Installed)
///     .mark(Mark::Destructive)
///     .time_limit(1800);
/// assert_eq!(remove.id, "remove");
/// assert_eq!(remove.kinds.len(), 3);
/// ```
pub fn task_type(id: &str, title: &str, summary: &str) -> TaskType {
    TaskType {
        id: id.into(),
        title: title.into(),
        summary: summary.into(),
        kinds: vec![TaskKind::Local, TaskKind::Group, TaskKind::Global],
        settings_schema: String::new(),
        schema_version: 1,
        examples: Vec::new(),
        facts: Vec::new(),
        needs: ApplicationState::Running,
        marks: Vec::new(),
        time_limit: HOUR,
        event_types: Vec::new(),
        more: Vec::new(),
    }
}

impl TaskType {
    /// A JSON Schema of its settings other than that of [`Task::Settings`](crate::Task::Settings), as
    /// JSON text.
    ///
    /// ```
    /// use muster_sdk::task_type;
    ///
    /// let scan = task_type("scan", "Scan", "Scans.").schema(r#"{"type":"object"}"#);
    /// assert_eq!(scan.settings_schema, r#"{"type":"object"}"#);
    /// ```
    #[must_use]
    pub fn schema(mut self, schema: &str) -> Self {
        schema.clone_into(&mut self.settings_schema);
        self
    }

    /// The version of its schema, once it is beyond 1: older settings go through
    /// [`Task::migrate`](crate::Task::migrate).
    ///
    /// ```
    /// use muster_sdk::task_type;
    ///
    /// assert_eq!(task_type("scan", "Scan", "Scans.").schema_version(2).schema_version, 2);
    /// ```
    #[must_use]
    pub fn schema_version(mut self, version: u32) -> Self {
        self.schema_version = version;
        self
    }

    /// One more example, as JSON text; there must be one at least.
    ///
    /// ```
    /// use muster_sdk::task_type;
    ///
    /// let scan = task_type("scan", "Scan", "Scans.").example("Everything", "{}");
    /// assert_eq!(scan.examples[0].settings, "{}");
    /// ```
    #[must_use]
    pub fn example(mut self, title: &str, settings: &str) -> Self {
        self.examples.push(Example {
            title: title.into(),
            settings: settings.into(),
        });
        self
    }

    /// The device facts that the translation reads.
    ///
    /// ```
    /// use muster_sdk::task_type;
    ///
    /// let install = task_type("install", "Install", "Installs it.").facts(&["os.package-manager"]);
    /// assert_eq!(install.facts, ["os.package-manager"]);
    /// ```
    #[must_use]
    pub fn facts(mut self, names: &[&str]) -> Self {
        self.facts = names.iter().map(|&name| name.into()).collect();
        self
    }

    /// What the application must be before a task starts.
    ///
    /// ```
    /// use muster_sdk::{ApplicationState, task_type};
    ///
    /// let start = task_type("start", "Start", "Starts it.").needs(ApplicationState::Installed);
    /// assert_eq!(start.needs, ApplicationState::Installed);
    /// ```
    #[must_use]
    pub fn needs(mut self, state: ApplicationState) -> Self {
        self.needs = state;
        self
    }

    /// One more mark.
    ///
    /// ```
    /// use muster_sdk::{Mark, task_type};
    ///
    /// let update = task_type("update", "Update", "Updates it.").mark(Mark::Exclusive);
    /// assert_eq!(update.marks, [Mark::Exclusive]);
    /// ```
    #[must_use]
    pub fn mark(mut self, mark: Mark) -> Self {
        self.marks.push(mark);
        self
    }

    /// Seconds after which a device stops it.
    ///
    /// ```
    /// use muster_sdk::task_type;
    ///
    /// assert_eq!(task_type("scan", "Scan", "Scans.").time_limit(60).time_limit, 60);
    /// ```
    #[must_use]
    pub fn time_limit(mut self, seconds: u32) -> Self {
        self.time_limit = seconds;
        self
    }

    /// One more event that it may raise, as the example of [`EventKind`] shows.
    #[must_use]
    pub fn raises<F: JsonSchema>(mut self, kind: &EventKind<F>) -> Self {
        self.event_types.push(kind.declared());
        self
    }

    /// One more event that it may raise, with the JSON Schema of its fields, as JSON text.
    /// [`raises`](Self::raises) makes it of a type.
    ///
    /// ```
    /// use muster_sdk::{NOTHING, Severity, task_type};
    ///
    /// let start = task_type("start", "Start", "Starts it.")
    ///     .event("started", "Started", Severity::Info, NOTHING);
    /// assert_eq!(start.event_types[0].id, "started");
    /// ```
    #[must_use]
    pub fn event(mut self, id: &str, title: &str, severity: Severity, fields: &str) -> Self {
        self.event_types.push(EventType {
            id: id.into(),
            title: title.into(),
            severity,
            fields_schema: fields.into(),
        });
        self
    }
}

/// What `describe` answers for a plug-in.
pub(crate) fn description<P: Plugin>() -> Description {
    let about = P::ABOUT;
    Description {
        application: about.application.into(),
        name: about.name.into(),
        vendor: about.vendor.into(),
        version: about.version.into(),
        manages: about.manages.into(),
        capabilities: P::CAPABILITIES
            .iter()
            .map(|(capability, reason)| CapabilityRequest {
                name: capability.name().into(),
                reason: (*reason).into(),
            })
            .collect(),
        limits: P::LIMITS
            .iter()
            .map(|&(limit, value, reason)| LimitRequest {
                limit,
                value,
                reason: reason.into(),
            })
            .collect(),
        task_types: P::TASKS.iter().map(|task| task.describe()).collect(),
        more: Vec::new(),
    }
}
