//! Findings, and the JSON form.

use super::*;
use crate::finding::Level;

#[test]
fn faults_are_found_at_their_places() {
    let wave = || json!({"devices": {"percent": {"to": 50}}});
    let canaries = |each: u32| json!({"devices": {"canaries": {"each": each}}});
    let gate = |name: &str, value: u32| {
        let mut wave = wave();
        wave["next"] = json!({ name: value });
        json!({"waves": [wave]})
    };
    let groups = |list: Value| json!({"waves": [{"devices": {"groups": {"groups": list}}}]});
    for (json, pointer, code) in [
        (json!({"waves": []}), "/waves", "rollout-waves"),
        (
            json!({"version": 2, "waves": [wave()]}),
            "/version",
            "rollout-version",
        ),
        (
            json!({"waves": [wave(), wave()]}),
            "/waves/1/devices/percent/to",
            "rollout-order",
        ),
        (
            json!({"waves": [canaries(0)]}),
            "/waves/0/devices/canaries/each",
            "rollout-range",
        ),
        (
            json!({"waves": [canaries(101)]}),
            "/waves/0/devices/canaries/each",
            "rollout-range",
        ),
        (
            gate("reached-percent", 0),
            "/waves/0/next/reached-percent",
            "rollout-range",
        ),
        (
            gate("ended-percent", 101),
            "/waves/0/next/ended-percent",
            "rollout-range",
        ),
        (
            gate("wait-minutes", 10_081),
            "/waves/0/next/wait-minutes",
            "rollout-range",
        ),
        (
            groups(json!([])),
            "/waves/0/devices/groups/groups",
            "rollout-groups",
        ),
        (
            json!({"waves": [wave()], "at-once": 0}),
            "/at-once",
            "rollout-range",
        ),
        (
            json!({"waves": [wave()], "stop": {"errors-percent": 101}}),
            "/stop/errors-percent",
            "rollout-range",
        ),
        (
            json!({"waves": [wave()], "stop": {"errors-percent": 1, "of-at-least": 0}}),
            "/stop/of-at-least",
            "rollout-range",
        ),
        (
            json!({"waves": [{"devices": "some"}]}),
            "/waves/0/devices",
            "rollout-form",
        ),
        (
            json!({"waves": [wave()], "speed": 1}),
            "/speed",
            "rollout-form",
        ),
    ] {
        let found = Rollout::parse(&json).unwrap_err();
        let told: Vec<(&str, &str)> = found
            .iter()
            .map(|one| (&*one.pointer, &*one.code))
            .collect();
        assert_eq!(told, [(pointer, code)], "{json}");
    }
    let many: Vec<Value> = (1..=21)
        .map(|to| json!({"devices": {"percent": {"to": to}}}))
        .collect();
    assert_eq!(
        Rollout::parse(&json!({ "waves": many })).unwrap_err()[0].code,
        "rollout-waves"
    );
}

#[test]
fn what_is_worth_a_word_is_a_warning() {
    let canaries = json!({"devices": {"canaries": {}}});
    let percent = json!({"devices": {"percent": {"to": 50}}});
    let group = json!({"devices": {"groups": {"groups": [3]}}});
    for (json, pointer, code) in [
        (
            json!({"waves": [percent, canaries]}),
            "/waves/1",
            "rollout-canaries-late",
        ),
        (
            json!({"waves": [group, group]}),
            "/waves/1/devices/groups/groups",
            "rollout-group-twice",
        ),
    ] {
        let (_, found) = Rollout::parse(&json).unwrap();
        let told: Vec<(Level, &str, &str)> = found
            .iter()
            .map(|one| (one.level, &*one.pointer, &*one.code))
            .collect();
        assert_eq!(told, [(Level::Warning, pointer, code)], "{json}");
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(rollout in a_rollout()) {
        let written = serde_json::to_value(&rollout).unwrap();
        prop_assert_eq!(Rollout::parse(&written), Ok((rollout, vec![])));
    }
}
