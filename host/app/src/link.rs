//! Links: the open connections of agents, and what comes over them.

use crate::lineage::{Bearer, lineage_begin};
use crate::silence::heard_again;
use crate::{App, AppError};
use muster_agent_protocol::VERSION;
use muster_agent_protocol::message::{FromServer, Hello, NumberedNews, Welcome};
use muster_domain::device::InstalledApplication;
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::text::plain;
use muster_domain::{DeviceId, Digest, RunId};
use muster_storage::assignment::assignment_link_begin;
use muster_storage::command::command_body;
use muster_storage::delivery::delivery_forget_known_as;
use muster_storage::device::{
    device_certificate, device_get, device_link_begin, device_link_end, device_link_end_all,
    device_tell,
};
use muster_storage::event::event_insert;
use muster_storage::user::user_edit_link_begin;
use roaring::RoaringBitmap;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Seconds between the pings of an agent.
const HEARTBEAT: u32 = 30;

/// Links that the server takes back in a second without strain.
const RETURNS_A_SECOND: u64 = 200;

/// Characters of what an agent says of a delivery's progress.
const MOST_MESSAGE: usize = 1000;

/// The way to one agent. The server has one for each socket; a test may have a channel.
pub trait AgentLink: Send + Sync {
    /// Hands a message over without waiting. A link that cannot take it closes itself: the agent
    /// comes back and is told again.
    fn send(&self, message: FromServer);

    /// Ends the link after what was handed over.
    fn close(&self);

    /// Asks for a sign of life; what is given back hears of it, or that the link is over.
    fn probe(&self) -> oneshot::Receiver<()>;
}

/// One time that a device was linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkId {
    device: DeviceId,
    number: u64,
}

impl LinkId {
    /// The device.
    pub fn device(self) -> DeviceId {
        self.device
    }
}

/// Why a link was not opened; the code and text of a refusal to the agent.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The agent is not the one that it says.
    #[error("{text}")]
    Refused {
        /// Stable.
        code: &'static str,
        /// What is wrong.
        text: String,
    },
    /// The server failed.
    #[error(transparent)]
    App(#[from] AppError),
}

struct Open {
    link: Arc<dyn AgentLink>,
    number: u64,
}

/// The open links, and the devices that have one as a bitmap.
#[derive(Default)]
pub(crate) struct Links {
    state: Mutex<State>,
    numbers: AtomicU64,
}

#[derive(Default)]
struct State {
    open: HashMap<DeviceId, Open>,
    devices: RoaringBitmap,
}

impl Links {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in a critical section below leaves the two halves apart, even if it panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_open(&self, device: DeviceId) -> bool {
        self.state().devices.contains(device.0)
    }

    pub(crate) fn count(&self) -> u64 {
        self.state().devices.len()
    }

    pub(crate) fn devices(&self) -> RoaringBitmap {
        self.state().devices.clone()
    }

    pub(crate) fn get(&self, device: DeviceId) -> Option<Arc<dyn AgentLink>> {
        self.state()
            .open
            .get(&device)
            .map(|open| Arc::clone(&open.link))
    }

    /// Sends to a device if its link is open.
    pub(crate) fn send(&self, device: DeviceId, message: FromServer) {
        if let Some(link) = self.get(device) {
            link.send(message);
        }
    }

    pub(crate) fn refuse(&self, device: DeviceId, code: &str, text: &str) {
        if let Some(link) = self.get(device) {
            link.send(FromServer::Refuse {
                code: code.into(),
                text: text.into(),
                retry_after: None,
            });
            link.close();
        }
    }

    pub(crate) fn close_all(&self) {
        let links: Vec<_> = self
            .state()
            .open
            .values()
            .map(|open| Arc::clone(&open.link))
            .collect();
        for link in links {
            link.close();
        }
    }

    /// Puts a link in, and gives back the one that it takes the place of.
    fn put(&self, device: DeviceId, open: Open) -> Option<Arc<dyn AgentLink>> {
        let mut state = self.state();
        state.devices.insert(device.0);
        state.open.insert(device, open).map(|old| old.link)
    }

    fn take(&self, id: LinkId) -> bool {
        let mut state = self.state();
        let current = state
            .open
            .get(&id.device)
            .is_some_and(|open| open.number == id.number);
        if current {
            state.open.remove(&id.device);
            state.devices.remove(id.device.0);
        }
        current
    }

