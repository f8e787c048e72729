//! Rules: the items that name times, as a calendar or as an interval.

use super::calendar::{Calendar, Days, MonthDays, Times};
use super::clock::LocalMinute;
use super::when::{Weekday, When};
use jiff::civil::{Date, Time};

/// What names a schedule's times, in any zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    /// No time starts the task.
    None,
    Calendar(Calendar),
    /// Every so many seconds of elapsed time.
    Elapsed {
        first: LocalMinute,
        seconds: i64,
    },
}

// Bits 1 to 12.
const EVERY_MONTH: u16 = 0x1ffe;

impl Rule {
    /// The rule of an item.
    pub(super) fn of(when: &When) -> Self {
        let at = |days, time: Time| {
            Rule::Calendar(Calendar {
                days,
                times: Times::one(time),
            })
        };
        let weekdays = |days: &[Weekday]| days.iter().fold(0, |set, day| set | day.bit());
        let numbers = |days: &[u32]| {
            let real = days.iter().filter(|day| (1..=31).contains(*day));
            real.fold(0, |set, day| set | 1 << day)
        };
        let elapsed = |first: LocalMinute, seconds: u32, times: u32| Rule::Elapsed {
            first,
            seconds: (i64::from(seconds) * i64::from(times)).max(60),
        };
        match when {
            When::Once { at: once } => {
                let once = once.datetime();
                at(Days::One(once.date()), once.time())
            }
            When::EveryMinutes { minutes, from } => elapsed(*from, 60, *minutes),
            When::EveryHours { hours, from } => elapsed(*from, 3600, *hours),
            When::DailyWithoutDaylightSaving { from } => elapsed(*from, 86_400, 1),
            When::EveryDays { days, from } => {
                let from = from.datetime();
                let days = Days::Every {
                    days: *days,
                    from: from.date(),
                };
                at(days, from.time())
            }
            When::EveryWeeks {
                weeks,
                days,
                at: time,
                from,
            } => {
                let days = Days::Weeks {
                    weeks: (*weeks).max(1),
                    from: from.datetime().date(),
                    weekdays: weekdays(days),
                };
                at(days, time.time())
            }
            When::Weekly { days, at: time } => {
                let days = Days::Weeks {
                    weeks: 1,
                    from: Date::constant(1970, 1, 1),
                    weekdays: weekdays(days),
                };
                at(days, time.time())
            }
            When::Monthly {
                days,
                at: time,
                short_month,
            } => {
                let days = MonthDays::Numbers {
                    days: numbers(days),
                    short: *short_month,
                };
                let months = EVERY_MONTH;
                at(Days::Months { months, days }, time.time())
            }
            When::MonthlyByWeekday { on, at: time } => {
                let days =
                    MonthDays::Pattern(on.iter().map(|place| (place.nth, place.day)).collect());
                let months = EVERY_MONTH;
                at(Days::Months { months, days }, time.time())
            }
            When::Yearly {
                month,
                day,
                at: time,
                short_month,
            } => {
                let days = MonthDays::Numbers {
                    days: numbers(&[*day]),
                    short: *short_month,
                };
                let months = 1_u16.checked_shl(*month).unwrap_or(0) & EVERY_MONTH;
                at(Days::Months { months, days }, time.time())
            }
            When::Cron { expression } => Rule::Calendar(expression.calendar().clone()),
            When::Manual
            | When::Immediately
            | When::ApplicationStart { .. }
            | When::AgentStart { .. }
            | When::RepositoryUpdated
            | When::Outbreak { .. }
            | When::AfterTask { .. }
            | When::Joined(_)
            | When::Event { .. } => Rule::None,
        }
    }
}
