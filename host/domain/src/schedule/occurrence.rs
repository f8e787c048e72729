//! Occurrences: the times at which a schedule starts its task, and what each is called.

use super::Schedule;
use super::calendar::Calendar;
use super::clock::LocalMinute;
use super::occurrence_id::OccurrenceId;
use super::rule::Rule;
use super::zone::{Moment, Pass, RepeatedTime, SkippedTime, UnknownZone, local_floor, moment};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// One time at which a schedule starts its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Occurrence {
    /// When.
    pub at: Timestamp,
    /// What it is called.
    pub id: OccurrenceId,
}

/// A schedule's times in one zone, ready to be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Timetable {
    rule: Rule,
    zone: TimeZone,
    skipped: SkippedTime,
    repeated: RepeatedTime,
    starts: Option<Timestamp>,
    ends: Option<Timestamp>,
}

impl Timetable {
    /// The times of a schedule on a device with such a clock.
    pub fn new(schedule: &Schedule, device: &TimeZone) -> Result<Self, UnknownZone> {
        let zone = schedule.zone.rules(device)?;
        let bound = |local: Option<LocalMinute>, pass| {
            local.and_then(|local| Some(moment(&zone, local.datetime(), pass)?.at))
        };
        Ok(Self {
            starts: bound(schedule.starts, Pass::First),
            ends: bound(schedule.ends, Pass::Second),
            rule: Rule::of(&schedule.when),
            skipped: schedule.skipped_time,
            repeated: schedule.repeated_time,
            zone,
        })
    }

    /// The occurrences later than a moment, in order, without end unless the schedule has one. Each
    /// costs a few steps, and none is made before it is asked for.
    pub fn after(&self, after: Timestamp) -> Occurrences<'_> {
        // An occurrence at the very start counts.
        let start = self
            .starts
            .and_then(|starts| starts.checked_sub(SignedDuration::from_nanos(1)).ok());
        let after = start.map_or(after, |start| after.max(start));
        let (first, second) = match self.repeated {
            RepeatedTime::First => (true, false),
            RepeatedTime::Second => (false, true),
            RepeatedTime::Both => (true, true),
        };
        let stream = |wanted: bool, pass| wanted.then(|| Stream::new(self, after, pass));
        Occurrences {
            table: self,
            after,
            first: stream(first, Pass::First).flatten(),
            second: stream(second, Pass::Second).flatten(),
        }
    }

    /// Whether a moment is neither before the schedule's start nor after its end.
    pub fn holds_at(&self, moment: Timestamp) -> bool {
        self.starts.is_none_or(|starts| starts <= moment)
            && self.ends.is_none_or(|ends| moment <= ends)
    }

    /// The moment of the occurrence with a name; none if the schedule's rule gives no such one here.
    pub fn moment_of(&self, id: OccurrenceId) -> Option<Timestamp> {
        let OccurrenceId::Time { local, second } = id else {
            return None;
        };
        let minute = SignedDuration::from_mins(1);
        let pass = if second || self.repeated == RepeatedTime::Second {
            Pass::Second
        } else {
            Pass::First
        };
        let near = match &self.rule {
            Rule::None => return None,
            Rule::Calendar(_) => moment(&self.zone, local.datetime(), pass)?.at,
            Rule::Elapsed { first, .. } => {
                let elapsed = local.datetime().duration_since(first.datetime());
                let anchor = moment(&self.zone, first.datetime(), Pass::First)?.at;
                anchor.checked_add(elapsed).ok()?
            }
        };
        let before = near.checked_sub(minute).ok()?;
        self.within(before, near)
            .find(|found| found.id == id)
            .map(|found| found.at)
    }

    /// The occurrences later than `after` and not later than `to`, in order.
    pub fn within(&self, after: Timestamp, to: Timestamp) -> impl Iterator<Item = Occurrence> + '_ {
        self.after(after).take_while(move |next| next.at <= to)
    }

    /// The newest occurrences later than `after` and not later than `to`, at most so many, in order;
    /// and whether there are older ones among them. Costs as much as what it gives, however long
    /// ago `after` is.
    pub fn newest(&self, after: Timestamp, to: Timestamp, most: usize) -> (Vec<Occurrence>, bool) {
        // Mostly there are few, and they are all.
        let few: Vec<Occurrence> = self
            .within(after, to)
            .take(most.saturating_add(1))
            .collect();
        if few.len() <= most {
            return (few, false);
        }
        // Ever longer spans before `to`, until one holds enough. It holds at most about twice as many
        // as the one before, which did not.
        let mut span = SignedDuration::from_mins(1);
        loop {
            let begin = to.checked_sub(span).unwrap_or(Timestamp::MIN).max(after);
            let mut found: Vec<Occurrence> = self.within(begin, to).collect();
            if found.len() > most || begin == after {
                let older = found.len().saturating_sub(most);
                return (found.split_off(older), older > 0);
            }
            span = span.saturating_mul(2);
        }
    }
}

