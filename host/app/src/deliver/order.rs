//! Orders: what is wanted of a delivery, signed and handed to the device's link.

use super::share::Active;
use crate::{App, AppError};
use jiff::{SignedDuration, Timestamp};
use muster_agent_protocol::message::FromServer;
use muster_agent_protocol::order::Order;
use muster_domain::DeviceId;
use muster_domain::application::Needs;
use muster_domain::delivery::Delivery;
use muster_domain::run::Run;
use muster_domain::schedule::Schedule;
use muster_storage::delivery::{delivery_get, delivery_update};
use muster_storage::device::device_order_next;
use muster_storage::task::TaskHead;

/// How long an order may be begun. A device that comes later is given a new one.
const VALID_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An order but for what differs from device to device.
#[derive(Clone)]
pub(super) struct OrderDraft {
    pub(super) head: TaskHead,
    needs: Needs,
    exclusive: bool,
    pub(super) run: Run,
    /// By which devices begin the run themselves.
    pub(super) schedule: Option<Schedule>,
    valid_until: Timestamp,
}

impl OrderDraft {
    pub(super) fn of(active: &Active) -> Self {
        Self {
            head: active.translations.head.clone(),
            needs: active.translations.needs,
            exclusive: active.translations.exclusive,
            run: active.run.clone(),
            schedule: active.translations.schedule.clone(),
            valid_until: muster_clock::now() + VALID_FOR,
        }
    }

    /// The order for a delivery that has a command and was given a number.
    pub(super) fn order(&self, delivery: &Delivery) -> Option<Order> {
        Some(Order {
            device: delivery.device,
            sequence: delivery.sequence?,
            run: delivery.known_as.unwrap_or(delivery.run),
            task: self.run.task,
            task_name: self.head.name.clone(),
            revision: self.run.revision,
            application: self.head.application.clone(),
            task_type: self.head.task_type.clone(),
            needs: self.needs,
            exclusive: self.exclusive,
            time_limit: self.head.time_limit,
            command: delivery.command?,
            wanted: delivery.ordered?,
            valid_until: self.valid_until,
            despite_windows: self.run.despite_windows,
        })
    }
}

/// Orders deliveries anew, because something else is wanted or the last order may be lost.
pub(super) async fn order_again(
    app: &App,
    active: &Active,
    devices: &[DeviceId],
) -> Result<(), AppError> {
    let draft = OrderDraft::of(active);
    let (run, devices) = (active.run.id, devices.to_vec());
    let turn = app.0.order_turn.lock().await;
    let orders = app
        .0
        .storage
        .write::<_, AppError, _>(move |connection| {
            Box::pin(async move {
                let mut orders = Vec::new();
                for device in devices {
                    let delivery = delivery_get(connection, run, device).await?;
                    let open = delivery.filter(|delivery| {
                        !delivery.state.is_final() && delivery.ordered.is_some()
                    });
                    if let Some(mut delivery) = open {
                        delivery.ordered = Some(delivery.wanted);
                        delivery.sequence = Some(device_order_next(connection, device).await?);
                        delivery_update(connection, &delivery, delivery.state).await?;
                        orders.extend(draft.order(&delivery));
                    }
                }
                Ok(orders)
            })
        })
        .await?;
    send(app, orders);
    drop(turn);
    Ok(())
}

/// Seals orders and hands them to the links of their devices. A link that was lost meanwhile is no
/// loss: the device is told when it comes back.
pub(super) fn send(app: &App, orders: Vec<Order>) {
    for order in orders {
        let envelope = app.0.order_key.seal(&order);
        app.0.links.send(order.device, FromServer::Order(envelope));
        muster_crash_point::reach("deliver.sent");
    }
}
