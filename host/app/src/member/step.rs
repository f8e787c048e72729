//! Runs that follow their scopes: who comes into the scope is taken in, and who leaves it before it has the
//! order is let go.

use crate::dispatch::run_settle;
use crate::place::devices_of;
use crate::rollout;
use crate::{App, AppError};
use jiff::Timestamp;
use muster_domain::delivery::{Cause, Delivery, DeliveryState, Wanted};
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::run::{Run, RunState};
use muster_domain::text::counted;
use muster_domain::{DeviceId, RunId};
use muster_storage::Connection;
use muster_storage::delivery::{delivery_get, delivery_insert, delivery_touched, delivery_update};
use muster_storage::event::event_insert;
use muster_storage::run::{run_get, run_list_following, run_targets_add};
use muster_storage::task::task_get;
use roaring::RoaringBitmap;

/// Brings all such runs in step.
pub(super) async fn keep_in_step(app: &App) -> Result<(), AppError> {
    let following = run_list_following(&mut *app.0.storage.read().await?).await?;
    for run in following {
        let changed = app
            .logged(move |connection| Box::pin(follow(connection, run)))
            .await?;
        if changed {
            app.0.watch.run_changed(run);
            app.0.hints.run_changed(run);
        }
    }
    Ok(())
}

/// Brings a run in step with its scope, and says whether anything changed.
async fn follow(connection: &mut Connection, id: RunId) -> Result<bool, AppError> {
    let Some(run) = run_get(connection, id).await? else {
        return Ok(false);
    };
    let follows = matches!(run.state, RunState::Running | RunState::Paused)
        && !run.is_begun_by_devices()
        && run.untouched == DeliveryState::Pending;
    let task = task_get(connection, run.task).await?;
    let Some(task) = task.filter(|task| follows && task.scope.is_following()) else {
        return Ok(false);
    };
    let scope = devices_of(connection, &task.scope).await?;
    let came = &scope - &run.targets;
    let gone = &run.targets - &scope;
    let now = muster_clock::now();
    run_targets_add(connection, &run, &came).await?;
    rollout::take_in(connection, id, &came).await?;
    let left = let_go(connection, &run, &gone, now).await?;
    if came.is_empty() && left == 0 {
        return Ok(false);
    }
    let text = format!(
        "Run {id} follows its scope: {} came into it, {} left it.",
        counted(came.len(), "device"),
        counted(left, "device")
    );
    let event = NewEvent::new("run.scope-changed", Severity::Info, Actor::Server, text)
        .about(Subject {
            application: Some(task.application),
            task: Some(task.id),
            run: Some(id),
            ..Subject::default()
        })
        .with(serde_json::json!({ "came": came.len(), "left": left }));
    event_insert(connection, now, &[event]).await?;
    run_settle(connection, id, now).await?;
    muster_crash_point::reach("member.step-before-commit");
    Ok(true)
}

/// Cancels what devices that left have no order of, and counts them.
async fn let_go(
    connection: &mut Connection,
    run: &Run,
    gone: &RoaringBitmap,
    now: Timestamp,
) -> Result<u64, AppError> {
    let mut left = 0;
    let touched = delivery_touched(connection, run.id).await?;
    for device in gone.iter().map(DeviceId) {
        let cancelled = Delivery {
            state: DeliveryState::Cancelled,
            cause: Some(Cause::NoLongerAssigned),
            wanted: Wanted::Stop,
            ..Delivery::blank(run.id, device, now)
        };
        if !touched.contains(device.0) {
            delivery_insert(connection, &cancelled, run.untouched).await?;
            left += 1;
            continue;
        }
        let Some(delivery) = delivery_get(connection, run.id, device).await? else {
            continue;
        };
        if delivery.ordered.is_none() && !delivery.state.is_final() {
            delivery_update(connection, &cancelled, delivery.state).await?;
            left += 1;
        }
    }
    Ok(left)
}
