//! Upcoming: when a task starts next on this device, as far as that can be told beforehand.

use super::zone::DeviceZone;
use crate::store::assignment::{Kept, State};
use jiff::{SignedDuration, Timestamp};
use muster_domain::DeviceId;
use muster_domain::schedule::window::{Window, Windows};
use muster_domain::schedule::{OccurrenceId, Timetable};

/// A start that is to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upcoming {
    /// Its name.
    pub occurrence: OccurrenceId,
    /// When, with the random delay.
    pub start_at: Timestamp,
    /// When the device's windows let it start; none if they never do, as far as one can see.
    pub possible_at: Option<Timestamp>,
}

/// The next starts of a task, at most `most`. None of a task that is held, that waits for something to
/// happen, or whose schedule is over.
pub fn upcoming(
    kept: &Kept,
    device: DeviceId,
    zone: &DeviceZone,
    windows: &[Window],
    now: Timestamp,
    most: usize,
) -> Vec<Upcoming> {
    let (State::Active, Some(assigned)) = (&kept.state, &kept.assigned) else {
        return Vec::new();
    };
    let (Ok(table), Ok(windows)) = (
        Timetable::new(&assigned.schedule, &zone.rules),
        Windows::new(windows, &zone.rules),
    ) else {
        return Vec::new();
    };
    let delay = assigned.schedule.random_delay;
    let starts = table.after(now.max(assigned.since)).take(most);
    starts
        .map(|next| {
            let delay = delay.of(kept.task, device, next.id, assigned.devices);
            let start_at = next.at.checked_add(delay).unwrap_or(Timestamp::MAX);
            let chance = windows.earliest(start_at, SignedDuration::ZERO);
            Upcoming {
                occurrence: next.id,
                start_at,
                possible_at: chance.map(|chance| chance.from),
            }
        })
        .collect()
}
