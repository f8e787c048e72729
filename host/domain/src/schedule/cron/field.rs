//! One field of a cron expression: the numbers that it names.

use crate::schedule::when::{Nth, Weekday};
use std::ops::RangeInclusive;

/// One of the five fields: the numbers that it takes, and their names from the first on.
pub(super) struct Field {
    name: &'static str,
    range: RangeInclusive<u32>,
    names: &'static [&'static str],
}

pub(super) const MINUTE: Field = Field {
    name: "minute",
    range: 0..=59,
    names: &[],
};
pub(super) const HOUR: Field = Field {
    name: "hour",
    range: 0..=23,
    names: &[],
};
pub(super) const DAY: Field = Field {
    name: "day of month",
    range: 1..=31,
    names: &[],
};
pub(super) const MONTH: Field = Field {
    name: "month",
    range: 1..=12,
    names: &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ],
};
pub(super) const WEEKDAY: Field = Field {
    name: "day of week",
    range: 0..=7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

impl Field {
    /// A whole field, one bit for each number that it names.
    pub(super) fn list(&self, text: &str) -> Result<u64, String> {
        text.split(',')
            .try_fold(0, |bits, part| Ok(bits | self.part(part)?))
    }

    /// One part of a list.
    pub(super) fn part(&self, text: &str) -> Result<u64, String> {
        let (range, step) = match text.split_once('/') {
            None => (text, None),
            Some((range, step)) => match step.parse::<u32>() {
                Ok(step) if step >= 1 && step <= *self.range.end() => (range, Some(step)),
                _ => return Err(self.wrong(text)),
            },
        };
        let (from, to) = if range == "*" || range == "?" {
            (*self.range.start(), *self.range.end())
        } else if let Some((from, to)) = range.split_once('-') {
            (self.number(from, text)?, self.number(to, text)?)
        } else {
            let from = self.number(range, text)?;
            // As in `5/15`: from 5 on.
            let to = if step.is_some() {
                *self.range.end()
            } else {
                from
            };
            (from, to)
        };
        if from > to {
            return Err(self.wrong(text));
        }
        let step = usize::try_from(step.unwrap_or(1)).unwrap_or(1);
        Ok((from..=to).step_by(step).fold(0, |bits, n| bits | 1 << n))
    }

    fn number(&self, text: &str, part: &str) -> Result<u32, String> {
        let named = self
            .names
            .iter()
            .zip(*self.range.start()..)
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
            .map(|(_, number)| number);
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        named
            .or_else(|| text.parse().ok().filter(|_| digits))
            .filter(|number| self.range.contains(number))
            .ok_or_else(|| self.wrong(part))
    }

    fn wrong(&self, part: &str) -> String {
        format!(
            "{part:?} is wrong in the field for the {}, which takes {} to {}{}, lists, ranges and \
             steps",
            self.name,
            self.range.start(),
            self.range.end(),
            if self.names.is_empty() { "" } else { ", names" },
        )
    }
}

/// `tue#2` and `friL`; nothing if a part is neither.
pub(super) fn nth_weekday(part: &str) -> Result<Option<(Nth, Weekday)>, String> {
    let (day, nth) = if let Some((day, nth)) = part.split_once('#') {
        let nth = match nth {
            "1" => Nth::First,
            "2" => Nth::Second,
            "3" => Nth::Third,
            "4" => Nth::Fourth,
            "5" => Nth::Fifth,
            _ => return Err(WEEKDAY.wrong(part)),
        };
        (day, nth)
    } else if let Some(day) = part.strip_suffix(['L', 'l']) {
        (day, Nth::Last)
    } else {
        return Ok(None);
    };
    let number = WEEKDAY.number(day, part)?;
    Ok(Weekday::ALL
        .into_iter()
        .find(|weekday| from_monday(1 << number) == weekday.bit())
        .map(|weekday| (nth, weekday)))
}

/// Cron's weekdays, where bits 0 and 7 are Sunday, as a set whose bit 0 is Monday.
pub(super) fn from_monday(bits: u64) -> u8 {
    let sunday = u64::from(bits & 0x81 != 0);
    u8::try_from((bits >> 1) & 0x3f | sunday << 6).unwrap_or(0x7f)
}
