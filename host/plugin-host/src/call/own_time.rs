//! The time of a call: what it took itself, not what others on the machine took from it.
//!
//! A long call has less priority than the rest of the server (`calls`), and the machine may be
//! busy with other things. Neither is the plug-in's fault. So a call whose limit has passed by the
//! clock goes on while its thread had less of a processor than that, up to [`AT_MOST`] limits.

use std::time::{Duration, Instant};

/// A call ends after so many times its limit by the clock, whatever the thread had of it.
const AT_MOST: u32 = 4;

/// How much of its limit a call has used. It stays on one thread.
#[derive(Debug)]
pub(super) struct OwnTime {
    began: Instant,
    limit: Duration,
    /// Processor time of the thread when the call began, as far as it was looked at: at the first
    /// tick, as most calls are over before it.
    at_start: Option<Duration>,
}

impl OwnTime {
    pub(super) fn begin(limit: Duration) -> Self {
        Self {
            began: Instant::now(),
            limit,
            at_start: None,
        }
    }

    /// Whether the call has had its time. To be asked at each tick of the engine's clock.
    pub(super) fn is_over(&mut self) -> bool {
        self.is_over_at(self.began.elapsed(), of_this_thread)
    }

    fn is_over_at(&mut self, passed: Duration, of_thread: impl Fn() -> Option<Duration>) -> bool {
        if passed < self.limit {
            if self.at_start.is_none() {
                // What passed before the first look counts as its own.
                self.at_start = of_thread().map(|had| had.saturating_sub(passed));
            }
            return false;
        }
        if passed >= self.limit * AT_MOST {
            return true;
        }
        match (self.at_start, of_thread()) {
            (Some(at_start), Some(now)) => now.saturating_sub(at_start) >= self.limit,
            // Where the system does not tell, the clock decides.
            _ => true,
        }
    }
}

/// Processor time that this thread used.
fn of_this_thread() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = text.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn after(looks: &[(u32, Option<u32>)]) -> Vec<bool> {
        let mut time = OwnTime::begin(100 * MS);
        looks
            .iter()
            .map(|(passed, had)| time.is_over_at(*passed * MS, || had.map(|had| (1000 + had) * MS)))
            .collect()
    }

    #[test]
    fn a_call_that_had_its_processor_ends_at_its_limit() {
        assert_eq!(
            after(&[(2, Some(2)), (99, Some(99)), (100, Some(100))]),
            [false, false, true]
        );
    }

    #[test]
    fn one_whose_processor_was_taken_away_goes_on_and_yet_ends() {
        assert_eq!(
            after(&[
                (2, Some(2)),
                (100, Some(30)),
                (399, Some(99)),
                (400, Some(99))
            ]),
            [false, false, false, true]
        );
        assert_eq!(
            after(&[(2, Some(2)), (100, Some(30)), (250, Some(100))]),
            [false, false, true]
        );
    }

    #[test]
    fn without_a_word_of_the_system_the_clock_decides() {
        assert_eq!(
            after(&[(2, None), (99, None), (100, None)]),
            [false, false, true]
        );
        assert_eq!(after(&[(100, Some(0))]), [true]);
    }

    #[test]
    fn this_thread_uses_time() {
        let Some(before) = of_this_thread() else {
            return;
        };
        while of_this_thread() == Some(before) {
            std::hint::black_box(0);
        }
    }
}
