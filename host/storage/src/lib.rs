//! Every line of SQL. One file for each noun; domain types go in and out, rows stay private.
//!
//! Functions take the connection, so that the caller decides what is one transaction:
//! [`Storage::write`] runs a job on the one writer, which commits jobs in groups; [`Storage::read`]
//! lends a reader. Queries keep to what SQLite and PostgreSQL both understand.

mod codec;
mod error;
mod writer;

pub mod administrator;
pub mod applied;
pub mod approval;
pub mod assignment;
pub mod command;
pub mod delivery;
pub mod device;
pub mod enrollment;
pub mod event;
pub mod grant;
pub mod group;
pub mod lineage;
pub mod member;
pub mod plugin;
pub mod rollout;
pub mod run;
pub mod secret;
pub mod selection;
pub mod tag;
pub mod task;
pub mod trust;
pub mod user;
pub mod window;

pub use error::StorageError;

use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, SqlitePool};
use std::path::Path;
use std::time::Duration;

/// The connection that every function here takes.
pub type Connection = sqlx::SqliteConnection;

/// The database of one server.
#[derive(Clone)]
pub struct Storage {
    readers: SqlitePool,
    writer: writer::Writer,
}

impl Storage {
    /// Opens the database in a file, makes it if there is none, and brings its schema up to date.
    pub async fn open(file: &Path) -> Result<Self, StorageError> {
        let common = SqliteConnectOptions::new()
            .filename(file)
            .busy_timeout(Duration::from_secs(10));
        let writing = common
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            // A batch of random rows would otherwise pay for a checkpoint each time.
            .pragma("wal_autocheckpoint", "20000")
            .pragma("cache_size", "-65536")
            .pragma("journal_size_limit", "134217728");
        let mut writing = writing.connect().await?;
        sqlx::migrate!()
            .run(&mut writing)
            .await
            .map_err(StorageError::Migrate)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(8)
            // What one has read the operating system keeps for all of them.
            .connect_with(
                common
                    .pragma("query_only", "on")
                    .pragma("cache_size", "-4096"),
            )
            .await?;
        Ok(Self {
            readers,
            writer: writer::Writer::start(writing),
        })
    }

    /// Lends a connection that reads the last committed state.
    pub async fn read(&self) -> Result<PoolConnection<sqlx::Sqlite>, StorageError> {
        Ok(self.readers.acquire().await?)
    }

    /// Runs a job on the writer. Jobs that wait together are committed together; this returns when
    /// the job's changes are durable, or when none of them was made. A job that returns an error
    /// leaves nothing behind and does not disturb its neighbours.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        self.writer.write(job).await
    }

    /// Waits for the jobs under way, folds the log into the file and closes it.
    pub async fn close(self) {
        self.writer.close().await;
        self.readers.close().await;
    }
}

/// Lets the file grow to so many pages and no further, as a disk with that much room would.
#[doc(hidden)]
pub async fn pages_limit(
    connection: &mut Connection,
    pages: &'static str,
) -> Result<(), StorageError> {
    let pragma = format!("PRAGMA max_page_count = {pages}");
    sqlx::query(sqlx::AssertSqlSafe(pragma))
        .execute(connection)
        .await?;
    Ok(())
}
