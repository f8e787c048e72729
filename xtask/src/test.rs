//! `cargo xtask test`: everything that runs.
//!
//! A test that needs a program which is not installed is skipped, but never quietly: the harness
//! writes its name and its want to the file named by `MUSTER_SKIPPED`, and we sum it up.

use crate::bench::PROGRAMS;
use crate::languages;
use crate::place::Place;
use crate::step::{self, cargo};
use crate::{plugins, setup};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

#[derive(Args)]
pub(crate) struct Options {
    /// Run only tests whose name contains this
    filter: Option<String>,
    /// Only these crates; all, if none is named
    #[arg(long = "package", short)]
    packages: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    setup::run()?;
    let place = Place::find()?;
    plugins::build(&place)?;
    // A filter names tests of Rust.
    if options.filter.is_none() && options.packages.is_empty() {
        languages::trial::run(&place)?;
    }
    step::say("Programs, with the places where tests may have them killed");
    step::run(
        cargo()
            .current_dir(&place.root)
            .arg("build")
            .args(PROGRAMS)
            .args(crash_points(&place, &[])),
    )?;

    step::say("Tests");
    let skipped = place.folder("tests")?.join("skipped.txt");
    std::fs::write(&skipped, "").with_context(|| format!("cannot write {}", skipped.display()))?;
    let (all_well, counts) = tests(cargo_test(options, &place).env("MUSTER_SKIPPED", &skipped))?;
    summary(&counts, &skipped)?;
    if !all_well {
        bail!("tests failed; what failed is told above");
    }
    Ok(())
}

fn cargo_test(options: &Options, place: &Place) -> Command {
    let mut command = cargo();
    command
        .current_dir(&place.root)
        .args(["test", "--no-fail-fast"]);
    if options.packages.is_empty() {
        // The hostile guest runs in wasm only; the tests of the plug-in host build it.
        command.args(["--workspace", "--exclude", "muster-test-guests"]);
    }
    for package in &options.packages {
        command.args(["--package", package]);
    }
    // The same features as the programs were built with: cargo would build them anew without.
    command.args(crash_points(place, &options.packages));
    command.args(&options.filter);
    command
}

/// `--features` with `crash-points` of every crate that has it, among these packages (all if none
/// is named).
fn crash_points(place: &Place, among: &[String]) -> Option<String> {
    let features: Vec<String> = place
        .workspace
        .packages
        .iter()
        .filter(|package| package.features.contains_key("crash-points"))
        .map(|package| package.name.to_string())
        .filter(|name| among.is_empty() || among.contains(name))
        .map(|name| format!("{name}/crash-points"))
        .collect();
    (!features.is_empty()).then(|| format!("--features={}", features.join(",")))
}

/// How many tests ended how.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Counts {
    /// Adds what a test binary says at its end; other lines say nothing.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in counts.split("; ") {
            let Some((number, what)) = part.split_once(' ') else {
                continue;
            };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

/// Runs the tests, shows what they print, and counts.
fn tests(command: &mut Command) -> Result<(bool, Counts)> {
    eprintln!("$ {}", step::typed(command));
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let mut counts = Counts::default();
    let mut output = BufReader::new(child.stdout.take().context("cargo has no output")?);
    let mut line = Vec::new();
    while output
        .read_until(b'\n', &mut line)
        .context("cannot read what the tests print")?
        > 0
    {
        std::io::stdout().write_all(&line)?;
        counts.add(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    let status = child.wait().context("cannot wait for cargo")?;
    Ok((status.success(), counts))
}

fn summary(counts: &Counts, skipped: &Path) -> Result<()> {
    let skipped = std::fs::read_to_string(skipped)
        .with_context(|| format!("cannot read {}", skipped.display()))?;
    let skipped: Vec<&str> = skipped.lines().collect();
    step::say("Summary");
    // A skipped test ends well, so the test binaries counted it among those that passed.
    let skips = u64::try_from(skipped.len())?;
    eprintln!(
        "{} passed, {} failed, {} ignored, {skips} skipped for want of a program",
        counts.passed.saturating_sub(skips),
        counts.failed,
        counts.ignored
    );
    for line in skipped {
        eprintln!("  {line}");
    }
    Ok(())
}

#[cfg(test)]
mod tests_of_counts {
    use super::Counts;

    #[test]
    fn counts_what_test_binaries_say() {
        let mut counts = Counts::default();
        for line in [
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s",
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 5 filtered out; finished in 1.5s",
            "test arrows::a_test ... ok",
            "test result: odd",
        ] {
            counts.add(line);
        }
        assert_eq!(
            counts,
            Counts {
                passed: 13,
                failed: 2,
                ignored: 1
            }
        );
    }
}
