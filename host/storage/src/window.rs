//! Maintenance windows and blackouts, and the groups that they are attached to.

use crate::codec::{Columns, to_json, to_millis};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::event::Actor;
use muster_domain::schedule::window::Window;
use muster_domain::{GroupId, WindowId};

/// A window, and what it is attached to.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowRow {
    /// Its number.
    pub id: WindowId,
    /// It holds for the devices of this group and those below it.
    pub group: GroupId,
    /// The window.
    pub window: Window,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// Who changed it.
    pub changed_by: Actor,
}

/// Adds a window. `window_name_taken` if another has the name.
pub async fn window_insert(
    connection: &mut Connection,
    group: GroupId,
    window: &Window,
    now: Timestamp,
    by: &Actor,
) -> Result<WindowId, StorageError> {
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO windows (name, group_id, body, changed_at, changed_by) \
         VALUES ($1, $2, $3, $4, $5) RETURNING id",
    )
    .bind(&window.name)
    .bind(group.0)
    .bind(to_json(window))
    .bind(to_millis(now))
    .bind(by.to_string())
    .fetch_one(connection)
    .await?;
    Ok(WindowId(id))
}

/// Writes a window anew. `window_name_taken` if another has the name.
pub async fn window_update(
    connection: &mut Connection,
    row: &WindowRow,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE windows SET name = $2, group_id = $3, body = $4, changed_at = $5, changed_by = $6 \
         WHERE id = $1",
    )
    .bind(row.id.0)
    .bind(&row.window.name)
    .bind(row.group.0)
    .bind(to_json(&row.window))
    .bind(to_millis(row.changed_at))
    .bind(row.changed_by.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a window.
pub async fn window_delete(connection: &mut Connection, id: WindowId) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM windows WHERE id = $1")
        .bind(id.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Every window, by name.
pub async fn window_list(connection: &mut Connection) -> Result<Vec<WindowRow>, StorageError> {
    let rows = sqlx::query("SELECT * FROM windows ORDER BY name")
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            from_row(&Columns {
                table: "windows",
                row,
            })
        })
        .collect()
}

fn from_row(columns: &Columns<'_>) -> Result<WindowRow, StorageError> {
    Ok(WindowRow {
        id: WindowId(columns.get("id")?),
        group: GroupId(columns.get("group_id")?),
        window: columns.json("body")?,
        changed_at: columns.time("changed_at")?,
        changed_by: columns.word("changed_by")?,
    })
}
