//! What is called: ClamAV's plug-in, its settings, and the profiles of a thousand devices.

use crate::child::{Child, Request};
use anyhow::{Context, Result, ensure};
use muster_clamav::ClamAv;
use muster_domain::TaskTypeId;
use muster_domain::profile::{Profile as HostProfile, ProfileCount};
use muster_domain::settings::Settings;
use muster_plugin_host::{Compiler, Config, Folders, PluginHost, Terms};
use muster_sdk::{Command, Plugin as _, Profile, Refusal, Verdict};
use muster_test_harness::Programs;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// First argument of this program as the compiling child.
pub(crate) const COMPILE: &str = "compile-component";
/// Devices of a batch.
pub(crate) const BATCH: u32 = 1000;
/// The task type that is asked about.
pub(crate) const TASK_TYPE: &str = "scan";

/// About 1 KB, and every one of the settings but one is given.
const SETTINGS: &str = r#"{
    "area": "paths",
    "paths": ["/srv/files/accounting", "/srv/files/engineering", "/srv/files/marketing",
        "/srv/files/people", "/home", "/var/www/html/uploads", "/opt/shared/incoming",
        "/mnt/archive/2026"],
    "exclusions": {
        "paths": ["/srv/files/accounting/backup", "/srv/files/engineering/build-cache",
            "/home/virtual-machines", "/mnt/archive/2026/snapshots", "/opt/shared/incoming/.partial",
            "/var/www/html/uploads/thumbnails"],
        "patterns": ["*.iso", "*.vmdk", "*.qcow2", "disk-?.img", "*.log.gz", "core.*"]
    },
    "archives": { "scan": true, "max-recursion": 12, "max-files": 20000, "max-scan-size": 800 },
    "max-file-size": 250,
    "one-file-system": true,
    "unwanted-applications": true,
    "on-detection": "quarantine",
    "quarantine-folder": "/var/lib/muster/quarantine/clamav",
    "database-folder": "/var/lib/clamav/managed-databases"
}"#;

/// The same fields with shorter lists: the answer for a thousand devices has to stay below the 4 MiB
/// that an answer may have.
const SHORT_SETTINGS: &str = r#"{
    "area": "paths",
    "paths": ["/srv/files/accounting", "/home"],
    "exclusions": { "paths": ["/srv/files/accounting/backup"], "patterns": ["*.iso", "*.vmdk"] },
    "archives": { "scan": true, "max-recursion": 12, "max-files": 20000, "max-scan-size": 800 },
    "max-file-size": 250,
    "one-file-system": true,
    "unwanted-applications": true,
    "on-detection": "quarantine",
    "quarantine-folder": "/var/lib/muster/quarantine/clamav",
    "database-folder": "/var/lib/clamav/managed-databases"
}"#;

/// The plug-in in all its forms, and what it is asked.
pub(crate) struct Subject {
    pub(crate) plugin: Arc<muster_plugin_host::Plugin>,
    pub(crate) task_type: TaskTypeId,
    /// For `validate`.
    pub(crate) settings: Settings,
    /// For `translate`.
    pub(crate) short: Settings,
    /// For the host.
    pub(crate) one: Vec<ProfileCount>,
    /// For the host, a thousand.
    pub(crate) many: Vec<ProfileCount>,
    /// The same for the native plug-in.
    pub(crate) native_one: Vec<Profile>,
    pub(crate) native_many: Vec<Profile>,
    // The folder of compiled code.
    _folder: tempfile::TempDir,
}

impl Subject {
    pub(crate) fn load(runtime: &Runtime, component: Option<&Path>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("muster-bench-").tempdir()?;
        let component = match component {
            Some(path) => path.to_owned(),
            None => Programs::find()?.plugin("clamav")?,
        };
        let bytes = std::fs::read(&component)
            .with_context(|| format!("cannot read {}", component.display()))?;
        let compiler = Compiler {
            program: std::env::current_exe()?,
            arguments: vec![COMPILE.into()],
        };
        let folders = Folders {
            private: folder.path().join("plug-ins"),
            files: folder.path().join("plug-in-files"),
        };
        let host = PluginHost::start(Config::default(), folders, compiler)?;
        let plugin = runtime.block_on(host.load(bytes.into(), Terms::default()))?;
        let profile = |number| HostProfile {
            platform: "linux".into(),
            architecture: "x86_64".into(),
            application_version: Some(format!("1.4.{number}")),
            facts: Vec::new(),
        };
        let many: Vec<ProfileCount> = (0..BATCH)
            .map(|number| ProfileCount {
                profile: profile(number),
                devices: 1,
            })
            .collect();
        let native_many: Vec<Profile> = many.iter().map(native).collect();
        Ok(Self {
            plugin,
            task_type: TASK_TYPE.parse()?,
            settings: settings(SETTINGS)?,
            short: settings(SHORT_SETTINGS)?,
            one: many.iter().take(1).cloned().collect(),
            native_one: native_many.iter().take(1).cloned().collect(),
            many,
            native_many,
            _folder: folder,
        })
    }

