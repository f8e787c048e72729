//! Schedules on a device, at moments that a test gives.

use super::bench::{Bench, assigned, moment, nightly, schedule, with};
use crate::store::delivery;
use jiff::SignedDuration;
use muster_agent_protocol::assignment::Assigned;
use muster_agent_protocol::assignment::Standing;
use muster_domain::ApplicationId;
use muster_domain::RunId;
use muster_domain::delivery::Cause;
use serde_json::json;

#[tokio::test]
async fn missed_runs_go_by_their_rule() {
    for (rule, wanted) in [
        (json!("ignore"), ["time-passed"; 3]),
        (json!("once"), ["time-passed", "time-passed", "ready"]),
        (json!("each"), ["ready"; 3]),
        (
            json!({ "younger-than": { "minutes": 60 } }),
            ["time-passed"; 3],
        ),
    ] {
        let mut bench = Bench::in_memory().await;
        let schedule = with(nightly(), &json!({ "missed-runs": rule }));
        bench.active(&assigned(schedule, "2026-10-05T10:00Z")).await;
        bench.at(moment("2026-10-07T20:00Z")).await;
        let days = ["2026-10-05", "2026-10-06", "2026-10-07"];
        let expected: Vec<_> = days
            .iter()
            .zip(wanted)
            .map(|(day, word)| format!("{day}T18:00 {word}"))
            .collect();
        assert_eq!(bench.told().await, expected, "{rule}");
    }
}

#[tokio::test]
async fn a_held_task_starts_nothing_and_then_makes_good_by_the_rule() {
    let mut bench = Bench::in_memory().await;
    let assigned = assigned(schedule(&nightly()), "2026-10-05T10:00Z");
    bench.active(&assigned).await;
    bench.at(moment("2026-10-05T16:00Z")).await;
    bench.begin(moment("2026-10-05T16:00Z")).await.unwrap();
    bench.end().await;
    let cause = Cause::Administrator;
    bench.assign(Standing::Held { cause }).await;
    assert_eq!(bench.at(moment("2026-10-07T17:00Z")).await.next, None);
    assert_eq!(bench.told().await, ["2026-10-05T18:00 ended"]);
    bench.active(&assigned).await;
    bench.at(moment("2026-10-07T17:01Z")).await;
    let told = bench.told().await;
    assert_eq!(
        told[1..],
        ["2026-10-06T18:00 time-passed", "2026-10-07T18:00 ready"]
    );
    // Withdrawn before it began; assigned again it does not come back.
    bench.assign(Standing::Withdrawn).await;
    assert_eq!(bench.told().await[2], "2026-10-07T18:00 no-longer-assigned");
    bench.active(&assigned).await;
    bench.at(moment("2026-10-07T17:02Z")).await;
    assert_eq!(bench.told().await.len(), 3);
}

#[tokio::test]
async fn overlap_is_decided_when_the_next_one_is_due() {
    for (overlap, wanted) in [
        (
            "forbid",
            ["running", "earlier-occurrence", "earlier-occurrence"],
        ),
        ("queue", ["running", "later-occurrence", "ready"]),
        ("replace", ["running", "later-occurrence", "ready"]),
    ] {
        let mut bench = Bench::in_memory().await;
        let schedule = with(nightly(), &json!({ "overlap": overlap }));
        bench.active(&assigned(schedule, "2026-10-05T10:00Z")).await;
        for day in ["2026-10-05", "2026-10-06", "2026-10-07"] {
            let six = moment(&format!("{day}T16:00Z"));
            bench.at(six).await;
            bench.begin(six).await;
        }
        let told = bench.told().await;
        let words: Vec<_> = told
            .iter()
            .map(|text| text.split(' ').nth(1).unwrap())
            .collect();
        assert_eq!(words, wanted, "{overlap}");
        let stop = bench.all().await[0]
            .occurrence
            .as_ref()
            .unwrap()
            .stop
            .is_some();
        assert_eq!(stop, overlap == "replace");
    }
}

