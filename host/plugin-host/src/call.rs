//! One call: a fresh store, its limits and its deadline. Nothing of it is left when it ends.

pub(crate) mod own_time;

use crate::capability::data::DataFiles;
use crate::capability::files::{CHANGES, PrivateFolder};
use crate::capability::log::CallLog;
use crate::capability::{InForce, clock, random};
use crate::engine::{
    ANSWER, CORE_INSTANCES, Clock, DESCRIPTION, MEMORIES, STACK, TABLE_ELEMENTS, TABLES,
};
use crate::fault::{CallFailure, Function};
use crate::health::{Health, Used};
use crate::mapping::{Input, Linked, Mappings};
use crate::v1::Exports;
use arc_swap::{ArcSwap, Guard};
use muster_domain::grant::Capability;
use own_time::{Over, OwnTime};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wasmtime::component::Instance;
use wasmtime::{Engine, ResourceLimiter, Store, Trap, UpdateDeadline, WasmBacktrace};

/// What a plug-in may use in one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of memory, over all its memories.
    pub(crate) memory: usize,
    /// For `describe`, `validate` and `migrate`.
    pub(crate) validate_time: Duration,
    /// For `translate` and `interpret`.
    pub(crate) batch_time: Duration,
    /// Times its limit that a call may take by the clock.
    pub(crate) by_the_clock: u32,
}

impl Limits {
    pub(crate) fn time(&self, function: Function) -> Duration {
        match function {
            Function::Describe | Function::Validate | Function::Migrate => self.validate_time,
            Function::Translate | Function::Interpret => self.batch_time,
        }
    }

    fn begin(&self, function: Function) -> OwnTime {
        OwnTime::begin(self.time(function), self.by_the_clock)
    }
}

/// A plug-in's compiled and linked code, with what every call to it needs.
pub(crate) struct Code {
    pub(crate) mappings: Mappings,
    /// There is none that can be run: it is to be compiled anew.
    pub(crate) uncompiled: AtomicBool,
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
    time: OwnTime,
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

    /// Does what waits for something other than a processor, as the plug-in asked for it.
    pub(crate) fn waiting<T>(&mut self, wait: impl FnOnce(&mut Self) -> T) -> T {
        let began = self.time.wait_begins();
        let came = wait(self);
        self.time.wait_ends(began);
        came
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
struct DeadlinePassed(Over);

impl Code {
    /// Instantiates the guest in a fresh store and runs a call on it, on this very thread.
    pub(crate) fn call<T>(
        &self,
        function: Function,
        input: Input,
        call: impl FnOnce(&Exports, &mut Store<CallState>, &Instance) -> wasmtime::Result<T>,
    ) -> Result<T, CallFailure> {
        let _watched = self.clock.watch();
        let began = Instant::now();
        let linked = self.linked(function, input)?;
        let mut store = self.store(function);
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

    /// The code, mapped. The first call maps it, in time that is not the plug-in's own.
    fn linked(&self, function: Function, input: Input) -> Result<&Linked, CallFailure> {
        if !self.uncompiled.load(Ordering::Relaxed) {
            if let Some(linked) = self.mappings.get(function, input) {
                return Ok(linked);
            }
            self.uncompiled.store(true, Ordering::Relaxed);
        }
        Err(CallFailure::Compiling)
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
            time: terms.limits.begin(function),
            began: terms.grants(Capability::Clock).then(clock::now),
            terms,
            function,
            changes_left: CHANGES,
            random_left: random::CALL,
        };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(answer_limit(function));
        watch(&mut store);
        store
    }

    /// Gives a store the time of one more call, from now on.
    #[cfg(feature = "bench")]
    pub(crate) fn set_deadline(store: &mut Store<CallState>, function: Function) {
        let state = store.data_mut();
        state.time = state.terms.limits.begin(function);
        store.set_epoch_deadline(1);
    }

    /// What an error of the engine means.
    pub(crate) fn failure(
        error: &wasmtime::Error,
        function: Function,
        state: &CallState,
    ) -> CallFailure {
        if let Some(DeadlinePassed(over)) = error.downcast_ref() {
            return CallFailure::over(*over, state.terms.limits.time(function));
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
        CallFailure::Trapped(format!("{}{}", trap_text(&cause), way_to(error)))
    }
}

/// Ends what runs in a store when its time is over.
fn watch(store: &mut Store<CallState>) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| match store.data_mut().time.over() {
        Some(over) => Err(DeadlinePassed(over).into()),
        None => Ok(UpdateDeadline::Continue(1)),
    });
}

impl CallFailure {
    pub(crate) fn over(over: Over, limit: Duration) -> Self {
        match over {
            Over::Used => Self::TimedOut { limit },
            Over::Starved { had, passed } => Self::Starved {
                limit,
                had: milliseconds(had),
                passed: milliseconds(passed),
            },
        }
    }
}

fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

fn answer_limit(function: Function) -> usize {
    if function == Function::Describe {
        DESCRIPTION
    } else {
        ANSWER
    }
}

/// The functions that were under way, innermost first: only an author's engine keeps track of them.
/// Their names are those of the component's name section, if it was kept.
fn way_to(error: &wasmtime::Error) -> String {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return String::new();
    };
    let frames = backtrace.frames().iter().map(|frame| {
        let name = frame.func_name().map(readable);
        let name = name.unwrap_or_else(|| format!("function {}", frame.func_index()));
        format!("\n    in {name}")
    });
    frames.collect()
}