    /// That all forms give the same answers, so that the same work is compared.
    pub(crate) fn check(&self, runtime: &Runtime) -> Result<()> {
        let verdict = self.native_verdict()?;
        ensure!(
            verdict.findings.is_empty(),
            "the settings that are measured with have findings: {:?}",
            verdict.findings
        );
        let findings = runtime.block_on(self.plugin.validate(&self.task_type, &self.settings))?;
        ensure!(findings.is_empty(), "the component finds: {findings:?}");
        let native = serde_json::to_value(
            self.native_commands(&self.native_one)
                .pop()
                .context("no native answer")?
                .map_err(|refusal| anyhow::anyhow!("refused: {refusal:?}"))?,
        )?;
        let mut child = Child::start()?;
        let lines: Vec<Result<Command, Refusal>> = child.ask(&Request::translate(
            self.settings.as_str(),
            &self.native_many,
        ))?;
        ensure!(lines.len() == self.many.len(), "the child left some out");
        let mut arguments = 0;
        for answer in self
            .plugin
            .translate_here(&self.task_type, &self.short, &self.many)?
        {
            let command = answer.map_err(|refusal| anyhow::anyhow!("refused: {refusal:?}"))?;
            arguments = command.steps.iter().map(|step| step.arguments.len()).sum();
        }
        let native_arguments: usize = native
            .pointer("/steps")
            .and_then(serde_json::Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|step| step.get("arguments")?.as_array().map(Vec::len))
            .sum();
        ensure!(
            arguments == native_arguments && arguments > 0,
            "the component's command has {arguments} arguments, the native one {native_arguments}: \
             they were built from different sources; run `cargo xtask plugins`"
        );
        Ok(())
    }

    pub(crate) fn native_verdict(&self) -> Result<Verdict> {
        ClamAv::validate(TASK_TYPE, self.settings.as_str())
            .map_err(|failure| anyhow::anyhow!("{failure:?}"))
    }

    pub(crate) fn native_commands(&self, profiles: &[Profile]) -> Vec<Result<Command, Refusal>> {
        ClamAv::translate(TASK_TYPE, self.short.as_str(), profiles)
    }

    /// What was measured, in a sentence.
    pub(crate) fn describe(&self) -> String {
        format!(
            "The plug-in is ClamAV's (component of {} KiB), the task type `{TASK_TYPE}`. `validate` gets settings of {} bytes of JSON with {} fields; \
             `translate` the same fields with shorter lists, {} bytes, of which a command of {} steps and {} arguments comes.",
            self.plugin.size().div_ceil(1024),
            self.settings.as_str().len(),
            self.settings
                .to_value()
                .as_object()
                .map_or(0, serde_json::Map::len),
            self.short.as_str().len(),
            self.steps().0,
            self.steps().1,
        )
    }

    fn steps(&self) -> (usize, usize) {
        let commands = self.native_commands(&self.native_one);
        let steps = commands.iter().flatten().flat_map(|command| &command.steps);
        (
            steps.clone().count(),
            steps.map(|step| step.arguments.len()).sum(),
        )
    }
}

fn settings(text: &str) -> Result<Settings> {
    Settings::parse(text).map_err(|finding| anyhow::anyhow!(finding.text))
}

fn native(count: &ProfileCount) -> Profile {
    let ProfileCount { profile, devices } = count;
    Profile {
        platform: profile.platform.clone(),
        architecture: profile.architecture.clone(),
        application_version: profile.application_version.clone(),
        facts: profile.facts.clone(),
        devices: *devices,
    }
}
