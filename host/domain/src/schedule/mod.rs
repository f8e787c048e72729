//! Schedules: when a task starts by itself. Pure functions of time, the same on server and agent.
//!
//! Read in this order: [`when`] has the items that an administrator chooses from; `rule`, `calendar`
//! and [`cron`] say which minutes they name, [`zone`] which moments those are, [`occurrence`] puts them in
//! order, [`occurrence_id`] gives each its name; [`policy`] decides what happens when one is due, or was missed;
//! [`trigger`] answers to what happens; [`window`] says when nothing may start; [`forecast`] tells what
//! will come of it all; `check` finds what is
//! wrong with a schedule before it is saved.

mod calendar;
mod check;
pub mod clock;
pub mod cron;
pub mod forecast;
pub mod occurrence;
pub mod occurrence_id;
pub mod policy;
mod rule;
#[cfg(test)]
mod tests;
pub mod trigger;
pub mod when;
pub mod window;
pub mod zone;

pub use clock::{LocalMinute, TimeOfDay};
pub use occurrence::{Occurrence, Occurrences, Timetable};
pub use occurrence_id::{OccurrenceId, Starting};
pub use policy::{Due, Failure, MissedRuns, Overlap, OverlapStep, RandomDelay, Retry};
pub use trigger::{Answer, Fact, Throttle};
pub use when::{OutbreakSource, Weekday, When};
pub use zone::{RepeatedTime, SkippedTime, Zone};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// When a task starts by itself, and what holds for each start.
///
/// [`Schedule::parse`] reads and checks one from JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Schedule {
    /// The version of this form: 1. A reader refuses what it does not know.
    #[serde(default = "form")]
    pub version: u32,
    /// What starts the task.
    pub when: When,
    /// By which clock its times are meant.
    #[serde(default)]
    pub zone: Zone,
    /// What happens with a time that a day does not have.
    #[serde(default)]
    pub skipped_time: SkippedTime,
    /// What happens with a time that a day has twice.
    #[serde(default)]
    pub repeated_time: RepeatedTime,
    /// Nothing starts before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<LocalMinute>,
    /// Nothing starts later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<LocalMinute>,
    /// What happens with an occurrence that passed while the task could not start.
    #[serde(default)]
    pub missed_runs: MissedRuns,
    /// How long devices wait by chance.
    #[serde(default)]
    pub random_delay: RandomDelay,
    /// What happens if an earlier occurrence still runs.
    #[serde(default)]
    pub overlap: Overlap,
    /// Minutes after which the task is stopped: 1 to 10,080. Not at all if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_after_minutes: Option<u32>,
    /// Minutes before a start at which devices are woken over the network: 1 to 1,440. Not at all if
    /// left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_minutes_before: Option<u32>,
    /// Whether a failed one is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

fn form() -> u32 {
    Schedule::FORM
}

impl Schedule {
    /// The version of the JSON form that this program writes.
    pub const FORM: u32 = 1;

    /// A schedule with every choice left as it is by default.
    pub fn new(when: When) -> Self {
        Self {
            version: Self::FORM,
            when,
            zone: Zone::default(),
            skipped_time: SkippedTime::default(),
            repeated_time: RepeatedTime::default(),
            starts: None,
            ends: None,
            missed_runs: MissedRuns::default(),
            random_delay: RandomDelay::default(),
            overlap: Overlap::default(),
            stop_after_minutes: None,
            wake_minutes_before: None,
            retry: None,
        }
    }

    /// When a task that began at a moment is stopped, if it is.
    pub fn stop_at(&self, began: Timestamp) -> Option<Timestamp> {
        let minutes = self.stop_after_minutes?;
        Some(trigger::later(began, minutes))
    }

    /// When devices are woken for a start, if they are.
    pub fn wake_at(&self, start: Timestamp) -> Option<Timestamp> {
        let minutes = i64::from(self.wake_minutes_before?);
        let early = jiff::SignedDuration::from_mins(minutes);
        Some(start.checked_sub(early).unwrap_or(Timestamp::MIN))
    }
}
