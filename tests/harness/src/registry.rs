//! A real OCI registry, on loopback.

use crate::process::Process;
use crate::until::until;
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name that [`Registry::guarded`] takes.
const USER: &str = "muster";
/// Its password, and what `htpasswd -B` makes of it.
const PASSWORD: &str = "correct horse";
const HASH: &str = "$2b$04$6.GZz8OyqtJkrsIS13lphuUvpXJHCzyTy91DMfRcjepCzkWzcsuAK";

/// A `docker-registry` with its storage in a temporary folder.
#[derive(Debug)]
pub struct Registry {
    address: String,
    // Ended before the folder goes.
    _process: Process,
    folder: tempfile::TempDir,
}

impl Registry {
    /// Starts one that serves everybody. `program` is what `needs("docker-registry")` found.
    pub async fn open(program: &Path) -> Result<Self> {
        Self::start(program, "").await
    }

    /// Starts one that serves [`Registry::user`] with [`Registry::password`] alone.
    pub async fn guarded(program: &Path) -> Result<Self> {
        Self::start(
            program,
            "auth: { htpasswd: { realm: muster, path: PLACE/htpasswd } }\n",
        )
        .await
    }

    async fn start(program: &Path, more: &str) -> Result<Self> {
        let folder = crate::folder()?;
        let place = folder.path().display().to_string();
        let config = format!(
            "version: 0.1\n\
             log: {{ level: info, formatter: text, accesslog: {{ disabled: true }} }}\n\
             storage: {{ filesystem: {{ rootdirectory: PLACE/data }} }}\n\
             http: {{ addr: \"127.0.0.1:0\", secret: muster }}\n{more}"
        );
        let config_file = folder.path().join("config.yml");
        std::fs::write(&config_file, config.replace("PLACE", &place))?;
        std::fs::write(folder.path().join("htpasswd"), format!("{USER}:{HASH}\n"))?;
        let log = folder.path().join("log");
        let mut command = Command::new(program);
        command.arg("serve").arg(&config_file);
        let process = Process::start(&mut command, &log).context("the registry does not start")?;
        let address = until("the registry to listen", async || {
            Ok(std::fs::read_to_string(&log)?.lines().find_map(listening))
        })
        .await
        .with_context(|| process.said())?;
        Ok(Self {
            address,
            _process: process,
            folder,
        })
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The name that a guarded one takes.
    pub fn user(&self) -> &'static str {
        USER
    }

    /// Its password.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Both, as the entry `auth` of a file of credentials has them.
    pub fn basic(&self) -> &'static str {
        "bXVzdGVyOmNvcnJlY3QgaG9yc2U="
    }

    /// The file in which it keeps a blob.
    pub fn blob(&self, digest: &str) -> PathBuf {
        let hex = digest.trim_start_matches("sha256:");
        let first = hex.get(..2).unwrap_or_default();
        self.folder
            .path()
            .join("data/docker/registry/v2/blobs/sha256")
            .join(first)
            .join(hex)
            .join("data")
    }
}

fn listening(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("listening on ")?;
    let end = rest.find(['"', ' ', ',']).unwrap_or(rest.len());
    rest.get(..end).map(str::to_owned)
}
