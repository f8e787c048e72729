//! Deliveries, from first contact on, and the reports that came of them.

use crate::codec::{Columns, to_json, to_millis, to_set, to_word};
use crate::run::run_count_add;
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::delivery::{Cause, Delivery, DeliveryState, Wanted};
use muster_domain::{ApplicationId, DeviceId, Digest, RunId, TaskId, TaskTypeId};
use roaring::RoaringBitmap;
use sqlx::{QueryBuilder, Sqlite};
use std::collections::{BTreeMap, BTreeSet};

/// Adds a delivery at first contact with its device, which counted as `was` until now: as pending, or
/// what became of untouched devices when their run was stopped or closed.
pub async fn delivery_insert(
    connection: &mut Connection,
    delivery: &Delivery,
    was: DeliveryState,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO deliveries (run, device, state, cause, wanted, ordered, sequence, command, \
         summary, needs_restart, changed_at, final, plugin, known_as) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(delivery.run.0)
    .bind(i64::from(delivery.device.0))
    .bind(delivery.state.as_str())
    .bind(delivery.cause.as_ref().map(to_json))
    .bind(to_word(&delivery.wanted))
    .bind(delivery.ordered.as_ref().map(to_word))
    .bind(delivery.sequence.map(u64::cast_signed))
    .bind(delivery.command.map(|hash| hash.to_string()))
    .bind(&delivery.summary)
    .bind(delivery.needs_restart)
    .bind(to_millis(delivery.changed_at))
    .bind(delivery.state.is_final())
    .bind(delivery.plugin.map(|digest| digest.to_string()))
    .bind(delivery.known_as.map(|run| run.0))
    .execute(&mut *connection)
    .await?;
    count_move(connection, delivery.run, was, delivery.state).await
}

/// Writes a delivery back, and moves it in its run's counts from the state that it was in.
pub async fn delivery_update(
    connection: &mut Connection,
    delivery: &Delivery,
    was: DeliveryState,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE deliveries SET state = $3, cause = $4, wanted = $5, ordered = $6, sequence = $7, \
         command = $8, summary = $9, needs_restart = $10, changed_at = $11, final = $12, \
         plugin = $13, known_as = $14 \
         WHERE run = $1 AND device = $2",
    )
    .bind(delivery.run.0)
    .bind(i64::from(delivery.device.0))
    .bind(delivery.state.as_str())
    .bind(delivery.cause.as_ref().map(to_json))
    .bind(to_word(&delivery.wanted))
    .bind(delivery.ordered.as_ref().map(to_word))
    .bind(delivery.sequence.map(u64::cast_signed))
    .bind(delivery.command.map(|hash| hash.to_string()))
    .bind(&delivery.summary)
    .bind(delivery.needs_restart)
    .bind(to_millis(delivery.changed_at))
    .bind(delivery.state.is_final())
    .bind(delivery.plugin.map(|digest| digest.to_string()))
    .bind(delivery.known_as.map(|run| run.0))
    .execute(&mut *connection)
    .await?;
    count_move(connection, delivery.run, was, delivery.state).await
}

async fn count_move(
    connection: &mut Connection,
    run: RunId,
    from: DeliveryState,
    to: DeliveryState,
) -> Result<(), StorageError> {
    if from != to {
        run_count_add(connection, run, from, -1).await?;
        run_count_add(connection, run, to, 1).await?;
    }
    Ok(())
}

/// One delivery.
pub async fn delivery_get(
    connection: &mut Connection,
    run: RunId,
    device: DeviceId,
) -> Result<Option<Delivery>, StorageError> {
    let row = sqlx::query("SELECT * FROM deliveries WHERE run = $1 AND device = $2")
        .bind(run.0)
        .bind(i64::from(device.0))
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        from_row(&Columns {
            table: "deliveries",
            row: &row,
        })
    })
    .transpose()
}

/// The run that a device gave a number of its own.
pub async fn delivery_known_as(
    connection: &mut Connection,
    device: DeviceId,
    known_as: RunId,
) -> Result<Option<RunId>, StorageError> {
    let run: Option<i64> =
        sqlx::query_scalar("SELECT run FROM deliveries WHERE device = $1 AND known_as = $2")
            .bind(i64::from(device.0))
            .bind(known_as.0)
            .fetch_optional(connection)
            .await?;
    Ok(run.map(RunId))
}

/// A device lost its store: the numbers that it gave begin again.
pub async fn delivery_forget_known_as(
    connection: &mut Connection,
    device: DeviceId,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE deliveries SET known_as = NULL WHERE device = $1 AND known_as IS NOT NULL")
        .bind(i64::from(device.0))
        .execute(connection)
        .await?;
    Ok(())
}

/// Deliveries of a run with a device number beyond `after`, at most `limit`, in one state or all.
pub async fn delivery_list(
    connection: &mut Connection,
    run: RunId,
    state: Option<DeliveryState>,
    after: DeviceId,
    limit: u32,
) -> Result<Vec<Delivery>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM deliveries WHERE run = ");
    query
        .push_bind(run.0)
        .push(" AND device > ")
        .push_bind(i64::from(after.0));
    if let Some(state) = state {
        query.push(" AND state = ").push_bind(state.as_str());
    }
    query
        .push(" ORDER BY device LIMIT ")
        .push_bind(i64::from(limit));
    let rows = query.build().fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            from_row(&Columns {
                table: "deliveries",
                row,
            })
        })
        .collect()
}

