//! What is decided when an occurrence is due: whether a missed one is made good, how long a device
//! waits by chance, what happens if the task still runs, and whether a failed one is tried again.

use super::occurrence::{Occurrence, Timetable};
use super::occurrence_id::OccurrenceId;
use super::trigger::later;
use crate::id::{DeviceId, TaskId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What happens with an occurrence that passed while the device was off, or the task could not be
/// started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub enum MissedRuns {
    /// Nothing.
    Ignore,
    /// The newest is made good, as soon as can be.
    #[default]
    Once,
    /// Each is made good, the oldest first; of more than 1,000, the newest 1,000.
    Each,
    /// The newest is made good unless it is too old.
    YoungerThan {
        /// The age, in minutes, from which on it is not.
        minutes: u32,
    },
}

/// So long after its time an occurrence is on time. A clock's tick and a busy device need that.
pub const ON_TIME: SignedDuration = SignedDuration::from_secs(60);

/// At most so many missed occurrences are looked at.
pub const MOST_MISSED: usize = 1000;

/// What is to be done with the occurrences of a span of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// These start now, in this order.
    pub start: Vec<Occurrence>,
    /// These wait for the end of their random delay.
    pub wait: Vec<(Occurrence, Timestamp)>,
    /// These are missed, and stay so.
    pub missed: Vec<Occurrence>,
    /// Before those there were more, missed as well, and too many to be listed.
    pub more_missed: bool,
}

impl MissedRuns {
    /// What is to be done at `now` with the occurrences since `after`, up to which all was done.
    /// `start_at` says when an occurrence starts on this device, which is never before its time.
    pub fn due(
        self,
        table: &Timetable,
        after: Timestamp,
        now: Timestamp,
        start_at: impl Fn(&Occurrence) -> Timestamp,
    ) -> Due {
        let (found, more_missed) = table.newest(after, now, MOST_MISSED);
        let mut due = Due {
            more_missed,
            ..Due::default()
        };
        let mut late = Vec::new();
        for occurrence in found {
            let start = start_at(&occurrence).max(occurrence.at);
            if start > now {
                due.wait.push((occurrence, start));
            } else if now.duration_since(start) <= ON_TIME {
                due.start.push(occurrence);
            } else {
                late.push((occurrence, start));
            }
        }
        // What starts on time makes good all that went before.
        let newest_is_on_time = !due.start.is_empty();
        let kept = match self {
            Self::Each => late.len(),
            Self::Once => usize::from(!newest_is_on_time),
            Self::YoungerThan { minutes } => {
                let young = late
                    .last()
                    .is_some_and(|(_, start)| later(*start, minutes) > now);
                usize::from(young && !newest_is_on_time)
            }
            Self::Ignore => 0,
        };
        let mut good = late.split_off(late.len().saturating_sub(kept));
        due.missed = late.into_iter().map(|(occurrence, _)| occurrence).collect();
        let on_time = std::mem::take(&mut due.start);
        due.start = good
            .drain(..)
            .map(|(occurrence, _)| occurrence)
            .chain(on_time)
            .collect();
        // A random delay of its own may have let a later occurrence be on time before an earlier one.
        due.start.sort();
        due
    }
}

/// How long devices wait by chance before they start, so that not all start at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub enum RandomDelay {
    /// Not at all.
    #[default]
    None,
    /// Up to a minute for every 100 devices that the task is for, three hours at most; not at all for
    /// fewer than 100.
    Automatic,
    /// Up to so many minutes.
    UpTo {
        /// 1 to 1,440.
        minutes: u32,
    },
}

impl RandomDelay {
    /// The longest that it can be, for a task on so many devices.
    pub fn longest(self, devices: u32) -> SignedDuration {
        let minutes = match self {
            Self::None => 0,
            Self::Automatic => (devices / 100).min(180),
            Self::UpTo { minutes } => minutes,
        };
        SignedDuration::from_mins(i64::from(minutes))
    }

