//! Builds components: crates of the workspace for the wasm target, with the profile `guest`.

use crate::place::Place;
use crate::setup::WASM;
use crate::step::{self, cargo};
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// A component that was built.
pub(crate) struct Guest {
    /// The name of its file, without `.wasm`.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// Bytes.
    pub(crate) size: usize,
    /// `sha256:` and 64 hexadecimal digits, as the server tells it too.
    pub(crate) digest: String,
}

/// Builds every workspace crate that lies in `folder` (`plugins`, say) and copies what comes of it
/// to the folder of the same name in the target folder.
///
/// A crate's library becomes `<crate's folder>.wasm`; each of its binaries, `<binary>.wasm`.
pub(crate) fn build(place: &Place, folder: &str) -> Result<Vec<Guest>> {
    let within = place.root.join(folder);
    let crates: Vec<_> = place
        .workspace
        .packages
        .iter()
        .filter(|package| package.manifest_path.as_std_path().starts_with(&within))
        .collect();
    let mut command = cargo();
    command
        .current_dir(&place.root)
        .args(["build", "--profile", "guest", "--target", WASM]);
    for package in &crates {
        command.args(["--package", package.name.as_str()]);
    }
    step::run(&mut command)?;

    let built = place.target.join(WASM).join("guest");
    let into = place.folder(folder)?;
    let mut guests = Vec::new();
    for package in crates {
        for target in package
            .targets
            .iter()
            .filter(|target| target.is_cdylib() || target.is_bin())
        {
            let (file, name) = if target.is_bin() {
                (target.name.clone(), target.name.clone())
            } else {
                (
                    target.name.replace('-', "_"),
                    folder_name(package.manifest_path.as_std_path()),
                )
            };
            guests.push(copy(&built.join(file).with_extension("wasm"), &into, name)?);
        }
    }
    Ok(guests)
}

fn folder_name(manifest: &Path) -> String {
    let folder = manifest
        .parent()
        .and_then(Path::file_name)
        .unwrap_or_default();
    folder.to_string_lossy().into_owned()
}

fn copy(from: &Path, into: &Path, name: String) -> Result<Guest> {
    let bytes = std::fs::read(from)
        .with_context(|| format!("cannot read the component {}", from.display()))?;
    let path = into.join(format!("{name}.wasm"));
    // A test that reads it meanwhile sees the old one or the new one, whole.
    let new = path.with_extension("wasm.new");
    std::fs::write(&new, &bytes)
        .and_then(|()| std::fs::rename(&new, &path))
        .with_context(|| format!("cannot write the component {}", path.display()))?;
    let digest = format!("sha256:{}", hex::encode(Sha256::digest(&bytes)));
    Ok(Guest {
        name,
        path,
        size: bytes.len(),
        digest,
    })
}
