//! A share: one application's runs under way, and what is due of them.

use super::translate::Translations;
use super::{RETRY, contact, order, parts};
use crate::rollout;
use crate::{App, AppError};
use muster_domain::chain;
use muster_domain::delivery::{Delivery, DeliveryState, Wanted};
use muster_domain::run::{Run, RunState};
use muster_domain::{ApplicationId, RunId};
use muster_storage::delivery::{delivery_list_unordered, delivery_touched};
use muster_storage::run::run_get;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};

/// One application's share of the work.
pub(super) struct Share {
    pub(super) application: ApplicationId,
    pub(super) due: Part,
    active: BTreeMap<RunId, Active>,
}

/// What is due of one application's runs.
#[derive(Default)]
pub(super) struct Part {
    /// Every run that is known.
    pub(super) all: bool,
    /// Devices came, of which a run may meet some for the first time.
    pub(super) devices_came: bool,
    /// Runs that are new, or of which something else is wanted.
    pub(super) runs: BTreeSet<RunId>,
    /// Deliveries whose devices have to hear of them again.
    pub(super) again: BTreeMap<RunId, Again>,
}

/// Devices with a delivery of a run that is looked at again.
#[derive(Default, Clone)]
pub(super) struct Again {
    /// It has no order; it may get one now.
    held: RoaringBitmap,
    /// It is ordered anew.
    ordered: RoaringBitmap,
}

/// A run under way, and what is known of it without asking again.
pub(super) struct Active {
    pub(super) run: Run,
    pub(super) touched: RoaringBitmap,
    pub(super) translations: Translations,
}

impl Part {
    pub(super) fn is_empty(&self) -> bool {
        !self.all && !self.devices_came && self.runs.is_empty() && self.again.is_empty()
    }

    pub(super) fn add(&mut self, more: Self) {
        self.all |= more.all;
        self.devices_came |= more.devices_came;
        self.runs.extend(more.runs);
        for (run, again) in more.again {
            let known = self.again.entry(run).or_default();
            known.held |= again.held;
            known.ordered |= again.ordered;
        }
    }
}

impl Again {
    pub(super) fn add(&mut self, delivery: &Delivery) {
        if delivery.ordered.is_some() {
            self.ordered.insert(delivery.device.0);
        } else if delivery.wanted == Wanted::Run {
            self.held.insert(delivery.device.0);
        }
    }
}

impl Share {
    pub(super) fn new(application: ApplicationId) -> Self {
        Self {
            application,
            due: Part::default(),
            active: BTreeMap::new(),
        }
    }

    /// Whether nothing would be lost with it.
    pub(super) fn is_empty(&self) -> bool {
        self.active.is_empty() && self.due.is_empty()
    }

    /// Does what is due. After a failure it still is, and a moment passes first.
    pub(super) async fn look(mut self, app: App) -> Self {
        match self.deliver(&app).await {
            Ok(()) => self.due = Part::default(),
            Err(error) => {
                let (application, error) = (&self.application, chain(&error));
                tracing::error!(%application, %error, "deliveries are held up; trying again");
                // What failed is not known, but the rows are.
                self.due.all = true;
                tokio::select! {
                    () = app.0.stopping.cancelled() => {}
                    () = tokio::time::sleep(RETRY) => {}
                }
            }
        }
        self
    }

    async fn deliver(&mut self, app: &App) -> Result<(), AppError> {
        let changed = self.read_runs(app).await?;
        let connected = app.0.links.devices();
        for (id, run) in &mut self.active {
            let waits = run.run.untouched == DeliveryState::Pending;
            let may_begin = rollout::advance(app, &run.run).await?;
            let among = |devices: RoaringBitmap| match &may_begin {
                Some(may_begin) => devices & may_begin,
                None => devices,
            };
            if run.run.state == RunState::Running && waits {
                let fresh = among((&run.run.targets & &connected) - &run.touched);
                for devices in parts(&fresh) {
                    contact::first_contact(app, run, &devices).await?;
                }
            }
            let mut again = self.due.again.get(id).cloned().unwrap_or_default();
            if changed.contains(id) {
                let mut connection = app.0.storage.read().await?;
                for delivery in delivery_list_unordered(&mut connection, *id).await? {
                    again.add(&delivery);
                }
            }
            for devices in parts(&among(again.held & &connected)) {
                contact::further_contact(app, run, &devices).await?;
            }
            for devices in parts(&(again.ordered & &connected)) {
                order::order_again(app, run, &devices).await?;
            }
        }
        Ok(())
    }

    /// Brings what is known of the runs up to date with their rows, and tells of which it did.
    async fn read_runs(&mut self, app: &App) -> Result<BTreeSet<RunId>, AppError> {
        let mut changed = self.due.runs.clone();
        if self.due.all {
            changed.extend(self.active.keys());
        }
        if changed.is_empty() {
            return Ok(changed);
        }
        let mut connection = app.0.storage.read().await?;
        for id in &changed {
            let run = run_get(&mut connection, *id).await?;
            let Some(run) = run.filter(|run| !run.state.is_final()) else {
                self.active.remove(id);
                continue;
            };
            if let Some(known) = self.active.get_mut(id) {
                known.run = run;
                continue;
            }
            let active = Active {
                touched: delivery_touched(&mut connection, *id).await?,
                translations: Translations::of_revision(&mut connection, run.task, run.revision)
                    .await?,
                run,
            };
            self.active.insert(*id, active);
        }
        Ok(changed)
    }
}
