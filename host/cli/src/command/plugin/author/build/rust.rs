//! Rust: cargo makes a module, which becomes a component.
//!
//! The target is `wasm32-unknown-unknown`: without the imports of a system interface that no plug-in is
//! given, a call is cheaper.

use super::{Made, tool};
use crate::failure::Failure;
use muster_plugin_component::{Metadata, encode};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";

const GET_RUST: &str =
    "Rust is got by rustup (https://rustup.rs) or as packages of your distribution";

/// A program of the toolchain, as the environment names it.
fn program(variable: &str, name: &str) -> Command {
    Command::new(std::env::var_os(variable).unwrap_or_else(|| name.into()))
}

pub(super) fn build(folder: &Path, profile: &str) -> Result<Made, Failure> {
    let manifest = folder.join("Cargo.toml");
    let package = Package::read(&manifest)?;
    let mut rustc = program("RUSTC", "rustc");
    // Where there is a `rust-toolchain.toml`, it decides.
    rustc
        .current_dir(folder)
        .args(["--print", "target-libdir", "--target", TARGET]);
    if !Path::new(&tool::output(&mut rustc, GET_RUST)?).is_dir() {
        return Err(Failure::Refused(format!(
            "the Rust target {TARGET} is missing: `rustup target add {TARGET}` gets it, or your distribution's package of the Rust standard library for it (Debian: libstd-rust-dev-wasm32)"
        )));
    }
    let mut cargo = program("CARGO", "cargo");
    // One kind alone: for a component and a library at once cargo leaves `lto` out, without a word.
    cargo
        .args(["rustc", "--lib", "--crate-type", "cdylib"])
        .args(["--target", TARGET, "--profile", profile])
        .args(["--package", &package.name])
        // Names that are not wanted are taken out of the component, whatever its language.
        .arg("--config")
        .arg(format!("profile.{profile}.strip=\"none\""))
        .arg("--manifest-path")
        .arg(&manifest);
    tool::run(&mut cargo, GET_RUST)?;
    let within = if profile == "dev" { "debug" } else { profile };
    let library = package
        .target
        .join(TARGET)
        .join(within)
        .join(&package.library);
    let library = library.with_extension("wasm");
    let module = std::fs::read(&library)
        .map_err(|cause| Failure::Refused(format!("cannot read {}: {cause}", library.display())))?;
    let component = encode(&module)
        .map_err(|error| Failure::Refused(format!("{}: {error}", library.display())))?;
    Ok(Made {
        name: package.library,
        component,
        metadata: package.metadata,
    })
}

/// What cargo says of the project.
struct Package {
    name: String,
    /// Of the library, as its file is named.
    library: String,
    /// Where cargo builds.
    target: PathBuf,
    metadata: Metadata,
}

impl Package {
    fn read(manifest: &Path) -> Result<Self, Failure> {
        let mut cargo = program("CARGO", "cargo");
        cargo
            .args([
                "metadata",
                "--no-deps",
                "--format-version",
                "1",
                "--manifest-path",
            ])
            .arg(manifest);
        let text = tool::output(&mut cargo, GET_RUST)?;
        let whole: Value = serde_json::from_str(&text).map_err(|error| {
            Failure::Refused(format!("what cargo says is not understood: {error}"))
        })?;
        let place = manifest
            .canonicalize()
            .unwrap_or_else(|_| manifest.to_owned());
        Self::of(&whole, &place).map_err(Failure::Usage)
    }

    fn of(whole: &Value, manifest: &Path) -> Result<Self, String> {
        let text = |value: &Value, name: &str| {
            let text = value.get(name).and_then(Value::as_str);
            text.map(str::to_owned)
        };
        let list = |value: &Value, name: &str| {
            let list = value.get(name).and_then(Value::as_array);
            list.cloned().unwrap_or_default()
        };
        let packages = list(whole, "packages");
        let is_it = |package: &&Value| {
            text(package, "manifest_path").is_some_and(|path| Path::new(&path) == manifest)
        };
        let package = packages.iter().find(is_it).ok_or_else(|| {
            format!(
                "{} is of a workspace, not of a plug-in; name the plug-in's own folder",
                manifest.display()
            )
        })?;
        let name = text(package, "name").unwrap_or_default();
        let is_component = |target: &&Value| {
            list(target, "crate_types")
                .iter()
                .any(|kind| kind == "cdylib")
        };
        let targets = list(package, "targets");
        let library = targets
            .iter()
            .find(is_component)
            .and_then(|target| text(target, "name"));
        let library = library.ok_or_else(|| {
            format!("{name} has no library of the kind that becomes a component: write `crate-type = [\"cdylib\", \"rlib\"]` in [lib] of {}", manifest.display())
        })?;
        let authors: Vec<String> = list(package, "authors")
            .iter()
            .filter_map(|author| author.as_str().map(str::to_owned))
            .collect();
        Ok(Self {
            library: library.replace('-', "_"),
            target: text(whole, "target_directory").unwrap_or_default().into(),
            metadata: Metadata {
                version: text(package, "version"),
                description: text(package, "description"),
                authors: Some(authors.join(", ")),
                licenses: text(package, "license"),
                source: text(package, "repository"),
                homepage: text(package, "homepage"),
                made_by: None,
            },
            name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(crate_types: &[&str], at: &str) -> Result<Package, String> {
        let whole = json!({
            "packages": [{
                "name": "a-b", "version": "1.2.0", "manifest_path": "/p/Cargo.toml",
                "authors": ["A", "B"], "license": "Apache-2.0", "repository": null,
                "targets": [
                    {"name": "build-script-build", "crate_types": ["bin"]},
                    {"name": "a_b", "crate_types": crate_types}
                ]
            }],
            "target_directory": "/p/target"
        });
        Package::of(&whole, Path::new(at))
    }

    #[test]
    fn a_plug_in_is_found_in_what_cargo_says() {
        let package = of(&["cdylib", "rlib"], "/p/Cargo.toml").unwrap();
        assert_eq!((&*package.name, &*package.library), ("a-b", "a_b"));
        assert_eq!(package.metadata.authors.as_deref(), Some("A, B"));
        assert_eq!(package.metadata.version.as_deref(), Some("1.2.0"));
    }

    #[test]
    fn what_becomes_no_component_is_told_with_the_remedy() {
        let error = of(&["lib"], "/p/Cargo.toml").err().unwrap();
        assert!(error.contains("crate-type"), "{error}");
        let error = of(&["cdylib"], "/q/Cargo.toml").err().unwrap();
        assert!(error.contains("own folder"), "{error}");
    }
}
