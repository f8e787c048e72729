//! A program that runs under test.

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use crate::until::until;

/// It, and what it said. Ended when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    printed: Arc<Mutex<Vec<String>>>,
    log: PathBuf,
}

impl Process {
    /// Starts it. Lines of standard output are kept; standard error is appended to the file `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let name = Path::new(command.get_program())
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let errors = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot write the log {}", log.display()))?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let printed = Arc::new(Mutex::new(Vec::new()));
        let output = child
            .stdout
            .take()
            .context("its standard output was piped")?;
        let into = Arc::clone(&printed);
        // Ends when the process does: the pipe's other end is closed then.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                into.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
            }
        });
        Ok(Self {
            name,
            child,
            printed,
            log: log.to_owned(),
        })
    }

    /// Waits for what it prints: the rest of the first line that begins with `prefix`.
    pub(crate) async fn line(&mut self, prefix: &str) -> Result<String> {
        let what = format!("a line `{prefix}…` of {}", self.name);
        let found = until(&what, async || {
            let printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
            let line = printed
                .iter()
                .find_map(|line| line.strip_prefix(prefix))
                .map(str::to_owned);
            drop(printed);
            match (line, self.child.try_wait()?) {
                (Some(line), _) => Ok(Some(Ok(line))),
                (None, Some(status)) => Ok(Some(Err(status))),
                (None, None) => Ok(None),
            }
        })
        .await;
        match found {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(status)) => bail!(
                "{} ended ({status}) before it printed `{prefix}…`; it said:\n{}",
                self.name,
                self.said()
            ),
            Err(error) => Err(error.context(format!("it said:\n{}", self.said()))),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a failing machine does, and waits until it is gone.
    pub(crate) fn kill9(&mut self) -> Result<()> {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .with_context(|| format!("cannot kill {}", self.name))?;
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.ended().await
    }

    /// Waits until it ended by itself, as one does that gets to its crash point.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus> {
        let what = format!("the end of {}", self.name);
        let status = until(&what, async || Ok(self.child.try_wait()?)).await;
        status.with_context(|| format!("it said:\n{}", self.said()))
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let id = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .context("a process has an id")?;
        kill_process(id, signal).with_context(|| format!("cannot signal {}", self.name))
    }

    /// The last lines of its output and of its log.
    pub(crate) fn said(&self) -> String {
        const LAST: usize = 40;
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let logged: Vec<&str> = log.lines().collect();
        let printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let printed = printed.iter().map(String::as_str).rev().take(LAST).rev();
        printed
            .chain(logged.into_iter().rev().take(LAST).rev())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "--- {} ({}) said last:\n{}",
                self.name,
                self.child.id(),
                self.said()
            );
        }
        // It may have ended already, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::Process;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;

    fn shell(script: &str) -> (tempfile::TempDir, Process) {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let process = Process::start(Command::new("sh").args(["-c", script]), &log).unwrap();
        (folder, process)
    }

    #[tokio::test]
    async fn lines_are_waited_for_and_processes_end() {
        let (_folder, mut process) = shell("echo wrong >&2; echo 'ready on 7'; exec sleep 600");
        assert_eq!(process.line("ready on ").await.unwrap(), "7");
        assert_eq!(process.stop().await.unwrap().signal(), Some(15));
        assert_eq!(process.said(), "ready on 7\nwrong");
    }

    #[tokio::test]
    async fn one_that_ends_early_is_told_with_what_it_said() {
        let (_folder, mut process) = shell("echo 'no such folder' >&2; exit 3");
        let error = process.line("ready").await.unwrap_err().to_string();
        assert!(
            error.contains("exit status: 3") && error.contains("no such folder"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_dropped_one_is_gone() {
        let (_folder, process) = shell("exec sleep 600");
        let id = rustix::process::Pid::from_raw(process.id().try_into().unwrap()).unwrap();
        drop(process);
        assert!(rustix::process::test_kill_process(id).is_err());
    }
}
