//! How a plug-in's calls went: counted for each function as they end, read by whoever asks.
//!
//! Counting costs some ten nanoseconds. Threads count apart, so that they do not wait for each
//! other's cache lines; a reader adds them up.

mod histogram;

pub use histogram::{BOUNDS, Spread};

use crate::calls::thread_number;
use crate::fault::{CallFailure, Fault, Function};
use histogram::Histogram;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// So many faults one after the other, and nothing that went well in between, are too many.
const TOO_MANY: u32 = 5;
/// Threads count in so many places.
const SHARDS: usize = 2;

/// The functions, in the order in which they are counted.
const FUNCTIONS: [Function; 5] = [
    Function::Describe,
    Function::Validate,
    Function::Translate,
    Function::Interpret,
    Function::Migrate,
];

/// How a call can end, in the words of metrics. The first is the one that is wanted.
pub const OUTCOMES: [&str; 17] = [
    "answered",
    "busy",
    "unknown-task-type",
    "not-exported",
    "trapped",
    "timed-out",
    "out-of-memory",
    "stack-overflow",
    "answer-too-large",
    "invalid-answer",
    "failed-itself",
    "server-fault",
    "stopping",
    "table-too-large",
    "differed",
    "compiling",
    "starved",
];

/// What one call used.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    /// To make the instance.
    pub(crate) instantiate: Duration,
    /// Bytes of memory that the guest had at last.
    pub(crate) memory: usize,
    /// Bytes of log that were dropped.
    pub(crate) log_dropped: usize,
}

/// The counts of one plug-in.
#[derive(Debug)]
pub(crate) struct Health {
    shards: [Shard; SHARDS],
    faults_in_a_row: AtomicU32,
    last_fault: Mutex<Option<LastFault>>,
}

#[repr(align(128))]
#[derive(Debug, Default)]
struct Shard([Counts; FUNCTIONS.len()]);

#[derive(Debug, Default)]
struct Counts {
    outcomes: [AtomicU64; OUTCOMES.len()],
    took: Histogram,
    waited: Histogram,
    instantiate: Histogram,
    bytes_in: AtomicU64,
    log_dropped: AtomicU64,
    memory: AtomicU64,
}

/// The latest fault of a plug-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastFault {
    /// In which function.
    pub function: Function,
    /// What went wrong.
    pub failure: CallFailure,
    /// When.
    pub at: jiff::Timestamp,
}

/// How the calls of one function went, since the plug-in was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionHealth {
    /// Which function.
    pub function: Function,
    /// Calls, by how they ended: an outcome's name and its count, those that never happened left out.
    pub outcomes: Vec<(&'static str, u64)>,
    /// From the moment a thread took the call to its answer, checked.
    pub took: Spread,
    /// In the queue before.
    pub waited: Spread,
    /// To make the instance.
    pub instantiate: Spread,
    /// Bytes of settings and reports that were handed over.
    pub bytes_in: u64,
    /// Bytes of log lines that were dropped.
    pub log_dropped: u64,
    /// The most memory that a call had, in bytes.
    pub memory: u64,
}

impl FunctionHealth {
    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.outcomes.iter().map(|(_, count)| count).sum()
    }
}

impl Default for Health {
    fn default() -> Self {
        Self {
            shards: Default::default(),
            faults_in_a_row: AtomicU32::new(0),
            last_fault: Mutex::new(None),
        }
    }
}

impl Health {
    /// Notes what a call used.
    pub(crate) fn used(&self, function: Function, bytes_in: usize, used: Used) {
        let counts = self.counts(function);
        counts.instantiate.add(used.instantiate);
        counts
            .bytes_in
            .fetch_add(bytes_in as u64, Ordering::Relaxed);
        counts
            .memory
            .fetch_max(used.memory as u64, Ordering::Relaxed);
        if used.log_dropped > 0 {
            let dropped = used.log_dropped as u64;
            counts.log_dropped.fetch_add(dropped, Ordering::Relaxed);
        }
    }

