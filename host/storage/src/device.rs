//! Devices, and the counters of their links.

use crate::codec::{Columns, to_json, to_millis, to_set};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::device::{Device, DeviceKind, Facts, InstalledApplication};
use muster_domain::{DeviceId, Digest, GroupId};
use roaring::RoaringBitmap;
use sqlx::{QueryBuilder, Sqlite};
use std::collections::BTreeMap;

/// Takes in a device, without a certificate yet. `device_name_taken` if one has the name.
pub async fn device_insert(
    connection: &mut Connection,
    name: &str,
    group: GroupId,
    facts: &Facts,
    now: Timestamp,
) -> Result<DeviceId, StorageError> {
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO devices (name, group_id, facts, applications, certificate, enrolled_at, group_since) \
         VALUES ($1, $2, $3, '[]', '', $4, $4) RETURNING id",
    )
    .bind(name)
    .bind(group.0)
    .bind(to_json(facts))
    .bind(to_millis(now))
    .fetch_one(connection)
    .await?;
    u32::try_from(id)
        .map(DeviceId)
        .map_err(|_| StorageError::Row {
            table: "devices",
            what: "no number is left".into(),
        })
}

/// Names the certificate that a device's agent presents. An older one is no longer good.
pub async fn device_certificate_set(
    connection: &mut Connection,
    id: DeviceId,
    certificate: Digest,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE devices SET certificate = $2 WHERE id = $1")
        .bind(i64::from(id.0))
        .bind(certificate.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// The certificate of a device that was not removed.
pub async fn device_certificate(
    connection: &mut Connection,
    id: DeviceId,
) -> Result<Option<Digest>, StorageError> {
    let certificate: Option<String> =
        sqlx::query_scalar("SELECT certificate FROM devices WHERE id = $1 AND removed_at IS NULL")
            .bind(i64::from(id.0))
            .fetch_optional(connection)
            .await?;
    Ok(certificate.and_then(|text| text.parse().ok()))
}

/// A device by its number.
pub async fn device_get(
    connection: &mut Connection,
    id: DeviceId,
) -> Result<Option<Device>, StorageError> {
    let row = sqlx::query("SELECT * FROM devices WHERE id = $1 AND removed_at IS NULL")
        .bind(i64::from(id.0))
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        from_row(&Columns {
            table: "devices",
            row: &row,
        })
    })
    .transpose()
}

/// A device by its name.
pub async fn device_by_name(
    connection: &mut Connection,
    name: &str,
) -> Result<Option<Device>, StorageError> {
    let row = sqlx::query("SELECT * FROM devices WHERE name = $1 AND removed_at IS NULL")
        .bind(name)
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        from_row(&Columns {
            table: "devices",
            row: &row,
        })
    })
    .transpose()
}

/// Devices with a number beyond `after`, at most `limit`, of one group or of all.
pub async fn device_list(
    connection: &mut Connection,
    group: Option<GroupId>,
    after: DeviceId,
    limit: u32,
) -> Result<Vec<Device>, StorageError> {
    let mut query =
        QueryBuilder::<Sqlite>::new("SELECT * FROM devices WHERE removed_at IS NULL AND id > ");
    query.push_bind(i64::from(after.0));
    if let Some(group) = group {
        query.push(" AND group_id = ").push_bind(group.0);
    }
    query
        .push(" ORDER BY id LIMIT ")
        .push_bind(i64::from(limit));
    let rows = query.build().fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            from_row(&Columns {
                table: "devices",
                row,
            })
        })
        .collect()
}

/// Some devices by their numbers, in the order of the numbers; removed ones are left out.
pub async fn device_list_of(
    connection: &mut Connection,
    devices: &[DeviceId],
) -> Result<Vec<Device>, StorageError> {
    let mut found = Vec::with_capacity(devices.len());
    for part in devices.chunks(500) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM devices WHERE id IN (");
        let mut places = query.separated(", ");
        for device in part {
            places.push_bind(i64::from(device.0));
        }
        query.push(") AND removed_at IS NULL ORDER BY id");
        for row in query.build().fetch_all(&mut *connection).await? {
            found.push(from_row(&Columns {
                table: "devices",
                row: &row,
            })?);
        }
    }
    Ok(found)
}

