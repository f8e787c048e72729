//! Configuration: `agent.default.toml`, then the file, then the environment.
//!
//! The embedded file is the bottom layer, so the documentation of a key and its default are one
//! text, and the keys that it holds are the keys that exist. Text becomes typed values here, once.

use crate::nearest::unknown_key;
use crate::user::socket::UserSocket;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The bottom layer, as it is documented.
pub const DEFAULTS: &str = include_str!("../agent.default.toml");

/// Where the file is looked for when the data folder has none.
pub const SYSTEM_FILE: &str = "/etc/muster-agent/agent.toml";

const ENVIRONMENT: &str = "MUSTER_AGENT_";

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration {place} is not valid TOML")]
    Syntax {
        /// The file, or what else it is.
        place: String,
        /// Where and why.
        #[source]
        cause: toml::de::Error,
    },
    /// A key that does not exist.
    #[error("{}: unknown key \"{key}\"; {remedy}", file.display())]
    UnknownKey {
        /// The file.
        file: PathBuf,
        /// The key.
        key: String,
        /// What was probably meant.
        remedy: String,
    },
    /// A value of the wrong type.
    #[error("a value in the configuration is of the wrong type")]
    Value {
        /// Which and why.
        #[source]
        cause: toml::de::Error,
    },
    /// What is no interface and no network.
    #[error("configuration key \"wake\" cannot be used")]
    Wake {
        /// Why.
        #[source]
        cause: muster_domain::wake::InvalidWakeAddress,
    },
    /// A number out of its range.
    #[error("configuration key \"{key}\" is {value}; it must be from {least} to {most}")]
    Range {
        /// The key.
        key: &'static str,
        /// What was given.
        value: u32,
        /// The least.
        least: u32,
        /// The greatest.
        most: u32,
    },
}

/// Which log of the platform gets the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlatformLogChoice {
    /// journald if it is there, else syslog, else none.
    Auto,
    /// journald.
    Journald,
    /// syslog.
    Syslog,
    /// None.
    None,
}

/// What the device is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKindChoice {
    /// As its housing and its programs say.
    Auto,
    /// Somebody works at it.
    Workstation,
    /// Others are served by it.
    Server,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Raw {
    connectors: String,
    poll_seconds: u32,
    grace_seconds: u32,
    most_running: u32,
    most_attempts: u32,
    longest_backoff_seconds: u32,
    keep_deliveries_days: u32,
    keep_log_days: u32,
    most_log_entries: u32,
    platform_log: PlatformLogChoice,
    wake: String,
    device_kind: DeviceKindChoice,
    user_socket: String,
    user_group: String,
}

/// What an agent's owner can set.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder with connectors.
    pub connectors: PathBuf,
    /// Which log of the platform gets the results.
    pub platform_log: PlatformLogChoice,
    /// Where requests of the device's users are taken.
    pub user_socket: UserSocket,
    /// Times, bounds and the like.
    pub tuning: Tuning,
}

/// Times and bounds of an agent, and what it is told of its device.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// Between two looks at the applications.
    pub poll: Duration,
    /// From the gentle signal to the forced one.
    pub grace: Duration,
    /// Deliveries that run at once.
    pub most_running: usize,
    /// Attempts at one delivery.
    pub most_attempts: u32,
    /// Between two attempts to reach the server.
    pub longest_backoff: Duration,
    /// How long ended deliveries are kept.
    pub keep_deliveries: Duration,
    /// How long the local log is kept.
    pub keep_log: Duration,
    /// How many entries it may have.
    pub most_log_entries: u32,
    /// What wakes the device, by its owner's word; empty for what the agent finds.
    pub wake: String,
    /// What the device is for.
    pub device_kind: DeviceKindChoice,
}

impl Default for Tuning {
    fn default() -> Self {
        let day = Duration::from_hours(24);
        Self {
            poll: Duration::from_secs(3),
            grace: Duration::from_secs(10),
            most_running: 16,
            most_attempts: 10,
            longest_backoff: Duration::from_mins(1),
            keep_deliveries: day * 30,
            keep_log: day * 90,
            most_log_entries: 100_000,
            wake: String::new(),
            device_kind: DeviceKindChoice::Auto,
        }
    }
}

