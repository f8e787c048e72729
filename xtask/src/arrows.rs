//! `cargo xtask arrows`: arrows between the workspace's crates point down.
//!
//! The map is in ARCHITECTURE.md. A crate's folder says its place on the map; what it depends on is
//! read from cargo. The second half keeps dependencies of others out of where they must not get.

mod kept_out;
mod map;

use crate::place::Place;
use anyhow::{Context, Result, bail};
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand};
use map::{Crate, Use};

pub(crate) fn run() -> Result<()> {
    let place = Place::find()?;
    let mut wrong = map::climbing(&crates(&place.workspace)?);
    wrong.extend(kept_out::found(&with_dependencies(&place)?));
    if !wrong.is_empty() {
        bail!(
            "{} wrong:\n  {}",
            counted(wrong.len(), "arrow"),
            wrong.join("\n  ")
        );
    }
    eprintln!("Arrows point down.");
    Ok(())
}

fn counted(number: usize, noun: &str) -> String {
    let ending = if number == 1 { " is" } else { "s are" };
    format!("{number} {noun}{ending}")
}

/// The workspace's crates with their arrows to each other.
fn crates(workspace: &Metadata) -> Result<Vec<Crate>> {
    let of_ours = |name: &str| {
        workspace
            .packages
            .iter()
            .any(|package| package.name == name)
    };
    let read = |package: &cargo_metadata::Package| {
        let folder = package
            .manifest_path
            .parent()
            .unwrap_or(&package.manifest_path);
        let folder = folder
            .strip_prefix(&workspace.workspace_root)
            .with_context(|| format!("{} lies outside of the workspace", package.name))?;
        let uses = package
            .dependencies
            .iter()
            .filter(|dependency| of_ours(&dependency.name));
        Ok(Crate {
            name: package.name.to_string(),
            folder: folder.to_string(),
            uses: uses
                .map(|dependency| Use {
                    name: dependency.name.clone(),
                    in_tests: dependency.kind == DependencyKind::Development,
                })
                .collect(),
        })
    };
    workspace.packages.iter().map(read).collect()
}

fn with_dependencies(place: &Place) -> Result<Metadata> {
    MetadataCommand::new()
        .manifest_path(place.root.join("Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .exec()
        .context("cannot read the dependencies of the workspace")
}
