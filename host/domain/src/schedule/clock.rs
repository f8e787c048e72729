//! Times as people write them: a time of day, and a minute on a device's own clock. Neither has a
//! zone; a schedule has one for all its times.

use jiff::civil::{Date, DateTime, Time};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A time of day in whole minutes, written `18:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(Time);

impl TimeOfDay {
    /// The first minute of a day.
    pub const MIDNIGHT: Self = Self(Time::midnight());

    /// The time as `jiff` has it; its seconds are 0.
    pub fn time(self) -> Time {
        self.0
    }
}

/// A minute on a clock on the wall, written `2026-10-25T02:30`. A day alone means its midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalMinute(DateTime);

impl LocalMinute {
    /// The time as `jiff` has it; its seconds are 0.
    pub fn datetime(self) -> DateTime {
        self.0
    }

    /// The minute that a time is in.
    pub(super) fn of(time: DateTime) -> Self {
        let whole = Time::constant(time.hour(), time.minute(), 0, 0);
        Self(time.date().to_datetime(whole))
    }
}

fn whole_minutes(time: Time) -> bool {
    time.second() == 0 && time.subsec_nanosecond() == 0
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse::<Time>()
            .ok()
            .filter(|time| whole_minutes(*time) && !text.contains(['T', 't', '-', ' ']))
            .map(Self)
            .ok_or_else(|| {
                format!("{text:?} is no time of day; write hours and minutes, such as 18:00")
            })
    }
}

impl TryFrom<String> for LocalMinute {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // jiff would read a zone or an offset behind the time and drop it, and one meant it.
        let plain = !text.contains(['Z', 'z', '[', '+']) && text.len() <= 19;
        text.parse::<DateTime>()
            .ok()
            .or_else(|| {
                text.parse::<Date>()
                    .ok()
                    .map(|day| day.to_datetime(Time::midnight()))
            })
            .filter(|local| plain && whole_minutes(local.time()))
            // Before that, zones had no rules that any schedule could mean.
            .filter(|local| (1970..=9998).contains(&local.year()))
            .map(Self)
            .ok_or_else(|| {
                format!(
                    "{text:?} is no minute from 1970 on; write it without a zone, such as \
                     2026-10-25T02:30"
                )
            })
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl fmt::Display for LocalMinute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{}", self.0.date(), TimeOfDay(self.0.time()))
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl From<LocalMinute> for String {
    fn from(minute: LocalMinute) -> Self {
        minute.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_minutes_and_read_back_what_they_write() {
        for text in ["00:00", "18:05", "23:59"] {
            assert_eq!(
                TimeOfDay::try_from(text.to_owned()).unwrap().to_string(),
                text
            );
        }
        for text in [
            "24:00",
            "18:00:01",
            "2026-01-01T18:00",
            "",
            "6pm",
            "18:00:00.5",
        ] {
            assert!(TimeOfDay::try_from(text.to_owned()).is_err(), "{text}");
        }
        for text in ["1970-01-01T00:00", "2026-10-25T02:30", "9998-12-31T23:59"] {
            assert_eq!(
                LocalMinute::try_from(text.to_owned()).unwrap().to_string(),
                text
            );
        }
        let midnight = LocalMinute::try_from("2026-10-25".to_owned()).unwrap();
        assert_eq!(midnight.to_string(), "2026-10-25T00:00");
        for text in [
            "1969-12-31T23:59",
            "9999-01-01",
            "2026-02-30T00:00",
            "2026-10-25T02:30:01",
            "2026-10-25T02:30Z",
            "2026-10-25T02:30+01:00",
            "2026-10-25T02:30-01:00",
            "2026-10-25T02:30[Europe/Berlin]",
            "02:30",
        ] {
            assert!(LocalMinute::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_minute_of_a_time_is_the_one_that_it_is_in() {
        let time = jiff::civil::datetime(2026, 10, 25, 2, 30, 59, 7);
        assert_eq!(LocalMinute::of(time).to_string(), "2026-10-25T02:30");
    }
}
