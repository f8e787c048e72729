//! Doors for fuzzing: what a component and a plug-in's answers go through, called with anything.
//!
//! Each door gives back what it lets through, so that a target can look at it again.

use crate::check::pattern::Patterns;
use crate::check::{self, Faults};
use crate::inspect;
use crate::v1::{self, RawEvent, RawOutcome};
use muster_domain::TaskTypeId;
use muster_domain::application::Description;
use muster_domain::command::Command;
use muster_domain::finding::Finding;
use muster_domain::outcome::{Outcome, OutcomeStatus};
use serde_json::Value;

/// Whether a component would be compiled.
pub fn component(bytes: &[u8]) -> bool {
    inspect::inspect(bytes, 64 << 20).is_ok()
}

/// A description as a guest might give it, in JSON. What is missing is empty.
pub fn description(json: &Value) -> Option<Description> {
    let description = v1::fuzz::description(json).ok()?;
    check::description::check(&description).ok()?;
    Some(description)
}

/// A command as a guest might give it.
pub fn command(json: &Value) -> Option<Command> {
    let command: Command = serde_json::from_value(json.clone()).ok()?;
    let mut faults = Faults::default();
    check::command::check(&mut faults, "command", &command, &Patterns::default());
    faults.is_empty().then_some(command)
}

/// Findings as a guest might give them.
pub fn findings(json: &Value) -> Option<Vec<Finding>> {
    let findings: Vec<Finding> = serde_json::from_value(json.clone()).ok()?;
    let mut faults = Faults::default();
    check::finding::check(&mut faults, "findings", &findings);
    faults.is_empty().then_some(findings)
}

/// An outcome as a guest might give it, of a task type with one event type, `found`.
pub fn outcome(json: &Value) -> Option<Outcome> {
    let schema = serde_json::json!({
        "type": "object",
        "required": ["file"],
        "properties": { "file": { "type": "string", "pattern": "^/" } },
    });
    let schema = check::schema::Schema::compile(&schema).ok()?;
    let known = ("found".parse::<TaskTypeId>().ok()?, schema);
    let text = |value: &Value, key: &str| {
        let text = value.get(key).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let events = json.get("events").and_then(Value::as_array);
    let raw = RawOutcome {
        status: match text(json, "status").as_str() {
            "succeeded" => OutcomeStatus::Succeeded,
            "warning" => OutcomeStatus::Warning,
            _ => OutcomeStatus::Failed,
        },
        needs_restart: json.get("needs-restart") == Some(&Value::Bool(true)),
        summary: text(json, "summary"),
        events: events
            .into_iter()
            .flatten()
            .map(|event| RawEvent {
                event_type: text(event, "type"),
                text: text(event, "text"),
                fields: text(event, "fields"),
            })
            .collect(),
    };
    let mut faults = Faults::default();
    let outcome = check::outcome::take(&mut faults, "outcome", raw, |event_type| {
        (event_type == known.0.as_str()).then_some(&known)
    });
    faults.is_empty().then_some(outcome)
}
