//! A server as far as an agent sees one: real TLS, real WebSocket, and a test that says what it
//! answers. News are acknowledged at once unless the test wants otherwise.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on ends here"
)]

pub mod device;

use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use muster_agent_protocol::assignment::{Assigned, Assignment, DeviceWindows, Standing};
use muster_agent_protocol::enroll::{EnrollRequest, EnrollResponse, EnrollmentToken};
use muster_agent_protocol::message::{End, FromAgent, FromServer, Hello, News, Welcome};
use muster_agent_protocol::order::{Order, OrderKey};
use muster_agent_protocol::{ENROLL_PATH, LINK_PATH, VERSION};
use muster_domain::application::Needs;
use muster_domain::delivery::Wanted;
use muster_domain::report::Report;
use muster_domain::schedule::Schedule;
use muster_domain::{DeviceId, Digest, RunId, TaskId};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, IsCa,
    KeyPair,
};
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// For anything that a test waits for.
pub const PATIENCE: Duration = Duration::from_mins(1);

type Inbox = mpsc::UnboundedReceiver<FromAgent>;

struct State {
    ca: CertifiedIssuer<'static, KeyPair>,
    secret: [u8; 32],
    order_key: OrderKey,
    commands: HashMap<Digest, String>,
    /// Where messages for the linked agent go.
    to_agent: Option<mpsc::UnboundedSender<FromServer>>,
    from_agent: mpsc::UnboundedSender<FromAgent>,
    sequence: u64,
    acknowledges: bool,
    acknowledged: u64,
    refuse: Option<FromServer>,
    cut: Arc<Notify>,
}

pub struct TestServer {
    pub url: String,
    state: Arc<Mutex<State>>,
    inbox: Inbox,
}

