//! The program `muster-agent`.

mod ask_task;
mod show;
mod show_edit;
mod show_task;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use muster_agent::config::Config;
use muster_agent::connector::ConnectorSource;
use muster_agent::execute::Executor;
use muster_agent::identity::Identity;
use muster_agent::platform_log::PlatformLog;
use muster_agent::store::StoreLocation;
use muster_agent::{Agent, AgentOptions, enroll};
use show::Output;
use std::fs::File;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Carries out what a Muster server orders for the security applications on this device.
///
/// An administrator gives you a one-time token. With it this device is enrolled once:
///
///     muster-agent enroll --server https://muster.example.org:8443 --token muster-enroll-…
///
/// Then the service runs, in the foreground, until it gets SIGTERM or SIGINT:
///
///     muster-agent run
///
/// The agent runs only programs that a connector names. A connector is a TOML file that you, the
/// device's owner, put into the connectors' folder, one for each application:
///
///     application = "net.clamav.clamav"
///     name = "ClamAV"
///     [installed]
///     file = ["/usr/bin/clamscan"]
///     [running]
///     when = "installed"
///     [programs]
///     clamscan = "/usr/bin/clamscan"
///
/// `muster-agent check-connectors` says what the agent makes of them; `status`, `tasks` and `log`
/// show what it is at, also while it runs. `muster-agent task` shows the tasks that start by themselves
/// on this device: when they start next, why one waits, and what became of each; and starts, stops and
/// changes them, as far as your administrator allows it.
#[derive(Parser)]
#[command(version, verbatim_doc_comment, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Common {
    /// The folder with the identity, the local store and, unless the configuration says otherwise,
    /// the connectors
    #[arg(
        long,
        global = true,
        env = "MUSTER_AGENT_DATA",
        default_value = "/var/lib/muster-agent",
        value_name = "DIR"
    )]
    data: PathBuf,
    /// The configuration file [default: agent.toml in the data folder, then
    /// /etc/muster-agent/agent.toml]
    #[arg(long, global = true, env = "MUSTER_AGENT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Tables for people, or JSON for programs
    #[arg(long, global = true, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// The same as --output json
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Enroll this device at a server, with a one-time token
    ///
    /// The private key is made here and never leaves the device. The token also says which server
    /// is the right one; another one is not told anything.
    Enroll {
        /// The server's address
        #[arg(long, value_name = "https://HOST:PORT")]
        server: String,
        /// The token from the administrator
        #[arg(long, env = "MUSTER_AGENT_TOKEN", hide_env_values = true)]
        token: String,
        /// The device's name at the server [default: its host name]
        #[arg(long)]
        name: Option<String>,
        /// Enroll although this device is enrolled already; it becomes a new device to the server
        #[arg(long)]
        again: bool,
    },
    /// Run the agent in the foreground
    ///
    /// On SIGTERM or SIGINT it ends the tasks that are at work and stops; they begin again when it
    /// is started the next time.
    Run,
    /// Show how the agent, its link and its applications stand
    Status,
    /// Show the tasks of this device
    Tasks {
        /// At most so many
        #[arg(short = 'n', long, default_value_t = 50)]
        number: u32,
    },
    /// Show the tasks of this device, and change them where your administrator allows it
    ///
    /// The agent starts them by their schedules, also while the server is away. All of it is read from
    /// the local store, so it can be asked at any time:
    ///
    ///     muster-agent task list
    ///     muster-agent task explain "nightly scan"
    ///
    /// Tasks of your own go to the server, which puts them into this device's terms; until it has
    /// answered they wait. Schedule, name, start, stop and deletion need no server:
    ///
    ///     muster-agent task create "my scan" --application net.clamav.clamav --type scan --settings scan.json
    ///     muster-agent task start "my scan"
    ///     muster-agent task changes
    #[command(subcommand, verbatim_doc_comment)]
    Task(show_task::TaskCommand),
    /// Show the local event log
    Log {
        /// The newest so many
        #[arg(short = 'n', long, default_value_t = 50)]
        number: u32,
        /// Go on showing what comes, until Ctrl-C
        #[arg(short, long)]
        follow: bool,
    },
    /// Say what the agent makes of the connectors; exits with 1 if one is passed over
    CheckConnectors,
    /// Print the configuration's keys with their defaults, as a file to begin with
    DefaultConfig,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let done = runtime
        .context("cannot start")
        .and_then(|runtime| runtime.block_on(cli.act()));
    done.unwrap_or_else(|error| {
        let error: &(dyn std::error::Error + 'static) = error.as_ref();
        eprintln!("muster-agent: {}", muster_domain::chain(error));
        ExitCode::FAILURE
    })
}

