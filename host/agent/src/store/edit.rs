//! What the device's user may do, and what the user asked for.

use super::{StoreError, before, from_json, now, saw, time, to_json};
use jiff::Timestamp;
use muster_agent_protocol::user::UserRights;
use muster_domain::TaskId;
use muster_domain::user::{EditId, EditOutcome, Rights, UserEdit};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::time::Duration;

/// What the user may do, by the server's last word: its number, the rights and the group that gives them.
pub async fn rights(
    at: &mut SqliteConnection,
) -> Result<Option<(u64, Rights, String)>, StoreError> {
    let row = sqlx::query("select sequence, rights, of_group from rights")
        .fetch_optional(at)
        .await?;
    row.map(|row| {
        let rights = from_json("rights", row.get(1))?;
        Ok((row.get::<i64, _>(0).unsigned_abs(), rights, row.get(2)))
    })
    .transpose()
}

/// Puts what the user may do in the place of what was said before.
pub async fn put_rights(at: &mut SqliteConnection, told: &UserRights) -> Result<(), StoreError> {
    let sequence = i64::try_from(told.sequence).unwrap_or(i64::MAX);
    sqlx::query(
        "insert into rights (id, sequence, rights, of_group) values (1, ?1, ?2, ?3) \
         on conflict (id) do update set sequence = ?1, rights = ?2, of_group = ?3",
    )
    .bind(sequence)
    .bind(to_json(&told.rights)?)
    .bind(&told.group)
    .execute(&mut *at)
    .await?;
    saw(at, sequence).await
}

/// Something that the user asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What.
    pub asked: UserEdit,
    /// The task, as soon as it has a number.
    pub task: Option<TaskId>,
    /// The edit that creates the task, where the user made it.
    pub made_by: Option<EditId>,
    /// When.
    pub made_at: Timestamp,
    /// What became of it. None while the server has not answered.
    pub outcome: Option<EditOutcome>,
    /// The version of the task since which it is in it.
    pub version: Option<u32>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select body, task, made_by, made_at, outcome, version from edit ",
            $rest
        )
    };
}

fn read(row: &SqliteRow) -> Result<Asked, StoreError> {
    let text = |place: usize| row.get::<Option<String>, _>(place);
    Ok(Asked {
        asked: from_json("an edit", row.get(0))?,
        task: row.get::<Option<i64>, _>(1).map(TaskId),
        made_by: text(2)
            .map(|text| from_json("an edit's name", &to_json(&text)?))
            .transpose()?,
        made_at: time(row.get(3)),
        outcome: text(4)
            .map(|text| from_json("what became of an edit", &text))
            .transpose()?,
        version: row.get(5),
    })
}

/// Keeps what the user asks for.
pub async fn insert(
    at: &mut SqliteConnection,
    asked: &UserEdit,
    task: Option<TaskId>,
    made_by: Option<&EditId>,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into edit (id, task, made_by, username, body, made_at) values (?, ?, ?, ?, ?, ?)",
    )
    .bind(asked.id.as_str())
    .bind(task.map(|task| task.0))
    .bind(made_by.map(EditId::as_str))
    .bind(&asked.user)
    .bind(to_json(asked)?)
    .bind(now())
    .execute(at)
    .await?;
    Ok(())
}

/// One edit.
pub async fn find(at: &mut SqliteConnection, id: &EditId) -> Result<Option<Asked>, StoreError> {
    let row = sqlx::query(select!("where id = ?"))
        .bind(id.as_str())
        .fetch_optional(at)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The edits of a task, in the order in which they were made.
pub async fn of_task(at: &mut SqliteConnection, task: TaskId) -> Result<Vec<Asked>, StoreError> {
    let rows = sqlx::query(select!("where task = ? order by place"))
        .bind(task.0)
        .fetch_all(at)
        .await?;
    rows.iter().map(read).collect()
}

/// The edits of a task that has no number yet, with the one that creates it first.
pub async fn of_new(at: &mut SqliteConnection, made_by: &EditId) -> Result<Vec<Asked>, StoreError> {
    let rows = sqlx::query(select!("where made_by = ? and task is null order by place"))
        .bind(made_by.as_str())
        .fetch_all(at)
        .await?;
    rows.iter().map(read).collect()
}

/// The edits that create tasks, in the order in which they were made.
pub async fn list_created(at: &mut SqliteConnection) -> Result<Vec<Asked>, StoreError> {
    let rows = sqlx::query(select!("where made_by = id order by place"))
        .fetch_all(at)
        .await?;
    rows.iter().map(read).collect()
}

/// The newest edits, the latest first.
pub async fn list(at: &mut SqliteConnection, most: u32) -> Result<Vec<Asked>, StoreError> {
    let rows = sqlx::query(select!("order by place desc limit ?"))
        .bind(most)
        .fetch_all(at)
        .await?;
    rows.iter().map(read).collect()
}

/// How many the server has not answered.
pub async fn count_open(at: &mut SqliteConnection) -> Result<u32, StoreError> {
    let row = sqlx::query("select count(*) from edit where outcome is null")
        .fetch_one(at)
        .await?;
    Ok(row.get(0))
}

/// Keeps what became of an edit. False if that was known, or nobody knows the edit.
pub async fn answer(
    at: &mut SqliteConnection,
    id: &EditId,
    outcome: &EditOutcome,
) -> Result<bool, StoreError> {
    let (task, version) = match outcome {
        EditOutcome::Taken { task, version, .. } => (Some(task.0), Some(*version)),
        _ => (None, None),
    };
    let done = sqlx::query(
        "update edit set outcome = ?2, answered_at = ?3, version = ?4, task = coalesce(task, ?5) \
         where id = ?1 and outcome is null",
    )
    .bind(id.as_str())
    .bind(to_json(outcome)?)
    .bind(now())
    .bind(version)
    .bind(task)
    .execute(&mut *at)
    .await?;
    if let Some(task) = task {
        // What was asked of it while it had no number.
        sqlx::query("update edit set task = ?2 where made_by = ?1 and task is null")
            .bind(id.as_str())
            .bind(task)
            .execute(at)
            .await?;
    }
    Ok(done.rows_affected() == 1)
}

/// Notes the greatest number that was seen.
pub async fn saw_number(at: &mut SqliteConnection, sequence: u64) -> Result<(), StoreError> {
    saw(at, i64::try_from(sequence).unwrap_or(i64::MAX)).await
}

/// Forgets what was answered long ago.
pub(super) async fn prune(at: &mut SqliteConnection, keep: Duration) -> Result<(), StoreError> {
    sqlx::query(
        "delete from edit where place in (select place from edit where answered_at < ? \
         order by place limit 500)",
    )
    .bind(before(keep))
    .execute(at)
    .await?;
    Ok(())
}
