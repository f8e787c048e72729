//! What schedules promise: their times against an oracle, and every other rule by examples.

mod check;
mod occurrence;
mod oracle;
mod policy;
mod strategy;
mod trigger;
mod window;

use super::*;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

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

fn id(text: &str) -> OccurrenceId {
    OccurrenceId::try_from(text.to_owned()).unwrap()
}

/// The minute that an occurrence is named after, and whether it is that minute's second time.
fn named(id: OccurrenceId) -> (LocalMinute, bool) {
    match id {
        OccurrenceId::Time { local, second } => (local, second),
        other => panic!("{other} is named after no time"),
    }
}

const NOON: &str = "2026-03-10T12:00:00Z";
