//! Crash, where no run is under way: first start, enrollment, installing, submitting, stopping.

use anyhow::{Context as _, Result};
use muster_api::plugin::PluginView;
use muster_api::run::RunView;
use muster_api::task::TaskView;
use muster_domain::delivery::{Cause, DeliveryState};
use muster_flows::{
    CLAMAV, CRASH_AT, Device, WAITS_THEN_DETECTS, killed, scan, system_with_clamav,
};
use muster_test_harness::{Programs, TestSystem, folder};
use reqwest::Method;
use std::process::Command;

#[tokio::test]
async fn a_first_start_that_is_cut_short_is_made_again() -> Result<()> {
    let folder = folder()?;
    let status = Command::new(Programs::find()?.server)
        .arg("--data")
        .arg(folder.path().join("server"))
        .args(["--listen", "127.0.0.1:0"])
        .env(CRASH_AT, "server.keys-made")
        .status()?;
    killed(status)?;
    // The token and the fingerprint are told, and they are good.
    let system = TestSystem::start_in(folder, &[]).await?;
    system.agent("pc-1", None).await?;
    system.client.device("pc-1").await?;
    Ok(())
}

#[tokio::test]
async fn an_enrollment_that_is_cut_short_is_made_again_with_the_same_token() -> Result<()> {
    let mut system = TestSystem::start().await?;
    let crash = [(CRASH_AT, "enroll.before-commit")];
    system.server.restart(&crash).await?;
    let token = system.client.enrollment_token(None).await?;
    assert!(system.agent_by("pc-1", &token).is_err());
    killed(system.server.ended().await?)?;
    system.server.restart(&[]).await?;
    assert!(system.client.device("pc-1").await.is_err());
    let mut agent = system.agent_by("pc-1", &token)?;
    agent.start(&[])?;
    system.client.device_online("pc-1").await?;
    assert!(system.agent_by("pc-2", &token).is_err());
    Ok(())
}

#[tokio::test]
async fn an_install_that_is_cut_short_is_whole_or_was_never_begun() -> Result<()> {
    let mut system = TestSystem::start().await?;
    let component = system.programs.plugin("clamav")?;
    for (place, there) in [("install.component-kept", 0), ("install.committed", 1)] {
        system.server.restart(&[(CRASH_AT, place)]).await?;
        let installed = system.client.plugin_install(&component).await;
        assert!(installed.is_err(), "{place}");
        killed(system.server.ended().await?)?;
        system.server.restart(&[]).await?;
        let plugins: Vec<PluginView> = system.client.list("/plugins", "").await?;
        assert_eq!(plugins.len(), there, "{place}");
        let events = system.client.events(0, "kind=plugin.installed").await?;
        assert_eq!(events.len(), there, "{place}");
    }
    // What is there works, and the same once more changes nothing.
    let installed = system.client.plugin_install(&component).await?;
    assert_eq!(
        (installed.application.as_str(), installed.state.as_str()),
        (CLAMAV, "active")
    );
    system.client.task_create(&scan("scan")).await?;
    let events = system.client.events(0, "kind=plugin.installed").await?;
    assert_eq!(events.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_task_whose_submission_is_cut_short_is_not_there() -> Result<()> {
    let mut system = system_with_clamav().await?;
    system
        .server
        .restart(&[(CRASH_AT, "submit.before-commit")])
        .await?;
    assert!(system.client.task_create(&scan("scan")).await.is_err());
    killed(system.server.ended().await?)?;
    system.server.restart(&[]).await?;
    let tasks: Vec<TaskView> = system.client.list("/tasks", "").await?;
    assert!(tasks.is_empty(), "{tasks:?}");
    assert!(
        system
            .client
            .events(0, "kind=task.created")
            .await?
            .is_empty()
    );
    let task = system.client.task_create(&scan("scan")).await?;
    assert_eq!(task.revision, 1);
    Ok(())
}

#[tokio::test]
async fn a_stop_that_was_committed_reaches_the_device_after_the_restart() -> Result<()> {
    let mut system = system_with_clamav().await?;
    let mut device = Device::start(&system, "pc-1", WAITS_THEN_DETECTS).await?;
    let crash = [(CRASH_AT, "dispatch.wanted-committed")];
    system.server.restart(&crash).await?;
    let client = system.client.clone();
    // What the agent does while its server is away is of no interest here.
    device.restart(&[])?;
    client.device_online("pc-1").await?;
    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?;
    client.delivery_in(run.id, DeliveryState::Running).await?;
    let stop = client.request(Method::POST, &format!("/runs/{}/stop", run.id));
    assert!(client.send(stop).await.is_err());
    killed(system.server.ended().await?)?;
    system.server.restart(&[]).await?;
    let finished: RunView = client.run_finished(run.id).await?;
    assert_eq!(finished.counts, [(DeliveryState::Cancelled, 1)].into());
    let deliveries = client.deliveries(run.id).await?;
    let delivery = deliveries.first().context("the delivery is gone")?;
    assert_eq!(delivery.cause, Some(Cause::Administrator));
    let events = client.events(0, "kind=delivery.finished").await?;
    assert_eq!(events.len(), 1);
    assert_eq!(client.events(0, "kind=run.stopped").await?.len(), 1);
    assert_eq!(device.lines("effects"), 0);
    Ok(())
}
