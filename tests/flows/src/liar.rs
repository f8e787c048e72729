//! A device that keeps its own certificate, and says over its link what it likes.

use crate::CHANGING;
use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use muster_agent_protocol::order::{Envelope, OrderPublicKey};
use muster_agent_protocol::secret::{Answer, DeviceSecrets};
use muster_domain::RunId;
use muster_test_harness::{Agent, TestSystem};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// For an answer that comes at once.
const ANSWER: Duration = Duration::from_secs(30);

/// Such a device.
#[derive(Debug)]
pub struct Liar {
    socket: WebSocketStream<tokio_rustls::client::TlsStream<TcpStream>>,
    order_key: OrderPublicKey,
}

impl Liar {
    /// Links in the place of an agent that does not run, with the application of the tests running.
    pub async fn link(system: &TestSystem, agent: &Agent) -> Result<Self> {
        let text = std::fs::read_to_string(agent.data().join("identity.json"))?;
        let identity: Value = serde_json::from_str(&text)?;
        let pem = |name: &str| -> Result<Vec<u8>> {
            let text = identity.get(name).and_then(Value::as_str);
            Ok(text.context("an identity without it")?.as_bytes().to_vec())
        };
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&pem("ca")?)?)?;
        let chain = vec![CertificateDer::from_pem_slice(&pem("certificate")?)?];
        let key = PrivateKeyDer::from_pem_slice(&pem("key")?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        let host = system.server.address().trim_start_matches("https://");
        let stream = TcpStream::connect(host).await?;
        let name = ServerName::try_from("localhost")?;
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await?;
        let address = format!("wss://{host}/agents/v1/link");
        let (socket, _) = tokio_tungstenite::client_async(address, stream).await?;
        let order_key = identity.get("order-key").and_then(Value::as_str);
        let order_key = order_key.context("an identity without it")?.to_owned();
        let mut liar = Self {
            socket,
            order_key: order_key.try_into()?,
        };
        liar.say(&json!({
            "type": "hello", "protocol": 1, "device": identity.get("device"), "store": "s", "last-order": 0,
            "facts": {"platform": "linux", "architecture": "x86_64", "agent_version": "1", "more": {}},
            "applications": [{"application": CHANGING, "state": "running", "version": "3.0.0"}],
        }))
        .await?;
        liar.hears("welcome").await?;
        Ok(liar)
    }

    /// Says something.
    pub async fn say(&mut self, message: &Value) -> Result<()> {
        let text = Message::Text(message.to_string().into());
        Ok(self.socket.send(text).await?)
    }

    /// The next message of this kind; others are passed over.
    pub async fn hears(&mut self, kind: &str) -> Result<Value> {
        loop {
            let next = timeout(ANSWER, self.socket.next()).await;
            let next = next.with_context(|| format!("nothing of the kind {kind} was said"))?;
            match next.context("the link was closed")?? {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text)?;
                    if message.get("type") == Some(&json!(kind)) {
                        return Ok(message);
                    }
                }
                Message::Close(_) => bail!("the link was closed while {kind} was waited for"),
                _ => {}
            }
        }
    }

    /// What is in the next order.
    pub async fn order(&mut self) -> Result<Value> {
        let message = self.hears("order").await?;
        let order = message.get("order").and_then(Value::as_str);
        Ok(serde_json::from_str(
            order.context("an order without one")?,
        )?)
    }

    /// Asks for the secrets of a run with a key.
    pub async fn asks(&mut self, run: RunId, key: &str) -> Result<Answer> {
        let message = json!({"type": "need-secrets", "run": run, "key": key});
        self.say(&message).await?;
        let envelope: Envelope = serde_json::from_value(self.hears("secrets").await?)?;
        let secrets: DeviceSecrets = envelope.open(&self.order_key)?;
        Ok(secrets.answer)
    }
}