/// The devices on which a run's delivery is in one of some states.
pub async fn delivery_devices_in(
    connection: &mut Connection,
    run: RunId,
    states: &[DeliveryState],
) -> Result<RoaringBitmap, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT device FROM deliveries WHERE run = ");
    query.push_bind(run.0).push(" AND state IN (");
    let mut places = query.separated(", ");
    for state in states {
        places.push_bind(state.as_str());
    }
    query.push(")");
    let ids: Vec<i64> = query.build_query_scalar().fetch_all(connection).await?;
    Ok(to_set(ids))
}

/// The devices that have a run's order, or tell of it: those with a delivery that is not on its way to them.
pub async fn delivery_reached(
    connection: &mut Connection,
    run: RunId,
) -> Result<RoaringBitmap, StorageError> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT device FROM deliveries WHERE run = $1 AND (cause IS NULL OR cause <> $2)",
    )
    .bind(run.0)
    .bind(to_json(&Cause::Sent))
    .fetch_all(connection)
    .await?;
    Ok(to_set(ids))
}

/// Deliveries that run, or stand still, on devices without a link that were last seen before a
/// moment; at most `limit`. Each with when its device was last seen.
pub async fn delivery_list_stale(
    connection: &mut Connection,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<(Delivery, Option<Timestamp>)>, StorageError> {
    let rows = sqlx::query(
        "SELECT deliveries.*, devices.last_seen FROM deliveries \
         JOIN devices ON devices.id = deliveries.device \
         JOIN device_links ON device_links.device = deliveries.device \
         WHERE NOT deliveries.final AND deliveries.state IN ('running', 'paused') \
         AND NOT device_links.is_open AND devices.last_seen < $1 LIMIT $2",
    )
    .bind(to_millis(before))
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    let pair = |row| {
        let columns = Columns {
            table: "deliveries",
            row,
        };
        Ok((from_row(&columns)?, columns.optional_time("last_seen")?))
    };
    rows.iter().map(pair).collect()
}

/// The devices that a run was in contact with.
pub async fn delivery_touched(
    connection: &mut Connection,
    run: RunId,
) -> Result<RoaringBitmap, StorageError> {
    let ids: Vec<i64> = sqlx::query_scalar("SELECT device FROM deliveries WHERE run = $1")
        .bind(run.0)
        .fetch_all(connection)
        .await?;
    Ok(to_set(ids))
}

/// The deliveries of some devices that are not final, by run.
pub async fn delivery_list_open(
    connection: &mut Connection,
    devices: &[DeviceId],
) -> Result<Vec<Delivery>, StorageError> {
    let mut deliveries = Vec::new();
    for part in devices.chunks(500) {
        let mut query =
            QueryBuilder::<Sqlite>::new("SELECT * FROM deliveries WHERE NOT final AND device IN (");
        let mut places = query.separated(", ");
        for device in part {
            places.push_bind(i64::from(device.0));
        }
        query.push(") ORDER BY run, device");
        for row in query.build().fetch_all(&mut *connection).await? {
            deliveries.push(from_row(&Columns {
                table: "deliveries",
                row: &row,
            })?);
        }
    }
    Ok(deliveries)
}

/// The deliveries of a run that are not final and whose last order, if any, says something else
/// than what is wanted.
pub async fn delivery_list_unordered(
    connection: &mut Connection,
    run: RunId,
) -> Result<Vec<Delivery>, StorageError> {
    let rows = sqlx::query(
        "SELECT * FROM deliveries WHERE run = $1 AND NOT final \
         AND (ordered IS NULL OR ordered <> wanted) ORDER BY device",
    )
    .bind(run.0)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            from_row(&Columns {
                table: "deliveries",
                row,
            })
        })
        .collect()
}

/// Wants something else of all deliveries of a run that are not final.
pub async fn delivery_want(
    connection: &mut Connection,
    run: RunId,
    wanted: Wanted,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE deliveries SET wanted = $2 WHERE run = $1 AND NOT final")
        .bind(run.0)
        .bind(to_word(&wanted))
        .execute(connection)
        .await?;
    Ok(())
}

/// Keeps what a device said came of a delivery: JSON text, as it came. `waits` for the plug-in that
/// says what it means.
pub async fn report_insert(
    connection: &mut Connection,
    run: RunId,
    device: DeviceId,
    now: Timestamp,
    body: &str,
    waits: bool,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO reports (run, device, received_at, body, waits) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (run, device) DO NOTHING",
    )
    .bind(run.0)
    .bind(i64::from(device.0))
    .bind(to_millis(now))
    .bind(body)
    .bind(waits)
    .execute(connection)
    .await?;
    Ok(())
}

