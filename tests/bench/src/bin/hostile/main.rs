//! `cargo xtask bench hostile`: every way to misbehave, put to a live server whose other plug-in is
//! at work.
//!
//! One real server, in a process of its own, with the plug-in of a neighbour that gets requests at
//! a constant rate: alone at first, then while the conformance suite is put to the server by four
//! administrators at once, then alone again. What counts is whether each case was contained,
//! whether the neighbour noticed, and whether the server keeps memory.

mod devices;
mod neighbour;
mod put;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use futures_util::{StreamExt as _, TryStreamExt as _};
use muster_bench::measure::Measure;
use muster_bench::report::{self, Report};
use muster_bench::{machine, process};
use muster_conformance::{Asked, Guest, rust};
use muster_test_harness::{Client, TestSystem};
use neighbour::{Neighbour, p99};
use put::Ready;
use reqwest::Method;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Administrators who put cases at once.
const AT_ONCE: usize = 4;
/// Between two looks at the server's memory.
const LOOK: Duration = Duration::from_millis(500);
/// After so long its memory is taken as it is.
const PATIENCE: Duration = Duration::from_secs(20);
/// What the bomb for the compiler costs at most.
const COMPILER_SECONDS: &str = "10";

#[derive(Parser)]
#[command(about = "Every way to misbehave, put to a live server whose other plug-in is at work")]
struct Line {
    #[command(flatten)]
    options: report::Options,
    /// Requests of the neighbour in a second
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..1000))]
    rate: u32,
    /// Only cases whose name holds this
    #[arg(long)]
    only: Option<String>,
}

