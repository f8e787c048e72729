//! A server that has no code of a plug-in, or damaged code, has it compiled while it works.

use anyhow::{Context as _, Result, ensure};
use muster_api::plugin::PluginView;
use muster_domain::delivery::DeliveryState;
use muster_flows::{AIDE, CLAMAV, DETECTS, Device, scan, system_with_clamav};
use muster_test_harness::{TestSystem, until};
use std::path::PathBuf;

/// The one file of compiled code.
fn compiled(system: &TestSystem) -> Result<PathBuf> {
    let folder = system.server.data().join("compiled/compiled");
    let mut files = std::fs::read_dir(&folder)?;
    let file = files.next().context("nothing is compiled")??;
    ensure!(files.next().is_none(), "more than one file is there");
    Ok(file.path())
}

async fn is_compiled(system: &TestSystem) -> Result<()> {
    until("the plug-in to be compiled", async || {
        let plugin: PluginView = system.client.get(&format!("/plugins/{CLAMAV}")).await?;
        ensure!(plugin.state == "active", "it is {}", plugin.state);
        Ok((!plugin.compiling).then_some(()))
    })
    .await
}

#[tokio::test]
async fn without_its_code_a_plug_in_is_compiled_anew_and_a_run_goes_on() -> Result<()> {
    let mut system = system_with_clamav().await?;
    let client = system.client.clone();
    let device = Device::start(&system, "pc-1", DETECTS).await?;
    client.group_create("Office", None).await?;
    let task = client.task_create(&scan("scan")).await?;
    system.server.stop().await?;
    std::fs::remove_file(compiled(&system)?)?;
    system.server.restart(&[]).await?;
    // Whether it is compiled by now or not: the run waits for it.
    let run = client.task_start(task.id).await?.id;
    let finished = client.run_finished(run).await?;
    assert_eq!(finished.counts, [(DeliveryState::Warning, 1)].into());
    assert_eq!(device.lines("effects"), 1);
    is_compiled(&system).await?;
    assert_eq!(client.events(0, "kind=plugin.recompiled").await?.len(), 1);
    let compiled = client.metric("muster_plugins_compiled_total").await?;
    assert!((compiled - 1.0).abs() < 0.1, "compiled {compiled} times");
    Ok(())
}

#[tokio::test]
async fn damaged_code_is_found_by_the_first_call_and_others_serve_meanwhile() -> Result<()> {
    let mut system = system_with_clamav().await?;
    let client = system.client.clone();
    client.group_create("Office", None).await?;
    let file = compiled(&system)?;
    let good = std::fs::read(&file)?;
    client
        .plugin_install(system.programs.plugin("aide")?.as_ref())
        .await?;
    system.server.stop().await?;
    let (half, _) = good.split_at(good.len() / 2);
    std::fs::write(&file, half)?;
    system.server.restart(&[]).await?;

    let answer = client.post("/tasks", &scan("first")).await?;
    let problem = answer.problem(503)?;
    assert_eq!(problem.code(), "plugin-compiling");
    let aide: PluginView = client.get(&format!("/plugins/{AIDE}")).await?;
    assert!(!aide.compiling && aide.state == "active");
    client.event(0, "plugin.recompiled").await?;
    is_compiled(&system).await?;
    client.task_create(&scan("second")).await?;
    assert_eq!(std::fs::read(&file)?.len(), good.len());
    Ok(())
}

#[tokio::test]
async fn one_that_cannot_be_compiled_any_more_is_told_and_others_are_not_held_up() -> Result<()> {
    let mut system = system_with_clamav().await?;
    let client = system.client.clone();
    client.group_create("Office", None).await?;
    system.server.stop().await?;
    std::fs::remove_file(compiled(&system)?)?;
    for entry in std::fs::read_dir(system.server.data().join("components"))? {
        std::fs::remove_file(entry?.path())?;
    }
    system.server.restart(&[]).await?;
    client.event(0, "plugin.failed").await?;
    let plugin: PluginView = client.get(&format!("/plugins/{CLAMAV}")).await?;
    assert_eq!(plugin.state, "failed");
    let reason = plugin.reason.context("without a reason")?;
    assert!(reason.contains("cannot read"), "{reason}");
    let answer = client.post("/tasks", &scan("none")).await?;
    assert_eq!(answer.problem(409)?.code(), "application-without-plugin");
    Ok(())
}
