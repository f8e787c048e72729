//! A second start of the server on the same folder carries on where the first ended.

use anyhow::Result;
use muster_api::plugin::PluginView;
use muster_api::task::TaskView;
use muster_domain::delivery::DeliveryState;
use muster_flows::{CLAMAV, Device, WAITS_THEN_DETECTS, scan, system_with_clamav};
use muster_test_harness::until;

#[tokio::test]
async fn everything_is_there_again_and_a_run_goes_on() -> Result<()> {
    let mut system = system_with_clamav().await?;
    let device = Device::start(&system, "pc-1", WAITS_THEN_DETECTS).await?;
    let client = system.client.clone();
    client.group_create("Office", None).await?;
    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?.id;
    client.delivery_in(run, DeliveryState::Running).await?;
    let events = client.events(0, "").await?;

    let status = system.server.stop().await?;
    assert!(status.success(), "{status}");
    // The program ends while the server is away, and the device keeps its result.
    device.touch("gate")?;
    until("the device to note the end", async || {
        Ok(device
            .agent
            .ask(&["log"])?
            .contains("task.ended")
            .then_some(()))
    })
    .await?;
    system.server.restart(&[]).await?;

    let plugins: Vec<PluginView> = client.list("/plugins", "").await?;
    let [plugin] = plugins.as_slice() else {
        anyhow::bail!("not one plug-in: {plugins:?}");
    };
    assert_eq!(
        (plugin.application.as_str(), plugin.state.as_str()),
        (CLAMAV, "active")
    );
    let compiled = client.metric("muster_plugins_compiled_total").await?;
    assert!(compiled.abs() < 0.1, "it was compiled again");
    let anew = client.events(0, "kind=plugin.recompiled").await?;
    assert!(anew.is_empty(), "it had to pass the gate again");
    let view: TaskView = client.get(&format!("/tasks/{}", task.id)).await?;
    assert_eq!((view.name, view.last_run), (task.name, Some(run)));
    let log = client.events(0, "").await?;
    assert_eq!(log.get(..events.len()), Some(events.as_slice()));

    let view = client.run_finished(run).await?;
    assert_eq!(view.counts, [(DeliveryState::Warning, 1)].into());
    assert_eq!(device.lines("effects"), 1);
    // The plug-in works: it interpreted the result, and agrees to another task.
    assert_eq!(
        client
            .events(0, "kind=application.threat-detected")
            .await?
            .len(),
        1
    );
    client.task_create(&scan("another")).await?;
    Ok(())
}
