//! Runs, and the counts of their deliveries.

use crate::codec::{Columns, to_bytes, to_millis, to_word};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::delivery::DeliveryState;
use muster_domain::event::Actor;
use muster_domain::run::{Counts, Run, RunState};
use muster_domain::schedule::OccurrenceId;
use muster_domain::{ApplicationId, RunId, TaskId};
use roaring::RoaringBitmap;
use sqlx::{QueryBuilder, Sqlite};
use std::collections::BTreeMap;

/// Starts a run: one row, however many devices it is for.
pub async fn run_insert(
    connection: &mut Connection,
    task: TaskId,
    revision: u32,
    occurrence: Option<OccurrenceId>,
    targets: &RoaringBitmap,
    now: Timestamp,
    by: &Actor,
) -> Result<RunId, StorageError> {
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO runs (task, revision, state, targets, started_at, started_by, occurrence, total) \
         VALUES ($1, $2, 'running', $3, $4, $5, $6, $7) RETURNING id",
    )
    .bind(task.0)
    .bind(i64::from(revision))
    .bind(to_bytes(targets))
    .bind(to_millis(now))
    .bind(by.to_string())
    .bind(occurrence.map(|occurrence| occurrence.to_string()))
    .bind(targets.len().cast_signed())
    .fetch_one(&mut *connection)
    .await?;
    run_count_add(
        connection,
        RunId(id),
        DeliveryState::Pending,
        targets.len().cast_signed(),
    )
    .await?;
    Ok(RunId(id))
}

/// Puts the devices that have no row, and were pending until now, into another state.
pub async fn run_untouched_become(
    connection: &mut Connection,
    run: RunId,
    state: DeliveryState,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE runs SET untouched = $2 WHERE id = $1 AND untouched = 'pending'")
        .bind(run.0)
        .bind(state.as_str())
        .execute(&mut *connection)
        .await?;
    let pending = run_counts(connection, run).await?;
    let pending = pending.of(DeliveryState::Pending).cast_signed();
    if pending > 0 {
        run_count_add(connection, run, DeliveryState::Pending, -pending).await?;
        run_count_add(connection, run, state, pending).await?;
    }
    Ok(())
}

/// Runs that are not finished and began before a moment, oldest first, at most `limit`.
pub async fn run_list_older(
    connection: &mut Connection,
    than: Timestamp,
    limit: u32,
) -> Result<Vec<Run>, StorageError> {
    let rows = sqlx::query(
        "SELECT * FROM runs WHERE state <> 'finished' AND started_at < $1 \
         ORDER BY started_at LIMIT $2",
    )
    .bind(to_millis(than))
    .bind(i64::from(limit))
    .fetch_all(&mut *connection)
    .await?;
    with_counts(connection, &rows).await
}

