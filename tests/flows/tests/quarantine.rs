//! Quarantine: a plug-in that fails again and again is put aside, proves itself, and comes back; and
//! a server that starts without any plug-in.

use anyhow::{Context as _, Result};
use muster_api::plugin::PluginView;
use muster_api::plugin::health::PluginHealthView;
use muster_api::server::ServerView;
use muster_api::task::{ScopeRequest, TaskCreate};
use muster_conformance::rust;
use muster_flows::{CRASH_AT, killed};
use muster_test_harness::{Environment, TestSystem, until};
use serde_json::json;

const GUEST: &str = "org.example.guest";
/// One that was put aside stays there for the time of a test.
const RESTS: (&str, &str) = ("MUSTER_SERVER_REVISIONS_PROBE_AFTER", "3600");

fn told_to(word: &str) -> TaskCreate {
    TaskCreate {
        name: format!("Told to {word}"),
        application: GUEST.into(),
        task_type: "act".into(),
        scope: ScopeRequest::Group {
            group: "/".into(),
            subgroups: true,
            excluded: Vec::new(),
            only: None,
            membership: muster_domain::scope::Membership::Fixed,
        },
        settings: Some(json!({ "do": word })),
        time_limit: None,
        schedule: None,
        rollout: None,
        allow_plain: vec![],
    }
}

async fn system_with_guest(environment: Environment<'_>) -> Result<TestSystem> {
    let system = TestSystem::start_with(environment).await?;
    system
        .client
        .plugin_install_as(&rust::that("well")?, GUEST, "1.2.3")
        .await?
        .ok::<serde_json::Value>()?;
    Ok(system)
}

/// Five calls that trap, one after the other. The server may be gone with the last of them.
async fn fail_again_and_again(system: &TestSystem) -> Result<()> {
    for _ in 0..4 {
        let answer = system.client.post("/tasks", &told_to("trap")).await?;
        answer.problem(502)?;
    }
    let _ = system.client.post("/tasks", &told_to("trap")).await;
    Ok(())
}

async fn state(system: &TestSystem) -> Result<PluginView> {
    system.client.get(&format!("/plugins/{GUEST}")).await
}

async fn in_state(system: &TestSystem, wanted: &str) -> Result<PluginView> {
    until("the plug-in to change its state", async || {
        let plugin = state(system).await?;
        Ok((plugin.state == wanted).then_some(plugin))
    })
    .await
}

#[tokio::test]
async fn a_plug_in_that_fails_again_and_again_is_put_aside_and_proves_itself() -> Result<()> {
    let mut system = system_with_guest(&[RESTS]).await?;
    system.client.task_create(&told_to("nothing")).await?;
    fail_again_and_again(&system).await?;
    let aside = in_state(&system, "quarantined").await?;
    let reason = aside.reason.context("without a reason")?;
    assert!(reason.contains("validate: it trapped"), "{reason}");
    system.client.event(0, "plugin.quarantined").await?;
    let answer = system.client.post("/tasks", &told_to("nothing")).await?;
    let problem = answer.problem(409)?;
    assert_eq!(problem.code(), "application-without-plugin");
    assert_eq!(problem.reason.as_deref(), Some("quarantined"));

    // Its time to prove itself comes at the latest with a restart.
    system.server.restart(&[]).await?;
    in_state(&system, "active").await?;
    system.client.event(0, "plugin.recovered").await?;
    system.client.task_create(&told_to("nothing")).await?;
    let health: PluginHealthView = system
        .client
        .get(&format!("/plugins/{GUEST}/health"))
        .await?;
    assert!(health.functions.iter().any(|of| of.function == "validate"));
    Ok(())
}

#[tokio::test]
async fn a_quarantine_that_is_cut_short_is_whole() -> Result<()> {
    let mut system = system_with_guest(&[RESTS]).await?;
    let crash = [RESTS, (CRASH_AT, "quarantine.committed")];
    system.server.restart(&crash).await?;
    fail_again_and_again(&system).await?;
    killed(system.server.ended().await?)?;
    let crash = [(CRASH_AT, "quarantine.recovered")];
    // It is in quarantine, proves itself at once, and the server dies again.
    if system.server.restart(&crash).await.is_ok() {
        killed(system.server.ended().await?)?;
    }
    system.server.restart(&[]).await?;
    assert_eq!(state(&system).await?.state, "active");
    let events = system.client.events(0, "kind=plugin.quarantined").await?;
    assert_eq!(events.len(), 1);
    let events = system.client.events(0, "kind=plugin.recovered").await?;
    assert_eq!(events.len(), 1);
    system.client.task_create(&told_to("nothing")).await?;
    Ok(())
}

#[tokio::test]
async fn safe_mode_loads_nothing_and_forgets_nothing() -> Result<()> {
    let mut system = system_with_guest(&[]).await?;
    let safe = [("MUSTER_SERVER_SAFE_MODE", "true")];
    system.server.restart(&safe).await?;
    let answer = system.client.post("/tasks", &told_to("nothing")).await?;
    let problem = answer.problem(409)?;
    assert_eq!(problem.reason.as_deref(), Some("safe-mode"));
    assert!(state(&system).await?.safe_mode);
    let status = system.muster(&["status"]).await?.ok()?.out;
    for told in ["safe mode", "no plug-in is loaded", "without --safe-mode"] {
        assert!(status.contains(told), "{told} is not in {status}");
    }
    let told: ServerView = system.muster(&["status", "-o", "json"]).await?.json()?;
    assert!(told.safe_mode);
    system.server.restart(&[]).await?;
    let status = system.muster(&["status"]).await?.ok()?.out;
    assert!(!status.contains("safe mode"), "{status}");
    let plugin = state(&system).await?;
    assert_eq!((plugin.state.as_str(), plugin.safe_mode), ("active", false));
    system.client.task_create(&told_to("nothing")).await?;
    Ok(())
}
