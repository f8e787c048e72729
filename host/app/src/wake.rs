//! Wake: devices that sleep are woken over the network, by a person's wish or before their tasks start.
//!
//! A loop without input: each minute it asks which schedules want devices awake by now, and sends
//! packets to those that have no link, again each minute until the start. Nothing is kept: a server
//! that starts anew sends once more, which wakes nobody twice.

use crate::device::DeviceDetail;
use crate::occur::zones;
use crate::place::devices_of;
use crate::{Administrator, App, AppError};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use muster_agent_protocol::message::FromServer;
use muster_domain::device::{Device, Facts};
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::schedule::{OccurrenceId, Timetable, Zone};
use muster_domain::task::Task;
use muster_domain::wake::WakeAddress;
use muster_domain::{DeviceId, TaskId, chain};
use muster_storage::device::{device_list_of, device_wakes};
use muster_storage::task::{task_get, task_list_waking};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::UdpSocket;

/// So often is looked, and so often a packet is sent again: each may be lost.
const SWEEP: SignedDuration = SignedDuration::from_mins(1);

/// Devices that an event names.
const MOST_NAMED: usize = 20;

/// How packets are sent.
#[derive(Debug, Clone, Copy)]
pub struct Waking {
    /// To which port.
    pub port: u16,
    /// To this address instead of the devices' networks.
    pub to: Option<SocketAddr>,
}

impl App {
    /// Wakes a device, and gives the addresses that packets were sent for.
    pub async fn device_wake(
        &self,
        who: &Administrator,
        reference: &str,
    ) -> Result<(DeviceDetail, Vec<WakeAddress>), AppError> {
        let detail = self.device_get(who, reference).await?;
        let device = &detail.device;
        let known = addresses(device);
        if known.is_empty() {
            return Err(AppError::Conflict {
                code: "device-wake-unknown",
                text: format!(
                    "the agent of {} has not told which interface wakes it; name one in its \
                     agent.toml (`wake`)",
                    device.name
                ),
            });
        }
        let sent = self.send(&known).await?;
        let shown: Vec<String> = sent.iter().map(ToString::to_string).collect();
        let text = format!("Device {} was woken: {}.", device.name, shown.join(", "));
        let subject = Subject {
            device: Some(device.id),
            ..Subject::default()
        };
        let event = NewEvent::new("device.woken", Severity::Info, who.actor(), text);
        let event = event
            .about(subject)
            .with(serde_json::json!({ "addresses": shown }));
        self.event_write(event).await?;
        Ok((detail, sent))
    }

    /// Sends a packet for each address, and gives those for which one was. Routers seldom let such a
    /// packet through, so a device that is linked, and in the same network, sends it as well.
    async fn send(&self, addresses: &[WakeAddress]) -> Result<Vec<WakeAddress>, AppError> {
        if self.0.waking.to.is_none() {
            self.relay(addresses).await?;
        }
        self.send_directly(addresses).await
    }

    /// Has one linked device in each network send the packets for it.
    async fn relay(&self, addresses: &[WakeAddress]) -> Result<(), AppError> {
        let mut of: BTreeMap<Ipv4Addr, Vec<String>> = BTreeMap::new();
        for address in addresses {
            of.entry(address.network)
                .or_default()
                .push(address.to_string());
        }
        let told = device_wakes(&mut *self.0.storage.read().await?).await?;
        let connected = self.0.links.devices();
        for (device, told) in told {
            if of.is_empty() {
                break;
            }
            if !connected.contains(device.0) {
                continue;
            }
            for own in WakeAddress::read_all(&told) {
                if let Some(addresses) = of.remove(&own.network) {
                    let port = self.0.waking.port;
                    let wake = FromServer::Wake { addresses, port };
                    self.0.links.send(device, wake);
                }
            }
        }
        Ok(())
    }

    async fn send_directly(&self, addresses: &[WakeAddress]) -> Result<Vec<WakeAddress>, AppError> {
        let Waking { port, to } = self.0.waking;
        let failed = |cause| AppError::File {
            doing: "send",
            file: "packets that wake devices".into(),
            cause,
        };
        let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        let any = to.map_or(any, |to| match to {
            SocketAddr::V4(_) => any,
            SocketAddr::V6(_) => SocketAddr::new(IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED), 0),
        });
        let socket = UdpSocket::bind(any).await.map_err(failed)?;
        socket.set_broadcast(true).map_err(failed)?;
        let mut sent = Vec::new();
        let mut last = None;
        for address in addresses {
            let target = to.unwrap_or_else(|| SocketAddr::new(address.network.into(), port));
            match socket.send_to(&address.packet(), target).await {
                Ok(_) => sent.push(*address),
                Err(cause) => {
                    tracing::warn!(%target, %address, %cause, "a packet that wakes was not sent");
                    last = Some(cause);
                }
            }
        }
        match last {
            Some(cause) if sent.is_empty() => Err(failed(cause)),
            _ => Ok(sent),
        }
    }
}

/// What wakes a device, as its agent told.
fn addresses(device: &Device) -> Vec<WakeAddress> {
    let told = device.facts.more.get(Facts::WAKE);
    told.map(|told| WakeAddress::read_all(told))
        .unwrap_or_default()
}

/// The occurrences for which an event was written.
type Told = BTreeSet<(Timestamp, TaskId, OccurrenceId)>;

