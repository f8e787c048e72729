//! The program as administrators use it, against a server that says what each test needs.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of it is a test"
)]

mod support;

use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::process::Stdio;
use support::{Fake, Reply, TOKEN, other_ca, problem, ran};

const SERVER: &str =
    r#"{"version":"1.2.3","administrator":"admin","devices_online":1,"devices":2}"#;

fn run_view(state: &str, counts: &Value) -> Value {
    json!({
        "id": 4, "task": 2, "task_name": "Nightly", "revision": 1, "state": state, "total": 2,
        "counts": counts, "percent": 50, "started_at": "2026-11-24T13:00:00Z",
        "started_by": "administrator:admin",
        "finished_at": (state == "finished").then_some("2026-11-24T13:01:30Z")
    })
}

fn task_view(name: &str) -> Value {
    json!({
        "id": 2, "name": name, "application": "net.clamav.clamav", "plugin_loaded": true,
        "task_type": "scan", "scope": {"kind": "local", "device": 7}, "time_limit": 60,
        "revision": 3, "settings": {"mode": "quick", "paths": ["/a"]}, "schema_version": 1,
        "findings": [], "created_at": "2026-11-24T13:00:00Z", "created_by": "administrator:admin",
        "changed_at": "2026-11-24T13:00:00Z", "changed_by": "administrator:admin",
        "last_run": null, "grown_later": "kept"
    })
}

fn page(items: &[Value], next: Option<&str>) -> String {
    json!({ "items": items, "next": next }).to_string()
}

#[test]
fn a_login_is_kept_for_its_owner_alone_and_forgotten_at_logout() {
    let fake = Fake::start(vec![Reply("GET /api/v1/server", 200, SERVER.into())]);
    let ca = Reply("GET /api/v1/ca", 200, fake.ca.clone());
    let fake = fake.with(ca);
    let mut login = fake.stranger();
    login.args([
        "login",
        &fake.address,
        "--token",
        "-",
        "--ca-fingerprint",
        &fake.fingerprint,
    ]);
    let mut login = login
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    login
        .stdin
        .take()
        .unwrap()
        .write_all(format!("{TOKEN}\n").as_bytes())
        .unwrap();
    let output = login.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");

    let first = fake.asked().remove(0);
    assert_eq!(
        (first.line.as_str(), first.headers.get("authorization")),
        ("GET /api/v1/ca", None)
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = fake.config().join("credentials.toml");
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            std::fs::metadata(fake.config())
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o700
        );
        let left = std::fs::read_dir(fake.config()).unwrap().count();
        assert_eq!(left, 1, "a temporary file was left");
    }

    let status = ran(fake.stranger().args(["status", "-o", "json"]));
    assert_eq!(
        (status.status, status.json()["version"].as_str()),
        (0, Some("1.2.3")),
        "{status:?}"
    );
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(
        fake.asked()
            .last()
            .unwrap()
            .headers
            .get("authorization")
            .unwrap(),
        &bearer
    );

    // The kept token is for the kept server alone.
    let other = ran(fake
        .stranger()
        .env("MUSTER_SERVER", "https://127.0.0.1:1")
        .arg("status"));
    assert_eq!(other.status, 4);
    assert!(other.err.contains("set MUSTER_TOKEN as well"), "{other:?}");

    assert_eq!(ran(fake.stranger().arg("logout")).status, 0);
    let status = ran(fake.stranger().arg("status"));
    assert_eq!(status.status, 4);
    assert!(
        status.err.contains("not logged in; run `muster login"),
        "{status:?}"
    );
}

#[test]
fn a_ca_that_nobody_vouches_for_gets_no_token() {
    let fake = Fake::start(vec![]);
    let ca = Reply("GET /api/v1/ca", 200, fake.ca.clone());
    let fake = fake.with(ca);
    let wrong = format!("sha256:{}", "0".repeat(64));
    let login = ["login", &fake.address, "--token", TOKEN];
    let other = ran(fake
        .stranger()
        .args(login)
        .args(["--ca-fingerprint", &wrong]));
    assert_eq!(other.status, 4);
    assert!(
        other.err.contains(&fake.fingerprint) && other.err.contains(&wrong),
        "{other:?}"
    );
    let unasked = ran(fake.stranger().args(login));
    assert_eq!(unasked.status, 2);
    assert!(unasked.err.contains(&fake.fingerprint), "{unasked:?}");
    assert_eq!(fake.lines(), ["GET /api/v1/ca", "GET /api/v1/ca"]);
    assert!(
        fake.asked()
            .iter()
            .all(|asked| !asked.headers.contains_key("authorization"))
    );
    assert!(!fake.config().exists());
}