/// Lets a run start whatever the windows of its devices say.
pub async fn run_despite_windows(
    connection: &mut Connection,
    run: RunId,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE runs SET despite_windows = TRUE WHERE id = $1")
        .bind(run.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// The run of an occurrence, if there is one.
pub async fn run_of_occurrence(
    connection: &mut Connection,
    task: TaskId,
    occurrence: OccurrenceId,
) -> Result<Option<RunId>, StorageError> {
    let id: Option<i64> =
        sqlx::query_scalar("SELECT id FROM runs WHERE task = $1 AND occurrence = $2")
            .bind(task.0)
            .bind(occurrence.to_string())
            .fetch_optional(connection)
            .await?;
    Ok(id.map(RunId))
}

/// When a task was last started by an event.
pub async fn run_last_by_event(
    connection: &mut Connection,
    task: TaskId,
) -> Result<Option<Timestamp>, StorageError> {
    let row = sqlx::query(
        "SELECT max(started_at) AS started_at FROM runs WHERE task = $1 AND occurrence LIKE 'event/%'",
    )
    .bind(task.0)
    .fetch_one(connection)
    .await?;
    Columns {
        table: "runs",
        row: &row,
    }
    .optional_time("started_at")
}

/// Takes devices into a run that were not among its targets. A finished run is under way again.
pub async fn run_targets_add(
    connection: &mut Connection,
    run: &Run,
    devices: &RoaringBitmap,
) -> Result<(), StorageError> {
    let fresh = devices - &run.targets;
    if fresh.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE runs SET targets = $2, finished_at = NULL, total = total + $3, \
         state = CASE state WHEN 'finished' THEN 'running' ELSE state END WHERE id = $1",
    )
    .bind(run.id.0)
    .bind(to_bytes(&(&run.targets | &fresh)))
    .bind(fresh.len().cast_signed())
    .execute(&mut *connection)
    .await?;
    let pending = DeliveryState::Pending;
    run_count_add(connection, run.id, pending, fresh.len().cast_signed()).await
}

/// The runs of a task that are not finished, oldest first.
pub async fn run_list_open_of(
    connection: &mut Connection,
    task: TaskId,
) -> Result<Vec<Run>, StorageError> {
    let rows =
        sqlx::query("SELECT * FROM runs WHERE task = $1 AND state <> 'finished' ORDER BY id")
            .bind(task.0)
            .fetch_all(&mut *connection)
            .await?;
    with_counts(connection, &rows).await
}

/// Adds to the number of a run's deliveries that are in a state; a negative number takes away.
pub async fn run_count_add(
    connection: &mut Connection,
    run: RunId,
    state: DeliveryState,
    difference: i64,
) -> Result<(), StorageError> {
    let changed =
        sqlx::query("UPDATE run_counts SET count = count + $3 WHERE run = $1 AND state = $2")
            .bind(run.0)
            .bind(state.as_str())
            .bind(difference)
            .execute(&mut *connection)
            .await?;
    if changed.rows_affected() == 0 {
        sqlx::query("INSERT INTO run_counts (run, state, count) VALUES ($1, $2, $3)")
            .bind(run.0)
            .bind(state.as_str())
            .bind(difference)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// How many deliveries of a run are in which state.
pub async fn run_counts(connection: &mut Connection, run: RunId) -> Result<Counts, StorageError> {
    let rows = sqlx::query("SELECT state, count FROM run_counts WHERE run = $1 AND count > 0")
        .bind(run.0)
        .fetch_all(connection)
        .await?;
    let mut counts = Counts::default();
    for row in &rows {
        let columns = Columns {
            table: "run_counts",
            row,
        };
        counts
            .0
            .insert(columns.text("state")?, columns.number("count")?);
    }
    Ok(counts)
}

/// Devices in a run's scope; none of an older server's runs.
pub async fn run_total(
    connection: &mut Connection,
    run: RunId,
) -> Result<Option<u64>, StorageError> {
    let total: Option<Option<i64>> = sqlx::query_scalar("SELECT total FROM runs WHERE id = $1")
        .bind(run.0)
        .fetch_optional(connection)
        .await?;
    Ok(total.flatten().map(i64::unsigned_abs))
}

/// Puts a run into another state. With `finished_at`, it is over.
pub async fn run_state_set(
    connection: &mut Connection,
    run: RunId,
    state: RunState,
    finished_at: Option<Timestamp>,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE runs SET state = $2, finished_at = $3 WHERE id = $1")
        .bind(run.0)
        .bind(to_word(&state))
        .bind(finished_at.map(to_millis))
        .execute(connection)
        .await?;
    Ok(())
}

/// Where a run stands.
pub async fn run_state(
    connection: &mut Connection,
    id: RunId,
) -> Result<Option<RunState>, StorageError> {
    let row = sqlx::query("SELECT state FROM runs WHERE id = $1")
        .bind(id.0)
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        Columns {
            table: "runs",
            row: &row,
        }
        .word("state")
    })
    .transpose()
}

/// A run.
pub async fn run_get(connection: &mut Connection, id: RunId) -> Result<Option<Run>, StorageError> {
    let row = sqlx::query("SELECT * FROM runs WHERE id = $1")
        .bind(id.0)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut run = from_row(&Columns {
        table: "runs",
        row: &row,
    })?;
    run.counts = run_counts(connection, id).await?;
    Ok(Some(run))
}

/// Runs with a number below `before`, newest first, at most `limit`, of one task or of all.
pub async fn run_list(
    connection: &mut Connection,
    task: Option<TaskId>,
    before: Option<RunId>,
    limit: u32,
) -> Result<Vec<Run>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM runs WHERE 1 = 1");
    if let Some(task) = task {
        query.push(" AND task = ").push_bind(task.0);
    }
    if let Some(before) = before {
        query.push(" AND id < ").push_bind(before.0);
    }
    query
        .push(" ORDER BY id DESC LIMIT ")
        .push_bind(i64::from(limit));
    let rows = query.build().fetch_all(&mut *connection).await?;
    with_counts(connection, &rows).await
}

