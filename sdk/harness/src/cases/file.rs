//! The files of a case.

use muster_domain::TaskTypeId;
use muster_domain::profile::Profile;
use muster_domain::report::Report;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// More than any file of a case needs: reports are at most some MiB.
const MOST_BYTES: u64 = 64 << 20;

/// A case as its files have it, without the answers.
#[derive(Debug, Clone)]
pub(super) struct CaseFiles {
    pub(super) folder: PathBuf,
    /// The folder's name.
    pub(super) name: String,
    pub(super) task: CaseTask,
    pub(super) report: Option<Report>,
    pub(super) budget: Budget,
}

/// `task.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct CaseTask {
    pub(super) task_type: TaskTypeId,
    pub(super) settings: Value,
    #[serde(default)]
    profile: CaseProfile,
}

/// A profile in the words of the contract.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct CaseProfile {
    platform: String,
    architecture: String,
    #[serde(default)]
    application_version: Option<String>,
    #[serde(default)]
    facts: Vec<(String, Option<String>)>,
    #[serde(default = "one")]
    devices: u32,
}

fn one() -> u32 {
    1
}

impl Default for CaseProfile {
    fn default() -> Self {
        Self {
            platform: "linux".into(),
            architecture: "x86_64".into(),
            application_version: None,
            facts: Vec::new(),
            devices: 1,
        }
    }
}

impl CaseTask {
    pub(super) fn profile(&self) -> (Profile, u32) {
        let CaseProfile {
            platform,
            architecture,
            application_version,
            facts,
            devices,
        } = self.profile.clone();
        let profile = Profile {
            platform,
            architecture,
            application_version,
            facts,
        };
        (profile, devices.max(1))
    }
}

/// `budget.json`: what each call of the case may take. What is left out has no budget but the
/// server's limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Budget {
    /// Of a processor's time.
    milliseconds: Option<f64>,
    /// Of memory.
    mebibytes: Option<f64>,
}

impl Budget {
    /// What of it was passed, in words.
    pub(super) fn passed(&self, time: Duration, memory: u64) -> Vec<String> {
        let took = time.as_secs_f64() * 1e3;
        #[expect(
            clippy::cast_precision_loss,
            reason = "memory has far fewer than 2^52 bytes"
        )]
        let had = memory as f64 / f64::from(1 << 20);
        let mut passed = Vec::new();
        if let Some(most) = self.milliseconds.filter(|most| took > *most) {
            passed.push(format!("it took {took:.2} ms, and may take {most} ms"));
        }
        if let Some(most) = self.mebibytes.filter(|most| had > *most) {
            passed.push(format!(
                "it had {had:.2} MiB of memory, and may have {most} MiB"
            ));
        }
        passed
    }
}

/// A case whose files cannot be read: its name, and why.
pub(super) type Unread = (String, String);

/// All cases of a folder in the order of their names.
pub(super) fn all(folder: &Path) -> Result<Vec<Result<CaseFiles, Unread>>, String> {
    let entries = std::fs::read_dir(folder)
        .map_err(|cause| format!("cannot list {}: {cause}", folder.display()))?;
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    Ok(folders.into_iter().map(case).collect())
}

fn case(folder: PathBuf) -> Result<CaseFiles, Unread> {
    let name = folder.file_name().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let files = || {
        let task = read(&folder.join("task.json"))?;
        let task: CaseTask =
            task.ok_or_else(|| format!("{} has no task.json", folder.display()))?;
        let report = read(&folder.join("report.json"))?;
        let budget = read(&folder.join("budget.json"))?.unwrap_or_default();
        Ok((task, report, budget))
    };
    match files() {
        Ok((task, report, budget)) => Ok(CaseFiles {
            folder,
            name,
            task,
            report,
            budget,
        }),
        Err(why) => Err((name, why)),
    }
}

/// Reads a JSON file; none if there is none.
pub(super) fn read<T: DeserializeOwned>(file: &Path) -> Result<Option<T>, String> {
    let failed =
        |cause: &dyn std::fmt::Display| format!("{} cannot be read: {cause}", file.display());
    match std::fs::metadata(file) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Ok(found) if found.len() > MOST_BYTES => return Err(failed(&"it is larger than 64 MiB")),
        // What else is wrong with it is told by reading it.
        _ => {}
    }
    let text = std::fs::read(file).map_err(|cause| failed(&cause))?;
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|cause| failed(&cause))
}
