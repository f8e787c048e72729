//! Deliveries, open and ended: those that the server ordered, under its numbers, and those of tasks that
//! the device starts by itself, under its own, which are below 0.

use super::occurrence::{self, Occurrence};
use super::{StoreError, before, from_json, now, saw, time, to_json};
use jiff::Timestamp;
use muster_agent_protocol::message::End;
use muster_agent_protocol::order::Order;
use muster_domain::delivery::Cause;
use muster_domain::{RunId, TaskId};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::time::Duration;

/// Where a delivery stands on this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It has not begun, or has to begin again.
    Waiting,
    /// Its command is at work.
    Running,
    /// It stands still.
    Paused,
    /// It is over.
    Ended,
}

impl State {
    /// The word that rows and people see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }

    fn parse(text: &str) -> Self {
        match text {
            "waiting" => Self::Waiting,
            "running" => Self::Running,
            "paused" => Self::Paused,
            _ => Self::Ended,
        }
    }
}

/// A delivery as the store has it.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The last order about it; what such an order would be, where the device began it by itself.
    pub order: Order,
    /// Where it stands.
    pub state: State,
    /// What it waits for, or why it is over without having begun.
    pub cause: Option<Cause>,
    /// Attempts that were begun.
    pub attempt: u32,
    /// Boot and session that the last attempt ran in.
    pub session: Option<String>,
    /// The process that leads the attempt's group: `pid/start`.
    pub leader: Option<String>,
    /// How it ended.
    pub end: Option<End>,
    /// Whether the body of its command is here.
    pub has_command: bool,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// What the schedule has to do with it, where the device began it by itself.
    pub occurrence: Option<Occurrence>,
    /// Why the device's user had it stopped.
    pub stopped: Option<Cause>,
}

impl Delivery {
    /// Why it was missed, if it was.
    pub fn missed(&self) -> Option<&Cause> {
        let over = self.state == State::Ended && self.end.is_none();
        self.cause.as_ref().filter(|_| over)
    }

    /// When its schedule has something to say again: it is tried again, or stopped. `begins` says that it
    /// begins now.
    pub fn next_moment(&self, now: Timestamp, begins: bool) -> Option<Timestamp> {
        let own = self.occurrence.as_ref()?;
        let retry = own.retry.map(|(at, _)| at);
        let began_at = own.began_at.or(begins.then_some(now));
        let stop = began_at.and_then(|began| own.rules.stop_at(began));
        let moments = [retry, stop.map(|(at, _)| at)];
        moments.into_iter().flatten().filter(|at| *at > now).min()
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select order_text, state, cause, attempt, session, leader, ended, changed_at, ",
            "exists (select 1 from command where command.hash = delivery.command), ",
            "name, due_at, start_at, rules, admitted, late, began_at, failures, retry_at, failed_at, stop, ",
            "stopped ",
            "from delivery left join occurrence using (run) ",
            $rest
        )
    };
}

fn read(row: &SqliteRow) -> Result<Delivery, StoreError> {
    let text: String = row.get(0);
    let json = |place: usize| row.get::<Option<String>, _>(place);
    Ok(Delivery {
        order: from_json("an order", &text)?,
        state: State::parse(row.get(1)),
        cause: json(2)
            .map(|text| from_json("a cause", &text))
            .transpose()?,
        attempt: row.get(3),
        session: row.get(4),
        leader: row.get(5),
        end: json(6).map(|text| from_json("an end", &text)).transpose()?,
        changed_at: time(row.get(7)),
        has_command: row.get(8),
        occurrence: occurrence::read(row, 9)?,
        stopped: json(20)
            .map(|text| from_json("a cause", &text))
            .transpose()?,
    })
}

/// The delivery of a run.
pub async fn find(at: &mut SqliteConnection, run: RunId) -> Result<Option<Delivery>, StoreError> {
    let row = sqlx::query(select!("where run = ?"))
        .bind(run.0)
        .fetch_optional(at)
        .await?;
    row.as_ref().map(read).transpose()
}

/// All that are not over, in the order in which they came.
pub async fn open(at: &mut SqliteConnection) -> Result<Vec<Delivery>, StoreError> {
    let rows = sqlx::query(select!(
        "where state <> 'ended' order by accepted_at, abs(run)"
    ))
    .fetch_all(at)
    .await?;
    rows.iter().map(read).collect()
}

/// The newest `most`, open ones first.
pub async fn list(at: &mut SqliteConnection, most: u32) -> Result<Vec<Delivery>, StoreError> {
    let rows = sqlx::query(select!(
        "order by state = 'ended', changed_at desc, abs(run) desc limit ?"
    ))
    .bind(most)
    .fetch_all(at)
    .await?;
    rows.iter().map(read).collect()
}

/// The newest `most` of a task that the device started by itself, the latest occurrence first.
pub async fn of_task(
    at: &mut SqliteConnection,
    task: TaskId,
    most: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let rows = sqlx::query(select!(
        "where occurrence.task = ? order by occurrence.due_at desc, run limit ?"
    ))
    .bind(task.0)
    .bind(most)
    .fetch_all(at)
    .await?;
    rows.iter().map(read).collect()
}

/// Takes in a new one, which waits.
pub async fn insert(at: &mut SqliteConnection, order: &Order) -> Result<(), StoreError> {
    sqlx::query(
        "insert into delivery (run, sequence, command, order_text, state, accepted_at, changed_at) \
         values (?, ?, ?, ?, 'waiting', ?, ?)",
    )
    .bind(order.run.0)
    .bind(sequence(order))
    .bind(order.command.to_string())
    .bind(to_json(order)?)
    .bind(now())
    .bind(now())
    .execute(&mut *at)
    .await?;
    saw(at, sequence(order)).await
}

