//! Configuration: `server.default.toml`, then the file, then the environment.
//!
//! The embedded file is the bottom layer, so that documentation and defaults are one text: the keys
//! that it holds are the keys that there are, and each value is of the type of its default. Text
//! becomes typed values here, once.

mod outbreak;
mod wake;

pub use outbreak::{OutbreakConfig, OutbreakThreshold};
pub use wake::WakeConfig;

use crate::nearest::nearest;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The bottom layer, as it is documented.
pub const DEFAULTS: &str = include_str!("../server.default.toml");

const ENVIRONMENT: &str = "MUSTER_SERVER_";

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
        /// The file.
        place: String,
        /// Where and why.
        #[source]
        cause: toml::de::Error,
    },
    /// A key that does not exist.
    #[error("{place}: unknown key `{key}`; {remedy}")]
    UnknownKey {
        /// The file, or the environment.
        place: String,
        /// The key, with its section.
        key: String,
        /// What was probably meant.
        remedy: String,
    },
    /// A value of another type than it must be.
    #[error("{place}: `{key}` must be {wanted}, not {given}")]
    Type {
        /// The file, or the environment.
        place: String,
        /// The key, with its section.
        key: String,
        /// What it must be.
        wanted: &'static str,
        /// What was given.
        given: String,
    },
    /// A value that cannot be used.
    #[error("the configuration cannot be used")]
    Value(#[source] toml::de::Error),
    /// A number out of its range.
    #[error("configuration key `{key}` is {value}; it must be from {least} to {most}")]
    Range {
        /// The key, with its section.
        key: &'static str,
        /// What was given.
        value: u32,
        /// The least.
        least: u32,
        /// The greatest.
        most: u32,
    },
    /// A text that is no address.
    #[error(
        "configuration key `{key}` is \"{value}\"; write an address and a port, such as 192.0.2.255:9"
    )]
    Address {
        /// The key, with its section.
        key: &'static str,
        /// What was given.
        value: String,
    },
    /// A certificate without a key, or a key without a certificate.
    #[error("`tls.certificate` and `tls.key` go together: set both, or neither")]
    HalfCertificate,
}

/// What an administrator of the host can set.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Whether no plug-in is loaded.
    pub safe_mode: bool,
    /// The server's certificates.
    pub tls: TlsConfig,
    /// Bounds of the HTTPS face.
    pub http: HttpConfig,
    /// What is logged, and how.
    pub log: LogConfig,
    /// The plug-in host.
    #[serde(rename = "plug-ins")]
    pub plugins: muster_plugin_host::Config,
    /// Revisions of plug-ins.
    pub revisions: RevisionsConfig,
    /// Where plug-ins are fetched from.
    pub registries: RegistriesConfig,
    /// What makes a malware outbreak.
    pub outbreak: OutbreakConfig,
    /// How sleeping devices are woken.
    pub wake: WakeConfig,
    /// The vault of secrets.
    pub vault: VaultConfig,
}

/// The vault of secrets.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VaultConfig {
    /// The file with its key; empty for the one in the data folder.
    pub key: PathBuf,
}

impl ConfigError {
    fn range(key: &'static str, value: u32, least: u32, most: u32) -> Result<(), Self> {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(Self::Range {
            key,
            value,
            least,
            most,
        })
    }
}

/// How registries are reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RegistriesConfig {
    /// User names and passwords; empty if there are none.
    pub credentials: PathBuf,
    /// CA certificates; empty for those of the operating system.
    pub ca: PathBuf,
    /// Those without TLS.
    pub plain: Vec<String>,
    /// Seconds for a whole fetch.
    pub time: u32,
}

impl RegistriesConfig {
    /// With the size of the largest component, which stands elsewhere.
    pub(crate) fn for_components(self, component_most: usize) -> muster_app::Registries {
        let given = |file: PathBuf| Some(file).filter(|file| !file.as_os_str().is_empty());
        muster_app::Registries {
            credentials: given(self.credentials),
            ca: given(self.ca),
            plain: self.plain,
            component_most,
            time: std::time::Duration::from_secs(self.time.into()),
        }
    }
}

/// Revisions of plug-ins.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RevisionsConfig {
    /// How many that were at work before are kept, for a roll-back.
    pub keep: u32,
    /// Seconds that one that was put aside for its faults rests before it may prove itself.
    pub probe_after: u32,
}

/// The server's certificates.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TlsConfig {
    /// More names and addresses for the server's own certificate.
    pub names: Vec<String>,
    /// A given certificate chain; empty if there is none.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl TlsConfig {
    /// The given certificate and key, if there are.
    pub fn given(&self) -> Option<(&Path, &Path)> {
        (!self.certificate.as_os_str().is_empty()).then_some((&self.certificate, &self.key))
    }
}

