//! The time of a call: what it took itself, not what others on the machine took from it.
//!
//! A long call has less priority than the rest of the server (`calls`), and the machine may be
//! busy with other things. Neither is the plug-in's fault. So a call whose limit has passed by the
//! clock goes on while its thread had less of a processor than that, up to some times the limit
//! (`by-the-clock` in the configuration). What ends it then is told apart: either it waited for
//! what it asked of the host, which is its own doing, or it was kept from running.

use std::time::{Duration, Instant};

/// How much of its limit a call has used. It stays on one thread.
#[derive(Debug)]
pub(crate) struct OwnTime {
    began: Instant,
    limit: Duration,
    /// The call ends after so long by the clock, whatever the thread had of it.
    at_most: Duration,
    /// What was seen of the thread first: at the first tick, as most calls are over before it.
    first: Option<Seen>,
    /// By the clock, in functions of the host that wait for something.
    waited: Duration,
    of_thread: fn() -> Option<ThreadTime>,
}

/// A look at the thread.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// When, after the call began.
    passed: Duration,
    thread: ThreadTime,
}

/// What a thread had so far, by the system's word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ThreadTime {
    /// On a processor.
    pub(crate) ran: Duration,
    /// In line for one.
    pub(crate) in_line: Duration,
}

/// Why the time of a call is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// It used all of it.
    Used,
    /// It was kept from running.
    Starved {
        /// Processor time that its thread is known to have had.
        had: Duration,
        /// By the clock.
        passed: Duration,
    },
}

impl OwnTime {
    /// Begins a call, which may take its limit itself, and so many times that by the clock.
    pub(crate) fn begin(limit: Duration, by_the_clock: u32) -> Self {
        Self {
            began: Instant::now(),
            limit,
            at_most: limit.saturating_mul(by_the_clock.max(1)),
            first: None,
            waited: Duration::ZERO,
            of_thread,
        }
    }

    /// The same, with another's word about the thread.
    #[cfg(test)]
    pub(crate) fn told_by(self, of_thread: fn() -> Option<ThreadTime>) -> Self {
        Self { of_thread, ..self }
    }

    /// Why the call has had its time, if it has. To be asked at each tick of the engine's clock.
    pub(crate) fn over(&mut self) -> Option<Over> {
        let of_thread = self.of_thread;
        self.over_at(self.began.elapsed(), of_thread)
    }

    /// A function of the host begins that waits for something. Its beginning is to be given to
    /// [`Self::wait_ends`].
    pub(crate) fn wait_begins(&mut self) -> Instant {
        if self.first.is_none() {
            // There are no ticks while it waits, so the thread is looked at before.
            self.over();
        }
        Instant::now()
    }

    /// It ended.
    pub(crate) fn wait_ends(&mut self, began: Instant) {
        self.waited += began.elapsed();
    }

    fn over_at(
        &mut self,
        passed: Duration,
        of_thread: impl Fn() -> Option<ThreadTime>,
    ) -> Option<Over> {
        if passed < self.limit {
            if self.first.is_none() {
                // What passed before the first look counts as its own.
                self.first = of_thread().map(|thread| Seen {
                    passed: Duration::ZERO,
                    thread: ThreadTime {
                        ran: thread.ran.saturating_sub(passed),
                        ..thread
                    },
                });
            }
            return None;
        }
        // Where the system does not tell, the clock decides.
        let Some(thread) = of_thread() else {
            return Some(Over::Used);
        };
        // Looked at for the first time so late: whoever should have looked had no processor
        // either. What the call used until now is not known, and does not count.
        let first = *self.first.get_or_insert(Seen { passed, thread });
        let had = thread.ran.saturating_sub(first.thread.ran);
        if had >= self.limit {
            return Some(Over::Used);
        }
        if passed < self.at_most {
            return None;
        }
        // A thread that is in line for a processor does not wait for what it asked; and one that
        // sleeps elsewhere, for a page of its memory, did not ask for that.
        let in_line = thread.in_line.saturating_sub(first.thread.in_line);
        let asleep = passed.saturating_sub(first.passed + had + in_line);
        if had + self.waited.min(asleep) >= self.limit {
            return Some(Over::Used);
        }
        Some(Over::Starved { had, passed })
    }
}

