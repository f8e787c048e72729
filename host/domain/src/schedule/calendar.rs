//! Days and times of day, without any zone: which minutes of an endless calendar a rule names.
//!
//! Every item that names days is a set of days and a set of times, so one question answers them all:
//! the first minute, at or after a given one. It costs a handful of steps however far away the answer
//! is, but for rules that name a day once in many years, where it looks at each month on the way.

use super::when::{Nth, ShortMonth, Weekday};
use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, Time};

/// After so many months the Gregorian calendar, weekdays included, begins anew: what was not found by
/// then does not exist.
const CYCLE_MONTHS: u32 = 400 * 12;

/// Minutes of the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) days: Days,
    pub(super) times: Times,
}

impl Calendar {
    /// The first of its minutes that is not before `from`.
    pub(super) fn next(&self, from: DateTime) -> Option<DateTime> {
        let day = self.days.next(from.date())?;
        if day > from.date() {
            return Some(day.to_datetime(self.times.first()?));
        }
        if let Some(time) = self.times.next(from.time()) {
            return Some(day.to_datetime(time));
        }
        let day = self.days.next(day.tomorrow().ok()?)?;
        Some(day.to_datetime(self.times.first()?))
    }
}

/// Times of day: these minutes in each of these hours. One bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) hours: u32,
    pub(super) minutes: u64,
}

impl Times {
    pub(super) fn one(time: Time) -> Self {
        Self {
            hours: 1 << time.hour(),
            minutes: 1 << time.minute(),
        }
    }

    fn first(self) -> Option<Time> {
        time(self.hours.trailing_zeros(), self.minutes.trailing_zeros())
    }

    /// The first one that is not before `from`.
    fn next(self, from: Time) -> Option<Time> {
        let begun = from.second() > 0 || from.subsec_nanosecond() > 0;
        let minute = i8::from(begun) + from.minute();
        let hour = 1_u32 << from.hour();
        if self.hours & hour != 0 {
            let left = self.minutes & (u64::MAX << minute);
            if left != 0 {
                return time(hour.trailing_zeros(), left.trailing_zeros());
            }
        }
        let later = self.hours & !(hour | (hour - 1));
        time(later.trailing_zeros(), self.minutes.trailing_zeros())
    }
}

fn time(hour: u32, minute: u32) -> Option<Time> {
    Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok()
}

/// Days of the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Days {
    /// One alone.
    One(Date),
    /// Every so many days, the first of them being `from`.
    Every { days: u32, from: Date },
    /// These weekdays (bit 0 is Monday) in every so many weeks, the first being the week of `from`;
    /// none before `from`. Weeks begin on Monday.
    Weeks {
        weeks: u32,
        from: Date,
        weekdays: u8,
    },
    /// In these months (bit 1 is January) what `days` names.
    Months { months: u16, days: MonthDays },
}

impl Days {
    /// The first of them that is not before `from`.
    fn next(&self, from: Date) -> Option<Date> {
        match self {
            Self::One(day) => (*day >= from).then_some(*day),
            Self::Every { days, from: first } => next_multiple(*first, *days, from),
            Self::Weeks {
                weeks,
                from: first,
                weekdays,
            } => {
                let from = from.max(*first);
                let monday = monday_of(*first)?;
                let this = next_multiple(monday, weeks.checked_mul(7)?, monday_of(from)?)?;
                // In the week of `from` its first days may be over, and no other is left.
                in_week(this, *weekdays, from).or_else(|| {
                    let next = this.checked_add(i64::from(*weeks).weeks()).ok()?;
                    in_week(next, *weekdays, from)
                })
            }
            Self::Months { months, days } => next_in_months(*months, days, from),
        }
    }
}

fn next_multiple(first: Date, days: u32, from: Date) -> Option<Date> {
    let gone = first.duration_until(from).as_hours() / 24;
    let days = i64::from(days.max(1));
    let periods = gone.max(0).checked_add(days - 1)? / days;
    first.checked_add((periods * days).days()).ok()
}

fn monday_of(day: Date) -> Option<Date> {
    let gone = i64::from(day.weekday().to_monday_zero_offset());
    day.checked_sub(gone.days()).ok()
}

fn in_week(monday: Date, weekdays: u8, from: Date) -> Option<Date> {
    (0..7)
        .filter(|day| weekdays & (1 << day) != 0)
        .filter_map(|day| monday.checked_add(i64::from(day).days()).ok())
        .find(|day| *day >= from)
}

fn next_in_months(months: u16, days: &MonthDays, from: Date) -> Option<Date> {
    let mut month = from.first_of_month();
    let mut left = u32::MAX << from.day();
    for _ in 0..=CYCLE_MONTHS {
        if months & (1 << month.month()) != 0 {
            let named = days.of(month) & left;
            if named != 0 {
                let day = i8::try_from(named.trailing_zeros()).ok()?;
                return Date::new(month.year(), month.month(), day).ok();
            }
        }
        left = u32::MAX;
        month = month.last_of_month().tomorrow().ok()?;
    }
    None
}

/// Days within a month. Sets of days have bit 1 for the 1st.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MonthDays {
    /// By their numbers.
    Numbers { days: u32, short: ShortMonth },
    /// As "second Tuesday".
    Pattern(Vec<(Nth, Weekday)>),
    /// What cron can say in its two fields.
    Cron {
        days: u32,
        last: bool,
        weekdays: u8,
        nth: Vec<(Nth, Weekday)>,
        /// One of the two fields is enough; else both must hold.
        either: bool,
    },
}

impl MonthDays {
    /// The days of a month, given its first.
    fn of(&self, first: Date) -> u32 {
        let length = first.days_in_month();
        let all = (u32::MAX >> (31 - length)) & !1;
        match self {
            Self::Numbers { days, short } => {
                let missing = days & !all != 0;
                let last = missing && *short == ShortMonth::LastDay;
                days & all | u32::from(last) << length
            }
            Self::Pattern(places) => pattern(first, places),
            Self::Cron {
                days,
                last,
                weekdays,
                nth,
                either,
            } => {
                let by_number = days & all | u32::from(*last) << length;
                let by_weekday = on_weekdays(first, *weekdays) | pattern(first, nth);
                if *either {
                    by_number | by_weekday
                } else {
                    by_number & by_weekday
                }
            }
        }
    }
}

fn pattern(first: Date, places: &[(Nth, Weekday)]) -> u32 {
    places
        .iter()
        .filter_map(|(nth, weekday)| {
            first
                .nth_weekday_of_month(nth.number(), weekday.to_jiff())
                .ok()
        })
        .fold(0, |days, day| days | 1 << day.day())
}

fn on_weekdays(first: Date, weekdays: u8) -> u32 {
    let weekday_of_first = first.weekday().to_monday_zero_offset();
    (1..=first.days_in_month())
        .filter(|day| weekdays & (1 << ((weekday_of_first + day - 1) % 7)) != 0)
        .fold(0, |days, day| days | 1 << day)
}
