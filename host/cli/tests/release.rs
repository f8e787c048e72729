//! Plug-ins as files and in registries, as their vendors use the program. No server is there, but for
//! the last step.

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
use muster_release::bundle::Bundle;
use muster_test_harness::{Registry, needs};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use support::{Fake, Ran, Reply, ran};
use tempfile::TempDir;

const APPLICATION: [&str; 4] = [
    "--application",
    "net.example.app",
    "--plugin-version",
    "1.2.0",
];

/// A vendor's desk: a folder with a component and a key.
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
        std::fs::write(desk.path("a.wasm"), wat::parse_str("(component)").unwrap()).unwrap();
        let made = desk.run(&["keygen", "key", "--no-password"]);
        assert_eq!(made.status, 0, "{made:?}");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    fn component(&self) -> String {
        Digest::of(self.bytes("a.wasm")).to_string()
    }

    /// `muster plugin …`, in the folder, without a login.
    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.fake.stranger();
        command
            .current_dir(self.folder.path())
            .arg("plugin")
            .args(arguments);
        ran(&mut command)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["-o", "json"]].concat());
        assert_eq!(ran.status, 0, "{ran:?}");
        ran.json()
    }

    fn sign(&self) {
        let signed = self.run(&[&["sign", "a.wasm", "--key", "key"], &APPLICATION[..]].concat());
        assert_eq!(signed.status, 0, "{signed:?}");
    }
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_key_is_made_once_and_locked() {
    let desk = Desk::new();
    assert_eq!(mode(&desk.path("key")), 0o600);
    let before = desk.bytes("key");
    for file in ["key", "key.pub"] {
        std::fs::rename(desk.path(file), desk.path("aside")).unwrap();
        let again = desk.run(&["keygen", "key", "--no-password"]);
        assert!(
            again.status == 2 && again.err.contains("never overwritten"),
            "{again:?}"
        );
        std::fs::rename(desk.path("aside"), desk.path(file)).unwrap();
    }
    assert_eq!(desk.bytes("key"), before);

    // Nobody sits at a terminal here.
    let asked = desk.run(&["keygen", "locked"]);
    assert!(
        asked.status == 2 && asked.err.contains("--password-file"),
        "{asked:?}"
    );
    std::fs::write(desk.path("password"), "correct horse\n").unwrap();
    let made = desk.json(&["keygen", "locked", "--password-file", "password"]);
    assert_eq!(made["public_file"], "locked.pub");
    let sign = [&["sign", "a.wasm", "--key", "locked"], &APPLICATION[..]].concat();
    let locked = desk.run(&sign);
    assert!(
        locked.status == 2 && locked.err.contains("password"),
        "{locked:?}"
    );
    assert!(!desk.path("a.wasm.statement.json").exists());
    std::fs::write(desk.path("wrong"), "wrong\n").unwrap();
    let wrong = desk.run(&[&sign[..], &["--password-file", "wrong"]].concat());
    assert_eq!(wrong.status, 2, "{wrong:?}");
    let signed = desk.run(&[&sign[..], &["--password-file", "password"]].concat());
    assert_eq!(signed.status, 0, "{signed:?}");
}

