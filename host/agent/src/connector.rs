//! Connectors: what the device's owner installed so that the agent can drive an application.
//!
//! One TOML file each. It says how to tell that the application is installed, its version and
//! whether it runs, and it is the only place where a program's name becomes a path: what it does
//! not name, no command can run. A file that others may write, or that holds a key which does not
//! exist, is passed over as a whole.

use crate::nearest::unknown_key;
use muster_domain::ApplicationId;
use regex::Regex;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MOST_BYTES: u64 = 64 * 1024;

/// What the agent knows of an application on its device.
#[derive(Debug, Clone)]
pub struct Connector {
    /// Which application.
    pub application: ApplicationId,
    /// Its name for people.
    pub name: String,
    /// It is installed when any of these files exists.
    pub installed: Vec<PathBuf>,
    /// How to ask for its version.
    pub version: Option<VersionRule>,
    /// How to tell that it runs.
    pub running: RunningRule,
    /// The only programs that its commands may run: absolute paths by name.
    pub programs: BTreeMap<String, PathBuf>,
}

/// How to ask for a version.
#[derive(Debug, Clone)]
pub struct VersionRule {
    /// The program to run.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The first group, or else the whole match, is the version.
    pub pattern: Regex,
}

/// How to tell that an application runs.
#[derive(Debug, Clone)]
pub enum RunningRule {
    /// It has no process of its own: it runs when it is installed.
    Installed,
    /// A process of this name exists.
    Process(String),
    /// Something listens on this socket.
    Socket(PathBuf),
    /// The process that this file names exists.
    PidFile(PathBuf),
    /// This program exits with 0.
    Program(PathBuf, Vec<String>),
}

/// Where connectors come from.
#[derive(Debug, Clone)]
pub enum ConnectorSource {
    /// A folder, which is looked at again and again.
    Folder(PathBuf),
    /// These, for an agent that is part of a larger program.
    Given(Arc<[Connector]>),
}

/// Why a connector is passed over.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// File or folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// Somebody else could have written it.
    #[error("{} is not safe: it belongs to user {owner}, mode {mode:03o}; it must belong to root or to the agent's user, and nobody else may write it", path.display())]
    Unsafe {
        /// File or folder.
        path: PathBuf,
        /// The owner's number.
        owner: u32,
        /// Its mode.
        mode: u32,
    },
    /// It is too long.
    #[error("{} is longer than 64 KiB", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// It is no TOML, or a value is missing or of a wrong type.
    #[error("{} is no valid connector", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        cause: toml::de::Error,
    },
    /// A key that does not exist.
    #[error("{}: unknown key \"{key}\"; {remedy}", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key with its table.
        key: String,
        /// What was probably meant.
        remedy: String,
    },
    /// A value that cannot be used.
    #[error("{}: {problem}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// What and why, and what would be right.
        problem: String,
    },
}

#[derive(Deserialize)]
struct Raw {
    application: ApplicationId,
    name: String,
    installed: RawInstalled,
    version: Option<RawVersion>,
    running: RawRunning,
    programs: BTreeMap<String, PathBuf>,
}

