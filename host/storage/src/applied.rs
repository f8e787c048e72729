//! What was applied from files that say how the server is to be.

use crate::codec::{Columns, to_millis, to_word};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::Digest;
use muster_domain::event::Actor;
use serde::{Deserialize, Serialize};

/// What kind of thing it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppliedKind {
    /// A group.
    Group,
    /// A selection.
    Selection,
    /// A window.
    Window,
    /// A task.
    Task,
}

/// A thing that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedRow {
    /// What kind of thing.
    pub kind: AppliedKind,
    /// Its number.
    pub object: i64,
    /// The name of the set of files.
    pub owner: String,
    /// Whether it was made so, or was there before.
    pub made: bool,
    /// Of what was applied.
    pub state: Digest,
    /// When.
    pub applied_at: Timestamp,
    /// By whom.
    pub applied_by: Actor,
}

/// Notes that a thing was applied. One that is known keeps whether it was made so.
pub async fn applied_put(
    connection: &mut Connection,
    row: &AppliedRow,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO applied (kind, object, owner, made, state, applied_at, applied_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (kind, object) DO UPDATE SET \
         owner = excluded.owner, state = excluded.state, applied_at = excluded.applied_at, \
         applied_by = excluded.applied_by",
    )
    .bind(to_word(&row.kind))
    .bind(row.object)
    .bind(&row.owner)
    .bind(row.made)
    .bind(row.state.to_string())
    .bind(to_millis(row.applied_at))
    .bind(row.applied_by.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets a thing.
pub async fn applied_delete(
    connection: &mut Connection,
    kind: AppliedKind,
    object: i64,
) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM applied WHERE kind = $1 AND object = $2")
        .bind(to_word(&kind))
        .bind(object)
        .execute(connection)
        .await?;
    Ok(())
}

/// Everything that was applied.
pub async fn applied_list(connection: &mut Connection) -> Result<Vec<AppliedRow>, StorageError> {
    let rows = sqlx::query("SELECT * FROM applied ORDER BY kind, object")
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let columns = Columns {
                table: "applied",
                row,
            };
            Ok(AppliedRow {
                kind: columns.word("kind")?,
                object: columns.get("object")?,
                owner: columns.get("owner")?,
                made: columns.get("made")?,
                state: columns.text("state")?,
                applied_at: columns.time("applied_at")?,
                applied_by: columns.word("applied_by")?,
            })
        })
        .collect()
}
