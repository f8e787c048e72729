//! Contact: a delivery's row is made when its device is there for the first time, and looked at
//! again when what held it may have ended.

use super::order::OrderDraft;
use super::share::Active;
use super::translate::Placement;
use crate::dispatch::run_settle;
use crate::user::{Policies, is_own};
use crate::{App, AppError};
use jiff::Timestamp;
use muster_domain::DeviceId;
use muster_domain::delivery::{Cause, Delivery, DeliveryState, Wanted};
use muster_domain::device::Device;
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::run::{Run, RunState};
use muster_domain::schedule::Timetable;
use muster_storage::Connection;
use muster_storage::command::command_insert;
use muster_storage::delivery::{delivery_get, delivery_insert, delivery_update};
use muster_storage::device::{device_list_of, device_order_next};
use muster_storage::event::event_insert;
use muster_storage::run::run_state;
use muster_storage::task::task_get;

/// Makes the deliveries for devices that the run meets for the first time.
pub(super) async fn first_contact(
    app: &App,
    active: &mut Active,
    devices: &[DeviceId],
) -> Result<(), AppError> {
    let placed = place(app, active, devices).await?;
    let run = active.run.clone();
    let draft = OrderDraft::of(active);
    let own = run.is_begun_by_devices();
    let turn = app.0.order_turn.lock().await;
    let (orders, finished) = app
        .logged(move |connection| {
            Box::pin(async move {
                // Somebody may have stopped or paused it since it was looked at.
                if run_state(connection, run.id).await? != Some(RunState::Running) {
                    return Ok((Vec::new(), false));
                }
                let now = muster_clock::now();
                let mut orders = Vec::new();
                for (device, placement) in &placed {
                    if own && delivery_get(connection, run.id, device.id).await?.is_some() {
                        // The device began it and told so before anybody here looked.
                        continue;
                    }
                    let mut delivery = Delivery::blank(run.id, device.id, now);
                    draft
                        .settle(connection, &mut delivery, device, placement, now)
                        .await?;
                    delivery_insert(connection, &delivery, run.untouched).await?;
                    tell(connection, &draft, device, &delivery, now).await?;
                    orders.extend(draft.order(&delivery));
                }
                let finished = run_settle(connection, run.id, now).await?;
                muster_crash_point::reach("deliver.before-commit");
                Ok((orders, finished))
            })
        })
        .await?;
    muster_crash_point::reach("deliver.committed");
    active.touched.extend(devices.iter().map(|device| device.0));
    super::order::send(app, orders);
    drop(turn);
    told(app, &active.run, finished);
    Ok(())
}

/// Looks again at deliveries that were held without an order.
pub(super) async fn further_contact(
    app: &App,
    active: &mut Active,
    devices: &[DeviceId],
) -> Result<(), AppError> {
    let placed = place(app, active, devices).await?;
    let run = active.run.clone();
    let draft = OrderDraft::of(active);
    let turn = app.0.order_turn.lock().await;
    let (orders, finished) = app
        .logged(move |connection| {
            Box::pin(async move {
                let now = muster_clock::now();
                let mut orders = Vec::new();
                for (device, placement) in &placed {
                    let Some(mut delivery) = delivery_get(connection, run.id, device.id).await?
                    else {
                        continue;
                    };
                    let held = !delivery.state.is_final() && delivery.ordered.is_none();
                    if !held || delivery.wanted != Wanted::Run {
                        continue;
                    }
                    let (was, was_cause) = (delivery.state, delivery.cause.clone());
                    draft
                        .settle(connection, &mut delivery, device, placement, now)
                        .await?;
                    if (delivery.state, &delivery.cause) == (was, &was_cause) {
                        continue;
                    }
                    delivery_update(connection, &delivery, was).await?;
                    tell(connection, &draft, device, &delivery, now).await?;
                    orders.extend(draft.order(&delivery));
                }
                let finished = run_settle(connection, run.id, now).await?;
                Ok((orders, finished))
            })
        })
        .await?;
    super::order::send(app, orders);
    drop(turn);
    told(app, &active.run, finished);
    Ok(())
}

