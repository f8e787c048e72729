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
use muster_api::plugin::PluginView;
use muster_bench::measure::Measure;
use muster_bench::report::{self, Report};
use muster_bench::{machine, process};
use muster_conformance::{Asked, Guest, rust};
use muster_test_harness::{Client, TestSystem};
use neighbour::{Neighbour, Request, p99};
use put::Ready;
use reqwest::Method;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Administrators who put cases at once.
const AT_ONCE: usize = 4;
/// Between two looks at the server's memory.
const LOOK: Duration = Duration::from_millis(500);
/// How long it has nothing to do before its memory is compared.
const PATIENCE: Duration = Duration::from_secs(20);
/// What the bombs for the compiler cost at most.
const COMPILER_SECONDS: &str = "10";
/// Cases that are named for the neighbour's slowest requests.
const SLOWEST: usize = 6;
/// How long a plug-in rests that was put aside for its faults.
const REST_SECONDS: &str = "1";
/// How many times its own time a call may take by the clock: the cases share two processors with all else,
/// and what is measured is who is held up, not who is starved.
const BY_THE_CLOCK: &str = "1000";

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
    puts: Vec<Put>,
    alone: Vec<Request>,
    among: Vec<Request>,
    rss: (f64, f64),
    most: f64,
}

/// When a case was put.
struct Put {
    name: &'static str,
    began: Instant,
    took: Duration,
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
        ("MUSTER_SERVER_REVISIONS_PROBE_AFTER", REST_SECONDS),
        ("MUSTER_SERVER_PLUG_INS_BY_THE_CLOCK", BY_THE_CLOCK),
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
    let asked = groups.iter().flatten().filter(|ready| needs_devices(ready));
    let mut applications: Vec<String> = asked.map(|ready| ready.application.clone()).collect();
    applications.sort();
    applications.dedup();
    let agents = devices::start(&system, &applications).await?;

    let id = system.server.id();
    let alone_for = Duration::from_secs(if line.options.quick { 5 } else { 30 });
    let neighbour = Neighbour::start(&client, Duration::from_secs(1) / line.rate)?;
    eprintln!("the neighbour alone");
    tokio::time::sleep(alone_for / 3).await;
    neighbour.take()?;
    tokio::time::sleep(alone_for).await;
    let mut alone = neighbour.take()?;
    drop(neighbour);
    let before = idle(id).await?;
    let neighbour = Neighbour::start(&client, Duration::from_secs(1) / line.rate)?;

    eprintln!("{total} cases");
    let began = Instant::now();
    let (mut escaped, mut puts) = (Vec::new(), Vec::new());
    for group in groups {
        let at_once = if group.iter().any(needs_devices) {
            1
        } else {
            AT_ONCE
        };
        for (put, said) in put_all(&client, group, at_once).await? {
            escaped.extend(said.map(|said| format!("{}: {said}", put.name)));
            puts.push(put);
        }
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
    remove_corpus(&client).await?;
    let figures = Figures {
        total,
        escaped,
        puts,
        alone,
        among,
        rss: (before, idle(id).await?),
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
        let Some(ready) = Ready::make(number, case)? else {
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

fn needs_devices(ready: &Ready) -> bool {
    matches!(ready.case.asked, Asked::Translate | Asked::Interpret)
}

/// Puts cases, so many at once. Gives what was said of those that were not contained.
async fn put_all(
    client: &Client,
    group: Vec<Ready>,
    at_once: usize,
) -> Result<Vec<(Put, Option<String>)>> {
    futures_util::stream::iter(group)
        .map(|ready| async {
            let (name, began) = (ready.case.name, Instant::now());
            let said = ready.put(client).await?;
            let took = began.elapsed();
            anyhow::Ok((Put { name, began, took }, said))
        })
        .buffer_unordered(at_once)
        .try_collect()
        .await
}

/// Removes what the cases left at work or ready, and puts the guest back to what it was.
async fn remove_corpus(client: &Client) -> Result<()> {
    let plugins: Vec<PluginView> = client.list("/plugins", "").await?;
    let left = plugins.iter().map(|plugin| &plugin.application);
    for application in left.filter(|application| **application != neighbour::APPLICATION) {
        let path = format!("/plugins/{application}");
        let answer = client.send(client.request(Method::DELETE, &path)).await?;
        // Of one that was removed before, or never was more than refused, nothing is kept.
        let is_gone = answer.status.is_success() || answer.status.as_u16() == 404;
        ensure!(is_gone, "remove {application}: {}", answer.text());
    }
    let guest = client.plugin_upload(rust::that("well")?).await?;
    ensure!(guest.status.is_success(), "the guest: {}", guest.text());
    Ok(())
}

/// MiB that the server holds when nobody wants anything of it and it gives nothing back any more.
async fn idle(id: u32) -> Result<f64> {
    let began = Instant::now();
    let mut least = f64::INFINITY;
    while began.elapsed() < PATIENCE {
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
        let [alone, among] = [&self.alone, &self.among].map(|requests| p99(requests));
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
                &[alone],
            ),
            Measure::new(
                "hostile.neighbour_p99",
                "the neighbour while all cases are put",
                "ms",
                &[among],
            )
            .compared(&[among], "hostile.neighbour_p99_alone", &[alone])
            .at_most(2.0),
            Measure::new(
                "hostile.rss_before",
                "the server's memory before, idle",
                "MiB",
                &[self.rss.0],
            ),
            Measure::new(
                "hostile.rss_after",
                "the server's memory afterwards, the corpus removed, idle",
                "MiB",
                &[self.rss.1],
            )
            .compared(&[self.rss.1], "hostile.rss_before", &[self.rss.0])
            .at_most(1.2),
        ]
    }

    /// The cases during which most of the slowest requests of the neighbour were made.
    fn slowest(&self) -> Vec<String> {
        let limit = p99(&self.among);
        let slow = self.among.iter().filter(|one| one.milliseconds >= limit);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for request in slow {
            let meets = |put: &&Put| {
                let ended = request.began + Duration::from_secs_f64(request.milliseconds / 1e3);
                put.began <= ended && request.began <= put.began + put.took
            };
            for put in self.puts.iter().filter(meets) {
                *counts.entry(put.name).or_default() += 1;
            }
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts.truncate(SLOWEST);
        let told = counts.into_iter();
        told.map(|(name, count)| format!("`{name}` ({count})"))
            .collect()
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
            format!(
                "The hundredth of its requests that took longest came most often while these were put: {}.",
                self.slowest().join(", ")
            ),
            "Real: the server with its defaults, but that every call is asked again, that the compiler has 10 s, that a plug-in which \
             was put aside for its faults rests for a second, and that a call which waits for a processor is not ended for it; each case by HTTPS, those of `translate` and `interpret` by runs on three devices; the neighbour's requests create tasks, each validated by its \
             plug-in and durable on disk. Pretended: the devices' processes. Server, devices and administrators share the processors \
             of one machine. Cases of `migrate` are in the conformance suite alone."
                .into(),
        ]
    }
}
