//! The times of schedules, against the oracle and by examples.

use super::oracle::{asked, oracle};
use super::*;
use proptest::prelude::*;
use serde_json::json;

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
