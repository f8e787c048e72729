//! Revisions that know other devices: the plan tells which are gained and lost, and devices see it.

use anyhow::{Context as _, Result, ensure};
use muster_api::plan::{ActivatedView, PlanView, RevisionActivate};
use muster_api::plugin::PluginView;
use muster_api::task::TaskView;
use muster_domain::Digest;
use muster_domain::delivery::DeliveryState;
use muster_flows::{
    CHANGING, CLAMAV, DETECTS, Device, SECOND_VERSION, Sweeper, changing_upload, scan,
    second_clamav, sweep, system_with_clamav,
};
use muster_test_harness::{TestSystem, until};
use serde_json::{Value, json};

#[tokio::test]
async fn devices_are_gained_and_lost_as_the_plan_says() -> Result<()> {
    let system = TestSystem::start().await?;
    let client = &system.client;
    changing_upload(&system, "1.0.0 devices-1", "")
        .await?
        .ok::<Value>()?;
    let mut lost = Sweeper::start(&system, "pc-1", "1.4").await?;
    let kept = Sweeper::start(&system, "pc-2", "2.0").await?;
    let gained = Sweeper::start(&system, "pc-3", "3.1").await?;
    let task = client
        .task_create(&sweep("all", json!({ "folder": "/srv" })))
        .await?;
    // Under way while the revisions change: one device is not there, and comes later.
    lost.agent.stop().await?;
    let open = client.task_start(task.id).await?.id;
    until("the devices that are there to be done", async || {
        let deliveries = client.deliveries(open).await?;
        let done = deliveries.iter().filter(|one| one.state.is_final()).count();
        Ok((done == 2).then_some(()))
    })
    .await?;
    ensure!(gained.swept().is_empty());

    let ready: PluginView = changing_upload(&system, "2.0.0 devices-2", "auto=true")
        .await?
        .ok()?;
    let plan = ready.plan.context("there is no plan")?;
    ensure!(!plan.clean);
    let [of_task] = plan.tasks.as_slice() else {
        anyhow::bail!("not one task: {plan:?}");
    };
    assert_eq!(of_task.effect, "changed");
    let mut told: Vec<_> = of_task
        .profiles
        .iter()
        .map(|profile| {
            let version = profile.application_version.as_deref().unwrap_or_default();
            (version, profile.support.as_str(), profile.devices)
        })
        .collect();
    told.sort_unstable();
    // The one that gets the same as before is not named.
    assert_eq!(told, [("1.4", "lost", 1), ("3.1", "gained", 1)]);
    for profile in &of_task.profiles {
        let reason = profile.reason.as_deref().context("no reason")?;
        ensure!(reason.contains("knows versions"), "{reason}");
    }
    let body = RevisionActivate {
        plan: Some(plan.id),
        ..RevisionActivate::default()
    };
    let activate = format!("/plugins/{CHANGING}/revisions/{}/activate", ready.digest);
    client.post(&activate, &body).await?.ok::<ActivatedView>()?;

    // What was under way, and what begins now: the same word for the device that was lost.
    lost.agent.start(&[])?;
    client.run_finished(open).await?;
    let next = client.task_start(task.id).await?.id;
    client.run_finished(next).await?;
    let state = |wanted: &str, run: Vec<muster_api::run::DeliveryView>| {
        let found = run.into_iter().find(|one| one.device_name == wanted);
        found.context("no delivery")
    };
    for run in [open, next] {
        let refused = state("pc-1", client.deliveries(run).await?)?;
        assert_eq!(refused.state, DeliveryState::NotSupported, "run {run}");
        let text = refused.cause_text.context("no cause")?;
        ensure!(
            text.contains("Release 2.0.0 knows versions 2 and 3"),
            "{text}"
        );
    }
    ensure!(lost.swept().is_empty());
    let before = state("pc-3", client.deliveries(open).await?)?;
    assert_eq!(before.state, DeliveryState::NotSupported);
    let now = state("pc-3", client.deliveries(next).await?)?;
    assert_eq!(now.state, DeliveryState::Succeeded);
    assert_eq!(gained.swept(), ["/srv"]);
    assert_eq!(kept.swept(), ["/srv", "/srv"]);
    Ok(())
}

