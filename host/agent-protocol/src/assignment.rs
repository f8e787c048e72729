//! Assignments: what a device starts by itself, and when it may.
//!
//! Like an order, each is whole, signed and numbered in one sequence with the orders: the last one of
//! a task holds. With it a device has what it needs to keep the task's schedule while the server is
//! away.

use crate::order::Sealed;
use jiff::Timestamp;
use muster_domain::application::Needs;
use muster_domain::delivery::Cause;
use muster_domain::schedule::Schedule;
use muster_domain::schedule::window::Window;
use muster_domain::settings::Settings;
use muster_domain::{ApplicationId, DeviceId, Digest, TaskId, TaskTypeId};
use serde::{Deserialize, Serialize};

/// A task that stands for a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Assignment {
    /// The device that is meant.
    pub device: DeviceId,
    /// Counted up for each device, together with its orders.
    pub sequence: u64,
    /// The task.
    pub task: TaskId,
    /// How it stands.
    pub standing: Standing,
}

/// How a task stands for a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Standing {
    /// It starts by its schedule.
    Active(Box<Assigned>),
    /// It does not start; what comes due meanwhile is dealt with as missed once it is active again.
    Held {
        /// Why.
        cause: Cause,
    },
    /// It is no longer the device's. What has begun goes on.
    Withdrawn,
}

/// What a device needs to start a task by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Assigned {
    /// The task's name, for people.
    pub task_name: String,
    /// The task's revision.
    pub revision: u32,
    /// The application whose connector is asked.
    pub application: ApplicationId,
    /// What kind of task it is.
    pub task_type: TaskTypeId,
    /// What the application must be before it starts.
    pub needs: Needs,
    /// Whether no other delivery of the application may run meanwhile.
    pub exclusive: bool,
    /// Seconds for the whole command.
    pub time_limit: u32,
    /// The command's name; its body is asked for if the agent lacks it.
    pub command: Digest,
    /// The revision of the plug-in that made the command.
    pub plugin: Digest,
    /// When it starts.
    pub schedule: Schedule,
    /// The revision of the task that brought the schedule.
    pub schedule_revision: u32,
    /// What came due up to then is no matter of this device's, or was done. A device that has done more
    /// goes by what it has done.
    pub since: Timestamp,
    /// How many devices the task is for, from which an automatic random delay follows.
    pub devices: u32,
    /// What the device's user may change of it. None where it is not a local task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<Local>,
}

/// A local task, as the device's user sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Local {
    /// The version of it that the user's changes are made on.
    pub version: u32,
    /// Its settings.
    pub settings: Settings,
    /// Whether the device's user made it.
    pub own: bool,
}

/// The windows of a device: all of them, each time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DeviceWindows {
    /// The device that is meant.
    pub device: DeviceId,
    /// Counted up for each device, together with its orders.
    pub sequence: u64,
    /// The windows.
    pub windows: Vec<Window>,
}

impl Sealed for Assignment {
    const KIND: &'static str = "assignment";
}

impl Sealed for DeviceWindows {
    const KIND: &'static str = "windows";
}