/// Takes in one that the device begins by itself, which waits.
pub(super) async fn insert_own(
    at: &mut SqliteConnection,
    order: &Order,
    cause: Option<&Cause>,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into delivery (run, sequence, command, order_text, state, cause, accepted_at, changed_at) \
         values (?, ?, ?, ?, 'waiting', ?, ?, ?)",
    )
    .bind(order.run.0)
    .bind(sequence(order))
    .bind(order.command.to_string())
    .bind(to_json(order)?)
    .bind(cause.map(to_json).transpose()?)
    .bind(now())
    .bind(now())
    .execute(at)
    .await?;
    Ok(())
}

/// Puts a later order in the place of the one that it had.
pub async fn set_order(at: &mut SqliteConnection, order: &Order) -> Result<(), StoreError> {
    sqlx::query("update delivery set sequence = ?, command = ?, order_text = ? where run = ?")
        .bind(sequence(order))
        .bind(order.command.to_string())
        .bind(to_json(order)?)
        .bind(order.run.0)
        .execute(&mut *at)
        .await?;
    saw(at, sequence(order)).await
}

fn sequence(order: &Order) -> i64 {
    i64::try_from(order.sequence).unwrap_or(i64::MAX)
}

/// Says what it waits for. False if it was over meanwhile.
pub async fn set_waiting(
    at: &mut SqliteConnection,
    run: RunId,
    cause: &Cause,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update delivery set state = 'waiting', cause = ?, leader = null, changed_at = ? \
         where run = ? and state <> 'ended'",
    )
    .bind(to_json(cause)?)
    .bind(now())
    .bind(run.0)
    .execute(at)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends one that never begins, where the device began it by itself. False if it was over already.
pub async fn set_missed(
    at: &mut SqliteConnection,
    run: RunId,
    cause: &Cause,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update delivery set state = 'ended', cause = ?, changed_at = ? \
         where run = ? and state <> 'ended' and attempt = 0",
    )
    .bind(to_json(cause)?)
    .bind(now())
    .bind(run.0)
    .execute(at)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Begins an attempt, and gives back its number. None if it was over meanwhile.
pub async fn set_begun(at: &mut SqliteConnection, run: RunId) -> Result<Option<u32>, StoreError> {
    let row = sqlx::query(
        "update delivery set state = 'running', cause = null, attempt = attempt + 1, session = ?, leader = null, \
         changed_at = ? where run = ? and state <> 'ended' returning attempt",
    )
    .bind(super::current_session())
    .bind(now())
    .bind(run.0)
    .fetch_optional(at)
    .await?;
    Ok(row.map(|row| row.get(0)))
}

/// Changes between running and paused, or from waiting to paused. False if it was over meanwhile.
pub async fn set_state(
    at: &mut SqliteConnection,
    run: RunId,
    state: State,
) -> Result<bool, StoreError> {
    let done =
        sqlx::query("update delivery set state = ?, cause = null, changed_at = ? where run = ? and state <> 'ended'")
            .bind(state.as_str())
            .bind(now())
            .bind(run.0)
            .execute(at)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes the process that leads the attempt's group: `pid/start`.
pub async fn set_leader(
    at: &mut SqliteConnection,
    run: RunId,
    leader: &str,
) -> Result<(), StoreError> {
    sqlx::query("update delivery set leader = ? where run = ?")
        .bind(leader)
        .bind(run.0)
        .execute(at)
        .await?;
    Ok(())
}

/// The device's user has it stopped. False if it was over, or stopped before.
pub async fn set_stopped(
    at: &mut SqliteConnection,
    run: RunId,
    cause: &Cause,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update delivery set stopped = ? where run = ? and state <> 'ended' and stopped is null",
    )
    .bind(to_json(cause)?)
    .bind(run.0)
    .execute(at)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Puts one whose attempt was cut off back to waiting.
pub async fn set_cut_off(at: &mut SqliteConnection, run: RunId) -> Result<(), StoreError> {
    sqlx::query("update delivery set state = 'waiting', cause = null, leader = null where run = ? and state <> 'ended'")
        .bind(run.0)
        .execute(at)
        .await?;
    Ok(())
}

/// Ends it. False if it was over already: then nothing changed, and nothing is to be told.
pub async fn set_ended(
    at: &mut SqliteConnection,
    run: RunId,
    end: &End,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update delivery set state = 'ended', cause = null, leader = null, ended = ?, changed_at = ? \
         where run = ? and state <> 'ended'",
    )
    .bind(to_json(end)?)
    .bind(now())
    .bind(run.0)
    .execute(at)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets what ended longer ago than `keep` and could not be begun again by a repeated order.
pub(super) async fn prune(at: &mut SqliteConnection, keep: Duration) -> Result<(), StoreError> {
    let rows = sqlx::query(select!(
        "where state = 'ended' and changed_at < ? order by changed_at limit 500"
    ))
    .bind(before(keep))
    .fetch_all(&mut *at)
    .await?;
    for row in rows {
        let delivery = read(&row)?;
        if delivery.occurrence.is_some() || delivery.order.valid_until < muster_clock::now() {
            sqlx::query("delete from delivery where run = ?")
                .bind(delivery.order.run.0)
                .execute(&mut *at)
                .await?;
        }
    }
    Ok(())
}