#[derive(Deserialize)]
struct RawInstalled {
    file: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct RawVersion {
    program: String,
    #[serde(default)]
    arguments: Vec<String>,
    pattern: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawRunning {
    when: Option<String>,
    process: Option<String>,
    socket: Option<PathBuf>,
    pid_file: Option<PathBuf>,
    program: Option<String>,
    #[serde(default)]
    arguments: Vec<String>,
}

/// A file of a connectors' folder: what it holds, or why it is passed over.
pub type ConnectorFile = (PathBuf, Result<Connector, ConnectorError>);

const KNOWN: [(&str, &[&str]); 4] = [
    (
        "",
        &[
            "application",
            "name",
            "installed",
            "version",
            "running",
            "programs",
        ],
    ),
    ("installed", &["file"]),
    ("version", &["program", "arguments", "pattern"]),
    (
        "running",
        &[
            "when",
            "process",
            "socket",
            "pid-file",
            "program",
            "arguments",
        ],
    ),
];

/// The files of a connectors' folder in the order of their names, each with what it holds or why
/// it is passed over.
pub fn read_folder(folder: &Path) -> Result<Vec<ConnectorFile>, ConnectorError> {
    let unreadable = |cause| ConnectorError::Unreadable {
        path: folder.to_owned(),
        cause,
    };
    let metadata = std::fs::metadata(folder).map_err(unreadable)?;
    check_safe(folder, &metadata)?;
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push(path);
        }
    }
    files.sort();
    let mut seen = BTreeMap::<ApplicationId, PathBuf>::new();
    let connectors = files.into_iter().map(|path| {
        let connector = read_file(&path).and_then(|connector| {
            match seen.insert(connector.application.clone(), path.clone()) {
                None => Ok(connector),
                Some(first) => Err(ConnectorError::Value {
                    path: path.clone(),
                    problem: format!(
                        "{} has a connector in {} already; remove one of them",
                        connector.application,
                        first.display()
                    ),
                }),
            }
        });
        (path, connector)
    });
    Ok(connectors.collect())
}

