//! The agent: its workers, started and stopped together.
//!
//! Six loops share the store and nothing else that lasts: the applications are looked at, the
//! link takes orders and assignments in and sends news out, requests of the device's users are taken, `schedule` turns assignments into
//! deliveries when their time comes, `deliver` carries out what the rows say, and the platform's log
//! gets what the local one has.

use crate::applications::Applications;
use crate::config::Tuning;
use crate::connector::ConnectorSource;
use crate::deliver::Deliver;
use crate::execute::Executor;
use crate::execute::progress::Board;
use crate::identity::Identity;
use crate::platform_log::PlatformLog;
use crate::schedule::{self, zone::DeviceZone};
use crate::secrets::Secrets;
use crate::store::{Store, StoreError, StoreLocation};
use crate::tls::{self, TlsError};
use crate::user::socket::{self, UserSocket};
use crate::{housekeeping, link};
use muster_domain::RunId;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What an agent is started with.
#[derive(Debug, Clone)]
pub struct AgentOptions {
    /// Who it is.
    pub identity: Identity,
    /// Where it keeps what has to survive.
    pub store: StoreLocation,
    /// Where it finds its connectors.
    pub connectors: ConnectorSource,
    /// What carries commands out.
    pub executor: Executor,
    /// Which log of the platform it writes.
    pub platform_log: PlatformLog,
    /// Times and bounds.
    pub tuning: Tuning,
    /// Where it takes requests of the device's users; nowhere if none.
    pub user_socket: Option<UserSocket>,
}

/// Why an agent did not start.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The identity cannot be used.
    #[error(
        "this device's identity cannot be used; enroll again with `muster-agent enroll --again`"
    )]
    Identity(#[from] TlsError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the workers share.
pub(crate) struct Shared {
    pub(crate) identity: Identity,
    pub(crate) store: Arc<Store>,
    pub(crate) applications: Applications,
    pub(crate) board: Arc<Board>,
    pub(crate) secrets: Secrets,
    pub(crate) executor: Executor,
    pub(crate) platform_log: PlatformLog,
    pub(crate) tuning: Tuning,
    pub(crate) tls: Arc<rustls::ClientConfig>,
    /// The device's time zone.
    pub(crate) zone: watch::Sender<DeviceZone>,
    owner: String,
}

impl Shared {
    /// The variable by which the processes of an attempt are known.
    pub(crate) fn mark(&self, run: RunId, attempt: u32) -> (String, String) {
        (
            "MUSTER_DELIVERY".to_owned(),
            format!("{}/{run}/{attempt}", self.owner),
        )
    }
}

/// An agent at work. Many can be in one process.
pub struct Agent {
    shared: Arc<Shared>,
    stop: CancellationToken,
    workers: JoinSet<()>,
}

impl Agent {
    /// Starts an agent. It links by itself and for ever, until it is stopped.
    pub async fn start(options: AgentOptions) -> Result<Self, AgentError> {
        let owner = options.identity.owner();
        let tls = tls::link(&options.identity)?;
        let tell = options.platform_log != PlatformLog::None;
        let store = Store::open(&options.store, &owner, tell).await?;
        store.enrolled_with(&options.identity.certificate).await?;
        let shared = Arc::new(Shared {
            store: Arc::new(store),
            identity: options.identity,
            applications: Applications::new(),
            board: Arc::new(Board::default()),
            secrets: Secrets::default(),
            executor: options.executor,
            platform_log: options.platform_log,
            tuning: options.tuning,
            tls,
            zone: watch::Sender::new(DeviceZone::find()),
            owner,
        });
        let stop = CancellationToken::new();
        let mut workers = JoinSet::new();
        workers.spawn(Deliver::new(shared.clone()).run(stop.clone()));
        workers.spawn(link::run(shared.clone(), stop.clone()));
        let until_stopped = |worker: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>| {
            let stop = stop.clone();
            async move {
                let _ = stop.run_until_cancelled(worker).await;
            }
        };
        let (watching, source) = (shared.clone(), options.connectors);
        workers.spawn(until_stopped(Box::pin(async move {
            watching
                .applications
                .watch(&source, watching.tuning.poll)
                .await;
        })));
        workers.spawn(until_stopped(Box::pin(schedule::run(shared.clone()))));
        // What the server wants is done without it, too.
        match options.user_socket.as_ref().map(socket::bind).transpose() {
            Ok(None) => {}
            Ok(Some(listener)) => {
                workers.spawn(until_stopped(Box::pin(socket::serve(
                    shared.clone(),
                    listener,
                ))));
            }
            Err(cause) => tracing::error!("{}", muster_domain::chain(&cause)),
        }
        workers.spawn(until_stopped(Box::pin(housekeeping::notice_connectors(
            shared.clone(),
        ))));
        workers.spawn(until_stopped(Box::pin(housekeeping::prune(shared.clone()))));
        if tell {
            workers.spawn(until_stopped(Box::pin(housekeeping::tell_platform(
                shared.clone(),
            ))));
        }
        Ok(Self {
            shared,
            stop,
            workers,
        })
    }

    /// Stops it. Commands at work are ended, and begin again when the agent is started again.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.workers.join_next().await.is_some() {}
        self.shared.store.close().await;
    }
}
