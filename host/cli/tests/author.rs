//! What an author does from the first file on, in a folder outside of the checkout.

#![cfg(feature = "author")]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of it is a test"
)]

#[allow(dead_code, reason = "shared with the other tests of the program")]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Fake, Ran, ran};
use tempfile::TempDir;

const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// An author's desk: an empty folder.
struct Desk {
    fake: Fake,
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self {
            fake: Fake::start(vec![]),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `muster plugin …`, in the folder.
    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.fake.stranger();
        command
            .current_dir(self.folder.path())
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("CARGO_TARGET_DIR", target())
            .arg("plugin")
            .args(arguments);
        ran(&mut command)
    }

    fn done(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.status, 0, "{arguments:?}: {}\n{}", ran.out, ran.err);
        ran
    }
}

/// Projects of tests are built into one folder, which stays for the next time.
fn target() -> PathBuf {
    let mut program = PathBuf::from(env!("CARGO_BIN_EXE_muster"));
    program.pop();
    program.join("author")
}

/// The versions that the checkout uses: they are there without a network.
fn lock(project: &Path) {
    std::fs::copy(
        Path::new(CHECKOUT).join("Cargo.lock"),
        project.join("Cargo.lock"),
    )
    .unwrap();
}

#[test]
fn a_new_plug_in_in_rust_passes_its_tests_and_becomes_a_component() {
    let desk = Desk::new();
    let made = desk.done(&["new", "example-scanner", "-o", "json"]).json();
    assert_eq!(made["application"], "org.example.example-scanner");
    let project = desk.path("example-scanner");
    lock(&project);
    let tested = Command::new(env!("CARGO"))
        .args(["test", "--quiet"])
        .current_dir(&project)
        .env("CARGO_TARGET_DIR", target())
        .output()
        .unwrap();
    assert!(
        tested.status.success(),
        "{}{}",
        String::from_utf8_lossy(&tested.stdout),
        String::from_utf8_lossy(&tested.stderr)
    );
    let built = desk
        .done(&["build", "example-scanner", "-o", "json"])
        .json();
    let component = std::fs::read(project.join("example_scanner.wasm")).unwrap();
    assert_eq!(built["size"], component.len());
    assert!(component.len() < 200 * 1024, "{}", component.len());
    let has = |text: &str| {
        component
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(has("muster:plugin/interpret@1.0.0") && has("wit-component"));
    let named = desk.path("named.wasm");
    let named = named.to_str().unwrap();
    desk.done(&["build", "example-scanner", "--names", "--out", named]);
    assert!(std::fs::metadata(named).unwrap().len() > component.len() as u64);
}

#[test]
fn what_is_there_stays_and_what_is_wrong_is_told() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("taken")).unwrap();
    for (arguments, reason) in [
        (&["new", "taken"][..], "is there already"),
        (&["new", "Example"], "lower-case letters"),
        (&["new", "a/b"], "lower-case letters"),
        (&["new", "fine", "--application", "no id"], "application"),
        (&["new", "fine", "--sdk", "taken"], "is not the SDK"),
        (&["build", "taken"], "no Cargo.toml"),
    ] {
        let refused = desk.run(arguments);
        assert_eq!(refused.status, 2, "{arguments:?}: {refused:?}");
        assert!(
            refused.err.contains(reason),
            "{arguments:?}: {}",
            refused.err
        );
    }
    assert!(!desk.path("fine").exists());
    assert_eq!(std::fs::read_dir(desk.path("taken")).unwrap().count(), 0);
}

#[test]
fn a_toolchain_without_the_target_is_told_with_the_remedy() {
    let desk = Desk::new();
    desk.done(&["new", "example"]);
    let mut command = desk.fake.stranger();
    // A compiler that knows no target at all.
    let rustc = desk.path("rustc");
    std::fs::write(&rustc, "#!/bin/sh\necho /nowhere/lib\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&rustc, mode).unwrap();
    command
        .current_dir(desk.folder.path())
        .env("RUSTC", &rustc)
        .args(["plugin", "build", "example"]);
    let refused = ran(&mut command);
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(
        refused
            .err
            .contains("rustup target add wasm32-unknown-unknown"),
        "{}",
        refused.err
    );
    let mut command = desk.fake.stranger();
    command
        .current_dir(desk.folder.path())
        .env("CARGO", desk.path("no-cargo"))
        .args(["plugin", "build", "example"]);
    let refused = ran(&mut command);
    assert!(
        refused.status == 1 && refused.err.contains("rustup"),
        "{refused:?}"
    );
}

#[test]
fn a_component_is_checked_by_every_rule_and_told_in_every_format() {
    let desk = Desk::new();
    let component = muster_test_harness::Programs::find()
        .unwrap()
        .plugin("aide")
        .unwrap();
    let component = component.to_str().unwrap();
    let check = |more: &[&str]| desk.run(&[&["check", component, "--cases", "20"], more].concat());

    let text = check(&[]);
    assert_eq!(text.status, 0, "{}{}", text.out, text.err);
    let json = check(&["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert!(json.to_string().contains("validate-total"), "{json}");
    let sarif = check(&["--format", "sarif"]);
    let sarif: serde_json::Value = serde_json::from_str(&sarif.out).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(results.iter().all(|result| result["level"] != "error"));
    let junit = check(&["--format", "junit", "--rule", "validate-total"]);
    assert!(junit.out.starts_with("<?xml"), "{}", junit.out);

    let unknown = check(&["--rule", "validate-totl"]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.err.contains("validate-total"), "{}", unknown.err);
    let nothing = desk.path("nothing.wasm");
    std::fs::write(&nothing, b"no component").unwrap();
    let refused = desk.run(&["check", nothing.to_str().unwrap()]);
    assert_eq!(refused.status, 1);
    assert!(refused.out.contains("component-loads"), "{}", refused.out);
}
