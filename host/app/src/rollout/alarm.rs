//! Alarms: which runs have rollouts, and when a wave of one has been watched for long enough.

use crate::App;
use jiff::Timestamp;
use muster_domain::RunId;
use muster_domain::rollout::Hold;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The runs under way that have rollouts. One that is not among them is found at the next look at all.
#[derive(Default)]
pub(crate) struct Alarms {
    runs: Mutex<BTreeMap<RunId, Option<Timestamp>>>,
    changed: Notify,
}

impl Alarms {
    fn runs(&self) -> MutexGuard<'_, BTreeMap<RunId, Option<Timestamp>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the news of a run's devices may let others begin.
    pub(crate) fn follows(&self, run: RunId) -> bool {
        self.runs().contains_key(&run)
    }

    /// Notes what holds up a run, and hands on who may have its orders.
    pub(super) fn noted(
        &self,
        run: RunId,
        (devices, hold): (RoaringBitmap, Option<Hold>),
    ) -> RoaringBitmap {
        let until = match hold {
            Some(Hold::Finished) => {
                self.runs().remove(&run);
                return devices;
            }
            Some(Hold::Soak { until, .. }) => Some(until),
            _ => None,
        };
        self.runs().insert(run, until);
        if until.is_some() {
            self.changed.notify_one();
        }
        devices
    }

    fn next(&self) -> Timestamp {
        let runs = self.runs();
        runs.values()
            .flatten()
            .min()
            .copied()
            .unwrap_or(Timestamp::MAX)
    }

    /// Takes out those whose time has come.
    fn due(&self, now: Timestamp) -> Vec<RunId> {
        let mut due = Vec::new();
        for (run, until) in self.runs().iter_mut() {
            if until.is_some_and(|until| until <= now) {
                *until = None;
                due.push(*run);
            }
        }
        due
    }
}

/// Wakes runs until the server stops.
pub(crate) async fn work(app: App) {
    let stopping = app.0.stopping.clone();
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            () = app.0.rollouts.changed.notified() => {}
            () = muster_clock::until(app.0.rollouts.next()) => {}
        }
        for run in app.0.rollouts.due(muster_clock::now()) {
            app.0.hints.run_changed(run);
        }
    }
}
