//! The plug-in host of a process: one engine, its clock, its threads, its store of compiled code.

use crate::cache::{Cache, CacheError, CompiledFiles};
use crate::calls::CallThreads;
use crate::capability::Terms;
use crate::capability::files::{FilesError, FilesRoot};
use crate::compile::Compiling;
use crate::engine::{self, Clock};
use crate::load::{self, LoadError};
use crate::pass::{Known, Pass};
use crate::plugin::Plugin;
use crate::replay::Sampling;
use crate::{Compiler, Config, Folders};
use muster_domain::application::Limit;
use muster_domain::{ApplicationId, Digest};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use wasmtime::Engine;

/// Why the plug-in host could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The engine refuses its settings, or this machine.
    #[error("the engine for plug-ins could not start: {0}")]
    Engine(String),
    /// A thread could not be started.
    #[error("the threads for plug-in calls could not start")]
    Threads(#[source] std::io::Error),
    /// The folder of compiled code cannot be used.
    #[error("the private folder of the plug-in host cannot be used")]
    Folder(#[source] CacheError),
    /// The folder of plug-ins' files cannot be used.
    #[error("the folder of plug-ins' files cannot be used")]
    Files(#[source] FilesError),
}

/// What the plug-in host has done since it started, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Components that were compiled.
    pub compiled: u64,
    /// Components whose compiled code was there already.
    pub mapped: u64,
    /// Files of compiled code that were thrown away, because they were not what this host wrote.
    pub discarded: u64,
    /// Calls that were run.
    pub calls: u64,
    /// Calls that were turned away, because too many waited.
    pub busy: u64,
    /// Calls that wait for a thread.
    pub waiting: u64,
    /// Calls that ran long, and got a thread of their own for it.
    pub set_aside: u64,
    /// Calls that were asked again, to see whether the answer is the same.
    pub repeated: u64,
    /// Those of them that got another answer: their plug-ins are at fault.
    pub differed: u64,
}

/// Loads plug-ins and runs their calls. One for each process: start it once, share the `Arc`.
#[derive(Debug)]
pub struct PluginHost {
    pub(crate) config: Config,
    pub(crate) compiler: Compiling,
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<Clock>,
    pub(crate) threads: Arc<CallThreads>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) files: Arc<FilesRoot>,
    /// One child compiles at a time: it takes processors and memory enough.
    pub(crate) compiling: tokio::sync::Mutex<()>,
    pub(crate) counts: Arc<LoadCounts>,
    /// A plug-in failed once too often.
    pub(crate) sick: tokio::sync::Notify,
    /// A plug-in was called whose code is not there.
    pub(crate) uncompiled: tokio::sync::Notify,
    pub(crate) sampling: Arc<Sampling>,
}

/// What loading has done.
#[derive(Debug, Default)]
pub(crate) struct LoadCounts {
    pub(crate) compiled: AtomicU64,
    pub(crate) mapped: AtomicU64,
    pub(crate) discarded: AtomicU64,
}

impl PluginHost {
    /// Starts the engine, its clock and the threads for calls.
    pub fn start(
        config: Config,
        folders: Folders,
        compiler: Compiler,
    ) -> Result<Arc<Self>, StartError> {
        let engine = engine::start(&config);
        Self::start_on(engine, config, folders, Compiling::Apart(compiler))
    }

    /// Starts a host for a plug-in's author: calls and limits are a server's, but components are
    /// compiled in this very process, and traps tell the way to them.
    ///
    /// A server must not compile by itself, because what it compiles comes from strangers, and a
    /// compiler that is taken over would hold all that the server holds. An author compiles what is
    /// the author's own, on a machine where the same person ran the build a moment ago. A vendor's
    /// test program could be no compiling child either: its `main` is the test runner's.
    #[cfg(feature = "author")]
    pub fn start_for_author(config: Config, folders: Folders) -> Result<Arc<Self>, StartError> {
        let engine = engine::start_for_author(&config);
        Self::start_on(engine, config, folders, Compiling::Here)
    }