#[tokio::test]
async fn without_devices_a_plan_does_not_say_that_commands_are_the_same() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    client.task_create(&scan("scan")).await?;
    let second = second_clamav(&system.programs)?;
    let digest = Digest::of(&second);
    let release = client.release(&second, CLAMAV, SECOND_VERSION).await?;
    let ready: PluginView = client.plugin_upload_with(release, "").await?.ok()?;
    let plan = ready.plan.context("there is no plan")?;
    let effect = |plan: &PlanView| plan.tasks.first().map(|task| task.effect.clone());
    assert_eq!(effect(&plan).as_deref(), Some("no-devices"));
    assert_eq!(plan.effects.get("no-devices"), Some(&1));
    assert_eq!(plan.effects.get("identical"), Some(&0));
    ensure!(plan.clean, "a task without devices stands in the way");
    let shown = system.muster(&["plugin", "plan", CLAMAV]).await?.ok()?.out;
    for told in [
        "no device in its scope has the application",
        "Tasks: 1 no-devices.",
        "commands were not compared",
    ] {
        ensure!(shown.contains(told), "{told} is not in {shown}");
    }

    // With a device there is a command to compare, and the plan of before is not good any more.
    let _device = Device::start(&system, "pc-1", DETECTS).await?;
    let at = format!("/plugins/{CLAMAV}/revisions/{digest}");
    let now: PlanView = client.get(&format!("{at}/plan")).await?;
    assert_eq!(effect(&now).as_deref(), Some("changed"));
    ensure!(!now.clean);
    let body = RevisionActivate {
        plan: Some(plan.id),
        ..RevisionActivate::default()
    };
    let answer = client.post(&format!("{at}/activate"), &body).await?;
    assert_eq!(answer.problem(409)?.code(), "plan-outdated");
    Ok(())
}

#[tokio::test]
async fn tasks_without_devices_do_not_keep_an_upgrade_from_going_to_work_by_itself() -> Result<()> {
    let system = TestSystem::start().await?;
    let client = &system.client;
    changing_upload(&system, "1.0.0", "").await?.ok::<Value>()?;
    let task = sweep("deep", json!({ "folder": "/srv", "deep": true }));
    let task = client.task_create(&task).await?;
    let answer = changing_upload(&system, "2.0.0 schema-2", "auto=true").await?;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let plan = answer
        .ok::<PluginView>()?
        .plan
        .context("there is no plan")?;
    let [of_task] = plan.tasks.as_slice() else {
        anyhow::bail!("not one task: {plan:?}");
    };
    assert_eq!(
        (of_task.effect.as_str(), of_task.settings.len()),
        ("no-devices", 4)
    );
    let task: TaskView = client.get(&format!("/tasks/{}", task.id)).await?;
    assert_eq!(task.settings, json!({ "path": "/srv", "mode": "full" }));
    Ok(())
}

#[tokio::test]
async fn what_is_not_valid_stands_in_the_way_without_devices_too() -> Result<()> {
    let system = TestSystem::start().await?;
    let client = &system.client;
    changing_upload(&system, "1.0.0", "").await?.ok::<Value>()?;
    for folder in ["/srv", "tmp"] {
        let task = sweep(folder, json!({ "folder": folder }));
        client.task_create(&task).await?;
    }
    let answer = changing_upload(&system, "2.0.0 schema-2", "auto=true").await?;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let ready: PluginView = answer.ok()?;
    let plan = ready.plan.context("there is no plan")?;
    let counted = ["no-devices", "invalid"].map(|effect| plan.effects.get(effect).copied());
    assert_eq!(counted, [Some(1), Some(1)]);
    Ok(())
}
