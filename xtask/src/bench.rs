//! `cargo xtask bench <name>`: one of the measuring programs of `tests/bench`, in a release build.

use crate::place::Place;
use crate::step::{self, cargo};
use crate::{plugins, setup};
use anyhow::Result;
use clap::Args;

#[derive(Args)]
pub(crate) struct Options {
    /// What to measure: a program in tests/bench/src/bin, such as `engine` or `path`
    name: String,
    /// One JSON object a line instead of a table: measure, median, unit, ratio, of
    #[arg(long)]
    json: bool,
    /// Anything else that the program understands
    #[arg(last = true)]
    more: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    setup::toolchain()?;
    let place = Place::find()?;
    plugins::build(&place)?;
    step::say("Programs, release build");
    step::run(cargo().current_dir(&place.root).args([
        "build",
        "--release",
        "--package",
        "muster-bench",
        "--bins",
    ]))?;
    step::run(
        cargo()
            .current_dir(&place.root)
            .args(["build", "--release"])
            .args(PROGRAMS),
    )?;

    step::say(&format!("Measuring: {}", options.name));
    let mut command = cargo();
    command.current_dir(&place.root).args([
        "run",
        "--quiet",
        "--release",
        "--package",
        "muster-bench",
    ]);
    command.args(["--bin", &options.name, "--"]);
    if options.json {
        command.arg("--json");
    }
    step::run(command.args(&options.more))
}

/// The three programs, as arguments of `cargo build`.
pub(crate) const PROGRAMS: [&str; 6] = [
    "--package",
    "muster-server",
    "--package",
    "muster-agent",
    "--package",
    "muster-cli",
];
