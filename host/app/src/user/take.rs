//! Take: the loop over what devices' users ask for.
//!
//! The edits of a task are taken in the order in which they came; one that waits for its application's
//! plug-in holds up those of its own task alone.

use super::edit::{Asked, Took};
use super::{answer, change, create, delete};
use crate::application::Absence;
use crate::hint::Hinted;
use crate::{App, AppError};
use futures_util::future::join_all;
use muster_domain::chain;
use muster_domain::user::{Edit, EditId, EditedTask};
use muster_domain::{ApplicationId, DeviceId, TaskId};
use muster_plugin_host::Fault;
use muster_storage::Connection;
use muster_storage::task::task_head;
use muster_storage::user::{UserEditRow, user_edit_get, user_edit_list_open};
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Everything is looked at so often: what a lost hint would have told.
const SWEEP: Duration = Duration::from_mins(5);
/// After a failure, or while a plug-in is being compiled, everything is looked at again so soon.
const RETRY: Duration = Duration::from_secs(2);
/// Edits that are looked at together.
const MOST: u32 = 10_000;

/// Takes edits until the server stops.
pub(crate) async fn work(app: App, mut hinted: Hinted) {
    let stopping = app.0.stopping.clone();
    let mut sweep = interval(SWEEP);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            _ = sweep.tick() => {}
            _ = hinted.next() => {}
        }
        match look(&app).await {
            Ok(true) => sweep.reset_after(RETRY),
            Ok(false) => {}
            Err(error) => {
                tracing::error!(error = %chain(&error), "edits of devices' users are held up; trying again");
                sweep.reset_after(RETRY);
            }
        }
    }
}

/// Looks at all that waits, and tells what came of it. True if some of it is to be looked at again soon.
async fn look(app: &App) -> Result<bool, AppError> {
    let mut of: BTreeMap<Option<ApplicationId>, Vec<(UserEditRow, Whose)>> = BTreeMap::new();
    {
        let mut connection = app.0.storage.read().await?;
        for row in user_edit_list_open(&mut connection, MOST).await? {
            let (application, whose) = whose(&mut connection, &row).await?;
            of.entry(application).or_default().push((row, whose));
        }
    }
    let looks = of.into_values().map(|rows| one_by_one(app, rows));
    let mut soon = false;
    for looked in join_all(looks).await {
        soon |= looked?;
    }
    answer::tell(app).await?;
    Ok(soon)
}

/// Whose edits are taken in their order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Whose {
    Task(TaskId),
    New(DeviceId, EditId),
}

async fn whose(
    connection: &mut Connection,
    row: &UserEditRow,
) -> Result<(Option<ApplicationId>, Whose), AppError> {
    let task = match row.edit.as_ref().and_then(Edit::task) {
        Some(EditedTask::Known(task)) => Ok(*task),
        Some(EditedTask::Created(by)) => {
            let made = user_edit_get(connection, row.device, by).await?;
            match made {
                Some(UserEditRow {
                    task: Some(task), ..
                }) => Ok(task),
                // Its creation waits, and is looked at with it.
                Some(made) => Err((made.id.clone(), made.edit)),
                None => Err((by.clone(), None)),
            }
        }
        None => Err((row.id.clone(), row.edit.clone())),
    };
    Ok(match task {
        Ok(task) => {
            let head = task_head(connection, task).await?;
            (head.map(|head| head.application), Whose::Task(task))
        }
        Err((id, edit)) => {
            let application = match edit {
                Some(Edit::Create(new)) => Some(new.application.clone()),
                _ => None,
            };
            (application, Whose::New(row.device, id))
        }
    })
}

async fn one_by_one(app: &App, rows: Vec<(UserEditRow, Whose)>) -> Result<bool, AppError> {
    let mut waiting = HashSet::new();
    let mut soon = false;
    for (row, whose) in rows {
        if app.0.stopping.is_cancelled() {
            break;
        }
        if waiting.contains(&whose) {
            continue;
        }
        match one(app, row).await? {
            Took::Settled => {}
            Took::Waits { passing } => {
                soon |= passing;
                waiting.insert(whose);
            }
        }
    }
    Ok(soon)
}

async fn one(app: &App, row: UserEditRow) -> Result<Took, AppError> {
    let asked = Asked::new(app, row).await?;
    let taken = match &asked.row.edit {
        None => Ok(Took::Settled),
        _ if !asked.rights.manage_own => asked.not_allowed(app).await,
        Some(Edit::Create(new)) => create::take(app, &asked, new).await,
        Some(Edit::Change {
            task,
            base,
            changes,
        }) => change::take(app, &asked, task, *base, changes).await,
        Some(Edit::Delete { task, base }) => delete::take(app, &asked, task, *base).await,
    };
    match taken {
        Err(error) if waits(&error) => Ok(Took::Waits {
            passing: error.is_passing(),
        }),
        Err(error) if error.fault() != Fault::Us => {
            asked.refuse(app, &error).await?;
            Ok(Took::Settled)
        }
        other => other,
    }
}

/// Whether it may be another time, when the plug-in is there.
fn waits(error: &AppError) -> bool {
    match error {
        AppError::ApplicationWithoutPlugin { reason, .. } => {
            !matches!(reason, Absence::NeverInstalled)
        }
        other => other.is_passing(),
    }
}
