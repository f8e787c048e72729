//! The files of revisions: what belongs to none goes, whoever put it there; and what an install is about
//! to refer to stays, whatever is cleaned meanwhile.

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use muster_api::plugin::PluginView;
use muster_domain::Digest;
use muster_flows::{CHANGING, changing, changing_release, changing_upload};
use muster_test_harness::{TestSystem, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

fn names(folder: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        names.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

#[tokio::test]
async fn files_that_belong_to_no_revision_go() -> Result<()> {
    let mut system = TestSystem::start().await?;
    changing_upload(&system, "1.0.0", "").await?.ok::<Value>()?;
    let components = system.server.data().join("components");
    let compiled = system.server.data().join("compiled/compiled");
    let ours = (names(&components)?, names(&compiled)?);
    ensure!(ours.0.len() == 2 && ours.1.len() == 1, "{ours:?}");
    let own = Digest::of(changing(&system.programs, "1.0.0")?).hex();
    let other = Digest::of(b"another").hex();
    let lay = || -> Result<()> {
        for name in [
            format!("{other}.wasm"),
            format!("{other}.0123456789ab.signed.tar"),
            format!("{own}.signed.tar"),
            format!("{own}.wasm.1.2.new"),
            "notes.txt".to_owned(),
        ] {
            std::fs::write(components.join(name), "left")?;
        }
        std::fs::write(
            compiled.join(format!("{other}-0123456789abcdef.cwasm")),
            "left",
        )?;
        Ok(())
    };
    let tidy = async || {
        until("the files to go", async || {
            let now = (names(&components)?, names(&compiled)?);
            Ok((now == ours).then_some(()))
        })
        .await
        .with_context(|| format!("{:?}, {:?}", names(&components), names(&compiled)))
    };
    // By a start, and by an install that came to nothing.
    lay()?;
    system.server.restart(&[]).await?;
    tidy().await?;
    lay()?;
    let refused = system
        .client
        .plugin_upload(b"no component".to_vec())
        .await?;
    ensure!(!refused.status.is_success());
    tidy().await?;
    Ok(())
}

#[tokio::test]
async fn what_an_install_is_about_to_refer_to_stays() -> Result<()> {
    let mut system = TestSystem::start().await?;
    let client = system.client.clone();
    changing_upload(&system, "1.0.0", "").await?.ok::<Value>()?;
    let versions: Vec<String> = (1..=6).map(|minor| format!("1.{minor}.0")).collect();
    let mut releases = Vec::new();
    for version in &versions {
        releases.push(changing_release(&system, version).await?);
    }
    // Each refusal has all files looked through, while the others are on their way.
    let installs = releases.into_iter().map(async |release| -> Result<String> {
        let ready: PluginView = client
            .plugin_upload_with(release, "hold=true")
            .await?
            .ok()?;
        Ok(ready.digest)
    });
    let refusals = (0..30).map(async |number: u32| -> Result<()> {
        let bytes = format!("no component {number}").into_bytes();
        let answer = client.plugin_upload(bytes).await?;
        ensure!(!answer.status.is_success());
        Ok(())
    });
    let (installed, _) = tokio::try_join!(try_join_all(installs), try_join_all(refusals))?;
    let folder = system.server.data();
    for digest in &installed {
        let hex = digest.trim_start_matches("sha256:");
        for folder in ["components", "compiled/compiled"] {
            let names = names(&system.server.data().join(folder))?;
            ensure!(
                names.iter().any(|name| name.starts_with(hex)),
                "{digest}: {names:?}"
            );
        }
    }
    ensure!(folder.is_dir());
    // Each can be put to work from its files alone.
    system.server.restart(&[]).await?;
    for digest in &installed {
        let activate = format!("/plugins/{CHANGING}/revisions/{digest}/activate");
        let body = json!({ "allow_downgrade": true });
        client.post(&activate, &body).await?.ok::<Value>()?;
    }
    Ok(())
}
