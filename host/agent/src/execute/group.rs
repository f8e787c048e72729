//! The process group of a step: signals reach all of it, and nothing of it stays.
//!
//! As long as the leader has not been waited for, its number cannot be given to another process,
//! so a signal to the group cannot reach a stranger. Who owns a [`Group`] waits for the child last.

use crate::process::{self, Stat};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

/// How long the kernel may take to end what was killed. What waits for a dead disk takes longer
/// and is left behind.
const KILL_LIMIT: Duration = Duration::from_secs(10);

pub(crate) struct Group {
    leader: Pid,
    started: u64,
    ended: AsyncFd<OwnedFd>,
}

impl Group {
    /// The group that a child leads. If it cannot be watched, the child is killed.
    pub(crate) fn of(child: &Child) -> std::io::Result<Self> {
        let gone = || std::io::Error::other("the process was waited for already");
        let number = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .ok_or_else(gone)?;
        let leader = Pid::from_raw(number).ok_or_else(gone)?;
        let watch = || {
            #[expect(
                deprecated,
                reason = "sound for a descriptor that is owned; the other way is unsafe code"
            )]
            let ended = AsyncFd::new(pidfd_open(leader, PidfdFlags::NONBLOCK)?)?;
            let started = Stat::read(number).ok_or_else(gone)?.started;
            Ok(Self {
                leader,
                started,
                ended,
            })
        };
        watch().inspect_err(|_| {
            let _ = kill_process_group(leader, Signal::KILL);
        })
    }

    /// Names the leader for good: `pid/start`.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.leader.as_raw_nonzero(), self.started)
    }

    /// Waits until the leader has ended. It is not waited for in the kernel's sense.
    pub(crate) async fn leader_ended(&self) {
        // A process descriptor becomes readable when its process ends, and stays so.
        while self.ended.readable().await.is_err() {
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Sends a signal to the whole group.
    pub(crate) fn signal(&self, signal: Signal) {
        // The one error is that nobody is left.
        let _ = kill_process_group(self.leader, signal);
    }

    /// Ends the whole group: asks, waits for `grace`, then forces.
    pub(crate) async fn end(&self, grace: Duration) {
        self.signal(Signal::TERM);
        // One that stands still would not notice.
        self.signal(Signal::CONT);
        if !self.emptied_within(grace).await {
            self.signal(Signal::KILL);
            if !self.emptied_within(KILL_LIMIT).await {
                tracing::warn!(leader = %self.name(), "processes of a step do not end even when killed");
            }
        }
    }

    /// Ends what the leader left behind.
    pub(crate) async fn end_rest(&self, grace: Duration) {
        if self.anybody_left() {
            self.end(grace).await;
        }
    }

    async fn emptied_within(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        if timeout(limit, self.leader_ended()).await.is_err() {
            return false;
        }
        let mut pause = Duration::from_millis(5);
        while self.anybody_left() {
            if Instant::now() >= until {
                return false;
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
        true
    }

    fn anybody_left(&self) -> bool {
        let group = self.leader.as_raw_nonzero().get();
        process::all().iter().any(|stat| stat.group == group)
    }
}
