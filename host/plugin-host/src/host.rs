//! The plug-in host of a process: one engine, its clock, its threads, its store of compiled code.

use crate::load::LoadError;
use crate::plugin::Plugin;
use crate::{Compiler, Config, Folders};
use std::sync::Arc;

/// Why the plug-in host could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {}

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
}

/// Loads plug-ins and runs their calls. One for each process: start it once, share the `Arc`.
#[derive(Debug)]
pub struct PluginHost {}

impl PluginHost {
    /// Starts the engine, its clock and the threads for calls.
    pub fn start(
        config: Config,
        folders: Folders,
        compiler: Compiler,
    ) -> Result<Arc<Self>, StartError> {
        let _ = (config, folders, compiler);
        todo!()
    }

    /// The gate. Inspects the component, compiles it in a child process (or maps what was compiled
    /// before), instantiates it, asks for its description and checks all that it says, examples
    /// included. What is wrong with a description comes back as a whole list.
    pub async fn load(&self, component: Arc<[u8]>) -> Result<Arc<Plugin>, LoadError> {
        let _ = component;
        todo!()
    }

    /// What it has done so far.
    pub fn counters(&self) -> Counters {
        todo!()
    }
}
