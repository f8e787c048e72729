//! What an administrator can set about plug-ins: how many calls at once, and every limit.

use crate::call::Limits;
use crate::capability::files::Quota;
use muster_domain::application::Limit;
use muster_domain::grant::Grants;
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
    /// One call in so many is asked again, to see whether the answer is the same. 0: none is.
    pub replay: u32,
    /// MiB of memory that a plug-in may use in one call.
    pub memory: u32,
    /// Milliseconds for `describe`, `validate` and `migrate`.
    pub validate_time: u32,
    /// Milliseconds for `translate` and `interpret`, which answer a batch.
    pub batch_time: u32,
    /// Times its limit that a call may take by the clock, on a machine that has too little of a
    /// processor for it.
    pub by_the_clock: u32,
    /// MiB of memory that a plug-in may be granted.
    pub most_memory: u32,
    /// Milliseconds that a plug-in may be granted for `validate` and `migrate`.
    pub most_validate_time: u32,
    /// Milliseconds that a plug-in may be granted for `translate` and `interpret`.
    pub most_batch_time: u32,
    /// MiB that the folder of one application holds, if its plug-in is granted `files`.
    pub files_size: u32,
    /// Files in it.
    pub files_number: u32,
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
            replay: 100,
            memory: 64,
            validate_time: 250,
            batch_time: 2000,
            by_the_clock: 4,
            most_memory: 512,
            most_validate_time: 5_000,
            most_batch_time: 30_000,
            files_size: 16,
            files_number: 100,
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
    /// Whether it is kept from files, network and other processes, where the system can do that.
    pub cage: bool,
}

impl Default for CompileConfig {
    fn default() -> Self {
        // A component of JavaScript (12 MB) or Python (18 MB) takes 23 to 28 s of processor time. The
        // child gives way to everything else, so on a machine with other work its time by the clock
        // is many times that; processor time is what bounds a component that is made to be slow.
        Self {
            time: 600,
            processor_time: 120,
            memory: 2048,
            cage: true,
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

    /// Threads that get a mapping of a plug-in's code of their own: two threads did 1.9 times the
    /// work of one so, and 1.5 times with one mapping for both. Each mapping takes an open file and
    /// 33 KiB.
    pub(crate) fn mapped_threads(&self) -> usize {
        self.threads().clamp(1, 8)
    }

    /// What a limit may be set to at most. The usual one can always be had.
    pub(crate) fn most(&self, limit: Limit) -> u32 {
        match limit {
            Limit::Memory => self.most_memory.max(self.memory),
            Limit::ValidateTime => self.most_validate_time.max(self.validate_time),
            Limit::BatchTime => self.most_batch_time.max(self.batch_time),
        }
    }

    /// The limits of a plug-in: what was granted, else the usual ones.
    pub(crate) fn limits(&self, grants: &Grants) -> Limits {
        let of = |limit, usual| {
            let granted = grants.limits.get(&limit).copied().unwrap_or(usual);
            granted.min(self.most(limit))
        };
        let time = |limit, usual| Duration::from_millis(of(limit, usual).into());
        Limits {
            memory: mebibytes(of(Limit::Memory, self.memory)),
            validate_time: time(Limit::ValidateTime, self.validate_time),
            batch_time: time(Limit::BatchTime, self.batch_time),
            by_the_clock: self.by_the_clock,
        }
    }

    pub(crate) fn quota(&self) -> Quota {
        Quota {
            bytes: mebibytes(self.files_size) as u64,
            files: self.files_number as usize,
        }
    }

    pub(crate) fn component_bytes(&self) -> usize {
        mebibytes(self.component_size)
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

    #[test]
    fn a_granted_limit_goes_as_far_as_the_configuration_says() {
        let config = Config::default();
        let granted = |memory| {
            let mut grants = Grants::default();
            grants.limits.extend([(Limit::Memory, memory)]);
            config.limits(&grants).memory >> 20
        };
        assert_eq!(config.limits(&Grants::default()).memory >> 20, 64);
        assert_eq!([granted(32), granted(128), granted(4000)], [32, 128, 512]);
        let usual_is_more = Config {
            batch_time: 60_000,
            ..Config::default()
        };
        assert_eq!(usual_is_more.most(Limit::BatchTime), 60_000);
    }
}
