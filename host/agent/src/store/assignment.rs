//! Assignments: the tasks that the device starts by itself, and its windows.

use super::{StoreError, before, from_json, now, time, to_json};
use jiff::Timestamp;
use muster_agent_protocol::assignment::{Assigned, Assignment, DeviceWindows, Standing};
use muster_domain::TaskId;
use muster_domain::delivery::Cause;
use muster_domain::schedule::window::Window;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::collections::HashMap;
use std::time::Duration;

/// A task that stands for this device, or did.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The task.
    pub task: TaskId,
    /// Of the last assignment of it.
    pub sequence: u64,
    /// How it stands.
    pub state: State,
    /// What is needed to start it. None if it was never active here, or was withdrawn.
    pub assigned: Option<Assigned>,
    /// What came due up to then is done.
    pub mark: Timestamp,
    /// The mark goes back to here at most.
    pub least: Timestamp,
    /// The device's zone by which the mark was made.
    pub zone: String,
    /// The last schedule revision whose saving was answered to.
    pub saved: u32,
    /// What the server assigned, without what the device's user changed since.
    pub told: Option<Assigned>,
    /// The device's user deleted it.
    pub dropped: bool,
}

/// How a task stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It starts by its schedule.
    Active,
    /// It does not start for now.
    Held(Option<Cause>),
    /// It is no longer the device's.
    Withdrawn,
}

impl State {
    /// The word that rows and people see.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Held(_) => "held",
            Self::Withdrawn => "withdrawn",
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select task, sequence, standing, assigned, cause, mark, least, zone, saved, told, dropped ",
            "from assignment ",
            $rest
        )
    };
}

fn read(row: &SqliteRow) -> Result<Kept, StoreError> {
    let json = |place: usize| row.get::<Option<String>, _>(place);
    let cause = json(4)
        .map(|text| from_json("a cause", &text))
        .transpose()?;
    Ok(Kept {
        task: TaskId(row.get(0)),
        sequence: row.get::<i64, _>(1).unsigned_abs(),
        state: match row.get(2) {
            "active" => State::Active,
            "held" => State::Held(cause),
            _ => State::Withdrawn,
        },
        assigned: json(3)
            .map(|text| from_json("an assignment", &text))
            .transpose()?,
        mark: time(row.get(5)),
        least: time(row.get(6)),
        zone: row.get(7),
        saved: row.get(8),
        told: json(9)
            .map(|text| from_json("an assignment", &text))
            .transpose()?,
        dropped: row.get(10),
    })
}

/// The task's row, also a withdrawn one.
pub async fn find(at: &mut SqliteConnection, task: TaskId) -> Result<Option<Kept>, StoreError> {
    let row = sqlx::query(select!("where task = ?"))
        .bind(task.0)
        .fetch_optional(at)
        .await?;
    row.as_ref().map(read).transpose()
}

/// All that stand for the device, by their numbers.
pub async fn list(at: &mut SqliteConnection) -> Result<Vec<Kept>, StoreError> {
    let rows = sqlx::query(select!(
        "where standing <> 'withdrawn' and dropped = 0 order by task"
    ))
    .fetch_all(at)
    .await?;
    rows.iter().map(read).collect()
}

/// The tasks that are held, and why.
pub async fn held(at: &mut SqliteConnection) -> Result<HashMap<TaskId, Cause>, StoreError> {
    let rows = sqlx::query("select task, cause from assignment where standing = 'held'")
        .fetch_all(at)
        .await?;
    let read = |row: &SqliteRow| Ok((TaskId(row.get(0)), from_json("a cause", row.get(1))?));
    rows.iter().map(read).collect()
}