    /// Notes how a call ended. True if this fault is the one too many.
    pub(crate) fn ended<T>(
        &self,
        function: Function,
        waited: Duration,
        took: Duration,
        result: &Result<T, CallFailure>,
    ) -> bool {
        let counts = self.counts(function);
        let outcome = result.as_ref().err().map_or(0, outcome);
        if let Some(count) = counts.outcomes.get(outcome) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        counts.took.add(took);
        counts.waited.add(waited);
        match result {
            Ok(_) => {
                if self.faults_in_a_row.load(Ordering::Relaxed) > 0 {
                    self.faults_in_a_row.store(0, Ordering::Relaxed);
                }
                false
            }
            Err(failure) if failure.fault() == Fault::Plugin => self.fault(function, failure),
            Err(_) => false,
        }
    }

    fn fault(&self, function: Function, failure: &CallFailure) -> bool {
        *self.last() = Some(LastFault {
            function,
            failure: failure.clone(),
            at: jiff::Timestamp::now(),
        });
        self.faults_in_a_row.fetch_add(1, Ordering::Relaxed) + 1 == TOO_MANY
    }

    /// A call that never got a thread.
    pub(crate) fn turned_away(&self, function: Function, failure: &CallFailure) {
        if let Some(count) = self.counts(function).outcomes.get(outcome(failure)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether it failed too often in a row.
    pub(crate) fn is_sick(&self) -> bool {
        self.faults_in_a_row.load(Ordering::Relaxed) >= TOO_MANY
    }

    /// It may try again.
    pub(crate) fn forgive(&self) {
        self.faults_in_a_row.store(0, Ordering::Relaxed);
    }

    pub(crate) fn last_fault(&self) -> Option<LastFault> {
        self.last().clone()
    }

    /// All functions that were ever called.
    pub(crate) fn read(&self) -> Vec<FunctionHealth> {
        FUNCTIONS
            .iter()
            .enumerate()
            .map(|(place, function)| self.read_function(place, *function))
            .filter(|health| health.calls() > 0)
            .collect()
    }

    fn read_function(&self, place: usize, function: Function) -> FunctionHealth {
        let shards = || {
            self.shards
                .iter()
                .filter_map(move |shard| shard.0.get(place))
        };
        let sum = |count: fn(&Counts) -> &AtomicU64| -> u64 {
            shards()
                .map(|counts| count(counts).load(Ordering::Relaxed))
                .sum()
        };
        let spread = |histogram: fn(&Counts) -> &Histogram| {
            let mut spread = Spread::default();
            for counts in shards() {
                histogram(counts).add_to(&mut spread);
            }
            spread
        };
        let outcomes = OUTCOMES.iter().enumerate().map(|(outcome, name)| {
            let counts = shards().filter_map(|counts| counts.outcomes.get(outcome));
            (
                *name,
                counts.map(|count| count.load(Ordering::Relaxed)).sum(),
            )
        });
        FunctionHealth {
            function,
            outcomes: outcomes.filter(|(_, count)| *count > 0).collect(),
            took: spread(|counts| &counts.took),
            waited: spread(|counts| &counts.waited),
            instantiate: spread(|counts| &counts.instantiate),
            bytes_in: sum(|counts| &counts.bytes_in),
            log_dropped: sum(|counts| &counts.log_dropped),
            memory: shards()
                .map(|counts| counts.memory.load(Ordering::Relaxed))
                .max()
                .unwrap_or(0),
        }
    }

    /// Begins to look anew for the most memory that a call had: an author asks about one call.
    #[cfg(feature = "author")]
    pub(crate) fn forget_memory(&self, function: Function) {
        for counts in self
            .shards
            .iter()
            .filter_map(|shard| shard.0.get(place(function)))
        {
            counts.memory.store(0, Ordering::Relaxed);
        }
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "a remainder is below its divisor, and each function has its place"
    )]
    fn counts(&self, function: Function) -> &Counts {
        &self.shards[thread_number() % SHARDS].0[place(function)]
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<LastFault>> {
        self.last_fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a function in [`FUNCTIONS`].
fn place(function: Function) -> usize {
    match function {
        Function::Describe => 0,
        Function::Validate => 1,
        Function::Translate => 2,
        Function::Interpret => 3,
        Function::Migrate => 4,
    }
}

/// The place of a failure in [`OUTCOMES`].
fn outcome(failure: &CallFailure) -> usize {
    match failure {
        CallFailure::Busy { .. } => 1,
        CallFailure::UnknownTaskType(_) => 2,
        CallFailure::NotExported => 3,
        CallFailure::Trapped(_) => 4,
        CallFailure::TimedOut { .. } => 5,
        CallFailure::OutOfMemory { .. } => 6,
        CallFailure::StackOverflow { .. } => 7,
        CallFailure::AnswerTooLarge { .. } => 8,
        CallFailure::Invalid(_) => 9,
        CallFailure::Internal(_) => 10,
        CallFailure::Panicked(_) | CallFailure::Engine(_) => 11,
        CallFailure::Stopping => 12,
        CallFailure::TableTooLarge { .. } => 13,
        CallFailure::Differed => 14,
        CallFailure::Compiling => 15,
        CallFailure::Starved { .. } => 16,
    }
}

impl CallFailure {
    /// One of [`OUTCOMES`].
    pub fn outcome(&self) -> &'static str {
        OUTCOMES.get(outcome(self)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn calls_are_counted_by_function_and_by_how_they_ended() {
        let health = Health::default();
        let timed_out = CallFailure::TimedOut { limit: 250 * MS };
        health.ended(Function::Validate, MS, 2 * MS, &Ok(()));
        health.ended::<()>(Function::Validate, MS, 250 * MS, &Err(timed_out.clone()));
        health.used(
            Function::Validate,
            100,
            Used {
                instantiate: MS,
                memory: 1 << 20,
                log_dropped: 7,
            },
        );
        let read = health.read();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].function, Function::Validate);
        assert_eq!(read[0].outcomes, [("answered", 1), ("timed-out", 1)]);
        assert_eq!(
            (read[0].bytes_in, read[0].log_dropped, read[0].memory),
            (100, 7, 1 << 20)
        );
        assert_eq!(health.last_fault().unwrap().failure, timed_out);
    }

    #[test]
    fn faults_in_a_row_are_too_many_and_one_answer_between_them_makes_them_few() {
        let health = Health::default();
        let fault = || Err::<(), _>(CallFailure::Trapped("unreachable".into()));
        let end = |result| health.ended(Function::Translate, MS, MS, &result);
        for _ in 1..TOO_MANY {
            assert!(!end(fault()));
        }
        assert!(!end(Ok(())));
        for _ in 1..TOO_MANY {
            assert!(!end(fault()));
        }
        assert!(!health.is_sick());
        assert!(end(fault()));
        assert!(health.is_sick() && !end(fault()));
        // A full queue, or a machine that has no processor for it, is nobody's fault.
        health.forgive();
        assert!(!health.is_sick());
        let busy = CallFailure::Busy {
            waiting: 1,
            retry_after: MS,
        };
        let starved = CallFailure::Starved {
            limit: 250 * MS,
            had: 10,
            passed: 1000,
        };
        let last = health.last_fault();
        for failure in [busy, starved] {
            for _ in 0..TOO_MANY {
                assert!(!end(Err(failure.clone())));
            }
            assert!(!health.is_sick());
            let read = health.read();
            let counted = |(outcome, count): &(&str, u64)| {
                *outcome == failure.outcome() && *count == u64::from(TOO_MANY)
            };
            assert!(read[0].outcomes.iter().any(counted), "{read:?}");
        }
        assert_eq!(health.last_fault(), last);
    }
}
