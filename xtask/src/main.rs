//! What developers type: `cargo xtask <command>`. One file for each command.
//!
//! A command prints every step that it takes, so that whoever reads along could do it by hand. What
//! it tells about itself goes to standard error; standard output is for results.

mod arrows;
mod bench;
mod check;
mod conformance;
mod demo;
mod digest;
mod features;
mod fuzz;
mod languages;
mod place;
mod plugins;
mod setup;
mod step;
mod test;

use clap::{Parser, Subcommand};

/// Developer commands of Muster. New here? `cargo xtask demo` shows the whole, `cargo xtask test`
/// proves it; both set up what they need.
#[derive(Parser)]
#[command(
    bin_name = "cargo xtask",
    after_help = "Everything is built into the target folder of cargo (CARGO_TARGET_DIR, or target/ in the checkout).\n\
                  With CI=true, a part that would be skipped for want of a program fails instead."
)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Get ready: the wasm target, rustfmt and clippy, the Debian packages that tests and demo drive, and the
    /// tools of plug-ins in Python and JavaScript
    Setup,
    /// Build the management plug-ins into the target folder's plugins/, and tell size and digest of each
    Plugins,
    /// Set up, build plug-ins and programs, run all tests, and say what was skipped and why
    Test(test::Options),
    /// Test what is written in Python and JavaScript: SDKs, templates, plug-ins, and what is made from the contract
    Languages,
    /// Judge the code without running it: format, lints, documentation, arrows, dependencies
    Check(check::Options),
    /// Fail if a crate depends upward or sideways in the map of ARCHITECTURE.md
    Arrows,
    /// Call what reads bytes of strangers with changed inputs, so many times and each time the same
    Fuzz(fuzz::Options),
    /// Measure: `engine`, `path`, …; results go to standard output
    Bench(bench::Options),
    /// Put every way to misbehave that we know to the plug-in host, and tell which it contains
    Conformance(conformance::Options),
    /// A server, a device, two applications and real scans, in a temporary folder
    Demo(demo::Options),
}

fn main() -> anyhow::Result<()> {
    match Line::parse().command {
        Command::Setup => setup::run().and_then(|()| languages::prepare(&place::Place::find()?)),
        Command::Plugins => plugins::run(),
        Command::Test(options) => test::run(&options),
        Command::Languages => languages::trial::run(&place::Place::find()?),
        Command::Check(options) => check::run(&options),
        Command::Arrows => arrows::run(),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Conformance(options) => conformance::run(&options),
        Command::Demo(options) => demo::run(&options),
    }
}
