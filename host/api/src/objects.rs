//! Objects as files: what an export writes, what an import and `muster apply` read.
//!
//! One form for all of them. Nothing in it is a number of one server: groups are paths, devices, windows and
//! selections are names, and tasks are named, with a number of their own within the file where names alone
//! do not tell them apart.

mod schema;

use crate::plan::ChangeView;
use crate::problem::FindingView;
use crate::task::ScopeRequest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Groups, selections, windows and tasks as a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectsFile {
    /// `muster-objects`.
    pub format: String,
    /// 1. A reader refuses what it does not know.
    pub version: u32,
    /// The plug-ins that the tasks were written for. For information: what counts is the schema version of
    /// each task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<PluginEntry>,
    /// Groups. The root is always there and stands in no file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupEntry>,
    /// Saved queries over devices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selections: Vec<SelectionEntry>,
    /// Maintenance windows and blackouts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowEntry>,
    /// Tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskEntry>,
}

impl ObjectsFile {
    /// What every such file names as its format.
    pub const FORMAT: &str = "muster-objects";
    /// The version of the form that is written and read.
    pub const VERSION: u32 = 1;
}

/// A plug-in that tasks of the file were written for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginEntry {
    /// The application.
    pub application: String,
    /// The plug-in's version.
    pub version: String,
    /// The digest of its component.
    pub digest: String,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupEntry {
    /// Its path, such as `/Office/Berlin`.
    pub path: String,
}

/// A saved query over devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectionEntry {
    /// Its name.
    pub name: String,
    /// The query. Tasks in it (`task 1 outcome = failed`) are numbers that `tasks` explains.
    pub query: String,
    /// Which tasks the numbers in the query mean.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tasks: BTreeMap<String, TaskReference>,
}

/// A maintenance window or a blackout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowEntry {
    /// Its name.
    pub name: String,
    /// It holds for the devices of this group, by path, and of those below it; the root, and so every device, if
    /// neither this nor `selection` is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// It holds for the devices of this selection, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<String>,
    /// `maintenance` or `blackout`.
    pub kind: String,
    /// When it opens: one of the items of a schedule that name times.
    pub opens: Value,
    /// Minutes from each opening to its closing.
    pub minutes: u32,
    /// By which clock: `device`, `utc`, or a zone such as `Europe/Berlin`; that of each device if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskEntry {
    /// Its number within the file, by which others in the file name it; no number of any server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// Its name.
    pub name: String,
    /// The application that it is for.
    pub application: String,
    /// The task type.
    pub task_type: String,
    /// The version of the schema that the settings follow; that of the plug-in at work if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_version: Option<u32>,
    /// Where it is done. Groups are named by their paths, devices by their names.
    pub scope: ScopeRequest,
    /// Seconds after which a device stops it; the task type's own limit if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<u32>,
    /// When it starts by itself. As everywhere, but that `after-task` names a task as
    /// [`TaskReference`] does, and `joined` a group by its path or a selection by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Value>,
    /// How its runs go out. As everywhere, but that groups are named by their paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Value>,
    /// Its settings; `{}` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Value>,
    /// JSON Pointers into the settings, to what looks like a secret and is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_plain: Vec<String>,
}

/// A task, as others name it: its name, which those of the file are looked through for first, then those of the
/// server; an object with its number within the file; or an object with the name alone of a task that the file
/// does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum TaskReference {
    /// Its name.
    Name(String),
    /// Its name, its number within the file, or both.
    Entry(TaskReferenceEntry),
}

/// A task, as others name it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskReferenceEntry {
    /// Its name; beside the number it is for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its number within the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
}

/// What becomes of a task whose name another one has already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NamesTaken {
    /// The import is refused until somebody says which it is to be.
    #[default]
    Refuse,
    /// It gets the next free name: `Nightly scan (2)`.
    Rename,
    /// It is left out; what names it means the task that is there.
    Skip,
    /// The task that is there becomes as the file says.
    Replace,
}

/// Tasks of a file are to be imported.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TasksImport {
    /// The file. Of its groups, windows and selections nothing is made: `apply` does that.
    pub file: ObjectsFile,
    /// How they are to be taken.
    #[serde(default)]
    pub mapping: ImportMapping,
    /// The id of the plan that is meant. Without one nothing is done, and the plan is the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

/// What stands for what when tasks come to another server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportMapping {
    /// What becomes of tasks whose names are taken.
    #[serde(default)]
    pub names: NamesTaken,
    /// Other names for tasks of the file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rename: BTreeMap<String, String>,
    /// Groups of the file, by path, and which they are here, by path or number. One for a group holds for those
    /// below it, too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, String>,
    /// Devices of the file, by name, and which they are here, by name or number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub devices: BTreeMap<String, String>,
    /// Selections of the file, by name, and which they are here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub selections: BTreeMap<String, String>,
    /// Tasks that the file names and does not hold, by name, and which they are here, by name or number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tasks: BTreeMap<String, String>,
}

/// The server is to be as files say.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Apply {
    /// The files; what they say counts together.
    pub files: Vec<ApplyFile>,
    /// The name of the set of files. What one set made, another one does not touch.
    #[serde(default = "default_owner")]
    pub owner: String,
    /// Whether what this set made, and says no longer, is removed.
    #[serde(default)]
    pub prune: bool,
    /// The id of the plan that is meant. Without one nothing is done, and the plan is the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

fn default_owner() -> String {
    "default".to_owned()
}

/// A file that says how the server is to be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyFile {
    /// Its name, for people.
    pub name: String,
    /// What it says.
    pub content: ObjectsFile,
}

/// What an import or `apply` would do, or did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObjectsPlanView {
    /// Names the plan by all that it was made on: whoever gives it back agrees to this plan and no other.
    pub id: String,
    /// Whether it can be done: nothing in it is refused.
    pub possible: bool,
    /// Whether it was done.
    pub done: bool,
    /// How many objects are created, changed or removed by it.
    pub changes: u64,
    /// How the plug-ins of the file stand here.
    pub plugins: Vec<PluginStandView>,
    /// What becomes of each object: first those of the files, in the order in which they are made, then those
    /// that only the server has.
    pub items: Vec<ObjectPlanView>,
}

/// How a plug-in of the file stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginStandView {
    /// The application.
    pub application: String,
    /// The version in the file; null where the file names none.
    pub version: Option<String>,
    /// The version at work here; null if none is.
    pub here: Option<String>,
    /// `same`, `other-build` of the same version, `newer` here, `older` here, `absent` here, or `unnamed` in
    /// the file.
    pub stand: String,
}

/// What becomes of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObjectPlanView {
    /// `group`, `selection`, `window` or `task`.
    pub kind: String,
    /// Its name here; the path of a group.
    pub name: String,
    /// Its number here, if it is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// The file that says it, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Where it stands in the file, as a JSON Pointer; none if only the server has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// `create`, `change`, `unchanged`, `skip`, `remove`, `refused`; of what only the server has, `extra` where
    /// this set of files made it, and `foreign` where it did not.
    pub action: String,
    /// What changes in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangeView>,
    /// What stands against it, or is worth a word, each with its place in the object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingView>,
}