#[test]
fn a_refusal_tells_every_finding_with_its_place() {
    let mut refusal = problem(
        422,
        "settings-invalid",
        "The settings of the task are not valid.",
    );
    refusal["findings"] = json!([
        {"level": "error", "pointer": "/paths/0", "code": "path-relative", "text": "The path is not absolute."},
        {"level": "warning", "pointer": "", "code": "slow", "text": "This will \u{1b}[31mtake long."}
    ]);
    let fake = Fake::start(vec![Reply("POST /api/v1/tasks", 422, refusal.to_string())]);
    let create = [
        "task",
        "create",
        "Scan",
        "-a",
        "net.clamav.clamav",
        "-t",
        "scan",
        "--device",
        "pc-7",
    ];
    let people = fake.run(&create);
    assert_eq!((people.status, people.out.as_str()), (1, ""));
    assert_eq!(
        people.err,
        "error: The settings of the task are not valid.\n  \
         /paths/0: The path is not absolute. [path-relative]\n  \
         (settings): warning: This will \u{fffd}[31mtake long. [slow]\n"
    );
    let programs = fake.run(&[&["-o", "json"], &create[..]].concat());
    assert_eq!(programs.status, 1);
    assert_eq!(
        serde_json::from_str::<Value>(&programs.err).unwrap(),
        refusal
    );
}

#[test]
fn nothing_that_is_said_elsewhere_steers_the_terminal() {
    let tricks = "a\u{1b}[2J\u{202e}b\u{9b}31m\u{7f}";
    let mut task = task_view(tricks);
    task["settings"] = json!({ "paths": [tricks] });
    let event = json!({
        "id": 1, "kind": "application.found", "severity": "warning", "text": tricks,
        "at": "2026-11-24T13:00:00Z", "actor": tricks, "fields": {"file": tricks}
    });
    let fake = Fake::start(vec![
        Reply("GET /api/v1/tasks/2", 200, task.to_string()),
        Reply("GET /api/v1/events", 200, page(&[event], None)),
        Reply(
            "GET /api/v1/server",
            409,
            problem(409, "x", tricks).to_string(),
        ),
    ]);
    for arguments in [&["task", "show", "2"][..], &["events"], &["status"]] {
        for format in ["table", "json"] {
            let ran = fake.run(&[arguments, &["-o", format]].concat());
            let said = format!("{}{}", ran.out, ran.err).replace('\n', "");
            assert!(
                said.contains('b') && !said.contains(muster_domain::text::is_steering),
                "{arguments:?} {format}: {ran:?}"
            );
            let json = if ran.status == 0 { &ran.out } else { &ran.err };
            if format == "json" {
                // Programs get what was said.
                let value: Value = serde_json::from_str(json).unwrap();
                let escaped = serde_json::to_string(tricks).unwrap();
                assert!(
                    value.to_string().contains(escaped.trim_matches('"')),
                    "{value}"
                );
            }
        }
    }
}

