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
    /// Warnings and notices about settings and schedule.
    pub findings: Vec<FindingView>,
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
