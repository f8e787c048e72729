//! The plug-in's commands, carried out by the real AIDE, and its real answers.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails panics"
)]

#[path = "../../clamav/tests/device/mod.rs"]
mod device;

use device::Device;
use muster_aide::Aide;
use muster_sdk::{Outcome, OutcomeStatus, Plugin};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

struct Lab {
    device: Device,
    folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Option<Self> {
        let connector = Path::new(env!("CARGO_MANIFEST_DIR")).join("connector.toml");
        let device = Device::with(&connector, &["aide", "mkdir", "mv", "test"])?;
        // The name must be plain for AIDE, and temporary folders begin with a dot.
        let folder = tempfile::Builder::new().prefix("aide").tempdir().unwrap();
        Some(Self { device, folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn settings(&self) -> Value {
        json!({
            "paths": [self.path("watched files@@{x}#")],
            "exclusions": [self.path("watched files@@{x}#/not é.this")],
            "database-folder": self.path("database"),
        })
    }

    fn run(&self, task_type: &str, settings: &Value) -> Outcome {
        let settings = settings.to_string();
        let report = self.device.carry_out::<Aide>(task_type, &settings, &[]);
        let outcome = Aide::interpret(task_type, &settings, &[report]).remove(0);
        println!("  {outcome:?}");
        outcome
    }
}

fn told(outcome: &Outcome) -> Vec<(String, Value)> {
    let read = |text: &str| serde_json::from_str(text).unwrap();
    outcome
        .events
        .iter()
        .map(|event| (event.event_type.clone(), read(&event.fields)))
        .collect()
}

#[test]
fn changes_are_told_by_kind_and_accepted() {
    let Some(lab) = Lab::new() else { return };
    let watched = |name: &str| format!("watched files@@{{x}}#/{name}");
    lab.write(&watched("a"), "one");
    lab.write(&watched("b\n\": \"f"), "two");
    lab.write(&watched("not é.this/c"), "three");
    lab.write(&watched("not éxthis"), "watched");
    lab.write("watched files@@{x}#2/namesake", "not watched");
    let settings = lab.settings();

    let outcome = lab.run("initialise", &settings);
    assert_eq!(outcome.summary, "4 entries taken down.");
    assert_eq!(
        lab.run("check", &settings),
        Outcome::succeeded("No differences in 4 entries.")
    );

    lab.write(&watched("a"), "one more");
    fs::remove_file(lab.path(&watched("b\n\": \"f"))).unwrap();
    lab.write(&watched("new"), "new");
    lab.write(&watched("not é.this/c"), "other");
    lab.write("watched files@@{x}#2/namesake", "other");
    let file = |name: &str| json!(lab.path(&watched(name)));
    let changes = [
        (
            "file-added".into(),
            json!({ "file": file("new"), "kind": "file" }),
        ),
        (
            "file-removed".into(),
            json!({ "file": file("b\n\": \"f"), "kind": "file" }),
        ),
        (
            "file-changed".into(),
            json!({ "file": file("a"), "kind": "file", "what": ["size", "contents"] }),
        ),
    ];
    let outcome = lab.run("check", &settings);
    assert_eq!(outcome.status, OutcomeStatus::Warning);
    assert_eq!(outcome.summary, "1 added, 1 removed, 1 changed.");
    assert_eq!(told(&outcome), changes);

    let outcome = lab.run("accept-changes", &settings);
    assert_eq!(outcome.status, OutcomeStatus::Succeeded);
    assert_eq!(outcome.summary, "Accepted: 1 added, 1 removed, 1 changed.");
    assert_eq!(told(&outcome), changes);
    assert_eq!(
        lab.run("check", &settings),
        Outcome::succeeded("No differences in 4 entries.")
    );
    assert_eq!(
        lab.run("accept-changes", &settings).summary,
        "There was nothing to accept."
    );
}

#[test]
fn a_database_is_replaced_only_when_that_is_asked_for() {
    let Some(lab) = Lab::new() else { return };
    lab.write("watched files@@{x}#/a", "one");
    let mut settings = lab.settings();
    assert_eq!(
        lab.run("initialise", &settings).status,
        OutcomeStatus::Succeeded
    );
    let outcome = lab.run("initialise", &settings);
    assert_eq!(outcome.status, OutcomeStatus::Failed);
    assert!(
        outcome.summary.starts_with("There is a database already"),
        "{}",
        outcome.summary
    );
    settings["replace"] = json!(true);
    assert_eq!(
        lab.run("initialise", &settings).status,
        OutcomeStatus::Succeeded
    );
}

#[test]
fn a_check_without_a_database_fails_and_says_why() {
    let Some(lab) = Lab::new() else { return };
    lab.write("watched files@@{x}#/a", "one");
    let outcome = lab.run("check", &lab.settings());
    assert_eq!(outcome.status, OutcomeStatus::Failed);
    assert!(outcome.summary.contains("status 18"), "{}", outcome.summary);
    assert!(
        outcome.summary.contains("No such file or directory"),
        "{}",
        outcome.summary
    );
}

#[test]
fn every_level_is_a_configuration_that_aide_takes() {
    let Some(lab) = Lab::new() else { return };
    lab.write("watched files@@{x}#/a", "one");
    for level in ["contents", "permissions", "everything", "growing"] {
        let mut settings = lab.settings();
        settings["level"] = json!(level);
        settings["replace"] = json!(true);
        assert_eq!(
            lab.run("initialise", &settings).summary,
            "2 entries taken down.",
            "{level}"
        );
    }
}
