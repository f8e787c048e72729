//! What devices begin by themselves gets its run.
//!
//! A device gives a number of its own, below 0, to each occurrence that it begins, and says once which
//! one it is. Before anything else is done with its news, each such number is made the number of the
//! run: that of the occurrence, which is begun here if nobody heard of it yet.

use crate::dispatch::{TaskOfRun, run_begin};
use crate::{App, AppError};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use muster_agent_protocol::message::{News, NumberedNews};
use muster_domain::delivery::{Cause, Delivery, DeliveryState, Wanted};
use muster_domain::event::{Actor, Severity};
use muster_domain::run::{Run, RunState};
use muster_domain::schedule::{OccurrenceId, Schedule, Starting, Timetable, When, Zone};
use muster_domain::{DeviceId, Digest, RunId};
use muster_storage::Connection;
use muster_storage::assignment::assignment_get;
use muster_storage::delivery::{delivery_get, delivery_insert, delivery_known_as, delivery_update};
use muster_storage::device::device_acknowledged;
use muster_storage::run::{run_get, run_of_occurrence, run_state_set, run_targets_add};
use muster_storage::task::{task_head, task_revision_get};
use muster_storage::user::user_edit_list_of_device;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};

/// A day and a bit: no clock on earth is further from another, and none of a device that is trusted.
const AHEAD: SignedDuration = SignedDuration::from_hours(28);

impl App {
    /// The news of a device with its own numbers made those of runs.
    pub(crate) async fn news_of_runs(
        &self,
        device: DeviceId,
        news: Vec<NumberedNews>,
    ) -> Result<Vec<NumberedNews>, AppError> {
        let asks = |numbered: &NumberedNews| matches!(numbered.news, News::Asked { .. });
        let own = |numbered: &NumberedNews| numbered.news.run().is_some_and(|run| run.0 < 0);
        let asked = news.iter().any(asks);
        if !asked && !news.iter().any(own) {
            return Ok(news);
        }
        let (news, runs) = self
            .logged(move |connection| Box::pin(resolve(connection, device, news)))
            .await?;
        muster_crash_point::reach("report.own-committed");
        if asked {
            self.0.hints.user_asked(device);
        }
        for run in runs {
            self.0.watch.run_changed(run);
            self.0.hints.run_changed(run);
        }
        Ok(news)
    }

    /// The run that a device knows by a number, which may be one of its own.
    pub(crate) async fn run_known_as(
        &self,
        device: DeviceId,
        run: RunId,
    ) -> Result<Option<RunId>, AppError> {
        if run.0 >= 0 {
            return Ok(Some(run));
        }
        Ok(delivery_known_as(&mut *self.0.storage.read().await?, device, run).await?)
    }
}

pub(super) async fn resolve(
    connection: &mut Connection,
    device: DeviceId,
    mut news: Vec<NumberedNews>,
) -> Result<(Vec<NumberedNews>, BTreeSet<RunId>), AppError> {
    let acknowledged = device_acknowledged(connection, device).await?;
    let mut runs: BTreeMap<RunId, Option<RunId>> = BTreeMap::new();
    let mut changed = BTreeSet::new();
    for numbered in &mut news {
        let taken_before = numbered.sequence <= acknowledged;
        if let (News::Asked { asked }, false) = (&numbered.news, taken_before) {
            // Before what the device did by it, as that is judged by what its user wanted.
            crate::user::keep(connection, device, numbered.at, asked).await?;
        }
        let Some(own) = numbered.news.run().filter(|run| run.0 < 0) else {
            continue;
        };
        if let (News::Occurred { .. }, false) = (&numbered.news, taken_before) {
            match occurred(connection, device, &numbered.news).await? {
                Ok(run) => {
                    changed.insert(run);
                    runs.insert(own, Some(run));
                }
                Err(text) => {
                    runs.insert(own, None);
                    numbered.news = refused(&text);
                    continue;
                }
            }
        }
        let run = match runs.get(&own) {
            Some(run) => *run,
            None => delivery_known_as(connection, device, own).await?,
        };
        runs.insert(own, run);
        match run {
            Some(run) => numbered.news.set_run(run),
            None => numbered.news = refused(&format!("it told of run {own}, which nobody knows")),
        }
        if let News::Waiting { cause, .. } = &mut numbered.news {
            blocker(connection, device, cause).await?;
        }
    }
    Ok((news, changed))
}

/// Another run of the device's own that one waits for has its number on the server, too.
async fn blocker(
    connection: &mut Connection,
    device: DeviceId,
    cause: &mut Cause,
) -> Result<(), AppError> {
    if let Cause::BlockedByTask { run } = cause
        && run.0 < 0
        && let Some(known) = delivery_known_as(connection, device, *run).await?
    {
        *run = known;
    }
    Ok(())
}

fn refused(text: &str) -> News {
    News::Happened {
        kind: "occurrence.refused".into(),
        severity: Severity::Warning,
        text: format!("An occurrence of the device's own was not taken: {text}."),
        run: None,
    }
}