/// Every run that is not finished, oldest first.
pub async fn run_list_open(connection: &mut Connection) -> Result<Vec<Run>, StorageError> {
    let rows = sqlx::query("SELECT * FROM runs WHERE state <> 'finished' ORDER BY id")
        .fetch_all(&mut *connection)
        .await?;
    with_counts(connection, &rows).await
}

/// The runs under way of tasks whose runs follow their scopes.
pub async fn run_list_following(connection: &mut Connection) -> Result<Vec<RunId>, StorageError> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT runs.id FROM runs JOIN tasks ON tasks.id = runs.task \
         WHERE runs.state IN ('running', 'paused') AND tasks.following ORDER BY runs.id",
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(RunId).collect())
}

/// Whose the runs are that are not finished.
pub async fn run_applications_open(
    connection: &mut Connection,
) -> Result<BTreeMap<RunId, ApplicationId>, StorageError> {
    let mut query = QueryBuilder::new(RUN_APPLICATIONS);
    query.push("runs.state <> 'finished'");
    applications(connection, query).await
}

/// Whose some runs are. Those that there are not are left out.
pub async fn run_applications(
    connection: &mut Connection,
    runs: &[RunId],
) -> Result<BTreeMap<RunId, ApplicationId>, StorageError> {
    let mut found = BTreeMap::new();
    for part in runs.chunks(500) {
        let mut query = QueryBuilder::new(RUN_APPLICATIONS);
        let mut places = query.push("runs.id IN (").separated(", ");
        for run in part {
            places.push_bind(run.0);
        }
        query.push(")");
        found.extend(applications(connection, query).await?);
    }
    Ok(found)
}

const RUN_APPLICATIONS: &str =
    "SELECT runs.id, tasks.application FROM runs JOIN tasks ON tasks.id = runs.task WHERE ";

async fn applications(
    connection: &mut Connection,
    mut query: QueryBuilder<Sqlite>,
) -> Result<BTreeMap<RunId, ApplicationId>, StorageError> {
    let rows = query.build().fetch_all(connection).await?;
    let pair = |row| {
        let columns = Columns { table: "runs", row };
        Ok((RunId(columns.get("id")?), columns.text("application")?))
    };
    rows.iter().map(pair).collect()
}

/// The newest run of a task.
pub async fn run_latest(
    connection: &mut Connection,
    task: TaskId,
) -> Result<Option<RunId>, StorageError> {
    let id: Option<i64> = sqlx::query_scalar("SELECT max(id) FROM runs WHERE task = $1")
        .bind(task.0)
        .fetch_one(connection)
        .await?;
    Ok(id.map(RunId))
}

async fn with_counts(
    connection: &mut Connection,
    rows: &[sqlx::sqlite::SqliteRow],
) -> Result<Vec<Run>, StorageError> {
    let mut runs = Vec::with_capacity(rows.len());
    for row in rows {
        let mut run = from_row(&Columns { table: "runs", row })?;
        run.counts = run_counts(connection, run.id).await?;
        runs.push(run);
    }
    Ok(runs)
}

fn from_row(columns: &Columns<'_>) -> Result<Run, StorageError> {
    Ok(Run {
        id: RunId(columns.get("id")?),
        task: TaskId(columns.get("task")?),
        revision: columns.number("revision")?,
        occurrence: columns.optional_word("occurrence")?,
        despite_windows: columns.get("despite_windows")?,
        state: columns.word("state")?,
        targets: columns.bitmap("targets")?,
        counts: Counts::default(),
        started_at: columns.time("started_at")?,
        started_by: columns.word::<Actor>("started_by")?,
        finished_at: columns.optional_time("finished_at")?,
        untouched: columns.text("untouched")?,
    })
}
