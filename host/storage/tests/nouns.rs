//! What goes into the tables comes out of them, and counts follow.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where what it stands on fails"
)]

use jiff::Timestamp;
use muster_domain::application::Needs;
use muster_domain::delivery::{Cause, Delivery, DeliveryState, Wanted};
use muster_domain::device::Facts;
use muster_domain::event::Actor;
use muster_domain::scope::{Membership, Scope};
use muster_domain::settings::Settings;
use muster_domain::task::{NewTask, TaskRevision};
use muster_domain::{DeviceId, Digest, GroupId, RunId, TaskId};
use muster_storage::delivery::{
    delivery_get, delivery_insert, delivery_list_open, delivery_list_unordered, delivery_touched,
    delivery_update, delivery_want,
};
use muster_storage::device::{
    device_get, device_insert, device_link_begin, device_order_next, device_remove, device_set,
};
use muster_storage::run::{run_counts, run_get, run_insert, run_list_open, run_state_set};
use muster_storage::task::{task_delete, task_get, task_head, task_insert, task_list};
use muster_storage::{Connection, Storage, StorageError};
use roaring::RoaringBitmap;

async fn storage() -> (tempfile::TempDir, Storage) {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::open(&folder.path().join("muster.db"))
        .await
        .unwrap();
    (folder, storage)
}

fn now() -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_123).unwrap()
}