#[tokio::test]
async fn what_could_not_begin_in_time_is_missed_if_nothing_makes_it_good() {
    let six = moment("2026-10-05T16:00Z");
    let second = SignedDuration::from_secs(1);
    let closed = Cause::OutsideWindows {
        window: None,
        opens_at: None,
    };
    let behind = Cause::BlockedByTask { run: RunId(1) };
    for (rule, minutes, cause, missed) in [
        (json!("ignore"), 1, &closed, true),
        (json!("ignore"), 1, &behind, false),
        (
            json!({ "younger-than": { "minutes": 90 } }),
            90,
            &closed,
            true,
        ),
        (json!("once"), 1000, &closed, false),
    ] {
        let mut bench = Bench::in_memory().await;
        let schedule = with(nightly(), &json!({ "missed-runs": rule }));
        bench.active(&assigned(schedule, "2026-10-05T10:00Z")).await;
        let stepped = bench.at(six).await;
        let run = bench.all().await[0].order.run;
        let mut connection = bench.store.acquire().await.unwrap();
        delivery::set_waiting(&mut connection, run, cause)
            .await
            .unwrap();
        drop(connection);
        let last = six + SignedDuration::from_mins(minutes);
        bench.at(last - second).await;
        assert!(bench.told().await[0].ends_with("ready"), "{rule}");
        bench.at(last + second).await;
        assert_eq!(
            bench.told().await[0].ends_with("time-passed"),
            missed,
            "{rule}"
        );
        // The step is made in time without anything else happening.
        assert!(!missed || stepped.next.unwrap() <= last + second);
    }
}

#[tokio::test]
async fn starts_and_savings_start_tasks_once_each() {
    let mut bench = Bench::in_memory().await;
    let saved = assigned(
        schedule(&json!({ "when": "immediately" })),
        "2026-10-05T10:00Z",
    );
    bench.active(&saved).await;
    for text in ["2026-10-05T10:00Z", "2026-10-05T10:01Z"] {
        bench.at(moment(text)).await;
    }
    assert_eq!(bench.told().await, ["saved/1 ready"]);
    let again = Assigned {
        schedule_revision: 4,
        ..saved
    };
    bench.active(&again).await;
    bench.at(moment("2026-10-05T10:02Z")).await;
    assert_eq!(
        bench.told().await,
        ["saved/1 later-occurrence", "saved/4 ready"]
    );

    let mut bench = Bench::in_memory().await;
    let tool: ApplicationId = "org.example.tool".parse().unwrap();
    let when = json!({ "application-start": { "delay-minutes": 5 } });
    bench
        .active(&assigned(
            schedule(&json!({ "when": when })),
            "2026-10-05T10:00Z",
        ))
        .await;
    let begins = moment("2026-10-05T23:50Z");
    for (runs, minute) in [
        (true, 0),
        (false, 1),
        (true, 2),
        (true, 3),
        (false, 4),
        (true, 20),
    ] {
        bench.applications.insert(tool.clone(), runs);
        bench.at(begins + SignedDuration::from_mins(minute)).await;
    }
    // By the clock in Berlin it is the next day already.
    assert_eq!(
        bench.told().await,
        [
            "application-start/2026-10-06/1 ready",
            "application-start/2026-10-06/2 waiting"
        ]
    );

    let mut bench = Bench::in_memory().await;
    let when = json!({ "agent-start": { "first-of-day": true } });
    bench
        .active(&assigned(
            schedule(&json!({ "when": when })),
            "2026-10-05T10:00Z",
        ))
        .await;
    for text in [
        "2026-10-05T10:00Z",
        "2026-10-05T20:00Z",
        "2026-10-05T23:00Z",
    ] {
        bench.step(moment(text), true).await;
        bench.begin(moment(text)).await;
        bench.end().await;
    }
    assert_eq!(
        bench.told().await,
        [
            "agent-start/2026-10-05/1 ended",
            "agent-start/2026-10-06/1 ended"
        ]
    );
}

#[tokio::test]
async fn what_waits_for_its_delay_does_not_start_while_its_task_is_held() {
    let mut bench = Bench::in_memory().await;
    let delayed = json!({ "random-delay": { "up-to": { "minutes": 600 } } });
    let assigned = assigned(with(nightly(), &delayed), "2026-10-05T10:00Z");
    bench.active(&assigned).await;
    bench.at(moment("2026-10-05T16:00Z")).await;
    let cause = Cause::Administrator;
    bench.assign(Standing::Held { cause }).await;
    bench.at(moment("2026-10-06T10:00Z")).await;
    assert_eq!(bench.told().await, ["2026-10-05T18:00 waiting"]);
    bench.active(&assigned).await;
    bench.at(moment("2026-10-06T10:01Z")).await;
    assert_eq!(bench.told().await, ["2026-10-05T18:00 ready"]);
}
