//! Outcomes that a plug-in returns: their events are of a known type and follow its schema.

use super::Faults;
use super::schema::Schema;
use crate::v1::RawOutcome;
use muster_domain::TaskTypeId;
use muster_domain::outcome::{Outcome, OutcomeEvent};
use muster_domain::text::plain;

/// Events of one outcome.
const MOST_EVENTS: usize = 10_000;
/// Bytes of a sentence.
const MOST_TEXT: usize = 1000;

/// Takes an outcome, with sentences that may be shown, or says all that is wrong with it. `schema_of` knows the task type's events.
pub(crate) fn take<'s>(
    faults: &mut Faults,
    place: &str,
    outcome: RawOutcome,
    schema_of: impl Fn(&str) -> Option<&'s (TaskTypeId, Schema)>,
) -> Outcome {
    faults.text(&format!("{place}/summary"), &outcome.summary, MOST_TEXT);
    faults.count(&format!("{place}/events"), &outcome.events, MOST_EVENTS);
    let mut events = Vec::with_capacity(outcome.events.len().min(MOST_EVENTS));
    for (number, event) in outcome.events.into_iter().enumerate().take(MOST_EVENTS) {
        let place = || format!("{place}/events/{number}");
        if event.text.trim().is_empty() || event.text.len() > MOST_TEXT {
            faults.text(&format!("{}/text", place()), &event.text, MOST_TEXT);
        }
        let Some((event_type, schema)) = schema_of(&event.event_type) else {
            faults.add(
                &place(),
                format_args!("the task type has no event type {:?}", event.event_type),
            );
            continue;
        };
        match fields(&event.fields, schema) {
            Ok(fields) => {
                events.push(OutcomeEvent {
                    event_type: event_type.clone(),
                    text: plain(&event.text).into_owned(),
                    fields,
                });
            }
            Err(fault) => faults.add(&format!("{}/fields", place()), fault),
        }
    }
    Outcome {
        status: outcome.status,
        needs_restart: outcome.needs_restart,
        summary: plain(&outcome.summary).into_owned(),
        events,
    }
}

fn fields(text: &str, schema: &Schema) -> Result<serde_json::Value, String> {
    let fields: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("they are no JSON: {error}"))?;
    if !fields.is_object() {
        return Err("they are no JSON object".to_owned());
    }
    let findings = schema.findings(&fields)?;
    match findings.first() {
        None => Ok(fields),
        Some(finding) => Err(format!("at {:?}: {}", finding.pointer, finding.text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::RawEvent;
    use muster_domain::outcome::OutcomeStatus;

    fn faults(event_type: &str, fields: &str) -> Vec<String> {
        taken(event_type, fields, "x").0
    }

    fn taken(event_type: &str, fields: &str, text: &str) -> (Vec<String>, Outcome) {
        let schema = Schema::compile(&serde_json::json!({
            "type": "object", "required": ["file"], "properties": {"file": {"type": "string"}}
        }))
        .unwrap();
        let known = ("found".parse().unwrap(), schema);
        let outcome = RawOutcome {
            status: OutcomeStatus::Warning,
            needs_restart: false,
            summary: text.into(),
            events: vec![RawEvent {
                event_type: event_type.into(),
                text: text.into(),
                fields: fields.into(),
            }],
        };
        let mut faults = Faults::default();
        let outcome = take(&mut faults, "o", outcome, |id| {
            (id == "found").then_some(&known)
        });
        (faults.into_lines(), outcome)
    }

    #[test]
    fn sentences_may_be_shown_and_fields_are_what_they_are() {
        let file = r#"{"file": "/a\u001b[2J\u202eb"}"#;
        let (faults, outcome) = taken("found", file, "In /a\u{1b}[2J\u{202e}b\n.");
        assert!(faults.is_empty(), "{faults:?}");
        let shown = "In /a\u{fffd}[2J\u{fffd}b .";
        assert_eq!(
            (outcome.summary.as_str(), outcome.events[0].text.as_str()),
            (shown, shown)
        );
        assert_eq!(outcome.events[0].fields["file"], "/a\u{1b}[2J\u{202e}b");
    }

    #[test]
    fn events_are_known_and_follow_their_schema() {
        assert!(faults("found", r#"{"file": "/x"}"#).is_empty());
        assert_eq!(
            faults("lost", "{}"),
            [r#"o/events/0: the task type has no event type "lost""#]
        );
        assert!(
            faults("found", r#"{"file": 1}"#)[0].starts_with(r#"o/events/0/fields: at "/file""#)
        );
        assert_eq!(
            faults("found", "[]"),
            ["o/events/0/fields: they are no JSON object"]
        );
        assert!(faults("found", &"[".repeat(1000))[0].contains("no JSON"));
    }
}
