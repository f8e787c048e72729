//! The applications that have a loaded plug-in at this moment.

use crate::{Administrator, App, AppError};
use arc_swap::ArcSwap;
use muster_domain::ApplicationId;
use muster_domain::TaskTypeId;
use muster_domain::application::TaskType;
use muster_plugin_host::Plugin;
use muster_storage::plugin::{PluginState, plugin_latest};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Loaded plug-ins by application. Exchanged whole: calls under way end on what they began with.
#[derive(Default)]
pub(crate) struct Applications(ArcSwap<BTreeMap<ApplicationId, Arc<Plugin>>>);

impl Applications {
    pub(crate) fn get(&self, application: &ApplicationId) -> Option<Arc<Plugin>> {
        self.0.load().get(application).cloned()
    }

    pub(crate) fn put(&self, plugin: &Arc<Plugin>) {
        self.0.rcu(|applications| {
            let mut applications = BTreeMap::clone(applications);
            let application = plugin.description().application.clone();
            applications.insert(application, Arc::clone(plugin));
            applications
        });
    }

    pub(crate) fn take(&self, application: &ApplicationId) {
        self.0.rcu(|applications| {
            let mut applications = BTreeMap::clone(applications);
            applications.remove(application);
            applications
        });
    }

    pub(crate) fn all(&self) -> Vec<Arc<Plugin>> {
        self.0.load().values().cloned().collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load().len()
    }
}

/// Why an application has no loaded plug-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// There never was one on this server.
    NeverInstalled,
    /// An administrator removed it.
    Removed,
    /// It is installed and could not be loaded when the server started.
    FailedToLoad(String),
}

impl Absence {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NeverInstalled => "never-installed",
            Self::Removed => "removed",
            Self::FailedToLoad(_) => "failed-to-load",
        }
    }
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverInstalled => {
                f.write_str("none was ever installed here; install it with `muster plugin install`")
            }
            Self::Removed => f.write_str(
                "the one that was here was removed; install it again with `muster plugin install`",
            ),
            Self::FailedToLoad(why) => {
                write!(f, "it could not be loaded when the server started ({why})")
            }
        }
    }
}

impl App {
    /// The application's plug-in, or the refusal that says why there is none.
    pub(crate) async fn plugin(
        &self,
        application: &ApplicationId,
    ) -> Result<Arc<Plugin>, AppError> {
        if let Some(plugin) = self.0.applications.get(application) {
            return Ok(plugin);
        }
        let mut connection = self.0.storage.read().await?;
        let reason = match plugin_latest(&mut connection, application).await? {
            Some(row) if row.state == PluginState::Removed => Absence::Removed,
            Some(row) => Absence::FailedToLoad(row.reason.unwrap_or_default()),
            None => Absence::NeverInstalled,
        };
        Err(AppError::ApplicationWithoutPlugin {
            application: application.clone(),
            reason,
        })
    }

    /// The application's plug-in, as it runs now.
    pub async fn plugin_running(
        &self,
        _who: &Administrator,
        application: &ApplicationId,
    ) -> Result<Arc<Plugin>, AppError> {
        self.plugin(application).await
    }

    /// All that run now.
    pub fn plugins_running(&self) -> Vec<Arc<Plugin>> {
        self.0.applications.all()
    }

    /// Whether the application has a loaded plug-in.
    pub fn plugin_loaded(&self, application: &ApplicationId) -> bool {
        self.0.applications.get(application).is_some()
    }

    /// How many applications have one.
    pub fn plugins_loaded(&self) -> usize {
        self.0.applications.count()
    }
}

/// The plug-in's task type of this name.
pub(crate) fn task_type<'p>(plugin: &'p Plugin, id: &TaskTypeId) -> Result<&'p TaskType, AppError> {
    let description = plugin.description();
    description
        .task_type(id)
        .ok_or_else(|| AppError::UnknownTaskType {
            application: description.application.clone(),
            task_type: id.clone(),
            known: description
                .task_types
                .iter()
                .map(|known| known.id.to_string())
                .collect(),
        })
}
