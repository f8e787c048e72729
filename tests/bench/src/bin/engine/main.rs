//! `cargo xtask bench engine`: what a call to a plug-in costs, and what it would cost elsewhere.
//!
//! [`subject`] is what is called: the `validate` and `translate` of ClamAV's plug-in, linked into
//! this program (native), loaded as the component that servers load, and answering JSON lines in a
//! process of its own ([`child`], this very program). [`calls`], [`threads`] and [`drift`] measure.

mod calls;
mod child;
mod drift;
mod reused;
mod subject;
mod threads;

use anyhow::Result;
use clap::Parser;
use muster_bench::machine;
use muster_bench::report::{self, Report};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Parser)]
#[command(about = "What a call to a plug-in costs")]
struct Line {
    #[command(flatten)]
    options: report::Options,
    /// The component to call; the one that `cargo xtask plugins` built if left out
    #[arg(long)]
    component: Option<std::path::PathBuf>,
}

/// How much of everything is measured.
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    /// Of one case in one round.
    pub(crate) turn: Duration,
    pub(crate) thread_rounds: usize,
    pub(crate) thread_turn: Duration,
}

fn main() -> ExitCode {
    // The two children are first and bare: what a process costs is measured, and the compiling one
    // limits itself before anything else.
    let mut arguments = std::env::args_os().skip(1);
    let told = match arguments.next() {
        Some(first) if first == subject::COMPILE => {
            return muster_plugin_host::compile_child_main(arguments);
        }
        Some(first) if first == child::ARGUMENT => child::serve(),
        _ => measure(&Line::parse()),
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(line: &Line) -> Result<()> {
    let effort = if line.options.quick {
        Effort {
            rounds: 15,
            turn: Duration::from_millis(6),
            thread_rounds: 5,
            thread_turn: Duration::from_millis(100),
        }
    } else {
        Effort {
            rounds: 101,
            turn: Duration::from_millis(12),
            thread_rounds: 21,
            thread_turn: Duration::from_millis(250),
        }
    };
    let machine = machine::describe();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    eprintln!("loading the plug-in");
    let subject = subject::Subject::load(&runtime, line.component.as_deref())?;

    // First of all, while the host is new: the tenth call is to be the tenth, and no batch has yet
    // left its pages behind in the slot of memory that single calls get.
    eprintln!("1 of 3: 100,000 calls one after the other");
    let drift = drift::measure(&subject)?;
    subject.check(&runtime)?;
    eprintln!("2 of 3: calls, {} rounds", effort.rounds);
    let mut measures = calls::measure(&subject, &runtime, &effort)?;
    eprintln!(
        "3 of 3: one thread and two, {} rounds",
        effort.thread_rounds
    );
    measures.extend(threads::measure(&subject, &effort)?);
    measures.extend(drift.measures);
    let report = Report {
        name: "engine",
        machine,
        measures,
        notes: vec![subject.describe(), drift.note],
    };
    report.tell(&line.options)
}