/// Milliseconds that the newest results of tasks of a type took, at most `limit`.
pub async fn report_durations(
    connection: &mut Connection,
    application: &ApplicationId,
    task_type: &TaskTypeId,
    limit: u32,
) -> Result<Vec<u64>, StorageError> {
    let took: Vec<Option<i64>> = sqlx::query_scalar(
        "SELECT (SELECT sum(json_extract(step.value, '$.duration')) \
         FROM json_each(reports.body, '$.report.steps') AS step) \
         FROM reports JOIN runs ON runs.id = reports.run JOIN tasks ON tasks.id = runs.task \
         WHERE tasks.application = $1 AND tasks.task_type = $2 ORDER BY reports.run DESC LIMIT $3",
    )
    .bind(application.as_str())
    .bind(task_type.as_str())
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    Ok(took.into_iter().flatten().map(i64::unsigned_abs).collect())
}

/// What a device said came of a delivery: JSON text.
pub async fn report_body(
    connection: &mut Connection,
    run: RunId,
    device: DeviceId,
) -> Result<Option<String>, StorageError> {
    Ok(
        sqlx::query_scalar("SELECT body FROM reports WHERE run = $1 AND device = $2")
            .bind(run.0)
            .bind(i64::from(device.0))
            .fetch_optional(connection)
            .await?,
    )
}

/// Reports of an application's deliveries that wait for a plug-in to say what they mean, at most
/// `limit`: run, device and JSON text.
pub async fn report_list_waiting(
    connection: &mut Connection,
    application: &ApplicationId,
    limit: u32,
) -> Result<Vec<(RunId, DeviceId, String)>, StorageError> {
    let rows: Vec<(i64, i64, String)> = sqlx::query_as(
        "SELECT reports.run, reports.device, reports.body FROM reports \
         JOIN runs ON runs.id = reports.run JOIN tasks ON tasks.id = runs.task \
         WHERE reports.waits AND tasks.application = $1 \
         ORDER BY reports.run, reports.device LIMIT $2",
    )
    .bind(application.as_str())
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(run, device, body)| {
            Some((RunId(run), DeviceId(u32::try_from(device).ok()?), body))
        })
        .collect())
}

/// The applications that have reports which wait for a plug-in to say what they mean.
pub async fn report_list_applications(
    connection: &mut Connection,
) -> Result<BTreeSet<ApplicationId>, StorageError> {
    let rows = sqlx::query(
        "SELECT DISTINCT tasks.application FROM reports \
         JOIN runs ON runs.id = reports.run JOIN tasks ON tasks.id = runs.task \
         WHERE reports.waits",
    )
    .fetch_all(connection)
    .await?;
    let application = |row| {
        Columns {
            table: "tasks",
            row,
        }
        .text("application")
    };
    rows.iter().map(application).collect()
}

/// A report no longer waits. Tells whether it did until now.
pub async fn report_settle(
    connection: &mut Connection,
    run: RunId,
    device: DeviceId,
) -> Result<bool, StorageError> {
    let done =
        sqlx::query("UPDATE reports SET waits = FALSE WHERE run = $1 AND device = $2 AND waits")
            .bind(run.0)
            .bind(i64::from(device.0))
            .execute(connection)
            .await?;
    Ok(done.rows_affected() > 0)
}

/// The revisions of plug-ins that translated deliveries which are not final.
pub async fn delivery_plugins(
    connection: &mut Connection,
) -> Result<BTreeSet<Digest>, StorageError> {
    let digests: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT plugin FROM deliveries WHERE NOT final AND plugin IS NOT NULL",
    )
    .fetch_all(connection)
    .await?;
    Ok(digests
        .into_iter()
        .filter_map(|text| text.parse().ok())
        .collect())
}

fn from_row(columns: &Columns<'_>) -> Result<Delivery, StorageError> {
    Ok(Delivery {
        run: RunId(columns.get("run")?),
        device: DeviceId(columns.number("device")?),
        state: columns.text("state")?,
        cause: columns.optional_json("cause")?,
        wanted: columns.word("wanted")?,
        ordered: columns.optional_word("ordered")?,
        sequence: columns.optional_number("sequence")?,
        known_as: columns.get::<Option<i64>>("known_as")?.map(RunId),
        command: columns.optional_text("command")?,
        plugin: columns.optional_text("plugin")?,
        summary: columns.get("summary")?,
        needs_restart: columns.get("needs_restart")?,
        changed_at: columns.time("changed_at")?,
    })
}

/// How a task stands on each device that it reached: by its latest run there.
pub async fn delivery_latest_of_task(
    connection: &mut Connection,
    task: TaskId,
) -> Result<BTreeMap<DeviceId, DeliveryState>, StorageError> {
    let rows = sqlx::query(
        "SELECT d.device, d.state FROM deliveries d JOIN runs r ON r.id = d.run \
         WHERE r.task = $1 ORDER BY d.run",
    )
    .bind(task.0)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let columns = Columns {
                table: "deliveries",
                row,
            };
            // Later ones take the place of those before.
            Ok((DeviceId(columns.number("device")?), columns.text("state")?))
        })
        .collect()
}
