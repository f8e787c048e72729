//! `cargo xtask fuzz`: bounded and repeatable fuzzing. What is guided by coverage is in `fuzz/`, see
//! docs/fuzzing.md.

use crate::place::Place;
use crate::step::{self, cargo};
use anyhow::Result;
use clap::Args;

#[derive(Args)]
pub(crate) struct Options {
    /// The targets; all if none is named
    targets: Vec<String>,
    /// Calls of each target, in place of its own number
    #[arg(long)]
    runs: Option<u32>,
    /// Where the changes begin; another number tries others
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let place = Place::find()?;
    step::say("Fuzzing");
    let mut command = cargo();
    command
        .current_dir(&place.root)
        .args(["run", "--package", "muster-fuzz", "--"])
        .args(["--seed", &options.seed.to_string()]);
    if let Some(runs) = options.runs {
        command.args(["--runs", &runs.to_string()]);
    }
    step::run(command.args(&options.targets))
}
