//! Occur: makes runs of what schedules bring due.
//!
//! A loop without input, like [`crate::deliver`]: hints and the clock wake it, the tables tell it what
//! is due. Devices begin such a run by themselves, each by its own clock and with the same rules; here
//! it becomes a row, so that it can be watched from its first device's time on. A device that tells of
//! an occurrence which has no row yet makes one too ([`crate::report`]): whoever comes first.

mod follow;

use crate::dispatch::{TaskOfRun, run_begin};
use crate::hint::{Due, Hinted};
use crate::place::devices_of;
use crate::{App, AppError};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use muster_domain::chain;
use muster_domain::event::Actor;
use muster_domain::schedule::policy::MOST_MISSED;
use muster_domain::schedule::{OccurrenceId, Timetable, When, Zone};
use muster_domain::task::Task;
use muster_domain::{RunId, TaskId};
use muster_storage::device::device_zones;
use muster_storage::run::{run_get, run_of_occurrence, run_targets_add};
use muster_storage::task::{
    ScheduleStanding, task_get, task_list_scheduled, task_schedule_done, task_schedule_standing,
};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Everything is looked at so often: zones of devices change, and a hint may be lost.
const SWEEP: Duration = Duration::from_mins(10);

/// After a failure, what was due is tried again so soon.
const RETRY: Duration = Duration::from_secs(2);

/// Makes runs until the server stops.
pub(crate) async fn work(app: App, mut hinted: Hinted) {
    let stopping = app.0.stopping.clone();
    let mut sweep = interval(SWEEP);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut log = app.event_hints();
    let mut agenda = Agenda::default();
    let mut due = Due::default();
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            _ = sweep.tick() => due.all = true,
            more = hinted.next() => due.add(more),
            Ok(()) = log.changed(), if !agenda.listeners.is_empty() => {}
            () = muster_clock::until(agenda.next()) => {}
        }
        match agenda.look(&app, &due).await {
            Ok(()) => due = Due::default(),
            Err(error) => {
                tracing::error!(error = %chain(&error), "scheduled runs are held up; trying again");
                due.all = true;
                sweep.reset_after(RETRY);
            }
        }
    }
}

/// When each task is due next.
#[derive(Default)]
struct Agenda {
    times: BTreeSet<(Timestamp, TaskId)>,
    of_tasks: BTreeMap<TaskId, Timestamp>,
    /// The tasks that answer to events.
    listeners: follow::Listeners,
}

impl Agenda {
    fn next(&self) -> Timestamp {
        self.times.first().map_or(Timestamp::MAX, |(at, _)| *at)
    }

    fn put(&mut self, task: TaskId, next: Option<Timestamp>) {
        if let Some(was) = self.of_tasks.remove(&task) {
            self.times.remove(&(was, task));
        }
        if let Some(next) = next {
            self.of_tasks.insert(task, next);
            self.times.insert((next, task));
        }
    }

    async fn look(&mut self, app: &App, due: &Due) -> Result<(), AppError> {
        let now = muster_clock::now();
        let mut tasks = due.tasks.clone();
        if due.all {
            let mut connection = app.0.storage.read().await?;
            let scheduled = task_list_scheduled(&mut connection, false).await?;
            tasks.extend(scheduled.into_iter().map(|(task, _)| task));
        }
        let come = self.times.iter().take_while(|(at, _)| *at <= now);
        tasks.extend(come.map(|(_, task)| *task));
        if !tasks.is_empty() {
            if !due.all {
                // What happened before a schedule was there does not start its task.
                follow::follow(app, &self.listeners).await?;
            }
            let zones = zones(app).await?;
            for task in tasks {
                self.listen(app, task).await?;
                let next = occur(app, task, &zones, now).await?;
                self.put(task, next);
            }
        }
        follow::follow(app, &self.listeners).await
    }

    /// Brings what is known of a task that answers to events up to date.
    async fn listen(&mut self, app: &App, id: TaskId) -> Result<(), AppError> {
        let task = task_get(&mut *app.0.storage.read().await?, id).await?;
        match task.as_ref().and_then(follow::listener) {
            Some(schedule) => self.listeners.insert(id, schedule),
            None => self.listeners.remove(&id),
        };
        Ok(())
    }
}

/// The zones of the devices' clocks, each with the devices that have it.
pub(crate) type Zones = Vec<(TimeZone, RoaringBitmap)>;

