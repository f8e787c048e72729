//! Watch: a run is seen as it goes.

use anyhow::{Context as _, Result, ensure};
use muster_api::run::RunView;
use muster_domain::delivery::DeliveryState;
use muster_domain::run::RunState;
use muster_flows::{ALWAYS, Device, scan, system_with_clamav};
use muster_test_harness::until;
use reqwest::Method;

/// Two of four files, then the rest once there is a gate.
const HALF_THEN_ALL: &str = "echo 'a: OK'\necho 'b: OK'\n\
    while [ ! -e gate ]; do sleep 0.02; done\n\
    echo 'c: OK'\necho 'd: OK'\necho 'Scanned files: 4'\necho 'Infected files: 0'";

#[tokio::test]
async fn a_run_tells_how_far_it_is_until_it_is_over() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let mut device = Device::enroll(&system, "pc-1", HALF_THEN_ALL, ALWAYS).await?;
    let find = device.script("find", "for file in a b c d; do echo .; done")?;
    let scanner = device.folder().join("clamscan.sh");
    device.connector(ALWAYS, &[("clamscan", scanner), ("find", find)])?;
    device.restart(&[])?;
    client.device_online("pc-1").await?;
    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?.id;

    let stream = client.request(Method::GET, &format!("/runs/{run}/stream"));
    let mut stream = stream.send().await?.error_for_status()?;
    let mut text = String::new();
    let mut views: Vec<RunView> = Vec::new();
    while let Some(chunk) = stream.chunk().await? {
        text.push_str(std::str::from_utf8(&chunk)?);
        while let Some((event, rest)) = text.split_once("\n\n") {
            let data = event.lines().find_map(|line| line.strip_prefix("data: "));
            views.extend(data.map(serde_json::from_str).transpose()?);
            text = rest.to_owned();
        }
        if views.last().is_some_and(|view| view.percent == 50) {
            device.touch("gate")?;
        }
    }
    // It ended by itself, after the last word.
    let last = views.last().context("nothing was told")?;
    assert_eq!((last.state, last.percent), (RunState::Finished, 100));
    assert_eq!(last.counts, [(DeliveryState::Succeeded, 1)].into());
    assert!(views.is_sorted_by_key(|view| view.percent), "{views:?}");
    for view in &views {
        ensure!(view.counts.values().sum::<u64>() == view.total, "{view:?}");
    }
    Ok(())
}

#[tokio::test]
async fn progress_is_told_anew_after_a_restart() -> Result<()> {
    let mut system = system_with_clamav().await?;
    let client = system.client.clone();
    let mut device = Device::enroll(&system, "pc-1", HALF_THEN_ALL, ALWAYS).await?;
    let find = device.script("find", "for file in a b c d; do echo .; done")?;
    let scanner = device.folder().join("clamscan.sh");
    device.connector(ALWAYS, &[("clamscan", scanner), ("find", find)])?;
    device.restart(&[])?;
    client.device_online("pc-1").await?;
    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?.id;
    let half = async || {
        until("the run to be half done", async || {
            Ok((client.run(run).await?.percent == 50).then_some(()))
        })
        .await
    };
    half().await?;
    system.server.restart(&[]).await?;
    client.device_online("pc-1").await?;
    half().await?;
    device.touch("gate")?;
    client.run_finished(run).await?;
    Ok(())
}
