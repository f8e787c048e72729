//! The cases in `cases/`, and what `describe` promises of schemas, examples and events.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails panics"
)]

use muster_aide::Aide;
use muster_sdk::{Plugin, cases};
use std::path::Path;

fn schema(text: &str) -> jsonschema::Validator {
    let schema = serde_json::from_str(text).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

#[test]
fn every_example_is_valid_and_without_errors() {
    for task_type in Aide::describe().task_types {
        let schema = schema(&task_type.settings_schema);
        assert!(!task_type.examples.is_empty());
        for example in task_type.examples {
            let settings = serde_json::from_str(&example.settings).unwrap();
            if let Err(error) = schema.validate(&settings) {
                panic!("{} {}: {error}", task_type.id, example.title);
            }
            let verdict = Aide::validate(&task_type.id, &example.settings).unwrap();
            assert_eq!(verdict.findings, [], "{} {}", task_type.id, example.title);
        }
    }
}

#[test]
fn every_case_is_answered_as_its_files_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let cases = cases::check::<Aide>(&folder).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(cases.len() > 10, "only {} cases were found", cases.len());
    let description = Aide::describe();
    for case in cases {
        let Some(task_type) = description
            .task_types
            .iter()
            .find(|task| task.id == case.task.task_type)
        else {
            continue;
        };
        for event in case.outcome.iter().flat_map(|outcome| &outcome.events) {
            let declared = task_type
                .event_types
                .iter()
                .find(|known| known.id == event.event_type);
            let schema = schema(&declared.expect("the event is declared").fields_schema);
            let fields = serde_json::from_str(&event.fields).unwrap();
            if let Err(error) = schema.validate(&fields) {
                panic!("{}: {error}", case.name);
            }
        }
    }
}
