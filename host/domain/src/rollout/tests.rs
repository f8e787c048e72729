//! What rollouts promise: every device in one wave, strata represented, limits kept, errors heeded, and an
//! end.

mod check;
mod step;
mod waves;

use super::*;
use crate::id::RunId;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use roaring::RoaringBitmap;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

fn rollout(json: &Value) -> Rollout {
    match Rollout::parse(json) {
        Ok((rollout, _)) => rollout,
        Err(found) => panic!("{json}: {found:?}"),
    }
}

fn set(devices: impl IntoIterator<Item = u32>) -> RoaringBitmap {
    devices.into_iter().collect()
}

fn a_gate() -> impl Strategy<Value = Gate> {
    let percent = || prop_oneof![1..=100_u32, Just(100)];
    let wait = prop_oneof![Just(0_u32), 1..200_u32];
    (percent(), percent(), wait, prop::bool::weighted(0.2)).prop_map(
        |(reached_percent, ended_percent, wait_minutes, approval)| Gate {
            reached_percent,
            ended_percent,
            wait_minutes,
            approval,
        },
    )
}

fn a_rollout() -> impl Strategy<Value = Rollout> {
    let percents = prop::collection::btree_set(1..=100_u32, 0..4);
    let canaries = prop::option::of(1..4_u32);
    let group = prop::option::of(prop::collection::btree_set(1..5_i64, 1..3));
    let stop = prop::option::of((0..60_u32, 1..8_u32));
    let at_once = prop::option::of(1..12_u32);
    (
        canaries,
        percents,
        group,
        prop::collection::vec(a_gate(), 8),
        at_once,
        stop,
    )
        .prop_map(|(canaries, percents, group, gates, at_once, stop)| {
            let canaries = canaries.map(|each| Part::Canaries { each });
            let groups = group.map(|ids| Part::Groups {
                groups: ids.into_iter().map(GroupId).collect(),
            });
            let percents = percents.into_iter().map(|to| Part::Percent { to });
            let mut parts: Vec<Part> = canaries.into_iter().chain(groups).chain(percents).collect();
            if parts.is_empty() {
                parts.push(Part::Percent { to: 100 });
            }
            let waves = parts.into_iter().zip(gates);
            Rollout {
                version: 1,
                waves: waves
                    .map(|(devices, next)| Wave { devices, next })
                    .collect(),
                at_once,
                stop: stop.map(|(errors_percent, of_at_least)| Stop {
                    errors_percent,
                    of_at_least,
                }),
            }
        })
}

/// Devices of five kinds in four groups, some of which are off.
fn a_fleet() -> impl Strategy<Value = (RoaringBitmap, Fleet)> {
    let device = (0..5_u32, 0..4_i64, any::<bool>(), prop::bool::weighted(0.9));
    prop::collection::vec(device, 0..80).prop_map(|devices| {
        let mut fleet = Fleet::default();
        let mut scope = RoaringBitmap::new();
        for (device, (kind, group, online, in_scope)) in (1..).zip(devices) {
            // The fifth kind is of devices of which nothing is known.
            if kind < 4 {
                let stratum = Stratum {
                    platform: ["linux", "windows"][(kind % 2) as usize].to_owned(),
                    version: (kind < 2).then(|| "1.4".to_owned()),
                };
                fleet.strata.entry(stratum).or_default().insert(device);
            }
            fleet
                .groups
                .entry(GroupId(group))
                .or_default()
                .insert(device);
            if online {
                fleet.online.insert(device);
            }
            if in_scope {
                scope.insert(device);
            }
        }
        (scope, fleet)
    })
}