impl Cli {
    async fn act(self) -> anyhow::Result<ExitCode> {
        let Common { data, output, .. } = &self.common;
        let output = if self.common.json {
            &Output::Json
        } else {
            output
        };
        match self.command {
            Command::Enroll {
                server,
                token,
                name,
                again,
            } => enroll(data, &server, &token, name.as_deref(), again).await,
            Command::Run => run(&self.common).await,
            Command::Status => show::status(data, *output, is_running(data)?).await,
            Command::Tasks { number } => show::tasks(data, *output, number).await,
            Command::Task(show_task::TaskCommand::Ask(command)) => {
                ask_task::act(&self.common, *output, command).await
            }
            Command::Task(command) => show_task::act(data, *output, command).await,
            Command::Log { number, follow } => show::log(data, *output, number, follow).await,
            Command::CheckConnectors => {
                show::connectors(&self.common.config()?.connectors, *output).await
            }
            Command::DefaultConfig => {
                print!("{}", muster_agent::config::DEFAULTS);
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

impl Common {
    fn config(&self) -> anyhow::Result<Config> {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Ok(Config::read(
            &self.data,
            self.config.as_deref(),
            environment,
        )?)
    }
}

async fn enroll(
    data: &Path,
    server: &str,
    token: &str,
    name: Option<&str>,
    again: bool,
) -> anyhow::Result<ExitCode> {
    make_folder(data, 0o700)?;
    make_folder(&data.join("connectors"), 0o755)?;
    let _lock = lock(data)?;
    if !again && Identity::exists(data) {
        anyhow::bail!(
            "this device is enrolled already; `muster-agent status` shows where, and --again enrolls it anew"
        );
    }
    let identity = enroll::enroll(server, token, name).await?;
    identity.write(data)?;
    println!(
        "Enrolled as device {} ({}) at {}.",
        identity.device, identity.name, identity.server
    );
    Ok(ExitCode::SUCCESS)
}

async fn run(common: &Common) -> anyhow::Result<ExitCode> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("MUSTER_AGENT_TRACE")
        .unwrap_or_else(|_| "info,sqlx=warn".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    // Programs of applications inherit it, and their files are often for other users too. The
    // agent's own files are made with modes of their own.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));

    let data = &common.data;
    let config = common.config()?;
    let identity = Identity::read(data)?;
    let _lock = lock(data)?;
    let platform_log = PlatformLog::choose(config.platform_log);
    if platform_log == PlatformLog::None {
        tracing::info!("neither journald nor syslog is there; events are in the local log alone");
    }
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let agent = Agent::start(AgentOptions {
        identity,
        store: StoreLocation::Folder(data.clone()),
        connectors: ConnectorSource::Folder(config.connectors),
        executor: Executor::Processes,
        platform_log,
        tuning: config.tuning,
        user_socket: Some(config.user_socket),
    })
    .await?;
    tracing::info!("agent {} is up", env!("CARGO_PKG_VERSION"));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    agent.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn make_folder(folder: &Path, mode: u32) -> anyhow::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))
}

/// Held as long as an agent works in a data folder.
fn lock(data: &Path) -> anyhow::Result<File> {
    try_lock(data)?.with_context(|| format!("another agent is at work in {}", data.display()))
}

fn try_lock(data: &Path) -> anyhow::Result<Option<File>> {
    let file = data.join("agent.lock");
    let open = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&file);
    let open = open.with_context(|| format!("cannot open {}", file.display()))?;
    match open.try_lock() {
        Ok(()) => Ok(Some(open)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(cause)) => {
            Err(cause).with_context(|| format!("cannot lock {}", file.display()))
        }
    }
}

fn is_running(data: &Path) -> anyhow::Result<bool> {
    Ok(data.join("agent.lock").exists() && try_lock(data)?.is_none())
}
