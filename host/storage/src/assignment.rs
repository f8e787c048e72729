//! What each device was told last of the tasks that it starts by itself, and of its windows.

use crate::codec::{Columns, to_millis, to_set};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::{DeviceId, TaskId};
use roaring::RoaringBitmap;
use sqlx::{QueryBuilder, Sqlite};

/// Stands for a device's windows in the place of a task.
pub const WINDOWS: TaskId = TaskId(0);

/// Stands for what a device's user may do in the place of a task.
pub const RIGHTS: TaskId = TaskId(-1);

/// What a device was told last of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentRow {
    /// The device.
    pub device: DeviceId,
    /// The task, or [`WINDOWS`].
    pub task: TaskId,
    /// Of what it was told; empty where it may not have heard it.
    pub digest: String,
    /// The number under which it was told.
    pub sequence: u64,
    /// What came due up to then is no matter of the device's. None where it never had the task.
    pub since: Option<Timestamp>,
    /// It was told that it has the task no longer.
    pub withdrawn: bool,
}

/// Keeps what a device is told of a task.
pub async fn assignment_put(
    connection: &mut Connection,
    row: &AssignmentRow,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO assignments (device, task, digest, sequence, since, withdrawn) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (device, task) DO UPDATE SET \
         digest = excluded.digest, sequence = excluded.sequence, since = excluded.since, \
         withdrawn = excluded.withdrawn",
    )
    .bind(i64::from(row.device.0))
    .bind(row.task.0)
    .bind(&row.digest)
    .bind(row.sequence.cast_signed())
    .bind(row.since.map(to_millis))
    .bind(row.withdrawn)
    .execute(connection)
    .await?;
    Ok(())
}

/// What some devices were told of a task.
pub async fn assignment_list(
    connection: &mut Connection,
    task: TaskId,
    devices: &[DeviceId],
) -> Result<Vec<AssignmentRow>, StorageError> {
    let mut found = Vec::new();
    for part in devices.chunks(500) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM assignments WHERE task = ");
        query.push_bind(task.0).push(" AND device IN (");
        let mut places = query.separated(", ");
        for device in part {
            places.push_bind(i64::from(device.0));
        }
        query.push(") ORDER BY device");
        for row in query.build().fetch_all(&mut *connection).await? {
            found.push(from_row(&Columns {
                table: "assignments",
                row: &row,
            })?);
        }
    }
    Ok(found)
}

/// What a device was told of a task.
pub async fn assignment_get(
    connection: &mut Connection,
    task: TaskId,
    device: DeviceId,
) -> Result<Option<AssignmentRow>, StorageError> {
    Ok(assignment_list(connection, task, &[device]).await?.pop())
}

/// The devices that were told of a task and not that they have it no longer.
pub async fn assignment_devices(
    connection: &mut Connection,
    task: TaskId,
) -> Result<RoaringBitmap, StorageError> {
    let ids: Vec<i64> =
        sqlx::query_scalar("SELECT device FROM assignments WHERE task = $1 AND NOT withdrawn")
            .bind(task.0)
            .fetch_all(connection)
            .await?;
    Ok(to_set(ids))
}

/// A link begins: what the device had not heard when the last one ended counts as not told, all of it
/// if the device lost its store. What it heard and has no longer is forgotten.
pub async fn assignment_link_begin(
    connection: &mut Connection,
    device: DeviceId,
    heard: u64,
    store_lost: bool,
) -> Result<(), StorageError> {
    let device = i64::from(device.0);
    if store_lost {
        sqlx::query("DELETE FROM assignments WHERE device = $1 AND withdrawn")
            .bind(device)
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query("DELETE FROM assignments WHERE device = $1 AND withdrawn AND sequence <= $2")
        .bind(device)
        .bind(heard.cast_signed())
        .execute(&mut *connection)
        .await?;
    // A device that did not hear that it has a task no longer has it still: it is told again.
    sqlx::query(
        "UPDATE assignments SET digest = '', withdrawn = FALSE \
         WHERE device = $1 AND (sequence > $2 OR $3)",
    )
    .bind(device)
    .bind(heard.cast_signed())
    .bind(store_lost)
    .execute(connection)
    .await?;
    Ok(())
}

fn from_row(columns: &Columns<'_>) -> Result<AssignmentRow, StorageError> {
    Ok(AssignmentRow {
        device: DeviceId(columns.number("device")?),
        task: TaskId(columns.get("task")?),
        digest: columns.get("digest")?,
        sequence: columns.number("sequence")?,
        since: columns.optional_time("since")?,
        withdrawn: columns.get("withdrawn")?,
    })
}
