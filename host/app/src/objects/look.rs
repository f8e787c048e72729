//! Look: compares what is wanted with what is there, and says step by step what would become of it.
//!
//! It asks no plug-in and reads the clock nowhere, so it comes out the same as long as nothing changed.

mod aim;
mod group;
mod rest;
mod selection;
mod task;
mod window;

use super::ask::Prepared;
use super::plan::{Action, Item, Kind, ObjectsPlan};
use super::reference::{Finder, Names, Target};
use super::wanted::{Manner, Place};
use crate::AppError;
use crate::place::{ScopeReference, SetNames, SetReference, Tree};
use aim::Aim;
use muster_domain::finding::{Finding, any_error};
use muster_domain::schedule::window::Window;
use muster_domain::selection::{Query, Selection};
use muster_domain::task::Task;
use muster_domain::{Digest, SelectionId, TaskId, WindowId};
use muster_storage::Connection;
use muster_storage::applied::{AppliedRow, applied_list};
use muster_storage::selection::{SelectionRow, selection_list};
use muster_storage::task::task_list;
use muster_storage::window::{WindowRow, window_list};
pub(super) use selection::{query_now, renumbered};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
pub(super) use task::{filled, filled_rollout};

/// What would become of what is wanted: the plan for people, and the steps.
pub(super) struct Looked {
    pub(super) plan: ObjectsPlan,
    pub(super) steps: Vec<Step>,
}

/// Something that is to be done. All of them in their order are the whole.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A group is made.
    Group(String),
    /// A selection is written.
    Selection {
        here: Option<SelectionId>,
        query: Query,
        selection: Selection,
        /// Which tasks the numbers in its query mean.
        tasks: BTreeMap<TaskId, Target>,
    },
    /// A window is written.
    Window {
        here: Option<WindowId>,
        /// By number, or by path or name if it is yet to be made.
        of: SetReference,
        window: Window,
    },
    /// A task is written.
    Task(TaskStep),
    /// It stays as it is, and is as it is wanted.
    Keep(Kind, i64),
    /// It goes.
    Remove(Kind, i64),
}

/// A task that is written.
#[derive(Debug, Clone)]
pub(super) struct TaskStep {
    /// Its place among those that are wanted.
    pub(super) index: usize,
    pub(super) here: Option<TaskId>,
    pub(super) name: String,
    pub(super) scope: ScopeReference,
    pub(super) after: Option<Target>,
    /// The group or the selection of its schedule: by number, or by path or name.
    pub(super) joined: Option<SetReference>,
    /// The groups of the waves of its rollout: each by number, or by path.
    pub(super) wave_groups: BTreeMap<usize, Vec<String>>,
}

/// What is there.
pub(super) struct State {
    pub(super) tree: Tree,
    pub(super) sets: SetNames,
    pub(super) selections: Vec<SelectionRow>,
    pub(super) windows: Vec<WindowRow>,
    pub(super) tasks: Vec<Task>,
    pub(super) applied: BTreeMap<(Kind, i64), AppliedRow>,
}

impl State {
    async fn read(connection: &mut Connection) -> Result<Self, AppError> {
        let applied = applied_list(connection).await?.into_iter();
        Ok(Self {
            tree: Tree::read(connection).await?,
            sets: SetNames::read(connection).await?,
            selections: selection_list(connection).await?,
            windows: window_list(connection).await?,
            tasks: task_list(connection, None, None, TaskId(0), u32::MAX).await?,
            applied: applied.map(|row| ((row.kind, row.object), row)).collect(),
        })
    }

    pub(super) fn task(&self, id: TaskId) -> Option<&Task> {
        let at = self.tasks.binary_search_by_key(&id, |task| task.id).ok()?;
        self.tasks.get(at)
    }
}

