//! How a scope is divided.

use super::*;

/// The kinds of a scope, with that of devices of which nothing is known.
fn kinds(scope: &RoaringBitmap, fleet: &Fleet) -> Vec<RoaringBitmap> {
    let mut kinds: Vec<RoaringBitmap> = fleet.strata.values().map(|kind| kind & scope).collect();
    let unknown = kinds.iter().fold(scope.clone(), |left, kind| left - kind);
    kinds.push(unknown);
    kinds
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_device_is_in_one_wave(rollout in a_rollout(), (scope, fleet) in a_fleet(), run in 1..1000_i64) {
        prop_assert_eq!(&rollout.check(), &vec![]);
        let waves = rollout.waves(RunId(run), &scope, &fleet);
        prop_assert_eq!(waves.0.len(), rollout.waves.len() + 1);
        let sum: u64 = waves.0.iter().map(RoaringBitmap::len).sum();
        prop_assert_eq!(waves.all(), scope.clone());
        prop_assert_eq!(sum, scope.len());
        prop_assert_eq!(&rollout.waves(RunId(run), &scope, &fleet), &waves);

        let mut before = 0;
        for (wave, devices) in rollout.waves.iter().zip(&waves.0) {
            match &wave.devices {
                Part::Canaries { each } => {
                    for kind in kinds(&scope, &fleet) {
                        let taken = devices & &kind;
                        prop_assert_eq!(taken.len(), kind.len().min(u64::from(*each)));
                        // One that is off is taken only where none with a link is left.
                        let off = &taken - &fleet.online;
                        let on = &kind & &fleet.online;
                        prop_assert!(off.is_empty() || on.is_subset(&taken));
                    }
                }
                Part::Percent { to } => {
                    let wanted = (scope.len() * u64::from(*to)).div_ceil(100);
                    prop_assert_eq!(before + devices.len(), wanted.max(before));
                }
                Part::Groups { groups } => {
                    for group in groups {
                        let named = fleet.groups.get(group).cloned().unwrap_or_default();
                        let earlier = waves.0.iter().take_while(|wave| *wave != devices);
                        let taken = earlier.fold(devices.clone(), |all, wave| all | wave);
                        prop_assert!((named & &scope).is_subset(&taken));
                    }
                }
            }
            before += devices.len();
        }
    }

    #[test]
    fn who_comes_later_is_in_the_last_wave(rollout in a_rollout(), (scope, fleet) in a_fleet(), late in 1..100_u32) {
        let before = rollout.waves(RunId(1), &scope, &fleet);
        let mut after = before.clone();
        after.add(&set([late]));
        after.add(&set([late]));
        prop_assert_eq!(after.all(), &scope | set([late]));
        let last = before.0.len() - 1;
        prop_assert_eq!(&after.0[..last], &before.0[..last]);
        let more = after.0[last].len() - before.0[last].len();
        prop_assert_eq!(more, u64::from(!scope.contains(late)));
    }
}

#[test]
fn another_run_begins_with_other_devices() {
    let rollout = rollout(&json!({"waves": [{"devices": {"percent": {"to": 10}}}]}));
    let scope = set(1..=1000);
    let first = |run| rollout.waves(RunId(run), &scope, &Fleet::default()).0[0].clone();
    assert_eq!(first(1).len(), 100);
    assert!(first(1).intersection_len(&first(2)) < 50);
}
