//! A server that answers what a test tells it to, over TLS with a CA of its own, and remembers
//! what it was asked.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use muster_domain::Digest;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub const TOKEN: &str = "muster-admin-0123456789";

/// What the server was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET /api/v1/server?x=y`.
    pub line: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What it answers: the request line up to some of its query, the status, the body. The first that fits
/// and was not used yet, else the last that fits.
pub struct Reply(pub &'static str, pub u16, pub String);

#[derive(Clone)]
struct Script {
    replies: Arc<Mutex<Vec<(Reply, bool)>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

pub struct Fake {
    _runtime: Runtime,
    script: Script,
    pub address: String,
    pub ca: String,
    pub fingerprint: String,
    folder: TempDir,
}

struct Tls {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let Ok((stream, address)) = self.tcp.accept().await else {
                continue;
            };
            // A client that does not trust us goes away here.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

async fn answer(
    State(script): State<Script>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let line = format!("{method} {uri}");
    let mut replies = script.replies.lock().unwrap();
    let fits = |reply: &Reply| {
        let rest = line.strip_prefix(reply.0);
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.starts_with(['?', '&']) || reply.0.ends_with('?')
        })
    };
    let place = replies
        .iter()
        .position(|(reply, used)| !used && fits(reply))
        .or_else(|| replies.iter().rposition(|(reply, _)| fits(reply)));
    script.asked.lock().unwrap().push(Asked {
        line: line.clone(),
        headers,
        body: body.to_vec(),
    });
    let Some((reply, used)) = place.and_then(|place| replies.get_mut(place)) else {
        let text = problem(404, "not-found", &format!("there is no {line}")).to_string();
        return Response::builder()
            .status(404)
            .body(Body::from(text))
            .unwrap();
    };
    *used = true;
    Response::builder()
        .status(reply.1)
        .body(Body::from(reply.2.clone()))
        .unwrap()
}

/// A problem document.
pub fn problem(status: u16, code: &str, detail: &str) -> Value {
    serde_json::json!({
        "type": format!("urn:muster:problem:{code}"), "title": code, "status": status,
        "detail": detail
    })
}

fn authority() -> (Issuer<'static, KeyPair>, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), pem)
}

/// The certificate of a CA that signed nothing.
pub fn other_ca() -> String {
    authority().1
}

impl Fake {
    pub fn start(replies: Vec<Reply>) -> Self {
        let (issuer, ca) = authority();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &issuer).unwrap();
        let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], private)
            .unwrap();
        let replies = replies.into_iter().map(|reply| (reply, false)).collect();
        let script = Script {
            replies: Arc::new(Mutex::new(replies)),
            asked: Arc::default(),
        };
        let runtime = Runtime::new().unwrap();
        let tcp = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = format!("https://{}", tcp.local_addr().unwrap());
        let listener = Tls {
            tcp,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        };
        let router = Router::new().fallback(answer).with_state(script.clone());
        runtime.spawn(async move { axum::serve(listener, router).await });
        let der = CertificateDer::from_pem_slice(ca.as_bytes()).unwrap();
        let fake = Self {
            _runtime: runtime,
            script,
            address,
            fingerprint: Digest::of(&der).to_string(),
            folder: tempfile::tempdir().unwrap(),
            ca,
        };
        fake.file("ca.pem", &fake.ca);
        fake
    }

    /// The same with one more reply.
    pub fn with(self, reply: Reply) -> Self {
        self.script.replies.lock().unwrap().push((reply, false));
        self
    }

    /// Writes a file for the test and gives its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// The program, without a login.
    pub fn stranger(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        for name in ["SERVER", "TOKEN", "CA_FILE"] {
            command.env_remove(format!("MUSTER_{name}"));
        }
        for name in [
            "HTTPS_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
            "NO_COLOR",
        ] {
            command.env_remove(name);
        }
        command
            .env("MUSTER_CONFIG_DIR", self.config())
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        command
    }

    /// The program, for an administrator.
    pub fn muster(&self, arguments: &[&str]) -> Command {
        let mut command = self.stranger();
        command
            .env("MUSTER_SERVER", &self.address)
            .env("MUSTER_TOKEN", TOKEN)
            .env("MUSTER_CA_FILE", self.folder.path().join("ca.pem"))
            .args(arguments);
        command
    }

    /// Runs the program for an administrator.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        ran(&mut self.muster(arguments))
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.script.asked.lock().unwrap().clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

/// What the program did.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

pub fn ran(command: &mut Command) -> Ran {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Ran {
        status: status.code().unwrap(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}
