//! Registries that mean no good, on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, header};
use muster_domain::Digest;
use muster_release::bundle::Bundle;
use muster_release::registry::{Config, Credentials, Layout, Reference, Registry, RegistryError};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const MOST: usize = 64 * 1024;
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// What was asked: a path, and who was said to ask.
type Asked = (String, Option<String>);

/// A registry that answers by a function, and keeps what it was asked.
struct Hostile {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Hostile {
    /// The function gets the method, the path, and how many requests there were before.
    async fn start(
        answer: impl Fn(&str, &str, usize) -> Response<Body> + Clone + Send + Sync + 'static,
    ) -> Self {
        let asked = Arc::new(Mutex::new(Vec::<Asked>::new()));
        let kept = Arc::clone(&asked);
        let router = Router::new().fallback(move |request: Request| {
            let authorization = request.headers().get(header::AUTHORIZATION);
            let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
            let path = request.uri().path().to_owned();
            let before = {
                let mut asked = kept.lock().unwrap();
                asked.push((path.clone(), authorization));
                asked.len() - 1
            };
            let response = answer(request.method().as_str(), &path, before);
            async move {
                // Bodies are taken whole, as registries do.
                axum::body::to_bytes(request.into_body(), 10 * MOST)
                    .await
                    .unwrap();
                response
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, asked }
    }

    fn reference(&self) -> Reference {
        format!("oci://{}/a:1", self.address).parse().unwrap()
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    fn client(&self) -> Registry {
        Registry::new(Config {
            credentials: Credentials::one(&self.address, "muster", "secret"),
            ca: None,
            plain: Vec::new(),
            component_most: MOST,
            time: Duration::from_secs(30),
        })
    }

    async fn pull(&self) -> RegistryError {
        let pulled = self.client().pull(&self.reference()).await;
        pulled.expect_err("it is pulled")
    }

    async fn push(&self, bundle: &Bundle) -> Result<Layout, RegistryError> {
        let reference = self.reference();
        let pushed = self
            .client()
            .push(&reference, bundle, Layout::Automatic)
            .await?;
        Ok(pushed.layout)
    }
}

fn empty(status: u16) -> Response<Body> {
    Response::builder()
        .status(status)
        .body(Body::empty())
        .unwrap()
}

fn with(status: u16, name: header::HeaderName, value: &str) -> Response<Body> {
    let mut response = empty(status);
    response.headers_mut().insert(name, value.parse().unwrap());
    response
}

fn text(text: impl Into<String>) -> Response<Body> {
    Response::new(Body::from(text.into()))
}

fn moved(to: &str) -> Response<Body> {
    with(307, header::LOCATION, to)
}

fn challenge(text: &str) -> Response<Body> {
    with(401, header::WWW_AUTHENTICATE, text)
}

fn component() -> Bundle {
    Bundle::bare(wat::parse_str("(component)").unwrap())
}

fn layer(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(bytes), "size": bytes.len() })
}

fn manifest(layers: &Value) -> String {
    let config = layer("application/vnd.wasm.config.v0+json", b"{}");
    json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers })
        .to_string()
}

/// The manifest of a release whose component has the four bytes `wasm`.
fn one() -> String {
    manifest(&json!([layer("application/wasm", b"wasm")]))
}

/// Answers with a manifest where one is asked for, and with a blob elsewhere.
fn release(path: &str, blob: impl FnOnce() -> Response<Body>) -> Response<Body> {
    if path.contains("/manifests/") {
        text(one())
    } else {
        blob()
    }
}

