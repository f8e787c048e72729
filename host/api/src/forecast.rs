//! What a task will do, told before it is saved.

use crate::problem::FindingView;
use jiff::Timestamp;
use muster_domain::delivery::Cause;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a task will do.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ForecastView {
    /// Devices in its scope now.
    pub devices: u64,
    /// How many of them are linked now.
    pub online: u64,
    /// How many of them can do it as they are.
    pub able: u64,
    /// Where it cannot be done, or not now, by reason.
    pub hindered: Vec<HinderedView>,
    /// The next starts, at most twenty of each zone. Empty where nothing but a person, or what happens,
    /// starts it.
    pub starts: Vec<ZoneStartsView>,
    /// How long it will take, by what tasks of its type took before; null if none has run.
    #[serde(default)]
    pub load: Option<LoadView>,
    /// Other tasks of the application that start on the same devices so near to it that they meet, at most
    /// twenty.
    #[serde(default)]
    pub clashes: Vec<ClashView>,
    /// Warnings and notices about settings and schedule.
    pub findings: Vec<FindingView>,
}

/// How long a task will take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoadView {
    /// So many results were looked at.
    pub results: u64,
    /// Seconds that half of them took at most.
    pub median: u64,
    /// Seconds that 95 of 100 took at most.
    pub most: u64,
    /// Seconds of work in all, on the devices that can do it.
    pub all: u64,
}

/// Another task that starts on the same devices at about the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClashView {
    /// The other task.
    pub task: i64,
    /// Its name.
    pub name: String,
    /// How many devices have both.
    pub devices: u64,
    /// The first start at which they meet.
    #[schema(value_type = String, format = DateTime)]
    pub first: Timestamp,
    /// At how many of the starts told.
    pub starts: u64,
    /// Whether one of them wants the application for itself, so that one waits for the other.
    pub waits: bool,
}

/// Devices on which a task cannot be done, or not now.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HinderedView {
    /// Why, for programs.
    #[schema(value_type = Object)]
    pub cause: Cause,
    /// The same for people.
    pub cause_text: String,
    /// Whether it stays so until the device changes; otherwise deliveries wait.
    pub for_good: bool,
    /// How many devices.
    pub devices: u64,
    /// The first of them by name, at most twenty.
    pub named: Vec<String>,
}

/// The next starts of devices in one zone that have the same windows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ZoneStartsView {
    /// The zone's name.
    pub zone: String,
    /// How many devices.
    pub devices: u64,
    /// The starts, in order.
    pub starts: Vec<StartView>,
}

/// A start that is to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StartView {
    /// The occurrence: the time by the clock on the wall.
    pub occurrence: String,
    /// When it is due.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Minutes by which clocks are set forward on that day, or back where it is below 0; null on a day
    /// like any other.
    pub clocks_change: Option<i64>,
    /// Why it does not start then: a blackout, or no maintenance window is open.
    pub held: Option<String>,
    /// When it starts because of that; null where it does not in the next two years. A random delay
    /// comes on top.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub starts_at: Option<Timestamp>,
}
