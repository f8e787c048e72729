//! `cargo xtask bench plugins`: a server with a thousand plug-ins.
//!
//! They are AIDE's plug-in a thousand times, each for an application of its own and so with a digest
//! and compiled code of its own. They are installed one by one, as an administrator would; then the
//! server is stopped and started again and again. The limit to compare with is the engine's own: the
//! compiled files mapped, one after the other, and nothing else.

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use muster_api::plugin::PluginView;
use muster_api::plugin::health::PluginHealthView;
use muster_api::task::{ScopeRequest, TaskCreate};
use muster_bench::measure::Measure;
use muster_bench::report::{self, Report};
use muster_bench::{machine, process};
use muster_domain::application::TaskKind;
use muster_test_harness::{Client, TestSystem};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// AIDE's application id, and the places in it for a number of four digits.
const APPLICATION: &str = "net.aide.aide";
const NUMBER_AT: usize = APPLICATION.len() - 4;

#[derive(Parser)]
#[command(about = "A server with a thousand plug-ins")]
struct Line {
    #[command(flatten)]
    options: report::Options,
    /// Plug-ins; the measures are named by their number
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..10_000))]
    plugins: u16,
    /// Restarts that are measured
    #[arg(long)]
    restarts: Option<u16>,
}

fn main() -> ExitCode {
    let measured = tokio::runtime::Runtime::new()
        .context("cannot start a runtime")
        .and_then(|runtime| runtime.block_on(measure(&Line::parse())));
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(line: &Line) -> Result<()> {
    let restarts = line
        .restarts
        .unwrap_or(if line.options.quick { 3 } else { 11 })
        .max(1);
    let machine = machine::describe();
    let mut system = TestSystem::start().await?;
    let component = std::fs::read(system.programs.plugin("aide")?)?;

    let mut alone = Vec::new();
    for _ in 0..restarts {
        system.server.stop().await?;
        let (_, held) = ready(&mut system).await?;
        alone.push(held);
    }

    let install = install_all(&system.client, &component, line.plugins).await?;

    eprintln!("{restarts} restarts");
    let (mut taken, mut held, mut mapped) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..restarts {
        let status = system.server.stop().await?;
        ensure!(status.success(), "the server ended with {status}");
        mapped.push(map_alone(system.server.data(), line.plugins)?);
        let (seconds, mebibytes) = ready(&mut system).await?;
        taken.push(seconds);
        held.push(mebibytes);
    }
    let each: Vec<f64> = held
        .iter()
        .zip(&alone)
        .map(|(with, without)| (with - without) * 1024.0 / f64::from(line.plugins))
        .collect();

    eprintln!("the first call of each");
    let mut first = Vec::new();
    for number in 0..line.plugins {
        first.push(first_call(&system.client, &application(number)).await?);
    }
    let status = system.server.stop().await?;
    ensure!(status.success(), "the server ended with {status}");

    let name = |what: &str| format!("plugins.{}.{what}", line.plugins);
    let report = Report {
        name: "plugins",
        machine,
        measures: vec![
            Measure::new(
                name("map"),
                "their compiled files mapped by the engine, and nothing else",
                "s",
                &mapped,
            ),
            Measure::new(
                name("ready"),
                "**from the start of the server's process until it listens, and each of them can be called**",
                "s",
                &taken,
            )
            .compared(&taken, name("map"), &mapped)
            .at_most(3.0),
            Measure::new(
                name("rss_each"),
                "memory of the server for each idle plug-in, after the restart",
                "KiB",
                &each,
            )
            .below(200.0),
            Measure::new(
                name("first_call"),
                "the first `validate` of each: its code mapped and its schema compiled, on the call's own thread",
                "us",
                &first,
            ),
            Measure::new(
                name("install"),
                "an install on the average, compiling included",
                "ms",
                &[install],
            ),
        ],
        notes: vec![format!(
            "{restarts} restarts. Each plug-in is AIDE's (component of {} KiB) under another application id, and compiled for itself.",
            component.len().div_ceil(1024)
        )],
    };
    report.tell(&line.options)
}

/// Installs so many, and says how many milliseconds one took on the average.
async fn install_all(client: &Client, component: &[u8], plugins: u16) -> Result<f64> {
    eprintln!("installing {plugins} plug-ins");
    let (began, version) = (Instant::now(), env!("CARGO_PKG_VERSION"));
    for number in 0..plugins {
        let named = named(component, number)?;
        let answer = client
            .plugin_install_as(&named, &application(number), version)
            .await?;
        ensure!(
            answer.status.is_success(),
            "plug-in {number} was not installed: {}",
            answer.text()
        );
        if number % 100 == 99 {
            eprintln!("  {} in {:.0} s", number + 1, began.elapsed().as_secs_f64());
        }
    }
    Ok(began.elapsed().as_secs_f64() * 1e3 / f64::from(plugins))
}

/// Starts the server again: seconds until it listens, and MiB that it holds then.
async fn ready(system: &mut TestSystem) -> Result<(f64, f64)> {
    let began = Instant::now();
    system.server.restart(&[]).await?;
    let seconds = began.elapsed().as_secs_f64();
    Ok((seconds, process::memory(system.server.id())?.0))
}

/// The component under the application id of a number.
fn named(component: &[u8], number: u16) -> Result<Vec<u8>> {
    let mut named = component.to_vec();
    let places: Vec<usize> = component
        .windows(APPLICATION.len())
        .enumerate()
        .filter(|(_, window)| *window == APPLICATION.as_bytes())
        .map(|(place, _)| place + NUMBER_AT)
        .collect();
    ensure!(
        !places.is_empty(),
        "the component does not name {APPLICATION}"
    );
    let digits = format!("{number:04}");
    for place in places {
        for (byte, digit) in named.iter_mut().skip(place).zip(digits.bytes()) {
            *byte = digit;
        }
    }
    Ok(named)
}

fn application(number: u16) -> String {
    let (stem, _) = APPLICATION.split_at(NUMBER_AT);
    format!("{stem}{number:04}")
}

/// Seconds to map all compiled files of the server's folder.
fn map_alone(data: &Path, plugins: u16) -> Result<f64> {
    let folder = data.join("compiled/compiled");
    let files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    if files.len() != usize::from(plugins) {
        bail!("{} compiled files for {plugins} plug-ins", files.len());
    }
    let took = muster_plugin_host::map_alone(&files)?;
    Ok(took.as_secs_f64())
}

/// Microseconds of the first call that a plug-in gets, as the server counts it.
async fn first_call(client: &Client, application: &str) -> Result<f64> {
    let plugin: PluginView = client.get(&format!("/plugins/{application}")).await?;
    let types = plugin.task_types.into_iter();
    let mut groups = types.filter(|task_type| task_type.kinds.contains(&TaskKind::Group));
    let task_type = groups.next().context("no task type is for groups")?;
    let example = task_type.examples.into_iter().next();
    let task = TaskCreate {
        name: format!("Task of {application}"),
        application: application.into(),
        task_type: task_type.id,
        scope: ScopeRequest::Group {
            group: "/".into(),
            subgroups: true,
            excluded: Vec::new(),
            only: None,
            membership: muster_domain::scope::Membership::Fixed,
        },
        settings: example.map(|example| example.settings),
        time_limit: None,
        schedule: None,
        rollout: None,
        allow_plain: vec![],
    };
    client.task_create(&task).await?;
    let health: PluginHealthView = client
        .get(&format!("/plugins/{application}/health"))
        .await?;
    let validate = health
        .functions
        .iter()
        .find(|health| health.function == "validate")
        .context("the plug-in was not asked")?;
    ensure!(validate.calls == 1, "{} calls", validate.calls);
    Ok(validate.took.mean)
}
