//! Applications: which are installed and which run, as their connectors tell.
//!
//! A worker looks every few seconds, and at once when somebody asks; the others read its last
//! view. A look is cheap: files, sockets and one pass over the process list. A version is asked
//! for only when the program that tells it has changed.

use crate::connector::{Connector, ConnectorSource, RunningRule, VersionRule, read_folder};
use crate::execute::probe::probe;
use crate::process;
use muster_domain::ApplicationId;
use muster_domain::device::{ApplicationState, InstalledApplication};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};

const CONNECT_LIMIT: Duration = Duration::from_secs(2);
const RUNNING_LIMIT: Duration = Duration::from_secs(5);
const VERSION_LIMIT: Duration = Duration::from_secs(20);

/// What the last look saw.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Counted up with each look; 0 before the first.
    pub look: u64,
    /// Counted up when a look sees something new.
    pub change: u64,
    /// The connectors.
    pub connectors: BTreeMap<ApplicationId, Arc<Connector>>,
    /// One for each connector.
    pub applications: BTreeMap<ApplicationId, InstalledApplication>,
    /// Why connectors were passed over, a sentence each.
    pub problems: Vec<String>,
}

impl View {
    /// How an application stands; none without a connector.
    pub fn state(&self, application: &ApplicationId) -> Option<ApplicationState> {
        self.applications
            .get(application)
            .map(|installed| installed.state)
    }

    fn says_the_same(&self, other: &Self) -> bool {
        // Whether connectors are the same object tells whether their file was read again.
        self.applications == other.applications
            && self.problems == other.problems
            && self.connectors.len() == other.connectors.len()
            && self
                .connectors
                .values()
                .zip(other.connectors.values())
                .all(|(a, b)| Arc::ptr_eq(a, b))
    }
}

/// The last view, and the means to ask for a new one.
#[derive(Debug)]
pub struct Applications {
    view: watch::Sender<Arc<View>>,
    begun: AtomicU64,
    ask: Notify,
}

impl Applications {
    /// Before the first look.
    pub fn new() -> Self {
        Self {
            view: watch::Sender::new(Arc::default()),
            begun: AtomicU64::new(0),
            ask: Notify::new(),
        }
    }

    /// The last view.
    pub fn subscribe(&self) -> watch::Receiver<Arc<View>> {
        self.view.subscribe()
    }

    /// Asks for a look that begins now. Its number is at least the one given back.
    pub fn look_again(&self) -> u64 {
        let number = self.begun.load(Ordering::SeqCst) + 1;
        self.ask.notify_one();
        number
    }

    /// The worker: looks until it is dropped.
    pub async fn watch(&self, source: &ConnectorSource, poll: Duration) {
        let mut eye = Eye::default();
        loop {
            let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
            let mut view = eye.look(source, number).await;
            let last = self.view.borrow().clone();
            view.change = last.change + u64::from(last.look == 0 || !last.says_the_same(&view));
            self.view.send_replace(Arc::new(view));
            let _ = tokio::time::timeout(poll, self.ask.notified()).await;
        }
    }
}

impl Default for Applications {
    fn default() -> Self {
        Self::new()
    }
}

/// Tells whether a file is still the one that was seen.
type Mark = Option<(u64, i64, i64, u64)>;

