//! A server that is too busy for any call of a plug-in blames no plug-in, and goes on when it has time.

use anyhow::{Result, ensure};
use muster_api::plugin::PluginView;
use muster_conformance::rust;
use muster_domain::delivery::DeliveryState;
use muster_flows::{CLAMAV, Device, WAITS_THEN_DETECTS, scan, system_with_clamav};
use muster_test_harness::until;

/// No call may wait, so none is made.
const BUSY: (&str, &str) = ("MUSTER_SERVER_PLUG_INS_QUEUE", "0");

#[tokio::test]
async fn what_a_busy_server_cannot_ask_waits_and_is_nobody_s_fault() -> Result<()> {
    let mut system = system_with_clamav().await?;
    let client = system.client.clone();
    let device = Device::start(&system, "pc-1", WAITS_THEN_DETECTS).await?;
    client.group_create("Office", None).await?;
    let task = client.task_create(&scan("scan")).await?;
    let first = client.task_start(task.id).await?.id;
    until("the scan to begin", async || {
        Ok((device.lines("begun") == 1).then_some(()))
    })
    .await?;
    system.server.stop().await?;
    system.server.restart(&[BUSY]).await?;

    // Its exit status decides for now. It says that a threat was found, and not which.
    device.touch("gate")?;
    client.run_finished(first).await?;
    let answer = client.post("/tasks", &scan("another")).await?;
    let problem = answer.problem(503)?;
    assert_eq!(problem.code(), "busy");
    let guest = rust::that("well")?;
    let answer = client.plugin_install_as(&guest, "org.example.guest", "1.2.3");
    assert_eq!(answer.await?.problem(503)?.code(), "busy");
    let second = client.task_start(task.id).await?.id;
    let delivery = client.delivery_in(second, DeliveryState::Waiting).await?;
    let cause = serde_json::to_value(&delivery.cause)?;
    assert_eq!(cause["code"], "server-busy", "{cause}");

    let plugin: PluginView = client.get(&format!("/plugins/{CLAMAV}")).await?;
    assert_eq!(plugin.state, "active");
    for kind in [
        "report.not-interpreted",
        "delivery.interpreted",
        "application.threat-detected",
    ] {
        let events = client.events(0, &format!("kind={kind}")).await?;
        ensure!(events.is_empty(), "{events:?}");
    }

    system.server.stop().await?;
    system.server.restart(&[]).await?;
    let finished = client.run_finished(second).await?;
    assert_eq!(finished.counts, [(DeliveryState::Warning, 1)].into());
    client.event(0, "delivery.interpreted").await?;
    let events = client.events(0, "kind=application.threat-detected").await?;
    assert_eq!(events.len(), 2);
    Ok(())
}
