//! What the promise to plug-in authors is held by: components that every released SDK made, kept in
//! `released/`, and the contract as it was released, kept in `wit/`.
//!
//! This library builds components as authors do; the tests load them.

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use wit_component::ComponentEncoder;

const WASM: &str = "wasm32-unknown-unknown";

/// The folder of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Builds a plug-in in Rust, and makes a component of its module. Cargo does nothing if it is built
/// already.
pub fn build(manifest: &Path, package: &str, profile: &str) -> Result<Vec<u8>> {
    // A folder of its own: whoever runs this may hold the lock of the usual one.
    let target = target()?.join("guests");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["rustc", "--quiet", "--lib", "--target", WASM])
        // Without link-time optimisation it is a third larger, and cargo leaves that out for a crate
        // that is to be a library as well.
        .args(["--crate-type", "cdylib"])
        .args(["--package", package, "--profile", profile])
        .arg("--manifest-path")
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .context("cannot start cargo")?;
    ensure!(
        status.success(),
        "{package} does not build; `cargo xtask setup` adds the target {WASM}"
    );
    let module = target
        .join(WASM)
        .join(profile)
        .join(package.replace('-', "_"))
        .with_extension("wasm");
    let bytes =
        std::fs::read(&module).with_context(|| format!("cannot read {}", module.display()))?;
    ComponentEncoder::default()
        .module(&bytes)
        .and_then(ComponentEncoder::encode)
        .with_context(|| format!("cannot make a component of {}", module.display()))
}

/// The target folder that this very program was built into.
pub fn target() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    // A folder that was there before cargo came has no tag.
    let marks = ["CACHEDIR.TAG", ".rustc_info.json"];
    let marked = |folder: &&Path| marks.iter().any(|mark| folder.join(mark).exists());
    let found = program.ancestors().find(marked);
    Ok(found
        .context("this program does not lie in a target folder of cargo")?
        .to_owned())
}
