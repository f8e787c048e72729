//! Make: takes the steps of a plan, within one transaction.
//!
//! Tasks get their numbers before any of them gets its schedule, and selections are there before tasks that
//! name them: what names something finds it, in whatever order a file has them.

mod others;

use super::ask::Prepared;
use super::look::{Looked, Step, TaskStep, filled, filled_rollout};
use super::plan::Kind;
use super::reference::Target;
use super::same;
use super::wanted::Manner;
use crate::place::{SetReference, Tree, scope_find, set_find};
use crate::submit::{revision, task_event};
use crate::{Administrator, AppError};
use muster_domain::origin::Way;
use muster_domain::task::{NewTask, TaskRevision};
use muster_domain::{DeviceSet, Digest, TaskId};
use muster_storage::Connection;
use muster_storage::applied::{AppliedRow, applied_put};
use muster_storage::approval::approval_forget;
use muster_storage::selection::selection_list;
use muster_storage::task::{
    task_get, task_head_insert, task_revision_insert, task_schedule_begin, task_scope_set,
    task_update,
};
use muster_storage::window::window_list;
use std::collections::BTreeMap;

/// What was made until now.
struct Making<'m> {
    who: &'m Administrator,
    prepared: &'m Prepared,
    /// The numbers of tasks of the file, by their places.
    tasks: BTreeMap<usize, TaskId>,
}

pub(super) async fn make(
    connection: &mut Connection,
    who: &Administrator,
    prepared: &Prepared,
    looked: Looked,
) -> Result<(), AppError> {
    let mut making = Making {
        who,
        prepared,
        tasks: BTreeMap::new(),
    };
    let mut queries = Vec::new();
    let (mut heads, mut removed) = (Vec::new(), Vec::new());
    for step in looked.steps {
        match step {
            Step::Group(path) => making.group(connection, &path).await?,
            Step::Selection {
                here,
                query,
                selection,
                tasks,
            } => {
                let id = making
                    .selection(connection, here, selection.clone())
                    .await?;
                queries.push((id, here.is_none(), query, selection, tasks));
            }
            Step::Window { here, of, window } => {
                making.window(connection, here, &of, window).await?;
            }
            Step::Task(step) => {
                let head = making.head(connection, step).await?;
                heads.push(head);
            }
            Step::Keep(kind, id) => making.applied(connection, kind, id, false).await?,
            // Last, as what is written now may have stood on it until now.
            Step::Remove(kind, id) => removed.push((kind, id)),
        }
    }
    for (step, revision, new) in heads {
        making.task(connection, step, revision, new).await?;
        muster_crash_point::reach("objects.task-written");
    }
    for (id, made, query, selection, tasks) in queries {
        making
            .query(connection, id, made, (&query, selection), &tasks)
            .await?;
    }
    for (kind, id) in removed {
        making.remove(connection, kind, id).await?;
    }
    Ok(())
}

