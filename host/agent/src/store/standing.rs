//! How the link stands, for `muster-agent status`.

use super::{StoreError, now, time};
use jiff::Timestamp;
use sqlx::{Row as _, SqliteConnection};

/// How the link stood when it last changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// `linked`, `lost` or `refused`.
    pub state: String,
    /// Since when.
    pub since: Timestamp,
    /// Why, in a sentence; may be empty.
    pub detail: String,
}

/// Notes a change.
pub async fn set(at: &mut SqliteConnection, state: &str, detail: &str) -> Result<(), StoreError> {
    sqlx::query(
        "insert into link (id, state, since, detail) values (1, ?1, ?2, ?3) on conflict (id) do update set \
         since = case when state = ?1 then since else ?2 end, state = ?1, detail = ?3",
    )
    .bind(state)
    .bind(now())
    .bind(detail)
    .execute(at)
    .await?;
    Ok(())
}

/// How it stood last; none if it never was tried.
pub async fn find(at: &mut SqliteConnection) -> Result<Option<Standing>, StoreError> {
    let row = sqlx::query("select state, since, detail from link")
        .fetch_optional(at)
        .await?;
    Ok(row.map(|row| Standing {
        state: row.get(0),
        since: time(row.get(1)),
        detail: row.get(2),
    }))
}
