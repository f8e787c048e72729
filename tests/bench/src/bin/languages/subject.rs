//! What is measured: the component in each language, compiled, and what it is asked.

use anyhow::{Context as _, Result, ensure};
use muster_domain::TaskTypeId;
use muster_domain::profile::{Profile, ProfileCount};
use muster_domain::settings::Settings;
use muster_plugin_host::{Compiler, Config, Folders, Plugin, PluginHost, Terms};
use muster_test_harness::Programs;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// First argument of this program as its own compiling child.
pub(crate) const COMPILE: &str = "compile-component";

/// The languages; all others are compared with the first.
pub(crate) const LANGUAGES: [&str; 4] = ["rust", "c", "javascript", "python"];

/// Settings with each of the ten fields.
pub(crate) const SETTINGS: &str = r#"{
    "paths": ["/srv/files/accounting", "/srv/files/engineering", "/srv/files/marketing",
        "/srv/files/people", "/home", "/var/www/html/uploads", "/opt/shared/incoming",
        "/mnt/archive/2026"],
    "exclusions": ["/srv/files/accounting/backup", "/srv/files/engineering/build-cache",
        "/home/virtual-machines", "/mnt/archive/2026/snapshots", "/opt/shared/incoming/.partial",
        "/var/www/html/uploads/thumbnails", "/srv/files/people/photographs/originals",
        "/srv/files/marketing/videos/rendered", "/srv/files/engineering/node_modules",
        "/home/service-accounts/continuous-integration", "/mnt/archive/2026/quarantined-mail"],
    "depth": 40,
    "largest-file": 250000000,
    "archives": true,
    "mail": false,
    "threads": 4,
    "heuristics": "high",
    "on-detection": "quarantine",
    "quarantine-folder": "/var/lib/muster/quarantine/scanner"
}"#;

/// A component that was compiled, and what that took.
pub(crate) struct Subject {
    pub(crate) plugin: Arc<Plugin>,
    /// How long the gate took.
    pub(crate) gate: Duration,
    /// Its compiled code.
    pub(crate) code: PathBuf,
    /// It ends calls at their limits for as long as it is there.
    _host: Arc<PluginHost>,
}

impl Subject {
    /// Loads the component in a language, in a folder of its own.
    pub(crate) async fn load(language: &str, folder: &Path) -> Result<Self> {
        let file = Programs::find()?.language(language)?;
        let component: Arc<[u8]> = std::fs::read(&file)
            .with_context(|| format!("cannot read {}", file.display()))?
            .into();
        // One for each, so that its folder holds one file of compiled code.
        let host = host(folder)?;
        let began = Instant::now();
        let plugin = host.load(component, Terms::default()).await?;
        let gate = began.elapsed();
        ensure!(
            plugin.validate_here(&scan()?, &settings()?)?.is_empty(),
            "the settings that are measured with have findings"
        );
        Ok(Self {
            plugin,
            gate,
            code: largest(folder)?,
            _host: host,
        })
    }
}

/// A host whose files lie in a folder; this program is its compiling child.
fn host(folder: &Path) -> Result<Arc<PluginHost>> {
    let compiler = Compiler {
        program: std::env::current_exe()?,
        arguments: vec![OsString::from(COMPILE)],
    };
    let folders = Folders {
        private: folder.join("private"),
        files: folder.join("files"),
    };
    std::fs::create_dir_all(folder)?;
    Ok(PluginHost::start(Config::default(), folders, compiler)?)
}

/// The largest file below a folder: compiled code.
fn largest(folder: &Path) -> Result<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let mut found: Option<(u64, PathBuf)> = None;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let size = entry.metadata()?.len();
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if found.as_ref().is_none_or(|(most, _)| size > *most) {
                found = Some((size, entry.path()));
            }
        }
    }
    found
        .map(|(_, path)| path)
        .context("there is no compiled code")
}

/// The one task type.
pub(crate) fn scan() -> Result<TaskTypeId> {
    Ok("scan".parse()?)
}

/// What is asked with.
pub(crate) fn settings() -> Result<Settings> {
    Settings::parse(SETTINGS).map_err(|finding| anyhow::anyhow!(finding.text))
}

/// A profile of so many devices.
pub(crate) fn devices(devices: u32) -> ProfileCount {
    ProfileCount {
        profile: Profile {
            platform: "linux".into(),
            architecture: "x86_64".into(),
            application_version: Some("1.0".into()),
            facts: Vec::new(),
        },
        devices,
    }
}
