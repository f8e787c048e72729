//! Members: who is in the selections that something is for.

use crate::codec::{Columns, to_millis, to_set};
use crate::selection::{SelectionRow, from_rows};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::{DeviceId, SelectionId};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// What has a selection as its own: tasks by their scopes, windows, and schedules that it starts.
const USED: &str = "SELECT selection FROM tasks WHERE selection IS NOT NULL AND deleted_at IS NULL \
    UNION SELECT selection FROM windows WHERE selection IS NOT NULL \
    UNION SELECT json_extract(r.schedule, '$.when.joined.selection') FROM tasks \
    JOIN task_revisions r ON r.task = tasks.id AND r.number = tasks.revision \
    WHERE tasks.schedule_since IS NOT NULL AND tasks.deleted_at IS NULL \
    AND json_extract(r.schedule, '$.when.joined.selection') IS NOT NULL";

/// The selections that something is for.
pub async fn selection_list_used(
    connection: &mut Connection,
) -> Result<Vec<SelectionRow>, StorageError> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT * FROM selections WHERE id IN ({USED}) ORDER BY id"
    )))
    .fetch_all(connection)
    .await?;
    from_rows(&rows)
}

/// What a selection is used by, in words such as `task 5`; nothing if nothing is for it.
pub async fn selection_user(
    connection: &mut Connection,
    id: SelectionId,
) -> Result<Option<String>, StorageError> {
    let user: Option<String> = sqlx::query_scalar(
        "SELECT 'task ' || id FROM tasks WHERE selection = $1 AND deleted_at IS NULL \
         UNION ALL SELECT 'window ' || name FROM windows WHERE selection = $1 \
         UNION ALL SELECT 'the schedule of task ' || tasks.id FROM tasks \
         JOIN task_revisions r ON r.task = tasks.id AND r.number = tasks.revision \
         WHERE tasks.schedule_since IS NOT NULL AND tasks.deleted_at IS NULL \
         AND json_extract(r.schedule, '$.when.joined.selection') = $1 LIMIT 1",
    )
    .bind(id.0)
    .fetch_optional(connection)
    .await?;
    Ok(user)
}

/// Forgets who was in selections that nothing is for any more.
pub async fn member_forget_unused(connection: &mut Connection) -> Result<(), StorageError> {
    let members = format!("DELETE FROM selection_members WHERE selection NOT IN ({USED})");
    sqlx::query(sqlx::AssertSqlSafe(members))
        .execute(&mut *connection)
        .await?;
    let followed = format!(
        "UPDATE selections SET followed_since = NULL \
         WHERE followed_since IS NOT NULL AND id NOT IN ({USED})"
    );
    sqlx::query(sqlx::AssertSqlSafe(followed))
        .execute(connection)
        .await?;
    Ok(())
}

/// Since when it is known who is in a selection. None of one that nothing was for until now.
pub async fn selection_followed_since(
    connection: &mut Connection,
    id: SelectionId,
) -> Result<Option<Timestamp>, StorageError> {
    let row = sqlx::query("SELECT followed_since FROM selections WHERE id = $1")
        .bind(id.0)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Columns {
        table: "selections",
        row: &row,
    }
    .optional_time("followed_since")
}

/// Notes since when it is known who is in a selection.
pub async fn selection_follow(
    connection: &mut Connection,
    id: SelectionId,
    now: Timestamp,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE selections SET followed_since = $2 WHERE id = $1")
        .bind(id.0)
        .bind(to_millis(now))
        .execute(connection)
        .await?;
    Ok(())
}

/// Who is in a selection; with `since`, who came into it at that very moment.
pub async fn member_set(
    connection: &mut Connection,
    id: SelectionId,
    since: Option<Timestamp>,
) -> Result<RoaringBitmap, StorageError> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT device FROM selection_members WHERE selection = $1 AND ($2 IS NULL OR since = $2)",
    )
    .bind(id.0)
    .bind(since.map(to_millis))
    .fetch_all(connection)
    .await?;
    Ok(to_set(ids))
}

/// Since when devices are in a selection, of those that are.
pub async fn member_since(
    connection: &mut Connection,
    id: SelectionId,
) -> Result<BTreeMap<DeviceId, Timestamp>, StorageError> {
    let rows = sqlx::query("SELECT device, since FROM selection_members WHERE selection = $1")
        .bind(id.0)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let columns = Columns {
                table: "selection_members",
                row,
            };
            Ok((DeviceId(columns.number("device")?), columns.time("since")?))
        })
        .collect()
}

/// Notes that devices came into a selection.
pub async fn member_insert(
    connection: &mut Connection,
    id: SelectionId,
    devices: &RoaringBitmap,
    since: Timestamp,
) -> Result<(), StorageError> {
    for device in devices {
        sqlx::query("INSERT INTO selection_members (selection, device, since) VALUES ($1, $2, $3)")
            .bind(id.0)
            .bind(i64::from(device))
            .bind(to_millis(since))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Notes that devices left a selection.
pub async fn member_delete(
    connection: &mut Connection,
    id: SelectionId,
    devices: &RoaringBitmap,
) -> Result<(), StorageError> {
    for device in devices {
        sqlx::query("DELETE FROM selection_members WHERE selection = $1 AND device = $2")
            .bind(id.0)
            .bind(i64::from(device))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
