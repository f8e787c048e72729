//! Waves: a scope, divided. Every device is in exactly one.

use super::{Part, Rollout};
use crate::id::{DeviceId, GroupId, RunId};
use roaring::RoaringBitmap;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// A kind of device: a task that does well on one may fail on another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stratum {
    /// The platform.
    pub platform: String,
    /// The version of the task's application; none where it is not installed, or tells none.
    pub version: Option<String>,
}

/// What is known of the devices when a run begins.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    /// The kinds, each with its devices. A device that is in none is of a kind with all others that are in
    /// none.
    pub strata: BTreeMap<Stratum, RoaringBitmap>,
    /// The devices of groups and of the groups below them: at least of those that the rollout names.
    pub groups: BTreeMap<GroupId, RoaringBitmap>,
    /// Those that are linked.
    pub online: RoaringBitmap,
}

/// The waves of a run, each with its devices. The last is what no wave of the rollout took, and may be empty
/// like every other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Waves(pub Vec<RoaringBitmap>);

impl Waves {
    /// Puts devices that came into the scope later into the last wave; those that are in one stay there.
    pub fn add(&mut self, devices: &RoaringBitmap) {
        let late = devices - self.all();
        match self.0.last_mut() {
            Some(last) => *last |= late,
            None => self.0.push(late),
        }
    }

    /// All devices.
    pub fn all(&self) -> RoaringBitmap {
        self.0
            .iter()
            .fold(RoaringBitmap::new(), |all, wave| all | wave)
    }
}

impl Rollout {
    /// Divides the scope of a run. Which devices go first is drawn from the numbers of run and device: it is
    /// the same whenever it is asked, and another in the next run.
    pub fn waves(&self, run: RunId, scope: &RoaringBitmap, fleet: &Fleet) -> Waves {
        let mut left = scope.clone();
        let mut waves = Vec::new();
        for wave in &self.waves {
            let taken = match &wave.devices {
                Part::Canaries { each } => canaries(run, &left, fleet, *each),
                Part::Percent { to } => {
                    // Rounded up, so that a wave of a small scope has somebody in it.
                    let wanted = scope.len().saturating_mul(u64::from(*to)).div_ceil(100);
                    let before = scope.len() - left.len();
                    let drawn = drawn(run, &left);
                    first(drawn, wanted.saturating_sub(before))
                }
                Part::Groups { groups } => groups
                    .iter()
                    .filter_map(|group| fleet.groups.get(group))
                    .fold(RoaringBitmap::new(), |all, group| all | (&left & group)),
            };
            left -= &taken;
            waves.push(taken);
        }
        waves.push(left);
        Waves(waves)
    }
}

fn canaries(run: RunId, left: &RoaringBitmap, fleet: &Fleet, each: u32) -> RoaringBitmap {
    let mut unknown = left.clone();
    let mut taken = RoaringBitmap::new();
    let mut take = |stratum: &RoaringBitmap| {
        let mut drawn = drawn(run, stratum);
        // Those that are off come last, the order among them as it is.
        drawn.sort_by_key(|device| !fleet.online.contains(*device));
        taken |= first(drawn, u64::from(each));
    };
    for devices in fleet.strata.values() {
        // A device that is in two by mistake counts in the first.
        let stratum = &unknown & devices;
        unknown -= devices;
        take(&stratum);
    }
    take(&unknown);
    taken
}

/// Devices in the order in which they are drawn.
fn drawn(run: RunId, devices: &RoaringBitmap) -> Vec<u32> {
    let mut drawn: Vec<u32> = devices.iter().collect();
    drawn.sort_by_cached_key(|device| draw(run, DeviceId(*device)));
    drawn
}

fn draw(run: RunId, device: DeviceId) -> [u8; 32] {
    Sha256::digest(format!("muster rollout 1\n{run}\n{device}").as_bytes()).into()
}

fn first(drawn: Vec<u32>, count: u64) -> RoaringBitmap {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    drawn.into_iter().take(count).collect()
}