async fn place(
    app: &App,
    active: &mut Active,
    devices: &[DeviceId],
) -> Result<Vec<(Device, Placement)>, AppError> {
    let (devices, users) = {
        let mut connection = app.0.storage.read().await?;
        let devices = device_list_of(&mut connection, devices).await?;
        // What a person starts is done; only what would start by itself is held.
        let task = if active.run.is_begun_by_devices() {
            task_get(&mut connection, active.run.task).await?
        } else {
            None
        };
        let users = match task.filter(is_own) {
            Some(_) => Some(Policies::read(&mut connection).await?),
            None => None,
        };
        (devices, users)
    };
    let placements = active.translations.place(app, &devices).await?;
    let may = |device: &Device| {
        let rights = users.as_ref().map(|users| users.rights(device.group));
        rights.is_none_or(|rights| rights.manage_own)
    };
    Ok(devices
        .into_iter()
        .zip(placements)
        .map(|(device, (_, placement))| {
            if may(&device) {
                (device, placement)
            } else {
                (device, Placement::Hold(Cause::UserTasksNotAllowed))
            }
        })
        .collect())
}

impl OrderDraft {
    /// Brings a delivery to where its placement puts it.
    async fn settle(
        &self,
        connection: &mut Connection,
        delivery: &mut Delivery,
        device: &Device,
        placement: &Placement,
        now: Timestamp,
    ) -> Result<(), AppError> {
        delivery.changed_at = now;
        match placement {
            Placement::Order(_) if self.run.is_begun_by_devices() => {
                delivery.state = DeliveryState::Scheduled;
                delivery.cause = self.starts_at(device).map(|at| Cause::StartsAt { at });
            }
            Placement::Order(translated) => {
                command_insert(connection, translated.hash, &translated.body).await?;
                delivery.command = Some(translated.hash);
                delivery.plugin = Some(translated.plugin);
                delivery.state = DeliveryState::Waiting;
                delivery.cause = Some(Cause::Sent);
                delivery.ordered = Some(Wanted::Run);
                delivery.sequence = Some(device_order_next(connection, delivery.device).await?);
            }
            Placement::Hold(cause) => {
                delivery.state = DeliveryState::Waiting;
                delivery.cause = Some(cause.clone());
            }
            Placement::NotSupported(reason) => {
                delivery.state = DeliveryState::NotSupported;
                delivery.cause = Some(Cause::NotSupported {
                    reason: reason.clone(),
                });
                delivery.summary = Some(reason.clone());
            }
        }
        Ok(())
    }

    /// When a device begins the run by itself, as far as the server can tell: by the device's zone,
    /// with its random delay.
    fn starts_at(&self, device: &Device) -> Option<Timestamp> {
        let (schedule, occurrence) = (self.schedule.as_ref()?, self.run.occurrence?);
        let table = Timetable::new(schedule, &device.zone()).ok()?;
        let devices = u32::try_from(self.run.targets.len() / 100 * 100).unwrap_or(u32::MAX);
        let delay = schedule
            .random_delay
            .of(self.run.task, device.id, occurrence, devices);
        table.moment_of(occurrence)?.checked_add(delay).ok()
    }
}

async fn tell(
    connection: &mut Connection,
    draft: &OrderDraft,
    device: &Device,
    delivery: &Delivery,
    now: Timestamp,
) -> Result<(), AppError> {
    let run = &draft.run;
    let cause = delivery
        .cause
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let (kind, severity, text) = match (delivery.ordered, delivery.state) {
        (Some(_), _) => (
            "delivery.sent",
            Severity::Info,
            format!("Run {} was sent to {}.", run.id, device.name),
        ),
        (None, DeliveryState::NotSupported) => (
            "delivery.finished",
            Severity::Warning,
            format!("Run {} cannot be done on {}: {cause}.", run.id, device.name),
        ),
        (None, DeliveryState::Scheduled) => (
            "delivery.scheduled",
            Severity::Info,
            format!("Run {} is scheduled on {}: {cause}.", run.id, device.name),
        ),
        (None, _) => (
            "delivery.waiting",
            Severity::Info,
            format!("Run {} waits on {}: {cause}.", run.id, device.name),
        ),
    };
    let event = NewEvent::new(kind, severity, Actor::Server, text)
        .about(Subject {
            application: Some(draft.head.application.clone()),
            device: Some(device.id),
            task: Some(run.task),
            run: Some(run.id),
            ..Subject::default()
        })
        .with(serde_json::json!({ "state": delivery.state, "cause": delivery.cause }));
    Ok(event_insert(connection, now, &[event]).await?)
}

fn told(app: &App, run: &Run, finished: bool) {
    app.0.watch.run_changed(run.id);
    if finished {
        app.0.hints.run_changed(run.id);
    }
}
