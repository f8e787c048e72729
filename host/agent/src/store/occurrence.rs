//! Occurrences of tasks that the device starts by itself. Each is a delivery as well; here is what
//! the schedule has to do with it, and its name, which is never taken twice.

use super::delivery::{self, Delivery};
use super::{StoreError, before, from_json, time, to_json};
use jiff::Timestamp;
use muster_agent_protocol::order::Order;
use muster_domain::delivery::Cause;
use muster_domain::schedule::{MissedRuns, OccurrenceId, Overlap, Retry, Schedule};
use muster_domain::{RunId, TaskId};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::time::Duration;

/// What the schedule, as it was when the occurrence came due, says of all that comes after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rules {
    /// What happens if it cannot start in time.
    pub missed_runs: MissedRuns,
    /// What happens if an earlier one still runs.
    pub overlap: Overlap,
    /// Minutes after which it is stopped.
    pub stop_after_minutes: Option<u32>,
    /// Whether it is tried again.
    pub retry: Option<Retry>,
}

impl From<&Schedule> for Rules {
    fn from(schedule: &Schedule) -> Self {
        Self {
            missed_runs: schedule.missed_runs,
            overlap: schedule.overlap,
            stop_after_minutes: schedule.stop_after_minutes,
            retry: schedule.retry.clone(),
        }
    }
}

impl Rules {
    /// When one that began at a moment is stopped, and the minutes after which it is.
    pub fn stop_at(&self, began: Timestamp) -> Option<(Timestamp, u32)> {
        let minutes = self.stop_after_minutes?;
        let length = jiff::SignedDuration::from_mins(i64::from(minutes));
        Some((began.checked_add(length).unwrap_or(Timestamp::MAX), minutes))
    }
}

/// What the schedule has to do with a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Its name.
    pub name: OccurrenceId,
    /// When the schedule had it.
    pub due_at: Timestamp,
    /// With the delays that it waits for.
    pub start_at: Timestamp,
    /// What holds for it.
    pub rules: Rules,
    /// Whether overlap and missed runs let it start.
    pub admitted: bool,
    /// Whether it makes good what was missed, each of them.
    pub late: bool,
    /// When its first attempt began.
    pub began_at: Option<Timestamp>,
    /// Attempts that failed and are made again.
    pub failures: u32,
    /// When it is tried again, and when the attempt before that failed.
    pub retry: Option<(Timestamp, Timestamp)>,
    /// Why it is to be stopped.
    pub stop: Option<Cause>,
}

/// Reads one from the columns that [`delivery`] selects, from a place on; none where they are empty.
pub(super) fn read(row: &SqliteRow, first: usize) -> Result<Option<Occurrence>, StoreError> {
    let text = |place: usize| row.get::<Option<String>, _>(first + place);
    let moment = |place: usize| row.get::<Option<i64>, _>(first + place).map(time);
    let (Some(name), Some(rules)) = (text(0), text(3)) else {
        return Ok(None);
    };
    Ok(Some(Occurrence {
        name: from_json("an occurrence", &to_json(&name)?)?,
        due_at: moment(1).unwrap_or_default(),
        start_at: moment(2).unwrap_or_default(),
        rules: from_json("rules of an occurrence", &rules)?,
        admitted: row.get(first + 4),
        late: row.get(first + 5),
        began_at: moment(6),
        failures: row.get(first + 7),
        retry: moment(8).zip(moment(9)),
        stop: text(10)
            .map(|text| from_json("a cause", &text))
            .transpose()?,
    }))
}

/// An occurrence that is new.
#[derive(Debug, Clone)]
pub struct NewOccurrence<'a> {
    /// Its name.
    pub name: OccurrenceId,
    /// When the schedule has it.
    pub due_at: Timestamp,
    /// With the delays that it waits for.
    pub start_at: Timestamp,
    /// What holds for it.
    pub rules: &'a Rules,
}

/// The device's next own number.
pub async fn next_run(at: &mut SqliteConnection) -> Result<RunId, StoreError> {
    let row = sqlx::query("update identity set last_run = last_run - 1 returning last_run")
        .fetch_one(at)
        .await?;
    Ok(RunId(row.get(0)))
}

/// Whether the task had an occurrence of this name.
pub async fn exists(
    at: &mut SqliteConnection,
    task: TaskId,
    name: OccurrenceId,
) -> Result<bool, StoreError> {
    let row = sqlx::query("select 1 from occurrence where task = ? and name = ?")
        .bind(task.0)
        .bind(name.to_string())
        .fetch_optional(at)
        .await?;
    Ok(row.is_some())
}

