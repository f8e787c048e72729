//! Where things are: the checkout, and what cargo builds.

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};
use std::path::{Path, PathBuf};

/// The checkout and its target folder.
pub(crate) struct Place {
    /// The workspace as cargo reads it, without its dependencies.
    pub(crate) workspace: Metadata,
    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Where cargo builds.
    pub(crate) target: PathBuf,
}

impl Place {
    pub(crate) fn find() -> Result<Self> {
        // The manifest of this very program, so that the command works from any folder.
        let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let workspace = MetadataCommand::new()
            .manifest_path(&manifest)
            .no_deps()
            .exec()
            .with_context(|| format!("cannot read the workspace of {}", manifest.display()))?;
        Ok(Self {
            root: workspace.workspace_root.clone().into_std_path_buf(),
            target: workspace.target_directory.clone().into_std_path_buf(),
            workspace,
        })
    }

    /// A folder of results inside the target folder, made if missing.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.target.join(name);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(folder)
    }
}

/// What is in a folder, sorted by name.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = std::fs::read_dir(folder).and_then(|list| {
        list.map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
    });
    let mut entries = listed.with_context(|| format!("cannot list {}", folder.display()))?;
    entries.sort();
    Ok(entries)
}
