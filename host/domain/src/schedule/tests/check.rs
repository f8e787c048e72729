//! Findings, and the JSON form.

use super::*;
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
        json!({"event": {"kind": "a.b", "throttle": {"events": 3}}}),
    ] {
        let read = schedule(&json!({ "when": when }));
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(schedule(&written), read, "{written}");
    }
}