/// How many names of the task begin so.
pub async fn count(
    at: &mut SqliteConnection,
    task: TaskId,
    prefix: &str,
) -> Result<u32, StoreError> {
    // A name is printable, and this is the last such character.
    let row = sqlx::query(
        "select count(*) from occurrence where task = ?1 and name >= ?2 and name < ?2 || '~'",
    )
    .bind(task.0)
    .bind(prefix)
    .fetch_one(at)
    .await?;
    Ok(row.get(0))
}

/// Takes in a new one, as a delivery that waits, for a cause if there is one.
pub async fn insert(
    at: &mut SqliteConnection,
    order: &Order,
    new: &NewOccurrence<'_>,
    cause: Option<&Cause>,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into occurrence (run, task, name, due_at, start_at, rules) values (?, ?, ?, ?, ?, ?)",
    )
    .bind(order.run.0)
    .bind(order.task.0)
    .bind(new.name.to_string())
    .bind(new.due_at.as_millisecond())
    // Never before: a part of a millisecond is given to the device.
    .bind(ceiling(new.start_at))
    .bind(to_json(new.rules)?)
    .execute(&mut *at)
    .await?;
    delivery::insert_own(at, order, cause).await
}

fn ceiling(moment: Timestamp) -> i64 {
    let floor = moment.as_millisecond();
    floor + i64::from(time(floor) < moment)
}

/// It may start, as far as its task's other occurrences are concerned.
pub async fn set_admitted(
    at: &mut SqliteConnection,
    run: RunId,
    late: bool,
) -> Result<(), StoreError> {
    sqlx::query("update occurrence set admitted = 1, late = ? where run = ?")
        .bind(late)
        .bind(run.0)
        .execute(at)
        .await?;
    Ok(())
}

/// It is to be stopped.
pub async fn set_stop(
    at: &mut SqliteConnection,
    run: RunId,
    cause: &Cause,
) -> Result<(), StoreError> {
    sqlx::query("update occurrence set stop = ? where run = ? and stop is null")
        .bind(to_json(cause)?)
        .bind(run.0)
        .execute(at)
        .await?;
    Ok(())
}

/// An attempt of it begins.
pub async fn set_begun(
    at: &mut SqliteConnection,
    run: RunId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "update occurrence set began_at = coalesce(began_at, ?), retry_at = null, failed_at = null \
         where run = ?",
    )
    .bind(now.as_millisecond())
    .bind(run.0)
    .execute(at)
    .await?;
    Ok(())
}

/// An attempt of it failed, and another one is made.
pub async fn set_retry(
    at: &mut SqliteConnection,
    run: RunId,
    retry_at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "update occurrence set failures = failures + 1, retry_at = ?, failed_at = ? where run = ?",
    )
    .bind(retry_at.as_millisecond())
    .bind(now.as_millisecond())
    .bind(run.0)
    .execute(at)
    .await?;
    Ok(())
}

/// The open deliveries of tasks that the device started by itself, in the order in which they start.
pub async fn open(at: &mut SqliteConnection) -> Result<Vec<Delivery>, StoreError> {
    let mut open = delivery::open(at).await?;
    open.retain(|delivery| delivery.occurrence.is_some());
    open.sort_by_key(|delivery| {
        let start = delivery.occurrence.as_ref().map(|own| own.start_at);
        (start, std::cmp::Reverse(delivery.order.run))
    });
    Ok(open)
}

macro_rules! old {
    () => {
        "select run from occurrence where due_at < ?1 and not exists \
         (select 1 from delivery where delivery.run = occurrence.run) order by due_at limit 500"
    };
}

/// Names of starts are counted through a day, so those of today have to be here, in every zone.
const LEAST_KEPT: Duration = Duration::from_hours(48);

/// Forgets names of what is over and was due long ago. No mark goes back behind them any more.
pub(super) async fn prune(at: &mut SqliteConnection, keep: Duration) -> Result<(), StoreError> {
    let keep = keep.max(LEAST_KEPT);
    sqlx::query(concat!(
        "update assignment set least = max(least, coalesce((select max(due_at) from occurrence ",
        "where occurrence.task = assignment.task and run in (",
        old!(),
        ")), least))"
    ))
    .bind(before(keep))
    .execute(&mut *at)
    .await?;
    sqlx::query(concat!(
        "delete from occurrence where run in (",
        old!(),
        ")"
    ))
    .bind(before(keep))
    .execute(at)
    .await?;
    Ok(())
}
