//! Revocation lists as their signers write them. No server is there, but for the last step.

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

use muster_domain::Digest;
use serde_json::{Value, json};
use std::path::PathBuf;
use support::{Fake, Ran, Reply, ran};
use tempfile::TempDir;

/// A signer's desk: a folder with a key.
struct Desk {
    fake: Fake,
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let taken = json!({
            "signer": "vendor", "number": 1, "issued": "2026-11-24T13:00:00Z", "authority": false,
            "entries": [], "imported_at": "2026-11-24T13:00:00Z", "imported_by": "administrator:admin"
        });
        let reply = Reply("POST /api/v1/trust/revocations", 200, taken.to_string());
        let desk = Self {
            fake: Fake::start(vec![reply]),
            folder: tempfile::tempdir().unwrap(),
        };
        let made = desk.run(&["plugin", "keygen", "key", "--no-password"]);
        assert_eq!(made.status, 0, "{made:?}");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// In the folder, without a login.
    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.fake.stranger();
        ran(command.current_dir(self.folder.path()).args(arguments))
    }

    fn list(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["trust", "revocations"], arguments].concat())
    }

    fn written(&self, arguments: &[&str]) -> Value {
        let written = self.list(&[&["write", "list", "-o", "json"], arguments].concat());
        assert_eq!(written.status, 0, "{written:?}");
        written.json()
    }

    fn verify(&self) -> Ran {
        self.list(&["verify", "list", "--public-key", "key.pub"])
    }
}

fn digest(bytes: &str) -> String {
    Digest::of(bytes).to_string()
}

#[test]
fn a_list_has_all_that_it_had_and_what_is_added() {
    let desk = Desk::new();
    let key = ["--key", "key"];
    let (a, b) = (digest("a"), digest("b"));
    let first = ["--component", &a, "--component", &b, "--reason", "wrong"];
    let written = desk.written(&[&first[..], &key].concat());
    assert_eq!(written["list"]["number"], 1);
    assert_eq!(written["files"], json!(["list", "list.minisig"]));
    assert_eq!(desk.verify().status, 0);

    std::fs::write(desk.path("c.wasm"), "c").unwrap();
    let more = [
        &["--component", "c.wasm", "--public-key", "key.pub"][..],
        &["--identity", "a@v.example", "--issuer", "https://i.example"],
        &["--reason", "taken over", "--without", &b],
        &key,
    ];
    let list = &desk.written(&more.concat())["list"];
    assert_eq!(list["number"], 2);
    assert_eq!(
        list["digests"],
        json!({&a: "wrong", digest("c"): "taken over"})
    );
    assert_eq!(list["keys"].as_object().unwrap().len(), 1);
    assert_eq!(
        list["identities"],
        json!([{"issuer": "https://i.example", "subject": "a@v.example", "reason": "taken over"}])
    );
    let shown = desk.verify();
    assert!(
        shown.status == 0 && shown.out.contains("a@v.example (https://i.example)"),
        "{shown:?}"
    );
    assert_eq!(desk.written(&["--number", "40"])["list"]["number"], 40);
}

#[test]
fn no_list_goes_back_and_nothing_is_written_then() {
    let desk = Desk::new();
    desk.written(&[
        "--component",
        &digest("a"),
        "--reason",
        "wrong",
        "--key",
        "key",
    ]);
    desk.written(&["--key", "key"]);
    let before = (desk.text("list"), desk.text("list.minisig"));
    for (arguments, status, why) in [
        (&["--number", "2"][..], 1, "upwards"),
        (&["--number", "0"], 1, "upwards"),
        (
            &["--component", "sha256:12", "--reason", "x"],
            2,
            "sha256:12",
        ),
        (
            &["--component", "no-such-file", "--reason", "x"],
            2,
            "no-such-file",
        ),
        (&["--component", &digest("b")], 2, "--reason"),
        (
            &["--component", &digest("b"), "--reason", " "],
            2,
            "reason is empty",
        ),
        (
            &["--component", &digest("b"), "--reason", "a\nb"],
            1,
            "one line",
        ),
        (&["--public-key", "list", "--reason", "x"], 2, "list"),
        (
            &["--identity", "a@v.example", "--reason", "x"],
            2,
            "--issuer",
        ),
        (&["--without", &digest("b")], 3, "no entry"),
        (&["--key", "no-such-key"], 2, "no-such-key"),
    ] {
        let refused = desk.list(&[&["write", "list"], arguments].concat());
        assert!(
            refused.status == status && refused.err.contains(why),
            "{arguments:?}: {refused:?}"
        );
        assert_eq!((desk.text("list"), desk.text("list.minisig")), before);
    }
    std::fs::write(desk.path("list"), before.0.replace("20", "30")).unwrap();
    let ahead = desk.list(&["write", "list"]);
    assert!(
        ahead.status == 1 && ahead.err.contains("ahead of this machine's clock"),
        "{ahead:?}"
    );
    std::fs::write(desk.path("list"), "{}").unwrap();
    let none = desk.list(&["write", "list"]);
    assert!(
        none.status == 2 && none.err.contains("no revocation list"),
        "{none:?}"
    );
}

#[test]
fn a_list_is_taken_with_the_signature_beside_it() {
    let desk = Desk::new();
    let unsigned = desk.list(&[
        "write",
        "list",
        "--component",
        &digest("a"),
        "--reason",
        "x",
    ]);
    assert!(
        unsigned.status == 0 && unsigned.err.contains("revocations sign"),
        "{unsigned:?}"
    );
    let import = |desk: &Desk| {
        let list = desk.path("list").display().to_string();
        desk.fake.run(&["trust", "revocations", "add", &list])
    };
    let alone = import(&desk);
    assert!(
        alone.status == 2 && alone.err.contains("--minisig"),
        "{alone:?}"
    );
    assert_eq!(desk.verify().status, 1);
    assert_eq!(desk.list(&["sign", "list"]).status, 2);
    assert_eq!(desk.list(&["sign", "list", "--key", "key"]).status, 0);
    assert_eq!(desk.verify().status, 0);
    let taken = import(&desk);
    assert_eq!(taken.out, "Took revocation list 1 of vendor: 0 entries.\n");
    let asked = desk.fake.asked().pop().unwrap().json();
    assert_eq!(
        asked,
        json!({"list": desk.text("list"), "signatures": [
            {"kind": "minisign", "text": desk.text("list.minisig")}]})
    );

    let changed = desk.text("list").replace("\"x\"", "\"y\"");
    std::fs::write(desk.path("list"), changed).unwrap();
    let changed = desk.verify();
    assert!(
        changed.status == 1 && changed.err.contains("signature-wrong") && changed.out.is_empty(),
        "{changed:?}"
    );
}
