//! Commands by hash: one row however many devices carry it out.

use crate::{Connection, StorageError};
use muster_domain::Digest;

/// Keeps a command's body under its hash.
pub async fn command_insert(
    connection: &mut Connection,
    hash: Digest,
    body: &str,
) -> Result<(), StorageError> {
    sqlx::query("INSERT INTO commands (hash, body) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING")
        .bind(hash.to_string())
        .bind(body)
        .execute(connection)
        .await?;
    Ok(())
}

/// A command's body.
pub async fn command_body(
    connection: &mut Connection,
    hash: Digest,
) -> Result<Option<String>, StorageError> {
    Ok(
        sqlx::query_scalar("SELECT body FROM commands WHERE hash = $1")
            .bind(hash.to_string())
            .fetch_optional(connection)
            .await?,
    )
}
