//! What an author looks at, tries and measures, with the plug-ins that we ship.

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
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use support::{Fake, Ran, ran};
use tempfile::TempDir;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/clamav/cases");

/// A desk with the component of our plug-in for ClamAV.
struct Desk {
    fake: Fake,
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self {
            fake: Fake::start(vec![]),
            folder: tempfile::tempdir().unwrap(),
        };
        for name in ["clamav", "aide"] {
            let built = Programs::find().unwrap().plugin(name).unwrap();
            std::fs::copy(built, desk.path(name).with_extension("wasm")).unwrap();
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, value: &Value) {
        std::fs::write(self.path(name), value.to_string()).unwrap();
    }

    /// `muster plugin …`, in the folder.
    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.fake.stranger();
        command
            .current_dir(self.folder.path())
            .env("XDG_CACHE_HOME", self.path("cache"))
            .arg("plugin")
            .args(arguments);
        ran(&mut command)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["-o", "json"]].concat());
        assert_eq!(ran.status, 0, "{arguments:?}: {ran:?}");
        ran.json()
    }
}

#[test]
fn a_component_is_looked_into() {
    let desk = Desk::new();
    let found = desk.json(&["inspect", "clamav.wasm"]);
    assert_eq!(found["description"]["application"], "net.clamav.clamav");
    assert_eq!(found["component"]["contract"], "1.0.0");
    assert_eq!(
        (&found["statement"], &found["refused"]),
        (&Value::Null, &Value::Null)
    );
    let sections = found["component"]["sections"].as_array().unwrap();
    let all: u64 = sections
        .iter()
        .map(|section| section["bytes"].as_u64().unwrap())
        .sum();
    assert_eq!(found["size"], all);
    let shown = desk.run(&["inspect", "clamav.wasm"]);
    for text in [
        "muster:plugin@1.0.0",
        "none beside it",
        "EXPORTS",
        "TASK TYPE",
        "update-databases",
    ] {
        assert!(shown.out.contains(text), "{text}: {}", shown.out);
    }
    std::fs::write(
        desk.path("other.wasm"),
        wat::parse_str("(component)").unwrap(),
    )
    .unwrap();
    let refused = desk.run(&["inspect", "other.wasm", "-o", "json"]);
    assert_eq!(refused.status, 1, "{refused:?}");
    let why = refused.json()["refused"].as_str().unwrap().to_owned();
    assert!(why.contains("muster:plugin/describe"), "{why}");
}

#[test]
fn a_call_is_made_and_its_answer_shown() {
    let desk = Desk::new();
    let validate = ["run", "clamav.wasm", "validate", "--task-type", "scan"];
    let found = desk.json(&[&validate[..], &["--set", "area=everywhere"]].concat());
    assert_eq!(found["answer"][0]["code"], "schema-enum");
    assert!(found["memory"].as_u64().unwrap() > 0 || found["answer"][0]["pointer"] == "/area");
    let shown = desk.run(&validate);
    assert!(shown.status == 0 && shown.out == "[]\n", "{shown:?}");
    assert!(
        shown.err.contains("validate: ") && shown.err.contains("64 MiB"),
        "{shown:?}"
    );

    let translate = [
        "run",
        "clamav.wasm",
        "translate",
        "-t",
        "install",
        "--fact",
        "os.package-manager=apt",
    ];
    let command = desk.json(&translate);
    assert!(
        command["answer"]["steps"].to_string().contains("apt-get"),
        "{command}"
    );
    let windows = desk.json(&[&translate[..], &["--platform", "windows"]].concat());
    assert!(
        windows["answer"]["refused"]["unsupported"].is_string(),
        "{windows}"
    );

    let case = Path::new(CASES).join("scan-full-quarantine");
    let task: Value =
        serde_json::from_str(&std::fs::read_to_string(case.join("task.json")).unwrap()).unwrap();
    desk.write("settings.json", &task["settings"]);
    let report = case.join("report.json");
    let outcome = desk.json(&[
        "run",
        "clamav.wasm",
        "interpret",
        "-t",
        "scan",
        "--settings",
        "settings.json",
        "--report",
        report.to_str().unwrap(),
    ]);
    assert_eq!(outcome["answer"]["status"], "warning");
    for (arguments, status, reason) in [
        (&["run", "clamav.wasm"][..], 2, "required"),
        (&["run", "clamav.wasm", "validate"], 2, "--task-type: scan"),
        (
            &["run", "clamav.wasm", "interpret", "-t", "scan"],
            2,
            "--report",
        ),
        (
            &[
                "run",
                "clamav.wasm",
                "translate",
                "-t",
                "install",
                "--fact",
                "manager=apt",
            ],
            2,
            "reads no fact manager, but os.package-manager",
        ),
        (
            &["run", "clamav.wasm", "validate", "-t", "defragment"],
            1,
            "defragment",
        ),
        (&["run", "nowhere.wasm", "describe"], 2, "nowhere.wasm"),
    ] {
        let refused = desk.run(arguments);
        assert_eq!(refused.status, status, "{arguments:?}: {refused:?}");
        assert!(
            refused.err.contains(reason),
            "{arguments:?}: {}",
            refused.err
        );
    }
}

#[test]
fn two_builds_are_compared() {
    let desk = Desk::new();
    let compare = ["run", "clamav.wasm", "translate", "-t", "scan", "--against"];
    let same = desk.run(&[&compare[..], &["clamav.wasm"]].concat());
    assert!(
        same.status == 0 && same.out.contains("answer the same"),
        "{same:?}"
    );
    let different = desk.run(&[&compare[..], &["aide.wasm"]].concat());
    assert!(
        different.status == 1 && different.out.contains("/steps"),
        "{different:?}"
    );
}

