//! Tests of what is written in Python and JavaScript: both SDKs, their templates, and the plug-ins.
//! And whether what is made from the contract, and kept beside the sources, is still what it makes.

use super::{javascript, link, python};
use crate::place::{Place, entries};
use crate::step;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files of a template that mean something where they lie have other names there.
const RENAMED: [(&str, &str); 2] = [("gitignore", ".gitignore"), ("npmrc", ".npmrc")];

/// A name, and everything that is made of it, for a trial of a template.
const FILLED: [(&str, &str); 6] = [
    ("{{name}}", "file-finder"),
    ("{{crate}}", "file_finder"),
    ("{{type}}", "FileFinder"),
    ("{{title}}", "File Finder"),
    ("{{application}}", "org.example.file-finder"),
    ("{{sdk}}", "muster-sdk"),
];

/// Runs all of them; those of a language that is not installed are left out, which is told.
pub(crate) fn run(place: &Place) -> Result<()> {
    same_contract(place)?;
    if let Some(node) = javascript(place)? {
        step::say("Tests in JavaScript");
        of_javascript(place, &node)?;
    }
    if let Some(program) = python(place)? {
        step::say("Tests in Python");
        of_python(place, &program)?;
    }
    Ok(())
}

/// Each SDK brings the contract along, as it is taken without the rest of the checkout.
fn same_contract(place: &Place) -> Result<()> {
    let contract = place.root.join("wit/v1");
    for copy in ["sdk/javascript/wit", "sdk/python/muster_sdk/wit"] {
        same(&contract, &place.root.join(copy), "copy wit/v1 there")?;
    }
    Ok(())
}

fn of_javascript(place: &Place, node: &Path) -> Result<()> {
    let sdk = place.root.join("sdk/javascript");
    let tool = |name: &str| sdk.join("node_modules/.bin").join(name);
    let types = made_folder(place, "types")?;
    step::run(
        Command::new(tool("jco"))
            .current_dir(&sdk)
            .args([
                "guest-types",
                "wit",
                "--world-name",
                "everything",
                "--quiet",
            ])
            .arg("--out-dir")
            .arg(&types),
    )?;
    same(
        &types,
        &sdk.join("types"),
        "run `npm run types` in sdk/javascript",
    )?;

    step::run(
        Command::new(node)
            .current_dir(&sdk)
            .args(["--test", "test/sdk.test.js"]),
    )?;
    let mut projects = projects(place, "package.json")?;
    projects.push(rendered(place, "javascript")?);
    for project in projects {
        link(&sdk, &project.join("node_modules/muster-sdk"))?;
        step::run(
            Command::new(tool("tsc"))
                .current_dir(&project)
                .args(["--project", "jsconfig.json"]),
        )?;
        step::run(
            Command::new(node)
                .current_dir(&project)
                .args(["--test", "test/plugin.test.js"]),
        )?;
    }
    Ok(())
}

fn of_python(place: &Place, program: &Path) -> Result<()> {
    let sdk = place.root.join("sdk/python");
    let bindings = made_folder(place, "bindings")?;
    step::run(
        Command::new(program.with_file_name("componentize-py"))
            .arg("--wit-path")
            .arg(sdk.join("muster_sdk/wit"))
            .args(["--world", "everything", "--quiet", "bindings"])
            .arg(&bindings),
    )?;
    // They are for functions that wait, which the contract has none of.
    for none_of_ours in ["componentize_py_async_support", "poll_loop.py"] {
        let path = bindings.join(none_of_ours);
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.with_context(|| format!("cannot remove {}", path.display()))?;
    }
    let how = "make them anew by `componentize-py bindings`, as xtask/src/languages/trial.rs does";
    same(&bindings, &sdk.join("muster_sdk/bindings"), how)?;

    let at = |folder: &Path| {
        let mut command = Command::new(program);
        command
            .current_dir(folder)
            .env("PYTHONPATH", &sdk)
            .env("MYPYPATH", &sdk)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .arg("-m");
        command
    };
    step::run(at(&sdk).arg("unittest"))?;
    let cache = made_folder(place, "mypy")?;
    let judge = |folder: &Path, what: &[&str]| {
        step::run(
            at(folder)
                .arg("mypy")
                .arg("--config-file")
                .arg(sdk.join("pyproject.toml"))
                .arg("--cache-dir")
                .arg(&cache)
                .args(what),
        )
    };
    judge(&sdk, &[])?;
    let template = rendered(place, "python")?;
    judge(&template, &["plugin.py"])?;
    step::run(at(&template).arg("unittest"))?;
    for project in projects(place, "pyproject.toml")? {
        let module = format!(
            "muster_{}",
            project.file_name().unwrap_or_default().to_string_lossy()
        );
        judge(&project, &["--package", &module])?;
        step::run(at(&project).arg("unittest"))?;
    }
    Ok(())
}

/// The plug-ins with such a manifest.
fn projects(place: &Place, manifest: &str) -> Result<Vec<PathBuf>> {
    let folder = place.root.join("plugins");
    Ok(entries(&folder)?
        .into_iter()
        .filter(|home| home.join(manifest).is_file())
        .collect())
}

/// A project as it is begun with the template of a language.
fn rendered(place: &Place, language: &str) -> Result<PathBuf> {
    let project = made_folder(place, &format!("{language}-project"))?;
    // What every language gets, and what is its own.
    for template in ["template", &format!("{language}/template")] {
        copy(&place.root.join("sdk").join(template), &project, &|text| {
            FILLED
                .into_iter()
                .fold(text, |text, (mark, value)| text.replace(mark, value))
        })?;
    }
    Ok(project)
}

fn copy(from: &Path, to: &Path, change: &impl Fn(String) -> String) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in entries(from)? {
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        let name = name.strip_suffix(".template").unwrap_or(&name);
        let renamed = RENAMED.iter().find(|(there, _)| *there == name);
        let target = to.join(renamed.map_or(name, |(_, here)| here));
        if entry.is_dir() {
            copy(&entry, &target, change)?;
        } else {
            let text = fs::read_to_string(&entry)
                .with_context(|| format!("cannot read {}", entry.display()))?;
            fs::write(&target, change(text))
                .with_context(|| format!("cannot write {}", target.display()))?;
        }
    }
    Ok(())
}

/// An empty folder in the target folder.
fn made_folder(place: &Place, name: &str) -> Result<PathBuf> {
    let folder = place.folder("languages")?.join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// Whether two folders hold the same files; the error names the first that differs.
fn same(one: &Path, other: &Path, remedy: &str) -> Result<()> {
    let names = |folder: &Path| -> Result<Vec<String>> {
        Ok(entries(folder)?
            .iter()
            .filter_map(|path| path.file_name()?.to_str().map(str::to_owned))
            .filter(|name| name != "__pycache__")
            .collect())
    };
    let there = names(one)?;
    ensure!(
        there == names(other)?,
        "{} does not hold what it should: {remedy}",
        other.display()
    );
    for name in there {
        let (one, other) = (one.join(&name), other.join(&name));
        if one.is_dir() {
            same(&one, &other, remedy)?;
            continue;
        }
        let read =
            |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        ensure!(
            read(&one)? == read(&other)?,
            "{} is not what it should be: {remedy}",
            other.display()
        );
    }
    Ok(())
}