#[test]
fn exit_statuses_say_what_happened() {
    let fake = Fake::start(vec![
        Reply(
            "GET /api/v1/server",
            401,
            problem(401, "token-unknown", "No such token.").to_string(),
        ),
        Reply("GET /api/v1/tasks?", 200, page(&[], None)),
        Reply("GET /api/v1/plugins", 200, "<html>".into()),
        Reply("GET /api/v1/groups", 500, "oh".into()),
    ]);
    let status = |arguments: &[&str]| fake.run(arguments).status;
    assert_eq!(status(&["--help"]), 0);
    assert_eq!(status(&["task", "frobnicate"]), 2);
    assert_eq!(status(&["task", "set", "7"]), 2);
    assert_eq!(status(&["device", "show", "pc-9"]), 3);
    assert_eq!(status(&["task", "start", "No such task"]), 3);
    assert_eq!(status(&["status"]), 4);
    assert_eq!(status(&["plugin", "list"]), 4);
    assert_eq!(status(&["group", "list"]), 4);

    let mut nobody = fake.muster(&["status"]);
    let nobody = ran(nobody.env("MUSTER_SERVER", "https://127.0.0.1:1"));
    assert_eq!(nobody.status, 4);
    assert!(
        nobody
            .err
            .contains("cannot reach https://127.0.0.1:1: Connection refused"),
        "{nobody:?}"
    );

    let mut stranger = fake.muster(&["status"]);
    let stranger = ran(stranger.env("MUSTER_CA_FILE", fake.file("other.pem", &other_ca())));
    assert_eq!(stranger.status, 4);
    assert!(
        stranger.err.contains("cannot trust") && stranger.err.contains("muster login"),
        "{stranger:?}"
    );

    let mut named = fake.muster(&["status"]);
    let address = fake.address.replace("127.0.0.1", "localhost");
    let named = ran(named.env("MUSTER_SERVER", address));
    assert_eq!(named.status, 4);
    assert!(
        named.err.contains("use a name or an address that"),
        "{named:?}"
    );
}

