//! Runs and deliveries.

use jiff::Timestamp;
use muster_domain::delivery::{Cause, DeliveryState, Wanted};
use muster_domain::rollout::Hold;
use muster_domain::run::RunState;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunView {
    /// Its number.
    pub id: i64,
    /// The task.
    pub task: i64,
    /// The task's name.
    pub task_name: String,
    /// The revision that it carries out.
    pub revision: u32,
    /// Which occurrence of the task's schedule it is, such as `2026-11-27T18:00`; null if a person
    /// started it.
    #[serde(default)]
    pub occurrence: Option<String>,
    /// `running`, `paused`, `stopping` or `finished`.
    #[schema(value_type = String)]
    pub state: RunState,
    /// Devices in its scope.
    pub total: u64,
    /// How many deliveries are in which state; they sum to `total`.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub counts: BTreeMap<DeliveryState, u64>,
    /// 0 to 100 over all devices: final ones count whole, running ones by what they tell.
    pub percent: u8,
    /// When it was started.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// Who started it.
    pub started_by: String,
    /// When its last delivery became final.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// How far its rollout is, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutView>,
}

/// How far the rollout of a run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RolloutView {
    /// The wave that is at it, counted from 1.
    pub wave: u32,
    /// All waves. The last is what no wave of the rollout took.
    pub waves: Vec<WaveView>,
    /// What the next device waits for, for programs: its `code` and what belongs to it.
    #[schema(value_type = Option<Object>)]
    pub hold: Option<Hold>,
    /// The same for people.
    pub hold_text: Option<String>,
}

/// How far a wave is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaveView {
    /// Its devices.
    pub devices: u64,
    /// Those that were let go.
    pub begun: u64,
    /// Those that ended, in whatever way.
    pub ended: u64,
    /// Of them, those that failed or took too long.
    pub errors: u64,
}

/// A run's task is to be run again on some of its devices.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunAgain {
    /// Those on which the run ended in one of these states; where it failed in any way if left out:
    /// `failed`, `timed-out`, `missed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub states: Option<Vec<DeliveryState>>,
}

impl RunAgain {
    /// The states in which nothing was done that should have been.
    pub fn failed() -> Vec<DeliveryState> {
        vec![
            DeliveryState::Failed,
            DeliveryState::TimedOut,
            DeliveryState::Missed,
        ]
    }
}

/// A delivery. Devices that were not in contact since the run began are `pending`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryView {
    /// The device.
    pub device: u32,
    /// Its name.
    pub device_name: String,
    /// Where it stands.
    #[schema(value_type = String)]
    pub state: DeliveryState,
    /// Why it is not further, or why it ended as it did, for programs.
    #[schema(value_type = Option<Object>)]
    pub cause: Option<Cause>,
    /// The same for people.
    pub cause_text: Option<String>,
    /// What the server wants of it.
    #[schema(value_type = String)]
    pub wanted: Wanted,
    /// While it runs: 0 to 100, if the command tells.
    pub percent: Option<u8>,
    /// While it runs: what it is at.
    pub message: Option<String>,
    /// What came of it.
    pub summary: Option<String>,
    /// It takes effect after a restart of the device.
    pub needs_restart: bool,
    /// When it last changed; null while it is pending.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub changed_at: Option<Timestamp>,
}
