//! A real agent: one device.

use crate::Environment;
use crate::process::Process;
use anyhow::{Context, Result, bail};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// What makes an agent brisk enough for tests, and keeps it out of this machine's own log. Of its
/// settings the names and the meaning are in `host/agent/agent.default.toml`.
const BRISK: [(&str, &str); 4] = [
    ("MUSTER_AGENT_POLL_SECONDS", "1"),
    ("MUSTER_AGENT_GRACE_SECONDS", "2"),
    ("MUSTER_AGENT_LONGEST_BACKOFF_SECONDS", "1"),
    ("MUSTER_AGENT_PLATFORM_LOG", "none"),
];

/// A `muster-agent` on a folder, enrolled.
#[derive(Debug)]
pub struct Agent {
    name: String,
    program: PathBuf,
    data: PathBuf,
    process: Option<Process>,
}

impl Agent {
    /// Enrolls it; it does not run yet.
    pub(crate) fn enroll(
        program: &Path,
        data: &Path,
        name: &str,
        server: &str,
        token: &str,
    ) -> Result<Self> {
        let output = Command::new(program)
            .arg("--data")
            .arg(data)
            .args([
                "enroll", "--server", server, "--token", token, "--name", name,
            ])
            .output()
            .context("cannot start the agent to enroll it")?;
        if !output.status.success() {
            bail!(
                "agent {name} was not enrolled ({}):\n{}{}",
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(Self {
            name: name.into(),
            program: program.into(),
            data: data.into(),
            process: None,
        })
    }

    /// Another machine whose disk is a clone of this one's, as it stands now: stop this one before. It
    /// does not run.
    pub fn cloned(&self, name: &str) -> Result<Self> {
        let data = self.data.with_file_name(format!("agent-{name}"));
        copy(&self.data, &data)?;
        Ok(Self {
            name: name.into(),
            program: self.program.clone(),
            data,
            process: None,
        })
    }

    /// Puts the data folder of another one in the place of its own, as a restored snapshot does. It
    /// must not run.
    pub fn restore(&self, from: &Self) -> Result<()> {
        std::fs::remove_dir_all(&self.data).context("cannot remove the agent's folder")?;
        copy(&from.data, &self.data)
    }

    /// Enrolls it again with a token, as its owner does who has installed it anew.
    pub fn enroll_again(&self, server: &str, token: &str) -> Result<()> {
        self.ask(&[
            "enroll", "--again", "--server", server, "--token", token, "--name", &self.name,
        ])
        .map(drop)
    }

    /// The device's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Its process id while it runs.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Writes a connector, `<name>.toml`, as the device's owner would.
    pub fn connector(&self, name: &str, text: &str) -> Result<PathBuf> {
        let folder = self.data.join("connectors");
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let path = folder.join(name).with_extension("toml");
        let readable = std::fs::Permissions::from_mode(0o644);
        std::fs::write(&path, text)
            .and_then(|()| std::fs::set_permissions(&path, readable))
            .with_context(|| format!("cannot write the connector {}", path.display()))?;
        Ok(path)
    }

    /// Starts it; what still runs of it is killed first.
    pub fn start(&mut self, environment: Environment<'_>) -> Result<()> {
        drop(self.process.take());
        let mut command = Command::new(&self.program);
        command
            .arg("--data")
            .arg(&self.data)
            .arg("run")
            .envs(BRISK)
            .envs(environment.iter().copied());
        self.process = Some(Process::start(
            &mut command,
            &self.data.with_extension("log"),
        )?);
        Ok(())
    }

    /// Kills it with SIGKILL. What it started for a delivery lives on, as on a real device.
    pub fn kill9(&mut self) -> Result<()> {
        self.running()?.kill9()
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(&mut self) -> Result<ExitStatus> {
        self.running()?.stop().await
    }

    /// Waits until it ended by itself, as at a crash point.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        self.running()?.ended().await
    }

    /// Runs another command of the agent on its folder, such as `log`, and gives what it printed.
    pub fn ask(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.program)
            .arg("--data")
            .arg(&self.data)
            .args(arguments)
            .output()
            .with_context(|| format!("cannot start the agent with {arguments:?}"))?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!(
                "agent {} with {arguments:?} ended with {}:\n{errors}",
                self.name,
                output.status
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The last lines that it printed and logged.
    pub fn said(&self) -> String {
        self.process.as_ref().map(Process::said).unwrap_or_default()
    }

    fn running(&mut self) -> Result<&mut Process> {
        self.process
            .as_mut()
            .with_context(|| format!("agent {} was not started", self.name))
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    let copied = copied.context("cannot start cp")?;
    anyhow::ensure!(copied.success(), "{} was not copied", from.display());
    Ok(())
}