#[test]
fn an_exported_call_says_which_build_it_was_made_to() {
    let desk = Desk::new();
    desk.write("call.json", &json!({
        "format": 1, "digest": "sha256:0", "application": "net.clamav.clamav", "version": "0.1.0",
        "pure": true, "function": "translate", "task_type": "scan", "schema_version": 1,
        "settings": {"area": "quick"}, "removed": ["/key"],
        "profiles": [{"platform": "windows", "architecture": "x86_64", "application_version": null, "facts": []}],
        "limits": {"memory": 67_108_864, "time": 250}
    }));
    let replay = ["run", "clamav.wasm", "--replay", "call.json"];
    let ran = desk.run(&replay);
    assert!(
        ran.status == 0 && ran.out.contains("unsupported"),
        "{ran:?}"
    );
    assert!(
        ran.err.contains("another build") && ran.err.contains("/key"),
        "{ran:?}"
    );
    assert!(ran.err.contains("at most 250 ms"), "{ran:?}");
    desk.write("call.json", &json!({"format": 2}));
    let refused = desk.run(&replay);
    assert!(
        refused.status == 2 && refused.err.contains("export-call"),
        "{refused:?}"
    );
}

#[test]
fn forms_and_reference_pages_are_made() {
    let desk = Desk::new();
    let form = desk.run(&["form", "clamav.wasm", "scan"]);
    assert!(
        form.status == 0 && form.out.contains("( ) full"),
        "{form:?}"
    );
    let fields = desk.json(&["form", "clamav.wasm"]);
    assert!(fields.as_array().unwrap().len() > 5);
    assert!(fields[0]["fields"][0]["path"].is_string(), "{fields}");
    assert_eq!(desk.run(&["form", "clamav.wasm", "defragment"]).status, 3);
    let page = desk.run(&["docs", "aide.wasm", "--out", "aide.md"]);
    assert_eq!(page.status, 0, "{page:?}");
    let page = std::fs::read_to_string(desk.path("aide.md")).unwrap();
    for text in [
        "# AIDE",
        "## initialise",
        "| `paths` |",
        "- linux: yes",
        "- windows: no;",
        "| `file-changed`",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap().path();
        std::fs::copy(&entry, to.join(entry.file_name().unwrap())).unwrap();
    }
}

#[test]
fn cases_are_checked_written_anew_and_kept_within_a_budget() {
    let desk = Desk::new();
    let whole = desk.json(&["test", "clamav.wasm", CASES]);
    let cases = whole["cases"].as_array().unwrap();
    assert!(
        cases.len() > 20 && cases.iter().all(|case| case["faults"] == json!([])),
        "{whole}"
    );

    copy(
        &Path::new(CASES).join("scan-full-quarantine"),
        &desk.path("cases/one"),
    );
    let outcome = desk.path("cases/one/outcome.json");
    let good = std::fs::read_to_string(&outcome).unwrap();
    std::fs::write(&outcome, good.replace("2 threats", "9 threats")).unwrap();
    let failed = desk.run(&["test", "clamav.wasm", "--junit", "cases.xml"]);
    assert!(
        failed.status == 1 && failed.out.contains("/summary: \"9 threats"),
        "{failed:?}"
    );
    let junit = std::fs::read_to_string(desk.path("cases.xml")).unwrap();
    assert!(
        junit.contains("failures=\"1\"") && junit.contains("net.clamav.clamav"),
        "{junit}"
    );
    let updated = desk.run(&["test", "clamav.wasm", "--update"]);
    assert!(
        updated.status == 0 && updated.out.contains("outcome.json"),
        "{updated:?}"
    );
    assert_eq!(std::fs::read_to_string(&outcome).unwrap(), good);

    desk.write("cases/one/budget.json", &json!({"mebibytes": 0.001}));
    let over = desk.run(&["test", "clamav.wasm"]);
    assert!(
        over.status == 1 && over.out.contains("budget.json"),
        "{over:?}"
    );
    desk.write("cases/one/budget.json", &json!({"megabytes": 1}));
    let wrong = desk.run(&["test", "clamav.wasm"]);
    assert!(
        wrong.status == 1 && wrong.out.contains("unknown field"),
        "{wrong:?}"
    );
    let none = desk.run(&["test", "clamav.wasm", "cases/one"]);
    assert!(none.status == 2 && none.err.contains("no case"), "{none:?}");
}

#[test]
fn every_function_has_its_figures() {
    let desk = Desk::new();
    let told = desk.json(&[
        "bench",
        "clamav.wasm",
        "-t",
        "database-info",
        "--patience",
        "1",
    ]);
    let figures = told["figures"].as_array().unwrap();
    let asked: Vec<_> = figures
        .iter()
        .map(|figure| {
            (
                figure["function"].as_str().unwrap(),
                figure["batch"].as_u64().unwrap(),
            )
        })
        .collect();
    let all = [
        ("validate", 1),
        ("translate", 1),
        ("translate", 1000),
        ("interpret", 1),
        ("interpret", 100),
    ];
    assert_eq!(asked, all);
    for figure in figures {
        assert!(figure["nothing"].as_f64().unwrap() > 0.0, "{figure}");
        assert!(figure["memory"].as_u64().unwrap() > 0, "{figure}");
    }
}