    fn is_current(&self, id: LinkId) -> bool {
        self.state()
            .open
            .get(&id.device)
            .is_some_and(|open| open.number == id.number)
    }
}

impl App {
    /// Opens a link for the device that a certificate names, to an agent at an address. An older link
    /// of the device is closed, unless somebody is there: then this is a second one. The caller sends
    /// the welcome before anything that comes through `link`.
    pub async fn link_open(
        &self,
        certified: DeviceId,
        certificate: Digest,
        hello: Hello,
        address: &str,
        link: Arc<dyn AgentLink>,
    ) -> Result<(LinkId, Welcome), LinkError> {
        self.link_check(certified, certificate, &hello).await?;
        let heard = hello.last_order;
        let bearer = Bearer::new(&hello, address);
        let older = self.lineage_check(&hello, &bearer).await?;
        let begun = self.link_begin(hello, bearer, older).await?;
        let number = self.0.links.numbers.fetch_add(1, Ordering::Relaxed);
        let welcome = Welcome {
            protocol: VERSION,
            now: muster_clock::now(),
            // What the agent tells from here on has numbers that an agent ahead of it has used.
            acknowledged: if older && begun.known {
                u64::MAX
            } else {
                begun.acknowledged
            },
            heartbeat: HEARTBEAT,
            reconnect_within: reconnect_within(self.0.links.count()),
        };
        link.send(FromServer::Welcome(welcome.clone()));
        let open = Open { link, number };
        if let Some(old) = self.0.links.put(certified, open) {
            old.send(FromServer::Refuse {
                code: "replaced".into(),
                text: "another link of this device was opened".into(),
                retry_after: Some(HEARTBEAT),
            });
            old.close();
        }
        self.link_unheard(certified, heard, !begun.known).await?;
        self.0.hints.device_came(certified, !begun.known);
        Ok((
            LinkId {
                device: certified,
                number,
            },
            welcome,
        ))
    }

    async fn link_check(
        &self,
        certified: DeviceId,
        certificate: Digest,
        hello: &Hello,
    ) -> Result<(), LinkError> {
        let known = {
            let mut connection = self.0.storage.read().await.map_err(AppError::from)?;
            device_certificate(&mut connection, certified)
                .await
                .map_err(AppError::from)?
        };
        let refusal = match known {
            None => (
                "device-removed",
                format!("device {certified} is not, or no longer, enrolled"),
            ),
            Some(known) if known != certificate => (
                "certificate-replaced",
                format!("device {certified} was enrolled again and has another certificate now"),
            ),
            Some(_) if hello.device != certified => (
                "device-mismatch",
                format!(
                    "the certificate is device {certified}'s, the agent says {}",
                    hello.device
                ),
            ),
            Some(_) if hello.protocol == 0 => (
                "protocol-unsupported",
                "this server speaks version 1 of the protocol".into(),
            ),
            Some(_) => return Ok(()),
        };
        let (code, text) = refusal;
        let event = NewEvent::new(
            "link.refused",
            Severity::Warning,
            Actor::Device(certified),
            format!("A link was refused: {text}."),
        )
        .about(Subject {
            device: Some(certified),
            ..Subject::default()
        })
        .with(serde_json::json!({ "code": code }));
        self.event_write(event).await?;
        Err(LinkError::Refused { code, text })
    }

    async fn link_begin(
        &self,
        hello: Hello,
        bearer: Bearer,
        older: bool,
    ) -> Result<muster_storage::device::LinkCounters, AppError> {
        self.0
            .storage
            .write(move |connection| {
                Box::pin(async move {
                    let device = hello.device;
                    device_tell(connection, device, &hello.facts, &hello.applications).await?;
                    let (store, heard) = (&hello.store, hello.last_order);
                    let begun = device_link_begin(connection, device, store, heard).await?;
                    if !begun.known {
                        delivery_forget_known_as(connection, device).await?;
                    }
                    heard_again(connection, device).await?;
                    lineage_begin(connection, &hello, &bearer, older).await?;
                    Ok::<_, AppError>(begun)
                })
            })
            .await
    }

    /// What the device has not heard is to be told again. Once the link is in its place: what gets its
    /// number before that is marked here, and what gets it later goes over this link.
    async fn link_unheard(
        &self,
        device: DeviceId,
        heard: u64,
        store_lost: bool,
    ) -> Result<(), AppError> {
        self.0
            .storage
            .write(move |connection| {
                Box::pin(async move {
                    assignment_link_begin(connection, device, heard, store_lost).await?;
                    user_edit_link_begin(connection, device, heard).await?;
                    Ok::<_, AppError>(())
                })
            })
            .await
    }