/// The names of some devices, as far as there are such; removed ones included, for their history.
pub async fn device_names(
    connection: &mut Connection,
    devices: &[DeviceId],
) -> Result<Vec<(DeviceId, String)>, StorageError> {
    let mut names = Vec::with_capacity(devices.len());
    for part in devices.chunks(500) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT id, name FROM devices WHERE id IN (");
        let mut places = query.separated(", ");
        for device in part {
            places.push_bind(i64::from(device.0));
        }
        query.push(")");
        for row in query.build().fetch_all(&mut *connection).await? {
            let columns = Columns {
                table: "devices",
                row: &row,
            };
            names.push((DeviceId(columns.number("id")?), columns.get("name")?));
        }
    }
    Ok(names)
}

/// The devices in some groups.
pub async fn device_set_of_groups(
    connection: &mut Connection,
    groups: &[GroupId],
) -> Result<RoaringBitmap, StorageError> {
    let mut set = RoaringBitmap::new();
    for group in groups {
        let ids: Vec<i64> =
            sqlx::query_scalar("SELECT id FROM devices WHERE group_id = $1 AND removed_at IS NULL")
                .bind(group.0)
                .fetch_all(&mut *connection)
                .await?;
        set.extend(ids.into_iter().filter_map(|id| u32::try_from(id).ok()));
    }
    Ok(set)
}

/// The devices whose links are open.
pub async fn device_set_linked(connection: &mut Connection) -> Result<RoaringBitmap, StorageError> {
    let ids: Vec<i64> = sqlx::query_scalar("SELECT device FROM device_links WHERE is_open")
        .fetch_all(connection)
        .await?;
    Ok(to_set(ids))
}

/// The devices of a kind, as their agents told it.
pub async fn device_set_of_kind(
    connection: &mut Connection,
    kind: DeviceKind,
) -> Result<RoaringBitmap, StorageError> {
    let path = format!("$.more.\"{}\"", Facts::KIND);
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM devices WHERE removed_at IS NULL AND json_extract(facts, $1) = $2",
    )
    .bind(path)
    .bind(kind.as_str())
    .fetch_all(connection)
    .await?;
    Ok(to_set(ids))
}

/// Every device that was not removed.
pub async fn device_set(connection: &mut Connection) -> Result<RoaringBitmap, StorageError> {
    let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM devices WHERE removed_at IS NULL")
        .fetch_all(connection)
        .await?;
    Ok(to_set(ids))
}

/// The zones of devices' clocks by the names that their agents told, each with the devices that told
/// it; those that told none are under the empty name.
pub async fn device_zones(
    connection: &mut Connection,
) -> Result<BTreeMap<String, RoaringBitmap>, StorageError> {
    let path = format!("$.more.\"{}\"", Facts::ZONE);
    let rows: Vec<(i64, Option<String>)> =
        sqlx::query_as("SELECT id, json_extract(facts, $1) FROM devices WHERE removed_at IS NULL")
            .bind(path)
            .fetch_all(connection)
            .await?;
    let mut zones: BTreeMap<String, RoaringBitmap> = BTreeMap::new();
    for (id, zone) in rows {
        if let Ok(id) = u32::try_from(id) {
            zones
                .entry(zone.unwrap_or_default())
                .or_default()
                .insert(id);
        }
    }
    Ok(zones)
}

/// What wakes devices, by the words of their agents; those that told nothing are left out.
pub async fn device_wakes(
    connection: &mut Connection,
) -> Result<Vec<(DeviceId, String)>, StorageError> {
    let path = format!("$.more.\"{}\"", Facts::WAKE);
    let rows: Vec<(i64, Option<String>)> =
        sqlx::query_as("SELECT id, json_extract(facts, $1) FROM devices WHERE removed_at IS NULL")
            .bind(path)
            .fetch_all(connection)
            .await?;
    let told = |(id, told): (i64, Option<String>)| {
        let id = u32::try_from(id).ok()?;
        Some((DeviceId(id), told?))
    };
    Ok(rows.into_iter().filter_map(told).collect())
}

