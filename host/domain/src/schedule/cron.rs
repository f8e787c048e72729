//! Cron expressions: five fields, read once and kept as sets.

mod field;

use self::field::{DAY, HOUR, MINUTE, MONTH, WEEKDAY, from_monday, nth_weekday};
use super::calendar::{Calendar, Days, MonthDays, Times};
use jiff::civil::date;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A cron expression: minute, hour, day of month, month, day of week.
///
/// A field is `*`, or a list of numbers and ranges with or without a step (`*/15`, `1-5`,
/// `8-18/2`); months and weekdays may be names of three letters; Sunday is 0 or 7. The day of month
/// may be `L`, the last; the day of week may be `tue#2`, the second Tuesday, or `friL`, the last
/// Friday. Where neither of the two fields for days begins with `*` or `?`, a day is meant that fits one
/// of them, else one that fits both: the rule of every cron. `@hourly`, `@daily`, `@weekly`,
/// `@monthly` and `@yearly` are short forms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    text: String,
    calendar: Calendar,
}

impl Cron {
    pub(super) fn calendar(&self) -> &Calendar {
        &self.calendar
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> Self {
        cron.text
    }
}

impl TryFrom<String> for Cron {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() > 200 {
            return Err("the cron expression is longer than 200 bytes".to_owned());
        }
        let calendar = read(&text)?;
        // No day is named by, say, 30 February. Within one cycle of the calendar every day comes.
        if calendar.next(date(2000, 1, 1).at(0, 0, 0, 0)).is_none() {
            return Err(format!("{text:?} names no day that exists"));
        }
        Ok(Self { text, calendar })
    }
}