/// Bounds of the HTTPS face. Sizes are KiB, times are seconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HttpConfig {
    /// The largest JSON body.
    pub json_size: u32,
    /// The largest import.
    pub import_size: u32,
    /// TLS handshakes at the same time.
    pub most_handshakes: u32,
    /// For a handshake, and then for the first request.
    pub handshake_time: u32,
    /// For the headers of a request, and for each piece of its body.
    pub read_time: u32,
    /// How long a stop waits for requests under way.
    pub stop_time: u32,
}

/// What is logged, and how.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LogConfig {
    /// Levels, also by part.
    pub filter: String,
    /// For people or for programs.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Reads the layers. `file` is what the command line named; `environment` yields names and
    /// values.
    pub fn read(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut table = parse(DEFAULTS, "server.default.toml")?;
        if let Some(file) = file {
            let text = std::fs::read_to_string(file).map_err(|cause| ConfigError::Unreadable {
                file: file.to_owned(),
                cause,
            })?;
            let place = file.display().to_string();
            let layer = parse(&text, &place)?;
            lay(&mut table, layer, &place, "")?;
        }
        lay_environment(&mut table, environment)?;
        let config = Self::deserialize(Value::Table(table)).map_err(ConfigError::Value)?;
        config.check()
    }

    fn check(self) -> Result<Self, ConfigError> {
        let http = &self.http;
        for (key, value, least, most) in [
            ("http.json-size", http.json_size, 16, 65_536),
            ("http.import-size", http.import_size, 1, 256),
            ("http.most-handshakes", http.most_handshakes, 1, 10_000),
            ("http.handshake-time", http.handshake_time, 1, 600),
            ("http.read-time", http.read_time, 1, 600),
            ("http.stop-time", http.stop_time, 0, 600),
            ("registries.time", self.registries.time, 5, 3600),
            ("revisions.probe-after", self.revisions.probe_after, 1, 3600),
        ] {
            ConfigError::range(key, value, least, most)?;
        }
        self.outbreak.check()?;
        self.wake.check()?;
        let tls = &self.tls;
        if tls.certificate.as_os_str().is_empty() != tls.key.as_os_str().is_empty() {
            return Err(ConfigError::HalfCertificate);
        }
        Ok(self)
    }
}

fn parse(text: &str, place: &str) -> Result<Table, ConfigError> {
    text.parse().map_err(|cause| ConfigError::Syntax {
        place: place.to_owned(),
        cause,
    })
}

/// Lays a layer over what is there. `section` is the path of the tables, with a dot at its end.
fn lay(below: &mut Table, layer: Table, place: &str, section: &str) -> Result<(), ConfigError> {
    let known: Vec<String> = below.keys().cloned().collect();
    for (key, value) in layer {
        let Some(slot) = below.get_mut(&key) else {
            return Err(unknown(
                place,
                format!("{section}{key}"),
                &key,
                known
                    .iter()
                    .map(|key| (key.as_str(), format!("{section}{key}"))),
            ));
        };
        match (slot, value) {
            (Value::Table(below), Value::Table(layer)) => {
                lay(below, layer, place, &format!("{section}{key}."))?;
            }
            (slot, value) if slot.same_type(&value) => *slot = value,
            (slot, value) => {
                return Err(ConfigError::Type {
                    place: place.to_owned(),
                    key: format!("{section}{key}"),
                    wanted: wanted(slot),
                    given: value.to_string(),
                });
            }
        }
    }
    Ok(())
}

fn lay_environment(
    table: &mut Table,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<(), ConfigError> {
    let mut paths = Vec::new();
    leaves(table, &mut Vec::new(), &mut paths);
    let names: Vec<(String, Vec<String>)> = paths
        .into_iter()
        .map(|path| (path.join("_").replace('-', "_").to_uppercase(), path))
        .collect();
    for (name, text) in environment {
        let Some(key) = name.strip_prefix(ENVIRONMENT) else {
            continue;
        };
        let Some((_, path)) = names.iter().find(|(known, _)| known == key) else {
            let known = names
                .iter()
                .map(|(known, _)| (known.as_str(), format!("{ENVIRONMENT}{known}")));
            return Err(unknown("the environment", name.clone(), key, known));
        };
        if let Some(slot) = at(table, path) {
            *slot = typed(slot, &text).ok_or_else(|| ConfigError::Type {
                place: "the environment".into(),
                key: name.clone(),
                wanted: wanted(slot),
                given: format!("{text:?}"),
            })?;
        }
    }
    Ok(())
}

/// The text as a value of the same type as `like`; lists are separated by commas.
fn typed(like: &Value, text: &str) -> Option<Value> {
    Some(match like {
        Value::Integer(_) => Value::Integer(text.trim().parse().ok()?),
        Value::Boolean(_) => Value::Boolean(text.trim().parse().ok()?),
        Value::Array(_) => text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(|item| Value::String(item.to_owned()))
            .collect::<Vec<_>>()
            .into(),
        _ => Value::String(text.to_owned()),
    })
}

fn leaves(table: &Table, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    for (key, value) in table {
        path.push(key.clone());
        match value {
            Value::Table(inner) => leaves(inner, path, found),
            _ => found.push(path.clone()),
        }
        path.pop();
    }
}

fn at<'t>(table: &'t mut Table, path: &[String]) -> Option<&'t mut Value> {
    let (last, sections) = path.split_last()?;
    let mut table = table;
    for section in sections {
        table = table.get_mut(section)?.as_table_mut()?;
    }
    table.get_mut(last)
}

