//! Siblings: of a task that the device starts by itself, one occurrence runs at a time, and none beside
//! what was ordered of the same task.

use crate::store::delivery::Delivery;
use muster_domain::delivery::Cause;
use muster_domain::schedule::OccurrenceId;
use muster_domain::{RunId, TaskId};
use std::collections::HashMap;

/// The delivery of each task that has its place.
pub(super) struct Siblings(HashMap<TaskId, Vec<(RunId, Option<OccurrenceId>)>>);

impl Siblings {
    /// Those that have begun.
    pub(super) fn new(open: &[Delivery]) -> Self {
        let mut siblings = Self(HashMap::new());
        for delivery in open.iter().filter(|delivery| delivery.attempt > 0) {
            siblings.claim(delivery);
        }
        siblings
    }

    /// One is about to begin.
    pub(super) fn claim(&mut self, delivery: &Delivery) {
        let name = delivery.occurrence.as_ref().map(|own| own.name);
        let order = &delivery.order;
        self.0
            .entry(order.task)
            .or_default()
            .push((order.run, name));
    }

    /// What of its own task a delivery has to wait for. Only what the device starts by itself waits.
    pub(super) fn of(&self, delivery: &Delivery) -> Option<Cause> {
        delivery.occurrence.as_ref()?;
        let order = &delivery.order;
        let others = self.0.get(&order.task)?.iter();
        let (run, name) = others
            .filter(|(run, _)| *run != order.run)
            .min_by_key(|(_, name)| *name)?;
        Some(match *name {
            Some(occurrence) => Cause::EarlierOccurrence { occurrence },
            None => Cause::BlockedByTask { run: *run },
        })
    }
}
