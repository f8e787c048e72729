//! Neighbours: a plug-in that takes all its time, again and again, holds up nobody else's deliveries
//! and nobody else's reports.

use anyhow::{Context as _, Result, ensure};
use muster_api::task::{ScopeRequest, TaskCreate};
use muster_conformance::rust;
use muster_flows::{
    ALWAYS, DETECTS, Device, PATIENT, connector, scan, system_with_clamav_in, task,
};
use muster_test_harness::{Client, TestSystem, until};
use serde_json::json;

const GUEST: &str = "org.example.guest";
/// Fewer than put a plug-in aside.
const RUNS: usize = 3;

/// A device with the application of the guest alone.
async fn with_guest(system: &TestSystem) -> Result<Device> {
    let mut device = Device::enroll(system, "bad", "", ALWAYS).await?;
    let act = device.script("act", "echo done >> acted")?;
    let version = ("act", r"ClamAV (\S+)");
    let text = connector(GUEST, &act, version, ALWAYS, &[("act", act.clone())]);
    device.agent.connector("clamav", &text)?;
    device.restart(&[])?;
    system.client.device_online("bad").await?;
    Ok(device)
}

/// The task for one device.
fn on(device: &str, task: TaskCreate) -> TaskCreate {
    let device = device.into();
    TaskCreate {
        scope: ScopeRequest::Local { device },
        ..task
    }
}

/// Starts tasks of the guest that make a function of it loop.
async fn start_loops(client: &Client, function: &str) -> Result<()> {
    let settings = json!({ "do": format!("{function}:loop") });
    for number in 0..RUNS {
        let name = format!("{function} {number}");
        let looping = on("bad", task(&name, GUEST, "act", settings.clone()));
        let task = client.task_create(&looping).await?;
        client.task_start(task.id).await?;
    }
    Ok(())
}

/// How many events of a kind are about the guest.
async fn told(client: &Client, kind: &str) -> Result<usize> {
    let query = format!("kind={kind}&application={GUEST}");
    Ok(client.events(0, &query).await?.len())
}

#[tokio::test]
async fn who_loops_in_translate_or_interpret_holds_up_itself_alone() -> Result<()> {
    let system = system_with_clamav_in(&[PATIENT]).await?;
    let client = &system.client;
    let guest = rust::that("well")?;
    let installed = client.plugin_install_as(&guest, GUEST, "1.2.3").await?;
    installed.ok::<serde_json::Value>()?;
    let bad = with_guest(&system).await?;
    let _good = Device::start(&system, "good", DETECTS).await?;
    let neighbour = client.task_create(&on("good", scan("neighbour"))).await?;

    for (function, kind) in [
        ("interpret", "report.not-interpreted"),
        ("translate", "delivery.waiting"),
    ] {
        start_loops(client, function).await?;
        if function == "interpret" {
            until("the device to have done it", async || {
                Ok((bad.lines("acted") == RUNS).then_some(()))
            })
            .await?;
        }
        let run = client.task_start(neighbour.id).await?.id;
        client
            .run_finished(run)
            .await
            .with_context(|| format!("beside {function}"))?;
        let before = told(client, kind).await?;
        ensure!(
            before < RUNS,
            "the neighbour waited for {before} calls of {function}"
        );
        until("the guest's own to be told", async || {
            Ok((told(client, kind).await? == RUNS).then_some(()))
        })
        .await?;
    }
    Ok(())
}
