//! Devices, and what is known of them.

use crate::application::Needs;
use crate::id::{ApplicationId, DeviceId, GroupId, SelectionId};
use crate::profile::Profile;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A device with an agent that was enrolled.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// Its number.
    pub id: DeviceId,
    /// Its name: the host name at enrollment.
    pub name: String,
    /// Where it stands in the tree.
    pub group: GroupId,
    /// Since when it stands there.
    pub group_since: Timestamp,
    /// What its agent told last.
    pub facts: Facts,
    /// The applications that its connectors know.
    pub applications: Vec<InstalledApplication>,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
    /// When its link was last open; nothing is written while it is.
    pub last_seen: Option<Timestamp>,
}

/// What an agent tells of its device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// `linux`, `windows`, `macos`, …
    pub platform: String,
    /// `x86_64`, `aarch64`, …
    pub architecture: String,
    /// The agent's own version.
    pub agent_version: String,
    /// All others by name, such as `os.id` (`debian`), `os.version`, `host.name`.
    pub more: BTreeMap<String, String>,
}

impl Facts {
    /// The name of the zone of the device's clock, such as `Europe/Berlin`.
    pub const ZONE: &'static str = "time.zone";
    /// What wakes it over the network: [`crate::wake::WakeAddress`]es with spaces between.
    pub const WAKE: &'static str = "net.wake";

    /// The name of the kind of the device: [`DeviceKind`].
    pub const KIND: &'static str = "device.kind";

    /// What kind of device it is, if its agent told one that is known here.
    pub fn kind(&self) -> Option<DeviceKind> {
        let told = self.more.get(Self::KIND)?;
        DeviceKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == told)
    }
}

/// What a device is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKind {
    /// Somebody works at it.
    Workstation,
    /// Others are served by it.
    Server,
}

/// Devices that something is for, and that change with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceSet {
    /// Those of a group and of all groups below it.
    Group(GroupId),
    /// Those that a saved selection means.
    Selection(SelectionId),
}

impl DeviceKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Workstation, Self::Server];

    /// The word that JSON uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workstation => "workstation",
            Self::Server => "server",
        }
    }
}

/// An application on a device, as its connector tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct InstalledApplication {
    /// Which one.
    pub application: ApplicationId,
    /// How it stands.
    pub state: ApplicationState,
    /// Its version, where it is installed and tells one.
    pub version: Option<String>,
}

/// How an application stands on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApplicationState {
    /// There is a connector for it, and it is not installed.
    Absent,
    /// It is installed and does not run.
    Stopped,
    /// It runs. An application without a process of its own runs when it is installed.
    Running,
}

impl ApplicationState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Absent, Self::Stopped, Self::Running];

    /// The word that JSON uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Stopped => "stopped",
            Self::Running => "running",
        }
    }

    /// Whether a task with such a need may start.
    pub fn satisfies(self, needs: Needs) -> bool {
        match needs {
            Needs::Running => self == Self::Running,
            Needs::Installed => self != Self::Absent,
            Needs::Nothing => true,
        }
    }
}

impl Device {
    /// The application on this device, if a connector knows it.
    pub fn application(&self, id: &ApplicationId) -> Option<&InstalledApplication> {
        self.applications
            .iter()
            .find(|installed| installed.application == *id)
    }

    /// The zone of its clock, by the name that its agent told; UTC as long as it told none that is
    /// known here.
    pub fn zone(&self) -> TimeZone {
        let name = self.facts.more.get(Facts::ZONE);
        let known = name.and_then(|name| crate::schedule::Zone::named(name).ok());
        known.unwrap_or(TimeZone::UTC)
    }

    /// The profile of this device for a task type of an application that reads these facts.
    pub fn profile(&self, application: &ApplicationId, facts: &[String]) -> Profile {
        Profile {
            platform: self.facts.platform.clone(),
            architecture: self.facts.architecture.clone(),
            application_version: self
                .application(application)
                .and_then(|installed| installed.version.clone()),
            facts: facts
                .iter()
                .map(|name| (name.clone(), self.facts.more.get(name).cloned()))
                .collect(),
        }
    }
}
