//! Plug-ins that are not of Rust: the SDK of their language makes the component.
//!
//! That takes ten to thirty seconds each, so a component is made again only when something that gets
//! into it has changed.

use super::Plugin;
use crate::place::{self, Place};
use crate::step;
use crate::{digest, languages};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A plug-in's folder, by what its manifest says.
struct Source {
    name: String,
    folder: PathBuf,
    version: String,
    application: String,
    language: Language,
}

enum Language {
    JavaScript,
    Python,
}

/// Of `package.json`, and of `[project]` and `[tool]` in `pyproject.toml`.
#[derive(Deserialize)]
struct Package {
    version: String,
    muster: Muster,
}

#[derive(Deserialize)]
struct Project {
    project: Versioned,
    tool: Tool,
}

#[derive(Deserialize)]
struct Versioned {
    version: String,
}

#[derive(Deserialize)]
struct Tool {
    muster: Muster,
}

#[derive(Deserialize)]
struct Muster {
    application: String,
}

/// Builds those in a folder whose tools are there.
pub(super) fn build(place: &Place, folder: &Path, into: &Path) -> Result<Vec<Plugin>> {
    let mut built = Vec::new();
    for source in sources(folder)? {
        let path = into.join(&source.name).with_extension("wasm");
        let made_of = into.join(&source.name).with_extension("made-of");
        let digest = source.digest(place)?;
        let up_to_date =
            path.is_file() && fs::read_to_string(&made_of).is_ok_and(|kept| kept == digest);
        if !up_to_date {
            if !source.make(place, &path)? {
                continue;
            }
            fs::write(&made_of, &digest)
                .with_context(|| format!("cannot write {}", made_of.display()))?;
        }
        built.push(Plugin::read(
            path,
            source.name,
            source.application,
            source.version,
        )?);
    }
    Ok(built)
}

fn sources(folder: &Path) -> Result<Vec<Source>> {
    let homes = place::entries(folder)?;
    let mut sources = Vec::new();
    for home in homes {
        sources.extend(source(home)?);
    }
    Ok(sources)
}

fn source(folder: PathBuf) -> Result<Option<Source>> {
    let name = folder.file_name().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let read = |manifest: &Path| {
        fs::read_to_string(manifest).with_context(|| format!("cannot read {}", manifest.display()))
    };
    let (package, project) = (folder.join("package.json"), folder.join("pyproject.toml"));
    let (version, muster, language) = if package.is_file() {
        let Package { version, muster } = serde_json::from_str(&read(&package)?)
            .with_context(|| format!("{} says too little", package.display()))?;
        (version, muster, Language::JavaScript)
    } else if project.is_file() {
        let Project { project: of, tool } = toml::from_str(&read(&project)?)
            .with_context(|| format!("{} says too little", project.display()))?;
        (of.version, tool.muster, Language::Python)
    } else {
        return Ok(None);
    };
    Ok(Some(Source {
        name,
        folder,
        version,
        application: muster.application,
        language,
    }))
}

impl Source {
    fn digest(&self, place: &Place) -> Result<String> {
        let sdk = match self.language {
            Language::JavaScript => "sdk/javascript",
            Language::Python => "sdk/python",
        };
        digest::of_folders(&[place.root.join(sdk), self.folder.clone()])
    }

    /// Makes the component; false if the tools are not there, which was told then.
    fn make(&self, place: &Place, path: &Path) -> Result<bool> {
        let mut command = match &self.language {
            Language::JavaScript => {
                let Some(node) = languages::javascript(place)? else {
                    return Ok(false);
                };
                let sdk = place.root.join("sdk/javascript");
                languages::link(&sdk, &self.folder.join("node_modules/muster-sdk"))?;
                let mut command = Command::new(node);
                command.arg(sdk.join("bin/muster-sdk.js")).arg("build");
                command
            }
            Language::Python => {
                let Some(python) = languages::python(place)? else {
                    return Ok(false);
                };
                let mut command = Command::new(python);
                command
                    .env("PYTHONPATH", place.root.join("sdk/python"))
                    .env("PYTHONDONTWRITEBYTECODE", "1")
                    .args(["-m", "muster_sdk", "build"]);
                command
            }
        };
        step::run(command.current_dir(&self.folder).arg("--output").arg(path))?;
        Ok(true)
    }
}
