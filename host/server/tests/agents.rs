//! The agents' edge over real TLS: enrollment, and who may link.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it does not expect"
)]

mod support;

use futures_util::{SinkExt as _, StreamExt as _};
use muster_agent_protocol::message::FromServer;
use rcgen::KeyPair;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::{Value, json};
use std::sync::Arc;
use support::{System, client, problem, refused};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

type Socket = WebSocketStream<tokio_rustls::client::TlsStream<TcpStream>>;

async fn enrolled(system: &System, name: &str) -> (u32, String, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let response = system
        .enroll(&system.enrollment_token().await, name, &key)
        .await;
    assert_eq!(response.status(), 201);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["ca"], system.ca.as_str());
    let device = u32::try_from(answer["device"].as_u64().unwrap()).unwrap();
    (
        device,
        answer["certificate"].as_str().unwrap().to_owned(),
        key,
    )
}

async fn link(system: &System, certificate: &str, key: &KeyPair) -> Socket {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(system.ca.as_bytes()).unwrap())
        .unwrap();
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_root_certificates(roots)
    .with_client_auth_cert(chain, key)
    .unwrap();
    let stream = TcpStream::connect(system.server.address()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap();
    let address = format!("wss://{}/agents/v1/link", system.server.address());
    tokio_tungstenite::client_async(address, stream)
        .await
        .unwrap()
        .0
}

fn hello(device: u32) -> Message {
    let hello = json!({
        "type": "hello", "protocol": 1, "device": device, "store": "s", "last-order": 0,
        "facts": {"platform": "linux", "architecture": "x86_64", "agent_version": "1", "more": {}},
        "applications": [],
    });
    Message::Text(hello.to_string().into())
}

async fn heard(socket: &mut Socket) -> FromServer {
    loop {
        match socket.next().await.expect("the link goes on").unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            other => assert!(!other.is_close(), "the link was closed"),
        }
    }
}

async fn refusal(socket: &mut Socket) -> String {
    let FromServer::Refuse { code, .. } = heard(socket).await else {
        panic!("not refused")
    };
    // Then the link is over.
    while let Some(Ok(message)) = socket.next().await {
        assert!(message.is_close(), "{message}");
    }
    code
}

#[tokio::test]
async fn a_token_enrolls_one_device() {
    let system = System::start().await;
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let token = system.enrollment_token().await;
    assert_eq!(system.enroll(&token, "pc-1", &key).await.status(), 201);
    // The answer may have been lost: the same device asks again.
    assert_eq!(system.enroll(&token, "pc-1", &key).await.status(), 201);
    let code = async |token: &str, status| {
        let answer = system.enroll(token, "pc-2", &other).await;
        refused(answer, status).await.code().to_owned()
    };
    assert_eq!(code(&token, 403).await, "enrollment-token-used");
    assert_eq!(code("nonsense", 403).await, "enrollment-token-invalid");
    let mut own: muster_agent_protocol::enroll::EnrollmentToken = token.parse().unwrap();
    own.secret = [0; 32];
    assert_eq!(
        code(&own.to_string(), 403).await,
        "enrollment-token-unknown"
    );
    own.ca = muster_domain::Digest::of("another");
    assert_eq!(
        code(&own.to_string(), 403).await,
        "enrollment-token-foreign"
    );
    assert_eq!(
        system.get("/devices").await["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let request = system
        .http
        .post(format!("{}/agents/v1/enroll", system.base));
    assert_eq!(
        problem(request.body("x".repeat(100_000)), 413).await.code(),
        "body-too-large"
    );
    system.server.stop().await;
}

#[tokio::test]
async fn a_device_links_with_its_own_certificate_alone() {
    let system = System::start().await;
    let (one, certificate, key) = enrolled(&system, "pc-1").await;
    let (two, ..) = enrolled(&system, "pc-2").await;

    let address = format!("{}/agents/v1/link", system.base);
    assert_eq!(
        problem(system.http.get(&address), 403).await.code(),
        "device-certificate-missing"
    );
    let shown = format!("{certificate}{}", key.serialize_pem());
    let plain = client(&system.ca, Some(&shown)).get(&address);
    assert_eq!(problem(plain, 400).await.code(), "websocket-expected");

    let mut socket = link(&system, &certificate, &key).await;
    socket.send(hello(one)).await.unwrap();
    assert!(matches!(heard(&mut socket).await, FromServer::Welcome(_)));
    assert_eq!(system.get("/devices/pc-1").await["online"], true);
    assert_eq!(system.get("/server").await["devices_online"], 1);

    let mut liar = link(&system, &certificate, &key).await;
    liar.send(hello(two)).await.unwrap();
    assert_eq!(refusal(&mut liar).await, "device-mismatch");

    // A newer link takes the place of the older one.
    let mut again = link(&system, &certificate, &key).await;
    again.send(hello(one)).await.unwrap();
    assert!(matches!(heard(&mut again).await, FromServer::Welcome(_)));
    assert_eq!(refusal(&mut socket).await, "replaced");
    assert_eq!(system.get("/devices/pc-1").await["online"], true);

    // Who was enrolled again has another certificate; the old one is no longer good.
    let removed = system
        .ask(reqwest::Method::DELETE, "/devices/pc-1")
        .send()
        .await
        .unwrap();
    assert_eq!(removed.status(), 204);
    assert_eq!(refusal(&mut again).await, "device-removed");
    let mut late = link(&system, &certificate, &key).await;
    late.send(hello(one)).await.unwrap();
    assert_eq!(refusal(&mut late).await, "device-removed");
    system.server.stop().await;
}

#[tokio::test]
async fn a_hostile_agent_loses_its_link() {
    let system = System::start().await;
    let (device, certificate, key) = enrolled(&system, "pc-1").await;
    for text in ["{}".to_owned(), "[".repeat(100_000), "x".repeat(1_000_000)] {
        let mut socket = link(&system, &certificate, &key).await;
        socket.send(Message::Text(text.into())).await.unwrap();
        assert_eq!(refusal(&mut socket).await, "message-invalid");
    }
    let mut socket = link(&system, &certificate, &key).await;
    socket.send(hello(device)).await.unwrap();
    heard(&mut socket).await;
    socket.send(hello(device)).await.unwrap();
    assert_eq!(refusal(&mut socket).await, "message-invalid");
    let mut socket = link(&system, &certificate, &key).await;
    socket
        .send(Message::Binary(vec![0; 9 * 1024 * 1024].into()))
        .await
        .ok();
    // Cut in the middle of a message that is too large.
    while let Some(Ok(message)) = socket.next().await {
        assert!(!message.is_text(), "{message}");
    }
    assert_eq!(system.get("/server").await["devices"], 1);
    system.server.stop().await;
}
