//! Bodies of commands, by hash: those of open deliveries, and those that tasks which the device starts
//! by itself will need, so that it can do so without the server.

use super::{StoreError, now};
use muster_domain::Digest;
use sqlx::{Row as _, SqliteConnection};

/// The body of a command, if it is here.
pub async fn find(at: &mut SqliteConnection, hash: Digest) -> Result<Option<String>, StoreError> {
    let row = sqlx::query("select body from command where hash = ?")
        .bind(hash.to_string())
        .fetch_optional(at)
        .await?;
    Ok(row.map(|row| row.get(0)))
}

/// The commands that are needed and not here.
pub async fn missing(at: &mut SqliteConnection) -> Result<Vec<Digest>, StoreError> {
    let rows = sqlx::query(
        "select command from delivery where state <> 'ended' \
         and not exists (select 1 from command where command.hash = delivery.command) \
         union select command from assignment where command is not null \
         and not exists (select 1 from command where command.hash = assignment.command)",
    )
    .fetch_all(at)
    .await?;
    Ok(rows
        .iter()
        .filter_map(|row| row.get::<String, _>(0).parse().ok())
        .collect())
}

/// Keeps a body whose hash was checked, if it is needed.
pub async fn insert_if_wanted(
    at: &mut SqliteConnection,
    hash: Digest,
    body: &str,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "insert into command (hash, body, stored_at) select ?1, ?2, ?3 \
         where exists (select 1 from delivery where command = ?1 and state <> 'ended') \
         or exists (select 1 from assignment where command = ?1) on conflict do nothing",
    )
    .bind(hash.to_string())
    .bind(body)
    .bind(now())
    .execute(at)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets bodies that are not needed and have not come today.
pub(super) async fn prune(at: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query(
        "delete from command where stored_at < ? \
         and not exists (select 1 from delivery where delivery.command = command.hash and state <> 'ended') \
         and not exists (select 1 from assignment where assignment.command = command.hash)",
    )
    .bind(now() - 24 * 60 * 60 * 1000)
    .execute(at)
    .await?;
    Ok(())
}