fn read(text: &str) -> Result<Calendar, String> {
    let text = match text.trim() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        other => other,
    };
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else {
        return Err(format!(
            "{text:?} has {} fields; write five: minute, hour, day of month, month, day of week",
            fields.len()
        ));
    };
    let mut days = 0;
    let mut last = false;
    for part in day.split(',') {
        if part == "L" || part == "l" {
            last = true;
        } else {
            days |= DAY.part(part)?;
        }
    }
    let mut weekdays = 0;
    let mut nth = Vec::new();
    for part in weekday.split(',') {
        match nth_weekday(part)? {
            Some(place) => nth.push(place),
            None => weekdays |= WEEKDAY.part(part)?,
        }
    }
    let free = |field: &str| field.starts_with(['*', '?']);
    Ok(Calendar {
        days: Days::Months {
            months: u16::try_from(MONTH.list(month)?).unwrap_or(u16::MAX),
            days: MonthDays::Cron {
                days: u32::try_from(days).unwrap_or(u32::MAX),
                last,
                weekdays: from_monday(weekdays),
                nth,
                either: !free(day) && !free(weekday),
            },
        },
        times: Times {
            hours: u32::try_from(HOUR.list(hour)?).unwrap_or(u32::MAX),
            minutes: MINUTE.list(minute)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first minutes from the beginning of 2026, which was a Thursday.
    fn first(expression: &str, count: usize) -> Vec<String> {
        let cron = Cron::try_from(expression.to_owned()).unwrap();
        let mut found = Vec::new();
        let mut from = date(2026, 1, 1).at(0, 0, 0, 0);
        while found.len() < count {
            let next = cron.calendar().next(from).unwrap();
            found.push(next.strftime("%m-%d %H:%M").to_string());
            from = next
                .checked_add(jiff::SignedDuration::from_secs(1))
                .unwrap();
        }
        found
    }

    #[test]
    fn lists_ranges_and_steps_name_minutes() {
        assert_eq!(
            first("*/25 8-18/9 * * *", 7),
            [
                "01-01 08:00",
                "01-01 08:25",
                "01-01 08:50",
                "01-01 17:00",
                "01-01 17:25",
                "01-01 17:50",
                "01-02 08:00"
            ]
        );
        assert_eq!(
            first("5/30,7 0 * * *", 4),
            ["01-01 00:05", "01-01 00:07", "01-01 00:35", "01-02 00:05"]
        );
        assert_eq!(first("59 23 31 12 *", 1), ["12-31 23:59"]);
        assert_eq!(
            first("0 0 1 JAN,mar-MAY *", 4),
            ["01-01 00:00", "03-01 00:00", "04-01 00:00", "05-01 00:00"]
        );
    }

    #[test]
    fn sunday_is_zero_seven_or_its_name() {
        for sunday in ["0", "7", "sun", "SUN", "7-7"] {
            assert_eq!(
                first(&format!("0 0 * * {sunday}"), 2),
                ["01-04 00:00", "01-11 00:00"]
            );
        }
        assert_eq!(
            first("0 0 * * 1-5", 3),
            ["01-01 00:00", "01-02 00:00", "01-05 00:00"]
        );
        assert_eq!(
            first("0 0 * * 5-7", 3),
            ["01-02 00:00", "01-03 00:00", "01-04 00:00"]
        );
        assert_eq!(first("0 0 * * sat", 1), ["01-03 00:00"]);
    }

    #[test]
    fn either_field_for_days_is_enough_unless_one_begins_with_a_star() {
        assert_eq!(
            first("0 0 13 * fri", 4),
            ["01-02 00:00", "01-09 00:00", "01-13 00:00", "01-16 00:00"]
        );
        assert_eq!(first("0 0 */2 * mon", 2), ["01-05 00:00", "01-19 00:00"]);
        assert_eq!(first("0 0 ? * tue", 1), ["01-06 00:00"]);
        assert_eq!(first("0 0 13 * ?", 1), ["01-13 00:00"]);
    }

    #[test]
    fn last_days_and_nth_weekdays() {
        assert_eq!(first("0 0 L * *", 2), ["01-31 00:00", "02-28 00:00"]);
        assert_eq!(first("0 0 * * tue#2", 2), ["01-13 00:00", "02-10 00:00"]);
        assert_eq!(first("0 0 * * 5L", 2), ["01-30 00:00", "02-27 00:00"]);
        assert_eq!(first("0 0 * * thu#5", 2), ["01-29 00:00", "04-30 00:00"]);
        for (nth, day) in [("1", "01"), ("3", "15"), ("4", "22")] {
            assert_eq!(
                first(&format!("0 0 * * 4#{nth}"), 1),
                [format!("01-{day} 00:00")]
            );
        }
    }

    #[test]
    fn short_forms() {
        for (short, long) in [
            ("@hourly", "0 * * * *"),
            ("@daily", "0 0 * * *"),
            ("@midnight", "0 0 * * *"),
            ("@weekly", "0 0 * * 0"),
            ("@monthly", "0 0 1 * *"),
            ("@yearly", "0 0 1 1 *"),
            ("@annually", "0 0 1 1 *"),
        ] {
            assert_eq!(read(short), read(long));
        }
    }

    #[test]
    fn what_is_wrong_is_refused_with_its_field() {
        for (wrong, says) in [
            ("* * * *", "4 fields"),
            ("0 * * * * *", "6 fields"),
            ("60 * * * *", "minute"),
            ("* 24 * * *", "hour"),
            ("* * 0 * *", "day of month"),
            ("* * 32 * *", "day of month"),
            ("* * * 13 *", "month"),
            ("* * * 0 *", "month"),
            ("* * * * 8", "day of week"),
            ("* * * * tue#6", "day of week"),
            ("* * * * tue#0", "day of week"),
            ("* * * * L", "day of week"),
            ("* * LW * *", "day of month"),
            ("*/0 * * * *", "minute"),
            ("*/60 * * * *", "minute"),
            ("5-3 * * * *", "minute"),
            ("+5 * * * *", "minute"),
            ("1,,2 * * * *", "minute"),
            ("jan * * * *", "minute"),
            ("0 0 30 2 *", "no day that exists"),
            ("@reboot", "1 fields"),
        ] {
            let text = Cron::try_from(wrong.to_owned()).unwrap_err();
            assert!(text.contains(says), "{wrong}: {text}");
        }
        assert!(Cron::try_from(format!("0 0 * * {}1", "1,".repeat(100))).is_err());
    }

    #[test]
    fn a_leap_day_on_a_weekday_is_found_within_the_calendars_cycle() {
        let cron = Cron::try_from("0 0 29 2 */7".to_owned()).unwrap();
        assert_eq!(
            cron.calendar().next(date(2026, 1, 1).at(0, 0, 0, 0)),
            Some(date(2032, 2, 29).at(0, 0, 0, 0))
        );
    }
}
