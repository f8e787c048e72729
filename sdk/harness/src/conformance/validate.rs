//! `validate`: it answers for everything, always the same, and its findings lead somewhere.

use super::Input;
use super::rule::{
    VALIDATE_ANSWER, VALIDATE_ANYTHING, VALIDATE_POINTERS, VALIDATE_STEADY, VALIDATE_TOTAL,
};
use super::trial::{Failures, Trial, patiently, said, task_types};
use crate::draw::settings::resolve;
use crate::draw::words::Words;
use crate::draw::{settings, text};
use crate::{AskError, Finding, Plugin, TaskType};
use serde_json::{Value, json};

/// Cases between two words about progress.
const OFTEN: u32 = 16;
const FAILURES: Failures = Failures {
    total: &VALIDATE_TOTAL,
    answer: &VALIDATE_ANSWER,
    events: &VALIDATE_ANSWER,
};

pub(super) fn run(trial: &mut Trial<'_>, plugin: &Plugin, component: &[u8]) {
    for task_type in task_types(plugin) {
        let rules = [
            &VALIDATE_TOTAL,
            &VALIDATE_ANSWER,
            &VALIDATE_STEADY,
            &VALIDATE_POINTERS,
            &VALIDATE_ANYTHING,
        ];
        if trial.wants_any(&rules, task_type.id.as_str()) {
            one(trial, plugin, task_type, &Words::of(task_type, component));
        }
    }
}

fn one(trial: &mut Trial<'_>, plugin: &Plugin, task_type: &TaskType, words: &Words) {
    let id = task_type.id.as_str();
    let ask = |input: &Input| patiently(|| plugin.validate(id, &input.settings));
    for settings in inputs(trial, plugin, task_type, words) {
        let input = Input::settings(&settings);
        let answer = ask(&input);
        FAILURES.look(trial, id, &input, &answer, ask);
        let Ok(findings) = answer else { continue };
        trial.same(&VALIDATE_STEADY, id, &input, |input| {
            differs(plugin, id, &input.settings)
        });
        if trial.wants(&VALIDATE_POINTERS, Some(id)) {
            trial.tried(&VALIDATE_POINTERS);
            if astray(&findings, task_type, &settings).is_some() {
                trial.broken_by(&VALIDATE_POINTERS, id, &input, false, |input| {
                    astray(&ask(input).ok()?, task_type, &input.settings)
                });
            }
        }
    }
    anything(trial, plugin, task_type, words);
}

/// Settings to ask with: the examples, then drawn ones.
pub(super) fn inputs(
    trial: &mut Trial<'_>,
    plugin: &Plugin,
    task_type: &TaskType,
    words: &Words,
) -> Vec<Value> {
    let mut draw = trial.draw("settings", task_type);
    let mut all: Vec<Value> = task_type
        .examples
        .iter()
        .map(|example| example.settings.to_value())
        .collect();
    let half = trial.suite.cases / 2;
    let edges = settings::edges(task_type).into_iter();
    all.extend(
        edges
            .filter(|edge| plugin.fits_schema(task_type, edge))
            .take(half as usize),
    );
    for number in 0..trial.suite.cases {
        if number.is_multiple_of(OFTEN) {
            trial.tell("settings", task_type, number);
        }
        // Those that the schema refuses say little of the plug-in; one of a few is mostly let through.
        let mut drawn = settings::draw(&mut draw, task_type, words);
        for _ in 0..3 {
            if plugin.fits_schema(task_type, &drawn) {
                break;
            }
            drawn = settings::draw(&mut draw, task_type, words);
        }
        all.push(drawn);
    }
    all
}

fn differs(plugin: &Plugin, task_type: &str, settings: &Value) -> Option<String> {
    let ask = || patiently(|| plugin.validate(task_type, settings)).ok();
    let first = ask()?;
    // What depends on chance may well be the same twice.
    (0..3)
        .any(|_| ask().is_some_and(|again| again != first))
        .then(|| "it gave two verdicts on the same settings".to_owned())
}

/// A finding whose pointer leads nowhere.
fn astray(findings: &[Finding], task_type: &TaskType, settings: &Value) -> Option<String> {
    let astray = findings.iter().find(|finding| {
        // The schema's own are the host's matter.
        !finding.code.starts_with("schema-")
            && settings.pointer(&finding.pointer).is_none()
            && !has_place(&task_type.settings_schema, &finding.pointer)
    })?;
    Some(format!(
        "the finding {} points to {:?}, where there is no setting and no place for one",
        astray.code, astray.pointer
    ))
}

/// Whether a schema has a place for what a pointer leads to.
fn has_place(root: &Value, pointer: &str) -> bool {
    let mut at = root;
    for part in pointer.split('/').skip(1) {
        let name = part.replace("~1", "/").replace("~0", "~");
        at = resolve(root, at);
        let property = at.get("properties").and_then(|all| all.get(&name));
        let inner = || at.get("items").filter(|_| name.parse::<usize>().is_ok());
        let Some(found) = property.or_else(inner) else {
            return false;
        };
        at = found;
    }
    true
}

/// What no schema would let through: texts that are no JSON, values of other shapes, nests.
fn anything(trial: &mut Trial<'_>, plugin: &Plugin, task_type: &TaskType, words: &Words) {
    let id = task_type.id.as_str();
    let mut draw = trial.draw("anything", task_type);
    let fault = |input: &Input| {
        let text = match &input.settings {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let error = patiently(|| plugin.validate_text(id, &text)).err()?;
        (FAILURES.rule(&error) == Some(&VALIDATE_TOTAL) && !says_so(&error)).then(|| said(&error))
    };
    for number in 0..trial.suite.cases {
        // What traps on good settings does so on bad ones as well: that is told once.
        if !trial.wants(&VALIDATE_ANYTHING, Some(id)) || trial.is_told(&VALIDATE_TOTAL, id) {
            return;
        }
        if number.is_multiple_of(OFTEN) {
            trial.tell("validate", task_type, number);
        }
        let made = match (number, draw.below(4)) {
            (0, _) => Value::String(String::new()),
            (1, _) => Value::String("[".repeat(100_000)),
            (2, _) => Value::String("{\"a\":".repeat(50_000)),
            (3, _) => json!({}),
            (_, 0) => Value::String(text::draw(&mut draw, words, 5000)),
            (_, 1) => {
                let settings = settings::draw(&mut draw, task_type, words).to_string();
                Value::String(text::mutated(&mut draw, &settings))
            }
            _ => settings::any(&mut draw, words),
        };
        trial.tried(&VALIDATE_ANYTHING);
        let input = Input::settings(&made);
        if fault(&input).is_some() {
            trial.broken_by(&VALIDATE_ANYTHING, id, &input, false, fault);
        }
    }
}

/// A plug-in that says that it cannot read what is no settings has answered well.
fn says_so(error: &AskError) -> bool {
    matches!(error, AskError::Call(error) if matches!(error.failure, crate::CallFailure::Internal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_has_places_for_what_is_not_there() {
        let root = json!({
            "properties": {
                "a": {"$ref": "#/$defs/a"},
                "b": {"items": {"properties": {"c/d": {}}}},
            },
            "$defs": {"a": {"properties": {"x": {}}}},
        });
        for pointer in ["", "/a", "/a/x", "/b/7", "/b/0/c~1d"] {
            assert!(has_place(&root, pointer), "{pointer}");
        }
        for pointer in ["/c", "/a/y", "/b/x", "/b/0/c"] {
            assert!(!has_place(&root, pointer), "{pointer}");
        }
    }
}