    /// The delay of one occurrence on one device: the same whoever asks and whenever, in whole
    /// seconds, evenly spread from none to the longest.
    pub fn of(
        self,
        task: TaskId,
        device: DeviceId,
        occurrence: OccurrenceId,
        devices: u32,
    ) -> SignedDuration {
        let name = format!("muster random delay 1\n{task}\n{device}\n{occurrence}");
        let hash = Sha256::digest(name.as_bytes());
        let drawn = hash
            .iter()
            .take(8)
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let seconds = u64::try_from(self.longest(devices).as_secs()).unwrap_or(0);
        let chosen = drawn % (seconds + 1);
        SignedDuration::from_secs(i64::try_from(chosen).unwrap_or(0))
    }
}

/// What happens with an occurrence that is due while an earlier one still runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// It does not start, and is missed.
    #[default]
    Forbid,
    /// It starts when the earlier one has ended. One can wait; a newer one takes its place.
    Queue,
    /// The earlier one is stopped, and it starts then.
    Replace,
}

/// What an [`Overlap`] decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum OverlapStep {
    /// Start it.
    Start,
    /// It is missed: the running one has its place.
    Miss {
        /// The running one.
        running: OccurrenceId,
    },
    /// It waits for the running one's end.
    Wait {
        /// The running one.
        running: OccurrenceId,
        /// The one that waited until now, if any; it is missed.
        instead_of: Option<OccurrenceId>,
    },
    /// Stop the running one, and start it when that has ended.
    Stop {
        /// The running one.
        running: OccurrenceId,
        /// The one that waited until now, if any; it is missed.
        instead_of: Option<OccurrenceId>,
    },
}

impl Overlap {
    /// What happens with an occurrence that is due now, given what runs and what waits.
    pub fn step(self, running: Option<OccurrenceId>, waiting: Option<OccurrenceId>) -> OverlapStep {
        match (self, running) {
            (_, None) => OverlapStep::Start,
            (Self::Forbid, Some(running)) => OverlapStep::Miss { running },
            (Self::Queue, Some(running)) => OverlapStep::Wait {
                running,
                instead_of: waiting,
            },
            (Self::Replace, Some(running)) => OverlapStep::Stop {
                running,
                instead_of: waiting,
            },
        }
    }
}

/// Why an attempt did not do what it should, as far as that decides on another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// The application said so.
    Failed,
    /// It ran into its time limit.
    TimedOut,
    /// The application stopped, or the device did, while the task was at it.
    Interrupted,
    /// The application did not run, or had no connector.
    NotReady,
    /// The device refused the order.
    Refused,
}

/// Whether and when a task is tried again on a device where it failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Retry {
    /// So many attempts in all, the first included: 2 to 20.
    pub attempts: u32,
    /// Minutes from the first failure to the second attempt: 1 to 1,440.
    pub first_minutes: u32,
    /// Each later pause is so many times as long: 1 to 10, 2 if left out.
    #[serde(default = "two")]
    pub factor: u32,
    /// No pause is longer than so many minutes: 1 to 10,080; a day if left out.
    #[serde(default = "day")]
    pub longest_minutes: u32,
    /// After these failures; `interrupted`, `not-ready` and `timed-out` if left out, as what an
    /// application calls failed is seldom better a minute later.
    #[serde(default = "passing")]
    pub after: Vec<Failure>,
}

fn two() -> u32 {
    2
}

fn day() -> u32 {
    1440
}

fn passing() -> Vec<Failure> {
    vec![Failure::Interrupted, Failure::NotReady, Failure::TimedOut]
}

impl Retry {
    /// When the next attempt is, after so many of them and a failure at `now`; none if there is none.
    pub fn next(&self, attempts: u32, failure: Failure, now: Timestamp) -> Option<Timestamp> {
        if attempts >= self.attempts || !self.after.contains(&failure) {
            return None;
        }
        let growth = self.factor.saturating_pow(attempts.saturating_sub(1));
        let pause = self.first_minutes.saturating_mul(growth);
        Some(later(now, pause.min(self.longest_minutes)))
    }
}