impl Making<'_> {
    /// Gives a task its number, if it is new.
    async fn head(
        &mut self,
        connection: &mut Connection,
        step: TaskStep,
    ) -> Result<(TaskStep, TaskRevision, NewTask), AppError> {
        let gone = || AppError::not_found("task of the file", &step.index);
        let wanted = self
            .prepared
            .wanted
            .tasks
            .get(step.index)
            .ok_or_else(gone)?;
        let asked = self.prepared.asked.get(step.index).ok_or_else(gone)?;
        let agreed = asked.agreed.clone().ok_or_else(gone)?;
        let scope = scope_find(connection, &step.scope).await?;
        let scope = scope.map_err(|missing| AppError::not_found("scope", &missing.join(", ")))?;
        let way = match &self.prepared.manner {
            Manner::Import(_) => Way::Import,
            Manner::Apply { .. } => Way::Apply,
        };
        let new = NewTask {
            name: step.name.clone(),
            application: wanted.request.application.clone(),
            task_type: wanted.request.task_type.clone(),
            scope,
            time_limit: Some(asked.time_limit),
            settings: agreed.settings.clone(),
            schedule: asked.schedule.clone(),
            rollout: asked.rollout.clone(),
        };
        let by = (self.who.actor(), self.who.origin(way));
        let first = TaskRevision {
            rollout: asked.rollout.clone(),
            ..revision(1, agreed, asked.schedule.clone(), by)
        };
        let id = match step.here {
            Some(id) => id,
            None => task_head_insert(connection, &new, asked.time_limit, &first).await?,
        };
        self.tasks.insert(step.index, id);
        Ok((step, first, new))
    }

    /// Writes a task's revision, now that every task has its number.
    async fn task(
        &self,
        connection: &mut Connection,
        step: TaskStep,
        mut next: TaskRevision,
        new: NewTask,
    ) -> Result<(), AppError> {
        let id = self.number(Target::InFile(step.index))?;
        let limit = new.time_limit.unwrap_or_default();
        if let Some(schedule) = next.schedule.take() {
            let after = step.after.map(|target| self.number(target)).transpose()?;
            let joined = match &step.joined {
                Some(set) => Some(numbered(set_find(connection, set).await?)),
                None => None,
            };
            let filled = filled(schedule, after.map(Target::Here), joined.as_ref());
            next.schedule = Some(filled.ok_or_else(|| AppError::not_found("task", &id))?);
        }
        if let Some(rollout) = next.rollout.take() {
            let tree = Tree::read(connection).await?;
            let number = |path: &String| tree.find(path).map(|group| group.to_string());
            let of_wave = |(wave, paths): (&usize, &Vec<String>)| {
                Some((*wave, paths.iter().map(number).collect::<Option<_>>()?))
            };
            let groups = step.wave_groups.iter().map(of_wave).collect::<Option<_>>();
            let filled = groups.and_then(|groups| filled_rollout(rollout, &groups));
            let gone = || AppError::not_found("group of the rollout of task", &id);
            next.rollout = Some(filled.ok_or_else(gone)?);
        }
        let current = match step.here {
            Some(id) => task_get(connection, id).await?,
            None => None,
        };
        let kind = if let Some(current) = current {
            let same_schedule = next.schedule == current.revision.schedule;
            // Where it is done is what a second administrator approved, too: another scope is another revision.
            let is_same = same_schedule
                && current.scope == new.scope
                && next.settings == current.revision.settings
                && next.rollout == current.revision.rollout
                && next.schema_version == current.revision.schema_version;
            next.number = current.revision.number;
            if !is_same {
                next.number += 1;
                task_revision_insert(connection, id, &next).await?;
            }
            if !same_schedule {
                task_schedule_begin(connection, id, &next).await?;
            }
            task_update(connection, id, &new.name, limit, next.number).await?;
            if current.scope != new.scope {
                task_scope_set(connection, id, &new.scope).await?;
                // What was approved was for other devices.
                approval_forget(connection, id).await?;
            }
            "task.changed"
        } else {
            task_revision_insert(connection, id, &next).await?;
            "task.created"
        };
        let text = if kind == "task.created" {
            format!("Task {} ({}) was created.", new.name, new.task_type)
        } else {
            format!(
                "Task {} was changed; its revision is {}.",
                new.name, next.number
            )
        };
        task_event(connection, kind, &next, &new.application, id, text).await?;
        self.applied(connection, Kind::Task, id.0, step.here.is_none())
            .await
    }

    fn number(&self, target: Target) -> Result<TaskId, AppError> {
        match target {
            Target::Here(id) => Ok(id),
            Target::InFile(index) => self
                .tasks
                .get(&index)
                .copied()
                .ok_or_else(|| AppError::not_found("task of the file", &index)),
        }
    }

    /// Notes that a thing is as these files say, so that what somebody changes later is known.
    async fn applied(
        &self,
        connection: &mut Connection,
        kind: Kind,
        object: i64,
        made: bool,
    ) -> Result<(), AppError> {
        let Manner::Apply { owner, .. } = &self.prepared.manner else {
            return Ok(());
        };
        let state = match kind {
            Kind::Group => None,
            Kind::Task => task_get(connection, TaskId(object))
                .await?
                .map(|task| same::task_state(&task)),
            Kind::Window => {
                let rows = window_list(connection).await?;
                let row = rows.iter().find(|row| row.id.0 == object);
                row.map(same::window_state)
            }
            Kind::Selection => {
                let rows = selection_list(connection).await?;
                let row = rows.iter().find(|row| row.id.0 == object);
                row.map(same::selection_state)
            }
        };
        let row = AppliedRow {
            kind,
            object,
            owner: owner.clone(),
            made,
            state: Digest::of(state.unwrap_or_default().to_string()),
            applied_at: muster_clock::now(),
            applied_by: self.who.actor(),
        };
        Ok(applied_put(connection, &row).await?)
    }
}

/// A group or a selection by its number.
fn numbered(set: DeviceSet) -> SetReference {
    match set {
        DeviceSet::Group(group) => SetReference::Group(group.to_string()),
        DeviceSet::Selection(selection) => SetReference::Selection(selection.to_string()),
    }
}
