//! What happens, and which schedules answer to it.

use super::*;
use crate::delivery::DeliveryState;
use crate::device::DeviceSet;
use crate::id::{ApplicationId, GroupId, SelectionId, TaskId};
use serde_json::json;

fn answer(when: &Value, fact: &Fact<'_>) -> Answer {
    let schedule = schedule(&json!({ "when": when }));
    schedule.answer(fact, at(NOON), &TimeZone::UTC).unwrap()
}

#[test]
fn a_schedule_answers_to_its_own_fact_alone() {
    let sets = [GroupId(4), GroupId(1)].map(DeviceSet::Group);
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
                source: OutbreakSource::Mail,
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
            Fact::Joined { sets: &sets },
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
        sets: &[
            DeviceSet::Group(GroupId(5)),
            DeviceSet::Selection(SelectionId(4)),
        ],
    };
    let joined = json!({"joined": {"group": 4}});
    assert_eq!(answer(&joined, &elsewhere), Answer::NotMeant);
    let joined = json!({"joined": {"selection": 4}});
    assert_eq!(answer(&joined, &elsewhere), Answer::Start { at: at(NOON) });
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
