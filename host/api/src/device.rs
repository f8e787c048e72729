//! Devices and their enrollment.

use jiff::Timestamp;
use muster_domain::device::ApplicationState;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A device.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DeviceView {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The group that it is in, as a path such as `/Office/Berlin`; the root is `/`.
    pub group: String,
    /// That group's number.
    pub group_id: i64,
    /// Whether its link is open.
    pub online: bool,
    /// When its link was last open, unless it is now; null if it never was.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen: Option<Timestamp>,
    /// When it was enrolled.
    #[schema(value_type = String, format = DateTime)]
    pub enrolled_at: Timestamp,
    /// `linux`, `windows`, `macos`, …
    pub platform: String,
    /// `x86_64`, `aarch64`, …
    pub architecture: String,
    /// The agent's version.
    pub agent_version: String,
    /// All other facts by name.
    pub facts: BTreeMap<String, String>,
    /// The applications that its connectors know.
    pub applications: Vec<DeviceApplicationView>,
}

/// An application on a device.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DeviceApplicationView {
    /// Its id.
    pub application: String,
    /// `absent`, `stopped` or `running`.
    #[schema(value_type = String)]
    pub state: ApplicationState,
    /// Its version, where it tells one.
    pub version: Option<String>,
}

/// What may be changed of a device. What is left out stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceChange {
    /// Another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another group, by number or path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// A new enrollment token is wanted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrollmentTokenCreate {
    /// The group that the device comes into, by number or path; the root if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// A device that is there, by number or name: it is enrolled again under its number. What had its
    /// identity before is let in no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Seconds until it ends; a day if left out, 30 days at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_for: Option<u32>,
}

/// A new enrollment token. It is told once and enrolls one device.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EnrollmentTokenView {
    /// The token.
    pub token: String,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    pub valid_until: Timestamp,
}

/// A device was sent what wakes it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WakeView {
    /// The device.
    pub device: u32,
    /// Whether its link was open all the same.
    pub online: bool,
    /// The interfaces that packets were sent for, with the broadcast addresses of their networks.
    pub addresses: Vec<String>,
}
