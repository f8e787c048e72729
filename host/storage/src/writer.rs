//! The one writer: jobs that wait together are committed together.
//!
//! A commit is one write and one flush of the disk however many jobs it holds, so while one group
//! is being flushed the next one gathers. Each job stands in a savepoint of its own.

use crate::Connection;
use crate::error::StorageError;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sqlx::Connection as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Jobs in one commit. More would make the first of them wait too long.
const MOST_JOBS: usize = 512;

/// Tells a job's caller what came of it, once the commit is through or has failed.
type Settle = Box<dyn FnOnce(Result<(), StorageError>) + Send>;

/// A job that was run: whether its savepoint stays, and how to tell its caller.
struct Done {
    keep: bool,
    settle: Settle,
}

type Job = Box<dyn for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Done> + Send>;

#[derive(Clone)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Message>,
}

enum Message {
    Job(Job),
    Close(oneshot::Sender<()>),
}

impl Writer {
    pub(crate) fn start(connection: Connection) -> Self {
        let (jobs, waiting) = mpsc::channel(MOST_JOBS);
        tokio::spawn(work(connection, waiting));
        Self { jobs }
    }

    pub(crate) async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            Box::pin(async move {
                let result = job(connection).await;
                let keep = result.is_ok();
                let settle: Settle = Box::new(move |committed| {
                    let result = match committed {
                        Ok(()) => result,
                        Err(error) => result.and(Err(E::from(error))),
                    };
                    // The caller may have gone away; its change stands all the same.
                    let _ = answer.send(result);
                });
                Done { keep, settle }
            })
        });
        self.jobs
            .send(Message::Job(job))
            .await
            .map_err(|_| E::from(StorageError::Closed))?;
        answered
            .await
            .unwrap_or_else(|_| Err(E::from(StorageError::NotMade)))
    }

    pub(crate) async fn close(&self) {
        let (answer, answered) = oneshot::channel();
        if self.jobs.send(Message::Close(answer)).await.is_ok() {
            let _ = answered.await;
        }
    }
}

async fn work(mut connection: Connection, mut waiting: mpsc::Receiver<Message>) {
    let mut messages = Vec::with_capacity(MOST_JOBS);
    let mut closing = None;
    while closing.is_none() && waiting.recv_many(&mut messages, MOST_JOBS).await > 0 {
        let mut group = Vec::with_capacity(messages.len());
        for message in messages.drain(..) {
            match message {
                Message::Job(job) => group.push(job),
                Message::Close(answer) => closing = Some(answer),
            }
        }
        commit_group(&mut connection, group).await;
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the database was not closed cleanly; the next start repairs it");
    }
    if let Some(answer) = closing {
        let _ = answer.send(());
    }
}

/// Runs the jobs in one transaction. Whatever fails outside a job fails all of them: none of them
/// was acknowledged, so none is lost.
async fn commit_group(connection: &mut Connection, group: Vec<Job>) {
    let mut settles = Vec::with_capacity(group.len());
    let committed = run_group(connection, group, &mut settles).await;
    let failure = committed.err().map(Arc::new);
    if let Some(error) = &failure {
        tracing::error!(%error, jobs = settles.len(), "a group of changes was not committed");
        // SQLite may have rolled back by itself, then there is nothing left to roll back.
        let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
    }
    for settle in settles {
        settle(match &failure {
            None => Ok(()),
            Some(error) if matches!(**error, StorageError::Full) => Err(StorageError::Full),
            Some(error) => Err(StorageError::Commit(Arc::clone(error))),
        });
    }
}

async fn run_group(
    connection: &mut Connection,
    group: Vec<Job>,
    settles: &mut Vec<Settle>,
) -> Result<(), StorageError> {
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut *connection)
        .await?;
    for job in group {
        sqlx::query("SAVEPOINT job")
            .execute(&mut *connection)
            .await?;
        // A job that panics drops its caller's channel, which tells the caller.
        let done = AssertUnwindSafe(job(&mut *connection))
            .catch_unwind()
            .await
            .ok();
        let keep = done.as_ref().is_some_and(|done| done.keep);
        // First of all, so that its caller hears the job's own error whatever follows: a full disk
        // ends the whole transaction, and there is no savepoint to go back to.
        settles.extend(done.map(|done| done.settle));
        if !keep {
            sqlx::query("ROLLBACK TO job")
                .execute(&mut *connection)
                .await?;
        }
        sqlx::query("RELEASE job").execute(&mut *connection).await?;
    }
    muster_crash_point::reach("storage.before-commit");
    sqlx::query("COMMIT").execute(&mut *connection).await?;
    muster_crash_point::reach("storage.after-commit");
    Ok(())
}
