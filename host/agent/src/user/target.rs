//! Target: the task that the user names.

use super::act::UserError;
use super::overlay::content_of;
use crate::store::assignment::{self, Kept};
use crate::store::edit::{self, Asked};
use muster_domain::merge::with;
use muster_domain::user::{Edit, EditId, EditOutcome, EditedTask, content};
use muster_domain::{ApplicationId, TaskId, TaskTypeId};
use serde_json::Value;
use sqlx::SqliteConnection;

/// A task that the user may name.
#[derive(Debug)]
pub enum Target {
    /// One that the server assigned.
    Known(Box<Kept>),
    /// One that the user made and the server has not taken yet, or has not told of.
    New(Box<New>),
}

/// A task that the user made and that stands for itself until the server assigns it.
#[derive(Debug, Clone)]
pub struct New {
    /// The edit that creates it.
    pub id: EditId,
    /// Its number, if the server gave one.
    pub task: Option<TaskId>,
    /// The application that it is for.
    pub application: ApplicationId,
    /// What it does.
    pub task_type: TaskTypeId,
    /// As the user has it.
    pub content: Value,
    /// Why it is not to be.
    pub refused: Option<String>,
}

impl New {
    /// Its name.
    pub fn name(&self) -> &str {
        let name = self.content.get("name").and_then(Value::as_str);
        name.unwrap_or_default()
    }
}

impl Target {
    /// As the user edits it.
    pub(super) fn content(&self) -> Option<Value> {
        match self {
            Self::Known(kept) => kept.assigned.as_ref().map(content_of),
            Self::New(new) => Some(new.content.clone()),
        }
    }

    /// What an edit is made on: the task, and its version.
    pub(super) fn base(&self) -> (EditedTask, u32) {
        match self {
            Self::Known(kept) => {
                let told = kept.told.as_ref().and_then(|told| told.local.as_ref());
                (
                    EditedTask::Known(kept.task),
                    told.map_or(1, |local| local.version),
                )
            }
            Self::New(new) => (EditedTask::Created(new.id.clone()), 1),
        }
    }
}

/// The tasks that the user made and the server has not assigned. Those that were refused last.
pub async fn list_new(at: &mut SqliteConnection) -> Result<Vec<New>, UserError> {
    let mut found: Vec<New> = Vec::new();
    let created = edit::list_created(at).await?;
    for made in created {
        let Edit::Create(new) = &made.asked.edit else {
            continue;
        };
        if let Some(task) = made.task
            && assignment::find(at, task).await?.is_some()
        {
            continue;
        }
        let refused = match &made.outcome {
            Some(EditOutcome::Refused { reason, .. } | EditOutcome::Lost { reason, .. }) => {
                Some(reason.clone())
            }
            _ => None,
        };
        let schedule = made.asked.edit.schedule();
        let base = content(
            &new.name,
            new.time_limit.unwrap_or_default(),
            schedule.as_ref(),
            &new.settings,
        );
        let later = match made.task {
            Some(task) => edit::of_task(at, task).await?,
            None => edit::of_new(at, &made.asked.id).await?,
        };
        let Some(content) = edited(base, &later) else {
            continue;
        };
        found.push(New {
            id: made.asked.id.clone(),
            task: made.task,
            application: new.application.clone(),
            task_type: new.task_type.clone(),
            content,
            refused,
        });
    }
    found.sort_by_key(|new| new.refused.is_some());
    Ok(found)
}

/// A new task with what was asked of it since. None if it was deleted.
fn edited(mut content: Value, later: &[Asked]) -> Option<Value> {
    let gone = |edit: &Asked| {
        matches!(
            edit.outcome,
            Some(EditOutcome::Refused { .. } | EditOutcome::Lost { .. })
        )
    };
    for edit in later.iter().filter(|edit| !gone(edit)) {
        match &edit.asked.edit {
            Edit::Change { changes, .. } => content = with(&content, changes).unwrap_or(content),
            Edit::Delete { .. } => return None,
            Edit::Create(_) => {}
        }
    }
    Some(content)
}

/// The task of this number or name.
pub(super) async fn find(at: &mut SqliteConnection, wanted: &str) -> Result<Target, UserError> {
    let number = wanted.parse::<TaskId>().ok();
    let mut found = Vec::new();
    for kept in assignment::list(at).await? {
        let name = kept.assigned.as_ref().map(|assigned| &assigned.task_name);
        if number == Some(kept.task) || name.is_some_and(|name| name == wanted) {
            found.push(Target::Known(Box::new(kept)));
        }
    }
    for new in list_new(at).await? {
        let known = number.is_some() && number == new.task;
        if new.refused.is_none() && (known || new.name() == wanted || new.id.short() == wanted) {
            found.push(Target::New(Box::new(new)));
        }
    }
    let one = found
        .pop()
        .ok_or_else(|| UserError::NoTask(wanted.to_owned()))?;
    if found.is_empty() {
        Ok(one)
    } else {
        Err(UserError::Several(wanted.to_owned()))
    }
}
