//! Orders: the first step on the device. An envelope is opened, judged, and becomes a row.
//!
//! What `deliver` does starts from that row. An order that is not the server's, not for this
//! device, or older than what was seen changes nothing but the log.

use crate::store::log::NewEntry;
use crate::store::{Store, StoreError, delivery, news};
use muster_agent_protocol::message::News;
use muster_agent_protocol::order::{Envelope, EnvelopeError, Order, OrderPublicKey};
use muster_domain::event::Severity;
use muster_domain::{DeviceId, RunId};

/// Why an order is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not from the server, or cannot be read.
    #[error("{0}")]
    Envelope(#[from] EnvelopeError),
    /// It is for another device.
    #[error("it is for device {meant}, and this is device {own}")]
    OtherDevice {
        /// The device that is meant.
        meant: DeviceId,
        /// This device.
        own: DeviceId,
    },
    /// A later one was seen.
    #[error("it has number {number}, and number {seen} was seen already")]
    Old {
        /// Its number.
        number: u64,
        /// The greatest that was seen.
        seen: u64,
    },
    /// It is about a delivery that this device would have begun by itself, and did not.
    #[error("this device has begun no run {0}")]
    NotBegun(RunId),
}

/// What an order does to what the store knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// A delivery that is new to the device.
    New,
    /// The last word about a delivery that is known.
    Newer,
    /// Nothing: it was taken before, or its delivery is over.
    Known,
}

/// Takes an order in: after this it is committed, or refused and logged.
pub async fn take(
    store: &Store,
    device: DeviceId,
    key: &OrderPublicKey,
    envelope: &Envelope,
) -> Result<(), StoreError> {
    muster_crash_point::reach("agent.order-received");
    let order = match open(device, key, envelope) {
        Ok(order) => order,
        Err((refusal, run)) => return refuse(store, &refusal, run).await,
    };
    let (_, seen) = store.identity().await?;
    let mut transaction = store.begin().await?;
    let known = delivery::find(&mut transaction, order.run).await?;
    match effect(&order, known.as_ref(), seen) {
        Ok(Effect::Known) => return Ok(()),
        Ok(Effect::New) => delivery::insert(&mut transaction, &order).await?,
        Ok(Effect::Newer) => {
            let order = known.and_then(|known| own(known, &order)).unwrap_or(order);
            delivery::set_order(&mut transaction, &order).await?;
        }
        Err(refusal) => {
            drop(transaction);
            return refuse(store, &refusal, Some(order.run)).await;
        }
    }
    transaction.commit().await?;
    muster_crash_point::reach("agent.delivery-committed");
    store.hints.deliver.notify_one();
    store.hints.link.notify_one();
    Ok(())
}

fn open(
    device: DeviceId,
    key: &OrderPublicKey,
    envelope: &Envelope,
) -> Result<Order, (Refusal, Option<RunId>)> {
    let order: Order = envelope.open(key).map_err(|cause| (cause.into(), None))?;
    if order.device != device {
        return Err((
            Refusal::OtherDevice {
                meant: order.device,
                own: device,
            },
            None,
        ));
    }
    Ok(order)
}

fn effect(order: &Order, known: Option<&delivery::Delivery>, seen: u64) -> Result<Effect, Refusal> {
    let number = order.sequence;
    match known {
        None if number <= seen => Err(Refusal::Old { number, seen }),
        None if order.run.0 < 0 => Err(Refusal::NotBegun(order.run)),
        None => Ok(Effect::New),
        Some(known) if number < known.order.sequence => Err(Refusal::Old {
            number,
            seen: known.order.sequence,
        }),
        Some(known) if number == known.order.sequence || known.state == delivery::State::Ended => {
            Ok(Effect::Known)
        }
        Some(_) => Ok(Effect::Newer),
    }
}

/// What becomes of a delivery that the device began by itself: what it carries out stays as it began, and
/// only what is wanted of it changes. None for one that the server ordered.
fn own(known: delivery::Delivery, order: &Order) -> Option<Order> {
    known.occurrence.is_some().then_some(Order {
        sequence: order.sequence,
        wanted: order.wanted,
        despite_windows: order.despite_windows,
        ..known.order
    })
}

