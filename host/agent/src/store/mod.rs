//! The local store: `SQLite`, so that what the agent accepted, did and has to tell survives its end
//! and the device's.
//!
//! One file per noun. Functions take the connection, so that the caller decides what is one
//! transaction. Times are milliseconds since 1970.

pub mod assignment;
pub mod command;
pub mod delivery;
pub mod edit;
pub mod lineage;
pub mod log;
pub mod news;
pub mod occurrence;
pub mod standing;
pub mod started;

use crate::process;
use jiff::Timestamp;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Row as _, Sqlite, SqliteConnection, Transaction};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::Notify;

const FILE: &str = "agent.db";

/// Why the store did not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `SQLite` said no. A full disk is such a case: nothing of the transaction is kept.
    #[error("the local store cannot be used")]
    Database(#[from] sqlx::Error),
    /// The tables cannot be brought up to date.
    #[error("the local store's tables cannot be brought up to date")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// There is no store.
    #[error("{} does not exist: the agent has not run here yet", .0.display())]
    Missing(PathBuf),
    /// Something in it cannot be read.
    #[error("the local store holds {what} that cannot be read")]
    Damaged {
        /// What.
        what: String,
        /// Why.
        #[source]
        cause: serde_json::Error,
    },
    /// A file cannot be moved out of the way.
    #[error("cannot put {} aside", file.display())]
    PutAside {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
}

/// Where a store is.
#[derive(Debug, Clone)]
pub enum StoreLocation {
    /// In a data folder.
    Folder(PathBuf),
    /// In memory, for many agents in one process. Nothing survives.
    Memory,
}

/// Says that rows changed. Each has one listener.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    /// To the link: news, or commands that are wanted.
    pub(crate) link: Notify,
    /// To deliver.
    pub(crate) deliver: Notify,
    /// To the schedule.
    pub(crate) schedule: Notify,
    /// To the platform's log.
    pub(crate) log: Notify,
}

/// An open store.
#[derive(Debug)]
pub struct Store {
    pool: SqlitePool,
    pub(crate) hints: Hints,
    /// Whether entries of the log have still to be told to the platform's log.
    tell: bool,
}

impl Store {
    /// Opens the store of this owner; one that belongs to another enrollment is put aside.
    pub async fn open(
        location: &StoreLocation,
        owner: &str,
        tell: bool,
    ) -> Result<Self, StoreError> {
        let pool = match location {
            StoreLocation::Memory => connect(SqliteConnectOptions::new().in_memory(true)).await?,
            StoreLocation::Folder(folder) => {
                let file = folder.join(FILE);
                let pool = connect(writer(&file)).await?;
                if owner_of(&pool).await?.is_none_or(|found| found == owner) {
                    pool
                } else {
                    pool.close().await;
                    put_aside(&file)?;
                    connect(writer(&file)).await?
                }
            }
        };
        sqlx::query(
            "insert into identity (id, owner, store, last_run) values (1, ?, ?, -unixepoch()) \
             on conflict do nothing",
        )
        .bind(owner)
        .bind(uuid::Uuid::new_v4().to_string())
        .execute(&pool)
        .await?;
        Ok(Self {
            pool,
            hints: Hints::default(),
            tell,
        })
    }

    /// Opens the store of a data folder to look at, also while an agent runs on it.
    pub async fn look(folder: &Path) -> Result<Self, StoreError> {
        let file = folder.join(FILE);
        if !file.exists() {
            return Err(StoreError::Missing(file));
        }
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .read_only(true)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await?;
        Ok(Self {
            pool,
            hints: Hints::default(),
            tell: false,
        })
    }

    /// A connection without a transaction.
    pub async fn acquire(&self) -> Result<sqlx::pool::PoolConnection<Sqlite>, StoreError> {
        Ok(self.pool.acquire().await?)
    }

