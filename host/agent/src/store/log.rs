//! The local event log.

use super::{StoreError, before, from_json, now, time, to_json};
use jiff::Timestamp;
use muster_domain::RunId;
use muster_domain::event::Severity;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::time::Duration;

/// An entry to be.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// Noun and verb: `task.ended`, `order.refused`.
    pub kind: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// One sentence.
    pub text: String,
    /// The run, if it is about one.
    pub run: Option<RunId>,
    /// More, by names such as `task-name`.
    pub fields: Vec<(String, String)>,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Noun and verb.
    pub kind: String,
    /// How much it weighs.
    pub severity: Severity,
    /// One sentence.
    pub text: String,
    /// The run, if it is about one.
    pub run: Option<RunId>,
    /// More, by name.
    pub fields: Vec<(String, String)>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, at, kind, severity, text, run, fields from log ",
            $rest
        )
    };
}

fn read(row: &SqliteRow) -> Result<Entry, StoreError> {
    Ok(Entry {
        id: row.get(0),
        at: time(row.get(1)),
        kind: row.get(2),
        severity: match row.get(3) {
            "critical" => Severity::Critical,
            "warning" => Severity::Warning,
            _ => Severity::Info,
        },
        text: row.get(4),
        run: row.get::<Option<i64>, _>(5).map(RunId),
        fields: from_json("fields of a log entry", row.get(6))?,
    })
}

pub(super) async fn add(
    at: &mut SqliteConnection,
    entry: &NewEntry,
    tell: bool,
) -> Result<(), StoreError> {
    sqlx::query("insert into log (at, kind, severity, text, run, fields, told) values (?, ?, ?, ?, ?, ?, ?)")
        .bind(now())
        .bind(entry.kind)
        .bind(entry.severity.as_str())
        .bind(&entry.text)
        .bind(entry.run.map(|run| run.0))
        .bind(to_json(&entry.fields)?)
        .bind(!tell)
        .execute(at)
        .await?;
    Ok(())
}

/// The newest `most`, oldest first.
pub async fn newest(at: &mut SqliteConnection, most: u32) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query(select!("order by id desc limit ?"))
        .bind(most)
        .fetch_all(at)
        .await?;
    rows.iter().rev().map(read).collect()
}

/// What came after an entry, at most a thousand.
pub async fn after(at: &mut SqliteConnection, id: i64) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query(select!("where id > ? order by id limit 1000"))
        .bind(id)
        .fetch_all(at)
        .await?;
    rows.iter().map(read).collect()
}

/// What the platform's log does not have yet, at most a hundred.
pub async fn untold(at: &mut SqliteConnection) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query(select!("where told = 0 order by id limit 100"))
        .fetch_all(at)
        .await?;
    rows.iter().map(read).collect()
}

/// The platform's log has everything up to this entry.
pub async fn set_told(at: &mut SqliteConnection, up_to: i64) -> Result<(), StoreError> {
    sqlx::query("update log set told = 1 where told = 0 and id <= ?")
        .bind(up_to)
        .execute(at)
        .await?;
    Ok(())
}

pub(super) async fn prune(
    at: &mut SqliteConnection,
    keep: Duration,
    most: u32,
) -> Result<(), StoreError> {
    sqlx::query(
        "delete from log where id in (select id from log where at < ?1 \
         or id <= (select max(id) from log) - ?2 order by id limit 1000)",
    )
    .bind(before(keep))
    .bind(most)
    .execute(at)
    .await?;
    Ok(())
}
