//! What devices' users may do with tasks, and what they asked for.

use crate::codec::{Columns, to_json, to_millis, to_set};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::user::{Edit, EditId, EditOutcome, UserPolicy};
use muster_domain::{DeviceId, GroupId, TaskId};
use std::collections::BTreeMap;

/// What each group says that says anything.
pub async fn user_policies(
    connection: &mut Connection,
) -> Result<BTreeMap<GroupId, UserPolicy>, StorageError> {
    let rows: Vec<(i64, Option<bool>, Option<bool>)> =
        sqlx::query_as("SELECT group_id, tasks, starts FROM user_policies")
            .fetch_all(connection)
            .await?;
    let policy = |(group, tasks, starts)| (GroupId(group), UserPolicy { tasks, starts });
    Ok(rows.into_iter().map(policy).collect())
}

/// Keeps what a group says.
pub async fn user_policy_put(
    connection: &mut Connection,
    group: GroupId,
    policy: UserPolicy,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO user_policies (group_id, tasks, starts) VALUES ($1, $2, $3) \
         ON CONFLICT (group_id) DO UPDATE SET tasks = excluded.tasks, starts = excluded.starts",
    )
    .bind(group.0)
    .bind(policy.tasks)
    .bind(policy.starts)
    .execute(connection)
    .await?;
    Ok(())
}

/// A state that a task was in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskVersion {
    /// Counted up from 1 for each task.
    pub version: u32,
    /// Its name.
    pub name: String,
    /// Seconds.
    pub time_limit: u32,
    /// The revision with its settings and its schedule.
    pub revision: u32,
    /// The device whose user brought the task into this state. None: somebody else.
    pub device: Option<DeviceId>,
}

/// The states of a task from one on, oldest first.
pub async fn task_versions(
    connection: &mut Connection,
    task: TaskId,
    from: u32,
) -> Result<Vec<TaskVersion>, StorageError> {
    let rows = sqlx::query(
        "SELECT * FROM task_versions WHERE task = $1 AND version >= $2 ORDER BY version",
    )
    .bind(task.0)
    .bind(i64::from(from))
    .fetch_all(connection)
    .await?;
    let read = |row| {
        let columns = Columns {
            table: "task_versions",
            row,
        };
        Ok(TaskVersion {
            version: columns.number("version")?,
            name: columns.get("name")?,
            time_limit: columns.number("time_limit")?,
            revision: columns.number("revision")?,
            device: columns.optional_number("device")?.map(DeviceId),
        })
    };
    rows.iter().map(read).collect()
}

/// The number of the state that a task is in.
pub async fn task_version(connection: &mut Connection, task: TaskId) -> Result<u32, StorageError> {
    let version: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM task_versions WHERE task = $1")
            .bind(task.0)
            .fetch_one(connection)
            .await?;
    Ok(version
        .and_then(|version| u32::try_from(version).ok())
        .unwrap_or(0))
}

/// Notes that a device's user brought a task into the state that it is in.
pub async fn task_version_by(
    connection: &mut Connection,
    task: TaskId,
    device: DeviceId,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE task_versions SET device = $2 WHERE task = $1 AND version = \
         (SELECT max(version) FROM task_versions WHERE task = $1)",
    )
    .bind(task.0)
    .bind(i64::from(device.0))
    .execute(connection)
    .await?;
    Ok(())
}

/// How many tasks a device's user has.
pub async fn user_task_count(
    connection: &mut Connection,
    device: DeviceId,
) -> Result<u64, StorageError> {
    let prefix = format!("device-user:{device}:");
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM tasks WHERE kind = 'local' AND device = $1 AND deleted_at IS NULL \
         AND substr(created_by, 1, $2) = $3",
    )
    .bind(i64::from(device.0))
    .bind(i64::try_from(prefix.len()).unwrap_or(i64::MAX))
    .bind(prefix)
    .fetch_one(connection)
    .await?;
    Ok(count.unsigned_abs())
}

/// Something that a device's user asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct UserEditRow {
    /// In the order in which they came.
    pub place: i64,
    /// Its name.
    pub id: EditId,
    /// The device.
    pub device: DeviceId,
    /// The task, as soon as it is known.
    pub task: Option<TaskId>,
    /// The user's name on the device.
    pub user: String,
    /// What was asked for. None if it was too much to be kept.
    pub edit: Option<Edit>,
    /// When, by the device's clock.
    pub made_at: Timestamp,
    /// When the server heard of it.
    pub came_at: Timestamp,
    /// What became of it. None while it waits.
    pub outcome: Option<EditOutcome>,
}

fn from_row(row: &sqlx::sqlite::SqliteRow) -> Result<UserEditRow, StorageError> {
    let columns = Columns {
        table: "user_edits",
        row,
    };
    Ok(UserEditRow {
        place: columns.get("place")?,
        id: EditId::try_from(columns.get::<String>("id")?)
            .map_err(|why| columns.wrong("id", why))?,
        device: DeviceId(columns.number("device")?),
        task: columns.get::<Option<i64>>("task")?.map(TaskId),
        user: columns.get("username")?,
        edit: columns.json("body")?,
        made_at: columns.time("made_at")?,
        came_at: columns.time("came_at")?,
        outcome: columns.optional_json("outcome")?,
    })
}

