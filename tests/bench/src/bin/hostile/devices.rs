//! Three devices with the hostile applications, so that commands are translated and reports read.

use anyhow::{Context, Result};
use muster_agent::config::Tuning;
use muster_agent::connector::{Connector, ConnectorSource, RunningRule, VersionRule};
use muster_agent::enroll::enroll;
use muster_agent::execute::Executor;
use muster_agent::platform_log::PlatformLog;
use muster_agent::store::StoreLocation;
use muster_agent::{Agent, AgentOptions};
use muster_test_harness::TestSystem;

/// Of the Rust guest.
pub(crate) const GUEST: &str = "org.example.guest";
/// Of the modules in text.
pub(crate) const MODULE: &str = "org.example.module";
/// The group of the devices.
pub(crate) const GROUP: &str = "Hostile";

/// Starts them, each with all of the applications. Each has another version of the applications, and so a profile of its own.
pub(crate) async fn start(system: &TestSystem, applications: &[String]) -> Result<Vec<Agent>> {
    system.client.group_create(GROUP, None).await?;
    let mut agents = Vec::new();
    for number in 1..=3 {
        let token = system
            .client
            .enrollment_token(Some(&format!("/{GROUP}")))
            .await?;
        let name = format!("hostile-{number}");
        let identity = enroll(system.server.address(), &token, Some(&name)).await?;
        let connectors = applications
            .iter()
            .map(|application| connector(application, number))
            .collect::<Result<Vec<_>>>()?;
        let options = AgentOptions {
            user_socket: None,
            identity,
            store: StoreLocation::Memory,
            connectors: ConnectorSource::Given(connectors.into()),
            executor: Executor::Pretended,
            platform_log: PlatformLog::None,
            tuning: Tuning::default(),
        };
        let agent = Agent::start(options).await;
        agents.push(agent.with_context(|| format!("agent {name} does not start"))?);
        system.client.device_online(&name).await?;
    }
    Ok(agents)
}

fn connector(application: &str, version: u32) -> Result<Connector> {
    Ok(Connector {
        application: application.parse()?,
        name: "Hostile, pretended".into(),
        installed: vec!["/".into()],
        version: Some(VersionRule {
            program: "/bin/echo".into(),
            arguments: vec![format!("version {version}.0")],
            pattern: regex::Regex::new(r"version (\S+)")?,
        }),
        running: RunningRule::Installed,
        programs: [("act".to_owned(), "/bin/true".into())].into(),
    })
}
