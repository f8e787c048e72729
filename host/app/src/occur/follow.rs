//! What happens starts tasks: the event log is followed, and each event is held against the schedules
//! that answer to events.
//!
//! How far the log was followed is kept with the runs that came of it, so that an event is answered
//! once, whatever ends the server in between.

use crate::dispatch::{TaskOfRun, run_begin};
use crate::event::REPOSITORY_UPDATED;
use crate::member::CHANGED;
use crate::outbreak;
use crate::place::{Tree, devices_of};
use crate::{App, AppError};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use muster_domain::delivery::DeliveryState;
use muster_domain::event::{Actor, Event};
use muster_domain::schedule::{Answer, Fact, OccurrenceId, Schedule, When};
use muster_domain::task::Task;
use muster_domain::{DeviceSet, EventId, GroupId, RunId, TaskId};
use muster_storage::Connection;
use muster_storage::event::{
    EventFilter, event_followed, event_followed_set, event_latest, event_list,
};
use muster_storage::member::member_set;
use muster_storage::run::{run_get, run_last_by_event, run_of_occurrence, run_targets_add};
use muster_storage::task::{task_get, task_head};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};

/// Events in one transaction.
const MOST_EVENTS: u32 = 500;

/// Events of one kind that are looked back at, for those that take several.
const MOST_BACK: u32 = 10_000;

/// The tasks that answer to events.
pub(super) type Listeners = BTreeMap<TaskId, Schedule>;

/// Whether a schedule answers to events.
pub(super) fn listens(schedule: &Schedule) -> bool {
    matches!(
        schedule.when,
        When::AfterTask { .. }
            | When::Joined(_)
            | When::Event { .. }
            | When::RepositoryUpdated
            | When::Outbreak { .. }
    )
}

/// Answers to what was written into the log since it was followed last.
pub(super) async fn follow(app: &App, listeners: &Listeners) -> Result<(), AppError> {
    loop {
        let (events, latest, followed) = {
            let mut connection = app.0.storage.read().await?;
            let followed = event_followed(&mut connection).await?;
            let latest = event_latest(&mut connection).await?;
            if listeners.is_empty() {
                (Vec::new(), latest, followed)
            } else {
                let filter = EventFilter {
                    after: Some(followed),
                    ..EventFilter::default()
                };
                let events = event_list(&mut connection, &filter, MOST_EVENTS).await?;
                (events, latest, followed)
            }
        };
        let up_to = events.last().map_or(latest, |event| event.id);
        if up_to <= followed {
            return Ok(());
        }
        let whole = events.len() < MOST_EVENTS as usize;
        let listeners = listeners.clone();
        let begun = app
            .logged(move |connection| Box::pin(answer_all(connection, listeners, events, up_to)))
            .await?;
        for run in begun {
            app.0.watch.run_changed(run);
            app.0.hints.run_changed(run);
        }
        if whole {
            return Ok(());
        }
    }
}

async fn answer_all(
    connection: &mut Connection,
    listeners: Listeners,
    events: Vec<Event>,
    up_to: EventId,
) -> Result<BTreeSet<RunId>, AppError> {
    let mut begun = BTreeSet::new();
    for event in &events {
        for (task, schedule) in &listeners {
            // What a task itself brings about does not start it again.
            if event.event.subject.task == Some(*task) {
                continue;
            }
            if let Some(start) = start(connection, *task, schedule, event).await? {
                begun.extend(begin(connection, *task, start).await?);
            }
        }
    }
    event_followed_set(connection, up_to).await?;
    muster_crash_point::reach("occur.followed-before-commit");
    Ok(begun)
}

/// A start that an event leads to.
struct Start {
    occurrence: OccurrenceId,
    at: Timestamp,
    /// On these devices alone, or on all in the task's scope.
    on: Option<RoaringBitmap>,
}

