//! How far rollouts of runs are.

use crate::codec::{Columns, to_bytes, to_json};
use crate::{Connection, StorageError};
use muster_domain::RunId;
use muster_domain::rollout::{Hold, Place, Rollout, Waves};
use roaring::RoaringBitmap;

/// How far a run's rollout is.
#[derive(Debug, Clone, PartialEq)]
pub struct RolloutRow {
    /// The run.
    pub run: RunId,
    /// By which it goes out.
    pub rollout: Rollout,
    /// How far it is.
    pub place: Place,
    /// Devices that were let go.
    pub begun: RoaringBitmap,
    /// Devices that ended, and count no more for its stop.
    pub excused: RoaringBitmap,
    /// What the next device waits for.
    pub hold: Option<Hold>,
}

/// Keeps how a run goes out, before any of its devices does.
pub async fn rollout_insert(
    connection: &mut Connection,
    run: RunId,
    rollout: &Rollout,
    waves: &Waves,
) -> Result<(), StorageError> {
    let none = to_bytes(&RoaringBitmap::new());
    sqlx::query(
        "INSERT INTO rollouts (run, body, place, begun, excused) VALUES ($1, $2, $3, $4, $4)",
    )
    .bind(run.0)
    .bind(to_json(rollout))
    .bind(to_json(&Place::default()))
    .bind(none)
    .execute(&mut *connection)
    .await?;
    rollout_waves_set(connection, run, waves).await
}

/// Keeps the waves of a run.
pub async fn rollout_waves_set(
    connection: &mut Connection,
    run: RunId,
    waves: &Waves,
) -> Result<(), StorageError> {
    for (number, devices) in (0_i64..).zip(&waves.0) {
        sqlx::query(
            "INSERT INTO rollout_waves (run, number, devices) VALUES ($1, $2, $3) \
             ON CONFLICT (run, number) DO UPDATE SET devices = excluded.devices",
        )
        .bind(run.0)
        .bind(number)
        .bind(to_bytes(devices))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// How far a run's rollout is, if it has one.
pub async fn rollout_get(
    connection: &mut Connection,
    run: RunId,
) -> Result<Option<RolloutRow>, StorageError> {
    let row = sqlx::query("SELECT * FROM rollouts WHERE run = $1")
        .bind(run.0)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let columns = Columns {
        table: "rollouts",
        row: &row,
    };
    Ok(Some(RolloutRow {
        run,
        rollout: columns.json("body")?,
        place: columns.json("place")?,
        begun: columns.bitmap("begun")?,
        excused: columns.bitmap("excused")?,
        hold: columns.optional_json("hold")?,
    }))
}

/// The waves of a run.
pub async fn rollout_waves(connection: &mut Connection, run: RunId) -> Result<Waves, StorageError> {
    let rows = sqlx::query("SELECT devices FROM rollout_waves WHERE run = $1 ORDER BY number")
        .bind(run.0)
        .fetch_all(connection)
        .await?;
    let wave = |row| {
        let columns = Columns {
            table: "rollout_waves",
            row,
        };
        columns.bitmap("devices")
    };
    Ok(Waves(rows.iter().map(wave).collect::<Result<_, _>>()?))
}

/// Keeps how far a run's rollout is now.
pub async fn rollout_update(
    connection: &mut Connection,
    row: &RolloutRow,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE rollouts SET place = $2, begun = $3, excused = $4, hold = $5 WHERE run = $1",
    )
    .bind(row.run.0)
    .bind(to_json(&row.place))
    .bind(to_bytes(&row.begun))
    .bind(to_bytes(&row.excused))
    .bind(row.hold.as_ref().map(to_json))
    .execute(connection)
    .await?;
    Ok(())
}
