//! What is next in a rollout: who begins now, and what holds up the others.

use super::waves::Waves;
use super::{Gate, Rollout};
use jiff::{SignedDuration, Timestamp};
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How far a rollout is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Place {
    /// The wave that is at it, counted from 0.
    pub wave: u32,
    /// Since when enough of it has ended.
    pub settled_at: Option<Timestamp>,
    /// Whether a person said that the next wave may begin.
    pub approved: bool,
}

/// What is known of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// How far it is, as the last [`Step`] said.
    pub place: Place,
    /// Devices that were let go and not taken back.
    pub begun: RoaringBitmap,
    /// Of those, the ones that have the order.
    pub reached: RoaringBitmap,
    /// Of those, the ones that fell silent: they may be off for good, and hold no place of another. To the gate
    /// of their wave they have not ended.
    pub silent: RoaringBitmap,
    /// Those that ended, however.
    pub ended: RoaringBitmap,
    /// Of those, the ones that are errors: see [`super::is_error`].
    pub errors: RoaringBitmap,
    /// Ended ones that a person has seen and that count no more.
    pub excused: RoaringBitmap,
    /// Whether a person paused it.
    pub paused: bool,
}

impl Progress {
    /// A person lets it go on, whatever holds it: it is paused no more, its errors so far are excused, or the
    /// next wave begins. What only waits for devices goes on by itself.
    pub fn go_on(&mut self, held: &Hold) {
        match held {
            Hold::Paused => self.paused = false,
            Hold::Errors { .. } => self.excused = self.ended.clone(),
            Hold::Approval { .. } => self.place.approved = true,
            Hold::Reached { wave, .. } | Hold::Ended { wave, .. } | Hold::Soak { wave, .. } => {
                self.place = Place {
                    wave: *wave,
                    ..Place::default()
                };
            }
            Hold::AtOnce { .. } | Hold::Offline { .. } | Hold::UnderWay { .. } | Hold::Finished => {
            }
        }
    }
}

/// Why no more devices begin now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Hold {
    /// A person paused it.
    Paused,
    /// Too many errors: it goes on when a person says so.
    Errors {
        /// So many errors.
        errors: u64,
        /// Of so many that ended.
        of: u64,
    },
    /// As many devices are at it as may be.
    AtOnce {
        /// So many.
        limit: u32,
    },
    /// The devices of the wave that are left have no link.
    Offline {
        /// So many.
        devices: u64,
    },
    /// Too few devices of the wave were reached.
    Reached {
        /// The wave, counted from 1.
        wave: u32,
        /// So many were.
        reached: u64,
        /// So many it takes.
        needed: u64,
    },
    /// Too few devices of the wave have ended.
    Ended {
        /// The wave, counted from 1.
        wave: u32,
        /// So many have.
        ended: u64,
        /// So many it takes.
        needed: u64,
    },
    /// The time after the wave has not passed.
    Soak {
        /// The wave, counted from 1.
        wave: u32,
        /// Until then.
        until: Timestamp,
    },
    /// A person must say that the next wave may begin.
    Approval {
        /// The wave that has ended, counted from 1.
        wave: u32,
    },
    /// All have begun.
    UnderWay {
        /// So many have ended.
        ended: u64,
        /// Of so many.
        of: u64,
    },
    /// All have ended.
    Finished,
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paused => f.write_str("paused by an administrator"),
            Self::Errors { errors, of } => write!(f, "stopped: {errors} errors of {of} that ended"),
            Self::AtOnce { limit } => write!(f, "{limit} devices are at it, and no more may be"),
            Self::Offline { devices } => {
                let devices = crate::text::counted(*devices, "device");
                write!(f, "{devices} of the wave without a link")
            }
            Self::Reached {
                wave,
                reached,
                needed,
            } => {
                write!(f, "wave {wave}: {reached} of {needed} devices reached")
            }
            Self::Ended {
                wave,
                ended,
                needed,
            } => {
                write!(f, "wave {wave}: {ended} of {needed} devices have ended")
            }
            Self::Soak { wave, until } => write!(f, "wave {wave} is watched until {until:.0}"),
            Self::Approval { wave } => {
                write!(
                    f,
                    "wave {wave} has ended; an administrator lets the next one begin"
                )
            }
            Self::UnderWay { ended, of } => write!(f, "all have begun, {ended} of {of} have ended"),
            Self::Finished => f.write_str("all have ended"),
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// These begin.
    pub release: RoaringBitmap,
    /// These were let go, were not reached and have lost their link: they give their places to others,
    /// and begin when they are back.
    pub withdraw: RoaringBitmap,
    /// How far it is now: to be kept for the next question.
    pub place: Place,
    /// What the next device waits for.
    pub hold: Option<Hold>,
}

