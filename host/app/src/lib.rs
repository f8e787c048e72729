//! What an Administration Server does, without its network edge.
//!
//! A task's life has five steps, one file each, to be read in this order: [`submit`], [`dispatch`],
//! [`deliver`], [`report`], [`watch`]. Each ends by writing rows, and the next starts from those
//! rows: nothing calls back, and a crash between two steps loses nothing. The other files are what
//! else an administrator or an agent can do.

pub mod administrator;
pub mod application;
pub mod approve;
pub mod assign;
pub mod calls;
pub mod component;
pub mod deliver;
pub mod device;
pub mod dispatch;
pub mod enroll;
mod error;
pub mod event;
pub mod fetch;
pub mod forecast;
pub mod grant;
pub mod group;
mod hint;
pub mod install;
mod lineage;
pub mod link;
mod member;
pub mod objects;
pub mod occur;
mod outbreak;
pub mod place;
pub mod report;
pub mod rollout;
mod schema;
pub mod selection;
mod silence;
pub mod submit;
pub mod tag;
pub mod task;
mod transfer;
pub mod trust;
pub mod user;
pub mod vault;
pub mod wake;
pub mod watch;
pub mod window;

pub use administrator::Administrator;
pub use error::AppError;
pub use fetch::Registries;

use application::Applications;
use component::Components;
use futures_util::future::BoxFuture;
use hint::{Hints, Loop};
use install::shadow::Shadows;
use install::{Plans, Switches};
use link::Links;
use muster_agent_protocol::order::OrderKey;
use muster_domain::outbreak::OutbreakRule;
use muster_plugin_host::PluginHost;
use muster_storage::{Connection, Storage};
use report::{Pauses, Reports};
use rollout::Alarms;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vault::{Vault, VaultKey};
use wake::Waking;
use watch::Watch;

/// The application: cheap to clone, shared by every handler and link.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    storage: Storage,
    plugin_host: Arc<PluginHost>,
    applications: Applications,
    components: Components,
    registries: Registries,
    // Shared by whoever is between writing a component and its row; alone by whoever removes files.
    component_use: Arc<tokio::sync::RwLock<()>>,
    keep_revisions: usize,
    probe_after: Duration,
    safe_mode: bool,
    switches: Switches,
    installs: Switches,
    plans: Plans,
    shadows: Shadows,
    waking: Waking,
    order_key: OrderKey,
    vault: Vault,
    // Held from when an order gets its number until it is sent: an agent drops what comes after a
    // higher number.
    order_turn: tokio::sync::Mutex<()>,
    links: Links,
    hints: Hints,
    reports: Reports,
    pauses: Pauses,
    rollouts: Alarms,
    watch: Watch,
    workers: TaskTracker,
    stopping: CancellationToken,
}

/// What an [`App`] stands on.
pub struct Foundation {
    /// The database.
    pub storage: Storage,
    /// The plug-in host.
    pub plugin_host: Arc<PluginHost>,
    /// The folder of components, by digest. Made if missing.
    pub components: PathBuf,
    /// How registries are reached.
    pub registries: Registries,
    /// Revisions of each plug-in that are kept for a roll-back.
    pub keep_revisions: usize,
    /// How long a plug-in that was put aside for its faults rests before it may prove itself.
    pub probe_after: Duration,
    /// No plug-in is loaded, whatever was at work.
    pub safe_mode: bool,
    /// What makes a malware outbreak.
    pub outbreak: Vec<OutbreakRule>,
    /// How sleeping devices are woken.
    pub waking: Waking,
    /// The key that orders are signed with.
    pub order_key: OrderKey,
    /// The key that secrets are sealed with.
    pub vault_key: VaultKey,
}

impl App {
    /// Takes up the work where it was left: loads the plug-ins that were active and starts the
    /// workers of the steps that are loops.
    pub async fn start(foundation: Foundation) -> Result<Self, AppError> {
        let Foundation {
            storage,
            plugin_host,
            components,
            registries,
            keep_revisions,
            probe_after,
            safe_mode,
            outbreak,
            waking,
            order_key,
            vault_key,
        } = foundation;
        let (reports, taken) = report::queue();
        let hints = Hints::default();
        let of = |of| hints.of(of);
        let (due, assignable, occurring) = (of(Loop::Deliver), of(Loop::Assign), of(Loop::Occur));
        let selected = of(Loop::Members);
        let asked = of(Loop::Users);
        let latest = muster_storage::event::event_latest(&mut *storage.read().await?).await?;
        let app = Self(Arc::new(Inner {
            storage,
            plugin_host,
            applications: Applications::default(),
            components: Components::open(&components)?,
            registries,
            component_use: Arc::default(),
            keep_revisions,
            probe_after,
            safe_mode,
            switches: Switches::default(),
            installs: Switches::default(),
            plans: Plans::default(),
            shadows: Shadows::default(),
            waking,
            order_key,
            vault: Vault::new(vault_key),
            order_turn: tokio::sync::Mutex::default(),
            links: Links::default(),
            hints,
            reports,
            pauses: Pauses::default(),
            rollouts: Alarms::default(),
            watch: Watch::new(latest),
            workers: TaskTracker::new(),
            stopping: CancellationToken::new(),
        }));
        app.links_forget().await?;
        app.plugins_load().await?;
        app.0.workers.spawn(member::work(app.clone(), selected));
        app.0.workers.spawn(occur::work(app.clone(), occurring));
        app.0.workers.spawn(assign::work(app.clone(), assignable));
        app.0.workers.spawn(deliver::work(app.clone(), due));
        app.0.workers.spawn(report::work(app.clone(), taken));
        app.0.workers.spawn(rollout::work(app.clone()));
        app.0.workers.spawn(user::work(app.clone(), asked));
        app.0.workers.spawn(silence::work(app.clone()));
        app.0.workers.spawn(outbreak::work(app.clone(), outbreak));
        app.0.workers.spawn(wake::work(app.clone()));
        app.0.workers.spawn(install::recompile::work(app.clone()));
        app.0.workers.spawn(install::quarantine::work(app.clone()));
        app.0.workers.close();
        Ok(app)
    }

    /// Writes rows and their events in one transaction, and wakes those who watch the event log.
    pub(crate) async fn logged<T, F>(&self, job: F) -> Result<T, AppError>
    where
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, AppError>>
            + Send
            + 'static,
        T: Send + 'static,
    {
        let result = self.0.storage.write(job).await?;
        self.0.watch.log_grew();
        Ok(result)
    }

    /// Ends the workers at the next place between two steps, and closes the database. What was
    /// acknowledged is durable already; what was not, agents send again.
    pub async fn stop(&self) {
        self.0.stopping.cancel();
        self.0.links.close_all();
        self.0.workers.wait().await;
        self.0.storage.clone().close().await;
    }
}
