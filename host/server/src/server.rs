//! The server as a whole: everything started in order, and stopped in the other.

use crate::accept::accept;
use crate::authority::{self, Authority, AuthorityError};
use crate::config::Config;
use crate::edge::{Edge, Inner};
use crate::first_token::FirstToken;
use crate::folder::{DataFolder, FolderError};
use crate::metrics::Metrics;
use crate::router::router;
use crate::tls::{self, TlsError};
use crate::vault::{self, VaultKeyError};
use muster_app::{App, AppError, Foundation};
use muster_domain::Digest;
use muster_plugin_host::{Compiler, Folders, PluginHost};
use muster_storage::{Storage, StorageError};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a stop waits for links to say goodbye.
const LINKS_TIME: Duration = Duration::from_secs(10);

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}; is another program there? choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// The keys cannot be used.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The vault cannot be opened.
    #[error(transparent)]
    Vault(#[from] VaultKeyError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The database cannot be opened.
    #[error("cannot open the database muster.db in the data folder")]
    Storage(#[from] StorageError),
    /// The plug-in host cannot start.
    #[error("the plug-in host cannot start")]
    PluginHost(#[from] muster_plugin_host::StartError),
    /// The work cannot be taken up.
    #[error("the server cannot take up its work")]
    App(#[from] AppError),
}

/// A server that accepts requests.
pub struct Server {
    address: SocketAddr,
    fingerprint: Digest,
    first_token: Option<FirstToken>,
    edge: Edge,
    accepting: JoinHandle<()>,
    // Unlocked last.
    _folder: DataFolder,
}

impl Server {
    /// Starts a server on a data folder, which may be empty. `compiler` says how the compiling child
    /// is started.
    pub async fn start(
        data: &Path,
        config: Config,
        compiler: Compiler,
    ) -> Result<Self, StartError> {
        let folder = DataFolder::open(data)?;
        // Everything that is made at a first start is made before the database is.
        let fresh = !folder.database().exists();
        let listener = listen(config.listen).await?;
        let address = listener.local_addr().unwrap_or(config.listen);
        let authority = Authority::open(&folder, fresh)?;
        let names = authority::server_names(&config.tls.names);
        let own = authority.server(&folder, &names)?;
        let given = config
            .tls
            .given()
            .map(|(chain, key)| tls::given(chain, key))
            .transpose()?;
        let tls = tls::server(&authority, own, given)?;
        let order_key = authority::order_key(&folder, fresh)?;
        let first_token = FirstToken::open(&folder, fresh)?;
        muster_crash_point::reach("server.keys-made");

        let component_bytes = (config.plugins.component_size as usize).saturating_mul(1 << 20);
        let folders = Folders {
            private: folder.compiled(),
            files: folder.plugin_files(),
        };
        let plugin_host = PluginHost::start(config.plugins.clone(), folders, compiler)?;
        let storage = Storage::open(&folder.database()).await?;
        let vault_key = vault::open(&folder, &config, &storage).await?;
        let app = App::start(Foundation {
            storage,
            plugin_host: Arc::clone(&plugin_host),
            components: folder.components(),
            keep_revisions: config.revisions.keep as usize,
            probe_after: Duration::from_secs(config.revisions.probe_after.into()),
            safe_mode: config.safe_mode,
            registries: config.registries.for_components(component_bytes),
            outbreak: config.outbreak.rules(),
            waking: config.wake.waking(),
            order_key,
            vault_key,
        })
        .await?;
        if let Some(token) = &first_token {
            app.administrator_first(token.text()).await?;
        }
        let fingerprint = authority.fingerprint();
        let edge = Edge::new(Inner {
            app,
            authority,
            plugin_host,
            metrics: Metrics::new(),
            json_bytes: (config.http.json_size as usize) << 10,
            import_bytes: (config.http.import_size as usize) << 20,
            component_bytes,
            read_time: Duration::from_secs(config.http.read_time.into()),
            stopping: CancellationToken::new(),
            links: TaskTracker::new(),
        });
        let stopping = edge.stopping().clone();
        let work = accept(listener, tls, router(edge.clone()), config.http, stopping);
        let accepting = tokio::spawn(work);
        tracing::info!(%address, "the server listens");
        Ok(Self {
            address,
            fingerprint,
            first_token,
            edge,
            accepting,
            _folder: folder,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Digest of its CA's certificate.
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// The first administrator's token, if it is still to be told.
    pub fn take_first_token(&mut self) -> Option<FirstToken> {
        self.first_token.take()
    }

    /// Stops: no more connections, streams and links end, requests under way are answered, then the
    /// work is put down and the database closed.
    pub async fn stop(self) {
        tracing::info!("the server stops");
        self.edge.stopping().cancel();
        if let Err(error) = self.accepting.await {
            tracing::error!(%error, "the accept loop failed");
        }
        self.edge.links().close();
        if timeout(LINKS_TIME, self.edge.links().wait()).await.is_err() {
            tracing::warn!("links were still open when the time for stopping was up");
        }
        self.edge.app().stop().await;
        tracing::info!("the server has stopped");
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|cause| StartError::Listen { address, cause })
}
