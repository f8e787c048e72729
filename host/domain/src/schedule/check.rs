//! Reads schedules and windows, and finds what is wrong with them: every fault, each with its place.

use super::when::When;
use super::window::Window;
use super::zone::Zone;
use super::{RandomDelay, Schedule};
use crate::finding::{Finding, Level, any_error};
use crate::text::is_steering;
use jiff::tz::TimeZone;
use std::ops::RangeInclusive;

impl Schedule {
    /// Reads a schedule. Its warnings come with it; what cannot be used is refused with all findings.
    pub fn parse(json: &serde_json::Value) -> Result<(Self, Vec<Finding>), Vec<Finding>> {
        let schedule: Self = crate::json::read(json, "schedule-form")?;
        judged(schedule.check()).map(|findings| (schedule, findings))
    }

    /// What is wrong with it, or worth a word.
    pub fn check(&self) -> Vec<Finding> {
        let mut found = Found::default();
        found.version(self.version, Self::FORM);
        found.when("/when", &self.when);
        found.zone(&self.zone);
        if self
            .starts
            .zip(self.ends)
            .is_some_and(|(starts, ends)| ends < starts)
        {
            let text = "The schedule ends before it starts.";
            found.error("/ends", "schedule-ends-before-start", text);
        }
        if let RandomDelay::UpTo { minutes } = self.random_delay {
            found.range("/random-delay/up-to/minutes", minutes, 1..=1440);
        }
        if let Some(minutes) = self.stop_after_minutes {
            found.range("/stop-after-minutes", minutes, 1..=10_080);
        }
        if let Some(minutes) = self.wake_minutes_before {
            found.range("/wake-minutes-before", minutes, 1..=1440);
            if !self.when.names_times() {
                let text = "Devices cannot be woken before a start whose time nobody knows before.";
                found.warning("/wake-minutes-before", "schedule-wake-unknown", text);
            }
        }
        if let Some(retry) = &self.retry {
            found.range("/retry/attempts", retry.attempts, 2..=20);
            found.range("/retry/first-minutes", retry.first_minutes, 1..=1440);
            found.range("/retry/factor", retry.factor, 1..=10);
            found.range("/retry/longest-minutes", retry.longest_minutes, 1..=10_080);
            found.some("/retry/after", &retry.after);
        }
        // Whether it ever starts is asked only of what is right otherwise.
        if self.when.names_times() && !any_error(&found.0) && self.never_starts() {
            let text = "The schedule's dates leave no time at which the task starts.";
            found.error("/when", "schedule-never", text);
        }
        found.0
    }

    fn never_starts(&self) -> bool {
        // Two zones disagree on the hours that are skipped, so for devices' own clocks UTC decides,
        // which skips none.
        super::Timetable::new(self, &TimeZone::UTC)
            .is_ok_and(|table| table.after(jiff::Timestamp::UNIX_EPOCH).next().is_none())
    }
}

impl Window {
    /// Reads a window. Its warnings come with it; what cannot be used is refused with all findings.
    pub fn parse(json: &serde_json::Value) -> Result<(Self, Vec<Finding>), Vec<Finding>> {
        let window: Self = crate::json::read(json, "schedule-form")?;
        judged(window.check()).map(|findings| (window, findings))
    }

    /// What is wrong with it, or worth a word.
    pub fn check(&self) -> Vec<Finding> {
        let mut found = Found::default();
        found.version(self.version, Self::FORM);
        let length = self.name.chars().count();
        if !(1..=100).contains(&length) || self.name.contains(is_steering) {
            let text = "A window's name has 1 to 100 characters, and none that steers a terminal.";
            found.error("/name", "window-name", text);
        }
        found.when("/opens", &self.opens);
        if !self.opens.names_times() {
            let text = "A window opens at times; write one of the items that name them.";
            found.error("/opens", "window-without-time", text);
        }
        found.range("/minutes", self.minutes, 1..=44_640);
        found.zone(&self.zone);
        found.0
    }
}

impl When {
    /// Whether it names times, so that one can be told beforehand.
    pub fn names_times(&self) -> bool {
        matches!(
            self,
            Self::Once { .. }
                | Self::EveryMinutes { .. }
                | Self::EveryHours { .. }
                | Self::EveryDays { .. }
                | Self::DailyWithoutDaylightSaving { .. }
                | Self::EveryWeeks { .. }
                | Self::Weekly { .. }
                | Self::Monthly { .. }
                | Self::MonthlyByWeekday { .. }
                | Self::Yearly { .. }
                | Self::Cron { .. }
        )
    }
}

fn judged(findings: Vec<Finding>) -> Result<Vec<Finding>, Vec<Finding>> {
    if any_error(&findings) {
        Err(findings)
    } else {
        Ok(findings)
    }
}

#[derive(Default)]
struct Found(Vec<Finding>);

