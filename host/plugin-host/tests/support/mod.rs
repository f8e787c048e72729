//! What the tests of the plug-in host share: the hostile guest, built once, and a host to load it.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests, of which each program uses a part"
)]

#[path = "../../../../tests/guests/src/behaviour.rs"]
pub mod behaviour;
pub mod capable;

use muster_domain::TaskTypeId;
use muster_domain::settings::Settings;
use muster_plugin_host::{Compiler, Config, Folders, LoadError, Plugin, PluginHost, Terms};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

/// The workspace's folder.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The hostile guest, built from source once for each test program.
pub fn guest() -> &'static [u8] {
    static GUEST: OnceLock<Vec<u8>> = OnceLock::new();
    GUEST.get_or_init(|| built("muster-test-guests"))
}

/// A guest, built from source. Cargo does nothing if it is built already.
pub fn built(package: &str) -> Vec<u8> {
    // A target folder of its own: whoever runs these tests may hold the lock of the usual one.
    let target = Path::new(env!("CARGO_BIN_EXE_muster-compiler"))
        .ancestors()
        .nth(2)
        .unwrap()
        .join("guests");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", package, "--lib"])
        .args(["--target", "wasm32-wasip2", "--profile", "guest"])
        .arg("--target-dir")
        .arg(&target)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .current_dir(workspace())
        .status()
        .unwrap();
    assert!(
        status.success(),
        "{package} must build; `cargo xtask test` adds the wasm target"
    );
    let file = format!("{}.wasm", package.replace('-', "_"));
    std::fs::read(target.join("wasm32-wasip2/guest").join(file)).unwrap()
}

/// The guest with a behaviour.
pub fn guest_that(behaviour: &str) -> Arc<[u8]> {
    assert!(
        behaviour::ALL.contains(&behaviour),
        "the guest knows no behaviour {behaviour}"
    );
    with_slot(guest(), behaviour::SLOT, behaviour::SLOT_BYTES, behaviour)
}

/// A component with a text in the one slot of its data that is for it.
pub fn with_slot(component: &[u8], slot: &[u8], size: usize, text: &str) -> Arc<[u8]> {
    let mut bytes = component.to_vec();
    let slots: Vec<usize> = bytes
        .windows(size)
        .enumerate()
        .filter(|(_, window)| {
            window.starts_with(slot) && window[slot.len()..].iter().all(|byte| *byte == 0)
        })
        .map(|(at, _)| at)
        .collect();
    let [at] = slots[..] else {
        panic!("the guest has {} slots for its behaviour", slots.len())
    };
    let written = &mut bytes[at..at + size];
    written.fill(0);
    written[..text.len()].copy_from_slice(text.as_bytes());
    bytes.into()
}

/// A host in a folder of its own, which goes when it is dropped.
pub struct TestHost {
    pub folder: tempfile::TempDir,
    pub host: Arc<PluginHost>,
}

impl TestHost {
    pub fn new() -> Self {
        Self::with(Config::default())
    }

    pub fn with(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = start(&folder.path().join("private"), config);
        Self { folder, host }
    }

    pub fn private(&self) -> PathBuf {
        self.folder.path().join("private")
    }

    /// The files of compiled code.
    pub fn compiled(&self) -> Vec<PathBuf> {
        let folder = std::fs::read_dir(self.private().join("compiled")).unwrap();
        folder.map(|entry| entry.unwrap().path()).collect()
    }

    pub async fn load(&self, behaviour: &str) -> Result<Arc<Plugin>, LoadError> {
        self.host
            .load(guest_that(behaviour), Terms::default())
            .await
    }
}

pub fn start(private: &Path, config: Config) -> Arc<PluginHost> {
    let compiler = Compiler {
        program: env!("CARGO_BIN_EXE_muster-compiler").into(),
        arguments: vec![],
    };
    PluginHost::start(
        config,
        Folders {
            private: private.to_owned(),
            files: private.with_file_name("files"),
        },
        compiler,
    )
    .unwrap()
}

/// The task type of the guest.
pub fn act() -> TaskTypeId {
    "act".parse().unwrap()
}

/// Settings that tell the guest what to do.
pub fn told_to(word: &str) -> Settings {
    Settings::from_value(&serde_json::json!({"do": word})).unwrap()
}
