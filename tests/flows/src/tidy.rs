//! Files and rows of plug-ins: each belongs to the other.

use anyhow::{Context as _, Result, ensure};
use muster_api::plan::UploadView;
use muster_api::plugin::PluginView;
use muster_test_harness::{Client, TestSystem, until};
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;

/// Which revisions are kept, of all applications, and how they stand.
pub type State = BTreeMap<String, String>;

/// The revisions that a server keeps.
pub async fn revisions(client: &Client) -> Result<State> {
    let mut state = State::new();
    let plugins: Vec<PluginView> = client.list("/plugins", "").await?;
    for plugin in plugins {
        for revision in client.plugin_revisions(&plugin.application).await? {
            if revision.state != "removed" {
                state.insert(revision.digest, revision.state);
            }
        }
    }
    Ok(state)
}

/// Every component that is kept has its files, no file is of another one, and nothing is in the
/// gate. What nobody needs is removed a little later.
pub async fn tidy(system: &TestSystem) -> Result<()> {
    let uploads: Vec<UploadView> = system.client.list("/plugin-uploads", "").await?;
    let stuck: Vec<_> = uploads
        .iter()
        .filter(|upload| upload.state != "refused")
        .collect();
    ensure!(stuck.is_empty(), "still in the gate: {stuck:?}");
    let kept: BTreeSet<String> = revisions(&system.client)
        .await?
        .into_keys()
        .map(|digest| digest.trim_start_matches("sha256:").to_owned())
        .collect();
    until("the files to be those of the revisions", async || {
        let components = of_files(system, "components")?;
        let compiled = of_files(system, "compiled/compiled")?;
        Ok((components == kept && compiled == kept).then_some(()))
    })
    .await
    .with_context(|| {
        let of = |folder| of_files(system, folder);
        format!(
            "kept {kept:?}, {:?}, {:?}",
            of("components"),
            of("compiled/compiled")
        )
    })
}

/// The digests that the files of a folder begin with.
fn of_files(system: &TestSystem, folder: &str) -> Result<BTreeSet<String>> {
    let folder = system.server.data().join(folder);
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries.with_context(|| folder.display().to_string())?,
    };
    let mut digests = BTreeSet::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        digests.insert(name.chars().take(64).collect());
    }
    Ok(digests)
}
