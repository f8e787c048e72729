//! What a device is told about its user: what the user may do, and what became of what the user asked
//! for. Sealed and numbered like orders, so that nobody but the server gives a right.

use crate::order::Sealed;
use muster_domain::DeviceId;
use muster_domain::user::{EditId, EditOutcome, Rights};
use serde::{Deserialize, Serialize};

/// What a device's user may do: all of it, each time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UserRights {
    /// The device that is meant.
    pub device: DeviceId,
    /// Counted up for each device, together with its orders.
    pub sequence: u64,
    /// What the user may do.
    pub rights: Rights,
    /// The path of the device's group, for people.
    pub group: String,
}

/// What became of something that the device's user asked for. The name is the device's own and is given
/// once, so an answer does no harm however often it comes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Edited {
    /// The device that is meant.
    pub device: DeviceId,
    /// Counted up for each device, together with its orders.
    pub sequence: u64,
    /// What was asked for.
    pub edit: EditId,
    /// What became of it.
    pub outcome: EditOutcome,
}

impl Sealed for UserRights {
    const KIND: &'static str = "user-rights";
}

impl Sealed for Edited {
    const KIND: &'static str = "edited";
}
