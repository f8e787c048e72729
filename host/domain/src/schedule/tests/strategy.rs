//! What random tests draw from.

use super::*;
use proptest::prelude::*;
use serde_json::json;

pub(super) fn clock() -> impl Strategy<Value = String> {
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

/// Any item that names days and times, with its dates in a year.
pub(super) fn a_when(year: i16) -> impl Strategy<Value = Value> {
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

/// Any item that counts elapsed time, from a minute in a year.
pub(super) fn an_interval(year: i16) -> impl Strategy<Value = Value> {
    let from = (1..=12_u8, 1..=28_u8, clock())
        .prop_map(move |(month, day, at)| format!("{year}-{month:02}-{day:02}T{at}"))
        .boxed();
    prop_oneof![
        (1..=1440_u32, from.clone())
            .prop_map(|(n, from)| json!({"every-minutes": {"minutes": n, "from": from}})),
        (1..=100_u32, from.clone())
            .prop_map(|(n, from)| json!({"every-hours": {"hours": n, "from": from}})),
        from.prop_map(|from| json!({"daily-without-daylight-saving": {"from": from}})),
    ]
}
