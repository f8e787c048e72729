//! One call: a fresh store, its limits and its deadline. Nothing of it is left when it ends.

mod own_time;

use crate::capability::data::DataFiles;
use crate::capability::files::{CHANGES, PrivateFolder};
use crate::capability::log::CallLog;
use crate::capability::{InForce, clock, random};
use crate::engine::{
    ANSWER, CORE_INSTANCES, Clock, DESCRIPTION, MEMORIES, STACK, TABLE_ELEMENTS, TABLES,
};
use crate::fault::{CallFailure, Function};
use crate::health::{Health, Used};
use crate::mapping::{Input, Mappings};
use crate::v1::Exports;
use arc_swap::{ArcSwap, Guard};
use muster_domain::grant::Capability;
use own_time::OwnTime;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::component::Instance;
use wasmtime::{Engine, ResourceLimiter, Store, Trap, UpdateDeadline};

/// What a plug-in may use in one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of memory, over all its memories.
    pub(crate) memory: usize,
    /// For `describe`, `validate` and `migrate`.
    pub(crate) validate_time: Duration,
    /// For `translate` and `interpret`.
    pub(crate) batch_time: Duration,
}

impl Limits {
    pub(crate) fn time(&self, function: Function) -> Duration {
        match function {
            Function::Describe | Function::Validate | Function::Migrate => self.validate_time,
            Function::Translate | Function::Interpret => self.batch_time,
        }
    }
}

/// A plug-in's compiled and linked code, with what every call to it needs.
pub(crate) struct Code {
    pub(crate) mappings: Mappings,
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<Clock>,
    /// What it may do, from the next call on.
    pub(crate) terms: ArcSwap<InForce>,
    /// How the plug-in's log lines are marked.
    pub(crate) label: Arc<str>,
    /// How its calls went.
    pub(crate) health: Health,
}

/// What a store holds beside the guest.
#[derive(Debug)]
pub(crate) struct CallState {
    pub(crate) log: CallLog,
    memory: MemoryLimit,
    /// The terms that held when the call began. Not counted as a user of them: that would be a
    /// count which all threads share.
    terms: Guard<Arc<InForce>>,
    function: Function,
    began: Option<u64>,
    /// Changes of files that it may still make.
    pub(crate) changes_left: u32,
    /// Random bytes that it may still get.
    pub(crate) random_left: u32,
}

impl CallState {
    /// Whether the call may use a capability. `describe` uses none: a component says the same of
    /// itself always and everywhere.
    pub(crate) fn may(&self, capability: Capability) -> bool {
        self.function != Function::Describe && self.terms.grants(capability)
    }

    /// The application's folder, if the call may use it.
    pub(crate) fn folder(&self) -> Option<&PrivateFolder> {
        let folder = self.terms.folder.as_deref();
        folder.filter(|_| self.may(Capability::Files))
    }

    /// Whether it may change the files there.
    pub(crate) fn changes_files(&self) -> bool {
        self.terms.changes_files
    }

    /// When the call began, if it may know.
    pub(crate) fn began(&self) -> Option<u64> {
        self.began.filter(|_| self.may(Capability::Clock))
    }

    /// The files that came with the plug-in.
    pub(crate) fn data(&self) -> &DataFiles {
        &self.terms.data
    }
}

#[derive(Debug)]
struct MemoryLimit {
    most: usize,
    used: usize,
    refused: bool,
    table_refused: bool,
}

/// The time of a call is over.
#[derive(Debug, thiserror::Error)]
#[error("the time of the call is over")]
struct DeadlinePassed;

impl Code {
    /// Instantiates the guest in a fresh store and runs a call on it, on this very thread.
    pub(crate) fn call<T>(
        &self,
        function: Function,
        input: Input,
        call: impl FnOnce(&Exports, &mut Store<CallState>, &Instance) -> wasmtime::Result<T>,
    ) -> Result<T, CallFailure> {
        let _watched = self.clock.watch();
        let mut store = self.store(function);
        let linked = self.mappings.get(function, input);
        let began = Instant::now();
        let made = linked.pre.instantiate(&mut store);
        let instantiate = began.elapsed();
        let result = made.and_then(|instance| call(&linked.exports, &mut store, &instance));
        let used = Used {
            instantiate,
            memory: store.data().memory.used,
            log_dropped: store.data().log.dropped(),
        };
        self.health.used(function, input.bytes, used);
        result.map_err(|error| Self::failure(&error, function, store.data()))
    }

    /// A store with this plug-in's limits, whose time runs from now on.
    pub(crate) fn store(&self, function: Function) -> Store<CallState> {
        let terms = self.terms.load();
        let state = CallState {
            log: CallLog::new(Arc::clone(&self.label), function),
            memory: MemoryLimit {
                most: terms.limits.memory,
                used: 0,
                refused: false,
                table_refused: false,
            },
            began: terms.grants(Capability::Clock).then(clock::now),
            terms,
            function,
            changes_left: CHANGES,
            random_left: random::CALL,
        };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(answer_limit(function));
        Self::set_deadline(&mut store, function);
        store
    }

    /// Gives a store the time of one call, from now on.
    pub(crate) fn set_deadline(store: &mut Store<CallState>, function: Function) {
        let mut time = OwnTime::begin(store.data().terms.limits.time(function));
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            if time.is_over() {
                Err(DeadlinePassed.into())
            } else {
                Ok(UpdateDeadline::Continue(1))
            }
        });
    }

    /// What an error of the engine means.
    pub(crate) fn failure(
        error: &wasmtime::Error,
        function: Function,
        state: &CallState,
    ) -> CallFailure {
        if error.is::<DeadlinePassed>() {
            return CallFailure::TimedOut {
                limit: state.terms.limits.time(function),
            };
        }
        let cause = error.root_cause().to_string();
        if cause.contains("fuel allocated for hostcalls") {
            return CallFailure::AnswerTooLarge {
                limit: answer_limit(function),
            };
        }
        if error.downcast_ref::<Trap>() == Some(&Trap::StackOverflow) {
            return CallFailure::StackOverflow { limit: STACK };
        }
        // A guest that was refused memory and then gave up may do so in many ways: it traps, it
        // panics, it calls what it does not have to write a last word.
        if state.memory.refused {
            return CallFailure::OutOfMemory {
                limit: state.memory.most,
            };
        }
        if state.memory.table_refused {
            return CallFailure::TableTooLarge {
                limit: TABLE_ELEMENTS,
            };
        }
        if error.is::<wasmtime::PoolConcurrencyLimitError>() {
            return CallFailure::Busy {
                waiting: 0,
                retry_after: Duration::from_millis(500),
            };
        }
        CallFailure::Trapped(trap_text(&cause))
    }
}

fn answer_limit(function: Function) -> usize {
    if function == Function::Describe {
        DESCRIPTION
    } else {
        ANSWER
    }
}

/// The engine's words for what guests often do, in words that help its author.
fn trap_text(cause: &str) -> String {
    let import = cause
        .strip_prefix("unknown import: `")
        .and_then(|rest| rest.strip_suffix("` has not been defined"));
    match import {
        Some(import) if import.starts_with("wasi:cli/std") || import.starts_with("wasi:io/") => {
            format!(
                "it called {import}, which no plug-in has; a plug-in that panics does so to say why (log what happens before)"
            )
        }
        Some(import) => format!("it called {import}, which no plug-in has"),
        None => cause.to_owned(),
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.most {
            self.refused = true;
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.table_refused |= desired > TABLE_ELEMENTS;
        Ok(desired <= TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES as usize
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }

    fn tables(&self) -> usize {
        TABLES as usize
    }
}
