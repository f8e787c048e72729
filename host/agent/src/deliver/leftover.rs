//! Leftover: processes of an attempt whose agent was ended in the middle. They are ended before
//! the delivery is begun again, so that no command is at work twice.

use crate::process::{self, Stat};
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const KILL_LIMIT: Duration = Duration::from_secs(10);

/// What is known of an attempt.
pub(super) struct Attempt<'a> {
    /// Boot and session that it ran in.
    pub(super) session: &'a str,
    /// The last group's leader, `pid/start`, if it came to be noted.
    pub(super) leader: Option<&'a str>,
    /// Name and value of the variable in the environment of all its processes.
    pub(super) mark: &'a (String, String),
}

/// Ends what is left of an attempt: asks, waits for `grace`, then forces.
pub(super) async fn end(attempt: &Attempt<'_>, grace: Duration) {
    for (signal, limit) in [(Signal::TERM, grace), (Signal::KILL, KILL_LIMIT)] {
        let until = Instant::now() + limit;
        let mut left = attempt.processes();
        for process in &left {
            if let Some(pid) = Pid::from_raw(process.pid) {
                let _ = kill_process(pid, signal);
                let _ = kill_process(pid, Signal::CONT);
            }
        }
        while !left.is_empty() && Instant::now() < until {
            sleep(Duration::from_millis(20)).await;
            left = attempt.processes();
        }
        if left.is_empty() {
            return;
        }
    }
    tracing::warn!("processes of an earlier attempt do not end even when killed");
}

impl Attempt<'_> {
    /// Its processes that are alive. Numbers are given again after a while, so a number alone is
    /// never enough: boot and session must be the attempt's, and the leader its very leader, or
    /// the mark its mark. What began a session of its own is a daemon, and stays.
    fn processes(&self) -> Vec<Stat> {
        let Some((boot, session)) = self.session.split_once('/') else {
            return Vec::new();
        };
        let (Ok(session), true) = (session.parse::<i32>(), process::session().starts_with(boot))
        else {
            return Vec::new();
        };
        let all: Vec<Stat> = process::all()
            .into_iter()
            .filter(|stat| stat.session == session)
            .collect();
        let leader = self.leader.and_then(|leader| {
            let (pid, started) = leader.split_once('/')?;
            Some((pid.parse::<i32>().ok()?, started.parse::<u64>().ok()?))
        });
        let leader_is = |pid, started| match Stat::read(pid) {
            Some(stat) => stat.started == started,
            // While a group has members, its leader's number is not given again.
            None => true,
        };
        let leader = leader.filter(|(pid, started)| leader_is(*pid, *started));
        let ours = |stat: &Stat| {
            leader.is_some_and(|(pid, started)| stat.group == pid && stat.started >= started)
                || self.marks(stat)
        };
        all.into_iter().filter(ours).collect()
    }

    fn marks(&self, stat: &Stat) -> bool {
        let wanted = format!("{}={}", self.mark.0, self.mark.1);
        std::fs::read(format!("/proc/{}/environ", stat.pid)).is_ok_and(|environment| {
            environment
                .split(|byte| *byte == 0)
                .any(|entry| entry == wanted.as_bytes())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt as _;
    use std::process::{Child, Command};

    fn sleeper(mark: &str) -> (Child, String) {
        let child = Command::new("/usr/bin/env")
            .args(["--ignore-signal=TERM", "/bin/sleep", "1000"])
            .env("MUSTER_TEST_MARK", mark)
            .process_group(0)
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let started = Stat::read(pid).unwrap().started;
        (child, format!("{pid}/{started}"))
    }

    #[tokio::test]
    async fn only_the_attempts_own_processes_are_ended() {
        let session = process::session();
        let (mut by_leader, leader) = sleeper("one");
        let (mut by_mark, _) = sleeper("two");
        let (mut stranger, other) = sleeper("three");

        let mark = ("MUSTER_TEST_MARK".to_owned(), "two".to_owned());
        let attempt = Attempt {
            session: &session,
            leader: Some(&leader),
            mark: &mark,
        };
        end(&attempt, Duration::from_millis(50)).await;
        assert!(!by_leader.wait().unwrap().success() && !by_mark.wait().unwrap().success());
        assert!(stranger.try_wait().unwrap().is_none());

        // Another start time or another boot is another process.
        let (pid, _) = other.split_once('/').unwrap();
        let mark = ("MUSTER_TEST_MARK".to_owned(), "none".to_owned());
        for (session, leader) in [
            (session.as_str(), format!("{pid}/1")),
            ("another-boot/1", other.clone()),
        ] {
            end(
                &Attempt {
                    session,
                    leader: Some(&leader),
                    mark: &mark,
                },
                Duration::ZERO,
            )
            .await;
            assert!(stranger.try_wait().unwrap().is_none());
        }
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}