    /// A transaction; one that is dropped leaves no trace.
    pub async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool.begin().await?)
    }

    /// Adds an entry to the log.
    pub async fn log(
        &self,
        at: &mut SqliteConnection,
        entry: log::NewEntry,
    ) -> Result<(), StoreError> {
        log::add(at, &entry, self.tell).await
    }

    /// The name of the store towards the server, and the greatest order that it has seen.
    pub async fn identity(&self) -> Result<(String, u64), StoreError> {
        let row = sqlx::query("select store, last_order from identity")
            .fetch_one(&self.pool)
            .await?;
        Ok((row.get(0), row.get::<i64, _>(1).unsigned_abs()))
    }

    /// Takes a new name: to the server, numbers of news begin again. Those of own deliveries go on
    /// where no copy of this store can have come to.
    pub async fn rename(&self) -> Result<(), StoreError> {
        sqlx::query("update identity set store = ?, last_run = min(last_run, -unixepoch())")
            .bind(uuid::Uuid::new_v4().to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Takes out what is older than it is kept, a little at a time.
    pub async fn prune(&self, tuning: &crate::config::Tuning) -> Result<(), StoreError> {
        let mut connection = self.acquire().await?;
        delivery::prune(&mut connection, tuning.keep_deliveries).await?;
        occurrence::prune(&mut connection, tuning.keep_deliveries).await?;
        assignment::prune(&mut connection, tuning.keep_deliveries).await?;
        command::prune(&mut connection).await?;
        edit::prune(&mut connection, tuning.keep_deliveries).await?;
        log::prune(&mut connection, tuning.keep_log, tuning.most_log_entries).await
    }

    /// Waits until everything is on disk and closes.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn writer(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        // Commands are megabytes at most; a small cache keeps the agent small.
        .pragma("cache_size", "-512")
}

async fn connect(options: SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    // One connection: there is one writer, and a store in memory lives as long as its connection.
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    sqlx::migrate!("./migrations").run(&pool).await?;
    Ok(pool)
}

async fn owner_of(pool: &SqlitePool) -> Result<Option<String>, StoreError> {
    let row = sqlx::query("select owner from identity")
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|row| row.get(0)))
}

fn put_aside(file: &Path) -> Result<(), StoreError> {
    let stamp = Timestamp::now().as_second();
    for suffix in ["-wal", "-shm", ""] {
        let from = PathBuf::from(format!("{}{suffix}", file.display()));
        let to = PathBuf::from(format!("{}.before-{stamp}{suffix}", file.display()));
        if from.exists() {
            std::fs::rename(&from, to)
                .map_err(|cause| StoreError::PutAside { file: from, cause })?;
        }
    }
    Ok(())
}

/// The greatest number of what the server sent, orders and others.
async fn saw(at: &mut SqliteConnection, sequence: i64) -> Result<(), StoreError> {
    sqlx::query("update identity set last_order = max(last_order, ?)")
        .bind(sequence)
        .execute(at)
        .await?;
    Ok(())
}

pub(crate) fn now() -> i64 {
    muster_clock::now().as_millisecond()
}

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or_default()
}

fn before(age: Duration) -> i64 {
    now().saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
}

fn to_json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|cause| StoreError::Damaged {
        what: "a value".into(),
        cause,
    })
}

fn from_json<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|cause| StoreError::Damaged {
        what: what.to_owned(),
        cause,
    })
}

/// The boot and session that attempts of this process run in.
pub(crate) fn current_session() -> String {
    process::session()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_of_another_enrollment_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let location = StoreLocation::Folder(folder.path().to_owned());
        let open = |owner: &'static str| {
            let location = location.clone();
            async move {
                let store = Store::open(&location, owner, false).await.unwrap();
                let name = store.identity().await.unwrap().0;
                store.close().await;
                name
            }
        };
        let first = open("a/1").await;
        assert_eq!(open("a/1").await, first);
        assert_ne!(open("a/2").await, first);
        let aside = std::fs::read_dir(folder.path()).unwrap().flatten();
        assert!(
            aside
                .into_iter()
                .any(|entry| entry.file_name().to_string_lossy().contains("before-"))
        );
    }
}
