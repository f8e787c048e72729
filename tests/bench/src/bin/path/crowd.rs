//! Many agents in one process.

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use muster_agent::config::Tuning;
use muster_agent::connector::{Connector, ConnectorSource, RunningRule};
use muster_agent::enroll::enroll;
use muster_agent::execute::Executor;
use muster_agent::platform_log::PlatformLog;
use muster_agent::store::StoreLocation;
use muster_agent::{Agent, AgentOptions};
use muster_bench::process;
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// First argument of this program as the crowd; the server's address follows.
pub(crate) const ARGUMENT: &str = "crowd";
/// What every agent has installed.
pub(crate) const APPLICATION: &str = "net.clamav.clamav";
/// Enrollments and starts at once.
const AT_ONCE: usize = 16;

/// What the process of the agents does: a token a line in, an agent for each; they work until
/// standard input ends.
pub(crate) async fn run(server: &str) -> Result<()> {
    println!("memory {}", process::memory(std::process::id())?.0);
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut tokens = Vec::new();
    while let Some(token) = lines.next_line().await?.filter(|line| !line.is_empty()) {
        tokens.push(token);
    }
    let connectors: Arc<[Connector]> = Arc::new([connector()?]);
    let agents: Vec<Agent> = futures_util::stream::iter(tokens.into_iter().enumerate())
        .map(|(number, token)| start(server, number, token, connectors.clone()))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    println!("started {}", agents.len());
    while lines.next_line().await?.is_some() {}
    futures_util::stream::iter(agents)
        .for_each_concurrent(AT_ONCE, Agent::stop)
        .await;
    Ok(())
}

async fn start(
    server: &str,
    number: usize,
    token: String,
    connectors: Arc<[Connector]>,
) -> Result<Agent> {
    let name = format!("crowd-{number}");
    let identity = enroll(server, &token, Some(&name)).await?;
    let options = AgentOptions {
        user_socket: None,
        identity,
        store: StoreLocation::Memory,
        connectors: ConnectorSource::Given(connectors),
        executor: Executor::Pretended,
        platform_log: PlatformLog::None,
        tuning: Tuning::default(),
    };
    Agent::start(options)
        .await
        .with_context(|| format!("agent {name} does not start"))
}

/// The application is there and always ready; its programs are never started.
fn connector() -> Result<Connector> {
    let nothing = || "/bin/true".into();
    Ok(Connector {
        application: APPLICATION.parse()?,
        name: "ClamAV, pretended".into(),
        installed: vec!["/".into()],
        version: None,
        running: RunningRule::Installed,
        programs: ["find", "clamscan", "mkdir"]
            .map(|name| (name.to_owned(), nothing()))
            .into(),
    })
}

/// The process of the agents, from outside. It ends when this is dropped.
pub(crate) struct Crowd {
    child: Child,
    id: u32,
    before: f64,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Crowd {
    /// Starts it, and gives back when all agents have enrolled and started.
    pub(crate) async fn start(server: &str, tokens: &[String]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([ARGUMENT, server])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the process of the agents")?;
        let id = child.id().context("the process of the agents is gone")?;
        let input = child.stdin.take().context("it has a standard input")?;
        let output = child.stdout.take().context("it has a standard output")?;
        let mut crowd = Self {
            child,
            id,
            before: 0.0,
            input,
            lines: BufReader::new(output).lines(),
        };
        let memory = crate::line(&mut crowd.lines, "its first word").await?;
        crowd.before = memory.trim_start_matches("memory ").parse()?;
        let text = tokens.join("\n") + "\n\n";
        crowd.input.write_all(text.as_bytes()).await?;
        let started = crate::line(&mut crowd.lines, "the start of all agents").await?;
        ensure!(
            started == format!("started {}", tokens.len()),
            "the process of the agents said `{started}`"
        );
        Ok(crowd)
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// MiB that it held before there was an agent.
    pub(crate) fn before(&self) -> f64 {
        self.before
    }

    /// Stops all agents and waits for their process.
    pub(crate) async fn end(self) -> Result<()> {
        let Self {
            mut child, input, ..
        } = self;
        drop(input);
        let status = child.wait().await?;
        ensure!(
            status.success(),
            "the process of the agents ended with {status}"
        );
        Ok(())
    }
}