    fn start_on(
        engine: wasmtime::Result<Engine>,
        config: Config,
        folders: Folders,
        compiler: Compiling,
    ) -> Result<Arc<Self>, StartError> {
        let engine = engine.map_err(|error| StartError::Engine(format!("{error:#}")))?;
        let threads =
            CallThreads::start(config.threads(), config.queue).map_err(StartError::Threads)?;
        let clock = Clock::start(&engine, threads.ticker()).map_err(StartError::Threads)?;
        let sampling = Arc::new(Sampling::new(config.replay));
        let Folders { private, files } = folders;
        let files = FilesRoot::open(&files, config.quota()).map_err(StartError::Files)?;
        let cache = Cache::open(&private, &engine).map_err(StartError::Folder)?;
        Ok(Arc::new(Self {
            config,
            compiler,
            engine,
            clock,
            threads: Arc::new(threads),
            cache: Arc::new(cache),
            files: Arc::new(files),
            compiling: tokio::sync::Mutex::new(()),
            counts: Arc::default(),
            sick: tokio::sync::Notify::new(),
            uncompiled: tokio::sync::Notify::new(),
            sampling,
        }))
    }

    /// The gate. Inspects the component, compiles it in a child process (or maps what was compiled
    /// before), instantiates it, asks for its description and checks all that it says, examples
    /// included. What is wrong with a description comes back as a whole list.
    ///
    /// From then on the plug-in runs on these terms, until [`Plugin::set_terms`] says otherwise.
    pub async fn load(
        self: &Arc<Self>,
        component: Arc<[u8]>,
        terms: Terms,
    ) -> Result<Arc<Plugin>, LoadError> {
        load::load(self, component, terms).await
    }

    /// Takes up a plug-in that passed this host's gate before, with what was kept of it then. It is
    /// not asked anything, and its code is mapped by its first call. `component` is read only if
    /// files came with it.
    ///
    /// If it passed the gate of another build, or its compiled code is not there, it
    /// [is compiling](Plugin::is_compiling): its calls fail until somebody has it [loaded](Self::load).
    pub fn recall(
        self: &Arc<Self>,
        known: Known,
        pass: Option<Pass>,
        terms: &Terms,
        component: impl FnOnce() -> Option<Vec<u8>>,
    ) -> Result<Arc<Plugin>, FilesError> {
        load::recall(self, known, pass, terms, component)
    }

    /// What a limit may be granted to at most, by this host's configuration.
    pub fn most(&self, limit: Limit) -> u32 {
        self.config.most(limit)
    }

    /// Removes the files that an application's plug-ins wrote. Those that still run find their
    /// folder closed. Nothing happens if there are none.
    pub fn files_remove(&self, application: &ApplicationId) -> Result<(), FilesError> {
        self.files.remove(application)
    }

    /// Names this build's gate: what it checks, and what its engine compiles.
    pub(crate) fn gate(&self) -> String {
        format!("{} {}", env!("CARGO_PKG_VERSION"), self.cache.settings())
    }

    /// Waits until a plug-in has failed too often; [`Plugin::is_sick`] tells which. For one waiter.
    pub async fn until_sick(&self) {
        self.sick.notified().await;
    }

    /// Waits until a plug-in is called that [is compiling](Plugin::is_compiling). For one waiter.
    pub async fn until_uncompiled(&self) {
        self.uncompiled.notified().await;
    }

    /// The compiled code that there is now.
    pub fn compiled_there(&self) -> CompiledFiles {
        self.cache.there()
    }

    /// Of what was there, removes the compiled code of components that are not among these. One that is
    /// loaded keeps working. What came since is not touched, so that whoever looks first, and then asks
    /// which are kept, takes none from a component that is on its way.
    pub fn compiled_retain(&self, there: CompiledFiles, kept: &BTreeSet<Digest>) {
        self.cache.retain(there, kept);
    }

    /// What it has done so far.
    pub fn counters(&self) -> Counters {
        let threads = self.threads.counts();
        let (repeated, differed) = self.sampling.counts();
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counters {
            compiled: of(&self.counts.compiled),
            mapped: of(&self.counts.mapped),
            discarded: of(&self.counts.discarded),
            calls: threads.run,
            busy: threads.busy,
            waiting: threads.waiting,
            set_aside: threads.aside,
            repeated,
            differed,
        }
    }
}
