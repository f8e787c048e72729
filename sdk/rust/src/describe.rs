//! Describing a task type, piece by piece.

use crate::{
    ApplicationState, CapabilityRequest, Description, EventType, Example, LimitRequest, Mark,
    Plugin, Severity, TaskKind, TaskType,
};

const HOUR: u32 = 3600;

/// The JSON Schema of an object without anything in it: no settings, or no fields.
pub const NOTHING: &str = r#"{"type":"object","additionalProperties":false}"#;

/// A task type for devices, groups and lists of devices, which needs the running application, has
/// an hour, and takes no settings until [`TaskType::schema`] says otherwise.
pub fn task_type(id: &str, title: &str, summary: &str) -> TaskType {
    TaskType {
        id: id.into(),
        title: title.into(),
        summary: summary.into(),
        kinds: vec![TaskKind::Local, TaskKind::Group, TaskKind::Global],
        settings_schema: NOTHING.into(),
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
    /// The JSON Schema of its settings, as JSON text.
    #[must_use]
    pub fn schema(mut self, schema: &str) -> Self {
        schema.clone_into(&mut self.settings_schema);
        self
    }

    /// One more example, as JSON text; there must be one at least.
    #[must_use]
    pub fn example(mut self, title: &str, settings: &str) -> Self {
        self.examples.push(Example {
            title: title.into(),
            settings: settings.into(),
        });
        self
    }

    /// The device facts that the translation reads.
    #[must_use]
    pub fn facts(mut self, names: &[&str]) -> Self {
        self.facts = names.iter().map(|&name| name.into()).collect();
        self
    }

    /// What the application must be before a task starts.
    #[must_use]
    pub fn needs(mut self, state: ApplicationState) -> Self {
        self.needs = state;
        self
    }

    /// One more mark.
    #[must_use]
    pub fn mark(mut self, mark: Mark) -> Self {
        self.marks.push(mark);
        self
    }

    /// Seconds after which a device stops it.
    #[must_use]
    pub fn time_limit(mut self, seconds: u32) -> Self {
        self.time_limit = seconds;
        self
    }

    /// One more event that it may raise, with the JSON Schema of its fields, as JSON text.
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
