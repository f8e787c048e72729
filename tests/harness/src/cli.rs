//! The command line, as an administrator uses it.

use crate::{Server, TestSystem};
use anyhow::{Context as _, Result, ensure};
use serde::de::DeserializeOwned;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// What the program did.
#[derive(Debug)]
pub struct Ran {
    /// Its exit status.
    pub status: i32,
    /// What it printed.
    pub out: String,
    /// What it said on standard error.
    pub err: String,
}

impl Ran {
    /// The same, if it did what was asked.
    pub fn ok(self) -> Result<Self> {
        ensure!(self.status == 0, "muster ended with {self:?}");
        Ok(self)
    }

    /// What it printed, as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.out).with_context(|| format!("no JSON: {self:?}"))
    }
}

impl TestSystem {
    /// Runs `muster` for this system's administrator, in the folder of the system. Nobody sits at a
    /// terminal.
    pub async fn muster(&self, arguments: &[&str]) -> Result<Ran> {
        self.muster_fed(arguments, "").await
    }

    /// The same, with something on its standard input.
    pub async fn muster_fed(&self, arguments: &[&str], input: &str) -> Result<Ran> {
        let mut command = Command::new(&self.programs.cli);
        command
            .args(arguments)
            .current_dir(self.folder())
            .env("MUSTER_CONFIG_DIR", self.folder().join("cli"))
            .env("MUSTER_SERVER", self.server.address())
            .env("MUSTER_TOKEN", self.server.token())
            .env("MUSTER_CA_FILE", ca_file(&self.server))
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let input = input.to_owned();
        // It may talk to what this very test serves.
        let output = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                // What does not read it closes it.
                let _ = stdin.write_all(input.as_bytes());
            }
            child.wait_with_output()
        });
        let output = output.await?.context("cannot start muster")?;
        Ok(Ran {
            status: output.status.code().context("muster was killed")?,
            out: String::from_utf8(output.stdout)?,
            err: String::from_utf8(output.stderr)?,
        })
    }
}

fn ca_file(server: &Server) -> std::path::PathBuf {
    server.data().join("keys/ca.pem")
}
