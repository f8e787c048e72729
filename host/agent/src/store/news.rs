//! News for the server, kept until it has acknowledged them.

use super::{StoreError, from_json, now, time, to_json};
use muster_agent_protocol::message::{News, NumberedNews};
use sqlx::{Row as _, SqliteConnection};

/// Adds a piece of news under the next number.
pub async fn add(at: &mut SqliteConnection, news: &News) -> Result<(), StoreError> {
    sqlx::query("insert into news (at, body) values (?, ?)")
        .bind(now())
        .bind(to_json(news)?)
        .execute(at)
        .await?;
    Ok(())
}

/// The next news after a number: as many as have together at most `most_bytes`, but at least one.
pub async fn after(
    at: &mut SqliteConnection,
    number: u64,
    most_bytes: usize,
) -> Result<Vec<NumberedNews>, StoreError> {
    // Bodies are looked at one by one: a hundred of the longest would be half a gigabyte.
    let sizes = sqlx::query("select sequence, length(cast(body as blob)) from news where sequence > ? order by sequence limit 200")
        .bind(i64::try_from(number).unwrap_or(i64::MAX))
        .fetch_all(&mut *at)
        .await?;
    let mut bytes = 0;
    let mut news = Vec::new();
    for row in sizes {
        bytes += usize::try_from(row.get::<i64, _>(1)).unwrap_or(usize::MAX) + 100;
        if bytes > most_bytes && !news.is_empty() {
            break;
        }
        let sequence: i64 = row.get(0);
        let row = sqlx::query("select at, body from news where sequence = ?")
            .bind(sequence)
            .fetch_one(&mut *at)
            .await?;
        news.push(NumberedNews {
            sequence: sequence.unsigned_abs(),
            at: time(row.get(0)),
            news: from_json("a piece of news", row.get(1))?,
        });
    }
    Ok(news)
}

/// Forgets what the server has.
pub async fn acknowledged(at: &mut SqliteConnection, up_to: u64) -> Result<(), StoreError> {
    sqlx::query("delete from news where sequence <= ?")
        .bind(i64::try_from(up_to).unwrap_or(i64::MAX))
        .execute(at)
        .await?;
    Ok(())
}

/// The greatest number that was ever given.
pub async fn last_number(at: &mut SqliteConnection) -> Result<u64, StoreError> {
    let row = sqlx::query("select seq from sqlite_sequence where name = 'news'")
        .fetch_optional(at)
        .await?;
    Ok(row.map_or(0, |row| row.get::<i64, _>(0).unsigned_abs()))
}

/// How many wait to be acknowledged.
pub async fn count(at: &mut SqliteConnection) -> Result<u64, StoreError> {
    let row = sqlx::query("select count(*) from news")
        .fetch_one(at)
        .await?;
    Ok(row.get::<i64, _>(0).unsigned_abs())
}
