//! What a task will cost devices, by what tasks of its kind took before, and with which others it will clash.

use super::{Forecast, ZoneStarts};
use crate::place::devices_of;
use crate::{App, AppError};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use muster_domain::schedule::{Timetable, Zone};
use muster_domain::task::Task;
use muster_domain::{ApplicationId, TaskId, TaskTypeId};
use muster_storage::delivery::report_durations;
use muster_storage::task::{task_get, task_list_scheduled};
use roaring::RoaringBitmap;

/// Results that are looked back at.
const MOST_RESULTS: u32 = 500;

/// Starts of another task that are looked at.
const MOST_STARTS: usize = 2000;

/// Tasks that are named as clashing; the others are left out.
const MOST_CLASHES: usize = 20;

/// How long the task will take, by what others took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// So many results of tasks of this type were looked at.
    pub results: u64,
    /// Seconds that half of them took at most.
    pub median: u64,
    /// Seconds that 95 of 100 took at most.
    pub most: u64,
    /// Seconds of work in all, on the devices that can do it.
    pub all: u64,
}

/// Another task that starts on the same devices at about the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The other task.
    pub task: TaskId,
    /// Its name.
    pub name: String,
    /// How many devices have both.
    pub devices: u64,
    /// The first of the starts told at which the two meet.
    pub first: Timestamp,
    /// At how many of them.
    pub starts: u64,
    /// Whether one of them wants the application for itself, so that one waits for the other.
    pub waits: bool,
}

/// What is asked about.
pub(super) struct Asked<'t> {
    /// None of a task that is not kept yet.
    pub(super) id: Option<TaskId>,
    pub(super) application: &'t ApplicationId,
    pub(super) task_type: &'t TaskTypeId,
    pub(super) exclusive: bool,
    pub(super) scope: &'t RoaringBitmap,
}

impl App {
    /// Adds load and clashes to what a task will do.
    pub(super) async fn foresee_load(
        &self,
        asked: &Asked<'_>,
        forecast: &mut Forecast,
    ) -> Result<(), AppError> {
        let mut connection = self.0.storage.read().await?;
        let (application, task_type) = (asked.application, asked.task_type);
        let mut took =
            report_durations(&mut connection, application, task_type, MOST_RESULTS).await?;
        took.sort_unstable();
        forecast.load = load(&took, forecast.able);
        let longest = forecast.load.map_or(60, |load| load.median.max(60));
        let lasts = SignedDuration::from_secs(i64::try_from(longest).unwrap_or(i64::MAX));
        for (id, of) in task_list_scheduled(&mut connection, false).await? {
            if of != *application || Some(id) == asked.id {
                continue;
            }
            let Some(other) = task_get(&mut connection, id).await? else {
                continue;
            };
            let shared = devices_of(&mut connection, &other.scope).await? & asked.scope;
            if shared.is_empty() {
                continue;
            }
            if let Some((first, starts)) = meet(&forecast.starts, &other, lasts) {
                forecast.clashes.push(Clash {
                    task: id,
                    devices: shared.len(),
                    first,
                    starts,
                    waits: asked.exclusive || other.revision.exclusive,
                    name: other.name,
                });
            }
        }
        forecast
            .clashes
            .sort_by_key(|clash| (clash.first, clash.task));
        forecast.clashes.truncate(MOST_CLASHES);
        Ok(())
    }
}

/// What sorted durations say of the next ones.
fn load(took: &[u64], able: u64) -> Option<Load> {
    let at = |percent: usize| took.get((took.len().saturating_sub(1)) * percent / 100);
    let seconds = |millis: u64| millis.div_ceil(1000);
    let median = seconds(*at(50)?);
    Some(Load {
        results: took.len() as u64,
        median,
        most: seconds(*at(95)?),
        all: median.saturating_mul(able),
    })
}

/// The first of the starts told at which another task starts less than so long before or after, and how many of
/// them there are, in the zone in which that is most often.
fn meet(starts: &[ZoneStarts], other: &Task, lasts: SignedDuration) -> Option<(Timestamp, u64)> {
    let schedule = other.revision.schedule.as_ref()?;
    let in_zone = |own: &ZoneStarts| {
        let zone = Zone::named(&own.zone).unwrap_or(TimeZone::UTC);
        let table = Timetable::new(schedule, &zone).ok()?;
        let own: Vec<Timestamp> = own
            .starts
            .iter()
            .filter_map(|start| start.starts_at)
            .collect();
        let from = own.first()?.checked_sub(lasts).ok()?;
        let until = own.last()?.checked_add(lasts).ok()?;
        let others: Vec<Timestamp> = table
            .after(from)
            .map(|next| next.at)
            .take(MOST_STARTS)
            .take_while(|at| *at <= until)
            .collect();
        let meets = |at: &&Timestamp| {
            let near = others.partition_point(|other| *other <= **at - lasts);
            others.get(near).is_some_and(|other| *other < **at + lasts)
        };
        let met: Vec<&Timestamp> = own.iter().filter(meets).collect();
        Some((**met.first()?, met.len() as u64))
    };
    starts
        .iter()
        .filter_map(in_zone)
        .max_by_key(|(_, starts)| *starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_follows_from_what_was() {
        assert_eq!(load(&[], 5), None);
        let took: Vec<u64> = (1..=100).map(|second| second * 1000).collect();
        let expected = Load {
            results: 100,
            median: 50,
            most: 95,
            all: 500,
        };
        assert_eq!(load(&took, 10), Some(expected));
        assert_eq!(load(&[1], 1).map(|load| load.most), Some(1));
    }
}
