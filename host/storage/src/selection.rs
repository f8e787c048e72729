//! Selections: saved queries over devices.

use crate::codec::{Columns, to_json, to_millis};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::SelectionId;
use muster_domain::event::Actor;
use muster_domain::selection::Selection;
use sqlx::sqlite::SqliteRow;

/// A selection, and who wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct SelectionRow {
    /// Its number.
    pub id: SelectionId,
    /// The selection.
    pub selection: Selection,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// Who changed it.
    pub changed_by: Actor,
}

/// Adds a selection. `selection_name_taken` if another has the name.
pub async fn selection_insert(
    connection: &mut Connection,
    selection: &Selection,
    now: Timestamp,
    by: &Actor,
) -> Result<SelectionId, StorageError> {
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO selections (name, body, changed_at, changed_by) VALUES ($1, $2, $3, $4) RETURNING id",
    )
    .bind(&selection.name)
    .bind(to_json(selection))
    .bind(to_millis(now))
    .bind(by.to_string())
    .fetch_one(connection)
    .await?;
    Ok(SelectionId(id))
}

/// Writes a selection anew, and says whether there is one of this number. `selection_name_taken` if
/// another has the name.
pub async fn selection_update(
    connection: &mut Connection,
    row: &SelectionRow,
) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "UPDATE selections SET name = $2, body = $3, changed_at = $4, changed_by = $5 WHERE id = $1",
    )
    .bind(row.id.0)
    .bind(&row.selection.name)
    .bind(to_json(&row.selection))
    .bind(to_millis(row.changed_at))
    .bind(row.changed_by.to_string())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes a selection, and says whether there was one.
pub async fn selection_delete(
    connection: &mut Connection,
    id: SelectionId,
) -> Result<bool, StorageError> {
    let done = sqlx::query("DELETE FROM selections WHERE id = $1")
        .bind(id.0)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Every selection, by name.
pub async fn selection_list(
    connection: &mut Connection,
) -> Result<Vec<SelectionRow>, StorageError> {
    let rows = sqlx::query("SELECT * FROM selections ORDER BY name")
        .fetch_all(connection)
        .await?;
    from_rows(&rows)
}

/// A selection.
pub async fn selection_get(
    connection: &mut Connection,
    id: SelectionId,
) -> Result<Option<SelectionRow>, StorageError> {
    let row = sqlx::query("SELECT * FROM selections WHERE id = $1")
        .bind(id.0)
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        from_row(&Columns {
            table: "selections",
            row: &row,
        })
    })
    .transpose()
}

pub(crate) fn from_rows(rows: &[SqliteRow]) -> Result<Vec<SelectionRow>, StorageError> {
    rows.iter()
        .map(|row| {
            from_row(&Columns {
                table: "selections",
                row,
            })
        })
        .collect()
}

fn from_row(columns: &Columns<'_>) -> Result<SelectionRow, StorageError> {
    Ok(SelectionRow {
        id: SelectionId(columns.get("id")?),
        selection: columns.json("body")?,
        changed_at: columns.time("changed_at")?,
        changed_by: columns.word("changed_by")?,
    })
}
