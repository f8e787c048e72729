//! A real server.

use crate::Environment;
use crate::process::Process;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// A `muster-server` on a folder. It keeps its address over restarts, as agents know it by that.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    data: PathBuf,
    log: PathBuf,
    address: String,
    token: String,
    fingerprint: String,
    process: Process,
}

impl Server {
    /// Starts one on an empty folder, on a free port.
    pub(crate) async fn first(
        program: &Path,
        data: &Path,
        environment: Environment<'_>,
    ) -> Result<Self> {
        let log = data.with_extension("log");
        let mut process = start(program, data, &log, "127.0.0.1:0", environment)?;
        let address = process.line(LISTENING).await?;
        let token = process.line("administrator token: ").await?;
        let fingerprint = process.line("CA fingerprint: ").await?;
        Ok(Self {
            program: program.into(),
            data: data.into(),
            log,
            address,
            token,
            fingerprint,
            process,
        })
    }

    /// `https://127.0.0.1:PORT`
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The administrator's token that it made at its first start.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// `sha256:` and the digest of its CA's certificate.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Kills it with SIGKILL.
    pub fn kill9(&mut self) -> Result<()> {
        self.process.kill9()
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(&mut self) -> Result<ExitStatus> {
        self.process.stop().await
    }

    /// Waits until it ended by itself, as at a crash point.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        self.process.ended().await
    }

    /// Starts it again on the same folder and address; what still runs is killed first. Gives back
    /// when it listens.
    pub async fn restart(&mut self, environment: Environment<'_>) -> Result<()> {
        self.spawn_again(environment)?;
        self.process.line(LISTENING).await?;
        Ok(())
    }

    /// As [`Server::restart`], without waiting: for one that may die before it listens.
    pub fn spawn_again(&mut self, environment: Environment<'_>) -> Result<()> {
        // Already gone, most of the time.
        let _ = self.process.kill9();
        let listen = self.address.trim_start_matches("https://");
        self.process = start(&self.program, &self.data, &self.log, listen, environment)?;
        Ok(())
    }

    /// The last lines that it printed and logged.
    pub fn said(&self) -> String {
        self.process.said()
    }
}

const LISTENING: &str = "listening on ";

fn start(
    program: &Path,
    data: &Path,
    log: &Path,
    listen: &str,
    environment: Environment<'_>,
) -> Result<Process> {
    let mut command = Command::new(program);
    command
        .arg("--data")
        .arg(data)
        .args(["--listen", listen])
        .envs(environment.iter().copied());
    Process::start(&mut command, log).context("the server does not start")
}
