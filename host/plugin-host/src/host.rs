//! The plug-in host of a process: one engine, its clock, its threads, its store of compiled code.

use crate::cache::{Cache, CacheError};
use crate::call::Limits;
use crate::calls::CallThreads;
use crate::engine::{self, Clock};
use crate::load::{self, LoadError};
use crate::plugin::Plugin;
use crate::{Compiler, Config, Folders};
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
}

/// Loads plug-ins and runs their calls. One for each process: start it once, share the `Arc`.
#[derive(Debug)]
pub struct PluginHost {
    pub(crate) config: Config,
    pub(crate) compiler: Compiler,
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<Clock>,
    pub(crate) threads: Arc<CallThreads>,
    pub(crate) cache: Cache,
    /// One child compiles at a time: it takes processors and memory enough.
    pub(crate) compiling: tokio::sync::Mutex<()>,
    pub(crate) counts: LoadCounts,
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
        let engine =
            engine::start(&config).map_err(|error| StartError::Engine(format!("{error:#}")))?;
        let threads =
            CallThreads::start(config.threads(), config.queue).map_err(StartError::Threads)?;
        let clock = Clock::start(&engine, threads.ticker()).map_err(StartError::Threads)?;
        let Folders { private } = folders;
        let cache = Cache::open(&private, &engine).map_err(StartError::Folder)?;
        Ok(Arc::new(Self {
            config,
            compiler,
            engine,
            clock,
            threads: Arc::new(threads),
            cache,
            compiling: tokio::sync::Mutex::new(()),
            counts: LoadCounts::default(),
        }))
    }

    /// The gate. Inspects the component, compiles it in a child process (or maps what was compiled
    /// before), instantiates it, asks for its description and checks all that it says, examples
    /// included. What is wrong with a description comes back as a whole list.
    pub async fn load(self: &Arc<Self>, component: Arc<[u8]>) -> Result<Arc<Plugin>, LoadError> {
        load::load(self, component).await
    }

    /// What it has done so far.
    pub fn counters(&self) -> Counters {
        let threads = self.threads.counts();
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counters {
            compiled: of(&self.counts.compiled),
            mapped: of(&self.counts.mapped),
            discarded: of(&self.counts.discarded),
            calls: threads.run,
            busy: threads.busy,
            waiting: threads.waiting,
            set_aside: threads.aside,
        }
    }

    /// What a plug-in may use in one call.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            memory: self.config.memory_bytes(),
            validate_time: self.config.validate_limit(),
            batch_time: self.config.batch_limit(),
        }
    }
}