#[test]
fn what_is_signed_is_verified_and_what_was_changed_is_not() {
    let desk = Desk::new();
    let unsigned = desk.run(&["verify", "a.wasm", "--public-key", "key.pub"]);
    assert!(
        unsigned.status == 1 && unsigned.err.contains("no statement"),
        "{unsigned:?}"
    );
    let sign = [
        &[
            "sign",
            "a.wasm",
            "--key",
            "key",
            "--capability",
            "clock",
            "--limit",
            "memory=128",
        ],
        &APPLICATION[..],
    ]
    .concat();
    assert_eq!(desk.json(&sign)["digest"], json!(desk.component()));

    let verify = ["verify", "a.wasm", "--public-key", "key.pub"];
    let statement = &desk.json(&verify)["statement"];
    assert_eq!(statement["digest"], json!(desk.component()));
    assert_eq!(statement["capabilities"], json!(["clock"]));
    assert_eq!(statement["limits"], json!({"memory": 128}));
    let shown = desk.run(&verify);
    assert!(
        shown.out.contains("minisign key sha256:") && shown.out.contains("clock; memory 128 MiB"),
        "{shown:?}"
    );

    desk.run(&["keygen", "other", "--no-password"]);
    let other = desk.run(&["verify", "a.wasm", "--public-key", "other.pub"]);
    assert!(other.status == 1 && other.err.contains('['), "{other:?}");
    for (file, change) in [
        ("a.wasm", "\0asm"),
        ("a.wasm.statement.json", "{}"),
        ("a.wasm.minisig", "untrusted comment: x"),
    ] {
        let before = desk.bytes(file);
        std::fs::write(desk.path(file), change).unwrap();
        let changed = desk.run(&verify);
        assert!(
            changed.status != 0 && changed.out.is_empty(),
            "{file}: {changed:?}"
        );
        std::fs::write(desk.path(file), before).unwrap();
    }
    assert_eq!(desk.run(&verify).status, 0);
}

#[test]
fn a_statement_is_written_alone_and_signed_later() {
    let desk = Desk::new();
    let nothing = desk.run(&["sign", "a.wasm", "--key", "key"]);
    assert!(
        nothing.status == 2 && nothing.err.contains("--application"),
        "{nothing:?}"
    );
    let stated = desk.run(&[&["sign", "a.wasm"], &APPLICATION[..]].concat());
    assert_eq!(stated.status, 0, "{stated:?}");
    let statement = desk.bytes("a.wasm.statement.json");
    assert!(!desk.path("a.wasm.minisig").exists());
    assert_eq!(desk.run(&["sign", "a.wasm", "--key", "key"]).status, 0);
    assert_eq!(desk.bytes("a.wasm.statement.json"), statement);
    assert_eq!(
        desk.run(&["verify", "a.wasm", "--public-key", "key.pub"])
            .status,
        0
    );

    std::fs::write(desk.path("a.wasm"), "\0asm another").unwrap();
    let another = desk.run(&["sign", "a.wasm", "--key", "key"]);
    assert!(
        another.status == 2 && another.err.contains("another component"),
        "{another:?}"
    );
    for wrong in [
        &["--limit", "memory"][..],
        &["--limit", "memroy=1"],
        &["--limit", "memory=-1"],
        &["--capability", "No Name"],
        &["--valid-for", "-1d"],
        &["--valid-for", "9999999y"],
    ] {
        let wrong =
            desk.run(&[&["sign", "a.wasm", "--key", "key"], &APPLICATION[..], wrong].concat());
        assert_eq!(wrong.status, 2, "{wrong:?}");
    }
}

#[test]
fn a_bundle_has_all_and_says_who_signed() {
    let desk = Desk::new();
    let unsigned = desk.run(&["bundle", "a.wasm"]);
    assert!(
        unsigned.status == 0 && unsigned.err.contains("Nobody signed"),
        "{unsigned:?}"
    );
    desk.sign();
    let told = desk.json(&[
        "bundle",
        "a.wasm",
        "--out",
        "b.tar",
        "--published",
        "https://v.example",
    ]);
    assert_eq!(told["digest"], json!(desk.component()));
    let signer = told["reference"]["signers"][0].as_str().unwrap();
    assert!(signer.starts_with("minisign key "), "{told}");

    let bundle = Bundle::read(&desk.bytes("b.tar"), 1000).unwrap();
    assert_eq!(bundle.component, desk.bytes("a.wasm"));
    assert_eq!(bundle.statement, Some(desk.bytes("a.wasm.statement.json")));
    assert_eq!(bundle.signatures[0].bytes, desk.bytes("a.wasm.minisig"));
    // One file is enough.
    std::fs::remove_file(desk.path("a.wasm")).unwrap();
    assert_eq!(
        desk.run(&["verify", "b.tar", "--public-key", "key.pub"])
            .status,
        0
    );

    let secret = desk.run(&["bundle", "key"]);
    assert!(
        secret.status == 2 && secret.err.contains("neither a component nor a bundle"),
        "{secret:?}"
    );
    assert!(!desk.path("key.tar").exists());

    let lone = desk.path("c.wasm");
    std::fs::write(&lone, "\0asm").unwrap();
    std::fs::write(desk.path("c.wasm.minisig"), "untrusted comment: x").unwrap();
    let lone = desk.run(&["bundle", "c.wasm"]);
    assert!(
        lone.status == 2 && lone.err.contains("no statement"),
        "{lone:?}"
    );
}