fn main() -> ExitCode {
    let line = Line::parse();
    let told = tokio::runtime::Runtime::new()
        .context("cannot start a runtime")
        .and_then(|runtime| runtime.block_on(measure(&line)));
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What came of it.
struct Figures {
    total: usize,
    escaped: Vec<String>,
    alone: Vec<f64>,
    among: Vec<f64>,
    rss: (f64, f64),
    most: f64,
}

async fn measure(line: &Line) -> Result<()> {
    let machine = machine::describe();
    eprintln!("making the guests");
    let groups = ready(line)?;
    let total = groups.iter().map(Vec::len).sum();

    eprintln!("starting a server, the neighbour and three devices");
    let environment = [
        ("MUSTER_SERVER_PLUG_INS_REPLAY", "1"),
        (
            "MUSTER_SERVER_PLUG_INS_COMPILE_PROCESSOR_TIME",
            COMPILER_SECONDS,
        ),
    ];
    let mut system = TestSystem::start_with(&environment).await?;
    let client = system.client.clone();
    // Who misbehaves may well be trusted: what holds is the host.
    let dev = serde_json::json!({ "policy": "dev" });
    let policy = client.request(Method::PUT, "/trust/policy").json(&dev);
    let policy = client.send(policy).await?;
    ensure!(policy.status.is_success(), "the policy: {}", policy.text());
    let clamav = system.programs.plugin("clamav")?;
    client.plugin_install(&clamav).await?;
    client.trust_everything().await?;
    let guest = client.plugin_upload(rust::that("well")?).await?;
    ensure!(guest.status.is_success(), "the guest: {}", guest.text());
    let agents = devices::start(&system).await?;

    let id = system.server.id();
    let alone_for = Duration::from_secs(if line.options.quick { 5 } else { 30 });
    let neighbour = Neighbour::start(&client, Duration::from_secs(1) / line.rate);
    eprintln!("the neighbour alone");
    tokio::time::sleep(alone_for / 3).await;
    neighbour.take()?;
    tokio::time::sleep(alone_for).await;
    let mut alone = neighbour.take()?;
    let before = process::memory(id)?.0;

    eprintln!("{total} cases");
    let began = Instant::now();
    let mut escaped = Vec::new();
    for group in groups {
        escaped.extend(put_all(&client, group).await?);
    }
    let took = began.elapsed();
    let among = neighbour.take()?;
    eprintln!(
        "done in {:.0} s; the neighbour alone again",
        took.as_secs_f64()
    );
    tokio::time::sleep(alone_for).await;
    alone.extend(neighbour.take()?);
    drop(neighbour);
    let figures = Figures {
        total,
        escaped,
        alone,
        among,
        rss: (before, settled(id, before).await?),
        most: process::memory(id)?.1,
    };
    for agent in agents {
        agent.stop().await;
    }
    let status = system.server.stop().await?;
    ensure!(status.success(), "the server ended with {status}");
    let report = Report {
        name: "hostile",
        machine,
        measures: figures.measures(),
        notes: figures.notes(took),
    };
    report.tell(&line.options)?;
    if !figures.escaped.is_empty() {
        bail!("not contained:\n{}", figures.escaped.join("\n"));
    }
    Ok(())
}

/// All components, made before any clock runs: what is asked of the guest that is there, of one
/// device after the other, and then what is uploaded.
fn ready(line: &Line) -> Result<[Vec<Ready>; 3]> {
    let mut groups = [Vec::new(), Vec::new(), Vec::new()];
    let only = |name: &str| line.only.as_ref().is_none_or(|part| name.contains(part));
    for (number, case) in muster_conformance::all().enumerate() {
        if !only(case.name) || (line.options.quick && !number.is_multiple_of(4)) {
            continue;
        }
        let Some(ready) = Ready::make(case)? else {
            continue;
        };
        let [validate, devices, upload] = &mut groups;
        match (case.guest, case.asked) {
            (Guest::Told(_), Asked::Validate) => validate.push(ready),
            (Guest::Told(_), _) | (_, Asked::Translate | Asked::Interpret) => devices.push(ready),
            _ => upload.push(ready),
        }
    }
    Ok(groups)
}

/// Puts cases, some at once unless they need the devices. Gives those that were not contained.
async fn put_all(client: &Client, group: Vec<Ready>) -> Result<Vec<String>> {
    let needs_devices =
        |ready: &Ready| matches!(ready.case.asked, Asked::Translate | Asked::Interpret);
    let at_once = if group.iter().any(needs_devices) {
        1
    } else {
        AT_ONCE
    };
    let said: Vec<Option<String>> = futures_util::stream::iter(group)
        .map(|ready| async {
            let name = ready.case.name;
            let said = ready.put(client).await?;
            anyhow::Ok(said.map(|said| format!("{name}: {said}")))
        })
        .buffer_unordered(at_once)
        .try_collect()
        .await?;
    Ok(said.into_iter().flatten().collect())
}

/// MiB that the server holds once it gives nothing back any more.
async fn settled(id: u32, before: f64) -> Result<f64> {
    let began = Instant::now();
    let mut least = process::memory(id)?.0;
    while least > before && began.elapsed() < PATIENCE {
        tokio::time::sleep(LOOK).await;
        least = least.min(process::memory(id)?.0);
    }
    Ok(least)
}

impl Figures {
    fn measures(&self) -> Vec<Measure> {
        #[expect(clippy::cast_precision_loss, reason = "cases are a few hundred")]
        let (total, escaped) = (self.total as f64, self.escaped.len() as f64);
        let contained = [total - escaped];
        vec![
            Measure::new(
                "hostile.contained",
                "cases that failed alone, with an error that names plug-in, function and limit",
                "cases",
                &contained,
            )
            .compared(&contained, "hostile.total", &[total])
            .at_least(1.0),
            Measure::new("hostile.total", "cases that were put", "cases", &[total]),
            Measure::new(
                "hostile.neighbour_p99_alone",
                "the neighbour alone: 99 of a hundred requests take no longer",
                "ms",
                &[p99(&self.alone)],
            ),
            Measure::new(
                "hostile.neighbour_p99",
                "the neighbour while all cases are put",
                "ms",
                &[p99(&self.among)],
            )
            .compared(
                &[p99(&self.among)],
                "hostile.neighbour_p99_alone",
                &[p99(&self.alone)],
            )
            .at_most(2.0),
            Measure::new(
                "hostile.rss_before",
                "the server's memory before",
                "MiB",
                &[self.rss.0],
            ),
            Measure::new(
                "hostile.rss_after",
                "the server's memory afterwards",
                "MiB",
                &[self.rss.1],
            )
            .compared(&[self.rss.1], "hostile.rss_before", &[self.rss.0])
            .at_most(1.2),
        ]
    }

    fn notes(&self, took: Duration) -> Vec<String> {
        vec![
            format!(
                "{} cases in {:.0} s; {} requests of the neighbour alone and {} meanwhile, none of which failed. At most the server held {:.0} MiB.",
                self.total,
                took.as_secs_f64(),
                self.alone.len(),
                self.among.len(),
                self.most
            ),
            "Real: the server with its defaults, but that every call is asked again and that the compiler has 10 s; each case by HTTPS, \
             those of `translate` and `interpret` by runs on three devices; the neighbour's requests create tasks, each validated by its \
             plug-in and durable on disk. Pretended: the devices' processes. Server, devices and administrators share the processors \
             of one machine. Cases of `migrate` are in the conformance suite alone."
                .into(),
        ]
    }
}
