//! Export: what is there, in the names that files use.

use super::same;
use super::wanted::{InFile, TaskName, WrittenFor};
use crate::place::{ScopeReference, SetNames, SetReference, Tree};
use crate::task::said_plain;
use crate::transfer::by_name;
use crate::{Administrator, App, AppError};
use muster_domain::schedule::window::Window;
use muster_domain::scope::Scope;
use muster_domain::selection::Selection;
use muster_domain::settings::Settings;
use muster_domain::task::Task;
use muster_domain::{ApplicationId, DeviceSet, GroupId, TaskId, TaskTypeId};
use muster_storage::Connection;
use muster_storage::device::device_set;
use muster_storage::plugin::plugin_revisions;
use muster_storage::selection::{SelectionRow, selection_list};
use muster_storage::task::task_list;
use muster_storage::window::window_list;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What is to be exported.
#[derive(Debug, Clone)]
pub enum What {
    /// Tasks by their numbers, in this order.
    Tasks(Vec<TaskId>),
    /// The tasks for a group, and those for groups below it.
    TasksOf(String),
    /// Every task.
    AllTasks,
    /// Every group, selection, window and task.
    Everything,
}

/// What was exported.
#[derive(Debug, Clone, Default)]
pub struct Exported {
    /// The plug-ins that the tasks were written for.
    pub plugins: Vec<WrittenFor>,
    /// Paths of groups.
    pub groups: Vec<String>,
    /// Selections, each with the tasks that its numbers mean.
    pub selections: Vec<(Selection, BTreeMap<i64, TaskName>)>,
    /// Windows, each with the path of its group or the name of its selection.
    pub windows: Vec<(SetReference, Window)>,
    /// Tasks.
    pub tasks: Vec<ExportedTask>,
}

/// A task that was exported.
#[derive(Debug, Clone)]
pub struct ExportedTask {
    /// Its number within the file.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The application that it is for.
    pub application: ApplicationId,
    /// What it does.
    pub task_type: TaskTypeId,
    /// The version of the schema that its settings follow.
    pub schema_version: u32,
    /// Where it is done.
    pub scope: ScopeReference,
    /// Seconds.
    pub time_limit: u32,
    /// When it starts by itself, as files write it.
    pub schedule: Option<Value>,
    /// How its runs go out, as files write it.
    pub rollout: Option<Value>,
    /// Its settings.
    pub settings: Settings,
    /// What of them looks like a secret, and was said to be none.
    pub allow_plain: Vec<String>,
}

/// The names that what is exported is given.
struct Naming<'n> {
    sets: &'n SetNames,
    /// Of every task that is here.
    names: BTreeMap<TaskId, String>,
    /// The numbers within the file of those that are in it.
    ids: BTreeMap<TaskId, InFile>,
}

impl App {
    /// Exports tasks, or everything, in the names that files use.
    pub async fn objects_export(
        &self,
        _who: &Administrator,
        what: What,
    ) -> Result<Exported, AppError> {
        let mut connection = self.0.storage.read().await?;
        let tree = Tree::read(&mut connection).await?;
        let sets = SetNames::read(&mut connection).await?;
        let all = task_list(&mut connection, None, None, TaskId(0), u32::MAX).await?;
        let names = all
            .iter()
            .map(|task| (task.id, task.name.clone()))
            .collect();
        let everything = matches!(what, What::Everything);
        let tasks = chosen(&tree, all, what)?;
        let naming = Naming {
            sets: &sets,
            names,
            ids: tasks
                .iter()
                .map(|task| task.id)
                .zip((1..).map(|id| (0, id)))
                .collect(),
        };
        let mut exported = Exported {
            plugins: plugins(&mut connection, &tasks).await?,
            ..Exported::default()
        };
        for task in tasks {
            exported
                .tasks
                .push(naming.task(&mut connection, task).await?);
        }
        if everything {
            let groups = tree.groups().filter(|group| group.id != GroupId::ROOT);
            exported.groups = groups.map(|group| tree.path(group.id)).collect();
            exported.groups.sort();
            let selections = selection_list(&mut connection).await?;
            exported.selections = selections
                .into_iter()
                .map(|row| naming.selection(row))
                .collect();
            let windows = window_list(&mut connection).await?;
            let placed = windows.into_iter().map(|row| {
                let name = sets.of(row.of);
                let of = match row.of {
                    DeviceSet::Group(_) => SetReference::Group(name),
                    DeviceSet::Selection(_) => SetReference::Selection(name),
                };
                (of, row.window)
            });
            exported.windows = placed.collect();
        }
        Ok(exported)
    }
}

