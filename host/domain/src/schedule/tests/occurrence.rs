//! The times of schedules, against the oracle and by examples.

use super::oracle::{asked, oracle};
use super::strategy::{a_when, an_interval};
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    /// Half of the spans lie about a change of the zone's clocks.
    #[test]
    fn occurrences_are_those_of_the_oracle(
        ((year, when), place, name, near, offset) in (1975..2060_i16)
            .prop_flat_map(|year| (Just(year), prop_oneof![4 => a_when(year), 1 => an_interval(year)]))
            .prop_flat_map(|year| (Just(year), 0..525_000_i64, 0..ZONES.len(), any::<bool>(), 0..4000_i64)),
        skipped in prop_oneof![Just("at-the-change"), Just("skip")],
        repeated in prop_oneof![Just("first"), Just("second"), Just("both")],
        bounds in (prop::option::of(0..6000_i64), prop::option::of(0..6000_i64)),
    ) {
        let zone = zone(ZONES[name]);
        let begin = TimeZone::UTC.to_timestamp(jiff::civil::date(year, 1, 1).at(0, 0, 0, 0)).unwrap();
        let mut after = begin + minutes(place);
        if near && let Some(change) = zone.following(after).next() {
            after = change.timestamp() - minutes(offset);
        }
        let to = after + SignedDuration::from_hours(24 * 5);
        let mut json = json!({"when": when, "skipped-time": skipped, "repeated-time": repeated});
        // Bounds are what clocks in the zone show, or never show: those of another offset are as good.
        let bound = |into: i64| {
            let local = TimeZone::UTC.to_datetime(after + minutes(into)) + minutes(i64::from(zone.to_offset(after).seconds() / 60));
            json!(local.strftime("%Y-%m-%dT%H:%M").to_string())
        };
        for (name, into) in [("starts", bounds.0), ("ends", bounds.1)] {
            if let Some(into) = into {
                json[name] = bound(into);
            }
        }
        prop_assume!(Schedule::parse(&json).is_ok());
        prop_assert_eq!(asked(&json, &zone, after, to), oracle(&json, &zone, after, to));
    }
}

#[test]
fn bounds_count_both_times_of_an_hour_that_comes_twice_and_end_with_one_that_never_comes() {
    let berlin = zone("Europe/Berlin");
    let count = |day: &str, starts: &str, ends: &str| {
        let json = json!({
            "when": {"cron": {"expression": "*/15 * * * *"}}, "repeated-time": "both",
            "starts": format!("{day}T{starts}"), "ends": format!("{day}T{ends}"),
        });
        let (after, to) = (at("2026-03-01T00:00:00Z"), at("2026-11-01T00:00:00Z"));
        let found = asked(&json, &berlin, after, to);
        let end = |one: Option<&(Timestamp, String, bool)>| one.map(|(at, _, _)| at.to_string());
        (found.len(), end(found.first()), end(found.last()))
    };
    let told = |number, first: &str, last: &str| (number, Some(first.into()), Some(last.into()));
    // From the first 02:00 to the second 02:30.
    assert_eq!(
        count("2026-10-25", "02:00", "02:30"),
        told(7, "2026-10-25T00:00:00Z", "2026-10-25T01:30:00Z")
    );
    // Neither is ever shown: both are the moment of the change.
    assert_eq!(
        count("2026-03-29", "02:15", "02:45"),
        told(1, "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z")
    );
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
