//! `docs/schedules.md`: every example is read as the product reads it, and the times that the page tells
//! are computed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where what it stands on fails"
)]

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use muster_domain::finding::Finding;
use muster_domain::schedule::window::Window;
use muster_domain::schedule::{Schedule, Timetable, When, Zone};
use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/schedules.md");

/// A block of code: its language and its text.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let fences: Vec<&str> = PAGE.split("```").collect();
    let inside = fences.iter().skip(1).step_by(2);
    inside
        .map(|block| block.split_once('\n').unwrap())
        .collect()
}

enum Example {
    Schedule(Schedule, Vec<Finding>),
    Window(Window),
}

fn example(text: &str) -> Example {
    let json: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let wrong = |found: &Vec<Finding>| format!("{found:?}: {text}");
    if json.get("kind").is_some() {
        Example::Window(
            Window::parse(&json)
                .unwrap_or_else(|found| panic!("{}", wrong(&found)))
                .0,
        )
    } else {
        let (schedule, findings) =
            Schedule::parse(&json).unwrap_or_else(|found| panic!("{}", wrong(&found)));
        Example::Schedule(schedule, findings)
    }
}

/// What the first line of a block of times says: after when, and on a device in which zone.
fn asked(head: &str) -> (Timestamp, TimeZone) {
    let (after, zone) = head
        .trim_start_matches("starts after ")
        .trim_start_matches("opens after ")
        .trim_end_matches(':')
        .split_once(" in ")
        .unwrap();
    let zone = Zone::named(zone).unwrap();
    let local: DateTime = after.parse().unwrap();
    (zone.to_timestamp(local).unwrap(), zone)
}

fn shown(at: Timestamp, zone: &TimeZone) -> String {
    let local = zone.to_datetime(at).strftime("%a %Y-%m-%d %H:%M");
    let minutes = zone.to_offset(at).seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
    format!("{local} {sign}{hours:02}:{minutes:02}")
}

/// The lines of a block as they should be: as many as there are.
fn lines(example: &Example, head: &str, count: usize) -> Vec<String> {
    let (after, device) = asked(head);
    let (schedule, minutes) = match example {
        Example::Schedule(schedule, _) => (schedule.clone(), None),
        Example::Window(window) => {
            let mut schedule = Schedule::new(window.opens.clone());
            schedule.zone = window.zone.clone();
            (schedule, Some(window.minutes))
        }
    };
    let table = Timetable::new(&schedule, &device).unwrap();
    let mut lines = Vec::new();
    for next in table.after(after).take(count) {
        let mut line = shown(next.at, &device);
        let clock = device.to_datetime(next.at).strftime("%Y-%m-%dT%H:%M");
        if let Some(minutes) = minutes {
            let end = next.at + SignedDuration::from_mins(i64::from(minutes));
            line = format!("{line} to {}", shown(end, &device));
        } else if clock.to_string() != next.id.to_string() {
            line = format!("{line}, called {}", next.id);
        }
        lines.push(line);
    }
    if lines.len() < count {
        lines.push("none later".to_owned());
    }
    lines
}

#[test]
fn every_example_is_read_and_its_times_are_right() {
    let mut before = None;
    let mut times = 0;
    for (language, text) in blocks() {
        match language {
            "json" => before = Some(example(text)),
            "text" => {
                let mut told = text.lines();
                let head = told.next().unwrap();
                let told: Vec<&str> = told.collect();
                let found = lines(before.as_ref().unwrap(), head, told.len());
                assert_eq!(told, found, "{head}");
                times += 1;
            }
            other => panic!("a block of {other:?} is run by nobody"),
        }
    }
    assert!(times >= 20, "{times}");
}

/// The word of an item in JSON.
fn word(when: &When) -> String {
    match serde_json::to_value(when).unwrap() {
        Value::Object(item) => item.keys().next().unwrap().clone(),
        word => word.as_str().unwrap().to_owned(),
    }
}

#[test]
fn every_item_has_an_example() {
    let words: Vec<String> = blocks()
        .iter()
        .filter(|(language, _)| *language == "json")
        .filter_map(|(_, text)| match example(text) {
            Example::Schedule(schedule, _) => Some(word(&schedule.when)),
            Example::Window(_) => None,
        })
        .collect();
    // serde itself lists the items when it is given one that there is not.
    let unknown = serde_json::from_value::<When>(Value::from("?")).unwrap_err();
    let text = unknown.to_string();
    let (_, known) = text.split_once("expected one of ").unwrap();
    let known: Vec<&str> = known
        .split(", ")
        .map(|item| item.trim_matches('`'))
        .collect();
    assert!(known.len() >= 20, "{known:?}");
    for item in known {
        assert!(words.iter().any(|word| word == item), "{item}");
    }
}

#[test]
fn only_the_example_that_says_so_has_a_warning() {
    for (language, text) in blocks() {
        if language == "json"
            && let Example::Schedule(schedule, findings) = example(text)
        {
            let legacy = matches!(schedule.when, When::DailyWithoutDaylightSaving { .. });
            assert_eq!(findings.len(), usize::from(legacy), "{findings:?}");
        }
    }
}

/// Every code that the rules can give, from their source.
#[test]
fn every_code_is_explained() {
    let source = include_str!("../src/schedule/check.rs");
    let codes: Vec<&str> = source
        .split('"')
        .filter(|text| text.starts_with("schedule-") || text.starts_with("window-"))
        .collect();
    assert!(codes.len() >= 12, "{codes:?}");
    for code in codes {
        assert!(PAGE.contains(&format!("| `{code}` |")), "{code}");
    }
}