    /// Notes that no link is open yet, when the server starts.
    pub(crate) async fn links_forget(&self) -> Result<(), AppError> {
        self.0
            .storage
            .write(move |connection| {
                Box::pin(async move { device_link_end_all(connection, muster_clock::now()).await })
            })
            .await
            .map_err(AppError::Storage)
    }

    /// Notes that a link was lost.
    pub async fn link_closed(&self, id: LinkId) {
        if !self.0.links.take(id) {
            return;
        }
        self.0.watch.progress_forget(id.device);
        let seen = self
            .0
            .storage
            .write(move |connection| {
                Box::pin(async move {
                    device_link_end(connection, id.device, muster_clock::now()).await
                })
            })
            .await;
        if let Err(error) = seen {
            tracing::warn!(device = %id.device, %error, "when the device was last seen was not kept");
        }
    }

    /// Takes news. Returns when they are durable and acknowledged over the link, which is how a flood
    /// of reports slows its agents down.
    pub async fn link_news(&self, id: LinkId, news: Vec<NumberedNews>) {
        let Some(link) = self.0.links.get(id.device) else {
            return;
        };
        match self.news_of_runs(id.device, news).await {
            Ok(news) => self.0.reports.take(id.device, news, link).await,
            Err(error) => {
                // What is not acknowledged comes again over the next link.
                let error = muster_domain::chain(&error);
                tracing::error!(device = %id.device, %error, "news of a device were not taken");
                link.close();
            }
        }
    }

    /// Takes what a device's connectors say now.
    pub async fn link_applications(
        &self,
        id: LinkId,
        applications: Vec<InstalledApplication>,
    ) -> Result<(), AppError> {
        if !self.0.links.is_current(id) {
            return Ok(());
        }
        self.0
            .storage
            .write::<_, AppError, _>(move |connection| {
                Box::pin(async move {
                    let Some(device) = device_get(connection, id.device).await? else {
                        return Ok(());
                    };
                    device_tell(connection, device.id, &device.facts, &applications).await?;
                    let event = applications_event(&device, &applications);
                    event_insert(connection, muster_clock::now(), event.as_slice()).await?;
                    Ok(())
                })
            })
            .await?;
        self.0.watch.log_grew();
        self.0.hints.device_changed(id.device);
        Ok(())
    }

    /// Takes how far a delivery is. It is shown, not kept.
    pub async fn link_progress(
        &self,
        id: LinkId,
        run: RunId,
        percent: Option<u8>,
        message: Option<String>,
    ) {
        let Ok(Some(run)) = self.run_known_as(id.device, run).await else {
            return;
        };
        let message = message.map(|message| {
            let shown: String = message.chars().take(MOST_MESSAGE).collect();
            plain(&shown).into_owned()
        });
        self.0.watch.progress(run, id.device, percent, message);
    }

    /// The body of a command that an agent lacks.
    pub async fn link_command_body(&self, hash: Digest) -> Result<Option<String>, AppError> {
        Ok(command_body(&mut *self.0.storage.read().await?, hash).await?)
    }
}

/// Seconds over which agents spread their return after a lost link: no more than it takes to have
/// them all back.
fn reconnect_within(links: u64) -> u32 {
    u32::try_from(1 + links / RETURNS_A_SECOND).unwrap_or(u32::MAX)
}

/// What changed among a device's applications, if anything did.
fn applications_event(
    device: &muster_domain::device::Device,
    now: &[InstalledApplication],
) -> Option<NewEvent> {
    let changed: Vec<String> = now
        .iter()
        .filter(|now| {
            device
                .application(&now.application)
                .is_none_or(|was| was != *now)
        })
        .map(|now| {
            let state = serde_json::json!(now.state);
            let version = now.version.as_deref().unwrap_or("without a version");
            format!(
                "{} is {} ({version})",
                now.application,
                state.as_str().unwrap_or_default()
            )
        })
        .collect();
    (!changed.is_empty()).then(|| {
        NewEvent::new(
            "device.applications-changed",
            Severity::Info,
            Actor::Device(device.id),
            format!("On {}: {}.", device.name, changed.join(", ")),
        )
        .about(Subject {
            device: Some(device.id),
            ..Subject::default()
        })
    })
}
