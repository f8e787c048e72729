//! The link: a WebSocket with an agent, whose certificate says which device it is.
//!
//! Each link has two workers. One reads and hands on, and is slowed down by whom it hands to; the
//! other writes what waits in a bounded queue. An agent that reads too slowly loses its link: it
//! comes back and is told again. Nothing here is kept; what counts is in the rows.

use super::codec;
use crate::accept::Peer;
use crate::authority::device_of;
use crate::edge::Edge;
use crate::problem::Problem;
use axum::Extension;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use muster_agent_protocol::MOST_AGENT_MESSAGE;
use muster_agent_protocol::message::{FromAgent, FromServer, Hello};
use muster_app::App;
use muster_app::link::{AgentLink, LinkError, LinkId};
use muster_domain::{DeviceId, Digest};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// For the first message.
const HELLO_TIME: Duration = Duration::from_secs(10);

/// For one message to leave.
const WRITE_TIME: Duration = Duration::from_secs(30);

/// Messages that may wait for an agent.
const QUEUE: usize = 256;

/// Bytes that are read at once. The default is 32 times as much, for each link.
const READ_BUFFER: usize = 4 * 1024;

/// Seconds after which an agent comes back that sent what nobody can read.
const RETRY_UNREADABLE: u32 = 60;

/// Seconds after which an agent comes back when the server failed.
const RETRY_FAULT: u32 = 30;

/// Opens a link. Needs a device's certificate.
pub(crate) async fn link_open(
    State(edge): State<Edge>,
    Extension(peer): Extension<Peer>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let certificate = peer.certificate.ok_or_else(|| {
        let detail = "a link needs the certificate that the device was given at its enrollment";
        Problem::new(StatusCode::FORBIDDEN, "device-certificate-missing", detail)
    })?;
    let device = device_of(&certificate).ok_or_else(|| {
        let detail = "the certificate names no device";
        Problem::new(StatusCode::FORBIDDEN, "device-certificate-invalid", detail)
    })?;
    let digest = Digest::of(certificate.as_ref());
    let address = peer.address.ip().to_string();
    let upgrade = upgrade.map_err(|rejection| {
        let why = rejection.body_text();
        let detail = format!("a link is a WebSocket over HTTP/1.1: {why}");
        Problem::new(StatusCode::BAD_REQUEST, "websocket-expected", detail)
    })?;
    Ok(upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(MOST_AGENT_MESSAGE)
        .max_frame_size(MOST_AGENT_MESSAGE)
        .on_upgrade(move |socket| {
            let work =
                edge.links()
                    .track_future(serve(socket, edge.clone(), device, digest, address));
            async move {
                // A worker of its own: the one that upgraded holds the memory of the request.
                tokio::spawn(work);
            }
        }))
}

/// The way to an agent, for `app`.
struct SocketLink {
    queue: mpsc::Sender<Message>,
    /// Closes after what waits.
    closing: CancellationToken,
    /// Ends at once.
    cut: CancellationToken,
    /// Who waits for a sign of life, by what it answers to.
    probes: Mutex<Vec<(u64, oneshot::Sender<()>)>>,
    probed: AtomicU64,
}

impl SocketLink {
    fn queue(&self, message: Message) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.queue.try_send(message) {
            self.cut.cancel();
        }
    }

    /// Nobody answers any more.
    fn over(&self) {
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        probes.clear();
    }

    /// The agent answered a ping.
    fn answered(&self, payload: &[u8]) {
        let Ok(number) = payload.try_into().map(u64::from_be_bytes) else {
            return;
        };
        // Nothing in the critical section panics.
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, waiting) in probes.extract_if(.., |(asked, _)| *asked == number) {
            // Whoever asked may have given up.
            let _ = waiting.send(());
        }
    }
}

impl AgentLink for SocketLink {
    fn send(&self, message: FromServer) {
        self.queue(Message::Text(codec::write(&message)));
    }

    fn close(&self) {
        self.closing.cancel();
    }

    fn probe(&self) -> oneshot::Receiver<()> {
        let (answer, answered) = oneshot::channel();
        if self.closing.is_cancelled() || self.cut.is_cancelled() || self.queue.is_closed() {
            return answered;
        }
        let number = self.probed.fetch_add(1, Ordering::Relaxed);
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        probes.push((number, answer));
        drop(probes);
        self.queue(Message::Ping(number.to_be_bytes().to_vec().into()));
        answered
    }
}

async fn serve(
    socket: WebSocket,
    edge: Edge,
    device: DeviceId,
    certificate: Digest,
    address: String,
) {
    let (sink, mut source) = socket.split();
    let (queue, waiting) = mpsc::channel(QUEUE);
    let link = Arc::new(SocketLink {
        queue,
        closing: CancellationToken::new(),
        cut: CancellationToken::new(),
        probes: Mutex::default(),
        probed: AtomicU64::default(),
    });
    let writer = tokio::spawn(write(sink, waiting, link.closing.clone(), link.cut.clone()));
    if let Some(hello) = first_message(&mut source, &edge, &link, device).await {
        talk(
            &mut source,
            &edge,
            &link,
            (device, certificate, address),
            hello,
        )
        .await;
    }
    link.close();
    link.over();
    // The writer ends by itself: what waits is sent within its time, or not at all.
    if let Err(error) = writer.await {
        tracing::error!(%device, %error, "the writer of a link failed");
    }
}