/// Reads one connector.
pub fn read_file(path: &Path) -> Result<Connector, ConnectorError> {
    let unreadable = |cause| ConnectorError::Unreadable {
        path: path.to_owned(),
        cause,
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    // Asked of the open file, so that it cannot be exchanged between the question and the reading.
    check_safe(path, &file.metadata().map_err(unreadable)?)?;
    let mut text = String::new();
    file.take(MOST_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(ConnectorError::TooLong {
            path: path.to_owned(),
        });
    }
    parse(path, &text)
}

fn check_safe(path: &Path, metadata: &std::fs::Metadata) -> Result<(), ConnectorError> {
    let owner = metadata.uid();
    let mode = metadata.mode() & 0o7777;
    let ours = owner == 0 || owner == rustix::process::geteuid().as_raw();
    if ours && mode & 0o022 == 0 {
        return Ok(());
    }
    Err(ConnectorError::Unsafe {
        path: path.to_owned(),
        owner,
        mode,
    })
}

fn parse(path: &Path, text: &str) -> Result<Connector, ConnectorError> {
    let syntax = |cause| ConnectorError::Syntax {
        path: path.to_owned(),
        cause,
    };
    let table: toml::Table = text.parse().map_err(syntax)?;
    for (at, known) in KNOWN {
        let part = if at.is_empty() {
            Some(&table)
        } else {
            table.get(at).and_then(toml::Value::as_table)
        };
        if let Some((key, remedy)) = part.and_then(|part| unknown_key(part, known)) {
            let key = if at.is_empty() {
                key
            } else {
                format!("{at}.{key}")
            };
            return Err(ConnectorError::UnknownKey {
                path: path.to_owned(),
                key,
                remedy,
            });
        }
    }
    let raw: Raw = toml::from_str(text).map_err(syntax)?;
    raw.check().map_err(|problem| ConnectorError::Value {
        path: path.to_owned(),
        problem,
    })
}

impl Raw {
    fn check(self) -> Result<Connector, String> {
        let programs = self.programs;
        let program = |name: &str| {
            programs
                .get(name)
                .cloned()
                .ok_or_else(|| format!("program \"{name}\" is not in [programs]"))
        };
        let absolute = |what: &str, path: &Path| {
            if path.is_absolute() {
                Ok(())
            } else {
                Err(format!(
                    "{what} \"{}\" is no absolute path; write it from the root on",
                    path.display()
                ))
            }
        };
        for (name, path) in &programs {
            absolute(&format!("programs.{name}"), path)?;
        }
        for file in &self.installed.file {
            absolute("installed.file", file)?;
        }
        if self.installed.file.is_empty() {
            return Err("installed.file is empty; name a file that exists only when the application is installed".into());
        }
        let version = match self.version {
            None => None,
            Some(rule) => Some(VersionRule {
                program: program(&rule.program)?,
                arguments: rule.arguments,
                pattern: bounded_regex(&rule.pattern)
                    .map_err(|cause| format!("version.pattern: {cause}"))?,
            }),
        };
        let running = self.running;
        if running.program.is_none() && !running.arguments.is_empty() {
            return Err("running.arguments stands without running.program".into());
        }
        let running = match (
            running.when,
            running.process,
            running.socket,
            running.pid_file,
            running.program,
        ) {
            (Some(when), None, None, None, None) if when == "installed" => RunningRule::Installed,
            (Some(when), None, None, None, None) => {
                return Err(format!(
                    "running.when is \"{when}\"; it can only be \"installed\""
                ));
            }
            (None, Some(name), None, None, None) => RunningRule::Process(name),
            (None, None, Some(socket), None, None) => {
                absolute("running.socket", &socket)?;
                RunningRule::Socket(socket)
            }
            (None, None, None, Some(file), None) => {
                absolute("running.pid-file", &file)?;
                RunningRule::PidFile(file)
            }
            (None, None, None, None, Some(name)) => {
                RunningRule::Program(program(&name)?, running.arguments)
            }
            _ => {
                return Err(
                    "[running] needs exactly one of when, process, socket, pid-file and program"
                        .into(),
                );
            }
        };
        Ok(Connector {
            application: self.application,
            name: self.name.chars().take(200).collect(),
            installed: self.installed.file,
            version,
            running,
            programs,
        })
    }
}

/// Compiles a pattern from outside; one that would take much memory is an error.
pub(crate) fn bounded_regex(pattern: &str) -> Result<Regex, regex::Error> {
    regex::RegexBuilder::new(pattern)
        .size_limit(1 << 20)
        .dfa_size_limit(1 << 20)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    const CLAMAV: &str = r#"
        application = "net.clamav.clamav"
        name = "ClamAV"
        [installed]
        file = ["/usr/bin/clamscan"]
        [version]
        program = "clamscan"
        arguments = ["--version"]
        pattern = 'ClamAV ([0-9][0-9.]*)'
        [running]
        when = "installed"
        [programs]
        clamscan = "/usr/bin/clamscan"
    "#;

    fn text(text: &str) -> String {
        parse(Path::new("/c/x.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn a_connector_names_programs_and_how_to_ask() {
        let connector = parse(Path::new("x.toml"), CLAMAV).unwrap();
        assert_eq!(
            connector.programs["clamscan"],
            Path::new("/usr/bin/clamscan")
        );
        assert!(matches!(connector.running, RunningRule::Installed));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_file_and_the_nearest_known_one() {
        assert_eq!(
            text(&CLAMAV.replace("pattern =", "patern =")),
            r#"/c/x.toml: unknown key "version.patern"; did you mean "pattern"?"#
        );
        assert!(text(&CLAMAV.replace("name =", "title =")).contains("unknown key \"title\""));
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_a_remedy() {
        assert!(
            text(&CLAMAV.replace("\"/usr/bin/clamscan\"\n    ", "\"clamscan\"\n    "))
                .contains("absolute")
        );
        assert!(
            text(&CLAMAV.replace("program = \"clamscan\"", "program = \"clamd\""))
                .contains("not in [programs]")
        );
        assert!(
            text(&CLAMAV.replace("when = \"installed\"", "process = \"a\"\nsocket = \"/b\""))
                .contains("exactly one")
        );
        assert!(text(&CLAMAV.replace("when = \"installed\"", "")).contains("exactly one"));
    }

    #[test]
    fn a_file_that_others_may_write_is_passed_over_and_a_second_one_too() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, mode| {
            let path = folder.path().join(name);
            std::fs::write(&path, CLAMAV).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        write("a.toml", 0o666);
        write("b.toml", 0o644);
        write("c.toml", 0o600);
        let read = read_folder(folder.path()).unwrap();
        assert!(matches!(read[0].1, Err(ConnectorError::Unsafe { .. })));
        assert!(read[1].1.is_ok());
        assert!(
            read[2]
                .1
                .as_ref()
                .unwrap_err()
                .to_string()
                .contains("b.toml already")
        );
    }
}
