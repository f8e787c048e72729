//! Administrators' tokens: what is kept of them is a digest. They are 256 random bits, so a plain
//! digest cannot be turned back.

use crate::codec::{Columns, to_millis};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::Digest;

/// Adds a token for an administrator. `administrator_name_taken` if another has the name.
pub async fn administrator_token_insert(
    connection: &mut Connection,
    digest: Digest,
    name: &str,
    now: Timestamp,
) -> Result<(), StorageError> {
    sqlx::query("INSERT INTO administrator_tokens (digest, name, created_at) VALUES ($1, $2, $3)")
        .bind(digest.to_string())
        .bind(name)
        .bind(to_millis(now))
        .execute(connection)
        .await?;
    Ok(())
}

/// The administrator whose token has this digest.
pub async fn administrator_by_token(
    connection: &mut Connection,
    digest: Digest,
) -> Result<Option<String>, StorageError> {
    Ok(
        sqlx::query_scalar("SELECT name FROM administrator_tokens WHERE digest = $1")
            .bind(digest.to_string())
            .fetch_optional(connection)
            .await?,
    )
}

/// Whether there is any administrator yet.
pub async fn administrator_exists(connection: &mut Connection) -> Result<bool, StorageError> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM administrator_tokens")
        .fetch_one(connection)
        .await?;
    Ok(count > 0)
}

/// Every administrator by name, each with when the token was made.
pub async fn administrator_list(
    connection: &mut Connection,
) -> Result<Vec<(String, Timestamp)>, StorageError> {
    let rows = sqlx::query("SELECT name, created_at FROM administrator_tokens ORDER BY name")
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let columns = Columns {
                table: "administrator_tokens",
                row,
            };
            Ok((columns.get("name")?, columns.time("created_at")?))
        })
        .collect()
}

/// Forgets an administrator's token, and says whether there was one.
pub async fn administrator_delete(
    connection: &mut Connection,
    name: &str,
) -> Result<bool, StorageError> {
    let done = sqlx::query("DELETE FROM administrator_tokens WHERE name = $1")
        .bind(name)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}
