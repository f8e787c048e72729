//! Schedules against an oracle that is slow and obvious: it walks through time minute by minute, looks
//! at the clock on the wall, and asks the rule about that minute alone.

use super::window::{Hold, Window, Windows};
use super::*;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Both hemispheres; half an hour of daylight saving; a day that was skipped; changes at midnight; a
/// zone that gave daylight saving up, one with a negative one, and odd offsets.
const ZONES: [&str; 16] = [
    "UTC",
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Asia/Beirut",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Asia/Tehran",
    "America/St_Johns",
];

fn schedule(json: &Value) -> Schedule {
    Schedule::parse(json).unwrap().0
}

fn zone(name: &str) -> TimeZone {
    Zone::named(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

/// Whether a minute of the clock is one that the rule names, from the rule's own words.
fn names(when: &Value, local: DateTime) -> bool {
    let (item, rule) = when.as_object().unwrap().iter().next().unwrap();
    let clock = local.strftime("%H:%M").to_string();
    let weekday = local.strftime("%A").to_string().to_lowercase();
    let lists = |list: &Value, value: Value| list.as_array().unwrap().contains(&value);
    let last = local.date().last_of_month().day();
    let number = |days: &Value, short: &Value| {
        let by_number = lists(days, json!(local.day()));
        let too_long = |day: &Value| day.as_i64().unwrap() > i64::from(last);
        let stands_in =
            short != "skip" && local.day() == last && days.as_array().unwrap().iter().any(too_long);
        by_number || stands_in
    };
    let from = || rule["from"].as_str().unwrap().parse::<DateTime>().unwrap();
    match item.as_str() {
        "once" => local.strftime("%Y-%m-%dT%H:%M").to_string() == rule["at"],
        "weekly" => clock == rule["at"] && lists(&rule["days"], json!(weekday)),
        "monthly" => clock == rule["at"] && number(&rule["days"], &rule["short-month"]),
        "yearly" => {
            clock == rule["at"]
                && rule["month"] == json!(local.month())
                && number(&json!([rule["day"]]), &rule["short-month"])
        }
        "every-days" => {
            let days = from().date().duration_until(local.date()).as_hours() / 24;
            local >= from()
                && local.time() == from().time()
                && days % rule["days"].as_i64().unwrap() == 0
        }
        "every-weeks" => {
            // Monday, 5 January 1970, begins a week.
            let week = |day: jiff::civil::Date| {
                jiff::civil::date(1970, 1, 5)
                    .duration_until(day)
                    .as_hours()
                    .div_euclid(168)
            };
            let weeks = week(local.date()) - week(from().date());
            local.date() >= from().date()
                && clock == rule["at"]
                && lists(&rule["days"], json!(weekday))
                && weeks % rule["weeks"].as_i64().unwrap() == 0
        }
        "monthly-by-weekday" => {
            clock == rule["at"]
                && rule["on"].as_array().unwrap().iter().any(|place| {
                    let nth = match place["nth"].as_str().unwrap() {
                        "last" => local.day() + 7 > last,
                        name => {
                            let names = ["first", "second", "third", "fourth", "fifth"];
                            names.get(usize::try_from((local.day() - 1) / 7).unwrap())
                                == Some(&name)
                        }
                    };
                    nth && place["day"] == json!(weekday)
                })
        }
        // Only expressions of numbers, steps and stars are asked of the oracle.
        "cron" => {
            let fields: Vec<&str> = rule["expression"].as_str().unwrap().split(' ').collect();
            let fits = |field: &str, value: i8, least: i8| match field.strip_prefix("*/") {
                Some(step) => (value - least) % step.parse::<i8>().unwrap() == 0,
                None => field == "*" || field.split(',').any(|n| n.parse() == Ok(value)),
            };
            let day = fits(fields[2], local.day(), 1);
            let weekday = fits(fields[4], local.weekday().to_sunday_zero_offset(), 0);
            let either = !fields[2].starts_with('*') && !fields[4].starts_with('*');
            fits(fields[0], local.minute(), 0)
                && fits(fields[1], local.hour(), 0)
                && fits(fields[3], local.month(), 1)
                && if either {
                    day || weekday
                } else {
                    day && weekday
                }
        }
        other => panic!("the oracle does not know {other}"),
    }
}

/// All occurrences later than `after` and not later than `to`, with the local minute of each.
fn oracle(
    json: &Value,
    zone: &TimeZone,
    after: Timestamp,
    to: Timestamp,
) -> Vec<(Timestamp, String, bool)> {
    let schedule = schedule(json);
    let minute = minutes(1);
    let mut found: Vec<(Timestamp, String, bool)> = Vec::new();
    // A day and more before, so that it is seen whether a time comes for the second time.
    let mut now = after - SignedDuration::from_hours(50);
    let mut seen = std::collections::HashSet::new();
    let mut before = zone.to_datetime(now);
    while now < to {
        now += minute;
        let local = zone.to_datetime(now);
        let comes_again = zone.to_datetime(now + minutes(180)) < local + minutes(180)
            && (1..=180).any(|ahead| zone.to_datetime(now + minutes(ahead)) == local);
        let second = !seen.insert(local);
        let mut named = None;
        // What was skipped just now is due now, if that is wanted.
        let mut skipped = before + minute;
        while skipped < local {
            if named.is_none()
                && schedule.skipped_time == SkippedTime::AtTheChange
                && names(&json["when"], skipped)
            {
                named = Some((skipped, false));
            }
            skipped += minute;
        }
        let counts = match schedule.repeated_time {
            RepeatedTime::First => !second,
            RepeatedTime::Second => !comes_again,
            RepeatedTime::Both => true,
        };
        if named.is_none() && counts && names(&json["when"], local) {
            named = Some((
                local,
                second && schedule.repeated_time == RepeatedTime::Both,
            ));
        }
        if let Some((local, second)) = named
            && now > after
        {
            found.push((now, local.strftime("%Y-%m-%dT%H:%M").to_string(), second));
        }
        before = local;
    }
    found
}

fn asked(
    json: &Value,
    zone: &TimeZone,
    after: Timestamp,
    to: Timestamp,
) -> Vec<(Timestamp, String, bool)> {
    let table = Timetable::new(&schedule(json), zone).unwrap();
    table
        .within(after, to)
        .map(|next| {
            let (local, second) = named(next.id);
            (next.at, local.to_string(), second)
        })
        .collect()
}

/// The minute that an occurrence is named after, and whether it is that minute's second time.
fn named(id: OccurrenceId) -> (LocalMinute, bool) {
    match id {
        OccurrenceId::Time { local, second } => (local, second),
        other => panic!("{other} is named after no time"),
    }
}

#[test]
fn the_moment_of_a_name_is_the_one_that_has_it() {
    let rules = [
        json!({"when": {"weekly": {"days": ["sunday"], "at": "02:30"}}, "repeated-time": "both"}),
        json!({"when": {"weekly": {"days": ["sunday"], "at": "02:30"}}, "repeated-time": "second"}),
        json!({"when": {"cron": {"expression": "*/7 * * * *"}}}),
        json!({"when": {"every-hours": {"hours": 5, "from": "2026-01-01T00:30"}}}),
        json!({"when": {"daily-without-daylight-saving": {"from": "2026-01-01T02:30"}}}),
    ];
    let berlin = Zone::named("Europe/Berlin").unwrap();
    let (after, to) = (at("2026-10-20T00:00:00Z"), at("2026-10-28T00:00:00Z"));
    for rule in rules {
        let schedule = schedule(&rule);
        let table = Timetable::new(&schedule, &berlin).unwrap();
        let other = Timetable::new(&schedule, &TimeZone::UTC).unwrap();
        for found in table.within(after, to) {
            assert_eq!(
                table.moment_of(found.id),
                Some(found.at),
                "{rule} {}",
                found.id
            );
        }
        let strange = OccurrenceId::try_from("2026-10-25T02:31".to_owned()).unwrap();
        assert_eq!(table.moment_of(strange), None, "{rule}");
        assert_eq!(other.moment_of(OccurrenceId::Saved { revision: 1 }), None);
    }
}

fn clock() -> impl Strategy<Value = String> {
    // Clocks are changed at midnight, two, three: half of the rules name times about then.
    prop_oneof![
        (0..24_u8, 0..60_u8),
        (0..4_u8, prop_oneof![Just(0_u8), Just(30), 0..60_u8])
    ]
    .prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}"))
}

fn weekdays() -> impl Strategy<Value = Value> {
    let days = Weekday::ALL.to_vec();
    prop::sample::subsequence(days, 1..=4).prop_map(|days| json!(days))
}

fn a_when(year: i16) -> impl Strategy<Value = Value> {
    let from = (1..=12_u8, 1..=28_u8, clock())
        .prop_map(move |(month, day, at)| format!("{year}-{month:02}-{day:02}T{at}"))
        .boxed();
    let short = prop_oneof![Just("skip"), Just("last-day")];
    let nth = prop_oneof![
        Just("first"),
        Just("second"),
        Just("third"),
        Just("fourth"),
        Just("fifth"),
        Just("last")
    ];
    let cron_field = |of: std::ops::Range<i8>| {
        prop_oneof![
            Just("*".to_owned()),
            (2..8_i8).prop_map(|step| format!("*/{step}")),
            prop::collection::vec(of, 1..4).prop_map(|list| list
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(",")),
        ]
    };
    let cron = (
        cron_field(0..60),
        cron_field(0..4),
        cron_field(1..29),
        cron_field(1..13),
        cron_field(0..7),
    );
    prop_oneof![
        from.clone().prop_map(|at| json!({"once": {"at": at}})),
        (1..40_u32, from.clone()).prop_map(|(n, from)| json!({"every-days": {"days": n, "from": from}})),
        (1..5_u32, weekdays(), clock(), from)
            .prop_map(|(n, days, at, from)| json!({"every-weeks": {"weeks": n, "days": days, "at": at, "from": from}})),
        (weekdays(), clock()).prop_map(|(days, at)| json!({"weekly": {"days": days, "at": at}})),
        (prop::collection::vec(1..=31_u32, 1..4), clock(), short.clone())
            .prop_map(|(days, at, short)| json!({"monthly": {"days": days, "at": at, "short-month": short}})),
        (prop::collection::vec((nth, weekdays()), 1..3), clock()).prop_map(|(on, at)| {
            let on: Vec<Value> = on.iter().map(|(nth, days)| json!({"nth": nth, "day": days[0]})).collect();
            json!({"monthly-by-weekday": {"on": on, "at": at}})
        }),
        (1..=12_u32, 1..=29_u32, clock(), short)
            .prop_map(|(month, day, at, short)| json!({"yearly": {"month": month, "day": day, "at": at, "short-month": short}})),
        cron.prop_map(|(a, b, c, d, e)| json!({"cron": {"expression": format!("{a} {b} {c} {d} {e}")}})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    /// Half of the spans lie about a change of the zone's clocks.
    #[test]
    fn occurrences_are_those_of_the_oracle(
        ((year, when), place, name, near, offset) in (1975..2060_i16)
            .prop_flat_map(|year| (Just(year), a_when(year)))
            .prop_flat_map(|year| (Just(year), 0..525_000_i64, 0..ZONES.len(), any::<bool>(), 0..4000_i64)),
        skipped in prop_oneof![Just("at-the-change"), Just("skip")],
        repeated in prop_oneof![Just("first"), Just("second"), Just("both")],
    ) {
        let zone = zone(ZONES[name]);
        let begin = TimeZone::UTC.to_timestamp(jiff::civil::date(year, 1, 1).at(0, 0, 0, 0)).unwrap();
        let mut after = begin + minutes(place);
        if near && let Some(change) = zone.following(after).next() {
            after = change.timestamp() - minutes(offset);
        }
        let to = after + SignedDuration::from_hours(24 * 5);
        let json = json!({"when": when, "skipped-time": skipped, "repeated-time": repeated});
        prop_assume!(Schedule::parse(&json).is_ok());
        prop_assert_eq!(asked(&json, &zone, after, to), oracle(&json, &zone, after, to));
    }
}

#[test]
fn a_skipped_day_is_due_when_the_next_one_begins() {
    // Samoa went over the date line: 29 December 2011 was followed by the 31st.
    let json = json!({"when": {"monthly": {"days": [30], "at": "18:00"}}});
    let (after, to) = (at("2011-12-02T00:00:00Z"), at("2012-01-01T00:00:00Z"));
    assert_eq!(
        asked(&json, &zone("Pacific/Apia"), after, to),
        [(
            at("2011-12-30T10:00:00Z"),
            "2011-12-30T18:00".to_owned(),
            false
        )]
    );
}

#[test]
fn intervals_count_elapsed_time_and_days_count_by_the_clock() {
    let berlin = zone("Europe/Berlin");
    let (after, to) = (at("2026-03-28T00:00:00Z"), at("2026-03-30T00:00:00Z"));
    let starts = |json: &Value| -> Vec<String> {
        let found = asked(json, &berlin, after, to);
        found.iter().map(|(at, _, _)| at.to_string()).collect()
    };
    let from = "2026-03-27T04:00";
    assert_eq!(
        starts(&json!({"when": {"every-days": {"from": from}}})),
        ["2026-03-28T03:00:00Z", "2026-03-29T02:00:00Z"]
    );
    assert_eq!(
        starts(&json!({"when": {"every-hours": {"hours": 24, "from": from}}})),
        ["2026-03-28T03:00:00Z", "2026-03-29T03:00:00Z"]
    );
}

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