/// What this thread had.
fn of_thread() -> Option<ThreadTime> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let mut words = text.split_ascii_whitespace();
    let mut next = || {
        let nanoseconds = words.next()?.parse().ok()?;
        Some(Duration::from_nanos(nanoseconds))
    };
    Some(ThreadTime {
        ran: next()?,
        in_line: next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const USED: Option<Over> = Some(Over::Used);

    fn starved(had: u32, passed: u32) -> Over {
        Over::Starved {
            had: had * MS,
            passed: passed * MS,
        }
    }

    fn thread(ran: u32, in_line: u32) -> ThreadTime {
        ThreadTime {
            ran: (1000 + ran) * MS,
            in_line: (500 + in_line) * MS,
        }
    }

    /// A call that may take 100 ms, looked at after so many ms when its thread had so many, and
    /// was in line for the rest.
    fn after(looks: &[(u32, Option<u32>)]) -> Vec<Option<Over>> {
        let mut time = OwnTime::begin(100 * MS, 4);
        let had = |passed, ran: Option<u32>| ran.map(|ran| thread(ran, passed - ran));
        looks
            .iter()
            .map(|(passed, ran)| time.over_at(*passed * MS, || had(*passed, *ran)))
            .collect()
    }

    /// The same, at its end by the clock, with so many ms in functions of the host that wait.
    fn waited(waited: u32, ran: u32, in_line: u32) -> Option<Over> {
        let mut time = OwnTime::begin(100 * MS, 4);
        assert_eq!(time.over_at(2 * MS, || Some(thread(2, 0))), None);
        time.waited = waited * MS;
        assert_eq!(time.over_at(399 * MS, || Some(thread(ran, in_line))), None);
        time.over_at(400 * MS, || Some(thread(ran, in_line)))
    }

    #[test]
    fn a_call_that_had_its_processor_ends_at_its_limit() {
        assert_eq!(
            after(&[(2, Some(2)), (99, Some(99)), (100, Some(100))]),
            [None, None, USED]
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
            [None, None, None, Some(starved(99, 400))]
        );
        assert_eq!(
            after(&[(2, Some(2)), (100, Some(30)), (250, Some(100))]),
            [None, None, USED]
        );
        assert_eq!(after(&[(2, Some(2)), (400, Some(100))]), [None, USED]);
    }

    #[test]
    fn without_a_word_of_the_system_the_clock_decides() {
        assert_eq!(
            after(&[(2, None), (99, None), (100, None)]),
            [None, None, USED]
        );
        assert_eq!(after(&[(2, Some(2)), (100, None)]), [None, USED]);
    }

    #[test]
    fn one_that_is_looked_at_too_late_gets_its_time_from_then_on() {
        assert_eq!(
            after(&[(120, Some(60)), (200, Some(140)), (230, Some(160))]),
            [None, None, USED]
        );
        assert_eq!(after(&[(400, Some(1))]), [Some(starved(0, 400))]);
    }

    #[test]
    fn what_it_waited_for_in_the_host_is_its_own_doing() {
        assert_eq!(waited(350, 20, 0), USED);
        assert_eq!(waited(80, 20, 0), USED);
        assert_eq!(waited(79, 20, 0), Some(starved(20, 400)));
    }

    #[test]
    fn what_it_was_in_line_for_while_it_waited_is_not() {
        assert_eq!(waited(350, 20, 330), Some(starved(20, 400)));
        assert_eq!(waited(350, 20, 300), USED);
        // Asleep, though not for what it asked.
        assert_eq!(waited(0, 20, 0), Some(starved(20, 400)));
    }

    #[test]
    fn waits_are_counted_and_looked_at_before_they_begin() {
        let mut time = OwnTime::begin(100 * MS, 4).told_by(|| Some(thread(5, 0)));
        let began = time.wait_begins();
        assert!(time.first.is_some());
        time.wait_ends(began.checked_sub(30 * MS).unwrap());
        assert!(time.waited >= 30 * MS);
    }

    #[test]
    fn this_thread_uses_time() {
        let Some(before) = of_thread() else {
            return;
        };
        while of_thread().is_some_and(|now| now.ran == before.ran) {
            std::hint::black_box(0);
        }
    }
}
