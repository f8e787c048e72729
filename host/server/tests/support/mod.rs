//! A server in this process, on real TLS, and who asks it.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends at what it does not expect"
)]

use muster_api::problem::ProblemDocument;
use muster_domain::Digest;
use muster_plugin_host::Compiler;
use muster_server::{Config, Server, StartError};
use rcgen::{CertificateParams, KeyPair};
use reqwest::{Certificate, Client, Identity, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use std::path::Path;

pub(crate) struct System {
    pub(crate) server: Server,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) base: String,
    pub(crate) token: String,
    pub(crate) ca: String,
    pub(crate) http: Client,
}

pub(crate) async fn start_on(folder: &Path) -> Result<Server, StartError> {
    let config = Config::read(
        None,
        [("MUSTER_SERVER_LISTEN".into(), "127.0.0.1:0".into())],
    )
    .unwrap();
    let compiler = Compiler {
        program: env!("CARGO_BIN_EXE_muster-server").into(),
        arguments: vec!["compile-component".into()],
    };
    Server::start(folder, config, compiler).await
}

impl System {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut server = start_on(folder.path()).await.unwrap();
        let token = server.take_first_token().unwrap();
        let text = token.text().to_owned();
        token.told().unwrap();
        let ca = std::fs::read_to_string(folder.path().join("keys/ca.pem")).unwrap();
        let base = format!("https://{}", server.address());
        Self {
            server,
            folder,
            base,
            token: text,
            http: client(&ca, None),
            ca,
        }
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}/api/v1{path}", self.base))
            .bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self.ask(Method::GET, path).send().await.unwrap();
        assert!(
            response.status().is_success(),
            "{path}: {}",
            response.text().await.unwrap()
        );
        response.json().await.unwrap()
    }

    pub(crate) async fn enrollment_token(&self) -> String {
        let response = self
            .ask(Method::POST, "/enrollment-tokens")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 201);
        response.json::<Value>().await.unwrap()["token"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Asks to be enrolled, with this key.
    pub(crate) async fn enroll(&self, token: &str, name: &str, key: &KeyPair) -> Response {
        let csr = CertificateParams::default()
            .serialize_request(key)
            .unwrap()
            .pem()
            .unwrap();
        let facts = json!({"platform": "linux", "architecture": "x86_64", "agent_version": "1", "more": {}});
        let body = json!({"token": token, "csr": csr, "name": name, "facts": facts});
        let address = format!("{}/agents/v1/enroll", self.base);
        self.http.post(address).json(&body).send().await.unwrap()
    }
}

/// A client that trusts the CA, and shows a certificate with its key, both PEM in one text.
pub(crate) fn client(ca: &str, shown: Option<&str>) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().tls_certs_only([Certificate::from_pem(ca.as_bytes()).unwrap()]);
    match shown {
        Some(pem) => builder.identity(Identity::from_pem(pem.as_bytes()).unwrap()),
        None => builder,
    }
    .build()
    .unwrap()
}

/// The problem that a request was answered with; its status must be this one.
pub(crate) async fn problem(request: RequestBuilder, status: u16) -> ProblemDocument {
    refused(request.send().await.unwrap(), status).await
}

pub(crate) async fn refused(response: Response, status: u16) -> ProblemDocument {
    let (found, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    assert_eq!(headers["content-type"], "application/problem+json");
    let document: ProblemDocument = serde_json::from_str(&text).unwrap();
    assert_eq!(
        headers["x-request-id"],
        document.request.as_deref().unwrap()
    );
    document
}

pub(crate) fn fingerprint(pem: &str) -> Digest {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    Digest::of(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
}
