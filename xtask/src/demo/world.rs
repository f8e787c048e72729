//! The folder and the processes of the demo.

use crate::place::Place;
use crate::step;
use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long anything may take before the demo gives up.
const PATIENCE: Duration = Duration::from_mins(2);

/// A process group of its own: Ctrl-C in the terminal reaches us alone, and we ask server and agent
/// to end, in order and once.
const OWN: i32 = 0;

// Exit statuses of `muster`.
const DONE: i32 = 0;
const REFUSED: i32 = 1;

/// Everything that the demo makes; it is cleared away at the end.
pub(super) struct World {
    root: PathBuf,
    programs: PathBuf,
    agent: Option<Child>,
    server: Option<Child>,
    folder: tempfile::TempDir,
}

/// What a server prints at its first start.
pub(super) struct Greeting {
    pub(super) address: String,
    pub(super) token: String,
    pub(super) fingerprint: String,
}

impl World {
    /// An empty one, for the programs that cargo built.
    pub(super) fn new(place: &Place) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("muster-demo-")
            .tempdir()
            .context("no temporary folder")?;
        Ok(Self {
            root: place.root.clone(),
            programs: place.target.join("debug"),
            agent: None,
            server: None,
            folder,
        })
    }

    /// A path in its folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The checkout.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Where the programs lie.
    pub(super) fn programs(&self) -> &Path {
        &self.programs
    }

    /// Starts the server on an empty folder.
    pub(super) fn start_server(&mut self) -> Result<Greeting> {
        let mut command = self.program("muster-server");
        command
            .arg("--data")
            .arg(self.path("server"))
            .args(["--listen", "127.0.0.1:0"]);
        show(&command, " &");
        let log = self.log("server")?;
        let mut server = command
            .process_group(OWN)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("cannot start the server")?;
        let output = server
            .stdout
            .take()
            .context("its standard output was piped")?;
        let (send, lines) = channel();
        self.server = Some(server);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // After the greeting nobody listens, and reading on keeps the pipe from filling up.
                let _ = send.send(line);
            }
        });
        greeting(&lines)
    }

    /// Starts the agent, which is enrolled.
    pub(super) fn start_agent(&mut self) -> Result<()> {
        let mut command = self.program("muster-agent");
        command.arg("--data").arg(self.path("agent")).arg("run");
        // A demo leaves no traces in this machine's own log.
        command
            .env("MUSTER_AGENT_PLATFORM_LOG", "none")
            .env("MUSTER_AGENT_POLL_SECONDS", "1");
        show(&command, " &");
        let (out, err) = (self.log("agent")?, self.log("agent")?);
        self.agent = Some(
            command
                .process_group(OWN)
                .stdout(out)
                .stderr(err)
                .spawn()
                .context("cannot start the agent")?,
        );
        Ok(())
    }

    /// Shows a command of `muster` and runs it.
    pub(super) fn muster(&self, arguments: &[&str]) -> Result<()> {
        self.shown(arguments, DONE, "")
    }

    /// The same for one that reads something.
    pub(super) fn muster_reading(&self, arguments: &[&str], input: &str) -> Result<()> {
        self.shown(arguments, DONE, input)
    }

    /// The same for one that the server is to refuse.
    pub(super) fn muster_refused(&self, arguments: &[&str]) -> Result<()> {
        self.shown(arguments, REFUSED, "")
    }

    fn shown(&self, arguments: &[&str], status: i32, input: &str) -> Result<()> {
        let mut command = self.program("muster");
        command.args(arguments).stdin(Stdio::piped());
        show(&command, "");
        let mut child = command.spawn().context("cannot start muster")?;
        if let Some(mut pipe) = child.stdin.take() {
            pipe.write_all(input.as_bytes())
                .context("muster does not read what it was given")?;
        }
        let ended = child.wait().context("cannot wait for muster")?;
        ensure!(
            ended.code() == Some(status),
            "`{}` ended with {ended}, not with {status}",
            step::typed(&command)
        );
        Ok(())
    }

    /// Asks the server through `muster`, without showing it.
    pub(super) fn ask(&self, arguments: &[&str]) -> Result<Value> {
        let mut command = self.program("muster");
        let output = command
            .args(["--output", "json"])
            .args(arguments)
            .output()
            .context("cannot start muster")?;
        if !output.status.success() {
            bail!(
                "`{}`: {}",
                step::typed(&command),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("`{}` gave no JSON", step::typed(&command)))
    }

    /// Shows a command of the agent and runs it on the device's folder.
    pub(super) fn muster_agent(&self, arguments: &[&str]) -> Result<()> {
        let mut command = self.program("muster-agent");
        command
            .arg("--data")
            .arg(self.path("agent"))
            .args(arguments);
        show(&command, "");
        let status = command.status().context("cannot start muster-agent")?;
        ensure!(
            status.success(),
            "`{}` ended with {status}",
            step::typed(&command)
        );
        Ok(())
    }

    /// Asks again and again until the answer is as wanted.
    pub(super) fn until(
        &self,
        what: &str,
        arguments: &[&str],
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<()> {
        let began = Instant::now();
        while !wanted(&self.ask(arguments)?) {
            ensure!(
                began.elapsed() < PATIENCE,
                "waited {PATIENCE:?} in vain for {what}"
            );
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// The last lines of what server and agent logged.
    pub(super) fn logs(&self) -> String {
        let last = |name: &str| {
            let text =
                std::fs::read_to_string(self.path(name).with_extension("log")).unwrap_or_default();
            let lines: Vec<&str> = text.lines().rev().take(20).collect();
            format!(
                "--- {name} logged last:\n{}",
                lines.into_iter().rev().collect::<Vec<_>>().join("\n")
            )
        };
        format!(
            "the demo ended early\n{}\n{}",
            last("server"),
            last("agent")
        )
    }

    /// Asks the processes to end, waits for them, and removes the folder.
    pub(super) fn end(mut self) -> Result<()> {
        println!("\n== Agent and server end");
        for (name, child) in [("agent", self.agent.take()), ("server", self.server.take())] {
            let Some(mut child) = child else { continue };
            let status = stop(&mut child).with_context(|| format!("the {name} does not end"))?;
            println!("the {name} ended: {status}");
        }
        Ok(())
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.env("MUSTER_CONFIG_DIR", self.path("login"));
        // Whatever else is logged in to in this terminal is no part of the demo.
        for variable in ["MUSTER_SERVER", "MUSTER_TOKEN", "MUSTER_CA_FILE"] {
            command.env_remove(variable);
        }
        command
    }

    fn log(&self, name: &str) -> Result<File> {
        let path = self.path(name).with_extension("log");
        File::options()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for child in [&mut self.agent, &mut self.server].into_iter().flatten() {
            // An early end: it may be gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Shows a command before it runs.
fn show(command: &Command, end: &str) {
    println!("\n$ {}{end}", step::typed(command));
}

fn greeting(lines: &Receiver<String>) -> Result<Greeting> {
    let began = Instant::now();
    let (mut address, mut token, mut fingerprint) = (None, None, None);
    loop {
        let line = match lines.recv_timeout(PATIENCE.saturating_sub(began.elapsed())) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                bail!("the server did not listen within {PATIENCE:?}")
            }
            Err(RecvTimeoutError::Disconnected) => bail!("the server ended before it listened"),
        };
        println!("{line}");
        for (place, prefix) in [
            (&mut address, "listening on "),
            (&mut token, "administrator token: "),
            (&mut fingerprint, "CA fingerprint: "),
        ] {
            if let Some(value) = line.strip_prefix(prefix) {
                *place = Some(value.to_owned());
            }
        }
        if let (Some(address), Some(token), Some(fingerprint)) = (&address, &token, &fingerprint) {
            return Ok(Greeting {
                address: address.clone(),
                token: token.clone(),
                fingerprint: fingerprint.clone(),
            });
        }
    }
}

/// Gently first, then by force.
fn stop(child: &mut Child) -> Result<std::process::ExitStatus> {
    let id = i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .context("a process has an id")?;
    // It may be gone already, and then its status tells.
    let _ = kill_process(id, Signal::TERM);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill()?;
    Ok(child.wait()?)
}