fn wanted(like: &Value) -> &'static str {
    match like {
        Value::Integer(_) => "a whole number",
        Value::Boolean(_) => "true or false",
        Value::Array(_) => "a list of texts",
        Value::Table(_) => "a section",
        _ => "a text in quotes",
    }
}

/// `known` yields what is compared, and what is shown.
fn unknown<'k>(
    place: &str,
    key: String,
    given: &str,
    known: impl Iterator<Item = (&'k str, String)>,
) -> ConfigError {
    let known: Vec<(&str, String)> = known.collect();
    let shown = |word: &str| {
        known
            .iter()
            .find(|(key, _)| *key == word)
            .map(|(_, shown)| shown)
    };
    let meant = nearest(given, known.iter().map(|(key, _)| *key)).and_then(shown);
    let remedy = meant.map_or_else(
        || {
            let all: Vec<&str> = known.iter().map(|(_, shown)| shown.as_str()).collect();
            format!("known are {}", all.join(", "))
        },
        |meant| format!("did you mean `{meant}`?"),
    );
    ConfigError::UnknownKey {
        place: place.to_owned(),
        key,
        remedy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.toml");
        std::fs::write(&file, text).unwrap();
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::read(Some(&file), environment)
    }

    fn problem(text: &str, environment: &[(&str, &str)]) -> String {
        read(text, environment).unwrap_err().to_string()
    }

    #[test]
    fn the_embedded_file_says_what_the_plug_in_host_defaults_to() {
        let config = Config::read(None, []).unwrap();
        assert_eq!(config.plugins, muster_plugin_host::Config::default());
        assert_eq!(config.listen.to_string(), "127.0.0.1:8443");
        assert_eq!(config.tls.given(), None);
    }

    #[test]
    fn file_and_environment_stand_over_the_defaults() {
        let config = read(
            "listen = \"[::1]:1\"\n[plug-ins]\nmemory = 7\nqueue = 3",
            &[
                ("MUSTER_SERVER_PLUG_INS_MEMORY", "9"),
                ("MUSTER_SERVER_PLUG_INS_COMPILE_PROCESSOR_TIME", "8"),
                ("MUSTER_SERVER_TLS_NAMES", "a.example, 10.0.0.1"),
                ("MUSTER_SERVER", "https://for-the-command-line"),
            ],
        )
        .unwrap();
        assert_eq!(config.listen.port(), 1);
        assert_eq!(config.plugins.memory, 9);
        assert_eq!(config.plugins.queue, 3);
        assert_eq!(config.plugins.compile.processor_time, 8);
        assert_eq!(config.tls.names, ["a.example", "10.0.0.1"]);
    }

    #[test]
    fn an_unknown_key_is_named_with_the_one_that_was_meant() {
        let text = problem("[plug-ins]\nmemroy = 7", &[]);
        assert!(text.contains("server.toml"), "{text}");
        assert!(text.ends_with("unknown key `plug-ins.memroy`; did you mean `plug-ins.memory`?"));
        assert!(problem("lisen = \"x\"", &[]).ends_with("did you mean `listen`?"));
        assert!(problem("zz = 1", &[]).contains("known are http, listen"));
        let text = problem("", &[("MUSTER_SERVER_PLUGINS_MEMORY", "1")]);
        assert!(
            text.ends_with("did you mean `MUSTER_SERVER_PLUG_INS_MEMORY`?"),
            "{text}"
        );
    }

    #[test]
    fn a_value_that_cannot_be_used_is_named() {
        let text = problem("[plug-ins]\nmemory = \"much\"", &[]);
        assert!(
            text.contains("`plug-ins.memory` must be a whole number, not \"much\""),
            "{text}"
        );
        assert!(problem("", &[("MUSTER_SERVER_HTTP_READ_TIME", "x")]).contains("a whole number"));
        assert!(problem("[http]\nread-time = 0", &[]).contains("from 1 to 600"));
        assert!(problem("[tls]\nkey = \"k\"", &[]).contains("go together"));
        assert!(problem("listen =", &[]).contains("server.toml"));
        assert!(read("listen = \"here\"", &[]).is_err());
    }
}
