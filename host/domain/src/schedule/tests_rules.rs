//! What schedules decide besides their times, each rule by examples: facts, delays, overlaps, retries,
//! bounds, findings and the JSON form.

use super::window::{Hold, Window, Windows};
use super::*;
use crate::delivery::DeliveryState;
use crate::id::{ApplicationId, DeviceId, GroupId, TaskId};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

fn schedule(json: &Value) -> Schedule {
    Schedule::parse(json).unwrap().0
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn id(text: &str) -> OccurrenceId {
    OccurrenceId::try_from(text.to_owned()).unwrap()
}

fn answer(when: &Value, fact: &Fact<'_>) -> Answer {
    let schedule = schedule(&json!({ "when": when }));
    schedule.answer(fact, at(NOON), &TimeZone::UTC).unwrap()
}

const NOON: &str = "2026-03-10T12:00:00Z";

#[test]
fn a_schedule_answers_to_its_own_fact_alone() {
    let groups = [GroupId(4), GroupId(1)];
    let came = [at(NOON)];
    let pairs = [
        (json!("immediately"), Fact::Saved),
        (
            json!({"application-start": {}}),
            Fact::ApplicationStarted { before: None },
        ),
        (
            json!({"agent-start": {}}),
            Fact::AgentStarted { before: None },
        ),
        (json!("repository-updated"), Fact::RepositoryUpdated),
        (
            json!({"outbreak": {"sources": ["mail"]}}),
            Fact::Outbreak {
                source: when::OutbreakSource::Mail,
            },
        ),
        (
            json!({"after-task": {"task": 7}}),
            Fact::TaskEnded {
                task: TaskId(7),
                state: DeliveryState::Failed,
            },
        ),
        (
            json!({"joined": {"group": 4}}),
            Fact::Joined { groups: &groups },
        ),
        (
            json!({"event": {"kind": "a.b"}}),
            Fact::Event {
                kind: "a.b",
                application: None,
                came: &came,
                started: None,
            },
        ),
    ];
    for (asked, (when, _)) in pairs.iter().enumerate() {
        for (told, (_, fact)) in pairs.iter().enumerate() {
            let expected = if asked == told {
                Answer::Start { at: at(NOON) }
            } else {
                Answer::NotMeant
            };
            assert_eq!(answer(when, fact), expected, "{when} {fact:?}");
        }
    }
    for when in [json!("manual"), json!({"once": {"at": "2026-03-10T12:00"}})] {
        assert_eq!(answer(&when, &Fact::Saved), Answer::NotMeant);
    }
    let elsewhere = Fact::Joined {
        groups: &[GroupId(5)],
    };
    let joined = json!({"joined": {"group": 4}});
    assert_eq!(answer(&joined, &elsewhere), Answer::NotMeant);
}

#[test]
fn another_tasks_end_counts_when_it_is_final_and_as_wished() {
    let ended = |task, state| Fact::TaskEnded {
        task: TaskId(task),
        state,
    };
    let any = json!({"after-task": {"task": 7}});
    let good = json!({"after-task": {"task": 7, "outcomes": ["succeeded"]}});
    for state in DeliveryState::ALL {
        let (of_any, of_good) = match state {
            DeliveryState::Succeeded => (
                Answer::Start { at: at(NOON) },
                Answer::Start { at: at(NOON) },
            ),
            state if state.is_final() => (
                Answer::Start { at: at(NOON) },
                Answer::OtherOutcome { state },
            ),
            _ => (Answer::NotMeant, Answer::NotMeant),
        };
        assert_eq!(answer(&any, &ended(7, state)), of_any, "{state}");
        assert_eq!(answer(&good, &ended(7, state)), of_good, "{state}");
        assert_eq!(answer(&any, &ended(8, state)), Answer::NotMeant, "{state}");
    }
}

#[test]
fn the_first_start_of_a_day_is_told_by_the_schedules_zone() {
    let when = json!({"agent-start": {"delay-minutes": 5, "first-of-day": true}});
    let started = |before: Option<&str>| Fact::AgentStarted {
        before: before.map(at),
    };
    let later = Answer::Start {
        at: at("2026-03-10T12:05:00Z"),
    };
    assert_eq!(answer(&when, &started(None)), later);
    assert_eq!(answer(&when, &started(Some("2026-03-09T23:30:00Z"))), later);
    let today = started(Some("2026-03-10T00:00:00Z"));
    assert_eq!(answer(&when, &today), Answer::NotFirstOfDay);
    // In Berlin it was past midnight already.
    let berlin = schedule(&json!({"when": when, "zone": "Europe/Berlin"}));
    let said = berlin.answer(
        &started(Some("2026-03-09T23:30:00Z")),
        at(NOON),
        &TimeZone::UTC,
    );
    assert_eq!(said, Ok(Answer::NotFirstOfDay));
}

#[test]
fn events_are_counted_within_their_time_and_pause_after_a_start() {
    let throttle = json!({"events": 2, "within-minutes": 10, "pause-minutes": 60});
    let when = json!({"event": {"kind": "a.b", "throttle": throttle}});
    let said = |came: &[&str], started: Option<&str>| {
        let came: Vec<Timestamp> = came.iter().map(|text| at(text)).collect();
        let fact = Fact::Event {
            kind: "a.b",
            application: None,
            came: &came,
            started: started.map(at),
        };
        answer(&when, &fact)
    };
    let start = Answer::Start { at: at(NOON) };
    let few = Answer::TooFew { came: 1, of: 2 };
    assert_eq!(said(&[NOON], None), few);
    assert_eq!(said(&["2026-03-10T11:50:00Z", NOON], None), few);
    let two = ["2026-03-10T11:50:01Z", NOON];
    assert_eq!(said(&two, None), start);
    assert_eq!(said(&two, Some("2026-03-10T11:00:00Z")), start);
    let until = at("2026-03-10T12:00:01Z");
    assert_eq!(
        said(&two, Some("2026-03-10T11:00:01Z")),
        Answer::Throttled { until }
    );
}

#[test]
fn events_about_another_application_or_of_another_kind_are_not_meant() {
    let mine: ApplicationId = serde_json::from_value(json!("acme.scanner")).unwrap();
    let other: ApplicationId = serde_json::from_value(json!("acme.other")).unwrap();
    let when = json!({"event": {"kind": "a.b", "application": "acme.scanner"}});
    let came = [at(NOON)];
    let said = |kind, application| {
        answer(
            &when,
            &Fact::Event {
                kind,
                application,
                came: &came,
                started: None,
            },
        )
    };
    assert_eq!(said("a.b", Some(&mine)), Answer::Start { at: at(NOON) });
    assert_eq!(said("a.b", Some(&other)), Answer::NotMeant);
    assert_eq!(said("a.b", None), Answer::NotMeant);
    assert_eq!(said("a.c", Some(&mine)), Answer::NotMeant);
}

#[test]
fn bounds_count_themselves_for_facts_and_times() {
    let bounds = |when: Value| json!({"when": when, "zone": "utc", "starts": "2026-03-10T12:00", "ends": "2026-03-12T12:00"});
    let saved = schedule(&bounds(json!("immediately")));
    for (moment, inside) in [
        ("2026-03-10T11:59:59Z", false),
        (NOON, true),
        ("2026-03-12T12:00:00Z", true),
        ("2026-03-12T12:00:01Z", false),
    ] {
        let expected = if inside {
            Answer::Start { at: at(moment) }
        } else {
            Answer::OutOfDates
        };
        let said = saved.answer(&Fact::Saved, at(moment), &TimeZone::UTC);
        assert_eq!(said, Ok(expected), "{moment}");
    }
    let daily = schedule(&bounds(json!({"every-days": {"from": "2026-01-01T12:00"}})));
    let table = Timetable::new(&daily, &TimeZone::UTC).unwrap();
    let names: Vec<String> = table
        .after(Timestamp::UNIX_EPOCH)
        .map(|next| next.id.to_string())
        .collect();
    assert_eq!(
        names,
        ["2026-03-10T12:00", "2026-03-11T12:00", "2026-03-12T12:00"]
    );
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

#[test]
fn faults_are_found_at_their_places() {
    let whens = [
        (
            json!({"every-minutes": {"minutes": 0, "from": "2026-01-01"}}),
            "/when/every-minutes/minutes",
        ),
        (
            json!({"every-hours": {"hours": 8761, "from": "2026-01-01"}}),
            "/when/every-hours/hours",
        ),
        (
            json!({"every-days": {"days": 0, "from": "2026-01-01"}}),
            "/when/every-days/days",
        ),
        (
            json!({"every-weeks": {"weeks": 521, "at": "18:00", "from": "2026-01-01"}}),
            "/when/every-weeks/weeks",
        ),
        (
            json!({"weekly": {"days": [], "at": "18:00"}}),
            "/when/weekly/days",
        ),
        (
            json!({"monthly": {"days": [1, 32], "at": "18:00"}}),
            "/when/monthly/days/1",
        ),
        (
            json!({"monthly-by-weekday": {"on": [], "at": "18:00"}}),
            "/when/monthly-by-weekday/on",
        ),
        (
            json!({"yearly": {"month": 13, "day": 1, "at": "18:00"}}),
            "/when/yearly/month",
        ),
        (
            json!({"yearly": {"month": 2, "day": 30, "at": "18:00"}}),
            "/when/yearly/day",
        ),
        (
            json!({"agent-start": {"delay-minutes": 1441}}),
            "/when/agent-start/delay-minutes",
        ),
        (
            json!({"outbreak": {"sources": []}}),
            "/when/outbreak/sources",
        ),
        (
            json!({"after-task": {"task": 1, "outcomes": ["failed", "running"]}}),
            "/when/after-task/outcomes/1",
        ),
        (json!({"event": {"kind": ""}}), "/when/event/kind"),
        (
            json!({"event": {"kind": "a", "throttle": {"events": 0}}}),
            "/when/event/throttle/events",
        ),
    ];
    let rests = [
        (json!({"version": 2}), "/version"),
        (json!({"zone": "Mars/Base"}), "/zone"),
        (
            json!({"starts": "2026-01-02", "ends": "2026-01-01"}),
            "/ends",
        ),
        (
            json!({"random-delay": {"up-to": {"minutes": 0}}}),
            "/random-delay/up-to/minutes",
        ),
        (json!({"stop-after-minutes": 0}), "/stop-after-minutes"),
        (
            json!({"retry": {"attempts": 1, "first-minutes": 1}}),
            "/retry/attempts",
        ),
        (
            json!({"retry": {"attempts": 2, "first-minutes": 1, "after": []}}),
            "/retry/after",
        ),
    ];
    let whens = whens.map(|(when, pointer)| (json!({ "when": when }), pointer));
    let rests = rests.map(|(mut rest, pointer)| {
        rest["when"] = json!("manual");
        (rest, pointer)
    });
    for (json, pointer) in whens.into_iter().chain(rests) {
        let found = Schedule::parse(&json).unwrap_err();
        let places: Vec<&str> = found.iter().map(|one| one.pointer.as_str()).collect();
        assert_eq!(places, [pointer], "{json}");
    }
}

#[test]
fn every_item_reads_back_what_it_writes() {
    for when in [
        json!("manual"),
        json!("immediately"),
        json!({"once": {"at": "2026-03-10T12:00"}}),
        json!({"every-minutes": {"from": "2026-03-10"}}),
        json!({"every-hours": {"from": "2026-03-10"}}),
        json!({"every-days": {"from": "2026-03-10"}}),
        json!({"daily-without-daylight-saving": {"from": "2026-03-10"}}),
        json!({"every-weeks": {"at": "18:00", "from": "2026-03-10"}}),
        json!({"weekly": {"days": ["friday"], "at": "18:00"}}),
        json!({"monthly": {"days": [31], "at": "18:00", "short-month": "skip"}}),
        json!({"monthly-by-weekday": {"on": [{"nth": "last", "day": "sunday"}], "at": "18:00"}}),
        json!({"yearly": {"month": 2, "day": 29, "at": "18:00"}}),
        json!({"cron": {"expression": "0 4 * * 1"}}),
        json!({"application-start": {"delay-minutes": 5}}),
        json!({"agent-start": {"first-of-day": true}}),
        json!("repository-updated"),
        json!({"outbreak": {"sources": ["files", "perimeter"]}}),
        json!({"after-task": {"task": 7, "outcomes": ["succeeded"]}}),
        json!({"joined": {"group": 4}}),
        json!({"event": {"kind": "a.b", "throttle": {"events": 3}}}),
    ] {
        let read = schedule(&json!({ "when": when }));
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(schedule(&written), read, "{written}");
    }
}

#[test]
fn a_task_that_wants_more_time_than_is_left_is_held() {
    let window = json!({
        "name": "night", "kind": "maintenance", "zone": "utc", "minutes": 60,
        "opens": {"every-days": {"from": "2026-01-01T12:00"}}
    });
    let window = Window::parse(&window).unwrap().0;
    let windows = Windows::new(&[window], &TimeZone::UTC).unwrap();
    let held = |minutes| windows.hold_for(at(NOON), SignedDuration::from_mins(minutes));
    assert_eq!(held(60), None);
    let closes_at = at("2026-03-10T13:00:00Z");
    assert_eq!(held(61), Some(Hold::TooShort { closes_at }));
}
