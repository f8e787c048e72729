//! Session: one link from hello to its end.

use super::connect::Socket;
use super::{LinkEnd, note};
use crate::agent::Shared;
use crate::assignments;
use crate::facts;
use crate::orders;
use crate::store::{StoreError, command, news};
use crate::user;
use crate::wake;
use futures_util::{SinkExt as _, StreamExt as _};
use muster_agent_protocol::VERSION;
use muster_agent_protocol::message::{FromAgent, FromServer, Hello, Welcome};
use muster_agent_protocol::order::Envelope;
use muster_agent_protocol::secret::DeviceSecrets;
use muster_domain::Digest;
use muster_domain::command::Command;
use muster_domain::device::Facts;
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::sync::CancellationToken;

/// For the answer to hello.
const WELCOME_LIMIT: Duration = Duration::from_secs(30);
/// For one message to leave.
const SEND_LIMIT: Duration = Duration::from_mins(1);
/// Between two notes about progress.
const PROGRESS_PAUSE: Duration = Duration::from_secs(1);
/// Of news in one message. The longest single piece is shorter.
const MOST_NEWS: usize = 4 * 1024 * 1024;
/// A heartbeat is never slower or faster than this, in seconds.
const HEARTBEAT: std::ops::RangeInclusive<u32> = 1..=3600;

/// Why a session ends.
#[derive(Debug, thiserror::Error)]
enum SessionError {
    #[error("the link broke")]
    Socket(#[from] Box<tungstenite::Error>),
    #[error("the server closed the link")]
    Closed,
    #[error("the server takes no messages")]
    Stuck,
    #[error("the server has been silent for three heartbeats")]
    Silent,
    #[error("the server did not answer hello")]
    NoWelcome,
    #[error("the server speaks version {0} of the protocol, this agent speaks {VERSION}")]
    Version(u32),
    #[error("a message of the server cannot be read")]
    Message(#[from] serde_json::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{code}: {text}")]
    Refused {
        code: String,
        text: String,
        retry_after: Option<u32>,
    },
    #[error("the agent has to present itself anew")]
    Again,
    #[error("the agent stops")]
    Stopped,
}

pub(super) struct Session<'a> {
    shared: &'a Shared,
    socket: Socket,
    /// News up to this number have been sent on this link.
    sent: u64,
    asked: HashSet<Digest>,
    reconnect_within: Option<Duration>,
}

impl<'a> Session<'a> {
    pub(super) fn new(shared: &'a Shared, socket: Socket) -> Self {
        Self {
            shared,
            socket,
            sent: 0,
            asked: HashSet::new(),
            reconnect_within: None,
        }
    }

    pub(super) async fn run(
        mut self,
        stop: &CancellationToken,
        last: &mut (String, String),
    ) -> LinkEnd {
        let error = match self.talk(stop, last).await {
            Ok(never) => match never {},
            Err(error) => error,
        };
        self.shared.secrets.linked(false, &self.shared.store.hints);
        let _ = timeout(Duration::from_secs(1), self.socket.close(None)).await;
        match error {
            SessionError::Stopped => LinkEnd::Stopped,
            SessionError::Again => LinkEnd::Again,
            SessionError::Refused {
                code,
                text,
                retry_after,
            } => LinkEnd::Refused {
                code,
                text,
                retry_after,
            },
            error => LinkEnd::Lost {
                why: muster_domain::chain(&error),
                reconnect_within: self.reconnect_within,
            },
        }
    }

