//! What administrators read about plug-ins and trust, against a server that says what each test needs.

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

use serde_json::{Value, json};
use support::{Fake, Ran, Reply, problem};

const NEW: &str = "sha256:4f1c2a77b0d3000000000000000000000000000000000000000000000000000a";
const PLAN: &str = "sha256:1f0c2a77b0d3000000000000000000000000000000000000000000000000000b";
const REVISIONS: &str = "GET /api/v1/plugins/net.clamav.clamav/revisions";
// A day that is never today: for today the time alone would be printed.
const AT: &str = "2025-03-01T13:00:00Z";

/// The address of the new revision, and of what is below it.
fn below(verb: &str, what: &str) -> &'static str {
    let address = "/api/v1/plugins/net.clamav.clamav/revisions";
    // A test's replies live as long as the test.
    format!("{verb} {address}/{}/{what}", NEW.replace(':', "%3A")).leak()
}

fn page(items: &Value) -> String {
    json!({ "items": items, "next": null }).to_string()
}

fn revision(state: &str) -> Value {
    json!({
        "application": "net.clamav.clamav", "digest": NEW, "version": "1.3.0", "state": state,
        "trust": {"ground": "signed", "signers": ["vendor (key 4f1c)"]},
        "code": null, "reason": null, "size": 1000, "installed_at": AT,
        "installed_by": "administrator:admin", "changed_at": AT,
        "shadow": {"validate": {"same": 4, "different": 0, "failed": 0, "dropped": 0},
            "translate": {"same": 3, "different": 1, "failed": 0, "dropped": 2}}
    })
}

fn plugin(state: &str) -> Value {
    json!({
        "application": "net.clamav.clamav", "name": "ClamAV", "vendor": "V", "version": "1.3.0",
        "manages": ">=0.101", "digest": NEW, "state": state, "size": 1000, "installed_at": AT,
        "installed_by": "administrator:admin", "task_types": []
    })
}

fn plan(clean: bool) -> Value {
    let of = |task: i64, effect: &str| {
        json!({
            "task": task, "name": format!("Task {task}"), "task_type": "scan", "revision": 1,
            "effect": effect, "restores": null, "settings": [], "findings": [], "profiles": [],
            "more_profiles": 0, "note": null
        })
    };
    let mut changed = of(2, "changed");
    changed["profiles"] = json!([{
        "platform": "linux", "architecture": "x86_64", "application_version": "1.4.3", "facts": [],
        "devices": 12, "support": "kept", "reason": null,
        "command": [{"pointer": "/steps/0/arguments/3", "before": "--max=1", "after": "--max=2"}]
    }]);
    let mut invalid = of(3, "invalid");
    invalid["findings"] = json!([{
        "level": "error", "pointer": "/paths/0", "code": "path-relative",
        "text": "The path is not absolute.", "params": []
    }]);
    let tasks = if clean {
        vec![of(1, "identical")]
    } else {
        vec![of(1, "identical"), changed, invalid]
    };
    json!({
        "id": PLAN, "application": "net.clamav.clamav", "from": null, "to": NEW,
        "trust": {"ground": "signed", "signers": ["vendor (key 4f1c)"]}, "signer_changed": false,
        "downgrade": !clean, "clean": clean, "tasks": tasks
    })
}

/// What a command printed, with its exit status.
fn told(ran: &Ran) -> String {
    format!("status {}\n{}{}", ran.status, ran.out, ran.err)
}

#[test]
fn a_plan_is_shown_and_accepted_by_its_id() {
    let done = json!({ "plugin": plugin("active"), "plan": plan(false) });
    let fake = Fake::start(vec![
        Reply(REVISIONS, 200, page(&json!([revision("ready")]))),
        Reply(below("GET", "plan"), 200, plan(false).to_string()),
        Reply(
            below("POST", "activate"),
            409,
            problem(409, "plan-not-clean", "It is not without effect.").to_string(),
        ),
        Reply(below("POST", "activate"), 200, done.to_string()),
    ]);
    let application = "net.clamav.clamav";
    let shown = fake.run(&["plugin", "plan", application]);
    insta::assert_snapshot!("plan", told(&shown));
    let unaccepted = fake.run(&["plugin", "activate", application]);
    let stale = fake.run(&["plugin", "activate", application, "--accept", "0000000000"]);
    let unknown = fake.run(&["plugin", "activate", application, "ffff"]);
    let accepted = [
        "plugin",
        "activate",
        application,
        "4f1c",
        "--accept",
        "1f0c2a77",
    ];
    let accepted = fake.run(&[&accepted[..], &["--allow-downgrade"]].concat());
    let all = [unaccepted, stale, unknown, accepted].map(|ran| told(&ran));
    insta::assert_snapshot!("activate", all.join("\n"));
    assert_eq!(
        fake.asked().pop().unwrap().json(),
        json!({ "plan": PLAN, "allow_downgrade": true })
    );
}

