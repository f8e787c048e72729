//! `cargo xtask conformance`: every way to misbehave that we know, put to the plug-in host.

use crate::place::Place;
use crate::setup;
use crate::step::{self, cargo};
use anyhow::Result;
use clap::Args;

#[derive(Args)]
pub(crate) struct Options {
    /// Only cases whose name holds this, such as `realloc` or `schema-`
    filter: Option<String>,
    /// One JSON object a line instead of a table: case, asked, contained, kind, text, took (ms)
    #[arg(long)]
    json: bool,
    /// Tell of all cases in Markdown, as docs/conformance.md has them, and run none
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    setup::toolchain()?;
    let place = Place::find()?;
    step::say("Conformance suite");
    let mut command = cargo();
    command.current_dir(&place.root).args([
        "run",
        "--quiet",
        "--package",
        "muster-conformance",
        "--",
    ]);
    command.args(&options.filter);
    if options.json {
        command.arg("--json");
    }
    if options.list {
        command.arg("--list");
    }
    step::run(&mut command)
}
