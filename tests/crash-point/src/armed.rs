//! What a place does when tests are about.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where and at which time the process is to end.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    name: String,
    time: u64,
}

impl Target {
    /// Reads `name` or `name:N`, N from 1. Nothing else is a target: a slip in a test shows by the
    /// process living on, with a line that says so.
    fn parse(text: &str) -> Option<Self> {
        let (name, time) = match text.split_once(':') {
            Some((name, time)) => (name, time.parse().ok()?),
            None => (text, 1),
        };
        (!name.is_empty() && time > 0).then(|| Self {
            name: name.to_owned(),
            time,
        })
    }
}

fn target() -> Option<&'static Target> {
    static TARGET: OnceLock<Option<Target>> = OnceLock::new();
    TARGET
        .get_or_init(|| {
            let text = std::env::var("MUSTER_CRASH_AT").ok()?;
            let target = Target::parse(&text);
            if target.is_none() {
                eprintln!("MUSTER_CRASH_AT is `{text}`; it should be a place's name, or name:N");
            }
            target
        })
        .as_ref()
}

pub(crate) fn reach(name: &str) {
    // One target in a process, so one count will do.
    static TIMES: AtomicU64 = AtomicU64::new(0);
    let Some(target) = target() else { return };
    if target.name == name && TIMES.fetch_add(1, Ordering::SeqCst) + 1 == target.time {
        die();
    }
}

fn die() -> ! {
    // Nothing is printed: a write could block, and what a crash looks like must not depend on it.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::{Target, reach};
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    #[test]
    fn reads_name_and_time() {
        let target = |name: &str, time| {
            Some(Target {
                name: name.to_owned(),
                time,
            })
        };
        assert_eq!(
            Target::parse("report.committed"),
            target("report.committed", 1)
        );
        assert_eq!(
            Target::parse("report.committed:3"),
            target("report.committed", 3)
        );
        for slip in ["", ":", ":2", "a:0", "a:b", "a:-1"] {
            assert_eq!(Target::parse(slip), None, "{slip}");
        }
    }

    /// Not a test by itself: the process that the next test starts and has killed.
    #[test]
    fn passes_three_places() {
        for name in ["first", "second", "first"] {
            reach(name);
        }
    }

    #[test]
    fn kills_at_the_place_and_the_time() {
        let ends_by = |at: &str| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "armed::tests::passes_three_places"])
                .env("MUSTER_CRASH_AT", at)
                .output()
                .unwrap()
                .status
                .signal()
        };
        for deadly in ["first", "second", "first:2"] {
            assert_eq!(ends_by(deadly), Some(9), "{deadly}");
        }
        for harmless in ["first:3", "third", "first:x"] {
            assert_eq!(ends_by(harmless), None, "{harmless}");
        }
    }
}
