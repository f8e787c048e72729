//! Secrets: what is kept of them, and which tasks refer to them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends where what it stands on fails"
)]

use jiff::Timestamp;
use muster_domain::application::Needs;
use muster_domain::event::Actor;
use muster_domain::origin::{Origin, Way};
use muster_domain::scope::Scope;
use muster_domain::settings::Settings;
use muster_domain::task::{NewTask, TaskRevision};
use muster_domain::{DeviceId, Digest, TaskId};
use muster_storage::secret::{
    SecretRow, secret_delete, secret_get, secret_list, secret_put, secret_references,
    secret_sealed, vault_check, vault_check_put,
};
use muster_storage::task::{task_delete, task_insert};
use muster_storage::{Connection, Storage, StorageError};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn row(name: &str, version: u32) -> SecretRow {
    SecretRow {
        name: name.parse().unwrap(),
        version,
        created_at: at(0),
        created_by: Actor::Administrator("ada".into()),
        changed_at: at(version.into()),
        changed_by: Actor::Administrator("bob".into()),
    }
}

async fn task(connection: &mut Connection, settings: &str) -> Result<TaskId, StorageError> {
    let task = NewTask {
        name: "update".into(),
        application: "net.clamav.clamav".parse().unwrap(),
        task_type: "update".parse().unwrap(),
        scope: Scope::Local {
            device: DeviceId(7),
        },
        time_limit: None,
        settings: Settings::parse(settings).unwrap(),
        schedule: None,
        rollout: None,
    };
    let first = TaskRevision {
        number: 1,
        settings: task.settings.clone(),
        schedule: None,
        rollout: None,
        schema_version: 1,
        plugin: Digest::of("plugin"),
        needs: Needs::Installed,
        exclusive: false,
        findings: vec![],
        migrated_from: None,
        created_at: at(0),
        created_by: Actor::Server,
        origin: Origin::by_itself(Way::Import),
    };
    task_insert(connection, &task, 60, &first).await
}

async fn write<T: Send + 'static>(
    storage: &Storage,
    job: impl for<'c> FnOnce(
        &'c mut Connection,
    ) -> futures_util::future::BoxFuture<'c, Result<T, StorageError>>
    + Send
    + 'static,
) -> T {
    storage.write(job).await.unwrap()
}

#[tokio::test]
async fn a_secret_is_kept_renewed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::open(&folder.path().join("muster.db"))
        .await
        .unwrap();
    write(&storage, |connection| {
        Box::pin(async move {
            assert_eq!(vault_check(connection).await?, None);
            vault_check_put(connection, b"one").await?;
            vault_check_put(connection, b"two").await?;
            assert_eq!(vault_check(connection).await?, Some(b"two".to_vec()));

            secret_put(connection, &row("proxy", 1), b"first").await?;
            secret_put(connection, &row("a", 1), b"other").await?;
            secret_put(connection, &row("proxy", 2), b"second").await?;
            assert_eq!(
                secret_list(connection).await?,
                [row("a", 1), row("proxy", 2)]
            );
            assert_eq!(
                secret_get(connection, "proxy").await?,
                Some(row("proxy", 2))
            );
            let sealed = secret_sealed(connection, "proxy").await?;
            assert_eq!(sealed, Some((2, b"second".to_vec())));
            assert!(secret_delete(connection, "proxy").await?);
            assert!(!secret_delete(connection, "proxy").await?);
            assert_eq!(secret_get(connection, "proxy").await?, None);
            assert_eq!(secret_sealed(connection, "proxy").await?, None);
            Ok(())
        })
    })
    .await;
}

#[tokio::test]
async fn tasks_are_found_by_the_secrets_that_they_name() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::open(&folder.path().join("muster.db"))
        .await
        .unwrap();
    let found = write(&storage, |connection| {
        Box::pin(async move {
            task(
                connection,
                r#"{ "a": [{ "secret" : "proxy" }, {"b": {"secret":"key"}}] }"#,
            )
            .await?;
            task(
                connection,
                r#"{"secret": true, "text": "{\"secret\":\"no\"}"}"#,
            )
            .await?;
            task(connection, r#"{"a": {"secret": "proxy", "more": 1}}"#).await?;
            let gone = task(connection, r#"{"a": {"secret": "proxy"}}"#).await?;
            task_delete(connection, gone, at(1)).await?;
            secret_references(connection).await
        })
    })
    .await;
    let names = vec!["key".to_owned(), "proxy".to_owned()];
    assert_eq!(found, [(TaskId(1), "update".to_owned(), names)]);
}
