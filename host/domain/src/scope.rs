//! Scopes: where a task is done.

use crate::application::TaskKind;
use crate::device::DeviceKind;
use crate::id::{DeviceId, GroupId, SelectionId};
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

/// Where a task is done. The kinds are told apart by their scopes.
#[derive(Debug, Clone, PartialEq)]
pub enum Scope {
    /// A local task: one device.
    Local {
        /// The device.
        device: DeviceId,
    },
    /// A group task: the devices of a group.
    Group {
        /// The group.
        group: GroupId,
        /// With the groups below it.
        subgroups: bool,
        /// Groups left out, each with all below it.
        excluded: Vec<GroupId>,
        /// Devices of this kind alone.
        only: Option<DeviceKind>,
        /// Whose a run is.
        membership: Membership,
    },
    /// A global task: a list of devices, from anywhere in the tree.
    Global {
        /// The devices.
        devices: RoaringBitmap,
    },
    /// A global task: the devices that a saved selection means.
    Selection {
        /// The selection.
        selection: SelectionId,
        /// Whose a run is.
        membership: Membership,
    },
}

/// Whose a run is while devices come into its task's scope and leave it.
///
/// What devices begin by themselves, by the clock, goes by neither: it is each device's that has the task when
/// it comes due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Membership {
    /// Of the devices that were in the scope when it began.
    #[default]
    Fixed,
    /// Also of those that come into the scope while it is under way; no more of those that leave it before
    /// they have the order.
    Following,
}

impl Scope {
    /// The kind of task that has such a scope.
    pub fn kind(&self) -> TaskKind {
        match self {
            Self::Local { .. } => TaskKind::Local,
            Self::Group { .. } => TaskKind::Group,
            Self::Global { .. } | Self::Selection { .. } => TaskKind::Global,
        }
    }

    /// Whether runs under way take in who comes into the scope.
    pub fn is_following(&self) -> bool {
        match self {
            Self::Group { membership, .. } | Self::Selection { membership, .. } => {
                *membership == Membership::Following
            }
            Self::Local { .. } | Self::Global { .. } => false,
        }
    }

    /// The selection that it is by, if it is by one.
    pub fn selection(&self) -> Option<SelectionId> {
        match self {
            Self::Selection { selection, .. } => Some(*selection),
            _ => None,
        }
    }
}
