//! `cargo xtask fuzz`: bounded runs of the targets, repeatable by their seed.

use anyhow::{Context as _, Result};
use clap::Parser;
use muster_fuzz::{TARGETS, bounded, target};

/// Calls what reads bytes of strangers with changed inputs. The same arguments do the same.
#[derive(Parser)]
struct Line {
    /// The targets; all if none is named
    targets: Vec<String>,
    /// Calls of each, in place of its own number
    #[arg(long)]
    runs: Option<u32>,
    /// Where the changes begin
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> Result<()> {
    let line = Line::parse();
    let all = TARGETS.iter().map(|target| target.name.to_owned());
    let names = if line.targets.is_empty() {
        all.collect()
    } else {
        line.targets
    };
    let folder = std::env::temp_dir();
    for name in names {
        let known = || TARGETS.map(|target| target.name).join(", ");
        let target = target(&name)
            .with_context(|| format!("there is no target {name}; there are {}", known()))?;
        let runs = line.runs.unwrap_or(target.runs);
        let done = bounded::run(target, runs, line.seed, &folder)?;
        println!(
            "{name}: {} inputs, {} changes of them, {} accepted",
            done.corpus, done.runs, done.accepted
        );
    }
    Ok(())
}
