//! The tools of plug-in authors who write Python or JavaScript: componentize-py by pip in a virtual
//! environment, `ComponentizeJS` and jco by npm, in the versions that the SDKs pin.
//!
//! They live in the cache of the user, by what is pinned: every checkout uses the same. In a checkout
//! `node_modules` of the JavaScript SDK is a link there. An author has them in the project's folder.

pub(crate) mod trial;

use crate::place::Place;
use crate::step::{self, ci, succeeds};
use crate::{digest, setup};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Written last, so that a folder without it is known to be half made.
const WHOLE: &str = "whole";

/// Both; what is missing is told, and with `CI=true` fails.
pub(crate) fn prepare(place: &Place) -> Result<()> {
    python(place)?;
    javascript(place).map(drop)
}

/// A Python with componentize-py, in a virtual environment of its own.
pub(crate) fn python(place: &Place) -> Result<Option<PathBuf>> {
    let [requirements, check] = ["requirements.txt", "requirements-check.txt"]
        .map(|name| place.root.join("sdk/python").join(name));
    let make = |folder: &Path| {
        let Some(system) = setup::find("python3") else {
            return Ok(false);
        };
        // Debian keeps the part that makes environments in a package of its own.
        if !succeeds(Command::new(&system).args(["-c", "import ensurepip, venv"])) {
            setup::install(&["python3-venv"]);
        }
        step::run(
            Command::new(&system)
                .args(["-m", "venv", "--clear"])
                .arg(folder),
        )?;
        step::run(
            Command::new(folder.join("bin/python"))
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                ])
                .arg("--requirement")
                .arg(&check),
        )?;
        Ok(true)
    };
    let tools = in_cache("python", &[&requirements, &check], make);
    let folder = told("componentize-py", "Python", tools)?;
    Ok(folder.map(|folder| folder.join("bin/python")))
}

/// A Node that finds `ComponentizeJS` and jco from the SDK's folder.
pub(crate) fn javascript(place: &Place) -> Result<Option<PathBuf>> {
    let sdk = place.root.join("sdk/javascript");
    let pinned = [".npmrc", "package.json", "package-lock.json"].map(|name| sdk.join(name));
    let make = |folder: &Path| {
        let (Some(_), Some(npm)) = (setup::find("node"), setup::find("npm")) else {
            return Ok(false);
        };
        for file in &pinned {
            let name = file.file_name().context("a file without a name")?;
            fs::copy(file, folder.join(name))
                .with_context(|| format!("cannot copy {}", file.display()))?;
        }
        // No scripts of packages run: what is pinned needs none, and they could do anything.
        step::run(Command::new(npm).current_dir(folder).args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]))?;
        Ok(true)
    };
    let files: Vec<&Path> = pinned.iter().map(PathBuf::as_path).collect();
    let tools = in_cache("javascript", &files, make);
    let Some(folder) = told("ComponentizeJS", "JavaScript", tools)? else {
        return Ok(None);
    };
    link(&folder.join("node_modules"), &sdk.join("node_modules"))?;
    Ok(setup::find("node"))
}

/// A folder in the cache for what these files pin, made if it is not there whole; none if `make` says
/// that the language is not installed.
fn in_cache(
    name: &str,
    pinned: &[&Path],
    make: impl FnOnce(&Path) -> Result<bool>,
) -> Result<Option<PathBuf>> {
    let digest = digest::of_files(pinned.iter().copied())?;
    let short = digest.get(..16).context("a digest is longer")?;
    let folder = place_of_tools().join(format!("{name}-{short}"));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // Two that prepare at once: the second waits, and finds it whole.
    let lock = fs::File::create(folder.with_extension("lock"))?;
    lock.lock()
        .with_context(|| format!("cannot lock {}", folder.display()))?;
    if folder.join(WHOLE).is_file() {
        return Ok(Some(folder));
    }
    step::say(&format!("Tools for plug-ins in {name}"));
    if !make(&folder)? {
        return Ok(None);
    }
    fs::write(folder.join(WHOLE), "").context("cannot mark the tools as whole")?;
    Ok(Some(folder))
}

/// Outlives checkouts and target folders, as the tools are hundreds of MiB.
fn place_of_tools() -> PathBuf {
    let home = std::env::home_dir().unwrap_or_default();
    home.join(".cache/muster/tools")
}

fn told(tool: &str, language: &str, made: Result<Option<PathBuf>>) -> Result<Option<PathBuf>> {
    let why = match made {
        Ok(Some(folder)) => return Ok(Some(folder)),
        Ok(None) => format!("{language} is not installed"),
        Err(error) => format!("{error:#}"),
    };
    if ci() {
        bail!("with CI=true nothing may be skipped, and there is no {tool}: {why}");
    }
    eprintln!("Left out: plug-ins in {language}, for want of {tool}: {why}");
    Ok(None)
}

/// Makes a link, unless a developer has a folder of their own there.
pub(crate) fn link(to: &Path, at: &Path) -> Result<()> {
    match fs::symlink_metadata(at) {
        Ok(there) if !there.is_symlink() => return Ok(()),
        Ok(_) if fs::read_link(at).is_ok_and(|leads| leads == to) => return Ok(()),
        Ok(_) => fs::remove_file(at).with_context(|| format!("cannot remove {}", at.display()))?,
        Err(_) => {}
    }
    if let Some(folder) = at.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::os::unix::fs::symlink(to, at).with_context(|| format!("cannot make {}", at.display()))
}
