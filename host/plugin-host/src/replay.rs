//! A sample of answers is asked for again: the same question must get the same answer.
//!
//! The server keeps translations, compares those of two versions of a plug-in, and asks about many
//! devices in one call. All of that relies on answers that depend on the question alone. So one in
//! so many calls is repeated after its caller has its answer, with one question out of the batch
//! and another number of devices. A difference is a fault of the plug-in.

use crate::calls::CallThreads;
use crate::fault::{CallFailure, Function};
use crate::plugin::Plugin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// For all plug-ins of a host.
#[derive(Debug)]
pub(crate) struct Sampling {
    one_in: u32,
    repeated: AtomicU64,
    differed: AtomicU64,
}

/// For one plug-in.
#[derive(Debug)]
pub(crate) struct Sample {
    all: Arc<Sampling>,
    calls: AtomicU32,
    under_way: AtomicBool,
    differed: AtomicU64,
}

impl Sampling {
    /// One call in so many is repeated; with 0 none is.
    pub(crate) fn new(one_in: u32) -> Self {
        Self {
            one_in,
            repeated: AtomicU64::new(0),
            differed: AtomicU64::new(0),
        }
    }

    /// Calls that were repeated, and those that got another answer.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (of(&self.repeated), of(&self.differed))
    }
}

impl Sample {
    pub(crate) fn new(all: Arc<Sampling>) -> Self {
        Self {
            all,
            calls: AtomicU32::new(0),
            under_way: AtomicBool::new(false),
            differed: AtomicU64::new(0),
        }
    }

    pub(crate) fn differed(&self) -> u64 {
        self.differed.load(Ordering::Relaxed)
    }

    /// Whether this call is one of the sample: if so, which of its questions. At most one call of
    /// a plug-in is repeated at a time.
    pub(crate) fn picks(&self, questions: usize) -> Option<usize> {
        if self.all.one_in == 0 || questions == 0 {
            return None;
        }
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        if !(call.wrapping_add(1)).is_multiple_of(self.all.one_in)
            || self.under_way.swap(true, Ordering::AcqRel)
        {
            return None;
        }
        // Spread over the batch; the first of many is the least telling.
        let spread = (call / self.all.one_in).wrapping_mul(0x9e37_79b9) as usize;
        Some((questions - 1).wrapping_sub(spread % questions))
    }
}

/// Asks again, on a thread for calls, with nobody waiting.
pub(crate) fn repeat<T: PartialEq + Send + 'static>(
    plugin: &Arc<Plugin>,
    threads: &CallThreads,
    function: Function,
    first: T,
    ask: impl FnOnce(&Plugin) -> Result<T, CallFailure> + Send + 'static,
) {
    let asked = Arc::clone(plugin);
    let posted = threads.post(plugin.lane(), move || {
        let Some(sample) = asked.sample() else {
            return Ok(());
        };
        let again = ask(&asked);
        sample.all.repeated.fetch_add(1, Ordering::Relaxed);
        sample.under_way.store(false, Ordering::Release);
        // One that fails now failed for a reason of its own.
        let again = again?;
        if again != first {
            sample.all.differed.fetch_add(1, Ordering::Relaxed);
            sample.differed.fetch_add(1, Ordering::Relaxed);
            asked.note_difference(function);
            tracing::error!(
                plugin = asked.label(),
                %function,
                "the plug-in gave two answers to one question: what it says depends on something else than the question, such as what else stands in the batch, or how many devices there are"
            );
        }
        Ok(())
    });
    if posted.is_err()
        && let Some(sample) = plugin.sample()
    {
        sample.under_way.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(one_in: u32) -> Sample {
        Sample::new(Arc::new(Sampling::new(one_in)))
    }

    #[test]
    fn one_call_in_so_many_is_picked_and_one_at_a_time() {
        let picked = |sample: &Sample| (0..64).filter(|_| sample.picks(5).is_some()).count();
        let of_all = sample(4);
        assert_eq!(picked(&of_all), 1);
        of_all.under_way.store(false, Ordering::Release);
        assert_eq!(picked(&of_all), 1);
        assert_eq!(picked(&sample(0)), 0);
        assert_eq!(sample(1).picks(0), None);
    }

    #[test]
    fn in_time_each_question_of_a_batch_is_picked() {
        let sample = sample(1);
        let mut seen = std::collections::HashSet::new();
        for _ in 0..100 {
            seen.insert(sample.picks(7).unwrap());
            sample.under_way.store(false, Ordering::Release);
        }
        assert_eq!(seen, (0..7).collect());
    }
}
