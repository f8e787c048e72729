//! An oracle that is slow and obvious: it walks through time minute by minute, looks at the clock on the
//! wall, and asks the rule about that minute alone.

use super::*;
use jiff::civil::DateTime;
use serde_json::json;

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

/// The first minute of a rule that counts elapsed time, and how many minutes it counts.
fn interval(when: &Value) -> Option<(DateTime, i64)> {
    let (item, rule) = when.as_object()?.iter().next()?;
    let length = match item.as_str() {
        "every-minutes" => rule["minutes"].as_i64()?,
        "every-hours" => rule["hours"].as_i64()? * 60,
        "daily-without-daylight-saving" => 24 * 60,
        _ => return None,
    };
    Some((rule["from"].as_str()?.parse().ok()?, length))
}

/// The minutes about a time, whatever the zone, in order, with what its clocks show.
fn about(zone: &TimeZone, local: DateTime) -> impl Iterator<Item = (Timestamp, DateTime)> + '_ {
    let middle = TimeZone::UTC.to_timestamp(local).unwrap();
    (-3000..3000_i64)
        .map(move |count| middle + minutes(count))
        .map(|now| (now, zone.to_datetime(now)))
}

/// The first minute at which clocks show a time, or a later one because they never show that.
fn first_shown(zone: &TimeZone, local: DateTime) -> Timestamp {
    let shown = about(zone, local).find(|(_, shown)| *shown >= local);
    shown.unwrap().0
}

/// The last minute at which clocks show a time; where they never do, the first at which it has passed.
fn last_shown(zone: &TimeZone, local: DateTime) -> Timestamp {
    let last = about(zone, local)
        .filter(|(_, shown)| *shown == local)
        .last();
    last.map_or_else(|| first_shown(zone, local), |(now, _)| now)
}

/// All occurrences later than `after` and not later than `to`, with the local minute of each.
pub(super) fn oracle(
    json: &Value,
    zone: &TimeZone,
    after: Timestamp,
    to: Timestamp,
) -> Vec<(Timestamp, String, bool)> {
    let schedule = schedule(json);
    let minute = minutes(1);
    let starts = schedule
        .starts
        .map(|starts| first_shown(zone, starts.datetime()));
    let ends = schedule.ends.map(|ends| last_shown(zone, ends.datetime()));
    let outside = |now: Timestamp| {
        starts.is_some_and(|starts| now < starts) || ends.is_some_and(|ends| now > ends)
    };
    if let Some((from, length)) = interval(&json["when"]) {
        let anchor = first_shown(zone, from);
        let mut found = Vec::new();
        let mut now = after;
        while now < to {
            now += minute;
            let gone = now.duration_since(anchor).as_mins();
            if gone >= 0 && gone % length == 0 && !outside(now) {
                let local = from + minutes(gone);
                found.push((now, local.strftime("%Y-%m-%dT%H:%M").to_string(), false));
            }
        }
        return found;
    }
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
            && !outside(now)
        {
            found.push((now, local.strftime("%Y-%m-%dT%H:%M").to_string(), second));
        }
        before = local;
    }
    found
}

pub(super) fn asked(
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