#[test]
fn settings_come_from_a_file_and_single_ones_above_it() {
    let fake = Fake::start(vec![Reply(
        "POST /api/v1/tasks",
        201,
        task_view("Scan").to_string(),
    )]);
    let file = fake.file("settings.json", r#"{"z": 1, "a": {"depth": 2}}"#);
    let ran = fake.run(&[
        "task",
        "create",
        "Scan",
        "-a",
        "net.clamav.clamav",
        "-t",
        "scan",
        "--group",
        "/Office",
        "--no-subgroups",
        "--exclude",
        "/Office/Lab",
        "--settings",
        &file,
        "--set",
        "a.depth=3",
        "--set",
        "paths[]=/home",
        "--time-limit",
        "2h",
        "--idempotency-key",
        "k1",
        "-o",
        "json",
    ]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(ran.json()["grown_later"], "kept");
    let asked = fake.asked().remove(0);
    assert_eq!(asked.headers.get("idempotency-key").unwrap(), "k1");
    assert_eq!(
        asked.json().to_string(),
        json!({
            "name": "Scan", "application": "net.clamav.clamav", "task_type": "scan",
            "scope": {"kind": "group", "group": "/Office", "subgroups": false, "excluded": ["/Office/Lab"]},
            "settings": {"z": 1, "a": {"depth": 3}, "paths": ["/home"]}, "time_limit": 7200
        })
        .to_string()
    );
}

#[test]
fn settings_that_are_no_json_never_leave() {
    let fake = Fake::start(vec![]);
    let deep = "[".repeat(10_000);
    for (text, place) in [
        ("{\"a\": 1,\n \"b\": }", "line 2 column 7"),
        (deep.as_str(), "recursion limit"),
    ] {
        let file = fake.file("settings.json", text);
        let create = [
            "task",
            "create",
            "S",
            "-a",
            "a.b",
            "-t",
            "scan",
            "--device",
            "1",
            "--settings",
        ];
        let ran = fake.run(&[&create[..], &[&file]].concat());
        assert_eq!(ran.status, 2);
        assert!(
            ran.err.contains("settings.json is not valid JSON") && ran.err.contains(place),
            "{ran:?}"
        );
    }
    assert!(fake.asked().is_empty());
}

#[test]
fn a_change_names_the_revision_that_it_was_made_on() {
    let fake = Fake::start(vec![
        Reply("GET /api/v1/tasks/2", 200, task_view("Scan").to_string()),
        Reply("PATCH /api/v1/tasks/2", 200, task_view("Scan").to_string()),
    ]);
    let ran = fake.run(&["task", "set", "2", "--set", "paths[]=/b", "--unset", "mode"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(
        fake.asked().pop().unwrap().json(),
        json!({"revision": 3, "settings": {"paths": ["/a", "/b"]}})
    );
}

#[test]
fn lists_are_read_to_their_end_and_names_find_tasks() {
    let fake = Fake::start(vec![
        Reply(
            "GET /api/v1/tasks?",
            200,
            page(&[task_view("One")], Some("1")),
        ),
        Reply(
            "GET /api/v1/tasks?",
            200,
            page(&[task_view("Two \u{1b}[2J")], None),
        ),
        Reply(
            "GET /api/v1/tasks?",
            200,
            page(&[task_view("Same"), task_view("Same")], None),
        ),
    ]);
    let table = fake.run(&["task", "list"]);
    assert_eq!(table.status, 0, "{table:?}");
    assert_eq!(table.out.lines().count(), 3);
    assert!(
        !table.out.contains('\u{1b}') && table.out.contains("Two"),
        "{table:?}"
    );
    assert_eq!(
        fake.lines(),
        [
            "GET /api/v1/tasks?limit=500",
            "GET /api/v1/tasks?limit=500&after=1"
        ]
    );
    let json = fake.run(&["task", "list", "-o", "json"]);
    assert_eq!(json.json()[0]["grown_later"], "kept");
    let twice = fake.run(&["task", "start", "Same"]);
    assert_eq!(twice.status, 2);
    assert!(twice.err.contains("give the number"), "{twice:?}");
}

fn watched(last: &Value) -> Fake {
    let event = |run: &Value| format!("event: run\ndata: {run}\n\n");
    let first = run_view("running", &json!({"running": 2}));
    let stream = format!(": hello\n\n{}", event(&first));
    let rest = event(last);
    let delivery = json!({
        "device": 7, "device_name": "pc-7", "state": "failed", "cause": null, "cause_text": null,
        "wanted": "run", "percent": null, "message": null, "summary": "clamscan: exit status 2.",
        "needs_restart": false, "changed_at": "2026-11-24T13:01:30Z"
    });
    Fake::start(vec![
        Reply("POST /api/v1/tasks/2/start", 201, first.to_string()),
        // The first stream breaks off; the second carries on.
        Reply("GET /api/v1/runs/4/stream", 200, stream),
        Reply("GET /api/v1/runs/4/stream", 200, rest),
        Reply(
            "GET /api/v1/runs/4/deliveries?state=failed",
            200,
            page(&[delivery], None),
        ),
        Reply("GET /api/v1/runs/4/deliveries", 200, page(&[], None)),
        Reply("GET /api/v1/runs/4", 200, first.to_string()),
    ])
}

#[test]
fn a_watched_run_says_by_its_status_how_it_ended() {
    let failed = watched(&run_view("finished", &json!({"succeeded": 1, "failed": 1})));
    let ran = failed.run(&["task", "start", "2", "--watch"]);
    assert_eq!(ran.status, 5, "{ran:?}");
    assert!(
        ran.err.contains("on 1 of 2 devices it was not done"),
        "{ran:?}"
    );
    for wanted in [
        "Started run 4 of Nightly on 2 devices.",
        "run 4 running 50 %: 2 running",
        "ended after 1m 30s: 1 succeeded, 1 failed",
        "clamscan: exit status 2.",
    ] {
        assert!(ran.out.contains(wanted), "{wanted}: {ran:?}");
    }
    let good = watched(&run_view(
        "finished",
        &json!({"succeeded": 1, "warning": 1}),
    ));
    assert_eq!(good.run(&["run", "watch", "4"]).status, 0);
}

#[test]
fn a_watched_run_is_json_line_by_line() {
    let last = run_view("finished", &json!({"timed-out": 2}));
    let ran = watched(&last).run(&["run", "watch", "4", "-o", "json"]);
    assert_eq!(ran.status, 5);
    let lines: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines, [run_view("running", &json!({"running": 2})), last]);
}

fn event(id: i64) -> Value {
    json!({"id": id, "at": "2026-11-24T13:00:00Z", "kind": "task.created", "severity": "info",
        "actor": "server", "text": format!("Event {id}."), "fields": {}})
}

#[test]
fn events_are_told_oldest_first_and_followed_past_a_broken_link() {
    let sse = |id: i64| format!("event: event\nid: {id}\ndata: {}\n\n", event(id));
    let fake = Fake::start(vec![
        Reply(
            "GET /api/v1/events?",
            200,
            page(&[event(9), event(8)], Some("8")),
        ),
        Reply(
            "GET /api/v1/events/stream?severity=warning&after=9",
            200,
            sse(10),
        ),
        Reply(
            "GET /api/v1/events/stream?severity=warning&after=10",
            200,
            sse(11),
        ),
    ]);
    let events = fake.run(&["events", "-n", "2", "-o", "json"]);
    let ids: Vec<i64> = events
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, [8, 9]);

    let mut follow = fake.muster(&["events", "-f", "-n", "2", "--severity", "warning"]);
    let mut follow = follow
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut read = String::new();
    let mut out = follow.stdout.take().unwrap();
    while !read.contains("Event 11.") {
        let mut bytes = [0; 4096];
        let count = out.read(&mut bytes).unwrap();
        assert_ne!(count, 0, "ended after {read}");
        read.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    follow.kill().unwrap();
    follow.wait().unwrap();
    let told: Vec<&str> = read
        .lines()
        .filter_map(|line| line.split_once("task.created"))
        .map(|(_, text)| text.trim())
        .collect();
    assert_eq!(told, ["Event 8.", "Event 9.", "Event 10.", "Event 11."]);
}

#[test]
fn an_import_is_looked_at_before_it_is_done() {
    let plan = |possible: bool, done: bool| {
        let refused = json!([{"level": "error", "pointer": "/scope/device", "code": "scope-unknown",
            "text": "There is no device pc-7.", "params": []}]);
        let item = json!({"kind": "task", "name": "Scan",
            "action": if possible { "create" } else { "refused" }, "changes": [],
            "findings": if possible { json!([]) } else { refused }});
        json!({"id": "sha256:1", "possible": possible, "done": done, "changes": u64::from(possible),
            "plugins": [], "items": [item]})
        .to_string()
    };
    let import = "POST /api/v1/tasks/import";
    let fake = Fake::start(vec![
        Reply(import, 200, plan(false, false)),
        Reply(import, 200, plan(true, false)),
        Reply(import, 200, plan(true, false)),
        Reply(import, 200, plan(true, true)),
    ]);
    let text = "{ \"format\":  \"muster-objects\", \"version\": 1.0 }";
    let file = fake.file("task.json", text);
    let refused = fake.run(&["task", "import", &file]);
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(
        refused.out.contains("There is no device pc-7."),
        "{refused:?}"
    );
    let looked = fake.run(&["task", "import", &file, "--plan"]);
    assert_eq!(looked.status, 0, "{looked:?}");
    assert!(looked.out.contains("Plan sha256:1"), "{looked:?}");
    let done = fake.run(&["task", "import", &file, "--yes"]);
    assert!(
        done.status == 0 && done.out.contains("Done: 1 created."),
        "{done:?}"
    );
    let sent = fake.asked().pop().unwrap();
    let sent = String::from_utf8(sent.body).unwrap();
    // What the file says goes as it was written, with the plan that was looked at.
    assert!(
        sent.contains(text) && sent.contains("\"plan\":\"sha256:1\""),
        "{sent}"
    );
}

#[test]
fn a_plug_in_goes_over_as_it_is() {
    let view = json!({"application": "net.clamav.clamav", "name": "ClamAV", "vendor": "V", "version": "1.0.0",
        "manages": "*", "digest": "sha256:0", "state": "active", "size": 3,
        "installed_at": "2026-11-24T13:00:00Z", "installed_by": "administrator:admin", "task_types": []});
    let refused = problem(422, "not-a-component", "The file is no component.");
    let fake = Fake::start(vec![
        Reply("POST /api/v1/plugins", 201, view.to_string()),
        Reply("POST /api/v1/plugins", 422, refused.to_string()),
    ]);
    let (one, two) = (
        fake.file("one.wasm", "\0asm"),
        fake.file("two.wasm", "\0asm no"),
    );
    let ran = fake.run(&["plugin", "install", &one, &two]);
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("Installed ClamAV 1.0.0"), "{ran:?}");
    assert!(
        ran.err.contains("two.wasm was not installed") && ran.err.contains("no component"),
        "{ran:?}"
    );
    let first = fake.asked().remove(0);
    assert_eq!(first.body, b"\0asm");
    assert_eq!(
        first.headers.get("content-type").unwrap(),
        "application/wasm"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let many: Vec<Value> = (0..400).map(|_| task_view("Scan")).collect();
    let fake = Fake::start(vec![Reply("GET /api/v1/tasks?", 200, page(&many, None))]);
    let mut list = fake.muster(&["task", "list", "-o", "json"]);
    let mut list = list
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(list.stdout.take());
    let output = list.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