impl TestServer {
    pub async fn start() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let leaf = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &ca)
            .unwrap();

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(ca.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
            .allow_unauthenticated()
            .build()
            .unwrap();
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![leaf.der().clone(), ca.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let (from_agent, inbox) = mpsc::unbounded_channel();
        let state = Arc::new(Mutex::new(State {
            ca,
            secret: [7; 32],
            order_key: OrderKey::from_pkcs8(&OrderKey::generate().unwrap()).unwrap(),
            commands: HashMap::new(),
            to_agent: None,
            from_agent,
            sequence: 0,
            acknowledges: true,
            acknowledged: 0,
            refuse: None,
            cut: Arc::default(),
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(accept(
            listener,
            TlsAcceptor::from(Arc::new(tls)),
            state.clone(),
        ));
        Self { url, state, inbox }
    }

    pub fn token(&self) -> EnrollmentToken {
        let state = self.state.lock().unwrap();
        EnrollmentToken {
            ca: Digest::of(state.ca.der()),
            secret: state.secret,
        }
    }

    /// Whether news are acknowledged.
    pub fn acknowledge(&self, yes: bool) {
        self.state.lock().unwrap().acknowledges = yes;
    }

    /// What is said to the next hello in place of a welcome.
    pub fn refuse(&self, message: Option<FromServer>) {
        self.state.lock().unwrap().refuse = message;
    }

    pub fn send(&self, message: FromServer) {
        let state = self.state.lock().unwrap();
        state
            .to_agent
            .as_ref()
            .expect("an agent is linked")
            .send(message)
            .unwrap();
    }

    /// Hangs up on the agent.
    pub fn hang_up(&self) {
        self.state.lock().unwrap().cut.notify_waiters();
    }

    /// Makes a command known, to be fetched.
    pub fn command(&self, body: &serde_json::Value) -> Digest {
        let body = body.to_string();
        let hash = Digest::of(&body);
        self.state.lock().unwrap().commands.insert(hash, body);
        hash
    }

    /// An order with the next number.
    pub fn order(&self, run: i64, command: Digest, wanted: Wanted) -> Order {
        let mut state = self.state.lock().unwrap();
        state.sequence += 1;
        Order {
            device: DeviceId(1),
            sequence: state.sequence,
            run: RunId(run),
            task: TaskId(1),
            task_name: "nightly".into(),
            revision: 1,
            application: "org.example.tool".parse().unwrap(),
            task_type: "scan".parse().unwrap(),
            needs: Needs::Running,
            exclusive: false,
            time_limit: 600,
            command,
            wanted,
            valid_until: Timestamp::now() + jiff::SignedDuration::from_hours(1),
            despite_windows: false,
        }
    }

    /// A task for the device to start by itself.
    pub fn assigned(command: Digest, schedule: &serde_json::Value) -> Assigned {
        Assigned {
            local: None,
            task_name: "nightly".into(),
            revision: 1,
            application: "org.example.tool".parse().unwrap(),
            task_type: "scan".parse().unwrap(),
            needs: Needs::Running,
            exclusive: false,
            time_limit: 600,
            command,
            plugin: Digest::of("plugin"),
            schedule: Schedule::parse(schedule).unwrap().0,
            schedule_revision: 1,
            since: Timestamp::now(),
            devices: 1,
        }
    }

    /// Assigns a task, or takes it back.
    pub fn assign(&self, task: i64, standing: Standing) {
        let mut state = self.state.lock().unwrap();
        state.sequence += 1;
        let envelope = state.order_key.seal(&Assignment {
            device: DeviceId(1),
            sequence: state.sequence,
            task: TaskId(task),
            standing,
        });
        drop(state);
        self.send(FromServer::Assign(envelope));
    }

    /// Says when tasks may start.
    pub fn windows(&self, windows: serde_json::Value) {
        let mut state = self.state.lock().unwrap();
        state.sequence += 1;
        let envelope = state.order_key.seal(&DeviceWindows {
            device: DeviceId(1),
            sequence: state.sequence,
            windows: serde_json::from_value(windows).unwrap(),
        });
        drop(state);
        self.send(FromServer::Windows(envelope));
    }

    /// Sends an order, signed.
    pub fn give(&self, order: &Order) {
        let envelope = self.state.lock().unwrap().order_key.seal(order);
        self.send(FromServer::Order(envelope));
    }

    /// The next message that a test picks out; others are passed over.
    pub async fn until<T>(&mut self, mut pick: impl FnMut(&FromAgent) -> Option<T>) -> T {
        let wait = async {
            loop {
                let message = self.inbox.recv().await.expect("the server lives");
                if let Some(picked) = pick(&message) {
                    return picked;
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .expect("the agent says it in time")
    }

    pub async fn hello(&mut self) -> Hello {
        self.until(|message| match message {
            FromAgent::Hello(hello) => Some(hello.clone()),
            _ => None,
        })
        .await
    }

    /// The next news that a test picks out.
    pub async fn news<T>(&mut self, mut pick: impl FnMut(&News) -> Option<T>) -> T {
        self.until(|message| match message {
            FromAgent::News { news } => news.iter().find_map(|numbered| pick(&numbered.news)),
            _ => None,
        })
        .await
    }

    pub async fn started(&mut self, wanted: i64) -> u32 {
        self.news(|news| match news {
            News::Started { run, attempt } if run.0 == wanted => Some(*attempt),
            _ => None,
        })
        .await
    }

    pub async fn ended(&mut self, wanted: i64) -> (End, Report) {
        self.news(|news| match news {
            News::Ended { run, end, report } if run.0 == wanted => {
                Some((end.clone(), report.clone()))
            }
            _ => None,
        })
        .await
    }

    /// Everything that has come and was not looked at.
    pub fn rest(&mut self) -> Vec<FromAgent> {
        std::iter::from_fn(|| self.inbox.try_recv().ok()).collect()
    }
}

/// A command of one step of the connector that [`device`] writes.
pub fn command(program: &str, arguments: &[&str]) -> serde_json::Value {
    let arguments: Vec<_> = arguments
        .iter()
        .map(|text| serde_json::json!({ "literal": text }))
        .collect();
    serde_json::json!({ "steps": [{
        "program": program,
        "arguments": arguments,
        "keep": { "head": 4096, "tail": 4096 },
    }]})
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, state) = (tls.clone(), state.clone());
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(stream).await else {
                return;
            };
            let shows_certificate = stream.get_ref().1.peer_certificates().is_some();
            let service = hyper::service::service_fn(|request| {
                answer(request, shows_certificate, state.clone())
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    shows_certificate: bool,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let reply = |status, body: String| {
        Ok(Response::builder()
            .status(status)
            .body(Full::from(body))
            .unwrap())
    };
    match request.uri().path() {
        ENROLL_PATH => {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let request: EnrollRequest = serde_json::from_slice(&body).unwrap();
            match enroll(&state.lock().unwrap(), &request) {
                Some(response) => reply(StatusCode::OK, serde_json::to_string(&response).unwrap()),
                None => reply(
                    StatusCode::FORBIDDEN,
                    r#"{"title":"no","detail":"the token was used already"}"#.into(),
                ),
            }
        }
        LINK_PATH if shows_certificate => {
            let key = request.headers()[header::SEC_WEBSOCKET_KEY].as_bytes();
            let response = Response::builder()
                .status(StatusCode::SWITCHING_PROTOCOLS)
                .header(header::CONNECTION, "upgrade")
                .header(header::UPGRADE, "websocket")
                .header(header::SEC_WEBSOCKET_ACCEPT, derive_accept_key(key));
            tokio::spawn(async move {
                let upgraded = hyper::upgrade::on(request).await.unwrap();
                serve(
                    WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None)
                        .await,
                    &state,
                )
                .await;
            });
            Ok(response.body(Full::default()).unwrap())
        }
        _ => reply(StatusCode::NOT_FOUND, String::new()),
    }
}

fn enroll(state: &State, request: &EnrollRequest) -> Option<EnrollResponse> {
    let token: EnrollmentToken = request.token.parse().ok()?;
    if token.secret != state.secret {
        return None;
    }
    let csr = CertificateSigningRequestParams::from_pem(&request.csr).ok()?;
    Some(EnrollResponse {
        device: DeviceId(1),
        certificate: csr.signed_by(&state.ca).ok()?.pem(),
        ca: state.ca.pem(),
        order_key: state.order_key.public(),
    })
}

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

async fn serve(mut socket: Socket, state: &Mutex<State>) {
    let (sender, mut outgoing) = mpsc::unbounded_channel();
    let cut = state.lock().unwrap().cut.clone();
    loop {
        tokio::select! {
            () = cut.notified() => return,
            message = socket.next() => {
                let Some(Ok(message)) = message else { return };
                let Message::Text(text) = message else { continue };
                let message: FromAgent = serde_json::from_str(text.as_str()).unwrap();
                let answer = react(&mut state.lock().unwrap(), &message, &sender);
                if let Some(answer) = answer
                    && socket.send(text_of(&answer)).await.is_err() { return }
            }
            message = outgoing.recv() => {
                let Some(message) = message else { return };
                if socket.send(text_of(&message)).await.is_err() { return }
            }
        }
    }
}

fn text_of(message: &FromServer) -> Message {
    Message::text(serde_json::to_string(message).unwrap())
}

fn react(
    state: &mut State,
    message: &FromAgent,
    sender: &mpsc::UnboundedSender<FromServer>,
) -> Option<FromServer> {
    let answer = match message {
        FromAgent::Hello(_) => {
            state.to_agent = Some(sender.clone());
            Some(state.refuse.clone().unwrap_or_else(|| {
                FromServer::Welcome(Welcome {
                    protocol: VERSION,
                    now: Timestamp::now(),
                    acknowledged: state.acknowledged,
                    heartbeat: 30,
                    reconnect_within: 0,
                })
            }))
        }
        FromAgent::NeedCommand { hash } => {
            state.commands.get(hash).map(|body| FromServer::Command {
                hash: *hash,
                body: body.clone(),
            })
        }
        FromAgent::News { news } if state.acknowledges => {
            state.acknowledged = news.last()?.sequence;
            Some(FromServer::Acknowledge {
                up_to: state.acknowledged,
            })
        }
        _ => None,
    };
    // One by one: a test that picks one out does not pass over those that came with it.
    let all = match message {
        FromAgent::News { news } => news
            .iter()
            .map(|one| FromAgent::News {
                news: vec![one.clone()],
            })
            .collect(),
        other => vec![other.clone()],
    };
    for message in all {
        let _ = state.from_agent.send(message);
    }
    answer
}