/// Finds the run of what a device began, or begins it, and makes the device's delivery. What cannot be
/// is told with the reason.
async fn occurred(
    connection: &mut Connection,
    device: DeviceId,
    news: &News,
) -> Result<Result<RunId, String>, AppError> {
    let News::Occurred {
        run: own,
        task,
        occurrence,
        revision,
        command,
        plugin,
    } = news
    else {
        return Ok(Err("it is no occurrence".into()));
    };
    let known = assignment_get(connection, *task, device).await?;
    let Some(head) = task_head(connection, *task)
        .await?
        .filter(|_| known.is_some())
    else {
        return Ok(Err(format!("task {task} was not given to the device")));
    };
    let now = muster_clock::now();
    let of_task = task_revision_get(connection, *task, *revision).await?;
    let mut schedules: Vec<Schedule> = of_task
        .and_then(|of_task| of_task.schedule)
        .into_iter()
        .collect();
    if !may_be(&schedules, *occurrence, now) {
        // By the schedule that the device's user wanted: what the device did by it is done, whatever
        // became of the wish.
        let edits = user_edit_list_of_device(connection, *task, device).await?;
        let wanted = edits.iter().filter_map(|row| row.edit.as_ref()?.schedule());
        schedules.extend(wanted);
    }
    if !may_be(&schedules, *occurrence, now) {
        return Ok(Err(format!(
            "the schedule of task {task} gives no occurrence {occurrence} until now"
        )));
    }
    let known = run_of_occurrence(connection, *task, *occurrence).await?;
    let run = if let Some(run) = known {
        run
    } else {
        let of = TaskOfRun {
            id: *task,
            name: head.name,
            application: head.application,
            revision: *revision,
            rollout: None,
        };
        let targets = RoaringBitmap::from_iter([device.0]);
        let actor = Actor::Device(device);
        run_begin(connection, &of, Some(*occurrence), &targets, now, actor).await?
    };
    let Some(run) = run_get(connection, run).await? else {
        return Ok(Err(format!("run {run} is not there any more")));
    };
    run_targets_add(connection, &run, &RoaringBitmap::from_iter([device.0])).await?;
    begun(connection, &run, device, *own, (*command, *plugin)).await?;
    Ok(Ok(run.id))
}

/// Whether there may be an occurrence of this name by now: one of the schedules gives it, or the device's
/// user started it.
fn may_be(schedules: &[Schedule], occurrence: OccurrenceId, now: Timestamp) -> bool {
    if let OccurrenceId::Start {
        of: Starting::User,
        day,
        ..
    } = occurrence
    {
        return day.duration_since(TimeZone::UTC.to_datetime(now).date()) <= AHEAD;
    }
    schedules
        .iter()
        .any(|schedule| names(schedule, occurrence, now))
}

/// Whether a schedule gives an occurrence of this name by now, on some device.
fn names(schedule: &Schedule, occurrence: OccurrenceId, now: Timestamp) -> bool {
    match occurrence {
        OccurrenceId::Time { .. } => {
            // Names are of clocks on walls, so a clock that is never changed has them all.
            let plain = Schedule {
                zone: Zone::Utc,
                repeated_time: muster_domain::schedule::RepeatedTime::First,
                ..schedule.clone()
            };
            let name = occurrence.without_mark();
            let table = Timetable::new(&plain, &TimeZone::UTC);
            let at = table.ok().and_then(|table| table.moment_of(name));
            at.is_some_and(|at| at.duration_since(now) <= AHEAD)
        }
        OccurrenceId::Saved { .. } => schedule.when == When::Immediately,
        OccurrenceId::Start { of, day, .. } => {
            let today = TimeZone::UTC.to_datetime(now).date();
            let near = day.duration_since(today) <= AHEAD;
            near && schedule.when.starting() == Some(of)
        }
        OccurrenceId::Event { .. } | OccurrenceId::After { .. } => false,
    }
}

/// Makes the delivery of what a device began, or takes up the one that is there.
async fn begun(
    connection: &mut Connection,
    run: &Run,
    device: DeviceId,
    own: RunId,
    (command, plugin): (Digest, Digest),
) -> Result<(), AppError> {
    let now = muster_clock::now();
    let before = delivery_get(connection, run.id, device).await?;
    let stopped = run.untouched == DeliveryState::Cancelled && run.targets.contains(device.0);
    let wanted = match run.state {
        _ if stopped => Wanted::Stop,
        RunState::Paused => Wanted::Pause,
        _ => Wanted::Run,
    };
    let Some(before) = before else {
        let delivery = Delivery {
            state: DeliveryState::Scheduled,
            wanted,
            ordered: Some(Wanted::Run),
            known_as: Some(own),
            command: Some(command),
            plugin: Some(plugin),
            ..Delivery::blank(run.id, device, now)
        };
        // Who was no target until now was taken in as pending.
        let was = if run.targets.contains(device.0) {
            run.untouched
        } else {
            DeliveryState::Pending
        };
        delivery_insert(connection, &delivery, was).await?;
        return reopen(connection, run, wanted).await;
    };
    let mut delivery = Delivery {
        known_as: Some(own),
        command: Some(command),
        plugin: Some(plugin),
        ordered: Some(Wanted::Run),
        ..before.clone()
    };
    match before.state {
        // The server gave it up, and the device has the better word.
        DeliveryState::Missed => delivery.state = DeliveryState::Scheduled,
        // Stopped before the device could hear of it: now it hears.
        DeliveryState::Cancelled => {
            delivery.state = DeliveryState::Scheduled;
            delivery.wanted = Wanted::Stop;
        }
        // A device that lost its store does again what it did.
        state if state.is_final() => {
            delivery = Delivery {
                known_as: Some(own),
                ..before.clone()
            };
        }
        _ => delivery.state = DeliveryState::Scheduled,
    }
    let reopened = before.state.is_final() && !delivery.state.is_final();
    if reopened {
        delivery.summary = None;
        delivery.cause = None;
        reopen(connection, run, delivery.wanted).await?;
    }
    delivery_update(connection, &delivery, before.state).await?;
    Ok(())
}

/// A run that was over is under way again.
async fn reopen(connection: &mut Connection, run: &Run, wanted: Wanted) -> Result<(), AppError> {
    if run.state == RunState::Finished {
        let state = match wanted {
            Wanted::Stop => RunState::Stopping,
            _ => RunState::Running,
        };
        run_state_set(connection, run.id, state, None).await?;
    }
    Ok(())
}
