//! What an administrator can set about plug-ins: how many calls at once, and every limit.

use serde::Deserialize;
use std::time::Duration;

/// Settings of the plug-in host. Every field has a default, so an empty table will do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Calls of one plug-in that run at once; 0 takes one for each processor. There is one thread
    /// more, so that no plug-in has them all.
    pub call_threads: usize,
    /// Calls of one plug-in that may wait for a thread. One more is told that the host is busy.
    pub queue: usize,
    /// MiB of memory that a plug-in may use in one call.
    pub memory: u32,
    /// Milliseconds for `describe`, `validate` and `migrate`.
    pub validate_time: u32,
    /// Milliseconds for `translate` and `interpret`, which answer a batch.
    pub batch_time: u32,
    /// MiB of the largest component that is taken.
    pub component_size: u32,
    /// Slots for instances kept ready: at most so many components of the plug-ins' insides are
    /// alive at once. 0 makes each instance on demand.
    pub pool_slots: u32,
    /// What compiling may use.
    pub compile: CompileConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            call_threads: 0,
            queue: 1024,
            memory: 64,
            validate_time: 250,
            batch_time: 2000,
            component_size: 64,
            pool_slots: 1024,
            compile: CompileConfig::default(),
        }
    }
}

/// What the compiling child may use for one component.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct CompileConfig {
    /// Seconds, by the clock on the wall.
    pub time: u32,
    /// Seconds of processor time, over all its threads.
    pub processor_time: u32,
    /// MiB of address space.
    pub memory: u32,
}

impl Default for CompileConfig {
    fn default() -> Self {
        // A JavaScript component of 12 MB takes 11 to 16 s and 350 MB on two processors.
        Self {
            time: 120,
            processor_time: 120,
            memory: 2048,
        }
    }
}

impl Config {
    /// Threads that run calls.
    pub(crate) fn threads(&self) -> usize {
        match self.call_threads {
            0 => std::thread::available_parallelism().map_or(2, Into::into),
            threads => threads,
        }
    }

    /// How often a plug-in's compiled code is mapped: for each thread, but each mapping takes an
    /// open file's worth of kernel memory and 33 KiB.
    pub(crate) fn copies(&self) -> usize {
        self.threads().clamp(1, 8)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        mebibytes(self.memory)
    }

    pub(crate) fn component_bytes(&self) -> usize {
        mebibytes(self.component_size)
    }

    pub(crate) fn validate_limit(&self) -> Duration {
        Duration::from_millis(self.validate_time.into())
    }

    pub(crate) fn batch_limit(&self) -> Duration {
        Duration::from_millis(self.batch_time.into())
    }
}

pub(crate) fn mebibytes(count: u32) -> usize {
    (count as usize).saturating_mul(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_an_error() {
        let read = |text: serde_json::Value| serde_json::from_value::<Config>(text);
        assert_eq!(read(serde_json::json!({})).unwrap(), Config::default());
        assert!(read(serde_json::json!({"memory": 32})).is_ok());
        assert!(read(serde_json::json!({"memroy": 32})).is_err());
    }
}