/// Wakes until the server stops.
pub(crate) async fn work(app: App) {
    let stopping = app.0.stopping.clone();
    let mut told = Told::new();
    loop {
        let now = muster_clock::now();
        let next = match look(&app, &mut told, now).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(error = %chain(&error), "nobody was woken; trying again");
                None
            }
        };
        let next = next.unwrap_or(Timestamp::MAX).min(now + SWEEP);
        tokio::select! {
            () = stopping.cancelled() => break,
            () = muster_clock::until_or_set_back(next) => {}
        }
    }
}

/// Devices that are to be awake for an occurrence.
struct Due {
    occurrence: OccurrenceId,
    at: Timestamp,
    devices: RoaringBitmap,
}

/// Wakes who is to be awake by now, and says when somebody is next.
async fn look(app: &App, told: &mut Told, now: Timestamp) -> Result<Option<Timestamp>, AppError> {
    told.retain(|(at, ..)| *at > now);
    let tasks = task_list_waking(&mut *app.0.storage.read().await?).await?;
    if tasks.is_empty() {
        return Ok(None);
    }
    let zones = zones(app).await?;
    let mut next: Option<Timestamp> = None;
    for id in tasks {
        let (task, scope) = {
            let mut connection = app.0.storage.read().await?;
            let Some(task) = task_get(&mut connection, id).await? else {
                continue;
            };
            let scope = devices_of(&mut connection, &task.scope).await?;
            (task, scope)
        };
        let (due, later) = due(&task, &zones, &scope, now);
        next = [next, later].into_iter().flatten().min();
        for one in due {
            wake(app, &task, one, told).await?;
        }
    }
    Ok(next)
}

/// What is due of a task in each zone, and when something is next.
fn due(
    task: &Task,
    zones: &[(TimeZone, RoaringBitmap)],
    scope: &RoaringBitmap,
    now: Timestamp,
) -> (Vec<Due>, Option<Timestamp>) {
    let mut due: Vec<Due> = Vec::new();
    let mut later: Option<Timestamp> = None;
    let schedule = task.revision.schedule.as_ref();
    let Some(schedule) = schedule.filter(|schedule| schedule.when.names_times()) else {
        return (due, later);
    };
    let everywhere = [(TimeZone::UTC, scope.clone())];
    let zones = if schedule.zone == Zone::Device {
        zones
    } else {
        &everywhere
    };
    for (zone, there) in zones {
        let devices = there & scope;
        let Ok(table) = Timetable::new(schedule, zone) else {
            continue;
        };
        let next = table.after(now).next();
        let Some((next, wake_at)) = next.and_then(|next| Some((next, schedule.wake_at(next.at)?)))
        else {
            continue;
        };
        if devices.is_empty() {
            continue;
        }
        if wake_at > now {
            later = [later, Some(wake_at)].into_iter().flatten().min();
            continue;
        }
        due.push(Due {
            occurrence: next.id,
            at: next.at,
            devices,
        });
    }
    (due, later)
}

/// Sends to the devices of an occurrence that have no link, and tells of it the first time.
async fn wake(app: &App, task: &Task, due: Due, told: &mut Told) -> Result<(), AppError> {
    let asleep = &due.devices - app.0.links.devices();
    if asleep.is_empty() {
        return Ok(());
    }
    let ids: Vec<DeviceId> = asleep.iter().map(DeviceId).collect();
    let devices = device_list_of(&mut *app.0.storage.read().await?, &ids).await?;
    let (mut all, mut names, mut unknown) = (Vec::new(), Vec::new(), 0);
    for device in &devices {
        let known = addresses(device);
        if known.is_empty() {
            unknown += 1;
        } else {
            names.push(device.name.clone());
        }
        all.extend(known);
    }
    let failure = match app.send(&all).await {
        Ok(_) => None,
        Err(error) => {
            tracing::warn!(task = %task.id, error = %chain(&error), "devices were not woken");
            Some(chain(&error))
        }
    };
    if told.insert((due.at, task.id, due.occurrence)) {
        let event = event(task, &due, names, unknown, failure.as_deref());
        app.event_write(event).await?;
    }
    Ok(())
}

fn event(
    task: &Task,
    due: &Due,
    mut names: Vec<String>,
    unknown: usize,
    failure: Option<&str>,
) -> NewEvent {
    let (count, occurrence) = (names.len(), due.occurrence);
    names.sort();
    names.truncate(MOST_NAMED);
    let mut text = match failure {
        None => format!(
            "Packets were sent to wake devices ({count}) for occurrence {occurrence} of task {}",
            task.name
        ),
        Some(failure) => format!(
            "Devices ({count}) could not be woken for occurrence {occurrence} of task {}: {failure}",
            task.name
        ),
    };
    if unknown > 0 {
        use std::fmt::Write as _;
        // Writing to a string does not fail.
        let _ = write!(text, "; of others ({unknown}) it is not known how");
    }
    text.push('.');
    let severity = if failure.is_some() {
        Severity::Warning
    } else {
        Severity::Info
    };
    let subject = Subject {
        application: Some(task.application.clone()),
        task: Some(task.id),
        ..Subject::default()
    };
    let fields = serde_json::json!({
        "occurrence": occurrence,
        "at": due.at,
        "devices": count,
        "named": names,
        "unknown": unknown,
        "failure": failure,
    });
    NewEvent::new("task.devices-woken", severity, Actor::Server, text)
        .about(subject)
        .with(fields)
}
