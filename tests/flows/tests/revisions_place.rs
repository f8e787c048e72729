//! Revisions, where the one that has the application's place cannot work: nothing can be compared with
//! it, and still nobody is surprised.

use anyhow::{Context as _, Result, ensure};
use muster_api::plan::{ActivatedView, PlanView, RevisionActivate};
use muster_api::plugin::PluginView;
use muster_domain::Digest;
use muster_flows::{CHANGING, PATIENT, Sweeper, changing, changing_upload, sweep};
use muster_test_harness::{Client, TestSystem, until};
use serde_json::{Value, json};

/// It never ends looking at the folder `/loop`.
const FIRST: &str = "1.0.0 loops";
const SECOND: &str = "2.0.0 schema-2";
/// One that was put aside stays there for the time of a test.
const RESTS: (&str, &str) = ("MUSTER_SERVER_REVISIONS_PROBE_AFTER", "3600");

async fn plugin(client: &Client) -> Result<PluginView> {
    client.get(&format!("/plugins/{CHANGING}")).await
}

async fn in_state(client: &Client, state: &str) -> Result<PluginView> {
    until("the plug-in to change its state", async || {
        let plugin = plugin(client).await?;
        Ok((plugin.state == state).then_some(plugin))
    })
    .await
}

/// A device, a task for it, and a plug-in that was put aside.
async fn system_without_its_first() -> Result<(TestSystem, Sweeper)> {
    let system = TestSystem::start_with(&[RESTS, PATIENT]).await?;
    let client = &system.client;
    changing_upload(&system, FIRST, "").await?.ok::<Value>()?;
    let device = Sweeper::start(&system, "pc-1", "1.4").await?;
    let task = sweep("deep", json!({ "folder": "/srv", "deep": true }));
    client.task_create(&task).await?;
    let endless = sweep("endless", json!({ "folder": "/loop" }));
    for _ in 0..5 {
        let answer = client.post("/tasks", &endless).await?;
        ensure!(!answer.status.is_success(), "it ended");
    }
    in_state(client, "quarantined").await?;
    Ok((system, device))
}

fn effects(plan: &PlanView) -> Vec<&str> {
    plan.tasks.iter().map(|task| task.effect.as_str()).collect()
}

#[tokio::test]
async fn what_replaces_a_plug_in_that_was_put_aside_waits_for_a_word_too() -> Result<()> {
    let (system, _device) = system_without_its_first().await?;
    let client = &system.client;
    let answer = changing_upload(&system, SECOND, "").await?;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let ready: PluginView = answer.ok()?;
    assert_eq!(ready.state, "ready");
    let plan = ready.plan.context("there is no plan")?;
    assert_eq!(plan.from_state.as_deref(), Some("quarantined"));
    assert_eq!(effects(&plan), ["uncompared"]);
    let [task] = plan.tasks.as_slice() else {
        anyhow::bail!("not one task");
    };
    let why = task.uncompared.as_deref().context("not why")?;
    ensure!(why.contains("No revision is at work"), "{why}");
    // What can be told is told: the settings, and that every device is served.
    ensure!(
        task.settings.len() == 4 && task.profiles.is_empty(),
        "{task:?}"
    );
    ensure!(plan.clean);
    assert_eq!(plugin(client).await?.state, "quarantined");

    // A device that it does not know, or a task that it does not take, is a loss.
    let words = "2.0.1 schema-2 devices-3";
    let answer = changing_upload(&system, words, "auto=true").await?;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let unfit: PluginView = answer.ok()?;
    let plan = unfit.plan.context("there is no plan")?;
    assert_eq!(effects(&plan), ["uncompared"]);
    let lost: Vec<_> = plan.tasks[0]
        .profiles
        .iter()
        .map(|profile| (profile.support.as_str(), profile.devices))
        .collect();
    assert_eq!(lost, [("lost", 1)]);
    ensure!(!plan.clean);
    let activate = format!("/plugins/{CHANGING}/revisions/{}/activate", unfit.digest);
    let problem = client.post(&activate, &json!({})).await?.problem(409)?;
    assert_eq!(problem.code(), "plan-not-clean");
    let outdated = json!({ "plan": Digest::of(b"another").to_string() });
    let problem = client.post(&activate, &outdated).await?.problem(409)?;
    assert_eq!(problem.code(), "plan-outdated");
    let body = RevisionActivate {
        plan: Some(plan.id),
        ..RevisionActivate::default()
    };
    let done: ActivatedView = client.post(&activate, &body).await?.ok()?;
    assert_eq!(done.plugin.state, "active");
    let tasks: Vec<muster_api::task::TaskView> = client.list("/tasks", "").await?;
    assert_eq!(tasks[0].settings, json!({ "path": "/srv", "mode": "full" }));
    Ok(())
}

#[tokio::test]
async fn where_nothing_is_lost_it_may_go_to_work_by_itself() -> Result<()> {
    let (mut system, _device) = system_without_its_first().await?;
    let client = system.client.clone();
    let answer = changing_upload(&system, SECOND, "auto=true").await?;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(plugin(&client).await?.version, "2.0.0");

    // The same where it cannot be loaded any more.
    let digest = Digest::of(changing(&system.programs, SECOND)?);
    system.server.stop().await?;
    let components = system.server.data().join("components");
    std::fs::write(components.join(format!("{}.wasm", digest.hex())), "damaged")?;
    std::fs::remove_dir_all(system.server.data().join("compiled/compiled"))?;
    system.server.restart(&[]).await?;
    in_state(&client, "failed").await?;
    let third = "3.0.0 schema-2";
    let ready: PluginView = changing_upload(&system, third, "").await?.ok()?;
    let plan = ready.plan.context("there is no plan")?;
    assert_eq!(
        (ready.state.as_str(), plan.from_state.as_deref()),
        ("ready", Some("failed"))
    );
    let lower = changing_upload(&system, "1.5.0", "auto=true").await?;
    assert_eq!(lower.problem(409)?.code(), "plugin-downgrade");
    let answer = changing_upload(&system, third, "auto=true").await?;
    assert_eq!(answer.status, 201, "{}", answer.text());
    Ok(())
}

#[tokio::test]
async fn safe_mode_takes_a_roll_back_and_the_next_start_puts_it_to_work() -> Result<()> {
    let mut system = TestSystem::start().await?;
    let client = system.client.clone();
    changing_upload(&system, "1.0.0", "").await?.ok::<Value>()?;
    changing_upload(&system, "2.0.0", "auto=true")
        .await?
        .ok::<Value>()?;
    let safe = [("MUSTER_SERVER_SAFE_MODE", "true")];
    system.server.restart(&safe).await?;
    let back = client.plugin_rollback(CHANGING).await?;
    assert_eq!(back.plugin.version, "1.0.0");
    let task = sweep("task", json!({ "folder": "/srv" }));
    let problem = client.post("/tasks", &task).await?.problem(409)?;
    assert_eq!(problem.reason.as_deref(), Some("safe-mode"));
    system.server.restart(&[]).await?;
    let running = plugin(&client).await?;
    assert_eq!(
        (running.version.as_str(), running.state.as_str()),
        ("1.0.0", "active")
    );
    client.task_create(&task).await?;
    Ok(())
}
