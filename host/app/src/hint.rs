//! Hints: what may have become due. Many of them make one [`Due`], so a burst costs one look. Each of
//! the loops that are told has a [`Due`] of its own.

use muster_domain::{DeviceId, RunId, TaskId};
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
    /// Tasks that were created, changed or deleted.
    pub(crate) tasks: BTreeSet<TaskId>,
    /// Devices that came, were moved, or whose applications changed.
    pub(crate) devices: RoaringBitmap,
    /// Those of them whose agent lost its store, and knows of nothing.
    pub(crate) lost: RoaringBitmap,
}

impl Due {
    pub(crate) fn add(&mut self, more: Self) {
        self.all |= more.all;
        self.runs.extend(more.runs);
        self.tasks.extend(more.tasks);
        self.devices |= more.devices;
        self.lost |= more.lost;
    }

    fn is_empty(&self) -> bool {
        !self.all && self.runs.is_empty() && self.tasks.is_empty() && self.devices.is_empty()
    }
}

/// The loops that are told.
#[derive(Clone, Copy)]
pub(crate) enum Loop {
    Deliver,
    Assign,
    Occur,
    Members,
    Users,
}

/// Where hints are dropped.
#[derive(Clone, Default)]
pub(crate) struct Hints(Arc<[Shared; 5]>);

/// Where one loop picks them up.
pub(crate) struct Hinted {
    hints: Hints,
    of: Loop,
}

#[derive(Default)]
struct Shared {
    due: Mutex<Due>,
    wake: Notify,
}

impl Hints {
    pub(crate) fn of(&self, of: Loop) -> Hinted {
        Hinted {
            hints: self.clone(),
            of,
        }
    }

    fn shared(&self, of: Loop) -> &Shared {
        let [deliver, assign, occur, members, users] = &*self.0;
        match of {
            Loop::Deliver => deliver,
            Loop::Assign => assign,
            Loop::Occur => occur,
            Loop::Members => members,
            Loop::Users => users,
        }
    }

    fn add(&self, to: &[Loop], add: impl Fn(&mut Due)) {
        for of in to {
            let shared = self.shared(*of);
            add(&mut shared.due.lock().unwrap_or_else(PoisonError::into_inner));
            shared.wake.notify_one();
        }
    }

    pub(crate) fn everything(&self) {
        let all = [
            Loop::Deliver,
            Loop::Assign,
            Loop::Occur,
            Loop::Members,
            Loop::Users,
        ];
        self.add(&all, |due| due.all = true);
    }

    pub(crate) fn run_changed(&self, run: RunId) {
        self.add(&[Loop::Deliver], |due| {
            due.runs.insert(run);
        });
    }

    /// A task was created, changed or deleted.
    pub(crate) fn task_changed(&self, task: TaskId) {
        self.add(&[Loop::Assign, Loop::Occur], |due| {
            due.tasks.insert(task);
        });
    }

    /// A device's user asked for something.
    pub(crate) fn user_asked(&self, device: DeviceId) {
        self.add(&[Loop::Users], |due| {
            due.devices.insert(device.0);
        });
    }

    /// A device's link was opened.
    pub(crate) fn device_came(&self, device: DeviceId, store_lost: bool) {
        let all = [Loop::Deliver, Loop::Assign, Loop::Members, Loop::Users];
        self.add(&all, |due| {
            due.devices.insert(device.0);
            if store_lost {
                due.lost.insert(device.0);
            }
        });
    }

    pub(crate) fn device_changed(&self, device: DeviceId) {
        self.add(&[Loop::Deliver, Loop::Assign, Loop::Members], |due| {
            due.devices.insert(device.0);
        });
    }

    /// What selections ask of a device changed, and nothing else did: its tags, or its link.
    pub(crate) fn device_selected_anew(&self, device: DeviceId) {
        self.add(&[Loop::Members], |due| {
            due.devices.insert(device.0);
        });
    }

    /// A selection was written anew, or something is for it now.
    pub(crate) fn selections_changed(&self) {
        self.add(&[Loop::Members], |due| due.all = true);
    }

    /// Devices came into selections, or left them.
    pub(crate) fn members_changed(&self, devices: &RoaringBitmap) {
        self.add(&[Loop::Assign], |due| due.devices |= devices);
    }
}

impl Hinted {
    /// Waits until something may be due.
    pub(crate) async fn next(&mut self) -> Due {
        let shared = self.hints.shared(self.of);
        loop {
            let due =
                std::mem::take(&mut *shared.due.lock().unwrap_or_else(PoisonError::into_inner));
            if !due.is_empty() {
                return due;
            }
            shared.wake.notified().await;
        }
    }
}