async fn refuse(store: &Store, refusal: &Refusal, run: Option<RunId>) -> Result<(), StoreError> {
    let text = format!("An order was refused: {refusal}.");
    note_refusal(store, "order.refused", text, run).await
}

/// Tells the server, and whoever reads the log, what was refused.
pub(crate) async fn note_refusal(
    store: &Store,
    kind: &'static str,
    text: String,
    run: Option<RunId>,
) -> Result<(), StoreError> {
    tracing::warn!("{text}");
    let mut transaction = store.begin().await?;
    news::add(
        &mut transaction,
        &News::Happened {
            kind: kind.into(),
            severity: Severity::Warning,
            text: text.clone(),
            run,
        },
    )
    .await?;
    store
        .log(
            &mut transaction,
            NewEntry {
                kind,
                severity: Severity::Warning,
                text,
                run,
                fields: vec![],
            },
        )
        .await?;
    transaction.commit().await?;
    store.hints.link.notify_one();
    store.hints.log.notify_one();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreLocation;
    use jiff::Timestamp;
    use muster_agent_protocol::order::OrderKey;
    use muster_domain::Digest;
    use muster_domain::TaskId;
    use muster_domain::application::Needs;
    use muster_domain::delivery::Wanted;

    fn order(device: u32, sequence: u64, run: i64) -> Order {
        Order {
            device: DeviceId(device),
            sequence,
            run: RunId(run),
            task: TaskId(1),
            task_name: "nightly".into(),
            revision: 1,
            application: "net.clamav.clamav".parse().unwrap(),
            task_type: "scan".parse().unwrap(),
            needs: Needs::Running,
            exclusive: false,
            time_limit: 60,
            command: Digest::of("{}"),
            wanted: Wanted::Run,
            valid_until: Timestamp::MAX,
            despite_windows: false,
        }
    }

    #[tokio::test]
    async fn only_the_servers_newer_orders_for_this_device_are_taken() {
        let store = Store::open(&StoreLocation::Memory, "x", false)
            .await
            .unwrap();
        let key = OrderKey::from_pkcs8(&OrderKey::generate().unwrap()).unwrap();
        let other = OrderKey::from_pkcs8(&OrderKey::generate().unwrap()).unwrap();
        let public = key.public();
        let take = |envelope: Envelope| {
            let (store, public) = (&store, &public);
            async move {
                take(store, DeviceId(7), public, &envelope).await.unwrap();
                let mut connection = store.acquire().await.unwrap();
                let open = delivery::open(&mut connection).await.unwrap();
                let news = news::count(&mut connection).await.unwrap();
                (
                    open.iter()
                        .map(|delivery| delivery.order.run.0)
                        .collect::<Vec<_>>(),
                    news,
                )
            }
        };
        assert_eq!(take(key.seal(&order(7, 5, 1))).await, (vec![1], 0));
        // The same again is no news; what is forged, changed, meant for another or old is refused.
        assert_eq!(take(key.seal(&order(7, 5, 1))).await, (vec![1], 0));
        assert_eq!(take(other.seal(&order(7, 6, 2))).await, (vec![1], 1));
        let mut changed = key.seal(&order(7, 6, 2));
        changed.order = changed
            .order
            .replace("\"exclusive\":false", "\"exclusive\":true ");
        assert_eq!(take(changed).await, (vec![1], 2));
        assert_eq!(take(key.seal(&order(8, 6, 2))).await, (vec![1], 3));
        assert_eq!(take(key.seal(&order(7, 4, 1))).await, (vec![1], 4));
        assert_eq!(take(key.seal(&order(7, 5, 3))).await, (vec![1], 5));
        assert_eq!(take(key.seal(&order(7, 6, 3))).await, (vec![1, 3], 5));
        // Numbers below 0 are the device's to give.
        assert_eq!(take(key.seal(&order(7, 7, -3))).await, (vec![1, 3], 6));
        assert_eq!(store.identity().await.unwrap().1, 6);
    }
}