    async fn talk(
        &mut self,
        stop: &CancellationToken,
        last: &mut (String, String),
    ) -> Result<std::convert::Infallible, SessionError> {
        let mut view = self.shared.applications.subscribe();
        let mut change = view.borrow_and_update().change;
        let mut zone = self.shared.zone.subscribe();
        zone.mark_unchanged();
        let welcome = self.greet().await?;
        note(self.shared, last, "linked", "").await;
        self.after_welcome(&welcome).await?;

        let heartbeat = Duration::from_secs(
            welcome
                .heartbeat
                .clamp(*HEARTBEAT.start(), *HEARTBEAT.end())
                .into(),
        );
        let mut next_ping = Instant::now() + heartbeat;
        let mut heard = Instant::now();
        let mut progress_sent = Instant::now() - PROGRESS_PAUSE;
        let mut progress_at: Option<Instant> = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Err(SessionError::Stopped),
                message = self.socket.next() => {
                    heard = Instant::now();
                    self.receive(message).await?;
                }
                () = self.shared.store.hints.link.notified() => {
                    self.send_news().await?;
                    self.ask_for_commands().await?;
                    self.ask_for_secrets().await?;
                }
                _ = view.changed() => {
                    let now = view.borrow_and_update().clone();
                    if now.change != change {
                        change = now.change;
                        let applications = now.applications.values().cloned().collect();
                        self.send(&FromAgent::Applications { applications }).await?;
                    }
                }
                // What a device is, is told in the first message alone.
                _ = zone.changed() => return Err(SessionError::Again),
                () = self.shared.board.changed.notified(), if progress_at.is_none() => {
                    progress_at = Some(progress_sent + PROGRESS_PAUSE);
                }
                () = sleep_until(progress_at.unwrap_or(next_ping)), if progress_at.is_some() => {
                    progress_at = None;
                    progress_sent = Instant::now();
                    self.send_progress().await?;
                }
                () = sleep_until(next_ping) => {
                    if heard.elapsed() > heartbeat * 3 {
                        return Err(SessionError::Silent);
                    }
                    next_ping = Instant::now() + heartbeat;
                    self.write(Message::Ping(tungstenite::Bytes::new())).await?;
                }
            }
        }
    }

    async fn greet(&mut self) -> Result<Welcome, SessionError> {
        let (store, last_order) = self.shared.store.identity().await?;
        let applications = self
            .shared
            .applications
            .subscribe()
            .borrow()
            .applications
            .values()
            .cloned()
            .collect();
        let hello = Hello {
            protocol: VERSION,
            device: self.shared.identity.device,
            store,
            last_order,
            lineage: Some(self.shared.store.lineage().await?),
            facts: self.facts(),
            applications,
        };
        self.send(&FromAgent::Hello(hello)).await?;
        let until = Instant::now() + WELCOME_LIMIT;
        loop {
            let message = tokio::time::timeout_at(until, self.socket.next())
                .await
                .map_err(|_| SessionError::NoWelcome)?;
            match Self::read(message)? {
                Some(FromServer::Welcome(welcome)) if welcome.protocol > VERSION => {
                    return Err(SessionError::Version(welcome.protocol));
                }
                Some(FromServer::Welcome(welcome)) => {
                    self.reconnect_within =
                        Some(Duration::from_secs(welcome.reconnect_within.into()));
                    return Ok(welcome);
                }
                Some(FromServer::Refuse {
                    code,
                    text,
                    retry_after,
                }) => {
                    return Err(SessionError::Refused {
                        code,
                        text,
                        retry_after,
                    });
                }
                _ => {}
            }
        }
    }

    /// What the device is now.
    fn facts(&self) -> Facts {
        let tuning = &self.shared.tuning;
        let mut facts = facts::gather(&self.shared.zone.borrow().name, tuning.device_kind);
        let wake = wake::addresses(&tuning.wake);
        if !wake.is_empty() {
            let wake: Vec<String> = wake.iter().map(ToString::to_string).collect();
            facts.more.insert(Facts::WAKE.to_owned(), wake.join(" "));
        }
        facts
    }

    async fn after_welcome(&mut self, welcome: &Welcome) -> Result<(), SessionError> {
        let store = &self.shared.store;
        muster_crash_point::reach("agent.welcomed");
        store.mark_taken().await?;
        let given = news::last_number(&mut *store.acquire().await?).await?;
        if welcome.acknowledged > given {
            // The server knows later news than this store ever had: it is an old copy, and what
            // it says next would be taken for something already known.
            store.rename().await?;
            return Err(SessionError::Again);
        }
        news::acknowledged(&mut *store.acquire().await?, welcome.acknowledged).await?;
        self.sent = welcome.acknowledged;
        // A server forgets the progress of a device whose link it lost.
        self.shared.board.tell_again();
        self.send_news().await?;
        self.ask_for_commands().await?;
        self.shared.secrets.linked(true, &self.shared.store.hints);
        Ok(())
    }

    fn read(
        message: Option<Result<Message, tungstenite::Error>>,
    ) -> Result<Option<FromServer>, SessionError> {
        match message {
            None | Some(Ok(Message::Close(_))) => Err(SessionError::Closed),
            Some(Err(cause)) => Err(Box::new(cause).into()),
            Some(Ok(Message::Text(text))) => match serde_json::from_str(text.as_str()) {
                Ok(message) => Ok(Some(message)),
                Err(cause) if cause.is_data() => {
                    // A newer server may say what this agent does not know.
                    tracing::debug!("a message of the server was passed over: {cause}");
                    Ok(None)
                }
                Err(cause) => Err(cause.into()),
            },
            Some(Ok(_)) => Ok(None),
        }
    }

    async fn receive(
        &mut self,
        message: Option<Result<Message, tungstenite::Error>>,
    ) -> Result<(), SessionError> {
        let shared = self.shared;
        match Self::read(message)? {
            None | Some(FromServer::Welcome(_)) => {}
            Some(FromServer::Order(envelope)) => {
                orders::take(
                    &shared.store,
                    shared.identity.device,
                    &shared.identity.order_key,
                    &envelope,
                )
                .await?;
            }
            Some(FromServer::Assign(envelope)) => {
                assignments::take(
                    &shared.store,
                    shared.identity.device,
                    &shared.identity.order_key,
                    &envelope,
                )
                .await?;
            }
            Some(FromServer::Windows(envelope)) => {
                assignments::take_windows(
                    &shared.store,
                    shared.identity.device,
                    &shared.identity.order_key,
                    &envelope,
                )
                .await?;
            }
            Some(FromServer::Rights(envelope)) => {
                user::told::take_rights(
                    &shared.store,
                    shared.identity.device,
                    &shared.identity.order_key,
                    &envelope,
                )
                .await?;
            }
            Some(FromServer::Edited(envelope)) => {
                user::told::take_edited(
                    &shared.store,
                    shared.identity.device,
                    &shared.identity.order_key,
                    &envelope,
                )
                .await?;
            }
            Some(FromServer::Command { hash, body }) => self.keep_command(hash, &body).await?,
            Some(FromServer::Wake { addresses, port }) => {
                wake::relay(&addresses, port, &shared.tuning.wake).await;
            }
            Some(FromServer::Secrets(envelope)) => self.take_secrets(&envelope),
            Some(FromServer::SecretsChanged) => shared.secrets.changed(&shared.store.hints),
            Some(FromServer::Acknowledge { up_to }) => {
                news::acknowledged(&mut *shared.store.acquire().await?, up_to.min(self.sent))
                    .await?;
                muster_crash_point::reach("agent.acknowledged");
            }
            Some(FromServer::Refuse {
                code,
                text,
                retry_after,
            }) => {
                return Err(SessionError::Refused {
                    code,
                    text,
                    retry_after,
                });
            }
        }
        Ok(())
    }

    async fn keep_command(&mut self, hash: Digest, body: &str) -> Result<(), SessionError> {
        if Command::hash_of(body) != hash {
            tracing::warn!(%hash, "the server sent a command under another one's name");
            return Ok(());
        }
        let store = &self.shared.store;
        if command::insert_if_wanted(&mut *store.acquire().await?, hash, body).await? {
            muster_crash_point::reach("agent.command-stored");
            store.hints.deliver.notify_one();
        }
        Ok(())
    }

    async fn ask_for_commands(&mut self) -> Result<(), SessionError> {
        let missing = command::missing(&mut *self.shared.store.acquire().await?).await?;
        for hash in missing {
            if self.asked.insert(hash) {
                self.send(&FromAgent::NeedCommand { hash }).await?;
            }
        }
        Ok(())
    }

    /// After the news, by which the server knows of a delivery that began here.
    async fn ask_for_secrets(&mut self) -> Result<(), SessionError> {
        for (run, key) in self.shared.secrets.to_ask() {
            self.send(&FromAgent::NeedSecrets { run, key }).await?;
        }
        Ok(())
    }

    /// What is wrong with an answer leaves the question open; it is asked again over the next link.
    fn take_secrets(&self, envelope: &Envelope) {
        let (identity, hints) = (&self.shared.identity, &self.shared.store.hints);
        match envelope.open::<DeviceSecrets>(&identity.order_key) {
            Ok(secrets) if secrets.device == identity.device => {
                self.shared
                    .secrets
                    .answered(identity.device, &secrets, hints);
            }
            Ok(secrets) => {
                tracing::warn!(device = %secrets.device, "secrets for another device were not taken");
            }
            Err(cause) => tracing::warn!("secrets were not taken: {cause}"),
        }
    }

    async fn send_news(&mut self) -> Result<(), SessionError> {
        loop {
            let news = news::after(
                &mut *self.shared.store.acquire().await?,
                self.sent,
                MOST_NEWS,
            )
            .await?;
            let Some(last) = news.last() else {
                return Ok(());
            };
            let sequence = last.sequence;
            self.send(&FromAgent::News { news }).await?;
            self.sent = sequence;
            muster_crash_point::reach("agent.news-sent");
        }
    }

    async fn send_progress(&mut self) -> Result<(), SessionError> {
        for (run, mark) in self.shared.board.take() {
            self.send(&FromAgent::Progress {
                run,
                percent: mark.percent,
                message: mark.message,
            })
            .await?;
        }
        Ok(())
    }

    async fn send(&mut self, message: &FromAgent) -> Result<(), SessionError> {
        self.write(Message::text(serde_json::to_string(message)?))
            .await
    }

    async fn write(&mut self, message: Message) -> Result<(), SessionError> {
        match timeout(SEND_LIMIT, self.socket.send(message)).await {
            Ok(sent) => Ok(sent.map_err(Box::new)?),
            Err(_) => Err(SessionError::Stuck),
        }
    }
}
