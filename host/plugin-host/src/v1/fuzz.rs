//! A description of major version 1 out of JSON, for fuzzing.

use super::bindings::exports::muster::plugin::describe as wit;
use crate::check::Faults;
use muster_domain::application::Description;
use serde_json::Value;

/// Reads a description as if a guest had given it. What is missing is empty, what is of another type
/// is its text.
pub(crate) fn description(json: &Value) -> Result<Description, Faults> {
    super::describe::read(wit::Description {
        application: text(json, "application"),
        name: text(json, "name"),
        vendor: text(json, "vendor"),
        version: text(json, "version"),
        manages: text(json, "manages"),
        capabilities: list(json, "capabilities", |request| wit::CapabilityRequest {
            name: text(request, "name"),
            reason: text(request, "reason"),
        }),
        limits: list(json, "limits", |request| wit::LimitRequest {
            limit: match text(request, "limit").as_str() {
                "memory" => wit::Limit::Memory,
                "validate-time" => wit::Limit::ValidateTime,
                _ => wit::Limit::BatchTime,
            },
            value: number(request, "value"),
            reason: text(request, "reason"),
        }),
        task_types: list(json, "task-types", task_type),
        more: pairs(json, "more"),
    })
}

fn task_type(json: &Value) -> wit::TaskType {
    wit::TaskType {
        id: text(json, "id"),
        title: text(json, "title"),
        summary: text(json, "summary"),
        kinds: list(json, "kinds", |kind| match kind.as_str() {
            Some("server") => wit::TaskKind::Server,
            Some("local") => wit::TaskKind::Local,
            Some("group") => wit::TaskKind::Group,
            _ => wit::TaskKind::Global,
        }),
        settings_schema: text(json, "settings-schema"),
        schema_version: number(json, "schema-version"),
        examples: list(json, "examples", |example| wit::Example {
            title: text(example, "title"),
            settings: text(example, "settings"),
        }),
        facts: list(json, "facts", whole_text),
        needs: match text(json, "needs").as_str() {
            "running" => wit::ApplicationState::Running,
            "installed" => wit::ApplicationState::Installed,
            _ => wit::ApplicationState::Nothing,
        },
        marks: list(json, "marks", |mark| match mark.as_str() {
            Some("exclusive") => wit::Mark::Exclusive,
            Some("destructive") => wit::Mark::Destructive,
            _ => wit::Mark::OneOfAKind,
        }),
        time_limit: number(json, "time-limit"),
        event_types: list(json, "event-types", |event| wit::EventType {
            id: text(event, "id"),
            title: text(event, "title"),
            severity: match text(event, "severity").as_str() {
                "info" => wit::Severity::Info,
                "warning" => wit::Severity::Warning,
                _ => wit::Severity::Critical,
            },
            fields_schema: text(event, "fields-schema"),
        }),
        more: pairs(json, "more"),
    }
}

fn whole_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn text(json: &Value, key: &str) -> String {
    json.get(key).map(whole_text).unwrap_or_default()
}

fn number(json: &Value, key: &str) -> u32 {
    let number = json.get(key).and_then(Value::as_u64).unwrap_or_default();
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn list<T>(json: &Value, key: &str, item: impl Fn(&Value) -> T) -> Vec<T> {
    let items = json.get(key).and_then(Value::as_array);
    items.into_iter().flatten().map(item).collect()
}

fn pairs(json: &Value, key: &str) -> Vec<(String, String)> {
    let pairs = json.get(key).and_then(Value::as_object);
    let pairs = pairs.into_iter().flatten();
    pairs
        .map(|(key, value)| (key.clone(), whole_text(value)))
        .collect()
}
