//! What a schedule will do: its next starts, told before it is saved.

use super::occurrence_id::OccurrenceId;
use super::window::{Hold, Windows};
use super::zone::UnknownZone;
use super::{Schedule, Timetable};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// A start that is to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// What it is called.
    pub occurrence: OccurrenceId,
    /// When it is due.
    pub at: Timestamp,
    /// How far clocks are set forward on that day, or back where it is below nothing. None on a day
    /// like any other.
    pub clocks_change: Option<SignedDuration>,
    /// Why it does not start then.
    pub held: Option<Hold>,
    /// When it starts because of that; none where it does not, or not in the next two years.
    pub starts_at: Option<Timestamp>,
}

/// The next starts of a schedule on a device with such a clock and such windows, at most `most`.
pub fn starts(
    schedule: &Schedule,
    device: &TimeZone,
    windows: &Windows,
    from: Timestamp,
    most: usize,
) -> Result<Vec<Start>, UnknownZone> {
    let table = Timetable::new(schedule, device)?;
    let zone = schedule.zone.rules(device)?;
    let start = |next: super::Occurrence| {
        let held = windows.hold(next.at);
        let chance = windows.earliest(next.at, SignedDuration::ZERO);
        Start {
            occurrence: next.id,
            at: next.at,
            clocks_change: change(&zone, next.at),
            held,
            starts_at: chance.map(|chance| chance.from),
        }
    };
    Ok(table.after(from).take(most).map(start).collect())
}

/// How far clocks are set on the day that a moment is in.
fn change(zone: &TimeZone, at: Timestamp) -> Option<SignedDuration> {
    let midnight = |day: Date| {
        let midnight = zone.to_ambiguous_timestamp(day.to_datetime(Time::midnight()));
        midnight.compatible().ok()
    };
    let day = zone.to_datetime(at).date();
    let (begin, end) = (midnight(day)?, midnight(day.checked_add(1.day()).ok()?)?);
    let whole = SignedDuration::from_hours(24);
    let change = whole - end.duration_since(begin);
    (!change.is_zero()).then_some(change)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Zone;
    use crate::schedule::window::Window;
    use serde_json::json;

    fn schedule(json: &serde_json::Value) -> Schedule {
        Schedule::parse(json).unwrap().0
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn days_on_which_clocks_are_set_are_marked() {
        let daily = schedule(&json!({"when": {"every-days": {"from": "2026-01-01T12:00"}}}));
        let none = Windows::new(&[], &TimeZone::UTC).unwrap();
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let hour = SignedDuration::from_hours(1);
        for (from, marks) in [
            ("2026-03-27T12:00:00Z", [None, Some(hour), None]),
            ("2026-10-23T12:00:00Z", [None, Some(-hour), None]),
        ] {
            let starts = starts(&daily, &berlin, &none, at(from), 3).unwrap();
            let found: Vec<_> = starts.iter().map(|start| start.clocks_change).collect();
            assert_eq!(found, marks);
        }
        let utc = starts(&daily, &TimeZone::UTC, &none, at("2026-03-27T12:00:00Z"), 3).unwrap();
        assert!(utc.iter().all(|start| start.clocks_change.is_none()));
    }

    #[test]
    fn a_start_that_a_window_holds_is_told_with_its_time() {
        let daily = schedule(&json!({"when": {"every-days": {"from": "2026-01-01T12:00"}}}));
        let blackout = json!({"name": "lunch", "kind": "blackout", "minutes": 90,
            "opens": {"weekly": {"days": ["monday"], "at": "11:30"}}});
        let blackout = Window::parse(&blackout).unwrap().0;
        let windows = Windows::new(&[blackout], &TimeZone::UTC).unwrap();
        let from = at("2026-03-07T12:00:00Z");
        let starts = starts(&daily, &TimeZone::UTC, &windows, from, 2).unwrap();
        let [sunday, monday] = starts.as_slice() else {
            panic!("{starts:?}");
        };
        assert_eq!((&sunday.held, sunday.starts_at), (&None, Some(sunday.at)));
        let until = at("2026-03-09T13:00:00Z");
        assert_eq!(monday.starts_at, Some(until));
        let window = "lunch".to_owned();
        assert_eq!(monday.held, Some(Hold::Blackout { window, until }));
    }
}
