//! Maintenance windows and blackouts, and the devices that they are for.

use crate::codec::{Columns, to_json, to_millis};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::event::Actor;
use muster_domain::schedule::window::Window;
use muster_domain::{DeviceSet, GroupId, SelectionId, WindowId};

/// A window, and whom it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowRow {
    /// Its number.
    pub id: WindowId,
    /// Whose it is.
    pub of: DeviceSet,
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
    of: DeviceSet,
    window: &Window,
    now: Timestamp,
    by: &Actor,
) -> Result<WindowId, StorageError> {
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO windows (name, group_id, selection, body, changed_at, changed_by) \
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
    )
    .bind(&window.name)
    .bind(group(of))
    .bind(selection(of))
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
        "UPDATE windows SET name = $2, group_id = $3, selection = $4, body = $5, changed_at = $6, \
         changed_by = $7 WHERE id = $1",
    )
    .bind(row.id.0)
    .bind(&row.window.name)
    .bind(group(row.of))
    .bind(selection(row.of))
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

fn group(of: DeviceSet) -> Option<i64> {
    match of {
        DeviceSet::Group(group) => Some(group.0),
        DeviceSet::Selection(_) => None,
    }
}

fn selection(of: DeviceSet) -> Option<i64> {
    match of {
        DeviceSet::Selection(selection) => Some(selection.0),
        DeviceSet::Group(_) => None,
    }
}

fn from_row(columns: &Columns<'_>) -> Result<WindowRow, StorageError> {
    Ok(WindowRow {
        id: WindowId(columns.get("id")?),
        of: match columns.get::<Option<i64>>("selection")? {
            Some(selection) => DeviceSet::Selection(SelectionId(selection)),
            None => DeviceSet::Group(GroupId(columns.get("group_id")?)),
        },
        window: columns.json("body")?,
        changed_at: columns.time("changed_at")?,
        changed_by: columns.word("changed_by")?,
    })
}
