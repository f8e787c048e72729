//! What a device is told of a task: that it has it, that it is held, or that it has it no longer.

use super::Given;
use super::since::since;
use crate::deliver::{Placement, Translations};
use crate::dispatch::run_settle;
use crate::user::{Policies, is_own};
use crate::{App, AppError};
use jiff::Timestamp;
use muster_agent_protocol::assignment::{Assigned, Assignment, Local, Standing};
use muster_agent_protocol::message::FromServer;
use muster_domain::delivery::{Cause, Delivery, DeliveryState, Wanted};
use muster_domain::device::Device;
use muster_domain::schedule::{RandomDelay, Schedule, When};
use muster_domain::scope::Scope;
use muster_domain::task::Task;
use muster_domain::{DeviceId, Digest, RunId, TaskId};
use muster_storage::Connection;
use muster_storage::assignment::{AssignmentRow, assignment_list, assignment_put};
use muster_storage::command::command_insert;
use muster_storage::delivery::{delivery_get, delivery_insert, delivery_update};
use muster_storage::device::{device_list_of, device_order_next};
use muster_storage::run::run_list_open_of;
use std::collections::BTreeMap;

/// What a device is to be told.
struct Word {
    device: DeviceId,
    standing: Standing,
    since: Option<Timestamp>,
    /// What came due until then and the device never heard of is missed.
    let_go: Option<Timestamp>,
    /// The command that the device will ask for.
    command: Option<(Digest, String)>,
}

/// Gives a task to devices in its scope, as far as they do not have it as it is now.
pub(super) async fn give(
    app: &App,
    given: &Given,
    translations: &mut Translations,
    devices: &[DeviceId],
) -> Result<(), AppError> {
    let (told, devices, policies) = {
        let mut connection = app.0.storage.read().await?;
        let policies = Policies::read(&mut connection).await?;
        let told = assignment_list(&mut connection, given.task.id, devices).await?;
        let devices = device_list_of(&mut connection, devices).await?;
        (told, devices, policies)
    };
    let told: BTreeMap<DeviceId, AssignmentRow> =
        told.into_iter().map(|row| (row.device, row)).collect();
    let placements = translations.place(app, &devices).await?;
    let words = devices
        .iter()
        .zip(placements)
        .filter_map(|(device, (_, placement))| {
            let placement = held_by_policy(&given.task, device, &policies).unwrap_or(placement);
            word(
                given,
                translations,
                device,
                &placement,
                told.get(&device.id),
            )
        });
    tell(app, given.task.id, words.collect()).await
}

/// A task that the device's user made starts nothing by itself where the group does not allow those.
fn held_by_policy(task: &Task, device: &Device, policies: &Policies) -> Option<Placement> {
    let held = is_own(task) && !policies.rights(device.group).manage_own;
    held.then_some(Placement::Hold(Cause::UserTasksNotAllowed))
}

fn word(
    given: &Given,
    translations: &Translations,
    device: &Device,
    placement: &Placement,
    told: Option<&AssignmentRow>,
) -> Option<Word> {
    let task = &given.task;
    let member_since = given.members.get(&device.id).copied();
    let since = since(task, &given.standing, device, member_since, told);
    let held = |cause| Standing::Held { cause };
    let (standing, command) = match placement {
        Placement::Order(translated) => {
            let schedule = task.revision.schedule.clone();
            let schedule = schedule.unwrap_or_else(|| Schedule::new(When::Manual));
            // Only a delay that follows from their number needs it; else each device that comes or goes
            // would be a change for all others.
            let devices = match schedule.random_delay {
                RandomDelay::Automatic => {
                    u32::try_from(given.devices / 100 * 100).unwrap_or(u32::MAX)
                }
                _ => 0,
            };
            let assigned = Assigned {
                task_name: task.name.clone(),
                revision: task.revision.number,
                application: task.application.clone(),
                task_type: task.task_type.clone(),
                needs: translations.needs,
                exclusive: translations.exclusive,
                time_limit: task.time_limit,
                command: translated.hash,
                plugin: translated.plugin,
                schedule,
                schedule_revision: given.standing.revision,
                since,
                devices,
                local: local(given),
            };
            let command = (translated.hash, translated.body.clone());
            (Standing::Active(Box::new(assigned)), Some(command))
        }
        Placement::Hold(cause) => (held(cause.clone()), None),
        Placement::NotSupported(reason) => {
            let reason = reason.clone();
            (held(Cause::NotSupported { reason }), None)
        }
    };
    // Who never had the task need not hear that it is held.
    let had = told.filter(|told| !told.withdrawn);
    if had.is_none() && matches!(standing, Standing::Held { .. }) {
        return None;
    }
    if had.is_some_and(|had| had.digest == digest(&standing)) {
        return None;
    }
    let later = had.is_none_or(|had| had.since.is_some_and(|before| before < since));
    Some(Word {
        device: device.id,
        standing,
        since: Some(since),
        let_go: later.then_some(since),
        command,
    })
}

