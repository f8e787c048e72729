//! The plug-in's commands, carried out by the real ClamAV, and its real answers.
//!
//! Signatures are our own, and detect a harmless text. Nothing leaves the device.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails panics"
)]

mod device;

use device::Device;
use muster_clamav::ClamAv;
use muster_sdk::{Outcome, OutcomeStatus, Plugin, Report};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const MARKER: &str = "LAB-MALWARE-MARKER-0001";
/// `Name:type:offset:hexadecimal text`, as ClamAV's extended signatures are written.
const SIGNATURE: &str = "Lab.Marker-1:0:*:4c41422d4d414c574152452d4d41524b45522d30303031\n";

struct Lab {
    device: Device,
    folder: tempfile::TempDir,
}

impl Lab {
    fn new(needed: &[&str]) -> Option<Self> {
        let connector = Path::new(env!("CARGO_MANIFEST_DIR")).join("connector.toml");
        let device = Device::with(&connector, needed)?;
        let folder = tempfile::tempdir().unwrap();
        for name in ["databases", "files"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("databases/lab.ndb"), SIGNATURE).unwrap();
        Some(Self { device, folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path("files").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn scan(&self, more: &Value) -> (Report, Outcome) {
        let mut settings = json!({
            "area": "paths",
            "paths": [self.path("files")],
            "database-folder": self.path("databases"),
        });
        let more = more.as_object().unwrap().clone();
        settings.as_object_mut().unwrap().extend(more);
        self.run("scan", &settings, &[])
    }

    fn run(&self, task_type: &str, settings: &Value, facts: &[(&str, &str)]) -> (Report, Outcome) {
        let settings = settings.to_string();
        let report = self.device.carry_out::<ClamAv>(task_type, &settings, facts);
        let outcome =
            ClamAv::interpret(task_type, &settings, std::slice::from_ref(&report)).remove(0);
        println!("  {outcome:?}");
        (report, outcome)
    }
}

fn fields(outcome: &Outcome) -> Vec<Value> {
    outcome
        .events
        .iter()
        .map(|event| serde_json::from_str(&event.fields).unwrap())
        .collect()
}

#[test]
fn a_clean_tree_is_clean() {
    let Some(lab) = Lab::new(&["clamscan", "find"]) else {
        return;
    };
    lab.write("a/b/c.txt", "nothing");
    lab.write("empty", "");
    let (report, outcome) = lab.scan(&json!({}));
    assert_eq!(outcome, Outcome::succeeded("No threats in 1 file."));
    assert_eq!(report.steps[0].lines, Vec::<String>::new());
}

#[test]
fn threats_are_told_whatever_their_files_are_named() {
    let Some(lab) = Lab::new(&["clamscan", "find"]) else {
        return;
    };
    lab.write("bad.txt", MARKER);
    lab.write("d: e/we ird: X FOUND", MARKER);
    lab.write("two\nlines: Fake.Name FOUND", "clean");
    lab.write(&format!("{}deep", "d/".repeat(20)), MARKER);
    let (_, outcome) = lab.scan(&json!({}));
    assert_eq!(outcome.status, OutcomeStatus::Warning);
    assert_eq!(outcome.summary, "3 threats in 4 files.");
    let fields = fields(&outcome);
    assert!(
        fields
            .iter()
            .any(|fields| fields["file"] == json!(lab.path("files/d: e/we ird: X FOUND")))
    );
    assert!(
        fields
            .iter()
            .all(|fields| fields["signature"] == "Lab.Marker-1.UNOFFICIAL")
    );
    assert!(fields.iter().all(|fields| fields["action"] == "reported"));
}

#[test]
fn a_name_that_imitates_a_detection_does_not_make_one() {
    let Some(lab) = Lab::new(&["clamscan", "find"]) else {
        return;
    };
    lab.write("x: Fake.Name FOUND\ny", "clean");
    let (_, outcome) = lab.scan(&json!({}));
    assert_eq!(outcome.status, OutcomeStatus::Warning);
    assert!(outcome.events.is_empty() && outcome.summary.starts_with("No threats in 1 file; "));
}

#[test]
fn quarantine_takes_detected_files_and_is_not_scanned_itself() {
    let Some(lab) = Lab::new(&["clamscan", "find", "mkdir"]) else {
        return;
    };
    lab.write("a/bad.txt", MARKER);
    lab.write("b/bad.txt", MARKER);
    let quarantine = lab.path("files/qua.rantine");
    let settings = json!({ "on-detection": "quarantine", "quarantine-folder": quarantine });
    let (_, outcome) = lab.scan(&settings);
    assert_eq!(
        outcome.summary,
        "2 threats in 2 files, 2 moved to quarantine."
    );
    assert_eq!(outcome.status, OutcomeStatus::Warning);
    for fields in fields(&outcome) {
        assert_eq!(fields["action"], "quarantined");
        let moved = fields["quarantined-as"].as_str().unwrap();
        assert_eq!(fs::read_to_string(moved).unwrap(), MARKER);
    }
    let (_, again) = lab.scan(&settings);
    assert_eq!(again, Outcome::succeeded("No threats in 0 files."));
}

#[test]
fn removal_removes() {
    let Some(lab) = Lab::new(&["clamscan", "find"]) else {
        return;
    };
    lab.write("bad.txt", MARKER);
    let (_, outcome) = lab.scan(&json!({ "on-detection": "remove" }));
    assert_eq!(outcome.summary, "1 threat in 1 file, 1 removed.");
    assert_eq!(fields(&outcome)[0]["action"], "removed");
    assert!(!lab.path("files/bad.txt").exists());
}

#[test]
fn what_is_excluded_is_neither_scanned_nor_counted() {
    let Some(lab) = Lab::new(&["clamscan", "find"]) else {
        return;
    };
    lab.write("ba.ck[u]p+/bad.txt", MARKER);
    lab.write("ba.ck[u]p+2/clean.txt", "clean");
    lab.write("image.iso", MARKER);
    lab.write("with a?b.txt", "clean");
    let exclusions = json!({
        "paths": [lab.path("files/ba.ck[u]p+")],
        "patterns": ["*.is?"],
    });
    let (report, outcome) = lab.scan(&json!({ "exclusions": exclusions }));
    assert_eq!(outcome, Outcome::succeeded("No threats in 2 files."));
    assert_eq!(report.steps[0].tail.matches('.').count(), 2);
}

#[test]
fn a_scan_without_databases_fails_and_says_why() {
    let Some(lab) = Lab::new(&["clamscan", "find"]) else {
        return;
    };
    lab.write("clean", "x");
    let (_, outcome) = lab.scan(&json!({ "database-folder": "/nonexistent" }));
    assert_eq!(outcome.status, OutcomeStatus::Failed);
    assert!(
        outcome
            .summary
            .contains("No such file or directory: /nonexistent"),
        "{}",
        outcome.summary
    );
    assert!(outcome.events.is_empty());
}

#[test]
fn a_missing_path_is_a_warning_when_the_rest_was_scanned() {
    let Some(lab) = Lab::new(&["clamscan", "find"]) else {
        return;
    };
    lab.write("clean", "x");
    let (_, outcome) = lab.scan(&json!({ "paths": ["/nonexistent", lab.path("files")] }));
    assert_eq!(outcome.status, OutcomeStatus::Warning);
    assert_eq!(
        fields(&outcome),
        [json!({ "reason": "/nonexistent: Can't access file" })]
    );
}

#[test]
fn databases_come_from_files_and_tell_their_version() {
    let Some(lab) = Lab::new(&["freshclam", "sigtool", "find"]) else {
        return;
    };
    let source = lab.path("source");
    fs::create_dir(&source).unwrap();
    build_container(&source);
    let url = |name: &str| format!("file://{}", source.join(name).display());
    let new = lab.path("with blank");
    let settings = json!({
        "source": "urls",
        "urls": [url("lab.cud"), url("lab.ndb")],
        "database-folder": new,
        "account": "root",
    });
    let (_, outcome) = lab.run("update-databases", &settings, &[]);
    assert_eq!(outcome.summary, "2 databases updated: lab 7.");
    assert_eq!(outcome.status, OutcomeStatus::Succeeded);
    assert_eq!(
        fields(&outcome),
        [
            json!({ "database": "lab.cud", "version": "7", "signatures": 1 }),
            json!({ "database": "lab.ndb", "signatures": 1 })
        ]
    );

    let info = json!({ "database-folder": new, "databases": ["lab.cud", "none.cvd"] });
    let (_, outcome) = lab.run("database-info", &info, &[]);
    assert_eq!(outcome.summary, "lab.cud 7.");
    assert_eq!(fields(&outcome)[0]["version"], "7");

    let broken = json!({
        "source": "urls",
        "urls": [url("broken.ndb")],
        "database-folder": new,
        "account": "root",
    });
    fs::write(source.join("broken.ndb"), "rubbish\n").unwrap();
    let (_, outcome) = lab.run("update-databases", &broken, &[]);
    assert_eq!(outcome.status, OutcomeStatus::Failed);
    assert_eq!(fields(&outcome)[0]["status"], 8);
    assert!(
        outcome.summary.contains("does not load"),
        "{}",
        outcome.summary
    );
}

/// `lab.cud`, version 7, beside `lab.ndb`.
fn build_container(folder: &Path) {
    fs::write(folder.join("lab.ndb"), SIGNATURE).unwrap();
    fs::write(folder.join("COPYING"), "For tests.\n").unwrap();
    let mut child = std::process::Command::new("sigtool")
        .args(["--build=lab.cud", "--unsigned", "--cvd-version=7"])
        .env("SIGNDUSER", "lab")
        .current_dir(folder)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"y\n").unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_daemon_starts_once_and_stops() {
    let Some(lab) = Lab::new(&["clamd", "clamdscan", "pkill", "pidwait"]) else {
        return;
    };
    let file = |name: &str| lab.path(name).display().to_string();
    let configuration = format!(
        "DatabaseDirectory {}\nLocalSocket {}\nPidFile {}\nUser root\n",
        file("databases"),
        file("clamd.socket"),
        file("clamd.pid")
    );
    fs::write(lab.path("clamd.conf"), configuration).unwrap();
    let start = json!({ "configuration": file("clamd.conf") });
    let stop = json!({ "pid-file": file("clamd.pid") });
    let summary = |task_type: &str, settings: &Value| lab.run(task_type, settings, &[]).1.summary;
    assert_eq!(summary("start", &start), "The daemon runs.");
    assert_eq!(summary("start", &start), "The daemon was running already.");
    assert_eq!(summary("stop", &stop), "The daemon is stopped.");
    assert_eq!(summary("stop", &stop), "The daemon was not running.");
    let (_, outcome) = lab.run("start", &json!({ "configuration": "/nonexistent" }), &[]);
    assert_eq!(outcome.status, OutcomeStatus::Failed);
    assert!(
        outcome.summary.contains("Can't open/parse the config file"),
        "{}",
        outcome.summary
    );
}

#[test]
fn what_is_installed_already_is_installed_again_without_trouble() {
    let Some(lab) = Lab::new(&["apt-get", "clamscan", "freshclam"]) else {
        return;
    };
    let settings = json!({ "refresh": false });
    let (report, outcome) = lab.run("install", &settings, &[("os.package-manager", "apt")]);
    // The lock of a package manager that is at work, or an account without the right, is no fault.
    if report.steps[0].status() == Some(0) {
        assert_eq!(outcome.summary, "ClamAV is installed.");
    } else {
        assert_eq!(outcome.status, OutcomeStatus::Failed);
    }
}
