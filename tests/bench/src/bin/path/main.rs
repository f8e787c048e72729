//! `cargo xtask bench path`: a task to a thousand devices and back.
//!
//! One real server, in a process of its own, on an empty folder; and [`crowd`], this very program
//! in another process, with a thousand agents: the agent's own code, each with its identity, its
//! TLS link and its store. Before the clock starts they are enrolled and linked. Then a group task
//! is started again and again, and each time the clock runs from the request that starts it until
//! the server says that the run is finished, which it says when all results are on its disk.
//!
//! What is pretended: the agents' processes (every step of the command exits with 0 at once) and
//! their disks (their stores are in memory), as a thousand devices have a thousand of each.

mod crowd;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use crowd::Crowd;
use futures_util::{StreamExt as _, TryStreamExt as _};
use muster_api::device::DeviceView;
use muster_api::run::RunView;
use muster_api::task::{ScopeRequest, TaskCreate};
use muster_bench::measure::Measure;
use muster_bench::report::{self, Report};
use muster_bench::{machine, process};
use muster_domain::delivery::DeliveryState;
use muster_domain::run::RunState;
use muster_test_harness::{Client, TestSystem, until};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Between two questions whether the run is finished; a figure is late by no more.
const LOOK: Duration = Duration::from_millis(10);
/// After this a run is given up.
const PATIENCE: Duration = Duration::from_mins(2);
/// A server that used no tick of processor time for so long is at rest.
const REST: Duration = Duration::from_millis(200);
/// Open files of a process beside its links.
const OTHER_FILES: u64 = 500;

#[derive(Parser)]
#[command(about = "A task to many devices and back")]
struct Line {
    #[command(flatten)]
    options: report::Options,
    /// Agents; the measures are named by their number
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..))]
    agents: u16,
    /// Runs that are measured, after one that is not
    #[arg(long)]
    runs: Option<u16>,
}

