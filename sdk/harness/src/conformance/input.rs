//! An input, as small as it goes, and the case file that it becomes.

use crate::{Profile, ProfileCount, Report};
use serde_json::{Map, Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a plug-in was asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Input {
    /// The settings. A text that is no JSON is the whole text that `validate` got.
    pub settings: Value,
    /// The devices, for `translate`.
    pub profiles: Vec<ProfileCount>,
    /// The reports, for `interpret`.
    pub reports: Vec<Report>,
    /// The version that the settings are of, for `migrate`.
    pub from_version: Option<u32>,
}

impl Input {
    /// Of settings alone.
    pub(crate) fn settings(settings: &Value) -> Self {
        Self {
            settings: settings.clone(),
            ..Self::default()
        }
    }

    /// As JSON, with only what there is.
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("settings".to_owned(), self.settings.clone());
        if let Some(version) = self.from_version {
            members.insert("from-version".to_owned(), json!(version));
        }
        if !self.profiles.is_empty() {
            members.insert(
                "profiles".to_owned(),
                self.profiles.iter().map(profile).collect(),
            );
        }
        if !self.reports.is_empty() {
            members.insert("reports".to_owned(), json!(self.reports));
        }
        Value::Object(members)
    }

    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        let list = |name: &str| {
            value
                .get(name)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        Some(Self {
            settings: value.get("settings")?.clone(),
            profiles: list("profiles")
                .iter()
                .map(read_profile)
                .collect::<Option<_>>()?,
            reports: list("reports")
                .into_iter()
                .map(|of| serde_json::from_value(of).ok())
                .collect::<Option<_>>()?,
            from_version: match value.get("from-version") {
                Some(version) => Some(u32::try_from(version.as_u64()?).ok()?),
                None => None,
            },
        })
    }

    /// Writes it as a case for `muster plugin test` and the SDKs' `cases`: a folder with `task.json`
    /// and, where there is one, `report.json`. An input about several devices or reports has one of
    /// each there and all of them in `input.json`. Answers are left to be filled in.
    pub fn write_case(&self, folder: &Path, task_type: &str) -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let mut task = json!({ "task-type": task_type, "settings": self.settings });
        if let (Some(of), Some(task)) = (self.profiles.first(), task.as_object_mut()) {
            task.insert("profile".to_owned(), profile(of));
        }
        write(&folder.join("task.json"), &task)?;
        if let Some(report) = self.reports.first() {
            write(&folder.join("report.json"), &json!(report))?;
        }
        if self.profiles.len() > 1 || self.reports.len() > 1 || self.from_version.is_some() {
            write(&folder.join("input.json"), &self.to_json())?;
        }
        Ok(folder.to_owned())
    }
}

fn write(file: &Path, value: &Value) -> io::Result<()> {
    fs::write(file, format!("{value:#}\n"))
}

fn profile(of: &ProfileCount) -> Value {
    let Profile {
        platform,
        architecture,
        application_version,
        facts,
    } = &of.profile;
    json!({
        "platform": platform,
        "architecture": architecture,
        "application-version": application_version,
        "facts": facts,
        "devices": of.devices,
    })
}

fn read_profile(value: &Value) -> Option<ProfileCount> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(ProfileCount {
        profile: Profile {
            platform: text("platform")?,
            architecture: text("architecture")?,
            application_version: text("application-version"),
            facts: serde_json::from_value(value.get("facts")?.clone()).ok()?,
        },
        devices: u32::try_from(value.get("devices")?.as_u64()?).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_read_as_it_was_written() {
        let input = Input {
            settings: json!({"a": [1, "x"]}),
            profiles: vec![ProfileCount {
                profile: Profile {
                    platform: "linux".into(),
                    architecture: "x86_64".into(),
                    application_version: None,
                    facts: vec![("a".into(), None), ("b".into(), Some("c".into()))],
                },
                devices: 3,
            }],
            reports: vec![Report::default()],
            from_version: Some(1),
        };
        assert_eq!(Input::from_json(&input.to_json()), Some(input));
        assert_eq!(
            Input::from_json(&json!({"settings": 1, "reports": [7]})),
            None
        );
    }
}
