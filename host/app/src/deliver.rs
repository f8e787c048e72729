//! Deliver: the third step of a task's life.
//!
//! A loop without input: hints and the clock wake it, the tables tell it what is due. For each run
//! under way it takes the targets that are connected and were not in contact yet, has the plug-in
//! put the task into their terms, keeps a delivery for each and gives it to the device's link.
//! Deliveries that waited for something of the server's, or that something else is wanted of now,
//! are looked at again. What comes back is the work of [`crate::report`].
//!
//! Sending is at least once: an order counts as given when its row is kept, and a device that did
//! not answer is told again when it comes back. The agent drops what it has done already.

mod contact;
mod hint;
mod order;
mod translate;

pub(crate) use hint::{Hints, hints};

use crate::install::chain;
use crate::{App, AppError};
use hint::{Due, Hinted};
use muster_domain::delivery::{Cause, Delivery, Wanted};
use muster_domain::run::{Run, RunState};
use muster_domain::{DeviceId, RunId};
use muster_storage::delivery::{delivery_list_open, delivery_list_unordered, delivery_touched};
use muster_storage::run::{run_get, run_list_open};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use std::time::Duration;
use translate::Translations;

/// With no hint, everything is looked at so often: what a lost hint would have told.
const SWEEP: Duration = Duration::from_mins(1);

/// After a failure, everything is looked at again so soon.
const RETRY: Duration = Duration::from_secs(2);

/// Devices in one transaction.
const MOST_DEVICES: usize = 1000;

/// A run under way, and what the loop knows of it without asking again.
struct Active {
    run: Run,
    touched: RoaringBitmap,
    translations: Translations,
}

/// Delivers until the server stops.
pub(crate) async fn work(app: App, mut hinted: Hinted) {
    let stopping = app.0.stopping.clone();
    let mut active = BTreeMap::new();
    let mut due = Due::everything();
    loop {
        if let Err(error) = sweep(&app, &mut active, &due).await {
            tracing::error!(error = %chain(&error), "deliveries are held up; trying again");
            // What was due still is; and what failed is not known, but the rows are.
            due.all = true;
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(RETRY) => continue,
            }
        }
        due = tokio::select! {
            () = stopping.cancelled() => return,
            due = hinted.next() => due,
            () = tokio::time::sleep(SWEEP) => Due::everything(),
        };
    }
}

async fn sweep(app: &App, active: &mut BTreeMap<RunId, Active>, due: &Due) -> Result<(), AppError> {
    read_runs(app, active, due).await?;
    let connected = app.0.links.devices();
    for run in active.values_mut() {
        if run.run.state == RunState::Running {
            let fresh = (&run.run.targets & &connected) - &run.touched;
            for devices in parts(&fresh) {
                contact::first_contact(app, run, &devices).await?;
            }
        }
        if due.all || due.runs.contains(&run.run.id) {
            let deliveries = read_unordered(app, run.run.id).await?;
            again(app, run, deliveries, &connected).await?;
        }
    }
    // A link may have lost what was sent over it, and a hint may be lost: now and then all are asked.
    let asked = if due.all {
        connected.clone()
    } else {
        &due.devices & &connected
    };
    for devices in parts(&asked) {
        let deliveries = {
            let mut connection = app.0.storage.read().await?;
            delivery_list_open(&mut connection, &devices).await?
        };
        for (run, deliveries) in by_run(deliveries) {
            if let Some(run) = active.get_mut(&run) {
                let deliveries = deliveries
                    .into_iter()
                    .filter(|delivery| {
                        needs_telling(delivery, due.lost.contains(delivery.device.0))
                    })
                    .collect();
                again(app, run, deliveries, &connected).await?;
            }
        }
    }
    Ok(())
}

/// Brings what is known of the runs up to date with their rows.
async fn read_runs(
    app: &App,
    active: &mut BTreeMap<RunId, Active>,
    due: &Due,
) -> Result<(), AppError> {
    let mut connection = app.0.storage.read().await?;
    let runs = if due.all {
        let open = run_list_open(&mut connection).await?;
        active.retain(|id, _| open.iter().any(|run| run.id == *id));
        open
    } else {
        let mut runs = Vec::with_capacity(due.runs.len());
        for id in &due.runs {
            runs.extend(run_get(&mut connection, *id).await?);
        }
        runs
    };
    for run in runs {
        let id = run.id;
        if run.state.is_final() {
            active.remove(&id);
        } else if let Some(known) = active.get_mut(&id) {
            known.run = run;
        } else {
            let touched = delivery_touched(&mut connection, id).await?;
            let translations = Translations::read(&mut connection, &run).await?;
            active.insert(
                id,
                Active {
                    run,
                    touched,
                    translations,
                },
            );
        }
    }
    Ok(())
}

async fn read_unordered(app: &App, run: RunId) -> Result<Vec<Delivery>, AppError> {
    Ok(delivery_list_unordered(&mut *app.0.storage.read().await?, run).await?)
}

/// Looks again at deliveries that are there already: those without an order may get one now, the
/// others are ordered anew.
async fn again(
    app: &App,
    run: &mut Active,
    deliveries: Vec<Delivery>,
    connected: &RoaringBitmap,
) -> Result<(), AppError> {
    let here = deliveries
        .into_iter()
        .filter(|delivery| connected.contains(delivery.device.0));
    let (ordered, held): (Vec<_>, Vec<_>) = here.partition(|delivery| delivery.ordered.is_some());
    let held: Vec<DeviceId> = held
        .iter()
        .filter(|delivery| delivery.wanted == Wanted::Run)
        .map(|delivery| delivery.device)
        .collect();
    for devices in held.chunks(MOST_DEVICES) {
        contact::further_contact(app, run, devices).await?;
    }
    let ordered: Vec<DeviceId> = ordered.iter().map(|delivery| delivery.device).collect();
    for devices in ordered.chunks(MOST_DEVICES) {
        order::order_again(app, run, devices).await?;
    }
    Ok(())
}

/// Whether a device that came, or whose applications changed, has to hear of a delivery: it may
/// not have got the order, or something else is wanted now, or the server itself holds it.
fn needs_telling(delivery: &Delivery, store_lost: bool) -> bool {
    store_lost || delivery.ordered != Some(delivery.wanted) || delivery.cause == Some(Cause::Sent)
}

fn parts(devices: &RoaringBitmap) -> Vec<Vec<DeviceId>> {
    let devices: Vec<DeviceId> = devices.iter().map(DeviceId).collect();
    devices.chunks(MOST_DEVICES).map(<[_]>::to_vec).collect()
}

fn by_run(deliveries: Vec<Delivery>) -> BTreeMap<RunId, Vec<Delivery>> {
    let mut runs: BTreeMap<RunId, Vec<Delivery>> = BTreeMap::new();
    for delivery in deliveries {
        runs.entry(delivery.run).or_default().push(delivery);
    }
    runs
}
