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

use muster_test_harness::Programs;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
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
    let component = "example-scanner/example_scanner.wasm";
    desk.done(&["check", component, "--cases", "40"]);
    desk.done(&["test", component, "example-scanner/cases"]);
}

#[test]
fn a_trap_is_told_with_its_way_and_what_was_logged_before() {
    let desk = Desk::new();
    desk.done(&["new", "trapping"]);
    let project = desk.path("trapping");
    lock(&project);
    let source = project.join("src/lib.rs");
    let text = std::fs::read_to_string(&source).unwrap();
    let faulty = "        muster_sdk::log::info(&settings.name);
        if settings.folder.as_bytes()[settings.name.len()] == b'x' {";
    let text = text.replacen("        if !settings.folder.starts_with('/') {", faulty, 1);
    std::fs::write(&source, text).unwrap();
    let mut sizes = Vec::new();
    for (names, told) in [(&[][..], false), (&["--names"], true)] {
        desk.done(&[&["build", "trapping"], names].concat());
        let component = project.join("trapping.wasm");
        sizes.push(std::fs::metadata(component).unwrap().len());
        let run = ["run", "trapping/trapping.wasm", "validate"];
        let fine = [&run[..], &["--set", "folder=/x", "--set", "name=y"]].concat();
        assert!(desk.done(&fine).err.contains("INFO y"));
        let trapped = desk.run(&[&run[..], &["--set", "folder=/", "--set", "name=*.log"]].concat());
        assert_eq!(trapped.status, 1, "{trapped:?}");
        assert!(
            trapped.err.contains("INFO *.log") && trapped.err.contains("unreachable"),
            "{trapped:?}"
        );
        assert_eq!(
            trapped
                .err
                .contains("in core::panicking::panic_bounds_check\n"),
            told,
            "{}",
            trapped.err
        );
    }
    assert!(sizes[0] < sizes[1], "{sizes:?}");
}

/// `muster plugin dev` at work, with what it says.
struct Dev {
    child: Child,
    said: Lines<BufReader<ChildStderr>>,
    shown: Lines<BufReader<ChildStdout>>,
}

impl Drop for Dev {
    fn drop(&mut self) {
        // One that ended already cannot be ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Dev {
    fn start(desk: &Desk, project: &str) -> Self {
        let mut child = desk
            .fake
            .stranger()
            .current_dir(desk.folder.path())
            .env("XDG_CACHE_HOME", desk.path("cache"))
            .env("CARGO_TARGET_DIR", target())
            .env("TMPDIR", desk.folder.path())
            .args(["plugin", "dev", project])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            said: BufReader::new(child.stderr.take().unwrap()).lines(),
            shown: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
        }
    }

    /// Until it waits for the next save.
    fn waits(&mut self) {
        let mut said = Vec::new();
        for line in &mut self.said {
            let line = line.unwrap();
            if line.starts_with("Waiting") {
                return;
            }
            said.push(line);
        }
        panic!("it ended: {said:#?}");
    }

    /// What stands behind a name in what it shows next.
    fn shows(&mut self, name: &str) -> String {
        let mut lines = (&mut self.shown).map(Result::unwrap);
        let found = lines.find_map(|line| line.strip_prefix(name).map(str::to_owned));
        found.unwrap().trim().to_owned()
    }
}

#[test]
fn each_save_is_built_checked_installed_and_runs_on_a_pretended_device() {
    let desk = Desk::new();
    Programs::find().unwrap();
    desk.done(&["new", "saved"]);
    lock(&desk.path("saved"));
    let mut dev = Dev::start(&desk, "saved");
    dev.waits();
    assert!(dev.shows("checked").ends_with("every rule kept"));
    let login = dev.shows("from another terminal");
    let login = login
        .strip_prefix("export MUSTER_CONFIG_DIR=")
        .unwrap()
        .to_owned();
    let create = dev.shows("create a task");
    let start = dev.shows("start it");
    for line in [create, start] {
        let arguments = line.split(' ').skip(1);
        let mut command = desk.fake.stranger();
        command.env("MUSTER_CONFIG_DIR", &login).args(arguments);
        let ran = ran(&mut command);
        assert_eq!(ran.status, 0, "{line}: {ran:?}");
        assert!(
            line.contains("create") || ran.out.contains("2 files found"),
            "{ran:?}"
        );
    }

    let source = desk.path("saved/src/lib.rs");
    let text = std::fs::read_to_string(&source).unwrap();
    std::fs::write(&source, text.replace("\"-xdev\",", "")).unwrap();
    dev.waits();
    assert!(dev.shows("checked").ends_with("every rule kept"));
    std::fs::write(&source, "no Rust").unwrap();
    dev.waits();

    let pid = dev.child.id().to_string();
    assert!(Command::new("kill").arg(pid).status().unwrap().success());
    assert!(dev.child.wait().unwrap().success());
    assert!(!Path::new(&login).exists());
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
    let component = Programs::find().unwrap().plugin("aide").unwrap();
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
