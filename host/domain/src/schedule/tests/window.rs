//! Windows and blackouts, against one who looks at each minute, and by examples.

use super::*;
use crate::schedule::window::{Hold, Window, Windows};
use proptest::prelude::*;
use serde_json::json;

fn window(kind: &str, hour: i64, length: i64, every: i64) -> Value {
    json!({
        "name": format!("{kind} {hour} {length} {every}"), "kind": kind, "minutes": length, "zone": "utc",
        "opens": {"every-minutes": {"minutes": every, "from": format!("2026-01-01T{hour:02}:00")}}
    })
}

/// Whether a task may start at a minute: each window looked at by itself, opening by opening.
fn open(windows: &[(bool, i64, i64, i64)], minute: i64) -> bool {
    let is_open = |(_, hour, length, every): &(bool, i64, i64, i64)| {
        (0..40).any(|count| (0..*length).contains(&(minute - hour * 60 - count * every)))
    };
    let mut maintenance = windows.iter().filter(|window| !window.0).peekable();
    let permitted = maintenance.peek().is_none() || maintenance.any(is_open);
    permitted && !windows.iter().any(|window| window.0 && is_open(window))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_answer_as_if_each_minute_was_looked_at(
        specs in prop::collection::vec((any::<bool>(), 0..6_i64, 1..400_i64, 200..900_i64), 0..5),
        from in 0..600_i64, room in 0..120_i64,
    ) {
        let json = |(blackout, hour, length, every): &(bool, i64, i64, i64)| {
            let kind = if *blackout { "blackout" } else { "maintenance" };
            Window::parse(&window(kind, *hour, *length, *every)).unwrap().0
        };
        let list: Vec<Window> = specs.iter().map(json).collect();
        let windows = Windows::new(&list, &TimeZone::UTC).unwrap();
        let begin = at("2026-01-01T00:00:00Z");
        let now = begin + minutes(from);
        let last = 4000;
        let shut = |start: i64| (start..last).find(|minute| !open(&specs, *minute));

        prop_assert_eq!(windows.hold(now).is_none(), open(&specs, from));
        if open(&specs, from)
            && let Some(shut) = shut(from)
        {
            prop_assert_eq!(windows.until(now), Some(begin + minutes(shut)));
        }
        let fits = |start: &i64| {
            open(&specs, *start) && shut(*start).is_none_or(|shut| shut - start >= room)
        };
        if let Some(start) = (from..last - 1000).find(fits) {
            let chance = windows.earliest(now, minutes(room)).unwrap();
            prop_assert_eq!(chance.from, begin + minutes(start));
        }
    }
}

#[test]
fn a_hold_names_its_window_and_its_end_and_a_blackout_wins() {
    let list = [
        ("nights", "maintenance", "22:00", 480),
        ("end of year", "blackout", "23:00", 60),
    ]
    .map(|(name, kind, at, minutes)| {
        let days = Weekday::ALL;
        let json = json!({"name": name, "kind": kind, "minutes": minutes, "zone": "utc",
            "opens": {"weekly": {"days": days, "at": at}}});
        Window::parse(&json).unwrap().0
    });
    let windows = Windows::new(&list, &TimeZone::UTC).unwrap();
    let hold = |time: &str| windows.hold(at(time));
    assert_eq!(
        hold("2026-12-30T21:59:59Z"),
        Some(Hold::OutsideWindows {
            window: Some("nights".to_owned()),
            opens_at: Some(at("2026-12-30T22:00:00Z")),
        })
    );
    assert_eq!(hold("2026-12-30T22:00:00Z"), None);
    assert_eq!(
        hold("2026-12-30T23:00:00Z"),
        Some(Hold::Blackout {
            window: "end of year".to_owned(),
            until: at("2026-12-31T00:00:00Z"),
        })
    );
    let chance = windows
        .earliest(at("2026-12-30T22:10:00Z"), minutes(55))
        .unwrap();
    assert_eq!(chance.from, at("2026-12-31T00:00:00Z"));
    assert_eq!(chance.until, Some(at("2026-12-31T06:00:00Z")));
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
