//! The applications that have a loaded plug-in at this moment.

use crate::{Administrator, App, AppError};
use arc_swap::ArcSwap;
use muster_domain::application::TaskType;
use muster_domain::revision::RevisionState;
use muster_domain::{ApplicationId, Digest, TaskTypeId};
use muster_plugin_host::Plugin;
use muster_storage::plugin::plugin_latest;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Loaded revisions that are not at work and are kept at hand. Any other is loaded when it is needed.
const MOST_SPARE: usize = 64;

/// Loaded plug-ins by application. Exchanged whole: calls under way end on what they began with.
#[derive(Default)]
pub(crate) struct Applications {
    at_work: ArcSwap<BTreeMap<ApplicationId, Arc<Plugin>>>,
    // The latest ones last.
    spare: Mutex<Vec<Arc<Plugin>>>,
}

impl Applications {
    pub(crate) fn get(&self, application: &ApplicationId) -> Option<Arc<Plugin>> {
        self.at_work.load().get(application).cloned()
    }

    /// Puts a plug-in to work. The one that was is kept at hand: it has deliveries to interpret.
    pub(crate) fn put(&self, plugin: &Arc<Plugin>) {
        let before = self.get(&plugin.description().application);
        if let Some(before) = before.filter(|before| before.digest() != plugin.digest()) {
            self.spare(&before);
        }
        self.at_work.rcu(|applications| {
            let mut applications = BTreeMap::clone(applications);
            let application = plugin.description().application.clone();
            applications.insert(application, Arc::clone(plugin));
            applications
        });
    }

    /// Puts many to work where none is: the server starts.
    pub(crate) fn put_all(&self, plugins: Vec<Arc<Plugin>>) {
        let each = plugins.into_iter();
        let all = each.map(|plugin| (plugin.description().application.clone(), plugin));
        self.at_work.store(Arc::new(all.collect()));
    }

    pub(crate) fn take(&self, application: &ApplicationId) {
        self.at_work.rcu(|applications| {
            let mut applications = BTreeMap::clone(applications);
            applications.remove(application);
            applications
        });
    }

    pub(crate) fn all(&self) -> Vec<Arc<Plugin>> {
        self.at_work.load().values().cloned().collect()
    }

    /// A revision that is loaded, at work or not.
    pub(crate) fn revision(
        &self,
        application: &ApplicationId,
        digest: Digest,
    ) -> Option<Arc<Plugin>> {
        let current = self.get(application);
        current
            .filter(|plugin| plugin.digest() == digest)
            .or_else(|| {
                let spare = self.spares();
                spare
                    .iter()
                    .find(|plugin| plugin.digest() == digest && !plugin.is_compiling())
                    .cloned()
            })
    }

    /// Keeps a loaded revision at hand.
    pub(crate) fn spare(&self, plugin: &Arc<Plugin>) {
        let mut spare = self.spares();
        spare.retain(|known| known.digest() != plugin.digest());
        spare.push(Arc::clone(plugin));
        if spare.len() > MOST_SPARE {
            spare.remove(0);
        }
    }

    /// The revisions of an application that are at hand and not at work.
    pub(crate) fn spares_of(&self, application: &ApplicationId) -> Vec<Arc<Plugin>> {
        let current = self.get(application).map(|current| current.digest());
        let spare = self.spares();
        let of = spare.iter().filter(|plugin| {
            plugin.description().application == *application && Some(plugin.digest()) != current
        });
        of.cloned().collect()
    }

    /// Lets go of a revision that is not at work.
    pub(crate) fn forget(&self, digest: Digest) {
        self.spares().retain(|plugin| plugin.digest() != digest);
    }

    /// Lets go of loaded revisions that are not among these.
    pub(crate) fn spare_retain(&self, kept: &BTreeSet<Digest>) {
        self.spares()
            .retain(|plugin| kept.contains(&plugin.digest()));
    }

    fn spares(&self) -> MutexGuard<'_, Vec<Arc<Plugin>>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self) -> usize {
        self.at_work.load().len()
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
    /// It is installed and does not fit this server: another contract, or nothing that is a plug-in.
    Incompatible(String),
    /// It is installed and was put aside for its faults.
    Quarantined(String),
    /// It is installed and was put aside because it is not trusted any more.
    Revoked(String),
    /// It is installed, and the server was started without plug-ins.
    SafeMode,
}

impl Absence {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NeverInstalled => "never-installed",
            Self::Removed => "removed",
            Self::FailedToLoad(_) => "failed-to-load",
            Self::Incompatible(_) => "incompatible",
            Self::Quarantined(_) | Self::Revoked(_) => "quarantined",
            Self::SafeMode => "safe-mode",
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
            Self::Incompatible(why) => write!(
                f,
                "it does not fit this server ({why}); install a revision that does, or go back with \
                 `muster plugin rollback`"
            ),
            Self::Quarantined(why) => write!(
                f,
                "it was put aside for its faults ({why}); go back with `muster plugin rollback`, or \
                 install another revision"
            ),
            Self::Revoked(why) => write!(
                f,
                "it was put aside, as it is not trusted any more ({why}); go back with `muster plugin \
                 rollback`, or install another revision"
            ),
            Self::SafeMode => f.write_str(
                "the server runs in safe mode, without plug-ins; restart it without `--safe-mode`",
            ),
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
            Some(row) => {
                let why = row.reason.unwrap_or_default();
                match (row.state, row.code.as_deref()) {
                    (RevisionState::Removed, _) => Absence::Removed,
                    (RevisionState::Quarantined, Some("revoked")) => Absence::Revoked(why),
                    (RevisionState::Quarantined, _) => Absence::Quarantined(why),
                    _ if self.0.safe_mode => Absence::SafeMode,
                    (_, Some("incompatible")) => Absence::Incompatible(why),
                    _ => Absence::FailedToLoad(why),
                }
            }
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

    /// Whether the server loads no plug-in at all.
    #[must_use]
    pub fn safe_mode(&self) -> bool {
        self.0.safe_mode
    }

    /// Whether the application's plug-in cannot be asked until it is compiled.
    pub fn plugin_compiling(&self, application: &ApplicationId) -> bool {
        let plugin = self.0.applications.get(application);
        plugin.is_some_and(|plugin| plugin.is_compiling())
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