/// Keeps what a device's user asks for; nothing if it is there. With an outcome it is over at once.
/// Returns whether it is new.
pub async fn user_edit_insert(
    connection: &mut Connection,
    row: &UserEditRow,
) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "INSERT INTO user_edits (id, device, task, username, body, made_at, came_at, outcome, answered_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $8 IS NULL THEN NULL ELSE $7 END) \
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(row.id.as_str())
    .bind(i64::from(row.device.0))
    .bind(row.task.map(|task| task.0))
    .bind(&row.user)
    .bind(to_json(&row.edit))
    .bind(to_millis(row.made_at))
    .bind(to_millis(row.came_at))
    .bind(row.outcome.as_ref().map(to_json))
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many edits of a device wait.
pub async fn user_edit_count_open(
    connection: &mut Connection,
    device: DeviceId,
) -> Result<u64, StorageError> {
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM user_edits WHERE device = $1 AND outcome IS NULL")
            .bind(i64::from(device.0))
            .fetch_one(connection)
            .await?;
    Ok(count.unsigned_abs())
}

/// The edits that wait, in the order in which they came, at most `limit`.
pub async fn user_edit_list_open(
    connection: &mut Connection,
    limit: u32,
) -> Result<Vec<UserEditRow>, StorageError> {
    let rows =
        sqlx::query("SELECT * FROM user_edits WHERE outcome IS NULL ORDER BY place LIMIT $1")
            .bind(i64::from(limit))
            .fetch_all(connection)
            .await?;
    rows.iter().map(from_row).collect()
}

/// One edit of a device.
pub async fn user_edit_get(
    connection: &mut Connection,
    device: DeviceId,
    id: &EditId,
) -> Result<Option<UserEditRow>, StorageError> {
    let row = sqlx::query("SELECT * FROM user_edits WHERE id = $1 AND device = $2")
        .bind(id.as_str())
        .bind(i64::from(device.0))
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(from_row).transpose()
}

/// The edits of a task, newest first.
pub async fn user_edit_list_of(
    connection: &mut Connection,
    task: TaskId,
) -> Result<Vec<UserEditRow>, StorageError> {
    let rows =
        sqlx::query("SELECT * FROM user_edits WHERE task = $1 ORDER BY place DESC LIMIT 1000")
            .bind(task.0)
            .fetch_all(connection)
            .await?;
    rows.iter().map(from_row).collect()
}

/// Says which task an edit is about.
pub async fn user_edit_task_set(
    connection: &mut Connection,
    place: i64,
    task: TaskId,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE user_edits SET task = $2 WHERE place = $1")
        .bind(place)
        .bind(task.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Says what became of an edit. False if that was said before.
pub async fn user_edit_answer(
    connection: &mut Connection,
    place: i64,
    outcome: &EditOutcome,
    now: Timestamp,
) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "UPDATE user_edits SET outcome = $2, answered_at = $3 WHERE place = $1 AND outcome IS NULL",
    )
    .bind(place)
    .bind(to_json(outcome))
    .bind(to_millis(now))
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The devices that have still to hear what became of an edit.
pub async fn user_edit_devices_untold(
    connection: &mut Connection,
) -> Result<roaring::RoaringBitmap, StorageError> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT device FROM user_edits WHERE NOT told AND outcome IS NOT NULL",
    )
    .fetch_all(connection)
    .await?;
    Ok(to_set(ids))
}

/// The edits of a device of which it has still to hear what became.
pub async fn user_edit_list_untold(
    connection: &mut Connection,
    device: DeviceId,
) -> Result<Vec<UserEditRow>, StorageError> {
    let rows = sqlx::query(
        "SELECT * FROM user_edits WHERE device = $1 AND NOT told AND outcome IS NOT NULL \
         ORDER BY place LIMIT 1000",
    )
    .bind(i64::from(device.0))
    .fetch_all(connection)
    .await?;
    rows.iter().map(from_row).collect()
}

/// Notes that a device is told what became of an edit, under a number.
pub async fn user_edit_told(
    connection: &mut Connection,
    place: i64,
    sequence: u64,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE user_edits SET told = TRUE, sequence = $2 WHERE place = $1")
        .bind(place)
        .bind(sequence.cast_signed())
        .execute(connection)
        .await?;
    Ok(())
}

/// A link begins: what the device had not heard when the last one ended is told again.
pub async fn user_edit_link_begin(
    connection: &mut Connection,
    device: DeviceId,
    heard: u64,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE user_edits SET told = FALSE WHERE device = $1 AND told AND sequence > $2")
        .bind(i64::from(device.0))
        .bind(heard.cast_signed())
        .execute(connection)
        .await?;
    Ok(())
}

/// Puts what may be kept of an edit in the place of the whole.
pub async fn user_edit_scrub(
    connection: &mut Connection,
    place: i64,
    edit: Option<&Edit>,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE user_edits SET body = $2 WHERE place = $1")
        .bind(place)
        .bind(to_json(&edit))
        .execute(connection)
        .await?;
    Ok(())
}

/// What the user of a device asked for of a task, newest first.
pub async fn user_edit_list_of_device(
    connection: &mut Connection,
    task: TaskId,
    device: DeviceId,
) -> Result<Vec<UserEditRow>, StorageError> {
    let rows = sqlx::query(
        "SELECT * FROM user_edits WHERE device = $1 AND (task = $2 OR outcome IS NULL) \
         ORDER BY place DESC LIMIT 1000",
    )
    .bind(i64::from(device.0))
    .bind(task.0)
    .fetch_all(connection)
    .await?;
    rows.iter().map(from_row).collect()
}