/// What a schedule makes of an event.
async fn start(
    connection: &mut Connection,
    task: TaskId,
    schedule: &Schedule,
    event: &Event,
) -> Result<Option<Start>, AppError> {
    let subject = &event.event.subject;
    let device = subject
        .device
        .map(|device| RoaringBitmap::from_iter([device.0]));
    let by_event = OccurrenceId::Event { event: event.id.0 };
    let (fact_start, occurrence, on) = match &schedule.when {
        When::AfterTask { .. } => {
            let state = event.event.fields.get("state").cloned();
            let state = state.and_then(|state| serde_json::from_value(state).ok());
            let (Some(ended), Some(run), Some(state)) = (subject.task, subject.run, state) else {
                return Ok(None);
            };
            if event.event.kind != "delivery.finished" {
                return Ok(None);
            }
            let state: DeliveryState = state;
            let fact = Fact::TaskEnded { task: ended, state };
            let after = OccurrenceId::After { run };
            (answer(schedule, &fact, event.at), after, device)
        }
        When::Joined(DeviceSet::Selection(selection)) if event.event.kind == CHANGED => {
            let changed = event.event.fields.get("selection");
            if changed.and_then(serde_json::Value::as_i64) != Some(selection.0) {
                return Ok(None);
            }
            let came = member_set(connection, *selection, Some(event.at)).await?;
            let sets = [DeviceSet::Selection(*selection)];
            let fact = Fact::Joined { sets: &sets };
            (answer(schedule, &fact, event.at), by_event, Some(came))
        }
        When::Joined(DeviceSet::Group(_)) => {
            let groups = joined(connection, event).await?;
            let sets: Vec<DeviceSet> = groups.into_iter().map(DeviceSet::Group).collect();
            let fact = Fact::Joined { sets: &sets };
            (answer(schedule, &fact, event.at), by_event, device)
        }
        When::Event { kind, .. } if *kind == event.event.kind => {
            let started = run_last_by_event(connection, task).await?;
            let came = came(connection, kind, started, event).await?;
            let fact = Fact::Event {
                kind: &event.event.kind,
                application: subject.application.as_ref(),
                came: &came,
                started,
            };
            (answer(schedule, &fact, event.at), by_event, None)
        }
        When::RepositoryUpdated if event.event.kind == REPOSITORY_UPDATED => {
            // Updates for one application are no matter of the others' tasks.
            let head = task_head(connection, task).await?;
            let own = head.map(|head| head.application);
            if subject.application.is_some() && subject.application != own {
                return Ok(None);
            }
            let fact = Fact::RepositoryUpdated;
            (answer(schedule, &fact, event.at), by_event, None)
        }
        When::Outbreak { .. } if event.event.kind == outbreak::KIND => {
            let Some(source) = outbreak::source(&event.event.fields) else {
                return Ok(None);
            };
            let fact = Fact::Outbreak { source };
            (answer(schedule, &fact, event.at), by_event, None)
        }
        _ => return Ok(None),
    };
    Ok(fact_start.map(|at| Start { occurrence, at, on }))
}

fn answer(schedule: &Schedule, fact: &Fact<'_>, at: Timestamp) -> Option<Timestamp> {
    match schedule.answer(fact, at, &TimeZone::UTC) {
        Ok(Answer::Start { at }) => Some(at),
        _ => None,
    }
}

/// The groups that a device came into by an event: those that it was not in before.
async fn joined(connection: &mut Connection, event: &Event) -> Result<Vec<GroupId>, AppError> {
    let Some(group) = event.event.subject.group else {
        return Ok(Vec::new());
    };
    let before = match event.event.kind.as_str() {
        "device.enrolled" => None,
        "device.changed" => event.event.fields.get("from"),
        _ => return Ok(Vec::new()),
    };
    let before = before.and_then(serde_json::Value::as_i64).map(GroupId);
    let tree = Tree::read(connection).await?;
    let had = before.map(|before| tree.with_above(before));
    let mut groups = tree.with_above(group);
    groups.retain(|group| had.as_ref().is_none_or(|had| !had.contains(group)));
    Ok(groups)
}

/// When events of a kind came since the task was last started by one, up to this one.
async fn came(
    connection: &mut Connection,
    kind: &str,
    started: Option<Timestamp>,
    event: &Event,
) -> Result<Vec<Timestamp>, AppError> {
    let filter = EventFilter {
        before: Some(EventId(event.id.0 + 1)),
        kind: Some(kind.to_owned()),
        application: event.event.subject.application.clone(),
        ..EventFilter::default()
    };
    let events = event_list(connection, &filter, MOST_BACK).await?;
    let times = events.iter().map(|event| event.at);
    let mut times: Vec<Timestamp> = times
        .take_while(|at| started.is_none_or(|started| *at > started))
        .collect();
    times.reverse();
    Ok(times)
}

async fn begin(
    connection: &mut Connection,
    id: TaskId,
    start: Start,
) -> Result<Option<RunId>, AppError> {
    let Some(task) = task_get(connection, id).await? else {
        return Ok(None);
    };
    let mut targets = devices_of(connection, &task.scope).await?;
    if let Some(on) = &start.on {
        targets &= on;
    }
    if targets.is_empty() {
        return Ok(None);
    }
    let known = run_of_occurrence(connection, id, start.occurrence).await?;
    let run = if let Some(run) = known {
        run
    } else {
        let (of, actor) = (TaskOfRun::from(&task), Actor::Server);
        let occurrence = Some(start.occurrence);
        run_begin(connection, &of, occurrence, &targets, start.at, actor).await?
    };
    if let Some(run) = run_get(connection, run).await? {
        run_targets_add(connection, &run, &targets).await?;
    }
    Ok(Some(run))
}

/// The schedule of a task that answers to events.
pub(super) fn listener(task: &Task) -> Option<Schedule> {
    task.revision.schedule.clone().filter(listens)
}
