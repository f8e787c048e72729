//! Back-off: when to come back after a link was lost or not had. At random, so that agents which
//! lost their server at the same moment do not come back at the same moment.

use rand::RngExt as _;
use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
/// However long a server asks to be left alone.
const LONGEST_ASKED: Duration = Duration::from_hours(1);

pub(super) struct Backoff {
    failures: u32,
    longest: Duration,
}

impl Backoff {
    pub(super) fn new(longest: Duration) -> Self {
        Self {
            failures: 0,
            longest,
        }
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The next pause: twice as long as the one before, up to the longest, and within the time
    /// that the server has named if that is longer.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let pause = FIRST
            .saturating_mul(1 << self.failures.min(16))
            .min(self.longest);
        self.failures = self.failures.saturating_add(1);
        jitter(
            pause / 2,
            asked.map_or(pause, |asked| pause.max(asked.min(LONGEST_ASKED))),
        )
    }

    /// The pause that the server asked for, and a little more.
    pub(super) fn after(asked: Duration) -> Duration {
        let asked = asked.min(LONGEST_ASKED);
        jitter(asked, asked + asked / 10 + FIRST)
    }
}

fn jitter(least: Duration, most: Duration) -> Duration {
    rand::rng().random_range(least..=most.max(least))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_never_vanish() {
        let longest = Duration::from_mins(1);
        let mut backoff = Backoff::new(longest);
        assert!(backoff.next(None) <= FIRST);
        for _ in 0..100 {
            let pause = backoff.next(None);
            assert!(pause >= FIRST / 2 && pause <= longest);
        }
        assert!(backoff.next(None) >= longest / 2);
        backoff.reset();
        assert!(backoff.next(Some(Duration::ZERO)) >= FIRST / 2);
        assert!(backoff.next(Some(Duration::from_secs(9))) <= Duration::from_secs(9));
        assert!(Backoff::after(Duration::from_secs(u64::MAX / 4)) <= LONGEST_ASKED * 2);
    }
}