impl Rollout {
    /// What is next. The same question has the same answer; asked again after it was done, nothing more is
    /// to be done until something changes.
    pub fn next(
        &self,
        waves: &Waves,
        progress: &Progress,
        online: &RoaringBitmap,
        now: Timestamp,
    ) -> Step {
        let mut step = Step {
            release: RoaringBitmap::new(),
            withdraw: self.withdraw(progress, online),
            place: progress.place,
            hold: None,
        };
        if progress.paused {
            step.hold = Some(Hold::Paused);
            return step;
        }
        if let Some(hold) = self.over(progress) {
            step.hold = Some(hold);
            return step;
        }
        loop {
            if let Some(hold) = self.fill(waves, progress, online, &mut step) {
                step.hold = Some(hold);
                return step;
            }
            let last = waves.0.len().saturating_sub(1);
            if index(step.place.wave) >= last {
                let begun = (&progress.begun - &step.withdraw) | &step.release;
                step.hold = Some(rest(waves, &begun, &progress.ended));
                return step;
            }
            if let Some(hold) = self.gate(waves, progress, now, &mut step.place) {
                step.hold = Some(hold);
                return step;
            }
            step.place = Place {
                wave: step.place.wave.saturating_add(1),
                ..Place::default()
            };
        }
    }

    fn over(&self, progress: &Progress) -> Option<Hold> {
        let stop = self.stop?;
        let ended = (&progress.ended - &progress.excused).len();
        let errors = (&progress.errors - &progress.excused).len();
        stop.is_over(errors, ended)
            .then_some(Hold::Errors { errors, of: ended })
    }

    /// With a limit, whoever cannot be reached holds up another.
    fn withdraw(&self, progress: &Progress, online: &RoaringBitmap) -> RoaringBitmap {
        if self.at_once.is_none() {
            return RoaringBitmap::new();
        }
        &progress.begun - &progress.reached - &progress.ended - online
    }

    /// Lets go what may of the wave that is at it, and of those before it, whose devices may have been
    /// without a link then. Says what keeps some of it.
    fn fill(
        &self,
        waves: &Waves,
        progress: &Progress,
        online: &RoaringBitmap,
        step: &mut Step,
    ) -> Option<Hold> {
        let begun = (&progress.begun - &step.withdraw) | &step.release;
        let open = waves
            .0
            .iter()
            .take(index(step.place.wave).saturating_add(1));
        let all = open.fold(RoaringBitmap::new(), |all, wave| all | wave);
        let mut left = all - &begun - &progress.ended;
        let Some(limit) = self.at_once else {
            step.release |= left;
            return None;
        };
        // A device without a link would hold a place and do nothing with it.
        left &= online;
        let at_it = (&begun - &progress.ended - &progress.silent).len();
        let room = u64::from(limit).saturating_sub(at_it);
        let count = usize::try_from(room).unwrap_or(usize::MAX);
        let more = left.len() > room;
        step.release |= left.iter().take(count).collect::<RoaringBitmap>();
        more.then_some(Hold::AtOnce { limit })
    }

    /// What keeps the next wave from beginning, if anything does.
    fn gate(
        &self,
        waves: &Waves,
        progress: &Progress,
        now: Timestamp,
        place: &mut Place,
    ) -> Option<Hold> {
        let devices = waves.0.get(index(place.wave))?;
        let gate = self
            .waves
            .get(index(place.wave))
            .map_or_else(Gate::default, |wave| wave.next);
        if devices.is_empty() {
            return None;
        }
        let wave = place.wave.saturating_add(1);
        // What ended was reached, whatever else is known of it.
        let reached = devices & (&progress.reached | &progress.ended);
        let needed = share(devices.len(), gate.reached_percent);
        if reached.len() < needed {
            place.settled_at = None;
            let reached = reached.len();
            return Some(Hold::Reached {
                wave,
                reached,
                needed,
            });
        }
        // One that fell silent at it has not ended: that may be the task's doing.
        let ended = (devices & &progress.ended).len();
        let needed = share(reached.len(), gate.ended_percent);
        if ended < needed {
            place.settled_at = None;
            return Some(Hold::Ended {
                wave,
                ended,
                needed,
            });
        }
        let settled = *place.settled_at.get_or_insert(now);
        let soak = SignedDuration::from_mins(i64::from(gate.wait_minutes));
        let until = settled.checked_add(soak).unwrap_or(Timestamp::MAX);
        if now < until {
            return Some(Hold::Soak { wave, until });
        }
        (gate.approval && !place.approved).then_some(Hold::Approval { wave })
    }
}

/// So many percent, rounded up.
fn share(of: u64, percent: u32) -> u64 {
    of.saturating_mul(u64::from(percent)).div_ceil(100)
}

/// What is still to come when every wave is open.
fn rest(waves: &Waves, begun: &RoaringBitmap, ended: &RoaringBitmap) -> Hold {
    let all = waves.all();
    let done = all.intersection_len(ended);
    if done == all.len() {
        return Hold::Finished;
    }
    match (&all - begun - ended).len() {
        0 => Hold::UnderWay {
            ended: done,
            of: all.len(),
        },
        devices => Hold::Offline { devices },
    }
}

fn index(wave: u32) -> usize {
    usize::try_from(wave).unwrap_or(usize::MAX)
}
