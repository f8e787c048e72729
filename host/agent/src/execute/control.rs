//! Control: what is wanted of a command at work, and the clock that counts only while it runs.

use muster_domain::delivery::Cause;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// What is wanted of a command at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Control {
    /// That it goes on.
    Run,
    /// That it stands still.
    Pause,
    /// That it ends, for this cause, and is over.
    Stop(Cause),
    /// That it ends because the agent does; it is begun again later.
    Interrupt,
}

impl Control {
    /// The next wish. Without anybody left to wish, the agent is ending.
    pub(crate) async fn next(wishes: &mut watch::Receiver<Self>) -> Self {
        match wishes.changed().await {
            Ok(()) => wishes.borrow_and_update().clone(),
            Err(_) => Self::Interrupt,
        }
    }

    /// Waits until the wish is to run; an ending if it becomes another one.
    pub(crate) async fn until_run(wishes: &mut watch::Receiver<Self>) -> Result<(), Ending> {
        let mut wish = wishes.borrow_and_update().clone();
        loop {
            match wish {
                Self::Run => return Ok(()),
                Self::Stop(cause) => return Err(Ending::Stopped(cause)),
                Self::Interrupt => return Err(Ending::Interrupted),
                Self::Pause => wish = Self::next(wishes).await,
            }
        }
    }
}

/// Why the agent ended a command before its own end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its time, or that of a step, was up.
    TimedOut { seconds: u32 },
    /// Somebody or something stopped it.
    Stopped(Cause),
    /// The agent itself ends.
    Interrupted,
}

/// A time limit that does not count while it is halted.
pub(crate) struct Stopwatch {
    limit: Duration,
    left: Duration,
    since: Option<Instant>,
}

impl Stopwatch {
    /// A halted one.
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            left: limit,
            since: None,
        }
    }

    pub(crate) fn go(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    pub(crate) fn halt(&mut self) {
        if let Some(since) = self.since.take() {
            self.left = self.left.saturating_sub(since.elapsed());
        }
    }

    /// Waits until the time is up; for ever while halted.
    pub(crate) async fn up(&self) {
        match self.since {
            Some(since) => sleep_until(since + self.left).await,
            None => std::future::pending().await,
        }
    }

    /// The whole limit.
    pub(crate) fn seconds(&self) -> u32 {
        u32::try_from(self.limit.as_secs()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_halted_clock_does_not_count() {
        let mut clock = Stopwatch::new(Duration::from_millis(20));
        assert!(
            tokio::time::timeout(Duration::from_millis(60), clock.up())
                .await
                .is_err()
        );
        clock.go();
        clock.halt();
        let left = clock.left;
        assert!(
            tokio::time::timeout(Duration::from_millis(60), clock.up())
                .await
                .is_err()
        );
        assert_eq!(clock.left, left);
        clock.go();
        clock.up().await;
    }
}
