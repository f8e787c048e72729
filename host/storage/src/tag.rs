//! Tags: words that administrators give to devices.

use crate::codec::Columns;
use crate::{Connection, StorageError};
use muster_domain::DeviceId;
use std::collections::{BTreeMap, BTreeSet};

/// Gives a device a tag; it keeps one that it has, as that is written.
pub async fn tag_insert(
    connection: &mut Connection,
    device: DeviceId,
    tag: &str,
) -> Result<(), StorageError> {
    sqlx::query("INSERT INTO device_tags (device, tag) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(i64::from(device.0))
        .bind(tag)
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes a tag from a device, if it has it.
pub async fn tag_delete(
    connection: &mut Connection,
    device: DeviceId,
    tag: &str,
) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM device_tags WHERE device = $1 AND tag = $2")
        .bind(i64::from(device.0))
        .bind(tag)
        .execute(connection)
        .await?;
    Ok(())
}

/// The tags of a device.
pub async fn tag_list(
    connection: &mut Connection,
    device: DeviceId,
) -> Result<BTreeSet<String>, StorageError> {
    let tags: Vec<String> = sqlx::query_scalar("SELECT tag FROM device_tags WHERE device = $1")
        .bind(i64::from(device.0))
        .fetch_all(connection)
        .await?;
    Ok(tags.into_iter().collect())
}

/// The tags of all devices that have any.
pub async fn tag_list_all(
    connection: &mut Connection,
) -> Result<BTreeMap<DeviceId, BTreeSet<String>>, StorageError> {
    let rows = sqlx::query("SELECT device, tag FROM device_tags")
        .fetch_all(connection)
        .await?;
    let mut tags: BTreeMap<DeviceId, BTreeSet<String>> = BTreeMap::new();
    for row in &rows {
        let columns = Columns {
            table: "device_tags",
            row,
        };
        let device = DeviceId(columns.number("device")?);
        tags.entry(device).or_default().insert(columns.get("tag")?);
    }
    Ok(tags)
}
