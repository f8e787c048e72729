//! Describing a task type, piece by piece.

use crate::{
    ApplicationState, Description, EventType, Example, Mark, Plugin, Severity, TaskKind, TaskType,
};
use serde_json::Value;

const HOUR: u32 = 3600;

/// A task type for devices, groups and lists of devices, which needs the running application, has
/// an hour, and takes no settings until [`TaskType::schema`] says otherwise.
pub fn task_type(id: &str, title: &str, summary: &str) -> TaskType {
    TaskType {
        id: id.into(),
        title: title.into(),
        summary: summary.into(),
        kinds: vec![TaskKind::Local, TaskKind::Group, TaskKind::Global],
        settings_schema: r#"{"type":"object","additionalProperties":false}"#.into(),
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
    /// The JSON Schema of its settings.
    #[must_use]
    pub fn schema(self, schema: Value) -> Self {
        self.schema_text(&schema.to_string())
    }

    /// The JSON Schema of its settings, as text.
    #[must_use]
    pub fn schema_text(mut self, schema: &str) -> Self {
        schema.clone_into(&mut self.settings_schema);
        self
    }

    /// One more example; there must be one at least.
    #[must_use]
    pub fn example(mut self, title: &str, settings: Value) -> Self {
        self.examples.push(Example {
            title: title.into(),
            settings: settings.to_string(),
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

    /// One more event that it may raise. `properties` are the properties of its fields' schema;
    /// each is required, but for those whose name stands in `optional`.
    #[must_use]
    pub fn event(
        mut self,
        id: &str,
        title: &str,
        severity: Severity,
        properties: &Value,
        optional: &[&str],
    ) -> Self {
        let required: Vec<&String> = properties
            .as_object()
            .into_iter()
            .flat_map(|properties| properties.keys())
            .filter(|name| !optional.contains(&name.as_str()))
            .collect();
        let schema = serde_json::json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        self.event_types.push(EventType {
            id: id.into(),
            title: title.into(),
            severity,
            fields_schema: schema.to_string(),
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
        capabilities: Vec::new(),
        limits: Vec::new(),
        task_types: P::TASKS.iter().map(|task| task.describe()).collect(),
        more: Vec::new(),
    }
}
