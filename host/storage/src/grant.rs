//! What administrators said to what plug-ins ask for, by application and digest.

use crate::codec::{Columns, to_millis};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::event::Actor;
use muster_domain::grant::{Right, Word, Words};
use muster_domain::{ApplicationId, Digest};

/// A word, and who said it when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRow {
    /// To what.
    pub right: Right,
    /// The word.
    pub word: Word,
    /// When.
    pub said_at: Timestamp,
    /// By whom.
    pub said_by: Actor,
}

/// The words alone.
pub fn words(rows: &[GrantRow]) -> Words {
    Words(rows.iter().map(|row| (row.right, row.word)).collect())
}

/// What was said to one plug-in's asks, by name.
pub async fn grant_list(
    connection: &mut Connection,
    application: &ApplicationId,
    digest: Digest,
) -> Result<Vec<GrantRow>, StorageError> {
    let rows = sqlx::query(
        "SELECT * FROM plugin_grants WHERE application = $1 AND digest = $2 ORDER BY name",
    )
    .bind(application.as_str())
    .bind(digest.to_string())
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            from_row(&Columns {
                table: "plugin_grants",
                row,
            })
        })
        .collect()
}

/// Writes down a word; the one that was said before goes.
pub async fn grant_set(
    connection: &mut Connection,
    application: &ApplicationId,
    digest: Digest,
    grant: &GrantRow,
) -> Result<(), StorageError> {
    let (granted, value) = match grant.word {
        Word::Granted(value) => (true, value.map(i64::from)),
        Word::Denied => (false, None),
    };
    sqlx::query(
        "INSERT INTO plugin_grants (application, digest, name, granted, value, said_at, said_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (application, digest, name) DO UPDATE SET granted = excluded.granted, \
         value = excluded.value, said_at = excluded.said_at, said_by = excluded.said_by",
    )
    .bind(application.as_str())
    .bind(digest.to_string())
    .bind(grant.right.name())
    .bind(granted)
    .bind(value)
    .bind(to_millis(grant.said_at))
    .bind(grant.said_by.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes a word back, as if nothing had been said.
pub async fn grant_remove(
    connection: &mut Connection,
    application: &ApplicationId,
    digest: Digest,
    right: Right,
) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM plugin_grants WHERE application = $1 AND digest = $2 AND name = $3")
        .bind(application.as_str())
        .bind(digest.to_string())
        .bind(right.name())
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets all that was said to an application's plug-ins: they were removed.
pub async fn grant_forget(
    connection: &mut Connection,
    application: &ApplicationId,
) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM plugin_grants WHERE application = $1")
        .bind(application.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

fn from_row(columns: &Columns<'_>) -> Result<GrantRow, StorageError> {
    let granted: bool = columns.get("granted")?;
    let value = columns.optional_number("value")?;
    Ok(GrantRow {
        right: columns.text("name")?,
        word: if granted {
            Word::Granted(value)
        } else {
            Word::Denied
        },
        said_at: columns.time("said_at")?,
        said_by: columns.word("said_by")?,
    })
}