/// What the device's user may change of a task.
fn local(given: &Given) -> Option<Local> {
    let is_local = matches!(given.task.scope, Scope::Local { .. });
    is_local.then(|| Local {
        version: given.version,
        settings: given.task.revision.settings.clone(),
        own: is_own(&given.task),
    })
}

/// Tells devices that they have a task no longer.
pub(super) async fn withdraw(
    app: &App,
    task: TaskId,
    parts: &[Vec<DeviceId>],
) -> Result<(), AppError> {
    for devices in parts {
        let words = devices.iter().map(|device| Word {
            device: *device,
            standing: Standing::Withdrawn,
            since: None,
            let_go: Some(Timestamp::MAX),
            command: None,
        });
        tell(app, task, words.collect()).await?;
    }
    Ok(())
}

fn digest(standing: &Standing) -> String {
    Digest::of(serde_json::json!(standing).to_string()).to_string()
}

/// Keeps what devices are told of a task, and tells them.
async fn tell(app: &App, task: TaskId, words: Vec<Word>) -> Result<(), AppError> {
    if words.is_empty() {
        return Ok(());
    }
    let turn = app.0.order_turn.lock().await;
    let (assignments, runs) = app
        .logged(move |connection| Box::pin(keep(connection, task, words)))
        .await?;
    muster_crash_point::reach("assign.committed");
    for assignment in assignments {
        let envelope = app.0.order_key.seal(&assignment);
        app.0
            .links
            .send(assignment.device, FromServer::Assign(envelope));
    }
    drop(turn);
    for run in runs {
        app.0.watch.run_changed(run);
        app.0.hints.run_changed(run);
    }
    Ok(())
}

async fn keep(
    connection: &mut Connection,
    task: TaskId,
    words: Vec<Word>,
) -> Result<(Vec<Assignment>, Vec<RunId>), AppError> {
    let mut assignments = Vec::with_capacity(words.len());
    let mut changed = Vec::new();
    for word in words {
        let sequence = device_order_next(connection, word.device).await?;
        if let Some((hash, body)) = &word.command {
            command_insert(connection, *hash, body).await?;
        }
        let row = AssignmentRow {
            device: word.device,
            task,
            digest: digest(&word.standing),
            sequence,
            since: word.since,
            withdrawn: word.standing == Standing::Withdrawn,
        };
        assignment_put(connection, &row).await?;
        if let Some(until) = word.let_go {
            changed.extend(let_go(connection, task, word.device, until).await?);
        }
        assignments.push(Assignment {
            device: word.device,
            sequence,
            task,
            standing: word.standing,
        });
    }
    muster_crash_point::reach("assign.before-commit");
    Ok((assignments, changed))
}

/// Ends what a device never heard of and will not begin any more: what came due before a moment. If
/// it began one in spite of that, while it was away, its word counts.
pub(crate) async fn let_go(
    connection: &mut Connection,
    task: TaskId,
    device: DeviceId,
    until: Timestamp,
) -> Result<Vec<RunId>, AppError> {
    let now = muster_clock::now();
    let mut changed = Vec::new();
    for run in run_list_open_of(connection, task).await? {
        let concerned = run.is_begun_by_devices()
            && run.untouched == DeliveryState::Pending
            && run.started_at <= until;
        if !concerned || !run.targets.contains(device.0) {
            continue;
        }
        let missed = Delivery {
            state: DeliveryState::Missed,
            cause: Some(Cause::NoLongerAssigned),
            wanted: Wanted::Run,
            changed_at: now,
            ..Delivery::blank(run.id, device, now)
        };
        match delivery_get(connection, run.id, device).await? {
            None => delivery_insert(connection, &missed, run.untouched).await?,
            Some(delivery) if delivery.known_as.is_none() && !delivery.state.is_final() => {
                delivery_update(connection, &missed, delivery.state).await?;
            }
            Some(_) => continue,
        }
        run_settle(connection, run.id, now).await?;
        changed.push(run.id);
    }
    Ok(changed)
}