fn new_task(scope: Scope) -> NewTask {
    NewTask {
        name: "nightly".into(),
        application: "net.clamav.clamav".parse().unwrap(),
        task_type: "scan".parse().unwrap(),
        scope,
        time_limit: None,
        settings: Settings::parse(r#"{"b":1,"a":[true]}"#).unwrap(),
        schedule: None,
        rollout: None,
    }
}

fn first_revision(task: &NewTask) -> TaskRevision {
    TaskRevision {
        number: 1,
        settings: task.settings.clone(),
        schedule: task.schedule.clone(),
        rollout: None,
        schema_version: 1,
        plugin: Digest::of("plugin"),
        needs: Needs::Installed,
        exclusive: true,
        findings: vec![muster_domain::finding::Finding::error("/a", "odd", "Odd.")],
        migrated_from: None,
        created_at: now(),
        created_by: Actor::Administrator("ada".into()),
        origin: muster_domain::origin::Origin::by_itself(muster_domain::origin::Way::Import)
            .commented(Some("from the other server".into())),
    }
}

async fn insert_task(connection: &mut Connection, scope: Scope) -> Result<TaskId, StorageError> {
    let task = new_task(scope);
    task_insert(connection, &task, 60, &first_revision(&task)).await
}

#[tokio::test]
async fn a_task_comes_out_as_it_went_in_with_any_scope() {
    let (_folder, storage) = storage().await;
    let scopes = [
        Scope::Local {
            device: DeviceId(7),
        },
        Scope::Group {
            group: GroupId(1),
            subgroups: false,
            excluded: vec![GroupId(3)],
            only: None,
            membership: Membership::Fixed,
        },
        Scope::Global {
            devices: RoaringBitmap::from_iter([1, 5, 1_000_000]),
        },
    ];
    for scope in scopes {
        let put = scope.clone();
        let id = storage
            .write(move |connection| Box::pin(insert_task(connection, put)))
            .await
            .unwrap();
        let task = task_get(&mut storage.read().await.unwrap(), id)
            .await
            .unwrap()
            .unwrap();
        let asked = new_task(scope);
        assert_eq!(task.scope, asked.scope);
        assert_eq!(task.revision, first_revision(&asked));
        assert_eq!((task.name, task.time_limit), ("nightly".to_owned(), 60));
    }
}

#[tokio::test]
async fn a_deleted_task_is_gone_from_lists_and_known_to_its_runs() {
    let (_folder, storage) = storage().await;
    let id = storage
        .write::<_, StorageError, _>(|connection| {
            Box::pin(async move {
                let id = insert_task(
                    connection,
                    Scope::Local {
                        device: DeviceId(1),
                    },
                )
                .await?;
                task_delete(connection, id, now()).await?;
                Ok(id)
            })
        })
        .await
        .unwrap();
    let mut connection = storage.read().await.unwrap();
    assert_eq!(task_get(&mut connection, id).await.unwrap(), None);
    assert!(
        task_list(&mut connection, None, None, TaskId(0), 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        task_head(&mut connection, id).await.unwrap().unwrap().name,
        "nightly"
    );
}

#[tokio::test]
async fn a_device_number_is_never_given_twice() {
    let (_folder, storage) = storage().await;
    let numbers = storage
        .write::<_, StorageError, _>(|connection| {
            Box::pin(async move {
                let facts = Facts::default();
                let one = device_insert(connection, "pc", GroupId::ROOT, &facts, now()).await?;
                let taken = device_insert(connection, "pc", GroupId::ROOT, &facts, now()).await;
                assert!(matches!(
                    taken,
                    Err(StorageError::Constraint("device_name_taken"))
                ));
                device_remove(connection, one, now()).await?;
                let two = device_insert(connection, "pc", GroupId::ROOT, &facts, now()).await?;
                Ok((one, two))
            })
        })
        .await
        .unwrap();
    assert_ne!(numbers.0, numbers.1);
    let mut connection = storage.read().await.unwrap();
    assert_eq!(device_get(&mut connection, numbers.0).await.unwrap(), None);
    assert_eq!(
        device_set(&mut connection).await.unwrap(),
        RoaringBitmap::from_iter([numbers.1.0])
    );
}

#[tokio::test]
async fn a_link_counts_on_unless_the_agents_store_is_another() {
    let (_folder, storage) = storage().await;
    storage
        .write::<_, StorageError, _>(|connection| {
            Box::pin(async move {
                let device = DeviceId(1);
                let begun = device_link_begin(connection, device, "a", 0).await?;
                assert_eq!(
                    (begun.acknowledged, begun.last_order, begun.known),
                    (0, 0, false)
                );
                muster_storage::device::device_acknowledged_set(connection, device, 9).await?;
                assert_eq!(device_order_next(connection, device).await?, 1);
                let same = device_link_begin(connection, device, "a", 1).await?;
                assert_eq!(
                    (same.acknowledged, same.last_order, same.known),
                    (9, 1, true)
                );
                // This server was restored from an old copy: the agent has seen later orders.
                let ahead = device_link_begin(connection, device, "a", 40).await?;
                assert_eq!(ahead.last_order, 40);
                assert_eq!(device_order_next(connection, device).await?, 41);
                let other = device_link_begin(connection, device, "b", 0).await?;
                assert_eq!(
                    (other.acknowledged, other.last_order, other.known),
                    (0, 41, false)
                );
                Ok(())
            })
        })
        .await
        .unwrap();
}

fn delivery(run: RunId, device: u32, state: DeliveryState) -> Delivery {
    Delivery {
        run,
        device: DeviceId(device),
        state,
        cause: Some(Cause::ApplicationNotRunning),
        wanted: Wanted::Run,
        ordered: None,
        sequence: None,
        known_as: None,
        command: Some(Digest::of("command")),
        plugin: Some(Digest::of("plugin")),
        summary: None,
        needs_restart: false,
        changed_at: now(),
    }
}

#[tokio::test]
async fn counts_follow_deliveries_and_always_sum_to_the_scope() {
    let (_folder, storage) = storage().await;
    storage
        .write::<_, StorageError, _>(|connection| {
            Box::pin(async move {
                let targets: RoaringBitmap = (1..=5).collect();
                let by = Actor::Server;
                let run = run_insert(connection, TaskId(1), 1, None, &targets, now(), &by).await?;
                let count = async |connection: &mut Connection| {
                    let counts = run_counts(connection, run).await?;
                    assert_eq!(counts.total(), 5);
                    Ok::<_, StorageError>(counts)
                };
                assert_eq!(count(connection).await?.of(DeliveryState::Pending), 5);

                let mut one = delivery(run, 1, DeliveryState::Waiting);
                delivery_insert(connection, &one, DeliveryState::Pending).await?;
                delivery_insert(
                    connection,
                    &delivery(run, 2, DeliveryState::NotSupported),
                    DeliveryState::Pending,
                )
                .await?;
                assert_eq!(
                    delivery_get(connection, run, one.device).await?,
                    Some(one.clone())
                );
                let counts = count(connection).await?;
                assert_eq!(counts.of(DeliveryState::Pending), 3);
                assert_eq!(counts.finished(), 1);

                one.state = DeliveryState::Succeeded;
                delivery_update(connection, &one, DeliveryState::Waiting).await?;
                assert_eq!(count(connection).await?.finished(), 2);
                assert!(
                    delivery_list_open(connection, &[DeviceId(1), DeviceId(2)])
                        .await?
                        .is_empty()
                );
                let touched = delivery_touched(connection, run).await?;
                assert_eq!(touched, RoaringBitmap::from_iter([1, 2]));
                Ok(())
            })
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_wanted_otherwise_than_ordered_is_found() {
    let (_folder, storage) = storage().await;
    storage
        .write::<_, StorageError, _>(|connection| {
            Box::pin(async move {
                let targets: RoaringBitmap = (1..=3).collect();
                let run = run_insert(
                    connection,
                    TaskId(1),
                    1,
                    None,
                    &targets,
                    now(),
                    &Actor::Server,
                )
                .await?;
                for device in 1..=3 {
                    let mut sent = delivery(run, device, DeliveryState::Running);
                    sent.ordered = Some(Wanted::Run);
                    sent.sequence = Some(1);
                    if device == 3 {
                        sent.state = DeliveryState::Failed;
                    }
                    delivery_insert(connection, &sent, DeliveryState::Pending).await?;
                }
                assert!(delivery_list_unordered(connection, run).await?.is_empty());
                delivery_want(connection, run, Wanted::Stop).await?;
                let due = delivery_list_unordered(connection, run).await?;
                let due: Vec<u32> = due.iter().map(|delivery| delivery.device.0).collect();
                assert_eq!(due, [1, 2]);

                let finished = muster_domain::run::RunState::Finished;
                assert_eq!(run_list_open(connection).await?.len(), 1);
                run_state_set(connection, run, finished, Some(now())).await?;
                assert!(run_list_open(connection).await?.is_empty());
                assert_eq!(
                    run_get(connection, run).await?.unwrap().finished_at,
                    Some(now())
                );
                Ok(())
            })
        })
        .await
        .unwrap();
}
