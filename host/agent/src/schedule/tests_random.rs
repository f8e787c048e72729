//! Schedules on a device, whatever its clock does: random histories, held against the timetable.

use super::bench::{Bench, assigned, moment, schedule};
use crate::store::delivery::Delivery;
use crate::store::{Store, StoreLocation};
use jiff::{SignedDuration, Timestamp};
use muster_agent_protocol::assignment::{Assigned, Standing};
use muster_agent_protocol::message::News;
use muster_domain::delivery::Cause;
use muster_domain::schedule::{MissedRuns, Schedule, Timetable};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeSet;

#[derive(Debug, Clone)]
enum Act {
    Forth(i64),
    Back(i64),
    Restart,
    Hold,
    Release,
    Begin,
    End,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (1_i64..3 * 86_400).prop_map(Act::Forth),
        4 => (1_i64..3600).prop_map(Act::Forth),
        3 => (1_i64..2 * 86_400).prop_map(Act::Back),
        2 => Just(Act::Restart),
        1 => Just(Act::Hold),
        2 => Just(Act::Release),
        3 => Just(Act::Begin),
        3 => Just(Act::End),
    ]
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    let when = prop_oneof![
        Just(json!({ "every-minutes": { "minutes": 45, "from": "2026-10-01T00:10" } })),
        Just(json!({ "every-days": { "days": 1, "from": "2026-10-01T02:30" } })),
        Just(json!({ "weekly": { "days": ["sunday", "wednesday"], "at": "02:15" } })),
        Just(json!({ "cron": { "expression": "*/20 1-4 * * *" } })),
    ];
    let missed = prop_oneof![
        Just(json!("ignore")),
        Just(json!("once")),
        Just(json!("each")),
        Just(json!({ "younger-than": { "minutes": 300 } })),
    ];
    let overlap = prop_oneof![Just("forbid"), Just("queue"), Just("replace")];
    let repeated = prop_oneof![Just("first"), Just("second"), Just("both")];
    let delay = prop_oneof![
        Just(json!("none")),
        Just(json!({ "up-to": { "minutes": 50 } })),
    ];
    (when, missed, overlap, repeated, delay).prop_map(|(when, missed, overlap, repeated, delay)| {
        schedule(&json!({
            "when": when, "missed-runs": missed, "overlap": overlap,
            "repeated-time": repeated, "random-delay": delay,
        }))
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever the clock does and however often the agent begins again, there is each time that
    /// the timetable had while the task was active, once, and none else.
    #[test]
    fn each_occurrence_is_there_exactly_once(
        schedule in any_schedule(),
        acts in prop::collection::vec(act(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(history(schedule, acts));
    }
}

async fn history(schedule: Schedule, acts: Vec<Act>) {
    let folder = tempfile::tempdir().unwrap();
    let location = StoreLocation::Folder(folder.path().to_owned());
    let mut bench = Bench::new(&location).await;
    // A few days before the clocks are set back in Berlin.
    let since = "2026-10-22T10:00Z";
    let assigned = assigned(schedule, since);
    bench.active(&assigned).await;
    let (mut now, mut held) = (moment(since), false);
    let mut seen = now;
    for act in acts {
        match act {
            Act::Forth(seconds) => now += SignedDuration::from_secs(seconds),
            Act::Back(seconds) => now -= SignedDuration::from_secs(seconds),
            Act::Restart => {
                bench.store.close().await;
                bench.store = Store::open(&location, "x", false).await.unwrap();
            }
            Act::Hold => {
                let cause = Cause::Administrator;
                bench.assign(Standing::Held { cause }).await;
                held = true;
            }
            Act::Release => {
                bench.active(&assigned).await;
                held = false;
            }
            Act::Begin => {
                bench.begin(now).await;
            }
            Act::End => bench.end().await,
        }
        let stepped = bench.at(now).await;
        if !held {
            seen = seen.max(now);
            assert!(stepped.next.is_some_and(|next| next > now));
        }
        assert!(
            !bench.at(now).await.changed,
            "a second step changes something"
        );
    }
    check(&bench, &assigned, seen).await;
    bench.store.close().await;
}

async fn check(bench: &Bench, assigned: &Assigned, seen: Timestamp) {
    let table = Timetable::new(&assigned.schedule, &bench.zone.rules).unwrap();
    let expected: Vec<_> = table
        .within(assigned.since, seen)
        .map(|found| found.id)
        .collect();
    let all = bench.all().await;
    let own = |delivery: &Delivery| delivery.occurrence.clone().unwrap();
    let names: Vec<_> = all.iter().map(|delivery| own(delivery).name).collect();
    let sorted = |names: &[_]| names.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(sorted(&names), sorted(&expected));
    assert_eq!(names.len(), expected.len());

    // News: first that it occurred, last that it was missed, and each once.
    let (mut occurred, mut missed) = (BTreeSet::new(), BTreeSet::new());
    for news in bench.news().await {
        let run = news.run().unwrap();
        match news {
            News::Occurred { .. } => assert!(occurred.insert(run)),
            News::Missed { .. } => assert!(missed.insert(run)),
            _ => assert!(occurred.contains(&run) && !missed.contains(&run)),
        }
    }
    assert_eq!(occurred.len(), all.len());
    for delivery in &all {
        let run = delivery.order.run;
        assert_eq!(delivery.missed().is_some(), missed.contains(&run));
        assert!(delivery.missed().is_none() || delivery.attempt == 0);
        let passed = delivery.missed() == Some(&Cause::TimePassed);
        assert!(!passed || assigned.schedule.missed_runs != MissedRuns::Each);
    }
}
