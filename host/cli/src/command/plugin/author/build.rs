//! `muster plugin build`: from a project to a component.

mod javascript;
mod python;
mod rust;

use super::tool;
use crate::failure::Failure;
use crate::input::write_file;
use crate::output::{Output, cell};
use clap::Args;
use muster_domain::Digest;
use muster_plugin_component::{Metadata, annotate, strip};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Args)]
pub(crate) struct Build {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
    /// Where the component goes; a file in the project's folder, named after it, if left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Keep the names of functions, so that a trap is told with the functions that led to it
    #[arg(long)]
    names: bool,
    /// Rust: the profile to build with
    #[arg(long, default_value = "release", value_name = "PROFILE")]
    profile: String,
}

/// What a language's own tools made.
struct Made {
    /// The name of the file that it becomes.
    name: String,
    component: Vec<u8>,
    metadata: Metadata,
}

/// A component that was built.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) file: PathBuf,
    pub(super) size: usize,
    pub(super) digest: Digest,
    pub(super) took: Duration,
}

impl Build {
    /// What `muster plugin build DIR` does, with names for traps.
    pub(super) fn of(folder: PathBuf) -> Self {
        Self {
            folder,
            out: None,
            names: true,
            profile: "release".to_owned(),
        }
    }

    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let built = self.build()?;
        let file = built.file.display().to_string();
        if out.is_json() {
            return out.json(&json!({
                "file": file, "size": built.size, "digest": built.digest,
                "milliseconds": u64::try_from(built.took.as_millis()).unwrap_or(u64::MAX),
            }));
        }
        out.fields(vec![
            ("component", cell(&file)),
            ("size", cell(format!("{} KiB", built.size.div_ceil(1024)))),
            ("digest", cell(built.digest.to_string())),
            ("took", cell(format!("{:.1} s", built.took.as_secs_f64()))),
            ("next", cell(format!("muster plugin check {file}"))),
        ])
    }

    /// Builds, and writes the component.
    pub(super) fn build(&self) -> Result<Built, Failure> {
        let begun = Instant::now();
        let made = self.made()?;
        let file = match &self.out {
            Some(file) => file.clone(),
            None => self.folder.join(&made.name).with_extension("wasm"),
        };
        let metadata = Metadata {
            made_by: Some(("muster".to_owned(), env!("CARGO_PKG_VERSION").to_owned())),
            ..made.metadata
        };
        let component = strip(&made.component, self.names)
            .and_then(|bare| annotate(&bare, &metadata))
            .map_err(|error| {
                Failure::Refused(format!("what was built is not understood: {error}"))
            })?;
        write_file(&file, &component, 0o644)?;
        Ok(Built {
            file,
            size: component.len(),
            digest: Digest::of(&component),
            took: begun.elapsed(),
        })
    }

    fn made(&self) -> Result<Made, Failure> {
        let has = |file: &str| self.folder.join(file).is_file();
        if has("Cargo.toml") {
            return rust::build(&self.folder, &self.profile);
        }
        if has("pyproject.toml") {
            return python::build(&self.folder);
        }
        if has("package.json") {
            return javascript::build(&self.folder, self.names);
        }
        Err(Failure::Usage(format!(
            "{} holds no plug-in that can be built: it has no Cargo.toml, no pyproject.toml and no package.json. `muster plugin new NAME` begins one",
            shown(&self.folder)
        )))
    }
}

/// The name of a project's component, whatever its language allows in names.
fn file_name(project: &str) -> String {
    let name = project.rsplit('/').next().unwrap_or(project);
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    name.chars().map(plain).collect()
}

fn shown(folder: &Path) -> String {
    match folder.to_str() {
        Some("." | "") => "this folder".to_owned(),
        _ => folder.display().to_string(),
    }
}