async fn first_message(
    source: &mut SplitStream<WebSocket>,
    edge: &Edge,
    link: &SocketLink,
    device: DeviceId,
) -> Option<Hello> {
    if let FromAgent::Hello(hello) = next(source, edge, link, device, HELLO_TIME).await? {
        return Some(hello);
    }
    unreadable(edge, link, device, "the first message must be hello");
    None
}

/// The next message; none when the link is over, however that came, or was silent for so long.
/// Pings are a sign of life and say nothing.
async fn next(
    source: &mut SplitStream<WebSocket>,
    edge: &Edge,
    link: &SocketLink,
    device: DeviceId,
    silence: Duration,
) -> Option<FromAgent> {
    loop {
        let Ok(received) = timeout(silence, receive(source, edge, link)).await else {
            tracing::debug!(%device, "a link fell silent");
            return None;
        };
        let message = match received? {
            Ok(message) => message,
            Err(error) => {
                tracing::debug!(%device, %error, "a link broke off");
                return None;
            }
        };
        if let Message::Pong(payload) = &message {
            link.answered(payload);
        }
        match codec::read(&message) {
            Ok(Some(message)) => return Some(message),
            Ok(None) => {}
            Err(error) => {
                unreadable(edge, link, device, &error.to_string());
                return None;
            }
        }
    }
}

async fn receive(
    source: &mut SplitStream<WebSocket>,
    edge: &Edge,
    link: &SocketLink,
) -> Option<Result<Message, axum::Error>> {
    tokio::select! {
        received = source.next() => received,
        () = link.closing.cancelled() => None,
        () = link.cut.cancelled() => None,
        () = edge.stopping().cancelled() => None,
    }
}

fn unreadable(edge: &Edge, link: &SocketLink, device: DeviceId, text: &str) {
    tracing::warn!(%device, text, "a link was closed for a message that is not taken");
    refuse(edge, link, "message-invalid", text, Some(RETRY_UNREADABLE));
}

fn refuse(edge: &Edge, link: &SocketLink, code: &str, text: &str, retry_after: Option<u32>) {
    edge.metrics().link_refused();
    link.send(FromServer::Refuse {
        code: code.into(),
        text: text.into(),
        retry_after,
    });
}

async fn talk(
    source: &mut SplitStream<WebSocket>,
    edge: &Edge,
    link: &Arc<SocketLink>,
    (device, certificate, address): (DeviceId, Digest, String),
    hello: Hello,
) {
    let way = Arc::clone(link);
    let opened = edge
        .app()
        .link_open(device, certificate, hello, &address, way);
    let (id, welcome) = match opened.await {
        Ok(opened) => opened,
        Err(LinkError::Refused { code, text }) => {
            tracing::info!(%device, code, text, "a link was refused");
            return refuse(edge, link, code, &text, None);
        }
        Err(LinkError::App(error)) => {
            tracing::error!(%device, error = muster_domain::chain(&error), "a link could not be opened");
            return refuse(
                edge,
                link,
                "server-fault",
                "the server failed",
                Some(RETRY_FAULT),
            );
        }
    };
    tracing::debug!(%device, "a link was opened");
    let silence = Duration::from_secs(u64::from(welcome.heartbeat) * 3);
    while let Some(message) = next(source, edge, link, device, silence).await {
        if let Err(error) = take(edge, link, id, message).await {
            tracing::error!(%device, error = muster_domain::chain(&error), "a message could not be taken");
            refuse(
                edge,
                link,
                "server-fault",
                "the server failed",
                Some(RETRY_FAULT),
            );
            break;
        }
    }
    edge.app().link_closed(id).await;
    tracing::debug!(%device, "a link was closed");
}

async fn take(
    edge: &Edge,
    link: &SocketLink,
    id: LinkId,
    message: FromAgent,
) -> Result<(), muster_app::AppError> {
    let app: &App = edge.app();
    match message {
        // The first one was taken before; another says that the agent lost its place.
        FromAgent::Hello(_) => {
            unreadable(
                edge,
                link,
                id.device(),
                "hello is the first message, and only the first",
            );
            link.close();
        }
        FromAgent::News { news } => {
            edge.metrics().news(news.len());
            app.link_news(id, news).await;
        }
        FromAgent::Applications { applications } => app.link_applications(id, applications).await?,
        FromAgent::Progress {
            run,
            percent,
            message,
        } => app.link_progress(id, run, percent, message).await,
        FromAgent::NeedSecrets { run, key } => link.send(app.link_secrets(id, run, &key).await?),
        FromAgent::NeedCommand { hash } => match app.link_command_body(hash).await? {
            Some(body) => link.send(FromServer::Command { hash, body }),
            None => {
                tracing::warn!(device = %id.device(), %hash, "a command was asked for that is not here");
            }
        },
    }
    Ok(())
}

/// Writes what waits until it is told to close, then says goodbye.
async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut waiting: mpsc::Receiver<Message>,
    closing: CancellationToken,
    cut: CancellationToken,
) {
    let work = async {
        loop {
            let message = tokio::select! {
                biased;
                message = waiting.recv() => message,
                () = closing.cancelled() => None,
            };
            let Some(message) = message else { break };
            if !sent(&mut sink, message).await {
                return cut.cancel();
            }
        }
        let frame = CloseFrame {
            code: close_code::NORMAL,
            reason: Utf8Bytes::from_static(""),
        };
        sent(&mut sink, Message::Close(Some(frame))).await;
    };
    tokio::select! {
        () = work => {}
        () = cut.cancelled() => {}
    }
}

async fn sent(sink: &mut SplitSink<WebSocket, Message>, message: Message) -> bool {
    matches!(timeout(WRITE_TIME, sink.send(message)).await, Ok(Ok(())))
}
