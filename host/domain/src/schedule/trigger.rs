//! What happens, as far as it starts tasks: whether a schedule answers to a fact, when, and if not,
//! why not.

use super::Schedule;
use super::occurrence::Timetable;
use super::when::{OutbreakSource, When};
use super::zone::UnknownZone;
use crate::delivery::DeliveryState;
use crate::device::DeviceSet;
use crate::id::{ApplicationId, TaskId};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How many events it takes to start a task, and how often they may. 0 leaves a limit out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Throttle {
    /// So many events must have come, 1 if left out…
    pub events: u32,
    /// …within so many minutes.
    pub within_minutes: u32,
    /// From one start to the next at least so many minutes pass.
    pub pause_minutes: u32,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            events: 1,
            within_minutes: 0,
            pause_minutes: 0,
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<'a> {
    /// The task was saved.
    Saved,
    /// The task's application started on the device.
    ApplicationStarted {
        /// When it started the time before, if ever.
        before: Option<Timestamp>,
    },
    /// The agent started on the device.
    AgentStarted {
        /// When it started the time before, if ever.
        before: Option<Timestamp>,
    },
    /// The server's repository has new updates.
    RepositoryUpdated,
    /// A malware outbreak began.
    Outbreak {
        /// Where the malware is found.
        source: OutbreakSource,
    },
    /// A delivery of a task became final, where the scope of the question is a device; or a run did,
    /// and `state` is the worst that came of it.
    TaskEnded {
        /// The task.
        task: TaskId,
        /// How it ended.
        state: DeliveryState,
    },
    /// The device came into a group, or into a selection.
    Joined {
        /// Where it was not before; of groups, the group itself and those above it.
        sets: &'a [DeviceSet],
    },
    /// An event.
    Event {
        /// Its kind.
        kind: &'a str,
        /// The application that it is about.
        application: Option<&'a ApplicationId>,
        /// When events came that this schedule answers to since the task's last start, this one
        /// included, in order.
        came: &'a [Timestamp],
        /// When events started the task last.
        started: Option<Timestamp>,
    },
}

/// What a schedule says to a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// The task starts.
    Start {
        /// When.
        at: Timestamp,
    },
    /// This is not what the schedule waits for.
    NotMeant,
    /// The other task did not end in a way that counts.
    OtherOutcome {
        /// How it ended.
        state: DeliveryState,
    },
    /// It started today already.
    NotFirstOfDay,
    /// So far too few events came within the time.
    TooFew {
        /// How many came.
        came: u32,
        /// How many it takes.
        of: u32,
    },
    /// Events started the task a short time ago.
    Throttled {
        /// When they may again.
        until: Timestamp,
    },
    /// The schedule has not begun, or is over.
    OutOfDates,
}

impl Schedule {
    /// What the schedule says to a fact, at the moment at which that happened.
    pub fn answer(
        &self,
        fact: &Fact<'_>,
        at: Timestamp,
        device: &TimeZone,
    ) -> Result<Answer, UnknownZone> {
        let zone = self.zone.rules(device)?;
        let answer = match (&self.when, fact) {
            (When::Immediately, Fact::Saved)
            | (When::RepositoryUpdated, Fact::RepositoryUpdated) => Answer::Start { at },
            (
                When::ApplicationStart {
                    delay_minutes,
                    first_of_day,
                },
                Fact::ApplicationStarted { before },
            )
            | (
                When::AgentStart {
                    delay_minutes,
                    first_of_day,
                },
                Fact::AgentStarted { before },
            ) => {
                let day = |moment| zone.to_datetime(moment).date();
                if *first_of_day && before.is_some_and(|before| day(before) == day(at)) {
                    Answer::NotFirstOfDay
                } else {
                    Answer::Start {
                        at: later(at, *delay_minutes),
                    }
                }
            }
            (When::Outbreak { sources }, Fact::Outbreak { source }) if sources.contains(source) => {
                Answer::Start { at }
            }
            (When::AfterTask { task, outcomes }, Fact::TaskEnded { task: ended, state })
                if task == ended && state.is_final() =>
            {
                if outcomes.is_empty() || outcomes.contains(state) {
                    Answer::Start { at }
                } else {
                    Answer::OtherOutcome { state: *state }
                }
            }
            (When::Joined(set), Fact::Joined { sets }) if sets.contains(set) => {
                Answer::Start { at }
            }
            (
                When::Event {
                    kind,
                    application,
                    throttle,
                },
                Fact::Event {
                    kind: came_kind,
                    application: about,
                    came,
                    started,
                },
            ) if kind == came_kind && (application.is_none() || application.as_ref() == *about) => {
                throttle.answer(came, *started, at)
            }
            _ => Answer::NotMeant,
        };
        Ok(match answer {
            Answer::Start { at } if !Timetable::new(self, device)?.holds_at(at) => {
                Answer::OutOfDates
            }
            answer => answer,
        })
    }
}

impl Throttle {
    fn answer(self, came: &[Timestamp], started: Option<Timestamp>, at: Timestamp) -> Answer {
        let counts = |when: &&Timestamp| {
            **when <= at && (self.within_minutes == 0 || later(**when, self.within_minutes) > at)
        };
        let count = u32::try_from(came.iter().filter(counts).count()).unwrap_or(u32::MAX);
        let until = started.map(|started| later(started, self.pause_minutes));
        match until {
            Some(until) if until > at => Answer::Throttled { until },
            _ if count < self.events => Answer::TooFew {
                came: count,
                of: self.events,
            },
            _ => Answer::Start { at },
        }
    }
}

/// So many minutes later; the end of time where there are fewer left.
pub(super) fn later(moment: Timestamp, minutes: u32) -> Timestamp {
    moment
        .checked_add(SignedDuration::from_mins(i64::from(minutes)))
        .unwrap_or(Timestamp::MAX)
}
