//! Server, agents and an administrator, together.

use crate::{Agent, Client, Environment, Programs, Server};
use anyhow::{Context, Result};
use std::path::Path;
use tempfile::TempDir;

/// A server in a temporary folder, and an administrator who is logged in. Agents are made with
/// [`TestSystem::agent`]; drop them first, their folders lie in the same one.
#[derive(Debug)]
pub struct TestSystem {
    /// The programs in use.
    pub programs: Programs,
    /// The server.
    pub server: Server,
    /// The administrator.
    pub client: Client,
    // Dropped last, when nobody uses it any more.
    folder: TempDir,
}

/// A temporary folder for a system.
pub fn folder() -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix("muster-test-")
        .tempdir()
        .context("no temporary folder")
}

impl TestSystem {
    /// Starts a server on an empty folder.
    pub async fn start() -> Result<Self> {
        Self::start_with(&[]).await
    }

    /// Starts a server on an empty folder with an environment of its own.
    pub async fn start_with(environment: Environment<'_>) -> Result<Self> {
        Self::start_in(folder()?, environment).await
    }

    /// Starts a server on the folder `server` in a folder, which may be there from an earlier start
    /// that was cut short before it told its token.
    pub async fn start_in(folder: TempDir, environment: Environment<'_>) -> Result<Self> {
        let programs = Programs::find()?;
        let server =
            Server::first(&programs.server, &folder.path().join("server"), environment).await?;
        let client = Client::login(server.address(), server.token(), server.fingerprint()).await?;
        Ok(Self {
            programs,
            server,
            client,
            folder,
        })
    }

    /// The folder of this system, for whatever else a test needs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Enrolls a device into a group (the root if none). It runs after [`Agent::start`]; connectors
    /// can be written before.
    pub async fn agent(&self, name: &str, group: Option<&str>) -> Result<Agent> {
        let token = self.client.enrollment_token(group).await?;
        self.agent_by(name, &token)
    }

    /// Enrolls a device with a token that is at hand.
    pub fn agent_by(&self, name: &str, token: &str) -> Result<Agent> {
        let data = self.folder().join(format!("agent-{name}"));
        Agent::enroll(
            &self.programs.agent,
            &data,
            name,
            self.server.address(),
            token,
        )
    }
}
