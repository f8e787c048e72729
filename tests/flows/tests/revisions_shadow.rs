//! A shadow that is ended while it is busy: its calls end and nobody hears of them.

use anyhow::{Context as _, Result, ensure};
use muster_api::plan::{RevisionView, ShadowView};
use muster_api::plugin::PluginView;
use muster_flows::{CHANGING, PATIENT, changing_upload, sweep};
use muster_test_harness::{Client, TestSystem, until};
use reqwest::Method;
use serde_json::{Value, json};

/// The revision's counts, if it is a shadow.
async fn counts(client: &Client, digest: &str) -> Result<Option<ShadowView>> {
    let all = client.plugin_revisions(CHANGING).await?;
    let found = all.into_iter().find(|one| one.digest == digest);
    Ok(found.context("it is not listed")?.shadow)
}

async fn shadow(client: &Client, method: Method, digest: &str) -> Result<RevisionView> {
    let at = format!("/plugins/{CHANGING}/revisions/{digest}/shadow");
    client.send(client.request(method, &at)).await?.ok()
}

#[tokio::test]
async fn a_shadow_that_is_ended_while_it_is_busy_leaves_nothing() -> Result<()> {
    let mut system = TestSystem::start_with(&[PATIENT]).await?;
    let client = system.client.clone();
    changing_upload(&system, "1.0.0", "").await?.ok::<Value>()?;
    // It looks at `/loop` until its time is over.
    let ready: PluginView = changing_upload(&system, "2.0.0 loops", "").await?.ok()?;
    let digest = ready.digest;
    let view = shadow(&client, Method::PUT, &digest).await?;
    assert_eq!(view.state, "shadow");
    let endless = sweep("endless", json!({ "folder": "/loop" }));
    let busy = until("the shadow to be busy", async || {
        client.task_create(&endless).await?;
        let counted = counts(&client, &digest).await?.context("no shadow")?;
        Ok((counted.validate.dropped > 0).then_some(counted))
    })
    .await?;
    ensure!(busy.validate.same == 0);

    let view = shadow(&client, Method::DELETE, &digest).await?;
    assert_eq!(
        (view.state.as_str(), view.shadow.is_none()),
        ("ready", true)
    );
    ensure!(counts(&client, &digest).await?.is_none());
    // What was under way ends somewhere, and is not counted to the one that begins now.
    shadow(&client, Method::PUT, &digest).await?;
    let made = 3;
    for _ in 0..made {
        client.task_create(&endless).await?;
    }
    let counted = until("each call to be counted", async || {
        let counted = counts(&client, &digest).await?.context("no shadow")?;
        let of = &counted.validate;
        let all = of.same + of.different + of.failed + of.dropped;
        Ok((all >= made).then_some((all, counted)))
    })
    .await?;
    assert_eq!(counted.0, made, "{:?}", counted.1);

    // Put to work while it is asked: then it is no shadow any more, and the server can still end.
    client.task_create(&endless).await?;
    let activate = format!("/plugins/{CHANGING}/revisions/{digest}/activate");
    let plan = format!("/plugins/{CHANGING}/revisions/{digest}/plan");
    let plan: Value = client.get(&plan).await?;
    let body = json!({ "plan": plan["id"] });
    client.post(&activate, &body).await?.ok::<Value>()?;
    ensure!(counts(&client, &digest).await?.is_none());
    system.server.stop().await?;
    Ok(())
}
