//! `cargo xtask plugins`: the management plug-ins, from source to components.
//!
//! Each folder in `plugins/` becomes a component, `<target>/plugins/<its folder's name>.wasm`. Crates are
//! built for the wasm target with the profile `guest`, and their modules encoded; the others are in
//! `plugins/elsewhere.rs`.

mod c;
mod elsewhere;

use crate::place::Place;
use crate::setup::{self, WASM};
use crate::step::{self, cargo};
use anyhow::{Context, Result};
use cargo_metadata::Package;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// A component that was built.
pub(crate) struct Plugin {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    /// The application that it speaks for.
    pub(crate) application: String,
    pub(crate) version: String,
    /// Bytes.
    size: usize,
    /// `sha256:` and 64 hexadecimal digits, as the server tells it too.
    digest: String,
}

pub(crate) fn run() -> Result<()> {
    setup::toolchain()?;
    for plugin in build(&Place::find()?)? {
        let Plugin {
            path,
            name,
            size,
            digest,
            ..
        } = plugin;
        println!("{name:<12} {:>6} KiB  {digest}", size.div_ceil(1024));
        println!("{:12} {}", "", path.display());
    }
    Ok(())
}

/// Builds all of them, but for those whose language is not installed; that is told.
pub(crate) fn build(place: &Place) -> Result<Vec<Plugin>> {
    let mut plugins = build_rust(place)?;
    let folder = place.root.join("plugins");
    plugins.extend(elsewhere::build(place, &folder, &place.folder("plugins")?)?);
    languages(place)?;
    Ok(plugins)
}

/// Builds those of Rust.
pub(crate) fn build_rust(place: &Place) -> Result<Vec<Plugin>> {
    step::say("Management plug-ins");
    crates_of(
        place,
        &place.root.join("plugins"),
        &place.folder("plugins")?,
    )
}

/// Builds the one plug-in that tests and a bench have in every language.
fn languages(place: &Place) -> Result<()> {
    step::say("The same plug-in in every language");
    let (folder, into) = (
        place.root.join("tests/languages"),
        place.folder("tests/languages")?,
    );
    crates_of(place, &folder, &into)?;
    elsewhere::build(place, &folder, &into)?;
    c::build(place, &folder.join("c"), &into)
}

/// Builds the crates in a folder, each to a component with the name of its own folder.
fn crates_of(place: &Place, folder: &Path, into: &Path) -> Result<Vec<Plugin>> {
    // Each crate, and the name of its folder.
    let mut crates = Vec::new();
    for package in &place.workspace.packages {
        let home = package.manifest_path.as_std_path().parent();
        if let Some(home) = home.filter(|home| home.parent() == Some(folder)) {
            let home = home.file_name().unwrap_or_default().to_string_lossy();
            crates.push((package, home.into_owned()));
        }
    }
    for (package, _) in &crates {
        // One kind alone: for a component and a library at once cargo leaves `lto` out, without a word.
        let mut command = cargo();
        command
            .current_dir(&place.root)
            .args(["rustc", "--lib", "--crate-type", "cdylib"])
            .args(["--profile", "guest", "--target", WASM])
            .args(["--package", package.name.as_str()]);
        step::run(&mut command)?;
    }

    let built = place.target.join(WASM).join("guest");
    crates
        .into_iter()
        .map(|(package, name)| {
            let library = package.name.replace('-', "_");
            let module = built.join(library).with_extension("wasm");
            encode(&module, into, name, package)
        })
        .collect()
}

/// Makes a component of a module that holds the contract's types, as `wit-bindgen` puts them there.
fn encode(from: &Path, into: &Path, name: String, package: &Package) -> Result<Plugin> {
    let application = package.metadata.pointer("/muster/application");
    let application = application.and_then(serde_json::Value::as_str);
    let application = application.with_context(|| {
        format!(
            "{} has no application in package.metadata.muster",
            package.name
        )
    })?;
    let module = std::fs::read(from)
        .with_context(|| format!("cannot read the module {}", from.display()))?;
    let bytes = muster_plugin_component::encode(&module)
        .with_context(|| format!("cannot make a component of {}", from.display()))?;
    let path = into.join(&name).with_extension("wasm");
    put(&path, &bytes)?;
    Plugin::read(
        path,
        name,
        application.to_owned(),
        package.version.to_string(),
    )
}

/// A test that reads it meanwhile sees the old component or the new one, whole.
fn put(path: &Path, component: &[u8]) -> Result<()> {
    let new = path.with_extension("wasm.new");
    std::fs::write(&new, component)
        .and_then(|()| std::fs::rename(&new, path))
        .with_context(|| format!("cannot write the component {}", path.display()))
}

impl Plugin {
    fn read(path: PathBuf, name: String, application: String, version: String) -> Result<Self> {
        let bytes = std::fs::read(&path)
            .with_context(|| format!("cannot read the component {}", path.display()))?;
        Ok(Self {
            path,
            name,
            application,
            version,
            size: bytes.len(),
            digest: format!("sha256:{}", hex::encode(Sha256::digest(&bytes))),
        })
    }
}
