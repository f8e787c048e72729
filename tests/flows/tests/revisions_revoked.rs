//! Revisions that were revoked: none of them is asked anything, whether it is at work or only at hand.

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use muster_api::plan::RevisionView;
use muster_api::plugin::PluginView;
use muster_domain::Digest;
use muster_domain::delivery::DeliveryState;
use muster_flows::{CHANGING, Sweeper, changing_upload, sweep};
use muster_release::revocation::RevocationList;
use muster_test_harness::{Client, TestSystem};
use reqwest::Method;
use serde_json::{Value, json};

async fn revoke(client: &Client, number: u64, digests: &[&str]) -> Result<()> {
    let mut list = RevocationList::new(number, Timestamp::now());
    for digest in digests {
        let digest: Digest = digest.parse()?;
        list.digests
            .insert(digest, "it lies about what it found".into());
    }
    let import = client.vendor().await?.revocations(&list)?;
    client
        .post("/trust/revocations", &import)
        .await?
        .ok::<Value>()?;
    Ok(())
}

async fn row(client: &Client, digest: &str) -> Result<RevisionView> {
    let all = client.plugin_revisions(CHANGING).await?;
    let found = all.into_iter().find(|one| one.digest == digest);
    found.context("it is not listed")
}

#[tokio::test]
async fn a_revoked_revision_says_nothing_about_what_it_translated() -> Result<()> {
    let system = TestSystem::start().await?;
    let client = &system.client;
    let first: PluginView = changing_upload(&system, "1.0.0", "").await?.ok()?;
    let device = Sweeper::start(&system, "pc-1", "1.4").await?;
    let task = client
        .task_create(&sweep("task", json!({ "folder": "/srv" })))
        .await?;
    device.hold()?;
    let run = client.task_start(task.id).await?.id;
    client.delivery_in(run, DeliveryState::Running).await?;
    changing_upload(&system, "2.0.0", "auto=true")
        .await?
        .ok::<Value>()?;
    // It is loaded, and would say what came of it.
    revoke(client, 1, &[&first.digest]).await?;
    let why = row(client, &first.digest)
        .await?
        .revoked
        .context("not told")?;
    ensure!(why.contains("it lies"), "{why}");
    device.go_on()?;
    client.run_finished(run).await?;
    let deliveries = client.deliveries(run).await?;
    assert_eq!(deliveries[0].summary.as_deref(), Some("2.0.0 swept /srv"));
    let back = format!("/plugins/{CHANGING}/rollback");
    let problem = client.post(&back, &json!({})).await?.problem(422)?;
    assert_eq!(problem.code(), "release-revoked");
    Ok(())
}

#[tokio::test]
async fn a_revoked_shadow_is_none_any_more() -> Result<()> {
    let mut system = TestSystem::start().await?;
    let client = system.client.clone();
    changing_upload(&system, "1.0.0", "").await?.ok::<Value>()?;
    for (number, version) in [(1, "2.0.0"), (2, "3.0.0")] {
        let ready: PluginView = changing_upload(&system, version, "hold=true").await?.ok()?;
        let at = format!("/plugins/{CHANGING}/revisions/{}/shadow", ready.digest);
        let view: RevisionView = client.send(client.request(Method::PUT, &at)).await?.ok()?;
        assert_eq!(view.state, "shadow");
        revoke(&client, number, &[&ready.digest]).await?;
        let now = row(&client, &ready.digest).await?;
        assert_eq!((now.state.as_str(), now.shadow.is_none()), ("ready", true));
        ensure!(now.revoked.is_some());
        let told = client.events(0, "kind=plugin.ready").await?;
        let told = told.last().context("no event")?;
        ensure!(told.text.contains("it was revoked"), "{}", told.text);
        let again = client.send(client.request(Method::PUT, &at)).await?;
        assert_eq!(again.problem(422)?.code(), "release-revoked");
        system.server.restart(&[]).await?;
        assert_eq!(row(&client, &ready.digest).await?.state, "ready");
    }
    Ok(())
}
