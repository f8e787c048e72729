//! What is decided when an occurrence is due: missed runs, delays, overlaps, retries, stops and wakes.

use super::*;
use crate::id::{DeviceId, TaskId};
use serde_json::json;

#[test]
fn of_missed_runs_the_newest_is_made_good() {
    let schedule = schedule(&json!({"when": {"cron": {"expression": "0 * * * *"}}}));
    let table = Timetable::new(&schedule, &TimeZone::UTC).unwrap();
    let (after, now) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T05:30:00Z"));
    let hours = |list: &[Occurrence]| -> Vec<i8> {
        list.iter()
            .map(|one| named(one.id).0.datetime().hour())
            .collect()
    };
    let due = |policy: MissedRuns, now| {
        let due = policy.due(&table, after, now, |one| one.at);
        (hours(&due.start), hours(&due.missed))
    };
    assert_eq!(due(MissedRuns::Once, now), (vec![5], vec![1, 2, 3, 4]));
    assert_eq!(due(MissedRuns::Each, now), (vec![1, 2, 3, 4, 5], vec![]));
    assert_eq!(due(MissedRuns::Ignore, now), (vec![], vec![1, 2, 3, 4, 5]));
    let young = |minutes| MissedRuns::YoungerThan { minutes };
    assert_eq!(due(young(31), now).0, [5]);
    assert_eq!(due(young(30), now).0, [] as [i8; 0]);
    let on_time = at("2026-01-01T05:01:00Z");
    assert_eq!(
        due(MissedRuns::Ignore, on_time),
        (vec![5], vec![1, 2, 3, 4])
    );
    assert_eq!(due(MissedRuns::Once, on_time), (vec![5], vec![1, 2, 3, 4]));
}

#[test]
fn a_random_delay_is_the_same_for_all_who_ask_and_within_its_bound() {
    let minutes = SignedDuration::from_mins;
    for (devices, longest) in [
        (0, 0),
        (99, 0),
        (100, 1),
        (250, 2),
        (18_000, 180),
        (u32::MAX, 180),
    ] {
        assert_eq!(RandomDelay::Automatic.longest(devices), minutes(longest));
    }
    let up_to = RandomDelay::UpTo { minutes: 10 };
    let of = |delay: RandomDelay, device, occurrence| {
        delay.of(TaskId(1), DeviceId(device), id(occurrence), 1)
    };
    let drawn: Vec<SignedDuration> = (1..=1000)
        .map(|device| of(up_to, device, "2026-03-10T12:00"))
        .collect();
    assert!(
        drawn
            .iter()
            .all(|delay| !delay.is_negative() && *delay <= minutes(10))
    );
    let early = drawn.iter().filter(|delay| **delay < minutes(5)).count();
    assert!((400..600).contains(&early), "{early}");
    assert_eq!(drawn[0], of(up_to, 1, "2026-03-10T12:00"));
    let next: Vec<SignedDuration> = (1..=1000)
        .map(|device| of(up_to, device, "2026-03-11T12:00"))
        .collect();
    assert_ne!(drawn, next);
    assert_eq!(of(RandomDelay::None, 1, "2026-03-10T12:00"), minutes(0));
}

#[test]
fn an_overlap_misses_waits_or_stops() {
    let (running, waiting) = (id("2026-03-10T12:00"), id("2026-03-10T13:00"));
    for overlap in [Overlap::Forbid, Overlap::Queue, Overlap::Replace] {
        assert_eq!(overlap.step(None, None), OverlapStep::Start);
    }
    for instead_of in [None, Some(waiting)] {
        let decided = |overlap: Overlap| overlap.step(Some(running), instead_of);
        assert_eq!(decided(Overlap::Forbid), OverlapStep::Miss { running });
        let wait = OverlapStep::Wait {
            running,
            instead_of,
        };
        assert_eq!(decided(Overlap::Queue), wait);
        let stop = OverlapStep::Stop {
            running,
            instead_of,
        };
        assert_eq!(decided(Overlap::Replace), stop);
    }
}

#[test]
fn retries_wait_ever_longer_up_to_a_limit_and_end() {
    let retry: Retry = serde_json::from_value(json!({
        "attempts": 5, "first-minutes": 10, "factor": 3, "longest-minutes": 60
    }))
    .unwrap();
    let pause = |attempts, failure| {
        let next = retry.next(attempts, failure, at(NOON))?;
        Some(next.duration_since(at(NOON)).as_mins())
    };
    let pauses: Vec<Option<i64>> = (1..=6)
        .map(|attempts| pause(attempts, Failure::NotReady))
        .collect();
    assert_eq!(pauses, [Some(10), Some(30), Some(60), Some(60), None, None]);
    for (failure, again) in [
        (Failure::Interrupted, true),
        (Failure::TimedOut, true),
        (Failure::Failed, false),
        (Failure::Refused, false),
    ] {
        assert_eq!(pause(1, failure).is_some(), again, "{failure:?}");
    }
}

#[test]
fn stops_and_wakes_are_so_many_minutes_away() {
    let plain = Schedule::new(When::Manual);
    assert_eq!(plain.stop_at(at(NOON)), None);
    assert_eq!(plain.wake_at(at(NOON)), None);
    let set = Schedule {
        stop_after_minutes: Some(90),
        wake_minutes_before: Some(15),
        ..plain
    };
    assert_eq!(set.stop_at(at(NOON)), Some(at("2026-03-10T13:30:00Z")));
    assert_eq!(set.wake_at(at(NOON)), Some(at("2026-03-10T11:45:00Z")));
    assert_eq!(set.stop_at(Timestamp::MAX), Some(Timestamp::MAX));
    assert_eq!(set.wake_at(Timestamp::MIN), Some(Timestamp::MIN));
}
