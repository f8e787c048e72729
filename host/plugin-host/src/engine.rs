//! The engine: what of WebAssembly is allowed, how instances get their memory, and the clock that
//! ends calls.
//!
//! Compiled code carries most of these settings, so server and compiling child share them.

use crate::config::{Config, mebibytes};
use muster_domain::application::Limit;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};
use wasmtime::{Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Bytes of stack for a guest's nested calls.
pub(crate) const STACK: usize = 512 << 10;
/// Bytes that an answer may have on its way out, strings and lists together.
pub(crate) const ANSWER: usize = 4 << 20;
/// Bytes that the answer of `describe` may have.
pub(crate) const DESCRIPTION: usize = 1 << 20;
/// Elements of one table.
pub(crate) const TABLE_ELEMENTS: usize = 50_000;
/// Core instances in one plug-in: Python needs 51, Rust a handful.
pub(crate) const CORE_INSTANCES: u32 = 128;
/// Memories in one plug-in.
pub(crate) const MEMORIES: u32 = 4;
/// Tables in one plug-in.
pub(crate) const TABLES: u32 = 64;

/// Bytes of a slot's memory that stay with it for the next call: what our own plug-ins touch.
const KEPT: usize = 512 << 10;
/// Slots that nobody uses and that stay warm.
const WARM_SLOTS: u32 = 8;

/// How often the clock looks whether a call is over its time.
const TICK: Duration = Duration::from_millis(2);
/// Ticks without any call after which the clock rests.
const TICKS_BEFORE_REST: u32 = 50;

/// The part of the settings that compiled code depends on. Counted up by hand when they change,
/// so that code compiled before is not even looked at.
pub(crate) const SETTINGS: &str = "muster-engine-1 wasmtime-48";

/// The settings that server and compiling child have in common.
pub(crate) fn shared_settings() -> wasmtime::Config {
    let mut settings = wasmtime::Config::new();
    // What a plug-in does not need is off: most faults found in engines were in these.
    settings
        .wasm_tail_call(false)
        .wasm_relaxed_simd(false)
        .wasm_multi_memory(false)
        .wasm_memory64(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false)
        .wasm_component_model(true)
        .concurrency_support(false)
        .gc_support(false)
        .shared_memory(false);
    settings
        .epoch_interruption(true)
        .consume_fuel(false)
        .max_wasm_stack(STACK)
        .generate_address_map(false)
        .wasm_backtrace_max_frames(None)
        // The whole reach of a 32-bit address is set aside, so that no access needs a check and
        // growing never moves.
        .memory_reservation(4 << 30)
        .memory_guard_size(32 << 20)
        .memory_may_move(false)
        .memory_init_cow(true);
    #[cfg(feature = "compiler")]
    settings.cranelift_nan_canonicalization(true);
    settings
}

/// Makes the server's engine, with a pool of slots if the system lets it have one.
pub(crate) fn start(config: &Config) -> wasmtime::Result<Engine> {
    with_settings(&shared_settings(), config)
}

/// Makes an author's engine: the server's, which also tells the way to a trap. Compiled code is the
/// same for both.
#[cfg(feature = "author")]
pub(crate) fn start_for_author(config: &Config) -> wasmtime::Result<Engine> {
    let mut settings = shared_settings();
    settings.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(20));
    with_settings(&settings, config)
}

fn with_settings(settings: &wasmtime::Config, config: &Config) -> wasmtime::Result<Engine> {
    if config.pool_slots > 0 {
        match Engine::new(settings.clone().allocation_strategy(pool(config))) {
            Ok(engine) => return Ok(engine),
            Err(error) => tracing::warn!(
                slots = config.pool_slots,
                error = format!("{error:#}"),
                "no address space for a pool of plug-in instances; each is made on demand, which is slower"
            ),
        }
    }
    let on_demand = InstanceAllocationStrategy::OnDemand;
    Engine::new(settings.clone().allocation_strategy(on_demand))
}

fn pool(config: &Config) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(config.pool_slots)
        .total_core_instances(config.pool_slots.saturating_mul(4))
        .total_memories(config.pool_slots)
        .total_tables(config.pool_slots.saturating_mul(2))
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size(mebibytes(config.most(Limit::Memory)))
        .linear_memory_keep_resident(KEPT)
        .max_unused_warm_slots(WARM_SLOTS)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// The clock of the engine. It ticks while calls run, and each tick lets every running call
/// compare the time with its own deadline; so a late tick makes no call shorter.
#[derive(Debug)]
pub(crate) struct Clock {
    running: AtomicUsize,
    resting: AtomicBool,
    thread: thread::Thread,
}

/// A call that the clock watches.
pub(crate) struct Watched<'a>(&'a Clock);

impl Clock {
    /// Starts the clock, which also calls `at_tick`. Its thread ends when the clock is dropped.
    pub(crate) fn start(
        engine: &Engine,
        at_tick: impl Fn() + Send + 'static,
    ) -> std::io::Result<Arc<Self>> {
        let (send, receive) = std::sync::mpsc::sync_channel::<Weak<Self>>(1);
        let engine = engine.weak();
        let handle = thread::Builder::new()
            .name("plugin-clock".into())
            .spawn(move || {
                let Ok(clock) = receive.recv() else { return };
                run_clock(&clock, &engine, &at_tick);
            })?;
        let clock = Arc::new(Self {
            running: AtomicUsize::new(0),
            resting: AtomicBool::new(false),
            thread: handle.thread().clone(),
        });
        // It cannot fail: the thread waits for it.
        let _ = send.send(Arc::downgrade(&clock));
        Ok(clock)
    }

    /// Ticks for as long as what it returns is kept.
    pub(crate) fn watch(&self) -> Watched<'_> {
        self.running.fetch_add(1, Ordering::SeqCst);
        if self.resting.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Watched(self)
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.thread.unpark();
    }
}

fn run_clock(clock: &Weak<Clock>, engine: &wasmtime::EngineWeak, at_tick: &impl Fn()) {
    let mut idle = 0;
    let mut last = Instant::now();
    loop {
        thread::sleep(TICK);
        let (Some(clock), Some(engine)) = (clock.upgrade(), engine.upgrade()) else {
            return;
        };
        engine.increment_epoch();
        at_tick();
        drop(engine);
        if last.elapsed() > Duration::from_secs(1) {
            tracing::warn!(late = ?last.elapsed(), "the clock of plug-in calls was late; this machine is overloaded");
        }
        idle = if clock.running.load(Ordering::SeqCst) == 0 {
            idle + 1
        } else {
            0
        };
        if idle >= TICKS_BEFORE_REST {
            // The flag goes up before the count is read again, and a call counts itself before it
            // reads the flag: one of the two sees the other.
            clock.resting.store(true, Ordering::SeqCst);
            if clock.running.load(Ordering::SeqCst) == 0 {
                drop_and_park(clock);
            }
            idle = 0;
        } else {
            drop(clock);
        }
        last = Instant::now();
    }
}

/// Rests until a call begins or the clock is dropped.
fn drop_and_park(clock: Arc<Clock>) {
    let weak = Arc::downgrade(&clock);
    drop(clock);
    if weak.strong_count() > 0 {
        thread::park();
    }
    if let Some(clock) = weak.upgrade() {
        clock.resting.store(false, Ordering::SeqCst);
    }
}