impl Found {
    fn error(&mut self, pointer: &str, code: &str, text: impl Into<String>) {
        self.0.push(Finding::error(pointer, code, text));
    }

    fn warning(&mut self, pointer: &str, code: &str, text: impl Into<String>) {
        self.0.push(Finding {
            level: Level::Warning,
            ..Finding::error(pointer, code, text)
        });
    }

    fn version(&mut self, version: u32, known: u32) {
        if version != known {
            let text = format!("Version {version} of this form is not known here, only {known}.");
            self.error("/version", "schedule-version", text);
        }
    }

    fn zone(&mut self, zone: &Zone) {
        if let Err(unknown) = zone.rules(&TimeZone::UTC) {
            self.error("/zone", "schedule-zone", unknown.to_string());
        }
    }

    fn range(&mut self, pointer: &str, value: u32, range: RangeInclusive<u32>) {
        if !range.contains(&value) {
            let (least, most) = range.into_inner();
            let text = format!("{value} is not from {least} to {most}.");
            self.0.push(Finding {
                params: vec![
                    ("value".to_owned(), value.to_string()),
                    ("least".to_owned(), least.to_string()),
                    ("most".to_owned(), most.to_string()),
                ],
                ..Finding::error(pointer, "schedule-range", text)
            });
        }
    }

    /// A list that must name something.
    fn some<T>(&mut self, pointer: &str, list: &[T]) {
        if list.is_empty() {
            self.error(
                pointer,
                "schedule-empty",
                "The list is empty; name at least one.",
            );
        }
    }

    fn when(&mut self, at: &str, when: &When) {
        let place = |rest: &str| format!("{at}/{rest}");
        match when {
            When::EveryMinutes { minutes, .. } => {
                self.range(&place("every-minutes/minutes"), *minutes, 1..=1440);
            }
            When::EveryHours { hours, .. } => {
                self.range(&place("every-hours/hours"), *hours, 1..=8760);
            }
            When::EveryDays { days, .. } => {
                self.range(&place("every-days/days"), *days, 1..=3660);
            }
            When::DailyWithoutDaylightSaving { .. } => self.warning(
                &place("daily-without-daylight-saving"),
                "schedule-legacy",
                "By the clock this starts at another time while daylight saving time holds; \
                 every-days does not.",
            ),
            When::EveryWeeks { weeks, days, .. } => {
                self.range(&place("every-weeks/weeks"), *weeks, 1..=520);
                self.some(&place("every-weeks/days"), days);
            }
            When::Weekly { days, .. } => self.some(&place("weekly/days"), days),
            When::Monthly { days, .. } => {
                self.some(&place("monthly/days"), days);
                for (index, day) in days.iter().enumerate() {
                    self.range(&place(&format!("monthly/days/{index}")), *day, 1..=31);
                }
            }
            When::MonthlyByWeekday { on, .. } => self.some(&place("monthly-by-weekday/on"), on),
            When::Yearly { month, day, .. } => {
                self.range(&place("yearly/month"), *month, 1..=12);
                let most = match month {
                    2 => 29,
                    4 | 6 | 9 | 11 => 30,
                    _ => 31,
                };
                self.range(&place("yearly/day"), *day, 1..=most);
            }
            When::ApplicationStart { delay_minutes, .. } => {
                self.range(
                    &place("application-start/delay-minutes"),
                    *delay_minutes,
                    0..=1440,
                );
            }
            When::AgentStart { delay_minutes, .. } => {
                self.range(
                    &place("agent-start/delay-minutes"),
                    *delay_minutes,
                    0..=1440,
                );
            }
            When::Outbreak { sources } => self.some(&place("outbreak/sources"), sources),
            When::AfterTask { outcomes, .. } => {
                for (index, state) in outcomes.iter().enumerate() {
                    if !state.is_final() {
                        let text = format!("No task ends as {state}.");
                        let place = place(&format!("after-task/outcomes/{index}"));
                        self.error(&place, "schedule-outcome", text);
                    }
                }
            }
            When::Event { kind, throttle, .. } => {
                if kind.is_empty() || kind.len() > 200 || kind.contains(is_steering) {
                    let text = "An event's kind has 1 to 200 bytes, such as device.enrolled.";
                    self.error(&place("event/kind"), "schedule-event-kind", text);
                }
                let limit = |name| place(&format!("event/throttle/{name}"));
                self.range(&limit("events"), throttle.events, 1..=10_000);
                self.range(
                    &limit("within-minutes"),
                    throttle.within_minutes,
                    0..=10_080,
                );
                self.range(&limit("pause-minutes"), throttle.pause_minutes, 0..=525_600);
            }
            When::Manual
            | When::Immediately
            | When::Once { .. }
            | When::Cron { .. }
            | When::RepositoryUpdated
            | When::Joined(_) => {}
        }
    }
}
