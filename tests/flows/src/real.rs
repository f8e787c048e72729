//! Real programs of this machine, driven by the plug-ins and connectors that we ship.

use crate::task;
use anyhow::{Context as _, Result};
use muster_api::event::EventView;
use muster_domain::delivery::DeliveryState;
use muster_test_harness::{Agent, TestSystem};
use serde_json::Value;
use std::path::Path;

/// A system with a plug-in, and a device with the connector that comes with it.
pub async fn prepare(plugin: &str) -> Result<(TestSystem, Agent)> {
    let system = TestSystem::start().await?;
    let component = system.programs.plugin(plugin)?;
    system.client.plugin_install(&component).await?;
    let mut agent = system.agent("pc-1", None).await?;
    let connector = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../plugins")
        .join(plugin)
        .join("connector.toml");
    agent.connector(plugin, &std::fs::read_to_string(connector)?)?;
    agent.start(&[])?;
    system.client.device_online("pc-1").await?;
    Ok((system, agent))
}

/// Runs a task to its end; gives back how it ended, what was said of it, and its application's
/// events.
pub async fn done(
    system: &TestSystem,
    application: &str,
    task_type: &str,
    settings: Value,
) -> Result<(DeliveryState, String, Vec<EventView>)> {
    let client = &system.client;
    let task = client
        .task_create(&task(task_type, application, task_type, settings))
        .await?;
    let run = client.task_start(task.id).await?.id;
    client.run_finished(run).await?;
    let deliveries = client.deliveries(run).await?;
    let delivery = deliveries.first().context("there is no delivery")?;
    let mut events = client.events(0, "").await?;
    events.retain(|event| event.run == Some(run) && event.kind.starts_with("application."));
    let summary = delivery.summary.clone().unwrap_or_default();
    Ok((delivery.state, summary, events))
}
