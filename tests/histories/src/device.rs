//! A device: the agent's store and what takes the server's messages in, without its loops.

use crate::server::Server;
use anyhow::{Context as _, Result};
use muster_agent::schedule::zone::DeviceZone;
use muster_agent::store::{Store, StoreLocation, news};
use muster_agent::user::{self, Desk, Done, Request, UserError};
use muster_agent::{assignments, orders};
use muster_agent_protocol::VERSION;
use muster_agent_protocol::message::{FromServer, Hello};
use muster_app::enroll::Applicant;
use muster_app::link::{AgentLink, LinkId};
use muster_domain::device::{ApplicationState, Facts, InstalledApplication};
use muster_domain::{DeviceId, Digest};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

/// Bytes of news in one message.
const NEWS: usize = 1 << 20;

/// The wire from the server.
struct Wire(mpsc::UnboundedSender<FromServer>);

impl AgentLink for Wire {
    fn send(&self, message: FromServer) {
        // Nobody listens on a wire that broke.
        let _ = self.0.send(message);
    }

    fn close(&self) {}

    fn probe(&self) -> oneshot::Receiver<()> {
        // A wire that nobody listens on is over.
        oneshot::channel().1
    }
}

struct Link {
    id: LinkId,
    from_server: mpsc::UnboundedReceiver<FromServer>,
    sent: u64,
}

/// A device and its agent.
pub struct Device {
    /// Its number.
    pub id: DeviceId,
    /// Its store.
    pub store: Store,
    certificate: Digest,
    folder: TempDir,
    zone: DeviceZone,
    link: Option<Link>,
}

impl Device {
    /// Enrolls it.
    pub async fn enroll(server: &Server, name: &str) -> Result<Self> {
        let secret = Digest::of(name);
        let who = crate::server::administrator();
        server
            .app
            .enrollment_token_create(&who, secret, (None, None), None)
            .await?;
        let applicant = Applicant {
            token: secret,
            name: name.into(),
            key: secret,
            facts: facts(),
        };
        let (id, ()) = server
            .app
            .enroll(applicant, move |_| Ok(((), secret)))
            .await?;
        let folder = tempfile::tempdir()?;
        let store = open(&folder).await?;
        Ok(Self {
            id,
            store,
            certificate: secret,
            folder,
            zone: DeviceZone::find(),
            link: None,
        })
    }

    /// Its agent is killed, and started again on what its store has.
    pub async fn crash(&mut self, server: &Server) -> Result<()> {
        self.unlink(server).await;
        self.store.close().await;
        self.store = open(&self.folder).await?;
        Ok(())
    }

    /// Its user wants something.
    pub async fn act(&self, request: Request) -> Result<Done, UserError> {
        let desk = Desk {
            store: &self.store,
            device: self.id,
            zone: &self.zone,
            user: "bob",
        };
        user::act(desk, request).await
    }

    /// Whether it has a link.
    pub fn is_linked(&self) -> bool {
        self.link.is_some()
    }

    /// Opens a link.
    pub async fn link(&mut self, server: &Server) -> Result<()> {
        let (store, last_order) = self.store.identity().await?;
        let hello = Hello {
            protocol: VERSION,
            device: self.id,
            store,
            last_order,
            lineage: None,
            facts: facts(),
            applications: vec![InstalledApplication {
                application: "net.clamav.clamav".parse().map_err(anyhow::Error::msg)?,
                state: ApplicationState::Running,
                version: Some("1.4.3".into()),
            }],
        };
        let (wire, from_server) = mpsc::unbounded_channel();
        let (id, welcome) = server
            .app
            .link_open(
                self.id,
                self.certificate,
                hello,
                "127.0.0.1",
                Arc::new(Wire(wire)),
            )
            .await?;
        news::acknowledged(&mut *self.store.acquire().await?, welcome.acknowledged).await?;
        self.link = Some(Link {
            id,
            from_server,
            sent: welcome.acknowledged,
        });
        Ok(())
    }

    /// The link breaks: what was on its way is lost.
    pub async fn unlink(&mut self, server: &Server) {
        if let Some(link) = self.link.take() {
            server.app.link_closed(link.id).await;
        }
    }

    /// A link of a server that is gone.
    pub fn drop_link(&mut self) {
        self.link = None;
    }

    /// Sends its news, which the server keeps before this returns.
    pub async fn tell(&mut self, server: &Server) -> Result<()> {
        let Some(link) = &mut self.link else {
            return Ok(());
        };
        let news = news::after(&mut *self.store.acquire().await?, link.sent, NEWS).await?;
        if let Some(last) = news.last() {
            link.sent = last.sequence;
            server.app.link_news(link.id, news).await;
        }
        Ok(())
    }

    /// Takes in at most so many of the messages that have come. Gives back how many there were.
    pub async fn hear(&mut self, server: &Server, most: usize) -> Result<usize> {
        let key = server.app.order_public_key();
        let mut heard = 0;
        while heard < most {
            let Some(link) = &mut self.link else { break };
            let Ok(message) = link.from_server.try_recv() else {
                break;
            };
            heard += 1;
            let (store, device) = (&self.store, self.id);
            match message {
                FromServer::Order(envelope) => orders::take(store, device, &key, &envelope).await?,
                FromServer::Assign(envelope) => {
                    assignments::take(store, device, &key, &envelope).await?;
                }
                FromServer::Windows(envelope) => {
                    assignments::take_windows(store, device, &key, &envelope).await?;
                }
                FromServer::Rights(envelope) => {
                    user::told::take_rights(store, device, &key, &envelope).await?;
                }
                FromServer::Edited(envelope) => {
                    user::told::take_edited(store, device, &key, &envelope).await?;
                }
                FromServer::Acknowledge { up_to } => {
                    news::acknowledged(&mut *store.acquire().await?, up_to).await?;
                }
                FromServer::Welcome(_)
                | FromServer::Command { .. }
                | FromServer::Wake { .. }
                | FromServer::Secrets(_)
                | FromServer::SecretsChanged => {}
                FromServer::Refuse { code, text, .. } => {
                    return Err(anyhow::anyhow!("{code}: {text}")).context("refused");
                }
            }
        }
        Ok(heard)
    }
}

async fn open(folder: &TempDir) -> Result<Store> {
    let location = StoreLocation::Folder(folder.path().to_owned());
    Ok(Store::open(&location, "owner", false).await?)
}

fn facts() -> Facts {
    Facts {
        platform: "linux".into(),
        architecture: "x86_64".into(),
        agent_version: "1".into(),
        more: [
            (Facts::ZONE.to_owned(), "UTC".to_owned()),
            ("os.id".to_owned(), "debian".to_owned()),
        ]
        .into(),
    }
}
