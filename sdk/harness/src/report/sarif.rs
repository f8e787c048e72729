//! SARIF 2.1.0: rules with their help, and one result for each way in which one is broken.

use crate::conformance::{Broken, Rule, Verdict, Weight};
use serde_json::{Value, json};
use std::fmt::Write as _;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn write(verdict: &Verdict, file: &str) -> String {
    let rules = verdict.rules.iter().map(|result| rule(result.rule));
    let results = verdict
        .broken()
        .map(|(of, broken)| result(verdict, of, broken, file));
    let run = json!({
        "tool": {
            "driver": {
                "name": "muster plugin check",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.collect::<Vec<Value>>(),
            },
        },
        "artifacts": [{
            "location": { "uri": uri(file) },
            "hashes": { "sha-256": verdict.component.digest.to_string().trim_start_matches("sha256:") },
        }],
        "results": results.collect::<Vec<Value>>(),
        "columnKind": "unicodeCodePoints",
        "properties": { "seed": verdict.seed, "cases": verdict.cases, "plug-in": verdict.component.label },
    });
    let whole = json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] });
    format!("{whole:#}\n")
}

fn level(rule: &Rule) -> &'static str {
    match rule.weight {
        Weight::Required => "error",
        Weight::Advice => "note",
    }
}

fn rule(rule: &Rule) -> Value {
    let sentence = format!("{}.", rule.title);
    json!({
        "id": rule.id,
        "shortDescription": { "text": sentence },
        "fullDescription": { "text": format!("{sentence} {}", rule.reason) },
        "help": { "text": format!("{} See {}.", rule.reason, rule.documentation()) },
        "defaultConfiguration": { "level": level(rule) },
        "properties": { "tags": [rule.group.name()] },
    })
}

fn result(verdict: &Verdict, of: &Rule, broken: &Broken, file: &str) -> Value {
    let index = verdict
        .rules
        .iter()
        .position(|result| result.rule.id == of.id);
    let named = broken.task_type.as_deref();
    let text = match named {
        Some(task_type) => format!("Task type {task_type}: {}", broken.text),
        None => broken.text.clone(),
    };
    let mut location = json!({
        "physicalLocation": { "artifactLocation": { "uri": uri(file), "index": 0 } },
    });
    if let (Some(task_type), Some(location)) = (named, location.as_object_mut()) {
        let place = json!([{ "name": task_type, "kind": "module" }]);
        location.insert("logicalLocations".to_owned(), place);
    }
    json!({
        "ruleId": of.id,
        "ruleIndex": index,
        "level": level(of),
        "message": { "text": text },
        "locations": [location],
        // What is the same fault the next time: its rule and its task type.
        "partialFingerprints": { "rule/v1": format!("{}/{}", of.id, named.unwrap_or_default()) },
        "properties": { "input": broken.input.as_ref().map(crate::Input::to_json) },
    })
}

/// A path as a reference that may be relative, as SARIF wants it.
fn uri(file: &str) -> String {
    let mut uri = String::with_capacity(file.len());
    for byte in file.bytes() {
        if byte.is_ascii_alphanumeric() || b"/.-_~".contains(&byte) {
            uri.push(byte.into());
        } else {
            // Writing to a text cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
