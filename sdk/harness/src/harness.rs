//! A plug-in host for an author.

use crate::{OpenError, Plugin, StartError};
use muster_domain::application::Limit;
use muster_domain::grant::{Capability, Grants};
use muster_plugin_host::{Config, Folders, PluginHost, Terms};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a harness is to be; the default is as a server is that nobody configured.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Limits and threads, as in the `plug-ins` table of a server's configuration.
    pub config: Config,
    /// Where compiled code is kept, so that a component is compiled once: a folder for this user
    /// alone. Without one it is compiled anew by each harness.
    pub keep: Option<PathBuf>,
}

/// Opens components, with the gate and the limits of a server. One is enough for a test program:
/// it can be shared between threads.
#[derive(Debug)]
pub struct Harness {
    host: Arc<PluginHost>,
    /// Goes with the harness.
    _folder: tempfile::TempDir,
}

impl Harness {
    /// Starts one with a server's defaults.
    pub fn start() -> Result<Self, StartError> {
        Self::with(Options::default())
    }

    /// Starts one with other limits, or with a folder that keeps compiled code.
    pub fn with(options: Options) -> Result<Self, StartError> {
        let folder = tempfile::tempdir().map_err(StartError::Folder)?;
        let Options { config, keep } = options;
        let folders = Folders {
            private: keep.unwrap_or_else(|| folder.path().join("private")),
            files: folder.path().join("files"),
        };
        Ok(Self {
            host: PluginHost::start_for_author(config, folders)?,
            _folder: folder,
        })
    }

    /// Opens the component in a file. It is granted what it asks for, as by an administrator who
    /// agrees to everything.
    pub fn open(&self, file: &Path) -> Result<Plugin, OpenError> {
        let component = std::fs::read(file).map_err(|cause| OpenError::Read {
            path: file.to_owned(),
            cause,
        })?;
        self.load(component)
    }

    /// Opens a component, granted what it asks for.
    pub fn load(&self, component: impl Into<Arc<[u8]>>) -> Result<Plugin, OpenError> {
        let component = component.into();
        // What it asks for is told by its description. Until that is known it may have all there is:
        // its examples, which are tried as well, may need what it asks for.
        let everything = Grants {
            capabilities: Capability::ALL.into(),
            limits: Limit::ALL
                .map(|limit| (limit, self.host.most(limit)))
                .into(),
        };
        let asking = self.load_granted(Arc::clone(&component), everything)?;
        self.load_granted(component, asking.asked_for())
    }

    /// Opens a component that is granted just this.
    pub fn load_granted(
        &self,
        component: impl Into<Arc<[u8]>>,
        grants: Grants,
    ) -> Result<Plugin, OpenError> {
        let component = component.into();
        // The gate waits for the compiler and for threads. It is run apart, with a runtime of its own,
        // so that a test may call this wherever it stands, in another runtime too.
        let load = || -> Result<_, OpenError> {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = runtime.map_err(|cause| OpenError::Machine(cause.to_string()))?;
            let terms = Terms::active(grants);
            Ok(runtime.block_on(self.host.load(component, terms))?)
        };
        let loaded = std::thread::scope(|scope| {
            let apart = std::thread::Builder::new().spawn_scoped(scope, load);
            let apart = apart.map_err(|cause| OpenError::Machine(cause.to_string()))?;
            apart
                .join()
                .unwrap_or_else(|_| Err(OpenError::Machine("its loading panicked".to_owned())))
        })?;
        Ok(Plugin::new(Arc::clone(&self.host), loaded))
    }
}