#[tokio::test]
async fn a_release_goes_to_a_registry_and_from_there_to_a_server() {
    let Some(program) = needs("docker-registry") else {
        return;
    };
    let registry = Registry::guarded(&program).await.unwrap();
    tokio::task::spawn_blocking(move || through(&registry))
        .await
        .unwrap();
}

fn through(registry: &Registry) {
    let desk = Desk::new();
    desk.sign();
    let reference = format!("oci://{}/vendor/app:1.2.0", registry.address());
    let denied = desk.run(&["push", "a.wasm", &reference]);
    assert!(
        denied.status == 4 && denied.err.contains("credentials"),
        "{denied:?}"
    );
    let auths = json!({"auths": {registry.address(): {"auth": registry.basic()}}});
    std::fs::write(desk.path("auth.json"), auths.to_string()).unwrap();
    let access = ["--credentials", "auth.json"];

    let pushed = desk.json(&[&["push", "a.wasm", &reference], &access[..]].concat());
    let pinned = pushed["source"].as_str().unwrap();
    assert!(
        pinned.starts_with(&format!("{reference}@sha256:")),
        "{pushed}"
    );
    let pulled = desk.json(&[&["pull", pinned], &access[..]].concat());
    assert_eq!(pulled["file"], "app-1.2.0.tar");
    assert_eq!(
        (&pulled["source"], &pulled["digest"]),
        (&json!(pinned), &json!(desk.component()))
    );
    assert_eq!(
        desk.run(&["verify", "app-1.2.0.tar", "--public-key", "key.pub"])
            .status,
        0
    );

    let missing = desk.run(&[&["pull", &format!("{reference}9")], &access[..]].concat());
    assert_eq!(missing.status, 3, "{missing:?}");
    let open = desk.run(&["pull", &format!("oci://{}/vendor/app", registry.address())]);
    assert!(
        open.status == 2 && open.err.contains("none is taken for granted"),
        "{open:?}"
    );

    // By the server, which gets the reference; by this machine, which uploads the bundle.
    let view = json!({"application": "net.example.app", "name": "App", "vendor": "V", "version": "1.2.0",
        "manages": "*", "digest": desk.component(), "source": pinned, "state": "active", "size": 3,
        "installed_at": "2026-11-24T13:00:00Z", "installed_by": "administrator:admin", "task_types": []});
    let fake = Fake::start(vec![Reply("POST /api/v1/plugins", 201, view.to_string())]);
    let by_server = fake.run(&["plugin", "install", pinned]);
    assert!(
        by_server
            .out
            .contains(&format!("pinned to {}\nfrom {pinned}", desk.component())),
        "{by_server:?}"
    );
    let auth = desk.path("auth.json").display().to_string();
    let here = fake.run(&[
        "plugin",
        "install",
        pinned,
        "--here",
        "--credentials",
        &auth,
    ]);
    assert_eq!(here.status, 0, "{here:?}");
    let asked = fake.asked();
    assert_eq!(asked[0].json(), json!({ "source": pinned }));
    assert_eq!(
        asked[1].headers.get("content-type").unwrap(),
        "application/vnd.muster.bundle.v1+tar"
    );
    assert_eq!(asked[1].body, desk.bytes("app-1.2.0.tar"));
}