/// The tasks that are to be exported.
fn chosen(tree: &Tree, all: Vec<Task>, what: What) -> Result<Vec<Task>, AppError> {
    match what {
        What::AllTasks | What::Everything => Ok(all),
        What::TasksOf(group) => {
            let top = tree.find(&group);
            let groups = tree.subtree(top.ok_or_else(|| AppError::not_found("group", &group))?);
            let within = |task: &Task| match &task.scope {
                Scope::Group { group, .. } => groups.contains(group),
                _ => false,
            };
            Ok(all.into_iter().filter(within).collect())
        }
        What::Tasks(ids) => {
            let mut here: BTreeMap<TaskId, Task> =
                all.into_iter().map(|task| (task.id, task)).collect();
            let mut seen = BTreeSet::new();
            let once = ids.into_iter().filter(|id| seen.insert(*id));
            once.map(|id| {
                here.remove(&id)
                    .ok_or_else(|| AppError::not_found("task", &id))
            })
            .collect()
        }
    }
}

/// The plug-ins that found the tasks valid, by application and version.
async fn plugins(connection: &mut Connection, tasks: &[Task]) -> Result<Vec<WrittenFor>, AppError> {
    let used: BTreeSet<_> = tasks
        .iter()
        .map(|task| (task.application.clone(), task.revision.plugin))
        .collect();
    let mut plugins = Vec::new();
    for application in used
        .iter()
        .map(|(application, _)| application)
        .collect::<BTreeSet<_>>()
    {
        let mut rows = plugin_revisions(connection, application).await?;
        rows.retain(|row| used.contains(&(application.clone(), row.digest)));
        rows.sort_by(|one, other| {
            let version = one.description.version.cmp(&other.description.version);
            version.then_with(|| one.digest.to_string().cmp(&other.digest.to_string()))
        });
        plugins.extend(rows.into_iter().map(|row| WrittenFor {
            application: application.clone(),
            version: row.description.version.to_string(),
            digest: row.digest,
        }));
    }
    Ok(plugins)
}

impl Naming<'_> {
    async fn task(
        &self,
        connection: &mut Connection,
        mut task: Task,
    ) -> Result<ExportedTask, AppError> {
        if let Scope::Global { devices } = &mut task.scope {
            // Their numbers are not given again, so they would be named for nothing.
            *devices &= device_set(connection).await?;
        }
        let scope = by_name(connection, &task.scope).await?;
        let schedule = task.revision.schedule.as_ref().map(|schedule| {
            same::schedule_json(
                schedule,
                |task| self.task_json(task),
                |set| json!(self.sets.of(set)),
            )
        });
        let path = |group| json!(self.sets.of(DeviceSet::Group(group)));
        let rollout = task.revision.rollout.as_ref();
        let rollout = rollout.map(|rollout| same::rollout_json(rollout, path));
        Ok(ExportedTask {
            id: self.ids.get(&task.id).map_or(0, |(_, id)| *id),
            name: task.name,
            application: task.application,
            task_type: task.task_type,
            schema_version: task.revision.schema_version,
            scope,
            time_limit: task.time_limit,
            schedule,
            rollout,
            allow_plain: said_plain(&task.revision),
            settings: task.revision.settings,
        })
    }

    fn task_name(&self, task: TaskId) -> TaskName {
        TaskName {
            // One that was deleted has no name that anybody could look for.
            name: self.names.get(&task).cloned(),
            id: self.ids.get(&task).copied(),
            outside: !self.ids.contains_key(&task),
        }
    }

    fn task_json(&self, task: TaskId) -> Value {
        let TaskName { name, id, .. } = self.task_name(task);
        match (name, id) {
            (Some(name), Some((_, id))) => json!({ "name": name, "id": id }),
            (Some(name), None) => json!({ "name": name }),
            (None, _) => json!({ "name": format!("deleted task {task}") }),
        }
    }

    /// A selection whose tasks are numbered in the order of their numbers here.
    fn selection(&self, row: SelectionRow) -> (Selection, BTreeMap<i64, TaskName>) {
        let mut selection = row.selection;
        let json = json!(selection);
        let Ok((_, query, _)) = Selection::parse(&json) else {
            return (selection, BTreeMap::new());
        };
        let numbers: BTreeMap<TaskId, TaskId> =
            query.tasks().into_iter().zip((1..).map(TaskId)).collect();
        if numbers.is_empty() {
            return (selection, BTreeMap::new());
        }
        let number = |task| numbers.get(&task).copied().unwrap_or(task);
        selection.query = super::look::renumbered(&query, &number).to_string();
        let named = |(task, number): (&TaskId, &TaskId)| (number.0, self.task_name(*task));
        (selection, numbers.iter().map(named).collect())
    }
}
