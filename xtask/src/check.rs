//! `cargo xtask check`: what can be said of the code without running it.

use crate::place::Place;
use crate::step::{self, cargo, ci};
use crate::{arrows, features, setup};
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::process::Command;

#[derive(Args)]
pub(crate) struct Options {
    /// Only these parts; all, if none is named
    parts: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// rustfmt
    Format,
    /// clippy, every warning an error, for the host and for plug-ins
    Lints,
    /// rustdoc, every warning an error
    Documentation,
    /// `cargo xtask arrows`
    Arrows,
    /// The tests that docs/features.md names are there
    Features,
    /// cargo-deny: licences, sources, banned crates and known weaknesses
    Dependencies,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    setup::toolchain()?;
    let place = Place::find()?;
    let parts = if options.parts.is_empty() {
        Part::value_variants()
    } else {
        &options.parts
    };
    // All parts, even after one failed: one pass tells everything that is to be mended.
    let failed: Vec<String> = parts
        .iter()
        .filter_map(|part| {
            let name = part
                .to_possible_value()
                .map(|value| value.get_name().to_owned())
                .unwrap_or_default();
            step::say(&format!("Check: {name}"));
            let error = part.run(&place).err()?;
            eprintln!("{error:#}");
            Some(name)
        })
        .collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    eprintln!("\nAll checks passed.");
    Ok(())
}

impl Part {
    fn run(self, place: &Place) -> Result<()> {
        match self {
            Self::Format => step::run(at(place).args(["fmt", "--all", "--check"])),
            Self::Lints => lints(place),
            Self::Documentation => step::run(
                at(place)
                    .args(["doc", "--workspace", "--no-deps"])
                    .env("RUSTDOCFLAGS", "-D warnings"),
            ),
            Self::Arrows => arrows::run(),
            Self::Features => features::run(&place.root),
            Self::Dependencies => dependencies(place),
        }
    }
}

fn at(place: &Place) -> Command {
    let mut command = cargo();
    command.current_dir(&place.root);
    command
}

fn lints(place: &Place) -> Result<()> {
    let strict = ["--", "-D", "warnings"];
    step::run(
        at(place)
            .args(["clippy", "--workspace", "--all-targets", "--all-features"])
            .args(strict),
    )?;
    // A server without a compiler in it is built apart.
    step::run(
        at(place)
            .args([
                "clippy",
                "--package",
                "muster-server",
                "--no-default-features",
            ])
            .args(strict),
    )?;
    // What is compiled for wasm alone is seen by no lint of the host.
    let mut guests = at(place);
    guests.args(["clippy", "--profile", "guest", "--target", setup::WASM]);
    for package in &place.workspace.packages {
        if package
            .targets
            .iter()
            .any(cargo_metadata::Target::is_cdylib)
        {
            guests.args(["--package", package.name.as_str()]);
        }
    }
    step::run(guests.args(strict))
}

fn dependencies(place: &Place) -> Result<()> {
    let Some(program) = deny()? else {
        eprintln!(
            "Left out: cargo-deny is not installed. `cargo install cargo-deny --locked` adds it."
        );
        return Ok(());
    };
    let deny = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.current_dir(&place.root).args(arguments);
        command
    };
    step::run(&mut deny(&["check", "bans", "licenses", "sources"]))?;
    // The list of known weaknesses is the one part that lives on the network. Its absence says
    // nothing about the change under test, so it does not fail; it is told.
    if step::run(&mut deny(&["fetch", "db"])).is_err() {
        eprintln!(
            "Left out: known weaknesses of dependencies; the advisory database cannot be fetched from here."
        );
        return Ok(());
    }
    step::run(&mut deny(&["check", "--disable-fetch", "advisories"]))
}

/// cargo-deny, from wherever it is; with `CI=true` it is built if it has to be.
fn deny() -> Result<Option<PathBuf>> {
    let tools = tools();
    let ours = tools.join("bin/cargo-deny");
    if ours.is_file() {
        return Ok(Some(ours));
    }
    if let Some(found) = setup::find("cargo-deny") {
        return Ok(Some(found));
    }
    if !ci() {
        return Ok(None);
    }
    step::run(
        cargo()
            .args(["install", "cargo-deny", "--locked", "--root"])
            .arg(&tools),
    )?;
    Ok(Some(ours))
}

/// Outlives checkouts and target folders, as building tools takes minutes.
fn tools() -> PathBuf {
    let home = std::env::home_dir().unwrap_or_default();
    home.join(".cache/muster/tools")
}
