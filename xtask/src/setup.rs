//! `cargo xtask setup`: gets a machine ready that has rustup and, at best, may install packages.

use crate::step::{self, cargo, ci, say, succeeds};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target of our plug-ins: without a system interface that no plug-in is given.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";
/// What `cargo build` alone makes a component for; the guests of tests are built for it.
const WASI: &str = "wasm32-wasip2";

/// A program and its Debian package on each line. Without them the rest still works, and what is
/// skipped is told.
const DRIVEN: &str = include_str!("../../tests/programs.txt");

/// Without them nothing is built: SQLite and the server's allocator are written in C.
const BUILDERS: [(&str, &str); 2] = [("cc", "gcc"), ("make", "make")];

/// Programs and their packages.
fn driven() -> impl Iterator<Item = (&'static str, &'static str)> {
    DRIVEN
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
}

pub(crate) fn run() -> Result<()> {
    say("Set-up");
    toolchain()?;
    packages()?;
    eprintln!("Ready.");
    Ok(())
}

/// The wasm targets, and the parts of the toolchain that `check` needs.
pub(crate) fn toolchain() -> Result<()> {
    for target in [WASM, WASI]
        .into_iter()
        .filter(|target| !has_target(target))
    {
        if !succeeds(Command::new("rustup").arg("--version")) {
            bail!(
                "the Rust target {target} is missing, and rustup, which could add it, is not installed. \
                 Install rustup, or your distribution's package of the Rust standard library for {target}"
            );
        }
        step::run(Command::new("rustup").args(["target", "add", target]))?;
    }
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !succeeds(cargo().args([subcommand, "--version"])) {
            step::run(Command::new("rustup").args(["component", "add", component]))?;
        }
    }
    Ok(())
}

fn has_target(target: &str) -> bool {
    Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

/// The packages of which a program is missing. Fails for what builds, and with `CI=true` for each.
fn packages() -> Result<()> {
    let is_missing = |program: &(&str, &str)| find(program.0).is_none();
    let mut missing: Vec<&str> = Vec::new();
    for (_, package) in BUILDERS.into_iter().chain(driven()).filter(is_missing) {
        if !missing.contains(&package) {
            missing.push(package);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing);
    if let Some((program, package)) = BUILDERS.into_iter().find(is_missing) {
        bail!(
            "there is no `{program}`, without which neither SQLite nor the server's allocator is built. Install the package {package}"
        );
    }
    let left: Vec<String> = driven()
        .filter(is_missing)
        .map(|(program, package)| format!("{program} (package {package})"))
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    let left = left.join(", ");
    if ci() {
        bail!("with CI=true nothing may be skipped, and these programs are missing: {left}");
    }
    eprintln!("Missing: {left}. What needs them will be skipped, and counted.");
    Ok(())
}

/// Tries to install, and says what to install where that cannot be.
pub(crate) fn install(packages: &[&str]) {
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    let by_hand = format!("apt-get {}", arguments.join(" "));
    if find("apt-get").is_none() || !(is_root() || may_sudo()) {
        eprintln!(
            "To have everything, run as root (on Debian; elsewhere the packages of the same programs):\n  {by_hand}"
        );
        return;
    }
    // The lists may be old or absent, and fetching them anew is slow: only when the first try fails.
    let done = step::run(&mut apt(&arguments)).or_else(|_| {
        step::run(&mut apt(&["update"]))?;
        step::run(&mut apt(&arguments))
    });
    if let Err(error) = done {
        eprintln!("{error:#}\nTo have everything, run as root:\n  {by_hand}");
    }
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new(if is_root() { "env" } else { "sudo" });
    if !is_root() {
        command.args(["-n", "env"]);
    }
    command
        .args(["DEBIAN_FRONTEND=noninteractive", "apt-get"])
        .args(arguments);
    command
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn may_sudo() -> bool {
    succeeds(Command::new("sudo").args(["-n", "true"]))
}

/// Looks a program up where a user's `PATH` may not lead: Debian keeps daemons in `sbin`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let folders = std::env::join_paths(std::env::split_paths(&path).chain(sbin)).ok()?;
    which::which_in(program, Some(folders), "/").ok()
}
