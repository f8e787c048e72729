//! `cargo xtask bench harness`: how fast the conformance suite is.
//!
//! The suite draws an input, asks a plug-in about it in several ways, and compares. What it cannot go
//! below is the engine: as many calls, each in a fresh store, with nothing drawn, checked or compared.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use muster_bench::machine;
use muster_bench::measure::Measure;
use muster_bench::report::{self, Report};
use muster_domain::TaskTypeId;
use muster_domain::settings::Settings;
use muster_plugin_harness::{Harness, Suite};
use muster_plugin_host::{Config, Folders, Plugin, PluginHost, Terms};
use muster_test_harness::Programs;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

#[derive(Parser)]
#[command(about = "The conformance suite against the engine alone")]
struct Line {
    #[command(flatten)]
    options: report::Options,
    /// Runs of the suite
    #[arg(long)]
    rounds: Option<u16>,
}

fn main() -> ExitCode {
    match measure(&Line::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What the rounds came to.
#[derive(Default)]
struct Samples {
    /// Cases in a second.
    cases: Vec<f64>,
    /// Microseconds for a call, all that belongs to it included.
    suite: Vec<f64>,
    /// Microseconds for a call of the engine alone.
    engine: Vec<f64>,
    calls: u64,
}

fn measure(line: &Line) -> Result<()> {
    let usual = if line.options.quick { 3 } else { 15 };
    let rounds = line.rounds.unwrap_or(usual).max(1);
    let machine = machine::describe();
    let mut measures = Vec::new();
    let mut notes = Vec::new();
    for name in ["clamav", "aide"] {
        let of = of_plugin(name, rounds)?;
        let engine = format!("harness.{name}.engine");
        measures.extend([
            Measure::new(
                engine.clone(),
                "a `validate` of an example in a fresh store: the engine alone",
                "us",
                &of.engine,
            ),
            Measure::new(
                format!("harness.{name}.call"),
                "**a call of the suite: drawn, checked by schema, asked, checked, compared**",
                "us",
                &of.suite,
            )
            .compared(&of.suite, engine, &of.engine),
            Measure::new(
                format!("harness.{name}.cases"),
                "cases of the suite in a second, on one thread",
                "1/s",
                &of.cases,
            ),
        ]);
        notes.push(format!("A run on {name} makes {} calls.", of.calls));
    }
    Report {
        name: "harness",
        machine,
        measures,
        notes,
    }
    .tell(&line.options)
}

fn of_plugin(name: &str, rounds: u16) -> Result<Samples> {
    let component: Arc<[u8]> = std::fs::read(Programs::find()?.plugin(name)?)?.into();
    let folder = tempfile::Builder::new().prefix("muster-bench-").tempdir()?;
    let folders = Folders {
        private: folder.path().join("private"),
        files: folder.path().join("files"),
    };
    let host = PluginHost::start_for_author(Config::default(), folders)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let bare = runtime.block_on(host.load(Arc::clone(&component), Terms::default()))?;
    let harness = Harness::start()?;
    // Once before, so that nothing is compiled while it is measured.
    let suite = Suite::default();
    ensure!(
        suite.run(&harness, Arc::clone(&component)).passes(),
        "{name} breaks a rule"
    );
    let mut samples = Samples::default();
    for round in 0..rounds {
        eprintln!("{name}: round {} of {rounds}", round + 1);
        let suite = Suite {
            seed: round.into(),
            ..Suite::default()
        };
        let began = Instant::now();
        let verdict = suite.run(&harness, Arc::clone(&component));
        let seconds = began.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let (calls, cases) = (verdict.calls as f64, verdict.cases_tried() as f64);
        samples.calls = verdict.calls;
        samples.suite.push(seconds * 1e6 / calls);
        samples.cases.push(cases / seconds);
        samples.engine.push(engine(&bare, verdict.calls)?);
    }
    Ok(samples)
}

/// Microseconds for one of so many calls.
fn engine(plugin: &Plugin, calls: u64) -> Result<f64> {
    let examples: Vec<(TaskTypeId, Settings)> = plugin
        .description()
        .task_types
        .iter()
        .flat_map(|task_type| {
            let of = task_type.examples.iter();
            of.map(|example| (task_type.id.clone(), example.settings.clone()))
        })
        .collect();
    let mut asked = examples.iter().cycle();
    let began = Instant::now();
    for _ in 0..calls {
        let (task_type, settings) = asked.next().context("there is no example")?;
        plugin.validate_bare(task_type, settings)?;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let calls = calls as f64;
    Ok(began.elapsed().as_secs_f64() * 1e6 / calls)
}
