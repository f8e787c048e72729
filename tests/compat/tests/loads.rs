//! Today's host loads the components of every released SDK, and they answer as they did.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by it"
)]

use muster_domain::profile::{Profile, ProfileCount};
use muster_domain::report::{Report, StepEnd, StepReport};
use muster_domain::settings::Settings;
use muster_domain::{TaskTypeId, chain};
use muster_plugin_host::{Compiler, Config, Folders, Plugin, PluginHost, Terms};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// The versions of which components are kept.
fn released() -> Vec<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/released"));
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    folders.sort();
    assert!(folders.iter().any(|folder| folder.ends_with("0.1.0")));
    folders
}

fn host(folder: &tempfile::TempDir) -> Arc<PluginHost> {
    let folders = Folders {
        private: folder.path().join("private"),
        files: folder.path().join("files"),
    };
    let compiler = Compiler {
        program: env!("CARGO_BIN_EXE_compat").into(),
        arguments: vec![],
    };
    PluginHost::start(Config::default(), folders, compiler).unwrap()
}

async fn load(host: &Arc<PluginHost>, release: &std::path::Path, name: &str) -> Arc<Plugin> {
    let file = release.join(name).with_extension("wasm");
    let bytes = std::fs::read(&file).unwrap();
    let loaded = host.load(bytes.into(), Terms::default()).await;
    loaded.unwrap_or_else(|error| {
        panic!(
            "{} was loaded by earlier servers and is not by this one: {}. Components that are out there \
             have to stay loadable within the major version of the contract: mend the host.",
            file.display(),
            chain(&error)
        )
    })
}

fn settings(value: &Value) -> Settings {
    Settings::from_value(value).unwrap()
}

fn profile(platform: &str) -> ProfileCount {
    ProfileCount {
        profile: Profile {
            platform: platform.into(),
            architecture: "x86_64".into(),
            application_version: Some("1.0".into()),
            facts: vec![("os.id".into(), Some("debian".into()))],
        },
        devices: 1,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_least_plug_in_of_every_release_answers_as_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(&folder);
    for release in released() {
        let plugin = load(&host, &release, "hello").await;
        let description = plugin.description();
        assert_eq!(description.application.as_str(), "org.example.hello");
        assert_eq!(description.task_types.len(), 1);
        assert!(plugin.has_interpret() && !plugin.has_migrate());
        let reach: TaskTypeId = "reach".parse().unwrap();

        let wrong = settings(&json!({ "host-name": "-f" }));
        let found = plugin.validate(&reach, &wrong).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].pointer.as_str(), found[0].code.as_str()),
            ("/host-name", "host-not-a-name")
        );
        let beyond = settings(&json!({ "host-name": "h", "attempts": 21 }));
        let found = plugin.validate(&reach, &beyond).await.unwrap();
        assert_eq!(found[0].code, "schema-maximum");

        let good = settings(&json!({ "host-name": "h" }));
        assert_eq!(plugin.validate(&reach, &good).await.unwrap(), []);
        let profiles = [profile("linux"), profile("windows")];
        let answers = plugin.translate(&reach, &good, &profiles).await.unwrap();
        let body: Value = serde_json::from_str(&answers[0].as_ref().unwrap().to_body()).unwrap();
        assert_eq!(body["steps"][0]["program"], "ping");
        assert!(body.to_string().contains(r#""-c""#), "{body}");
        assert!(answers[1].is_err());

        let report = Report {
            steps: vec![StepReport {
                program: "ping".into(),
                end: StepEnd::Exited(1),
                duration: 5,
                head: String::new(),
                tail: String::new(),
                lines: vec![],
                lines_left_out: 0,
            }],
        };
        let outcomes = plugin.interpret(&reach, &good, &[report]).await.unwrap();
        assert_eq!(outcomes[0].summary, "h does not answer.");
        assert_eq!(outcomes[0].events.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_migrated_by_every_release() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(&folder);
    for release in released() {
        let plugin = load(&host, &release, "migrating").await;
        assert!(plugin.has_migrate() && !plugin.has_interpret());
        let scan: TaskTypeId = "scan".parse().unwrap();
        let old = settings(&json!({ "folder": "/srv" }));
        let new = plugin.migrate(&scan, 1, &old).await.unwrap().unwrap();
        assert_eq!(new.to_value(), json!({ "paths": ["/srv"] }));
        let other = settings(&json!({ "place": "/srv" }));
        let refused = plugin.migrate(&scan, 1, &other).await.unwrap();
        assert_eq!(refused.unwrap_err()[0].code, "settings-unreadable");
    }
}