/// A function's name as its author wrote it.
#[cfg(feature = "author")]
fn readable(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

#[cfg(not(feature = "author"))]
fn readable(name: &str) -> String {
    name.to_owned()
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

#[cfg(test)]
#[cfg(feature = "compiler")]
mod tests {
    use super::*;
    use crate::Config;
    use own_time::ThreadTime;
    use std::sync::atomic::AtomicU64;
    use wasmtime::{Instance, Module};

    const LIMIT: Duration = Duration::from_millis(5);

    fn code() -> Code {
        let config = Config {
            pool_slots: 0,
            validate_time: 5,
            ..Config::default()
        };
        let engine = crate::engine::start(&config).unwrap();
        let limits = config.limits(&muster_domain::grant::Grants::default());
        Code {
            mappings: Mappings::new(None, 1, || None),
            uncompiled: AtomicBool::new(false),
            clock: Clock::start(&engine, || {}).unwrap(),
            engine,
            terms: ArcSwap::from_pointee(InForce::computing(limits, DataFiles::default())),
            label: "a guest".into(),
            health: Health::default(),
        }
    }

    /// What a loop without end comes to whose thread is told of so.
    fn looping(of_thread: fn() -> Option<ThreadTime>) -> CallFailure {
        let code = code();
        let text = r#"(module (func (export "f") (loop (br 0))))"#;
        let module = Module::new(&code.engine, wat::parse_str(text).unwrap()).unwrap();
        let _watched = code.clock.watch();
        let mut store = code.store(Function::Validate);
        let time = code.terms.load().limits.begin(Function::Validate);
        store.data_mut().time = time.told_by(of_thread);
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let f = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
        let error = f.call(&mut store, ()).unwrap_err();
        Code::failure(&error, Function::Validate, store.data())
    }

    #[test]
    fn a_call_that_was_kept_from_running_is_told_from_one_that_ran_too_long() {
        static SECONDS: AtomicU64 = AtomicU64::new(0);
        let ran = looping(|| {
            let ran = Duration::from_secs(SECONDS.fetch_add(1, Ordering::Relaxed));
            Some(ThreadTime {
                ran,
                ..ThreadTime::default()
            })
        });
        assert_eq!(ran, CallFailure::TimedOut { limit: LIMIT });
        assert_eq!(ran.fault(), crate::Fault::Plugin);
        let starved = looping(|| Some(ThreadTime::default()));
        let CallFailure::Starved { limit, had, passed } = starved else {
            panic!("{starved:?}");
        };
        assert_eq!((limit, had), (LIMIT, 0));
        assert!(passed >= 20, "{passed}");
        assert!(starved.is_busy() && starved.fault() == crate::Fault::Caller);
    }

    #[test]
    fn a_starved_call_says_what_it_had() {
        let failure = CallFailure::Starved {
            limit: Duration::from_millis(250),
            had: 30,
            passed: 1003,
        };
        assert_eq!(
            failure.to_string(),
            "it had 30 ms of a processor in 1003 ms, and may take 250 ms; this server is too busy, try again later"
        );
    }
}