#[test]
fn a_shadow_a_roll_back_and_what_waits_are_told() {
    let done = json!({ "plugin": plugin("active"), "plan": plan(true) });
    let rollback = "POST /api/v1/plugins/net.clamav.clamav/rollback";
    let mut waits = plugin("ready");
    waits["reason"] = json!("it asks for files: \"to keep databases\"");
    let fake = Fake::start(vec![
        Reply(REVISIONS, 200, page(&json!([revision("ready")]))),
        Reply(REVISIONS, 200, page(&json!([revision("shadow")]))),
        Reply(below("PUT", "shadow"), 200, revision("shadow").to_string()),
        Reply(rollback, 200, done.to_string()),
        Reply("POST /api/v1/plugins", 202, waits.to_string()),
    ]);
    let application = "net.clamav.clamav";
    let component = fake.file("clamav.wasm", "\0asm");
    for (code, status) in [
        ("registry-unreachable", 4),
        ("registry-not-found", 3),
        ("registry-digest", 1),
    ] {
        let refused = problem(502, code, "It does not come.");
        let fake = Fake::start(vec![Reply(
            "POST /api/v1/plugins",
            502,
            refused.to_string(),
        )]);
        let ran = fake.run(&["plugin", "install", "oci://registry.example/a:1"]);
        assert_eq!(ran.status, status, "{code}: {ran:?}");
    }
    let all = [
        fake.run(&["plugin", "shadow", application]),
        fake.run(&["plugin", "revisions", application]),
        fake.run(&["plugin", "rollback", application]),
        fake.run(&["plugin", "install", &component]),
    ];
    insta::assert_snapshot!(all.map(|ran| told(&ran)).join("\n"));
}

#[test]
fn what_a_plug_in_may_and_how_it_does_are_told() {
    let asks = page(&json!([
        {"name": "files", "reason": "to keep databases", "word": "granted", "said_at": AT,
            "said_by": "administrator:admin"},
        {"name": "memory", "value": 128, "unit": "MiB", "reason": "large files", "word": "granted",
            "granted": 96, "said_at": AT, "said_by": "administrator:admin"},
        {"name": "clock", "reason": "to know the time", "word": "none"}
    ]));
    let spread = |half: u64, most: Option<u64>| json!({ "count": 10, "mean": 12.5, "half": half, "most": most, "buckets": [] });
    let function = |name: &str, failed: u64, most: Option<u64>| {
        json!({
            "function": name, "calls": 10, "time_limit": 250, "took": spread(20, most),
            "waited": spread(10, Some(10)), "instantiate": spread(10, Some(20)),
            "outcomes": [{"outcome": "answered", "calls": 10 - failed},
                {"outcome": "timed-out", "calls": failed}],
            "memory": 3_000_000, "bytes_in": 100, "log_dropped": failed * 2000
        })
    };
    let health = json!({
        "application": "net.clamav.clamav", "version": "1.3.0", "digest": NEW,
        "memory_limit": 64 << 20,
        "functions": [function("validate", 0, Some(1_000)), function("translate", 3, None)],
        "last_fault": {"function": "translate", "outcome": "timed-out", "text": "It took too long.",
            "at": AT}
    });
    let grants = "PATCH /api/v1/plugins/net.clamav.clamav/grants";
    let fake = Fake::start(vec![
        Reply(grants, 200, asks.clone()),
        Reply(grants, 200, asks),
        Reply(
            "GET /api/v1/plugins/net.clamav.clamav/health",
            200,
            health.to_string(),
        ),
    ]);
    let application = "net.clamav.clamav";
    let granted = fake.run(&["plugin", "grant", application, "files", "memory=96"]);
    let withdrawn = fake.run(&["plugin", "withdraw", application, "clock"]);
    assert_eq!(withdrawn.status, 0, "{withdrawn:?}");
    let asked: Vec<Value> = fake.asked().iter().map(support::Asked::json).collect();
    assert_eq!(asked[0]["grant"], json!(["files", "memory=96"]));
    assert_eq!(asked[1]["deny"], json!(["clock"]));
    let health = fake.run(&["plugin", "health", application]);
    insta::assert_snapshot!([told(&granted), told(&health)].join("\n"));
}

#[test]
fn the_trust_store_is_told() {
    let trust = json!({
        "policy": "dev", "root": null, "credentials": 2, "owners": 1, "revocations": 0,
        "pins": [{"digest": NEW, "pinned_at": AT, "pinned_by": "administrator:admin"}]
    });
    let credential = |id: i64, state: &str| {
        json!({
            "id": id, "signer": "vendor", "kind": "key", "key": "RWQ", "fingerprint": NEW,
            "key_id": "0123456789ABCDEF", "applications": ["net.clamav.*"], "authority": id == 1,
            "state": state, "valid_from": AT, "added_at": AT, "added_by": "administrator:admin"
        })
    };
    let keys = page(&json!([
        credential(1, "in-force"),
        credential(2, "revoked")
    ]));
    let fake = Fake::start(vec![
        Reply("GET /api/v1/trust/credentials", 200, keys),
        Reply("GET /api/v1/trust", 200, trust.to_string()),
        Reply("PUT /api/v1/trust/policy", 204, String::new()),
    ]);
    let all = [
        fake.run(&["trust", "show"]),
        fake.run(&["trust", "policy"]),
        fake.run(&["trust", "policy", "required"]),
        fake.run(&["trust", "policy", "off"]),
        fake.run(&["trust", "key", "list"]),
        fake.run(&["trust", "owner", "move", "net.clamav.clamav", "nobody"]),
    ];
    insta::assert_snapshot!(all.map(|ran| told(&ran)).join("\n"));
}
