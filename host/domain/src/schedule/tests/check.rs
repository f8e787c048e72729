//! Findings, and the JSON form.

use super::*;
use crate::finding::Level;
use serde_json::json;

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
        json!({"joined": {"selection": 4}}),
        json!({"event": {"kind": "a.b", "throttle": {"events": 3}}}),
    ] {
        let read = schedule(&json!({ "when": when }));
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(schedule(&written), read, "{written}");
    }
}

#[test]
fn what_is_worth_a_word_is_a_warning_and_is_kept() {
    for (json, pointer, code) in [
        (
            json!({"when": {"daily-without-daylight-saving": {"from": "2026-01-01"}}}),
            "/when/daily-without-daylight-saving",
            "schedule-legacy",
        ),
        (
            json!({"when": "repository-updated", "wake-minutes-before": 10}),
            "/wake-minutes-before",
            "schedule-wake-unknown",
        ),
    ] {
        let (_, found) = Schedule::parse(&json).unwrap();
        let told: Vec<(Level, &str, &str)> = found
            .iter()
            .map(|one| (one.level, &*one.pointer, &*one.code))
            .collect();
        assert_eq!(told, [(Level::Warning, pointer, code)], "{json}");
    }
    let known = json!({"when": {"once": {"at": "2026-01-01"}}, "wake-minutes-before": 10});
    assert_eq!(Schedule::parse(&known).unwrap().1, []);
}

#[test]
fn a_schedule_without_any_start_is_refused() {
    let last = json!({"when": {"weekly": {"days": ["friday"], "at": "18:00"}}});
    let bounded = |starts: &str, ends: &str| {
        let mut json = last.clone();
        json["starts"] = json!(starts);
        json["ends"] = json!(ends);
        Schedule::parse(&json).map_err(|found| found[0].code.clone())
    };
    // 2 January 2026 is a Friday.
    assert!(bounded("2026-01-02T18:00", "2026-01-02T18:00").is_ok());
    for (starts, ends) in [
        ("2026-01-02T18:01", "2026-01-09T17:59"),
        ("2026-01-01", "2026-01-02"),
    ] {
        assert_eq!(bounded(starts, ends), Err("schedule-never".to_owned()));
    }
    let past = json!({"when": {"once": {"at": "2026-01-01"}}, "starts": "2026-01-02"});
    assert_eq!(
        Schedule::parse(&past).unwrap_err()[0].code,
        "schedule-never"
    );
}

#[test]
fn codes_tell_what_is_wrong() {
    for (json, code) in [
        (json!({"when": "someday"}), "schedule-form"),
        (json!({"when": "manual", "colour": 1}), "schedule-form"),
        (
            json!({"when": {"weekly": {"days": ["friday"], "at": "25:00"}}}),
            "schedule-form",
        ),
        (
            json!({"when": {"cron": {"expression": "0 0 30 2 *"}}}),
            "schedule-form",
        ),
        (json!({"when": "manual", "version": 0}), "schedule-version"),
        (
            json!({"when": "manual", "zone": "Mars/Base"}),
            "schedule-zone",
        ),
        (
            json!({"when": "manual", "starts": "2026-01-02", "ends": "2026-01-01"}),
            "schedule-ends-before-start",
        ),
        (
            json!({"when": {"every-days": {"days": 0, "from": "2026-01-01"}}}),
            "schedule-range",
        ),
        (
            json!({"when": {"outbreak": {"sources": []}}}),
            "schedule-empty",
        ),
        (
            json!({"when": {"after-task": {"task": 1, "outcomes": ["running"]}}}),
            "schedule-outcome",
        ),
        (
            json!({"when": {"event": {"kind": "a\nb"}}}),
            "schedule-event-kind",
        ),
    ] {
        let found = Schedule::parse(&json).unwrap_err();
        let codes: Vec<&str> = found.iter().map(|one| &*one.code).collect();
        assert_eq!(codes, [code], "{json}");
    }
}