fn mark(path: &Path) -> Mark {
    let metadata = std::fs::metadata(path).ok()?;
    Some((
        metadata.ino(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.len(),
    ))
}

/// What is remembered from look to look.
#[derive(Default)]
pub(crate) struct Eye {
    folder: Option<Vec<(PathBuf, Mark)>>,
    connectors: BTreeMap<ApplicationId, Arc<Connector>>,
    problems: Vec<String>,
    versions: HashMap<PathBuf, (Mark, Option<String>)>,
    states: HashMap<ApplicationId, ApplicationState>,
}

impl Eye {
    /// Looks once.
    pub(crate) async fn look(&mut self, source: &ConnectorSource, look: u64) -> View {
        self.refresh(source);
        let connectors: Vec<Arc<Connector>> = self.connectors.values().cloned().collect();
        let names = if connectors
            .iter()
            .any(|connector| matches!(connector.running, RunningRule::Process(_)))
        {
            process::names()
        } else {
            HashSet::new()
        };
        let mut applications = BTreeMap::new();
        for connector in connectors {
            let state = self.state(&connector, &names).await;
            self.states.insert(connector.application.clone(), state);
            let version = match &connector.version {
                Some(rule) if state != ApplicationState::Absent => self.version(rule).await,
                _ => None,
            };
            let application = connector.application.clone();
            applications.insert(
                application.clone(),
                InstalledApplication {
                    application,
                    state,
                    version,
                },
            );
        }
        View {
            look,
            change: 0,
            connectors: self.connectors.clone(),
            applications,
            problems: self.problems.clone(),
        }
    }

    /// Reads the connectors again if their folder looks different.
    fn refresh(&mut self, source: &ConnectorSource) {
        let folder = match source {
            ConnectorSource::Given(connectors) => {
                if self.connectors.is_empty() {
                    self.connectors = connectors
                        .iter()
                        .map(|c| (c.application.clone(), Arc::new(c.clone())))
                        .collect();
                }
                return;
            }
            ConnectorSource::Folder(folder) => folder,
        };
        let seen = folder_marks(folder);
        if self.folder.as_ref() == Some(&seen) {
            return;
        }
        self.folder = Some(seen);
        self.connectors.clear();
        self.problems.clear();
        match read_folder(folder) {
            Err(error) => self.problems.push(muster_domain::chain(&error)),
            Ok(files) => {
                for (_, connector) in files {
                    match connector {
                        Ok(connector) => {
                            self.connectors
                                .insert(connector.application.clone(), Arc::new(connector));
                        }
                        Err(error) => self.problems.push(muster_domain::chain(&error)),
                    }
                }
            }
        }
    }

    async fn state(&self, connector: &Connector, names: &HashSet<String>) -> ApplicationState {
        if !connector.installed.iter().any(|file| file.exists()) {
            return ApplicationState::Absent;
        }
        let runs = match &connector.running {
            RunningRule::Installed => Some(true),
            // The kernel keeps 15 bytes of a name.
            RunningRule::Process(name) => Some(names.contains(name.get(..15).unwrap_or(name))),
            RunningRule::PidFile(file) => Some(pid_file_runs(file)),
            RunningRule::Socket(socket) => {
                match tokio::time::timeout(CONNECT_LIMIT, tokio::net::UnixStream::connect(socket))
                    .await
                {
                    Ok(connected) => Some(connected.is_ok()),
                    Err(_) => None,
                }
            }
            RunningRule::Program(program, arguments) => probe(program, arguments, RUNNING_LIMIT)
                .await
                .ok()
                .map(|answer| answer.success),
        };
        match runs {
            Some(true) => ApplicationState::Running,
            Some(false) => ApplicationState::Stopped,
            // No answer in time is no answer: what was known holds.
            None => self
                .states
                .get(&connector.application)
                .copied()
                .unwrap_or(ApplicationState::Stopped),
        }
    }

    async fn version(&mut self, rule: &VersionRule) -> Option<String> {
        let now = mark(&rule.program);
        if let Some((then, version)) = self.versions.get(&rule.program)
            && *then == now
        {
            return version.clone();
        }
        let answer = probe(&rule.program, &rule.arguments, VERSION_LIMIT)
            .await
            .ok()?;
        let version = rule.pattern.captures(&answer.text).and_then(|groups| {
            let found = groups.get(1).or_else(|| groups.get(0))?;
            Some(found.as_str().chars().take(100).collect())
        });
        self.versions.insert(rule.program.clone(), (now, version));
        self.versions
            .get(&rule.program)
            .and_then(|(_, version)| version.clone())
    }
}

fn folder_marks(folder: &Path) -> Vec<(PathBuf, Mark)> {
    let mut marks = vec![(folder.to_owned(), mark(folder))];
    if let Ok(entries) = std::fs::read_dir(folder) {
        marks.extend(
            entries
                .flatten()
                .map(|entry| entry.path())
                .map(|path| (path.clone(), mark(&path))),
        );
    }
    marks.sort();
    marks
}

fn pid_file_runs(file: &Path) -> bool {
    std::fs::read_to_string(file)
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .and_then(process::Stat::read)
        .is_some_and(|stat| stat.is_alive())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::read_file;

    async fn look(running: &str, installed: &Path) -> InstalledApplication {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.toml");
        let text = format!(
            "application = \"org.example.x\"\nname = \"X\"\n[installed]\nfile = [{installed:?}]\n\
             [version]\nprogram = \"printf\"\narguments = [\"X 1.2.3\\n\"]\npattern = 'X ([0-9.]+)'\n\
             [running]\n{running}\n[programs]\nprintf = \"/usr/bin/printf\"\nfalse = \"/bin/false\"\ntrue = \"/bin/true\"\n"
        );
        std::fs::write(&file, text).unwrap();
        let connector = read_file(&file).unwrap();
        let view = Eye::default()
            .look(&ConnectorSource::Given([connector].into()), 1)
            .await;
        view.applications.into_values().next().unwrap()
    }

    #[tokio::test]
    async fn an_application_is_absent_stopped_or_running() {
        let here = Path::new("/usr/bin/printf");
        let absent = look("when = \"installed\"", Path::new("/nowhere")).await;
        assert_eq!(
            (absent.state, absent.version),
            (ApplicationState::Absent, None)
        );
        let installed = look("when = \"installed\"", here).await;
        assert_eq!(
            (installed.state, installed.version.as_deref()),
            (ApplicationState::Running, Some("1.2.3"))
        );
        assert_eq!(
            look("program = \"false\"", here).await.state,
            ApplicationState::Stopped
        );
        assert_eq!(
            look("program = \"true\"", here).await.state,
            ApplicationState::Running
        );
        assert_eq!(
            look("process = \"no-such-process\"", here).await.state,
            ApplicationState::Stopped
        );
    }

    #[tokio::test]
    async fn a_socket_and_a_pid_file_tell_whether_somebody_is_there() {
        let here = Path::new("/usr/bin/printf");
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        let rule = format!("socket = {socket:?}");
        assert_eq!(look(&rule, here).await.state, ApplicationState::Stopped);
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(look(&rule, here).await.state, ApplicationState::Running);
        // Shut down, not merely closed: a child that another test starts just now holds a copy until it runs its program.
        std::os::unix::net::UnixStream::from(std::os::fd::OwnedFd::from(listener))
            .shutdown(std::net::Shutdown::Both)
            .unwrap();
        assert_eq!(look(&rule, here).await.state, ApplicationState::Stopped);

        let file = folder.path().join("pid");
        let rule = format!("pid-file = {file:?}");
        assert_eq!(look(&rule, here).await.state, ApplicationState::Stopped);
        std::fs::write(&file, format!("{}\n", std::process::id())).unwrap();
        assert_eq!(look(&rule, here).await.state, ApplicationState::Running);
    }
}