struct Looking<'l> {
    prepared: &'l Prepared,
    state: &'l State,
    /// Paths of groups that are made.
    made: BTreeSet<String>,
    /// Names of selections that are made.
    made_selections: BTreeSet<String>,
    aims: Vec<Aim>,
    names: Names,
    items: Vec<Item>,
    steps: Vec<Step>,
    /// What the plan's id is made of.
    seals: Vec<Value>,
}

/// Compares what is wanted with what is there.
pub(super) async fn look(
    connection: &mut Connection,
    prepared: &Prepared,
) -> Result<Looked, AppError> {
    let state = State::read(connection).await?;
    let mut looking = Looking {
        prepared,
        state: &state,
        made: BTreeSet::new(),
        made_selections: BTreeSet::new(),
        aims: Vec::new(),
        names: Names::default(),
        items: Vec::new(),
        steps: Vec::new(),
        seals: vec![json!(prepared.digest)],
    };
    let applies = matches!(prepared.manner, Manner::Apply { .. });
    looking.aim();
    if applies {
        looking.groups();
        looking.selections();
        looking.windows();
    }
    looking.tasks(connection).await?;
    if applies {
        looking.rest();
    }
    Ok(looking.end())
}

impl Looking<'_> {
    fn finder(&self) -> Finder<'_> {
        Finder {
            tree: &self.state.tree,
            made: &self.made,
            selections: &self.state.selections,
            made_selections: &self.made_selections,
            mapping: self.prepared.manner.mapping(),
        }
    }

    /// Says of a thing that is to change that somebody changed it since it was applied.
    fn drift(&self, item: &mut Item, id: i64, state: &Value, by: &str) {
        let Manner::Apply { owner, .. } = &self.prepared.manner else {
            return;
        };
        let Some(row) = self.state.applied.get(&(item.kind, id)) else {
            return;
        };
        if row.owner != *owner {
            let text = format!(
                "It belongs to the set of files {:?}; apply it with those (`--owner`), or take it out of one of \
                 the two.",
                row.owner
            );
            item.refuse("", "owned-by-another", text);
        } else if row.state != Digest::of(state.to_string()) {
            let text = format!("It was changed by {by} since it was applied.");
            item.findings.push(Finding {
                level: muster_domain::finding::Level::Warning,
                ..Finding::error("", "drift", text)
            });
        }
    }

    /// Takes an item, and the step that it means, if it means one.
    fn take(
        &mut self,
        mut item: Item,
        id: Option<i64>,
        seal: &Value,
        is_same: bool,
        step: impl FnOnce() -> Step,
    ) {
        item.id = id;
        item.action = match (any_error(&item.findings), id) {
            (true, _) => Action::Refused,
            (false, None) => Action::Create,
            (false, Some(_)) if is_same => Action::Unchanged,
            (false, Some(_)) => Action::Change,
        };
        match (item.action, id) {
            (Action::Create | Action::Change, _) => self.steps.push(step()),
            (Action::Unchanged, Some(id)) => {
                // What is worth a word was said when it was written.
                item.findings.clear();
                item.changes.clear();
                self.steps.push(Step::Keep(item.kind, id));
            }
            _ => {}
        }
        self.push(item, seal);
    }

    fn push(&mut self, item: Item, seal: &Value) {
        self.seals.push(json!([
            item.kind,
            item.name,
            item.id,
            item.action.as_str(),
            seal
        ]));
        self.items.push(item);
    }

    fn end(self) -> Looked {
        let plan = ObjectsPlan {
            id: Digest::of(json!(self.seals).to_string()),
            plugins: self.prepared.stands.clone(),
            items: self.items,
            done: false,
        };
        Looked {
            plan,
            steps: self.steps,
        }
    }

    fn place(&self, index: usize) -> Option<Place> {
        let wanted = self.prepared.wanted.tasks.get(index)?;
        Some(wanted.place.clone())
    }
}

fn seal_of(target: Target) -> Value {
    match target {
        Target::Here(id) => json!(["here", id]),
        Target::InFile(index) => json!(["file", index]),
    }
}