/// What one run took.
struct Taken {
    wall: f64,
    server_processor: f64,
    agents_processor: f64,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(cause) => {
            eprintln!("error: cannot start a runtime: {cause}");
            return ExitCode::FAILURE;
        }
    };
    let told = if arguments
        .next()
        .is_some_and(|first| first == crowd::ARGUMENT)
    {
        runtime.block_on(crowd::run(&arguments.next().unwrap_or_default()))
    } else {
        runtime.block_on(measure(&Line::parse()))
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(line: &Line) -> Result<()> {
    let agents = usize::from(line.agents);
    let runs = line
        .runs
        .unwrap_or(if line.options.quick { 3 } else { 15 })
        .max(1);
    process::many_files(u64::from(line.agents) + OTHER_FILES)?;
    let machine = machine::describe();

    eprintln!("starting a server and installing the plug-in");
    let system = TestSystem::start().await?;
    let (client, server) = (&system.client, system.server.id());
    let component = system.programs.plugin("clamav")?;
    client.plugin_install(&component).await?;
    client.group_create("Crowd", None).await?;
    at_rest(server).await?;
    let server_alone = process::memory(server)?.0;

    eprintln!("enrolling {agents} agents");
    let began = Instant::now();
    let tokens: Vec<String> = futures_util::stream::iter(0..agents)
        .map(|_| client.enrollment_token(Some("/Crowd")))
        .buffer_unordered(8)
        .try_collect()
        .await?;
    let crowd = Crowd::start(system.server.address(), &tokens).await?;
    eprintln!(
        "enrolled in {:.1} s; waiting for their links",
        began.elapsed().as_secs_f64()
    );
    all_linked(client, agents).await?;
    at_rest(server).await?;
    let server_linked = process::memory(server)?.0;

    let task = client.task_create(&task()).await?.id;
    eprintln!("one run to warm up, then {runs} that count");
    once(client, task, server, crowd.id(), agents).await?;
    let mut taken = Vec::new();
    for _ in 0..runs {
        at_rest(server).await?;
        let run = once(client, task, server, crowd.id(), agents).await?;
        eprintln!(
            "  {:.3} s; server {:.2} s of processor time",
            run.wall, run.server_processor
        );
        taken.push(run);
    }
    let figures = Figures {
        agents,
        taken,
        server_alone,
        server_linked,
        server_after: process::memory(server)?,
        crowd: process::memory(crowd.id())?.0 - crowd.before(),
    };
    crowd.end().await?;
    let report = Report {
        name: "path",
        machine,
        measures: figures.measures(),
        notes: figures.notes(),
    };
    let mut system = system;
    let status = system.server.stop().await?;
    ensure!(status.success(), "the server ended with {status}");
    report.tell(&line.options)
}

/// The whole group is scanned; as no program really runs, nothing is.
fn task() -> TaskCreate {
    TaskCreate {
        name: "Nothing at all".into(),
        application: crowd::APPLICATION.into(),
        task_type: "scan".into(),
        scope: ScopeRequest::Group {
            group: "/Crowd".into(),
            subgroups: true,
            excluded: Vec::new(),
            only: None,
            membership: muster_domain::scope::Membership::Fixed,
        },
        settings: None,
        time_limit: None,
        schedule: None,
        rollout: None,
        allow_plain: vec![],
    }
}

/// One run, from the request that starts it to the answer that all of it is finished.
async fn once(client: &Client, task: i64, server: u32, crowd: u32, agents: usize) -> Result<Taken> {
    let (server_before, crowd_before) = (
        process::processor_seconds(server)?,
        process::processor_seconds(crowd)?,
    );
    let began = Instant::now();
    let mut run = client.task_start(task).await?;
    while run.state != RunState::Finished {
        if began.elapsed() > PATIENCE {
            bail!(
                "run {} is not finished after {PATIENCE:?}: {:?}",
                run.id,
                run.counts
            );
        }
        tokio::time::sleep(LOOK).await;
        run = client.run(run.id).await?;
    }
    let wall = began.elapsed().as_secs_f64();
    check(&run, agents)?;
    // What follows a run, such as acknowledgements, is its work too.
    at_rest(server).await?;
    Ok(Taken {
        wall,
        server_processor: process::processor_seconds(server)? - server_before,
        agents_processor: process::processor_seconds(crowd)? - crowd_before,
    })
}

/// A run that left devices out, or failed on some, is no measure.
fn check(run: &RunView, agents: usize) -> Result<()> {
    let succeeded = run.counts.get(&DeliveryState::Succeeded).copied();
    ensure!(
        succeeded == Some(agents as u64),
        "of {agents} deliveries not all succeeded: {:?}",
        run.counts
    );
    Ok(())
}

async fn all_linked(client: &Client, agents: usize) -> Result<()> {
    until("all agents to be linked", async || {
        let devices: Vec<DeviceView> = client.list("/devices", "limit=1000").await?;
        let ready = |device: &&DeviceView| device.online && !device.applications.is_empty();
        Ok((devices.iter().filter(ready).count() == agents).then_some(()))
    })
    .await
}

/// Waits until a process has nothing to do, so that one measure does not pay for another.
async fn at_rest(id: u32) -> Result<()> {
    let began = Instant::now();
    let mut last = process::processor_seconds(id)?;
    loop {
        tokio::time::sleep(REST).await;
        let now = process::processor_seconds(id)?;
        // Heartbeats of a thousand links may cost a tick now and then.
        if now - last < 0.015 {
            return Ok(());
        }
        last = now;
        if began.elapsed() > PATIENCE {
            bail!("process {id} is still busy after {PATIENCE:?}");
        }
    }
}

struct Figures {
    agents: usize,
    taken: Vec<Taken>,
    server_alone: f64,
    server_linked: f64,
    server_after: (f64, f64),
    crowd: f64,
}

impl Figures {
    fn measures(&self) -> Vec<Measure> {
        let name = |what: &str| format!("path.{}.{what}", self.agents);
        let all = |take: fn(&Taken) -> f64| self.taken.iter().map(take).collect::<Vec<_>>();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a number of agents is far below 2^52"
        )]
        let agents = self.agents as f64;
        let each = |mebibytes: f64| mebibytes * 1024.0 / agents;
        vec![
            Measure::new(
                name("wall"),
                "from the request that starts the task until all results are durable",
                "s",
                &all(|run| run.wall),
            ),
            Measure::new(
                name("server_cpu"),
                "the server's processor time for a run, all threads, acknowledgements included",
                "s",
                &all(|run| run.server_processor),
            ),
            Measure::new(
                name("agents_cpu"),
                "the agents' processor time for a run, all of them together",
                "s",
                &all(|run| run.agents_processor),
            ),
            Measure::new(
                name("server_rss"),
                "the server's memory after the last run",
                "MiB",
                &[self.server_after.0],
            ),
            Measure::new(
                name("server_rss_per_link"),
                "what each linked agent added to the server's memory before the first run",
                "KiB",
                &[each(self.server_linked - self.server_alone)],
            ),
            Measure::new(
                name("agent_rss"),
                "memory of one agent among all in their process, its store in memory included",
                "KiB",
                &[each(self.crowd)],
            ),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec![
            format!(
                "{} runs after one that does not count. Without any agent the server holds {:.0} MiB; at most it held {:.0} MiB.",
                self.taken.len(),
                self.server_alone,
                self.server_after.1
            ),
            "Real: the server's release build with its defaults (SQLite, `synchronous=FULL`) on the disk of the temporary folder; the agents' \
             own code; mutual TLS on loopback sockets; orders, commands, results and events; the plug-in's `translate` and `interpret`. \
             Pretended: the agents' processes (each step exits with 0 at once, none is started) and their disks (stores in memory). \
             Server and agents share the processors of one machine."
                .into(),
        ]
    }
}

/// A line from a child, or an error that says what was waited for.
pub(crate) async fn line(
    lines: &mut tokio::io::Lines<tokio::io::BufReader<tokio::process::ChildStdout>>,
    what: &str,
) -> Result<String> {
    let line = tokio::time::timeout(PATIENCE, lines.next_line())
        .await
        .with_context(|| format!("waited {PATIENCE:?} in vain for {what}"))??;
    line.with_context(|| format!("the process of the agents ended before {what}"))
}