impl Config {
    /// Reads the layers. `file` is what the command line named; without it, `agent.toml` in the
    /// data folder and then [`SYSTEM_FILE`] are taken if they exist. `environment` yields names
    /// and values.
    pub fn read(
        data: &Path,
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut table = parse(DEFAULTS, "agent.default.toml")?;
        let file = file.map(Path::to_owned).or_else(|| {
            [data.join("agent.toml"), PathBuf::from(SYSTEM_FILE)]
                .into_iter()
                .find(|file| file.exists())
        });
        if let Some(file) = file {
            let text = std::fs::read_to_string(&file).map_err(|cause| ConfigError::Unreadable {
                file: file.clone(),
                cause,
            })?;
            let layer = parse(&text, &file.display().to_string())?;
            let known: Vec<&str> = table.keys().map(String::as_str).collect();
            if let Some((key, remedy)) = unknown_key(&layer, &known) {
                return Err(ConfigError::UnknownKey { file, key, remedy });
            }
            table.extend(layer);
        }
        for (name, value) in environment {
            let Some(key) = name.strip_prefix(ENVIRONMENT) else {
                continue;
            };
            // Other variables with this beginning are the command line's.
            if let Some(slot) = table.get_mut(&key.to_lowercase().replace('_', "-")) {
                *slot = value
                    .parse()
                    .map_or(toml::Value::String(value), toml::Value::Integer);
            }
        }
        let raw = Raw::deserialize(toml::Value::Table(table))
            .map_err(|cause| ConfigError::Value { cause })?;
        raw.check(data)
    }
}

fn parse(text: &str, place: &str) -> Result<toml::Table, ConfigError> {
    text.parse().map_err(|cause| ConfigError::Syntax {
        place: place.to_owned(),
        cause,
    })
}

impl Raw {
    fn check(self, data: &Path) -> Result<Config, ConfigError> {
        let within = |key, value, least, most| {
            if (least..=most).contains(&value) {
                Ok(value)
            } else {
                Err(ConfigError::Range {
                    key,
                    value,
                    least,
                    most,
                })
            }
        };
        let seconds = |key, value, least, most| {
            within(key, value, least, most).map(|value| Duration::from_secs(value.into()))
        };
        let days = |key, value| {
            within(key, value, 1, 3650).map(|value| Duration::from_hours(u64::from(value) * 24))
        };
        Ok(Config {
            connectors: if self.connectors.is_empty() {
                data.join("connectors")
            } else {
                self.connectors.into()
            },
            platform_log: self.platform_log,
            user_socket: UserSocket {
                path: if self.user_socket.is_empty() {
                    data.join("user.sock")
                } else {
                    self.user_socket.into()
                },
                group: Some(self.user_group).filter(|group| !group.is_empty()),
            },
            tuning: Tuning {
                poll: seconds("poll-seconds", self.poll_seconds, 1, 3600)?,
                grace: seconds("grace-seconds", self.grace_seconds, 0, 600)?,
                most_running: within("most-running", self.most_running, 1, 1000)? as usize,
                most_attempts: within("most-attempts", self.most_attempts, 1, 1000)?,
                longest_backoff: seconds(
                    "longest-backoff-seconds",
                    self.longest_backoff_seconds,
                    1,
                    3600,
                )?,
                keep_deliveries: days("keep-deliveries-days", self.keep_deliveries_days)?,
                keep_log: days("keep-log-days", self.keep_log_days)?,
                most_log_entries: within(
                    "most-log-entries",
                    self.most_log_entries,
                    100,
                    10_000_000,
                )?,
                wake: wake(self.wake)?,
                device_kind: self.device_kind,
            },
        })
    }
}

/// What the owner says wakes the device, if all of it can be read.
fn wake(text: String) -> Result<String, ConfigError> {
    for one in text.split_whitespace() {
        let read = one.parse::<muster_domain::wake::WakeAddress>();
        read.map_err(|cause| ConfigError::Wake { cause })?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("agent.toml"), text).unwrap();
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        Config::read(folder.path(), None, environment)
    }

    #[test]
    fn the_embedded_file_says_what_the_program_defaults_to() {
        let config = read("", &[]).unwrap();
        assert_eq!(
            format!("{:?}", config.tuning),
            format!("{:?}", Tuning::default())
        );
        assert!(config.connectors.ends_with("connectors"));
        assert!(config.user_socket.path.ends_with("user.sock"));
        assert_eq!(config.user_socket.group, None);
    }

    #[test]
    fn the_environment_stands_over_the_file() {
        let config = read(
            "poll-seconds = 7\ngrace-seconds = 1",
            &[("MUSTER_AGENT_POLL_SECONDS", "9")],
        )
        .unwrap();
        assert_eq!(config.tuning.poll, Duration::from_secs(9));
        assert_eq!(config.tuning.grace, Duration::from_secs(1));
    }

    #[test]
    fn a_wrong_key_type_or_number_is_named() {
        let text = |text| {
            let error = read(text, &[]).unwrap_err();
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error}: {}", cause.unwrap_or_default())
        };
        assert!(text("pol-seconds = 7").contains("did you mean \"poll-seconds\"?"));
        assert!(text("poll-seconds = 0").contains("from 1 to 3600"));
        assert!(
            text("poll-seconds = \"x\"").contains("poll-seconds")
                || text("poll-seconds = \"x\"").contains("integer")
        );
        assert!(text("poll-seconds =").contains("agent.toml"));
    }
}