/// Gives a device another name or group. `device_name_taken` if another has the name.
pub async fn device_place(
    connection: &mut Connection,
    id: DeviceId,
    name: &str,
    group: GroupId,
    now: Timestamp,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE devices SET name = $2, group_id = $3, \
         group_since = CASE WHEN group_id = $3 THEN group_since ELSE $4 END WHERE id = $1",
    )
    .bind(i64::from(id.0))
    .bind(name)
    .bind(group.0)
    .bind(to_millis(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps what an agent told of its device, if it is news.
pub async fn device_tell(
    connection: &mut Connection,
    id: DeviceId,
    facts: &Facts,
    applications: &[InstalledApplication],
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE devices SET facts = $2, applications = $3 \
         WHERE id = $1 AND (facts <> $2 OR applications <> $3)",
    )
    .bind(i64::from(id.0))
    .bind(to_json(facts))
    .bind(to_json(&applications))
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that a device's link was lost.
pub async fn device_link_end(
    connection: &mut Connection,
    id: DeviceId,
    at: Timestamp,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE devices SET last_seen = $2 WHERE id = $1")
        .bind(i64::from(id.0))
        .bind(to_millis(at))
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE device_links SET is_open = FALSE WHERE device = $1")
        .bind(i64::from(id.0))
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes that no link is open, at the start of a server. Those that were open when it ended without
/// a word count as lost now: nothing closer is known.
pub async fn device_link_end_all(
    connection: &mut Connection,
    at: Timestamp,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE devices SET last_seen = $1 \
         WHERE id IN (SELECT device FROM device_links WHERE is_open)",
    )
    .bind(to_millis(at))
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE device_links SET is_open = FALSE WHERE is_open")
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes a device. Its number and its history stay.
pub async fn device_remove(
    connection: &mut Connection,
    id: DeviceId,
    now: Timestamp,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE devices SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL")
        .bind(i64::from(id.0))
        .bind(to_millis(now))
        .execute(connection)
        .await?;
    Ok(())
}

/// The counters of a device's link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// News up to this number are durable.
    pub acknowledged: u64,
    /// The sequence of the last order.
    pub last_order: u64,
    /// Whether the agent's store is the one that it was before.
    pub known: bool,
}

/// Begins a link: news count on where they were, or from 0 if the agent has another store; orders
/// count on from where the server or the agent is further.
pub async fn device_link_begin(
    connection: &mut Connection,
    id: DeviceId,
    store: &str,
    last_order: u64,
) -> Result<LinkCounters, StorageError> {
    let before: Option<String> =
        sqlx::query_scalar("SELECT store FROM device_links WHERE device = $1")
            .bind(i64::from(id.0))
            .fetch_optional(&mut *connection)
            .await?;
    let (acknowledged, last_order): (i64, i64) = sqlx::query_as(
        "INSERT INTO device_links (device, store, acknowledged, last_order, is_open) \
         VALUES ($1, $2, 0, $3, TRUE) \
         ON CONFLICT (device) DO UPDATE SET \
         acknowledged = CASE WHEN device_links.store = excluded.store \
                        THEN device_links.acknowledged ELSE 0 END, \
         last_order = CASE WHEN device_links.last_order > excluded.last_order \
                      THEN device_links.last_order ELSE excluded.last_order END, \
         store = excluded.store, is_open = TRUE \
         RETURNING acknowledged, last_order",
    )
    .bind(i64::from(id.0))
    .bind(store)
    .bind(last_order.cast_signed())
    .fetch_one(connection)
    .await?;
    Ok(LinkCounters {
        acknowledged: acknowledged.unsigned_abs(),
        last_order: last_order.unsigned_abs(),
        known: before.is_some_and(|before| before == store),
    })
}

/// The number for the next order to a device.
pub async fn device_order_next(
    connection: &mut Connection,
    id: DeviceId,
) -> Result<u64, StorageError> {
    let number: i64 = sqlx::query_scalar(
        "UPDATE device_links SET last_order = last_order + 1 WHERE device = $1 RETURNING last_order",
    )
    .bind(i64::from(id.0))
    .fetch_one(connection)
    .await?;
    Ok(number.unsigned_abs())
}

/// The number up to which a device's news are durable.
pub async fn device_acknowledged(
    connection: &mut Connection,
    id: DeviceId,
) -> Result<u64, StorageError> {
    let number: Option<i64> =
        sqlx::query_scalar("SELECT acknowledged FROM device_links WHERE device = $1")
            .bind(i64::from(id.0))
            .fetch_optional(connection)
            .await?;
    Ok(number.unwrap_or(0).unsigned_abs())
}

/// Notes up to which number a device's news are durable.
pub async fn device_acknowledged_set(
    connection: &mut Connection,
    id: DeviceId,
    up_to: u64,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE device_links SET acknowledged = $2 WHERE device = $1")
        .bind(i64::from(id.0))
        .bind(up_to.cast_signed())
        .execute(connection)
        .await?;
    Ok(())
}

fn from_row(columns: &Columns<'_>) -> Result<Device, StorageError> {
    Ok(Device {
        id: DeviceId(columns.number("id")?),
        name: columns.get("name")?,
        group: GroupId(columns.get("group_id")?),
        facts: columns.json("facts")?,
        applications: columns.json("applications")?,
        group_since: columns.time("group_since")?,
        enrolled_at: columns.time("enrolled_at")?,
        last_seen: columns.optional_time("last_seen")?,
    })
}
