//! Server and agent are killed wherever an edit of a device's user passes, and it is taken once.

#![allow(
    clippy::indexing_slicing,
    reason = "a test ends where what it stands on fails"
)]

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use muster_api::task::TaskView;
use muster_flows::{CLAMAV, CRASH_AT, DETECTS, Device, killed, system_with_clamav};
use muster_test_harness::{Client, TestSystem, until};
use reqwest::Method;
use serde_json::{Value, json};

async fn allow(client: &Client) -> Result<()> {
    let policy = json!({ "tasks": "allow" });
    let request = client.request(Method::PUT, "/groups/1/users").json(&policy);
    client.send(request).await?.ok::<Value>().map(|_| ())
}

fn create(device: &Device) -> Result<String> {
    let settings = device.folder().join("new.json");
    let paths = json!({ "area": "paths", "paths": ["/files"] });
    std::fs::write(&settings, paths.to_string())?;
    let settings = settings.display().to_string();
    device.agent.ask(&[
        "task",
        "create",
        "mine",
        "--application",
        CLAMAV,
        "--type",
        "scan",
        "--settings",
        &settings,
    ])
}

fn changes(device: &Device) -> Result<Vec<Value>> {
    let text = device.agent.ask(&["--json", "task", "changes"])?;
    Ok(serde_json::from_str(&text)?)
}

/// Waits until the device knows that its user may.
async fn may(device: &Device) -> Result<()> {
    until("the device to know what its user may", async || {
        let log = device.agent.ask(&["log"])?;
        Ok(log
            .contains("local tasks of this device's user are allowed")
            .then_some(()))
    })
    .await
}

/// One task came of it, one event tells of it, and the device knows.
async fn taken_once(client: &Client, device: &Device) -> Result<()> {
    let changes = until("the device to know that it was taken", async || {
        let changes = changes(device)?;
        let taken = changes.iter().all(|one| one["state"] == "accepted");
        Ok((taken && !changes.is_empty()).then_some(changes))
    })
    .await?;
    ensure!(changes.len() == 1, "{changes:?}");
    let tasks: Vec<TaskView> = client.list("/tasks", "").await?;
    ensure!(tasks.len() == 1 && tasks[0].name == "mine", "{tasks:?}");
    let events = client.events(0, "kind=task.created-on-device").await?;
    ensure!(events.len() == 1, "{events:?}");
    until("the device to have it", async || {
        Ok(device
            .agent
            .ask(&["task", "list"])?
            .contains("active")
            .then_some(()))
    })
    .await
}

async fn system(place: &str) -> Result<(TestSystem, Device)> {
    let system = system_with_clamav().await?;
    let device = Device::start(&system, "pc", DETECTS)
        .await
        .with_context(|| place.to_owned())?;
    Ok((system, device))
}

async fn server_killed(place: &str) -> Result<()> {
    let (mut system, device) = system(place).await?;
    allow(&system.client).await?;
    may(&device).await?;
    system.server.stop().await?;
    system.server.restart(&[(CRASH_AT, place)]).await?;
    create(&device)?;
    killed(system.server.ended().await?)?;
    system.server.restart(&[]).await?;
    taken_once(&system.client, &device)
        .await
        .with_context(|| place.to_owned())
}

async fn agent_killed(place: &str) -> Result<()> {
    let (system, mut device) = system(place).await?;
    let client = &system.client;
    if place != "agent.rights-committed" {
        allow(client).await?;
        may(&device).await?;
    }
    device.agent.stop().await?;
    device.restart(&[(CRASH_AT, place)])?;
    client.device_online("pc").await?;
    if place == "agent.rights-committed" {
        allow(client).await?;
    } else {
        // Whoever asked hears nothing if the agent died before it could answer.
        let _ = create(&device);
    }
    killed(device.agent.ended().await?)?;
    device.restart(&[])?;
    may(&device).await?;
    if changes(&device)?.is_empty() {
        create(&device)?;
    }
    taken_once(client, &device)
        .await
        .with_context(|| place.to_owned())
}

#[tokio::test]
async fn the_server_is_killed_wherever_an_edit_passes() -> Result<()> {
    let places = [
        "report.own-committed",
        "user.before-commit",
        "user.committed",
        "user.told",
    ];
    try_join_all(places.map(server_killed)).await?;
    Ok(())
}

#[tokio::test]
async fn the_agent_is_killed_wherever_an_edit_passes() -> Result<()> {
    let places = [
        "agent.edited-committed",
        "agent.rights-committed",
        "agent.user-before-commit",
        "agent.user-committed",
    ];
    try_join_all(places.map(agent_killed)).await?;
    Ok(())
}
