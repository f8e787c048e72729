//! The writer: jobs are durable when their callers hear of it, and do not disturb each other.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where what it stands on fails"
)]

use futures_util::future::join_all;
use jiff::Timestamp;
use muster_domain::GroupId;
use muster_domain::event::{Actor, NewEvent, Severity};
use muster_storage::event::{EventFilter, event_insert, event_latest, event_list};
use muster_storage::group::{group_insert, group_list};
use muster_storage::{Storage, StorageError};
use std::path::Path;

async fn open(folder: &Path) -> Storage {
    Storage::open(&folder.join("muster.db")).await.unwrap()
}

fn event(text: &str) -> NewEvent {
    NewEvent::new("test.happened", Severity::Info, Actor::Server, text)
}

async fn insert_event(storage: &Storage, text: String) -> Result<(), StorageError> {
    storage
        .write(move |connection| {
            Box::pin(
                async move { event_insert(connection, Timestamp::now(), &[event(&text)]).await },
            )
        })
        .await
}

async fn insert_group(storage: &Storage, name: &'static str) -> Result<GroupId, StorageError> {
    storage
        .write(move |connection| {
            Box::pin(async move { group_insert(connection, GroupId::ROOT, name).await })
        })
        .await
}

#[tokio::test]
async fn what_was_told_is_there_when_the_database_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path()).await;
    let jobs = (0..300).map(|number| insert_event(&storage, number.to_string()));
    assert!(join_all(jobs).await.iter().all(Result::is_ok));
    // Not closed: what a kill leaves behind.
    std::mem::forget(storage);

    let storage = open(folder.path()).await;
    let mut connection = storage.read().await.unwrap();
    assert_eq!(event_latest(&mut connection).await.unwrap().0, 300);
    let events = event_list(&mut connection, &EventFilter::default(), 1000)
        .await
        .unwrap();
    let mut numbers: Vec<u32> = events
        .iter()
        .map(|event| event.event.text.parse().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..300).collect::<Vec<u32>>());
}

#[tokio::test]
async fn a_job_that_fails_leaves_nothing_and_its_neighbours_stay() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path()).await;
    insert_group(&storage, "taken").await.unwrap();
    let failing = storage.write(|connection| {
        Box::pin(async move {
            event_insert(connection, Timestamp::now(), &[event("half")]).await?;
            group_insert(connection, GroupId::ROOT, "taken").await
        })
    });
    let panicking = storage.write(|connection| {
        Box::pin(async move {
            event_insert(connection, Timestamp::now(), &[event("half")]).await?;
            panic!("a job that panics");
            #[allow(unreachable_code, reason = "gives the job its type")]
            Ok::<(), StorageError>(())
        })
    });
    let (before, failed, panicked, after) = tokio::join!(
        insert_event(&storage, "before".into()),
        failing,
        panicking,
        insert_event(&storage, "after".into()),
    );
    before.unwrap();
    after.unwrap();
    assert!(
        matches!(failed, Err(StorageError::Constraint("group_name_taken"))),
        "{failed:?}"
    );
    assert!(
        matches!(panicked, Err(StorageError::NotMade)),
        "{panicked:?}"
    );

    let mut connection = storage.read().await.unwrap();
    let events = event_list(&mut connection, &EventFilter::default(), 10)
        .await
        .unwrap();
    let texts: Vec<&str> = events
        .iter()
        .map(|event| event.event.text.as_str())
        .collect();
    assert_eq!(texts, ["after", "before"]);
    assert_eq!(group_list(&mut connection).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_full_disk_is_told_as_such_and_work_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path()).await;
    let limit = |pages: &'static str| {
        storage.write(move |connection| {
            Box::pin(async move { muster_storage::pages_limit(connection, pages).await })
        })
    };
    limit("60").await.unwrap();
    let large = "x".repeat(400_000);
    let failed = insert_event(&storage, large.clone()).await;
    assert!(matches!(failed, Err(StorageError::Full)), "{failed:?}");

    let mut connection = storage.read().await.unwrap();
    assert_eq!(event_latest(&mut connection).await.unwrap().0, 0);
    drop(connection);
    limit("1000000").await.unwrap();
    insert_event(&storage, large).await.unwrap();
}

#[tokio::test]
async fn a_closed_database_takes_no_more_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path()).await;
    insert_event(&storage, "last".into()).await.unwrap();
    storage.clone().close().await;
    let refused = insert_event(&storage, "too late".into()).await;
    assert!(matches!(refused, Err(StorageError::Closed)), "{refused:?}");
}
