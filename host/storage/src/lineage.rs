//! Lineages: which of several agents with one identity is the device.

use crate::codec::to_json;
use crate::{Connection, StorageError};
use muster_domain::DeviceId;
use serde_json::Value;

/// A mark, and what is known of the agent that took it.
#[derive(Debug, Clone, PartialEq)]
pub struct Lineage {
    /// The mark.
    pub mark: String,
    /// The agent: its host's name, its address, when it came.
    pub bearer: Value,
}

/// The agent that has a device's identity, if one ever had a mark.
pub async fn lineage_get(
    connection: &mut Connection,
    device: DeviceId,
) -> Result<Option<Lineage>, StorageError> {
    let sql = "SELECT mark, bearer FROM lineages WHERE device = $1";
    let row: Option<(String, String)> = sqlx::query_as(sql)
        .bind(i64::from(device.0))
        .fetch_optional(connection)
        .await?;
    row.map(lineage).transpose()
}

/// Whom an agent took the place of that showed an older state, if this mark was that one's.
pub async fn lineage_passed(
    connection: &mut Connection,
    device: DeviceId,
    mark: &str,
) -> Result<Option<Lineage>, StorageError> {
    let sql = "SELECT mark, bearer FROM lineages_passed WHERE device = $1 AND mark = $2";
    let row: Option<(String, String)> = sqlx::query_as(sql)
        .bind(i64::from(device.0))
        .bind(mark)
        .fetch_optional(connection)
        .await?;
    row.map(lineage).transpose()
}

fn lineage((mark, bearer): (String, String)) -> Result<Lineage, StorageError> {
    let bearer = serde_json::from_str(&bearer).map_err(|error| StorageError::Row {
        table: "lineages",
        what: error.to_string(),
    })?;
    Ok(Lineage { mark, bearer })
}

/// Whether an agent that wants this mark was refused as the second one.
pub async fn lineage_is_refused(
    connection: &mut Connection,
    device: DeviceId,
    mark: &str,
) -> Result<bool, StorageError> {
    let sql = "SELECT 1 FROM lineages_refused WHERE device = $1 AND mark = $2";
    let found: Option<i64> = sqlx::query_scalar(sql)
        .bind(i64::from(device.0))
        .bind(mark)
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

/// An agent has the device's identity from here on.
pub async fn lineage_take(
    connection: &mut Connection,
    device: DeviceId,
    lineage: &Lineage,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO lineages (device, mark, bearer) VALUES ($1, $2, $3) \
         ON CONFLICT (device) DO UPDATE SET mark = excluded.mark, bearer = excluded.bearer",
    )
    .bind(i64::from(device.0))
    .bind(&lineage.mark)
    .bind(to_json(&lineage.bearer))
    .execute(connection)
    .await?;
    Ok(())
}

/// An older state takes the place of the agent that has the identity.
pub async fn lineage_pass(
    connection: &mut Connection,
    device: DeviceId,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO lineages_passed (device, mark, bearer) \
         SELECT device, mark, bearer FROM lineages WHERE device = $1 ON CONFLICT DO NOTHING",
    )
    .bind(i64::from(device.0))
    .execute(connection)
    .await?;
    Ok(())
}

/// An agent that wants this mark is the second one, whenever it comes.
pub async fn lineage_refuse(
    connection: &mut Connection,
    device: DeviceId,
    mark: &str,
) -> Result<(), StorageError> {
    let sql = "INSERT INTO lineages_refused (device, mark) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    sqlx::query(sql)
        .bind(i64::from(device.0))
        .bind(mark)
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets whom a device was: it is enrolled anew.
pub async fn lineage_forget(
    connection: &mut Connection,
    device: DeviceId,
) -> Result<(), StorageError> {
    for sql in [
        "DELETE FROM lineages WHERE device = $1",
        "DELETE FROM lineages_passed WHERE device = $1",
        "DELETE FROM lineages_refused WHERE device = $1",
    ] {
        sqlx::query(sql)
            .bind(i64::from(device.0))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
