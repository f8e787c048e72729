//! Deliver: the third step of a task's life.
//!
//! A loop without input: hints and the clock wake it, the tables tell it what is due. It shares
//! that out by application, and each share is looked at by itself: a plug-in that takes its time
//! holds up nobody else's deliveries. For each run under way a look takes the targets that are
//! connected and were not in contact yet, has the plug-in put the task into their terms, keeps a
//! delivery for each and gives it to the device's link. Deliveries that waited for something of the
//! server's, or that something else is wanted of now, are looked at again. What comes back is the
//! work of [`crate::report`].
//!
//! Sending is at least once: an order counts as given when its row is kept, and a device that did
//! not answer is told again when it comes back. The agent drops what it has done already.

mod contact;
mod order;
mod share;
mod translate;

pub(crate) use translate::{Placement, Translations};

use crate::hint::{Due, Hinted};
use crate::{App, AppError};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use muster_domain::chain;
use muster_domain::delivery::{Cause, Delivery};
use muster_domain::{ApplicationId, DeviceId, RunId};
use muster_storage::delivery::delivery_list_open;
use muster_storage::run::{run_applications, run_applications_open};
use roaring::RoaringBitmap;
use share::{Part, Share};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Everything is looked at so often: what a lost hint would have told.
const SWEEP: Duration = Duration::from_mins(1);

/// After a failure, everything is looked at again so soon.
const RETRY: Duration = Duration::from_secs(2);

/// Devices in one transaction.
const MOST_DEVICES: usize = 1000;

/// Delivers until the server stops.
pub(crate) async fn work(app: App, mut hinted: Hinted) {
    let stopping = app.0.stopping.clone();
    let mut sweep = interval(SWEEP);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut due = Due::default();
    let mut shares = Shares::default();
    let mut looks = FuturesUnordered::new();
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            _ = sweep.tick() => due.all = true,
            more = hinted.next() => due.add(more),
            Some(share) = looks.next() => shares.put_back(share),
        }
        match shares.share_out(&app, &due).await {
            Ok(()) => due = Due::default(),
            Err(error) => {
                tracing::error!(error = %chain(&error), "deliveries are held up; trying again");
                due.all = true;
                sweep.reset_after(RETRY);
            }
        }
        let begin = |share: Share| share.look(app.clone());
        looks.extend(shares.take_due().into_iter().map(begin));
    }
    while looks.next().await.is_some() {}
}

/// The work by application.
#[derive(Default)]
struct Shares {
    /// Those that nobody looks at now.
    resting: BTreeMap<ApplicationId, Share>,
    /// What became due of the others meanwhile.
    meanwhile: BTreeMap<ApplicationId, Part>,
    /// Whose runs are whose. A finished one may still be among them.
    of_runs: BTreeMap<RunId, ApplicationId>,
}

impl Shares {
    /// Shares out what is due.
    async fn share_out(&mut self, app: &App, due: &Due) -> Result<(), AppError> {
        let connected = app.0.links.devices();
        // A link may have lost what was sent over it, and a hint may be lost: now and then all are asked.
        let asked = if due.all {
            connected
        } else {
            connected & &due.devices
        };
        let mut connection = app.0.storage.read().await?;
        let mut runs = due.runs.clone();
        if due.all {
            self.of_runs = run_applications_open(&mut connection).await?;
            runs.extend(self.of_runs.keys());
        }
        let unknown: Vec<RunId> = (runs.iter().copied())
            .filter(|run| !self.of_runs.contains_key(run))
            .collect();
        let found = run_applications(&mut connection, &unknown).await?;
        self.of_runs.extend(found);
        for run in runs {
            if let Some(part) = self.part(run) {
                part.runs.insert(run);
            }
        }
        for devices in parts(&asked) {
            for delivery in delivery_list_open(&mut connection, &devices).await? {
                if needs_telling(&delivery, due.lost.contains(delivery.device.0))
                    && let Some(part) = self.part(delivery.run)
                {
                    part.again.entry(delivery.run).or_default().add(&delivery);
                }
            }
        }
        let resting = self.resting.values_mut().map(|share| &mut share.due);
        for part in resting.chain(self.meanwhile.values_mut()) {
            part.all |= due.all;
            part.devices_came |= !asked.is_empty();
        }
        Ok(())
    }

    /// What is due of the application that a run is of.
    fn part(&mut self, run: RunId) -> Option<&mut Part> {
        let application = self.of_runs.get(&run)?;
        if let Some(meanwhile) = self.meanwhile.get_mut(application) {
            return Some(meanwhile);
        }
        let share = self.resting.entry(application.clone());
        let share = share.or_insert_with(|| Share::new(application.clone()));
        Some(&mut share.due)
    }

    /// Takes out the shares that something is due of.
    fn take_due(&mut self) -> Vec<Share> {
        let due = |_: &ApplicationId, share: &mut Share| !share.due.is_empty();
        let taken = self.resting.extract_if(.., due);
        let taken: Vec<Share> = taken.map(|(_, share)| share).collect();
        for share in &taken {
            self.meanwhile
                .insert(share.application.clone(), Part::default());
        }
        taken
    }

    /// Puts back a share that was looked at.
    fn put_back(&mut self, mut share: Share) {
        let meanwhile = self.meanwhile.remove(&share.application);
        share.due.add(meanwhile.unwrap_or_default());
        if !share.is_empty() {
            self.resting.insert(share.application.clone(), share);
        }
    }
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
