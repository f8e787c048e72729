//! An administrator's requests, typed.

use crate::until::until;
use crate::vendor::Vendor;
use anyhow::{Context, Result, bail, ensure};
use muster_api::BASE;
use muster_api::device::{DeviceView, EnrollmentTokenCreate, EnrollmentTokenView};
use muster_api::event::EventView;
use muster_api::group::{GroupCreate, GroupView};
use muster_api::page::Page;
use muster_api::plan::{ActivatedView, PluginRollback, RevisionView};
use muster_api::plugin::PluginView;
use muster_api::problem::ProblemDocument;
use muster_api::run::{DeliveryView, RunView};
use muster_api::task::{TaskCreate, TaskView};
use muster_domain::Digest;
use muster_domain::delivery::DeliveryState;
use muster_domain::run::RunState;
use reqwest::{Method, RequestBuilder, StatusCode};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The applications that a test's vendor may sign.
const TRUSTED: [&str; 6] = [
    "net.clamav.*",
    "net.aide.*",
    "com.cisofy.*",
    "com.virustotal.*",
    "org.example.*",
    "com.example.*",
];

/// Talks to a server with a token. It outlives restarts of the server.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
    vendor: Arc<OnceCell<Vendor>>,
}

/// What the server answered, whatever it was.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The JSON of a request that was carried out; any other answer is an error that shows it.
    pub fn ok<T: DeserializeOwned>(&self) -> Result<T> {
        ensure!(
            self.status.is_success(),
            "the server answered {}: {}",
            self.status,
            self.text()
        );
        serde_json::from_slice(&self.body)
            .with_context(|| format!("not the JSON that was expected: {}", self.text()))
    }

    /// The problem document of a request that was refused with this status.
    pub fn problem(&self, status: u16) -> Result<ProblemDocument> {
        ensure!(
            self.status == status,
            "the server answered {} instead of {status}: {}",
            self.status,
            self.text()
        );
        serde_json::from_slice(&self.body)
            .with_context(|| format!("no problem document: {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Client {
    /// Logs in as `muster login` does: the CA is fetched blindly, and its fingerprint decides.
    pub async fn login(address: &str, token: &str, fingerprint: &str) -> Result<Self> {
        // Other parts of a test may have chosen the same provider before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let blind = reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .timeout(TIME_LIMIT)
            .build()?;
        let pem = blind
            .get(format!("{address}{BASE}/ca"))
            .send()
            .await?
            .error_for_status()?
            .bytes()
            .await?;
        let der = CertificateDer::from_pem_slice(&pem)
            .context("the server's CA is no certificate in PEM")?;
        let found = Digest::of(&der).to_string();
        ensure!(
            found == fingerprint,
            "the CA has the fingerprint {found}, and {fingerprint} was told"
        );
        let http = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&pem)?])
            .timeout(TIME_LIMIT)
            .build()?;
        Ok(Self {
            http,
            base: format!("{address}{BASE}"),
            token: token.into(),
            vendor: Arc::default(),
        })
    }

    /// The same server with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: token.into(),
            ..self.clone()
        }
    }

    /// A request to a path under `/api/v1`, to be completed and passed to [`Client::send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token)
    }

    /// Sends a request, and takes any answer.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer> {
        let response = request.send().await?;
        Ok(Answer {
            status: response.status(),
            body: response.bytes().await?.into(),
        })
    }

    /// `GET`
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = self.send(self.request(Method::GET, path)).await?;
        answer.ok().with_context(|| format!("GET {path}"))
    }

    /// `POST` with a JSON body, for any answer.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> Result<Answer> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Installs one of our plug-ins from its file, signed by this test's vendor.
    pub async fn plugin_install(&self, component: &Path) -> Result<PluginView> {
        let (application, version) = crate::vendor::ours(component)?;
        let bytes = std::fs::read(component)
            .with_context(|| format!("cannot read {}", component.display()))?;
        self.plugin_install_as(&bytes, application, version)
            .await?
            .ok()
            .with_context(|| format!("install {}", component.display()))
    }

    /// Installs a component that speaks for an application in a version, and asks for nothing,
    /// signed by this test's vendor.
    pub async fn plugin_install_as(
        &self,
        component: &[u8],
        application: &str,
        version: &str,
    ) -> Result<Answer> {
        let release = self.release(component, application, version).await?;
        self.plugin_upload(release).await
    }

    /// A component that speaks for an application in a version, signed by this test's vendor.
    pub async fn release(
        &self,
        component: &[u8],
        application: &str,
        version: &str,
    ) -> Result<Vec<u8>> {
        let vendor = self.vendor().await?;
        vendor.release(component, application, version)
    }

    /// This test's vendor, whom the server trusts for the applications of the tests from the first
    /// time on.
    pub async fn vendor(&self) -> Result<&Vendor> {
        self.vendor
            .get_or_try_init(async || {
                let vendor = Vendor::new()?;
                let body = serde_json::json!({
                    "signer": "test-vendor",
                    "key": vendor.public_key(),
                    "applications": TRUSTED,
                });
                let _: Value = self.post("/trust/credentials", &body).await?.ok()?;
                Ok(vendor)
            })
            .await
    }

    /// Lets the server admit what nobody signed: for components that lie about what they are, of
    /// which nothing true could be stated.
    pub async fn trust_everything(&self) -> Result<()> {
        let policy = serde_json::json!({ "policy": "dev" });
        let request = self.request(Method::PUT, "/trust/policy").json(&policy);
        let answer = self.send(request).await?;
        ensure!(answer.status.is_success(), "{}", answer.text());
        Ok(())
    }

    /// Uploads whatever is said to be a release.
    pub async fn plugin_upload(&self, bytes: Vec<u8>) -> Result<Answer> {
        self.plugin_upload_with(bytes, "").await
    }

    /// Uploads a plug-in with a query such as `auto=true`.
    pub async fn plugin_upload_with(&self, bytes: Vec<u8>, query: &str) -> Result<Answer> {
        let request = self
            .request(Method::POST, &format!("/plugins?{query}"))
            .header("content-type", "application/wasm");
        // Compiling on a loaded machine takes its time.
        self.send(request.body(bytes).timeout(Duration::from_mins(5)))
            .await
    }

    /// Puts the revision of a plug-in to work again that was at work before.
    pub async fn plugin_rollback(&self, application: &str) -> Result<ActivatedView> {
        let path = format!("/plugins/{application}/rollback");
        let request = self
            .request(Method::POST, &path)
            .json(&PluginRollback::default());
        self.send(request.timeout(Duration::from_mins(2)))
            .await?
            .ok()
            .with_context(|| format!("roll back {application}"))
    }

    /// The revisions of a plug-in.
    pub async fn plugin_revisions(&self, application: &str) -> Result<Vec<RevisionView>> {
        self.list(&format!("/plugins/{application}/revisions"), "")
            .await
    }

    /// Creates a group under the root, or under the group of a path.
    pub async fn group_create(&self, name: &str, parent: Option<&str>) -> Result<GroupView> {
        let body = GroupCreate {
            name: name.into(),
            parent: parent.map(Into::into),
        };
        self.post("/groups", &body)
            .await?
            .ok()
            .with_context(|| format!("create group {name}"))
    }

    /// Makes a token that enrolls one device into a group.
    pub async fn enrollment_token(&self, group: Option<&str>) -> Result<String> {
        let body = EnrollmentTokenCreate {
            group: group.map(Into::into),
            ..EnrollmentTokenCreate::default()
        };
        let view: EnrollmentTokenView = self.post("/enrollment-tokens", &body).await?.ok()?;
        Ok(view.token)
    }

    /// Makes a token that enrolls a device that is there again.
    pub async fn enrollment_token_for(&self, device: &str) -> Result<String> {
        let body = EnrollmentTokenCreate {
            device: Some(device.into()),
            ..EnrollmentTokenCreate::default()
        };
        let view: EnrollmentTokenView = self.post("/enrollment-tokens", &body).await?.ok()?;
        Ok(view.token)
    }

    /// A device by number or name.
    pub async fn device(&self, device: &str) -> Result<DeviceView> {
        self.get(&format!("/devices/{device}")).await
    }

    /// Waits until a device's link is open and it told of its applications.
    pub async fn device_online(&self, device: &str) -> Result<DeviceView> {
        let what = format!("device {device} to come online");
        until(&what, async || {
            Ok(Some(self.device(device).await?).filter(|device| device.online))
        })
        .await
    }

    /// Creates a task.
    pub async fn task_create(&self, task: &TaskCreate) -> Result<TaskView> {
        self.post("/tasks", task)
            .await?
            .ok()
            .with_context(|| format!("create task {}", task.name))
    }

    /// Starts a task, and gives the run that came of it.
    pub async fn task_start(&self, task: i64) -> Result<RunView> {
        let path = format!("/tasks/{task}/start");
        self.send(self.request(Method::POST, &path))
            .await?
            .ok()
            .with_context(|| format!("start task {task}"))
    }

    /// Wants something else of a run: `stop`, `pause` or `resume`.
    pub async fn run_change(&self, run: i64, verb: &str) -> Result<RunView> {
        let path = format!("/runs/{run}/{verb}");
        self.send(self.request(Method::POST, &path))
            .await?
            .ok()
            .with_context(|| format!("{verb} run {run}"))
    }

    /// What the server counts under a name, such as `muster_plugin_calls_total`.
    pub async fn metric(&self, name: &str) -> Result<f64> {
        let address = self.base.trim_end_matches(BASE);
        let request = self.http.get(format!("{address}/metrics"));
        let text = self.send(request).await?.text();
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        let value = value.with_context(|| format!("there is no {name} in {text}"))?;
        Ok(value.trim().parse()?)
    }

    /// A run.
    pub async fn run(&self, run: i64) -> Result<RunView> {
        self.get(&format!("/runs/{run}")).await
    }

    /// All deliveries of a run.
    pub async fn deliveries(&self, run: i64) -> Result<Vec<DeliveryView>> {
        self.list(&format!("/runs/{run}/deliveries"), "").await
    }

    /// Waits until a run is finished.
    pub async fn run_finished(&self, run: i64) -> Result<RunView> {
        let what = format!("run {run} to finish");
        let finished = until(&what, async || {
            Ok(Some(self.run(run).await?).filter(|run| run.state == RunState::Finished))
        });
        match finished.await {
            Ok(run) => Ok(run),
            Err(error) => {
                Err(error.context(format!("its deliveries: {:?}", self.deliveries(run).await)))
            }
        }
    }

    /// Waits until the only delivery of a run is in this state.
    pub async fn delivery_in(&self, run: i64, state: DeliveryState) -> Result<DeliveryView> {
        let what = format!("the delivery of run {run} to be {state:?}");
        until(&what, async || {
            let deliveries = self.deliveries(run).await?;
            let [delivery] = deliveries.as_slice() else {
                bail!("run {run} has {} deliveries, not one", deliveries.len())
            };
            Ok((delivery.state == state).then(|| delivery.clone()))
        })
        .await
    }

    /// All events after one of this number (0 for all) that a filter such as `kind=task.created`
    /// lets through, the oldest first.
    pub async fn events(&self, after: i64, filter: &str) -> Result<Vec<EventView>> {
        let mut events = Vec::new();
        let mut last = after;
        loop {
            let page: Page<EventView> = self
                .get(&format!("/events?after={last}&limit=500&{filter}"))
                .await?;
            let Some(newest) = page.items.iter().map(|event| event.id).max() else {
                return Ok(events);
            };
            last = newest;
            events.extend(page.items);
        }
    }

    /// Waits for the first event of this kind after one of this number.
    pub async fn event(&self, after: i64, kind: &str) -> Result<EventView> {
        let filter = format!("kind={kind}");
        let what = format!("an event {kind}");
        until(&what, async || {
            Ok(self.events(after, &filter).await?.into_iter().next())
        })
        .await
    }

    /// A list, all its pages.
    pub async fn list<T: DeserializeOwned>(&self, path: &str, filter: &str) -> Result<Vec<T>> {
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let page: Page<T> = self.get(&format!("{path}?{filter}{after}")).await?;
            items.extend(page.items);
            match page.next {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(items),
            }
        }
    }
}
