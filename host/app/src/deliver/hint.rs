//! Hints: what may have become due. Many of them make one [`Due`], so a burst costs one look.

use muster_domain::{DeviceId, RunId};
use roaring::RoaringBitmap;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// What may have become due since the last look.
#[derive(Default)]
pub(crate) struct Due {
    /// Everything.
    pub(crate) all: bool,
    /// Runs that are new, or of which something else is wanted.
    pub(crate) runs: BTreeSet<RunId>,
    /// Devices that came, or whose applications changed.
    pub(crate) devices: RoaringBitmap,
    /// Those of them whose agent lost its store, and knows of nothing.
    pub(crate) lost: RoaringBitmap,
}

impl Due {
    pub(crate) fn add(&mut self, more: Self) {
        self.all |= more.all;
        self.runs.extend(more.runs);
        self.devices |= more.devices;
        self.lost |= more.lost;
    }

    fn is_empty(&self) -> bool {
        !self.all && self.runs.is_empty() && self.devices.is_empty()
    }
}

/// Where hints are dropped.
#[derive(Clone)]
pub(crate) struct Hints(Arc<Shared>);

/// Where they are picked up.
pub(crate) struct Hinted(Arc<Shared>);

struct Shared {
    due: Mutex<Due>,
    wake: Notify,
}

pub(crate) fn hints() -> (Hints, Hinted) {
    let shared = Arc::new(Shared {
        due: Mutex::default(),
        wake: Notify::new(),
    });
    (Hints(Arc::clone(&shared)), Hinted(shared))
}

impl Hints {
    fn add(&self, add: impl FnOnce(&mut Due)) {
        add(&mut self.0.due.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.wake.notify_one();
    }

    pub(crate) fn everything(&self) {
        self.add(|due| due.all = true);
    }

    pub(crate) fn run_changed(&self, run: RunId) {
        self.add(|due| {
            due.runs.insert(run);
        });
    }

    /// A device's link was opened.
    pub(crate) fn device_came(&self, device: DeviceId, store_lost: bool) {
        self.add(|due| {
            due.devices.insert(device.0);
            if store_lost {
                due.lost.insert(device.0);
            }
        });
    }

    pub(crate) fn device_changed(&self, device: DeviceId) {
        self.add(|due| {
            due.devices.insert(device.0);
        });
    }
}

impl Hinted {
    /// Waits until something may be due.
    pub(crate) async fn next(&mut self) -> Due {
        loop {
            let due =
                std::mem::take(&mut *self.0.due.lock().unwrap_or_else(PoisonError::into_inner));
            if !due.is_empty() {
                return due;
            }
            self.0.wake.notified().await;
        }
    }
}
