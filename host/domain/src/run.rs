//! Runs: one occurrence of a task over its scope.

use crate::delivery::DeliveryState;
use crate::event::Actor;
use crate::id::{RunId, TaskId};
use crate::schedule::OccurrenceId;
use jiff::Timestamp;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A run. Its targets are fixed when it starts, as one bitmap; a delivery row exists for a device
/// only from first contact on, so that *pending* is targets minus touched.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The task.
    pub task: TaskId,
    /// The revision of the task that it carries out.
    pub revision: u32,
    /// Which occurrence of the task's schedule it is. None if a person started it.
    pub occurrence: Option<OccurrenceId>,
    /// Whether it starts whatever the windows of its devices say.
    pub despite_windows: bool,
    /// Where it stands.
    pub state: RunState,
    /// The devices that it is for.
    pub targets: RoaringBitmap,
    /// How many deliveries are in which state; they sum to the number of targets.
    pub counts: Counts,
    /// When it was started.
    pub started_at: Timestamp,
    /// Who started it.
    pub started_by: Actor,
    /// When its last delivery became final.
    pub finished_at: Option<Timestamp>,
    /// Where the devices stand that it was never in contact with, which have no rows: pending, until
    /// it is stopped (cancelled) or nobody waits for them any longer (missed).
    pub untouched: DeliveryState,
}

impl Run {
    /// Whether each device begins it by itself, by the schedule that it was given. Otherwise the
    /// server orders it.
    pub fn is_begun_by_devices(&self) -> bool {
        match self.occurrence {
            Some(OccurrenceId::Event { .. } | OccurrenceId::After { .. }) | None => false,
            Some(_) => true,
        }
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// Deliveries are under way, or wait for their devices.
    Running,
    /// An administrator paused it.
    Paused,
    /// An administrator stopped it; devices that had begun may still be ending it.
    Stopping,
    /// Every delivery is final.
    Finished,
}

impl RunState {
    /// Whether nothing more will come of it.
    pub fn is_final(self) -> bool {
        self == Self::Finished
    }
}

/// How many deliveries of a run are in which state. States without any are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counts(pub BTreeMap<DeliveryState, u64>);

impl Counts {
    /// How many are in a state.
    pub fn of(&self, state: DeliveryState) -> u64 {
        self.0.get(&state).copied().unwrap_or(0)
    }

    /// The run's whole scope.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// How many are final.
    pub fn finished(&self) -> u64 {
        self.0
            .iter()
            .filter(|(state, _)| state.is_final())
            .map(|(_, count)| count)
            .sum()
    }
}
