//! Secrets, sealed. What they hold is nothing that this crate could read.

use crate::codec::{Columns, to_millis};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::TaskId;
use muster_domain::event::Actor;
use muster_domain::secret::{SecretName, references};

/// What is told of a secret.
#[derive(Debug, Clone, PartialEq)]
pub struct SecretRow {
    /// Its name.
    pub name: SecretName,
    /// Counted up from 1 with each new value.
    pub version: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Actor,
    /// When its value was set last.
    pub changed_at: Timestamp,
    /// Who set it.
    pub changed_by: Actor,
}

/// Keeps a secret, or another value of it.
pub async fn secret_put(
    connection: &mut Connection,
    row: &SecretRow,
    sealed: &[u8],
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO secrets (name, version, sealed, created_at, created_by, changed_at, changed_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO UPDATE SET \
         version = excluded.version, sealed = excluded.sealed, changed_at = excluded.changed_at, \
         changed_by = excluded.changed_by",
    )
    .bind(row.name.as_str())
    .bind(i64::from(row.version))
    .bind(sealed)
    .bind(to_millis(row.created_at))
    .bind(row.created_by.to_string())
    .bind(to_millis(row.changed_at))
    .bind(row.changed_by.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// What is told of a secret.
pub async fn secret_get(
    connection: &mut Connection,
    name: &str,
) -> Result<Option<SecretRow>, StorageError> {
    let row = sqlx::query("SELECT * FROM secrets WHERE name = $1")
        .bind(name)
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        from_row(&Columns {
            table: "secrets",
            row: &row,
        })
    })
    .transpose()
}

/// A secret's version and its sealed value.
pub async fn secret_sealed(
    connection: &mut Connection,
    name: &str,
) -> Result<Option<(u32, Vec<u8>)>, StorageError> {
    let row: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, sealed FROM secrets WHERE name = $1")
            .bind(name)
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|(version, sealed)| (u32::try_from(version).unwrap_or(u32::MAX), sealed)))
}

/// Every secret, by name.
pub async fn secret_list(connection: &mut Connection) -> Result<Vec<SecretRow>, StorageError> {
    let rows = sqlx::query("SELECT * FROM secrets ORDER BY name")
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            from_row(&Columns {
                table: "secrets",
                row,
            })
        })
        .collect()
}

/// Removes a secret, and says whether there was one.
pub async fn secret_delete(connection: &mut Connection, name: &str) -> Result<bool, StorageError> {
    let done = sqlx::query("DELETE FROM secrets WHERE name = $1")
        .bind(name)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// The tasks whose settings refer to secrets: number, name, and the names of the secrets.
pub async fn secret_references(
    connection: &mut Connection,
) -> Result<Vec<(TaskId, String, Vec<String>)>, StorageError> {
    // Settings are kept without white space, so what has no such text refers to nothing.
    let rows: Vec<(i64, String, String)> = sqlx::query_as(
        "SELECT tasks.id, tasks.name, revisions.settings FROM tasks \
         JOIN task_revisions AS revisions \
         ON revisions.task = tasks.id AND revisions.number = tasks.revision \
         WHERE tasks.deleted_at IS NULL AND revisions.settings LIKE '%{\"secret\":%' \
         ORDER BY tasks.id",
    )
    .fetch_all(connection)
    .await?;
    let mut found = Vec::new();
    for (id, name, settings) in rows {
        let settings = serde_json::from_str(&settings).map_err(|why| StorageError::Row {
            table: "task_revisions",
            what: format!("settings: {why}"),
        })?;
        let mut names: Vec<String> = references(&settings)
            .into_iter()
            .map(|reference| reference.name)
            .collect();
        names.sort();
        names.dedup();
        if !names.is_empty() {
            found.push((TaskId(id), name, names));
        }
    }
    Ok(found)
}

/// What was sealed to tell the vault's key by; none in a vault that has none yet.
pub async fn vault_check(connection: &mut Connection) -> Result<Option<Vec<u8>>, StorageError> {
    Ok(sqlx::query_scalar("SELECT sealed FROM vault WHERE one = 1")
        .fetch_optional(connection)
        .await?)
}

/// Keeps what the vault's key is told by.
pub async fn vault_check_put(
    connection: &mut Connection,
    sealed: &[u8],
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO vault (one, sealed) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET sealed = excluded.sealed",
    )
    .bind(sealed)
    .execute(connection)
    .await?;
    Ok(())
}

fn from_row(columns: &Columns<'_>) -> Result<SecretRow, StorageError> {
    Ok(SecretRow {
        name: columns.text("name")?,
        version: columns.number("version")?,
        created_at: columns.time("created_at")?,
        created_by: columns.word("created_by")?,
        changed_at: columns.time("changed_at")?,
        changed_by: columns.word("changed_by")?,
    })
}
