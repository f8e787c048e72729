//! When applications started, and the agent: so that a start counts once, whenever it is seen.

use super::{StoreError, time};
use jiff::Timestamp;
use sqlx::{Row as _, SqliteConnection};

/// The agent's own row.
pub const AGENT: &str = "";

/// What was seen last of something that starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The boot of the device in which it was seen.
    pub boot: String,
    /// Whether it ran.
    pub runs: bool,
    /// When it started last, if that was ever seen.
    pub at: Option<Timestamp>,
}

/// What was seen last; none if nothing ever was.
pub async fn find(at: &mut SqliteConnection, what: &str) -> Result<Option<Started>, StoreError> {
    let row = sqlx::query("select boot, runs, started from started where what = ?")
        .bind(what)
        .fetch_optional(at)
        .await?;
    Ok(row.map(|row| Started {
        boot: row.get(0),
        runs: row.get(1),
        at: row.get::<Option<i64>, _>(2).map(time),
    }))
}

/// Notes what is seen now.
pub async fn put(at: &mut SqliteConnection, what: &str, seen: &Started) -> Result<(), StoreError> {
    sqlx::query(
        "insert into started (what, boot, runs, started) values (?1, ?2, ?3, ?4) \
         on conflict (what) do update set boot = ?2, runs = ?3, started = ?4",
    )
    .bind(what)
    .bind(&seen.boot)
    .bind(seen.runs)
    .bind(seen.at.map(Timestamp::as_millisecond))
    .execute(at)
    .await?;
    Ok(())
}
