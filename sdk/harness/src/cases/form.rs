//! Answers as the files of a case have them: in the words of the contract, every member there.

use muster_domain::command::{Command, Step};
use muster_domain::finding::Finding;
use muster_domain::outcome::Outcome;
use muster_plugin_host::Refusal;
use serde_json::{Map, Value, json};

/// What stands in place of an answer if the plug-in has none.
pub fn refused(why: &Value) -> Value {
    json!({ "refused": why })
}

/// What `validate` answers.
pub fn findings(findings: &[Finding]) -> Value {
    findings.iter().map(finding).collect()
}

fn finding(finding: &Finding) -> Value {
    json!({
        "level": finding.level,
        "pointer": finding.pointer,
        "code": finding.code,
        "text": finding.text,
        "params": finding.params,
    })
}

/// What `translate` answers for a profile.
pub fn command(answer: &Result<Command, Refusal>) -> Value {
    match answer {
        Ok(command) => json!({
            "steps": command.steps.iter().map(step).collect::<Vec<_>>(),
            "more": command.more,
        }),
        Err(Refusal::Unsupported(text)) => refused(&json!({ "unsupported": text })),
        Err(Refusal::Invalid(found)) => refused(&json!({ "invalid": findings(found) })),
        Err(Refusal::Internal(text)) => refused(&json!({ "internal": text })),
    }
}

fn step(step: &Step) -> Value {
    json!({
        "program": step.program,
        "arguments": step.arguments,
        "environment": step.environment,
        "standard-input": step.standard_input,
        "time-limit": step.time_limit,
        "statuses": step.statuses,
        "progress": step.progress,
        "keep": {
            "head": step.keep.head,
            "tail": step.keep.tail,
            "lines": step.keep.lines,
            "most-lines": step.keep.most_lines,
        },
        "more": step.more,
    })
}

/// What `interpret` answers to a report.
pub fn outcome(outcome: &Outcome) -> Value {
    let events = outcome.events.iter().map(|event| {
        json!({ "event-type": event.event_type, "text": event.text, "fields": event.fields })
    });
    json!({
        "status": outcome.status,
        "needs-restart": outcome.needs_restart,
        "summary": outcome.summary,
        "events": events.collect::<Vec<_>>(),
        "more": [],
    })
}

/// Whether two answers say the same. A member that is null or an empty list says as much as one that
/// is not there, but for the fields of an event, which are the vendor's own. `more` is for later
/// versions of the contract.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    lean(one) == lean(other)
}

fn lean(value: &Value) -> Value {
    match value {
        Value::Array(entries) => entries.iter().map(lean).collect(),
        Value::Object(members) => {
            let mut kept = Map::new();
            for (name, value) in members {
                let nothing = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
                if name == "fields" {
                    kept.insert(name.clone(), value.clone());
                } else if !nothing && name != "more" {
                    kept.insert(name.clone(), lean(value));
                }
            }
            Value::Object(kept)
        }
        other => other.clone(),
    }
}

/// Where two answers differ, by JSON Pointer, with what stands there: at most so many places.
pub fn differences(kept: &Value, answer: &Value, most: usize) -> Vec<String> {
    let mut found = Vec::new();
    differ(&lean(kept), &lean(answer), "", most, &mut found);
    found
}

fn differ(kept: &Value, answer: &Value, at: &str, most: usize, found: &mut Vec<String>) {
    if kept == answer || found.len() >= most {
        return;
    }
    match (kept, answer) {
        (Value::Object(one), Value::Object(other)) => {
            let added = other.keys().filter(|name| !one.contains_key(*name));
            for name in one.keys().chain(added) {
                let step = name.replace('~', "~0").replace('/', "~1");
                let of = |members: &Map<String, Value>| members.get(name).cloned();
                below(of(one), of(other), &format!("{at}/{step}"), most, found);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            for number in 0..one.len().max(other.len()) {
                let of = |entries: &[Value]| entries.get(number).cloned();
                below(of(one), of(other), &format!("{at}/{number}"), most, found);
            }
        }
        _ => found.push(format!("{}: {kept} is now {answer}", place(at))),
    }
}

fn below(
    kept: Option<Value>,
    answer: Option<Value>,
    at: &str,
    most: usize,
    found: &mut Vec<String>,
) {
    match (kept, answer) {
        (Some(kept), Some(answer)) => differ(&kept, &answer, at, most, found),
        _ if found.len() >= most => {}
        (Some(kept), None) => found.push(format!("{}: {kept} is gone", place(at))),
        (None, Some(answer)) => found.push(format!("{}: {answer} is new", place(at))),
        (None, None) => {}
    }
}

/// A place for people: the whole has an empty pointer.
pub(super) fn place(at: &str) -> &str {
    if at.is_empty() { "(all)" } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_and_what_is_nothing_are_the_same() {
        let kept =
            json!({"steps": [{"program": "a", "time-limit": null, "arguments": []}], "more": []});
        let answer = json!({"steps": [{"program": "a"}]});
        assert!(same(&kept, &answer));
        let fields = |fields: Value| json!({"events": [{"fields": fields}]});
        assert!(!same(&fields(json!({"a": null})), &fields(json!({}))));
    }

    #[test]
    fn differences_are_told_by_their_place() {
        let kept = json!({"summary": "a", "events": [{"text": "x"}, {"text": "y"}], "old": 1});
        let answer = json!({"summary": "b", "events": [{"text": "x"}], "a/b": true});
        assert_eq!(
            differences(&kept, &answer, 10),
            [
                "/summary: \"a\" is now \"b\"",
                "/events/1: {\"text\":\"y\"} is gone",
                "/old: 1 is gone",
                "/a~1b: true is new",
            ]
        );
        assert_eq!(differences(&kept, &answer, 1).len(), 1);
        assert_eq!(
            differences(&json!([]), &json!({}), 9),
            ["(all): [] is now {}"]
        );
    }
}
