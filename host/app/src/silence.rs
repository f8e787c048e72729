//! Silence: what becomes of deliveries whose devices are not heard of.
//!
//! A device that was at a delivery and has been away for a while may be off, or may still be at it:
//! the delivery is *unknown* until the device says more, never failed. A run does not wait for its
//! devices for ever either: after some weeks it is closed, and what has not begun counts as missed. A
//! late word is taken all the same.

use crate::{App, AppError};
use jiff::{SignedDuration, Timestamp};
use muster_domain::delivery::{Cause, Delivery, DeliveryState};
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::run::RunState;
use muster_domain::{DeviceId, RunId, chain};
use muster_storage::Connection;
use muster_storage::delivery::{
    delivery_get, delivery_list_open, delivery_list_stale, delivery_update,
};
use muster_storage::event::event_insert;
use muster_storage::run::{run_get, run_list_older, run_state_set, run_untouched_become};
use std::collections::BTreeSet;

/// So often is looked whether somebody fell silent, by the clock that silence is counted by.
const SWEEP: SignedDuration = SignedDuration::from_mins(1);

/// So long a device may be away until nobody knows any more what it is at.
const STALE: SignedDuration = SignedDuration::from_mins(15);

/// So long a run waits for its devices.
const CLOSE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Deliveries or runs in one transaction.
const MOST: u32 = 500;

/// Looks until the server stops.
pub(crate) async fn work(app: App) {
    let stopping = app.0.stopping.clone();
    loop {
        let now = muster_clock::now();
        if let Err(error) = look(&app, now).await {
            tracing::error!(error = %chain(&error), "nobody was looked for who fell silent");
        }
        tokio::select! {
            () = stopping.cancelled() => break,
            () = muster_clock::until_or_set_back(now + SWEEP) => {}
        }
    }
}

async fn look(app: &App, now: Timestamp) -> Result<(), AppError> {
    let (stale, old) = {
        let mut connection = app.0.storage.read().await?;
        let before = now - STALE;
        let stale = delivery_list_stale(&mut connection, before, MOST).await?;
        let old = run_list_older(&mut connection, now - CLOSE, MOST).await?;
        (stale, old)
    };
    let mut changed = BTreeSet::new();
    if !stale.is_empty() {
        let of = |one: &(Delivery, _)| (one.0.run, one.0.device, one.1);
        let stale: Vec<_> = stale.iter().map(of).collect();
        let told = app
            .logged(move |connection| Box::pin(forget(connection, stale, now)))
            .await?;
        changed.extend(told);
    }
    for run in old {
        changed.insert(run.id);
        app.logged(move |connection| Box::pin(close(connection, run.id, now)))
            .await?;
    }
    for run in changed {
        app.0.watch.run_changed(run);
        app.0.hints.run_changed(run);
    }
    Ok(())
}

type Stale = (RunId, DeviceId, Option<Timestamp>);

/// Nobody knows any more what these devices are at.
pub(crate) async fn forget(
    connection: &mut Connection,
    stale: Vec<Stale>,
    now: Timestamp,
) -> Result<Vec<RunId>, AppError> {
    let mut changed = Vec::new();
    for (run, device, since) in stale {
        // Read again: it may have told something meanwhile.
        let Some(delivery) = delivery_get(connection, run, device).await? else {
            continue;
        };
        if !matches!(
            delivery.state,
            DeliveryState::Running | DeliveryState::Paused
        ) {
            continue;
        }
        let unknown = Delivery {
            state: DeliveryState::Unknown,
            cause: Some(Cause::Offline { since }),
            changed_at: now,
            ..delivery.clone()
        };
        delivery_update(connection, &unknown, delivery.state).await?;
        let text =
            format!("Nobody knows how far run {run} is on device {device}, which is silent.");
        let subject = Subject {
            device: Some(device),
            run: Some(run),
            ..Subject::default()
        };
        let event = NewEvent::new("delivery.unknown", Severity::Warning, Actor::Server, text);
        event_insert(connection, muster_clock::now(), &[event.about(subject)]).await?;
        changed.push(run);
    }
    Ok(changed)
}

/// A device is there again: what nobody knew of runs, as far as anybody can tell, until it says how it
/// ended.
pub(crate) async fn heard_again(
    connection: &mut Connection,
    device: DeviceId,
) -> Result<Vec<RunId>, AppError> {
    let mut changed = Vec::new();
    for delivery in delivery_list_open(connection, &[device]).await? {
        if delivery.state == DeliveryState::Unknown {
            let running = Delivery {
                state: DeliveryState::Running,
                cause: None,
                changed_at: muster_clock::now(),
                ..delivery.clone()
            };
            delivery_update(connection, &running, delivery.state).await?;
            changed.push(delivery.run);
        }
    }
    Ok(changed)
}

/// Waits no longer for the devices of a run.
pub(crate) async fn close(
    connection: &mut Connection,
    id: RunId,
    now: Timestamp,
) -> Result<(), AppError> {
    let Some(run) = run_get(connection, id).await? else {
        return Ok(());
    };
    if run.state == RunState::Finished {
        return Ok(());
    }
    run_untouched_become(connection, id, DeliveryState::Missed).await?;
    for device in run.targets.iter().map(DeviceId) {
        let Some(delivery) = delivery_get(connection, id, device).await? else {
            continue;
        };
        let begun = matches!(
            delivery.state,
            DeliveryState::Running | DeliveryState::Paused | DeliveryState::Unknown
        );
        if begun || delivery.state.is_final() {
            continue;
        }
        let missed = Delivery {
            state: DeliveryState::Missed,
            cause: Some(Cause::TimePassed),
            changed_at: now,
            ..delivery.clone()
        };
        delivery_update(connection, &missed, delivery.state).await?;
    }
    run_state_set(connection, id, RunState::Finished, Some(now)).await?;
    let text = format!("Run {id} was closed: its devices were not heard of for 30 days.");
    let event = NewEvent::new("run.closed", Severity::Warning, Actor::Server, text);
    let subject = Subject {
        task: Some(run.task),
        run: Some(id),
        ..Subject::default()
    };
    event_insert(connection, muster_clock::now(), &[event.about(subject)]).await?;
    Ok(())
}