pub(crate) async fn zones(app: &App) -> Result<Zones, AppError> {
    let named = device_zones(&mut *app.0.storage.read().await?).await?;
    let zone = |(name, devices): (String, _)| {
        let zone = Zone::named(&name).unwrap_or(TimeZone::UTC);
        (zone, devices)
    };
    Ok(named.into_iter().map(zone).collect())
}

/// Makes runs of what a task's schedule brought due until now, and says when it is due next.
async fn occur(
    app: &App,
    id: TaskId,
    zones: &Zones,
    now: Timestamp,
) -> Result<Option<Timestamp>, AppError> {
    let (task, standing, scope) = {
        let mut connection = app.0.storage.read().await?;
        let standing = task_schedule_standing(&mut connection, id).await?;
        let task = task_get(&mut connection, id).await?;
        let Some((standing, task)) = standing.zip(task) else {
            return Ok(None);
        };
        let scope = devices_of(&mut connection, &task.scope).await?;
        (task, standing, scope)
    };
    let tables = tables(&task, zones, &scope)?;
    let due = due(&task, &standing, &tables, now);
    let next = |from: Timestamp| {
        let nexts = tables.iter().filter_map(|table| table.after(from).next());
        nexts.map(|next| next.at).min()
    };
    // A clock that was set back brings nothing due a second time.
    let from = standing.done.max(now);
    if due.is_empty() {
        return Ok(next(from));
    }
    let looked = standing.done;
    let begun = app
        .logged(move |connection| Box::pin(begin(connection, task, due, scope, (looked, now))))
        .await?;
    muster_crash_point::reach("occur.committed");
    for run in begun {
        app.0.watch.run_changed(run);
        app.0.hints.run_changed(run);
    }
    Ok(next(from))
}

/// The task's times, once for each zone in which one of its devices is.
fn tables(task: &Task, zones: &Zones, scope: &RoaringBitmap) -> Result<Vec<Timetable>, AppError> {
    let schedule = task.revision.schedule.as_ref();
    let Some(schedule) = schedule.filter(|schedule| schedule.when.names_times()) else {
        return Ok(Vec::new());
    };
    let unknown = |error| AppError::Invalid {
        code: "schedule-zone",
        text: chain(&error),
    };
    if schedule.zone != Zone::Device {
        let table = Timetable::new(schedule, &TimeZone::UTC).map_err(unknown)?;
        return Ok(vec![table]);
    }
    let there = zones
        .iter()
        .filter(|(_, devices)| !devices.is_disjoint(scope));
    there
        .map(|(zone, _)| Timetable::new(schedule, zone).map_err(unknown))
        .collect()
}

/// What came due since the last look, each with its time.
fn due(
    task: &Task,
    standing: &ScheduleStanding,
    tables: &[Timetable],
    now: Timestamp,
) -> BTreeMap<OccurrenceId, Timestamp> {
    let mut due = BTreeMap::new();
    let schedule = task.revision.schedule.as_ref();
    let immediately = schedule.is_some_and(|schedule| schedule.when == When::Immediately);
    if immediately && standing.done == standing.since {
        let revision = standing.revision;
        due.insert(OccurrenceId::Saved { revision }, now);
    }
    for table in tables {
        let (found, _) = table.newest(standing.done, now, MOST_MISSED);
        for occurrence in found {
            let at = due.entry(occurrence.id).or_insert(occurrence.at);
            *at = occurrence.at.min(*at);
        }
    }
    due
}

async fn begin(
    connection: &mut muster_storage::Connection,
    task: Task,
    due: BTreeMap<OccurrenceId, Timestamp>,
    scope: RoaringBitmap,
    (looked, now): (Timestamp, Timestamp),
) -> Result<Vec<RunId>, AppError> {
    let mut begun = Vec::new();
    let of = TaskOfRun::from(&task);
    for (occurrence, at) in due {
        if scope.is_empty() {
            continue;
        }
        let Some(known) = run_of_occurrence(connection, task.id, occurrence).await? else {
            let actor = Actor::Server;
            begun.push(run_begin(connection, &of, Some(occurrence), &scope, at, actor).await?);
            continue;
        };
        // A device was faster than this look and began the run for itself alone; it is the others' too.
        if let Some(run) = run_get(connection, known).await?
            && run.started_at > looked
        {
            run_targets_add(connection, &run, &scope).await?;
            begun.push(run.id);
        }
    }
    // One moment later than the last that was looked at: at the same one nothing more comes due.
    let done = now.checked_add(SignedDuration::from_millis(1));
    task_schedule_done(connection, task.id, done.unwrap_or(now)).await?;
    muster_crash_point::reach("occur.before-commit");
    Ok(begun)
}
