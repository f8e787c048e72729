//! What a file says: objects by name, as they are to be.

use crate::place::SetReference;
use crate::submit::TaskRequest;
use muster_domain::{ApplicationId, Digest};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What one file says, or several together.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The plug-ins that the tasks were written for.
    pub plugins: Vec<WrittenFor>,
    /// Groups.
    pub groups: Vec<WantedGroup>,
    /// Saved queries.
    pub selections: Vec<WantedSelection>,
    /// Windows.
    pub windows: Vec<WantedWindow>,
    /// Tasks.
    pub tasks: Vec<WantedTask>,
}

impl Wanted {
    /// How many objects there are.
    pub fn count(&self) -> usize {
        self.groups.len() + self.selections.len() + self.windows.len() + self.tasks.len()
    }

    /// The applications of its tasks.
    pub(super) fn applications(&self) -> BTreeSet<ApplicationId> {
        let tasks = self.tasks.iter();
        tasks.map(|task| task.request.application.clone()).collect()
    }
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// In which file, where there are several.
    pub file: Option<String>,
    /// Where in it; a JSON Pointer.
    pub pointer: String,
}

/// A plug-in that tasks were written for.
#[derive(Debug, Clone)]
pub struct WrittenFor {
    /// Its application.
    pub application: ApplicationId,
    /// Its version.
    pub version: String,
    /// The digest of its component.
    pub digest: Digest,
}

/// A group to be.
#[derive(Debug, Clone)]
pub struct WantedGroup {
    /// Where it stands.
    pub place: Place,
    /// Its path.
    pub path: String,
}

/// A selection to be.
#[derive(Debug, Clone)]
pub struct WantedSelection {
    /// Where it stands.
    pub place: Place,
    /// Its name.
    pub name: String,
    /// Its query.
    pub query: String,
    /// Which tasks the numbers in the query mean.
    pub tasks: BTreeMap<i64, TaskName>,
}

/// A window to be.
#[derive(Debug, Clone)]
pub struct WantedWindow {
    /// Where it stands.
    pub place: Place,
    /// Its name.
    pub name: String,
    /// Whose it is, by path or name.
    pub of: SetReference,
    /// The window; JSON.
    pub window: Value,
}

/// A task to be.
#[derive(Debug, Clone)]
pub struct WantedTask {
    /// Where it stands.
    pub place: Place,
    /// Its number within its file.
    pub id: Option<InFile>,
    /// The number of its file.
    pub file: u32,
    /// The task. Its schedule names tasks and groups as files do.
    pub request: TaskRequest,
}

/// The number of a file, and that of a task within it.
pub type InFile = (u32, u32);

/// A task, as others name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskName {
    /// Its name.
    pub name: Option<String>,
    /// Its number within its file. Where there are both, this counts.
    pub id: Option<InFile>,
    /// Whether it is one that the file does not hold, whatever the names of those in it.
    pub outside: bool,
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.id) {
            (Some(name), _) => write!(f, "{name:?}"),
            (None, Some((_, id))) => write!(f, "of number {id} in the file"),
            (None, None) => f.write_str("without a name"),
        }
    }
}

/// How what is wanted is meant.
#[derive(Debug, Clone)]
pub enum Manner {
    /// Tasks are added to those that are there.
    Import(Mapping),
    /// What is there becomes as it is wanted.
    Apply {
        /// The name of the set of files.
        owner: String,
        /// Whether what the set made, and says no longer, is removed.
        prune: bool,
    },
}

/// What stands for what on this server.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    /// What becomes of tasks whose names are taken.
    pub names: NamesTaken,
    /// Other names for tasks.
    pub rename: BTreeMap<String, String>,
    /// Groups, by path; one holds for those below it, too.
    pub groups: BTreeMap<String, String>,
    /// Devices, by name.
    pub devices: BTreeMap<String, String>,
    /// Selections, by name.
    pub selections: BTreeMap<String, String>,
    /// Tasks that are named and are not in the file, by name.
    pub tasks: BTreeMap<String, String>,
}

/// What becomes of a task whose name another one has already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NamesTaken {
    /// It is refused.
    #[default]
    Refuse,
    /// It gets the next free name.
    Rename,
    /// It is left out.
    Skip,
    /// It takes the other's place.
    Replace,
}

impl Manner {
    pub(super) fn mapping(&self) -> Option<&Mapping> {
        match self {
            Self::Import(mapping) => Some(mapping),
            Self::Apply { .. } => None,
        }
    }
}