/// Puts an assignment in the place of the one before it. The mark never goes back with it.
pub async fn put(at: &mut SqliteConnection, assignment: &Assignment) -> Result<(), StoreError> {
    let (standing, assigned, cause) = match &assignment.standing {
        Standing::Active(assigned) => ("active", Some(assigned.as_ref()), None),
        Standing::Held { cause } => ("held", None, Some(cause)),
        Standing::Withdrawn => ("withdrawn", None, None),
    };
    let sequence = i64::try_from(assignment.sequence).unwrap_or(i64::MAX);
    // A held task keeps what it was; a withdrawn one is forgotten but for what it has done.
    sqlx::query(
        "insert into assignment (task, sequence, standing, assigned, told, command, cause, mark, least, changed_at) \
         values (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?7, ?8) on conflict (task) do update set \
         sequence = ?2, standing = ?3, cause = ?6, changed_at = ?8, mark = max(mark, ?7), least = max(least, ?7), \
         assigned = case when ?3 = 'held' then assigned else ?4 end, \
         told = case when ?3 = 'held' then told else ?4 end, \
         command = case when ?3 = 'held' then command else ?5 end",
    )
    .bind(assignment.task.0)
    .bind(sequence)
    .bind(standing)
    .bind(assigned.map(to_json).transpose()?)
    .bind(assigned.map(|assigned| assigned.command.to_string()))
    .bind(cause.map(to_json).transpose()?)
    .bind(assigned.map_or(0, |assigned| assigned.since.as_millisecond()))
    .bind(now())
    .execute(&mut *at)
    .await?;
    super::saw(at, sequence).await
}

/// Says what holds of a task with what the device's user wants of it, from a moment on.
pub async fn set_own(
    at: &mut SqliteConnection,
    task: TaskId,
    assigned: Option<&Assigned>,
    dropped: bool,
) -> Result<(), StoreError> {
    sqlx::query(
        "update assignment set assigned = ?2, dropped = ?3, mark = max(mark, ?4), least = max(least, ?4) \
         where task = ?1",
    )
    .bind(task.0)
    .bind(assigned.map(to_json).transpose()?)
    .bind(dropped)
    .bind(assigned.map_or(0, |assigned| assigned.since.as_millisecond()))
    .execute(at)
    .await?;
    Ok(())
}

/// Notes up to when all is done, and by which of the device's zones that was found.
pub async fn set_mark(
    at: &mut SqliteConnection,
    task: TaskId,
    mark: Timestamp,
    zone: &str,
) -> Result<(), StoreError> {
    sqlx::query("update assignment set mark = max(?, least), zone = ? where task = ?")
        .bind(mark.as_millisecond())
        .bind(zone)
        .bind(task.0)
        .execute(at)
        .await?;
    Ok(())
}

/// The saving of this revision of the schedule was answered to.
pub async fn set_saved(
    at: &mut SqliteConnection,
    task: TaskId,
    revision: u32,
) -> Result<(), StoreError> {
    sqlx::query("update assignment set saved = ? where task = ?")
        .bind(revision)
        .bind(task.0)
        .execute(at)
        .await?;
    Ok(())
}

/// The windows of the device, and the number of the message that brought them.
pub async fn windows(at: &mut SqliteConnection) -> Result<Option<(u64, Vec<Window>)>, StoreError> {
    let row = sqlx::query("select sequence, windows from windows")
        .fetch_optional(at)
        .await?;
    row.map(|row| {
        let windows = from_json("windows", row.get(1))?;
        Ok((row.get::<i64, _>(0).unsigned_abs(), windows))
    })
    .transpose()
}

/// Puts the windows in the place of those before.
pub async fn put_windows(
    at: &mut SqliteConnection,
    windows: &DeviceWindows,
) -> Result<(), StoreError> {
    let sequence = i64::try_from(windows.sequence).unwrap_or(i64::MAX);
    sqlx::query(
        "insert into windows (id, sequence, windows) values (1, ?1, ?2) \
         on conflict (id) do update set sequence = ?1, windows = ?2",
    )
    .bind(sequence)
    .bind(to_json(&windows.windows)?)
    .execute(&mut *at)
    .await?;
    super::saw(at, sequence).await
}

/// Forgets tasks that were withdrawn long ago and of which nothing is left.
pub(super) async fn prune(at: &mut SqliteConnection, keep: Duration) -> Result<(), StoreError> {
    sqlx::query(
        "delete from assignment where standing = 'withdrawn' and changed_at < ? \
         and not exists (select 1 from occurrence where occurrence.task = assignment.task)",
    )
    .bind(before(keep))
    .execute(at)
    .await?;
    Ok(())
}