/// What [`Timetable::after`] gives.
#[derive(Debug, Clone)]
pub struct Occurrences<'a> {
    table: &'a Timetable,
    after: Timestamp,
    first: Option<Stream>,
    second: Option<Stream>,
}

impl Iterator for Occurrences<'_> {
    type Item = Occurrence;

    fn next(&mut self) -> Option<Occurrence> {
        let next = match &self.table.rule {
            Rule::None => None,
            Rule::Elapsed { first, seconds } => self.table.elapsed(*first, *seconds, self.after),
            Rule::Calendar(calendar) => {
                let after = self.after;
                let peek = |stream: &mut Option<Stream>| {
                    stream.as_mut()?.later_than(self.table, calendar, after)
                };
                let (first, second) = (peek(&mut self.first), peek(&mut self.second));
                // At the same moment both streams have the same time, and it is one occurrence.
                match (first, second) {
                    (Some(first), Some(second)) if second.at < first.at => Some(second),
                    (first, second) => first.or(second),
                }
            }
        }?;
        if self.table.ends.is_some_and(|ends| next.at > ends) {
            return None;
        }
        self.after = next.at;
        Some(next)
    }
}

impl Timetable {
    fn elapsed(&self, first: LocalMinute, seconds: i64, after: Timestamp) -> Option<Occurrence> {
        let anchor = moment(&self.zone, first.datetime(), Pass::First)?.at;
        let gone = after.duration_since(anchor);
        let periods = if gone.is_negative() {
            0
        } else {
            gone.as_secs().checked_div(seconds)?.checked_add(1)?
        };
        let elapsed = SignedDuration::from_secs(periods.checked_mul(seconds)?);
        Some(Occurrence {
            at: anchor.checked_add(elapsed).ok()?,
            id: OccurrenceId::Time {
                local: LocalMinute::of(first.datetime().checked_add(elapsed).ok()?),
                second: false,
            },
        })
    }
}

/// A calendar's minutes, each at its first or at its second time.
#[derive(Debug, Clone)]
struct Stream {
    pass: Pass,
    next: Option<LocalMinute>,
}

impl Stream {
    fn new(table: &Timetable, after: Timestamp, pass: Pass) -> Option<Self> {
        let Rule::Calendar(calendar) = &table.rule else {
            return None;
        };
        let next = calendar.next(local_floor(&table.zone, after));
        let next = next.map(LocalMinute::of);
        Some(Self { pass, next })
    }

    /// The first one that is later than a moment. Stays where it is until the moment has passed it.
    fn later_than(
        &mut self,
        table: &Timetable,
        calendar: &Calendar,
        after: Timestamp,
    ) -> Option<Occurrence> {
        loop {
            let local = self.next?;
            let Moment {
                at,
                skipped,
                repeated,
            } = moment(&table.zone, local.datetime(), self.pass)?;
            let passed_over = skipped && table.skipped == SkippedTime::Skip;
            if at > after && !passed_over {
                // Named second only where both count: else zones with and without the change would
                // have two names for what is one occurrence.
                let second =
                    repeated && self.pass == Pass::Second && table.repeated == RepeatedTime::Both;
                return Some(Occurrence {
                    at,
                    id: OccurrenceId::Time { local, second },
                });
            }
            let minute = SignedDuration::from_mins(1);
            let following = local.datetime().checked_add(minute).ok()?;
            self.next = calendar.next(following).map(LocalMinute::of);
        }
    }
}