#[tokio::test]
async fn manifests_that_are_none_are_refused() {
    let wasm = || layer("application/wasm", b"wasm");
    let layered = |digest: &str, size: i64| {
        manifest(&json!([{ "mediaType": "application/wasm", "digest": digest, "size": size }]))
    };
    let digest = Digest::of(b"wasm").to_string();
    for (body, code) in [
        (String::new(), "registry-no-plug-in"),
        ("[]".to_owned(), "registry-no-plug-in"),
        ("[".repeat(100_000), "registry-no-plug-in"),
        (" ".repeat(300_000), "registry-too-large"),
        (
            json!({"schemaVersion": 2, "manifests": []}).to_string(),
            "registry-no-plug-in",
        ),
        (manifest(&json!([])), "registry-no-plug-in"),
        (
            manifest(&json!([layer("text/html", b"wasm")])),
            "registry-no-plug-in",
        ),
        (manifest(&json!([wasm(), wasm()])), "registry-no-plug-in"),
        (manifest(&json!(vec![wasm(); 1000])), "registry-no-plug-in"),
        (layered("sha256:../../x", 4), "registry-no-plug-in"),
        (layered(&digest, -1), "registry-no-plug-in"),
        (layered(&digest, 3), "registry-too-large"),
        (
            manifest(&json!([
                wasm(),
                layer("application/vnd.muster.minisign", b"wasm")
            ])),
            "bundle-without-statement",
        ),
        (
            manifest(&json!([
                wasm(),
                layer("application/vnd.muster.trust-reference.v1+json", b"wasm")
            ])),
            "registry-no-plug-in",
        ),
    ] {
        let shown: String = body.chars().take(200).collect();
        let hostile = Hostile::start(move |_, path, _| {
            let manifest = path.contains("/manifests/");
            text(if manifest { body.as_str() } else { "wasm" })
        })
        .await;
        assert_eq!(hostile.pull().await.code(), code, "{shown}");
    }
}

#[tokio::test]
async fn blobs_that_are_longer_shorter_or_others_are_refused() {
    for (blob, code) in [
        ("wasn", "registry-digest"),
        ("was", "registry-digest"),
        ("", "registry-digest"),
        ("wasm!", "registry-too-large"),
    ] {
        let hostile = Hostile::start(move |_, path, _| release(path, || text(blob))).await;
        assert_eq!(hostile.pull().await.code(), code, "{blob}");
    }
    // Without a length, and without an end: it is left after the bytes that there may be.
    let hostile = Hostile::start(|_, path, _| {
        release(path, || {
            let piece = || Ok::<_, std::io::Error>(vec![0_u8; 1024]);
            Response::new(Body::from_stream(futures_util::stream::repeat_with(piece)))
        })
    })
    .await;
    assert_eq!(hostile.pull().await.code(), "registry-too-large");
}

#[tokio::test]
async fn a_registry_that_does_not_come_to_an_end_is_given_up() {
    let hostile = Hostile::start(|_, _, _| {
        let silent = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
        Response::new(Body::from_stream(silent))
    })
    .await;
    let hasty = Registry::new(Config {
        credentials: Credentials::default(),
        ca: None,
        plain: Vec::new(),
        component_most: MOST,
        time: Duration::from_millis(200),
    });
    let error = hasty.pull(&hostile.reference()).await.unwrap_err();
    assert_eq!(error.code(), "registry-late");
}

#[tokio::test]
async fn another_manifest_than_the_pinned_one_is_refused() {
    let hostile = Hostile::start(|_, _, _| text(one())).await;
    let pinned = hostile.reference().pinned(Digest::of(b"another"));
    let error = hostile.client().pull(&pinned).await.unwrap_err();
    assert_eq!(error.code(), "registry-digest");
}

#[tokio::test]
async fn credentials_go_nowhere_but_to_the_registry() {
    let other = Hostile::start(|_, path, _| release(path, || text("wasm"))).await;

    // A blob kept elsewhere is fetched, and nobody says there who asks.
    let target = format!("http://{}/kept", other.address);
    let guarded = Hostile::start(move |_, path, before| match before {
        0 => challenge("Basic realm=r"),
        _ => release(path, || moved(&target)),
    })
    .await;
    let pulled = guarded.client().pull(&guarded.reference()).await.unwrap();
    assert_eq!(pulled.bundle.component, b"wasm");
    let asked = guarded.asked();
    let told: Vec<_> = asked.iter().map(|(_, told)| told.is_some()).collect();
    assert_eq!(told, [false, true, true], "{asked:?}");
    assert_eq!(other.asked(), [("/kept".to_owned(), None)]);

    // A manifest is not fetched from elsewhere at all.
    let target = format!("http://{}/v2/a/manifests/1", other.address);
    let sends_on = Hostile::start(move |_, _, _| moved(&target)).await;
    assert_eq!(sends_on.pull().await.code(), "registry-answer");
    assert_eq!(other.asked().len(), 1);
}

