//! Assignments and windows: the first step on the device for what it starts by itself. As with
//! [`crate::orders`], an envelope is opened, judged, and becomes a row; the schedule starts from that.

use crate::orders::{Refusal, note_refusal};
use crate::store::log::NewEntry;
use crate::store::{Store, StoreError, assignment, delivery, news, occurrence};
use crate::user::overlay::overlay;
use muster_agent_protocol::assignment::{Assignment, DeviceWindows, Standing};
use muster_agent_protocol::message::News;
use muster_agent_protocol::order::{Envelope, OrderPublicKey, Sealed};
use muster_domain::delivery::Cause;
use muster_domain::event::Severity;
use muster_domain::{DeviceId, RunId, TaskId};
use sqlx::SqliteConnection;

/// Takes an assignment in: after this it is committed, or refused and logged.
pub async fn take(
    store: &Store,
    device: DeviceId,
    key: &OrderPublicKey,
    envelope: &Envelope,
) -> Result<(), StoreError> {
    let judged = opened(key, envelope, device, |assignment: &Assignment| {
        assignment.device
    });
    let assignment = match judged {
        Ok(assignment) => assignment,
        Err(refusal) => return refuse(store, "An assignment", &refusal).await,
    };
    let (_, seen) = store.identity().await?;
    let mut transaction = store.begin().await?;
    let known = assignment::find(&mut transaction, assignment.task).await?;
    let before = known.as_ref().map(|known| known.sequence);
    match newer(assignment.sequence, before, seen) {
        Ok(true) => {}
        Ok(false) => return Ok(()),
        Err(refusal) => {
            drop(transaction);
            return refuse(store, "An assignment", &refusal).await;
        }
    }
    assignment::put(&mut transaction, &assignment).await?;
    overlay(&mut transaction, assignment.task).await?;
    if assignment.standing == Standing::Withdrawn {
        let task = assignment.task;
        withdraw(store, &mut transaction, task).await?;
    }
    transaction.commit().await?;
    muster_crash_point::reach("agent.assignment-committed");
    wake(store);
    Ok(())
}

/// What is in an envelope, if the server sealed it for this device.
pub(crate) fn opened<T: Sealed>(
    key: &OrderPublicKey,
    envelope: &Envelope,
    device: DeviceId,
    whose: impl Fn(&T) -> DeviceId,
) -> Result<T, Refusal> {
    let content = envelope.open(key)?;
    meant(whose(&content), device)?;
    Ok(content)
}

/// Takes the device's windows in: after this they are committed, or refused and logged.
pub async fn take_windows(
    store: &Store,
    device: DeviceId,
    key: &OrderPublicKey,
    envelope: &Envelope,
) -> Result<(), StoreError> {
    let judged = opened(key, envelope, device, |windows: &DeviceWindows| {
        windows.device
    });
    let windows = match judged {
        Ok(windows) => windows,
        Err(refusal) => return refuse(store, "A message with windows", &refusal).await,
    };
    let (_, seen) = store.identity().await?;
    let mut transaction = store.begin().await?;
    let before = assignment::windows(&mut transaction).await?;
    match newer(windows.sequence, before.map(|(sequence, _)| sequence), seen) {
        Ok(true) => {}
        Ok(false) => return Ok(()),
        Err(refusal) => {
            drop(transaction);
            return refuse(store, "A message with windows", &refusal).await;
        }
    }
    assignment::put_windows(&mut transaction, &windows).await?;
    transaction.commit().await?;
    muster_crash_point::reach("agent.windows-committed");
    wake(store);
    Ok(())
}

fn meant(meant: DeviceId, own: DeviceId) -> Result<(), Refusal> {
    if meant == own {
        Ok(())
    } else {
        Err(Refusal::OtherDevice { meant, own })
    }
}

/// Whether a message with this number is to be taken; false if it was. `before` has the number of the
/// last one about the same thing, `seen` the greatest of all.
pub(crate) fn newer(number: u64, before: Option<u64>, seen: u64) -> Result<bool, Refusal> {
    match before {
        Some(before) if number == before => Ok(false),
        Some(seen) if number < seen => Err(Refusal::Old { number, seen }),
        None if number <= seen => Err(Refusal::Old { number, seen }),
        _ => Ok(true),
    }
}

/// What has not begun of a task that is no longer the device's does not begin any more.
pub(crate) async fn withdraw(
    store: &Store,
    at: &mut SqliteConnection,
    task: TaskId,
) -> Result<(), StoreError> {
    for waiting in occurrence::open(at).await? {
        if waiting.order.task == task {
            miss(store, at, &waiting, Cause::NoLongerAssigned).await?;
        }
    }
    Ok(())
}

/// Ends a delivery that the device would have begun by itself, if it has not begun.
pub(crate) async fn miss(
    store: &Store,
    at: &mut SqliteConnection,
    delivery: &delivery::Delivery,
    cause: Cause,
) -> Result<(), StoreError> {
    let order = &delivery.order;
    if !miss_unlogged(at, order.run, &cause).await? {
        return Ok(());
    }
    let name = delivery.occurrence.as_ref().map(|own| own.name.to_string());
    let what = format!("its occurrence {}: {cause}", name.unwrap_or_default());
    note_missed(store, at, (order.task, &order.task_name), &what).await
}

/// The same without an entry in the log. False if it was over or had begun.
pub(crate) async fn miss_unlogged(
    at: &mut SqliteConnection,
    run: RunId,
    cause: &Cause,
) -> Result<bool, StoreError> {
    let missed = delivery::set_missed(at, run, cause).await?;
    if missed {
        let cause = cause.clone();
        news::add(at, &News::Missed { run, cause }).await?;
    }
    Ok(missed)
}

/// Notes in the log what a task missed.
pub(crate) async fn note_missed(
    store: &Store,
    at: &mut SqliteConnection,
    (task, name): (TaskId, &str),
    what: &str,
) -> Result<(), StoreError> {
    let fields = [
        ("task", task.to_string()),
        ("task-name", name.to_owned()),
        ("state", "missed".to_owned()),
    ];
    let fields = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let entry = NewEntry {
        kind: "task.missed",
        severity: Severity::Warning,
        text: format!("Task \"{name}\" missed {what}."),
        run: None,
        fields,
    };
    store.log(at, entry).await
}

pub(crate) async fn refuse(store: &Store, what: &str, refusal: &Refusal) -> Result<(), StoreError> {
    let text = format!("{what} was refused: {refusal}.");
    note_refusal(store, "assignment.refused", text, None).await
}

pub(crate) fn wake(store: &Store) {
    store.hints.schedule.notify_one();
    store.hints.deliver.notify_one();
    store.hints.link.notify_one();
    store.hints.log.notify_one();
}