#[tokio::test]
async fn nobody_is_sent_into_other_networks() {
    for to in [
        "http://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/",
        "https://[fe80::1]/",
        "http://registry.example/blob",
        "https://localhost/",
        "https://x.localhost/",
        "https://intranet/",
        "https://user:secret@registry.example/",
        "file:///etc/passwd",
        "gopher://x.example/",
    ] {
        let hostile = Hostile::start(move |_, path, _| release(path, || moved(to))).await;
        assert_eq!(hostile.pull().await.code(), "registry-elsewhere", "{to}");

        let bearer = format!("Bearer realm=\"{to}\",service=\"x\"");
        let hostile = Hostile::start(move |_, _, _| challenge(&bearer)).await;
        assert_eq!(hostile.pull().await.code(), "registry-elsewhere", "{to}");

        let hostile = Hostile::start(move |method, _, _| match method {
            "HEAD" => empty(404),
            _ => with(202, header::LOCATION, to),
        })
        .await;
        let error = hostile.push(&component()).await.unwrap_err();
        assert_eq!(error.code(), "registry-elsewhere", "{to}");
    }
    let endless = Hostile::start(|_, path, _| release(path, || moved("/v2/a/blobs/again"))).await;
    assert_eq!(endless.pull().await.code(), "registry-elsewhere");
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_used() {
    let address = Arc::new(Mutex::new(String::new()));
    let own = Arc::clone(&address);
    let registry = Hostile::start(move |_, path, before| match (before, path) {
        (0, _) => {
            let address = own.lock().unwrap();
            challenge(&format!(
                "Bearer realm=\"http://{address}/token\",service=\"r\""
            ))
        }
        (_, "/token") => text("{\"token\": \"t0ken\", \"expires_in\": 300}"),
        _ => release(path, || text("wasm")),
    })
    .await;
    address.lock().unwrap().clone_from(&registry.address);
    registry.client().pull(&registry.reference()).await.unwrap();
    let asked = registry.asked();
    let told: Vec<_> = asked.iter().map(|(_, told)| told.as_deref()).collect();
    assert!(
        matches!(told.as_slice(),
            [None, Some(basic), Some("Bearer t0ken"), Some("Bearer t0ken")]
            if basic.starts_with("Basic ")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn what_a_registry_says_is_shown_without_its_tricks() {
    let hostile = Hostile::start(|_, _, _| {
        let message = "\u{1b}[2Jno\n".repeat(1000);
        let body = json!({ "errors": [{ "code": "DENIED", "message": message }] });
        let mut response = text(body.to_string());
        *response.status_mut() = axum::http::StatusCode::FORBIDDEN;
        response
    })
    .await;
    let error = hostile.pull().await;
    assert_eq!(error.code(), "registry-credentials");
    let text = error.to_string();
    let clean = !text.contains(['\u{1b}', '\n']);
    assert!(
        text.contains("DENIED") && text.len() < 500 && clean,
        "{text}"
    );
}

#[tokio::test]
async fn a_registry_without_the_types_of_wasm_gets_an_image() {
    let manifests = Arc::new(AtomicUsize::new(0));
    let picky = Hostile::start(move |method, path, _| match method {
        "HEAD" => empty(404),
        "POST" => with(202, header::LOCATION, "/v2/upload?state=x"),
        _ if path.contains("/manifests/") => match manifests.fetch_add(1, Ordering::SeqCst) {
            0 => empty(400),
            _ => empty(201),
        },
        _ => empty(201),
    })
    .await;
    assert_eq!(picky.push(&component()).await.unwrap(), Layout::Image);
    assert_eq!(picky.push(&component()).await.unwrap(), Layout::Wasm);

    let no_component = Bundle::bare(wat::parse_str("(module)").unwrap());
    let error = picky.push(&no_component).await.unwrap_err();
    assert_eq!(error.code(), "registry-no-plug-in");
}
