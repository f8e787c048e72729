//! Deliver: when devices get a task, what holds it, and how it is ended.

use anyhow::{Context as _, Result, ensure};
use muster_api::run::DeliveryView;
use muster_domain::delivery::{Cause, DeliveryState};
use muster_domain::run::RunState;
use muster_flows::{DETECTS, Device, WAITS_THEN_DETECTS, scan, system_with_clamav};
use muster_test_harness::{Client, until};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command};

/// A process that a connector takes for the application.
struct Application(Child);

impl Application {
    fn start(pid_file: &Path) -> Result<Self> {
        let child = Command::new("sleep").arg("86400").spawn()?;
        std::fs::write(pid_file, child.id().to_string())?;
        Ok(Self(child))
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn delivery_to(client: &Client, run: i64, device: &str) -> Result<DeliveryView> {
    let deliveries = client.deliveries(run).await?;
    let delivery = deliveries
        .into_iter()
        .find(|delivery| delivery.device_name == device);
    delivery.with_context(|| format!("run {run} has no delivery to {device}"))
}

/// Waits until the delivery to a device is in a state.
async fn becomes(client: &Client, run: i64, device: &str, state: DeliveryState) -> Result<()> {
    until(&format!("{device} to be {state}"), async || {
        let delivery = delivery_to(client, run, device).await?;
        Ok((delivery.state == state).then_some(()))
    })
    .await
}

/// The letter by which the kernel tells how a process stands; none if it is gone.
fn standing(pid: &str) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

#[tokio::test]
async fn a_task_waits_for_its_application_and_ends_with_it() -> Result<()> {
    let system = system_with_clamav().await?;
    let pid_file = system.folder().join("application.pid");
    let running = format!("pid-file = \"{}\"", pid_file.display());
    let mut device = Device::enroll(&system, "pc-1", WAITS_THEN_DETECTS, &running).await?;
    device.restart(&[])?;
    let client = &system.client;
    client.device_online("pc-1").await?;
    let task = client.task_create(&scan("scan")).await?;

    let run = client.task_start(task.id).await?.id;
    until("the delivery to wait for its application", async || {
        let delivery = delivery_to(client, run, "pc-1").await?;
        Ok((delivery.cause == Some(Cause::ApplicationNotRunning)).then_some(()))
    })
    .await?;
    assert_eq!(
        delivery_to(client, run, "pc-1").await?.state,
        DeliveryState::Waiting
    );
    assert_eq!(device.lines("begun"), 0);

    // It starts by itself, and it is stopped when the application stops.
    let application = Application::start(&pid_file)?;
    becomes(client, run, "pc-1", DeliveryState::Running).await?;
    drop(application);
    client.run_finished(run).await?;
    let delivery = delivery_to(client, run, "pc-1").await?;
    assert_eq!(delivery.state, DeliveryState::Cancelled);
    assert_eq!(delivery.cause, Some(Cause::ApplicationStopped));
    assert_eq!(device.lines("effects"), 0);
    let finished = client.events(0, "kind=delivery.finished").await?;
    assert_eq!(finished.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_device_that_is_away_gets_the_task_when_it_comes() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let _here = Device::start(&system, "here", DETECTS).await?;
    let mut away = Device::start(&system, "away", DETECTS).await?;
    away.agent.stop().await?;
    until("the device to be offline", async || {
        Ok((!client.device("away").await?.online).then_some(()))
    })
    .await?;

    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?.id;
    becomes(client, run, "here", DeliveryState::Warning).await?;
    until("the cause of the silence", async || {
        let delivery = delivery_to(client, run, "away").await?;
        ensure!(delivery.state == DeliveryState::Pending, "{delivery:?}");
        let cause = delivery.cause;
        Ok(matches!(cause, Some(Cause::Offline { since: Some(_) })).then_some(()))
    })
    .await?;
    let view = client.run(run).await?;
    assert_eq!((view.state, view.total), (RunState::Running, 2));
    assert_eq!(
        view.counts,
        [(DeliveryState::Pending, 1), (DeliveryState::Warning, 1)].into()
    );

    away.restart(&[])?;
    let view = client.run_finished(run).await?;
    assert_eq!(view.counts, [(DeliveryState::Warning, 2)].into());
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_stopped_ends_programs_that_will_not() -> Result<()> {
    const DEAF: &str = "trap '' TERM INT HUP\necho $$ > pid\nwhile :; do sleep 0.05; done";
    let system = system_with_clamav().await?;
    let client = &system.client;
    let device = Device::start(&system, "pc-1", DEAF).await?;
    let mut away = Device::enroll(&system, "away", DETECTS, muster_flows::ALWAYS).await?;
    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?.id;
    let pid = until("the program to begin", async || {
        let text = std::fs::read_to_string(device.folder().join("pid")).unwrap_or_default();
        Ok(text.strip_suffix('\n').map(str::to_owned))
    })
    .await?;
    becomes(client, run, "pc-1", DeliveryState::Running).await?;
    client.run_change(run, "stop").await?;
    let view = client.run_finished(run).await?;
    assert_eq!(view.counts, [(DeliveryState::Cancelled, 2)].into());
    assert_eq!(standing(&pid), None, "the program is still there");

    // Who was away never hears of it, and the task can be started again.
    away.restart(&[])?;
    client.device_online("away").await?;
    let refused = client.send(client.request(reqwest::Method::POST, &format!("/runs/{run}/stop")));
    assert_eq!(refused.await?.problem(409)?.code(), "run-state");
    let again = client.task_start(task.id).await?.id;
    becomes(client, again, "away", DeliveryState::Warning).await?;
    assert_eq!(away.lines("effects"), 1);
    client.run_change(again, "stop").await?;
    client.run_finished(again).await?;
    Ok(())
}

#[tokio::test]
async fn a_paused_run_stands_still_on_every_device() -> Result<()> {
    // It starts no process while it waits: one that is stopped at a program's start keeps whoever
    // started it from being stopped.
    let scanner = format!("echo $$ > pid\nread line < gate\n{DETECTS}");
    let system = system_with_clamav().await?;
    let client = &system.client;
    let device = Device::start(&system, "pc-1", &scanner).await?;
    let gate = device.folder().join("gate");
    assert!(Command::new("mkfifo").arg(&gate).status()?.success());
    let mut late = Device::enroll(&system, "late", DETECTS, muster_flows::ALWAYS).await?;
    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?.id;
    becomes(client, run, "pc-1", DeliveryState::Running).await?;
    until("the program to begin", async || {
        Ok((device.lines("pid") == 1).then_some(()))
    })
    .await?;

    client.run_change(run, "pause").await?;
    becomes(client, run, "pc-1", DeliveryState::Paused).await?;
    let pid = std::fs::read_to_string(device.folder().join("pid"))?;
    until("the program to stand still", async || {
        Ok((standing(pid.trim()) == Some('T')).then_some(()))
    })
    .await?;
    // Open for reading as well, so that the opening does not wait for the reader.
    let mut gate = File::options().read(true).write(true).open(&gate)?;
    gate.write_all(b"\n")?;
    late.restart(&[])?;
    client.device_online("late").await?;
    let view = client.run(run).await?;
    assert_eq!(view.state, RunState::Paused);
    assert_eq!(view.counts.get(&DeliveryState::Paused), Some(&1));
    assert_eq!((device.lines("effects"), late.lines("effects")), (0, 0));

    client.run_change(run, "resume").await?;
    let view = client.run_finished(run).await?;
    assert_eq!(view.counts, [(DeliveryState::Warning, 2)].into());
    assert_eq!((device.lines("effects"), late.lines("effects")), (1, 1));
    for kind in ["run.paused", "run.resumed", "run.finished"] {
        let events = client.events(0, &format!("kind={kind}")).await?;
        assert_eq!(events.len(), 1, "{kind}");
    }
    Ok(())
}

#[tokio::test]
async fn a_program_that_the_connector_does_not_name_is_refused_and_logged() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let mut device = Device::enroll(&system, "pc-1", DETECTS, muster_flows::ALWAYS).await?;
    let scanner = device.script("clamscan", DETECTS)?;
    device.connector(muster_flows::ALWAYS, &[("clamscan", scanner)])?;
    device.restart(&[])?;
    client.device_online("pc-1").await?;
    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?.id;
    client.run_finished(run).await?;
    let delivery = delivery_to(client, run, "pc-1").await?;
    assert_eq!(delivery.state, DeliveryState::Failed);
    let Some(Cause::Refused { reason }) = delivery.cause else {
        anyhow::bail!("another cause: {delivery:?}");
    };
    ensure!(reason.contains("find"), "{reason}");
    // Nothing was begun, not even what is named.
    assert_eq!(device.lines("effects"), 0);
    let log = device.agent.ask(&["log"])?;
    ensure!(log.contains("was refused") && log.contains("find"), "{log}");
    Ok(())
}

#[tokio::test]
async fn devices_that_are_alike_share_one_translation() -> Result<()> {
    const CALLS: &str = "muster_plugin_calls_total";
    let system = system_with_clamav().await?;
    let client = &system.client;
    let mut devices = Vec::new();
    for name in ["pc-1", "pc-2", "pc-3"] {
        devices.push(Device::start(&system, name, WAITS_THEN_DETECTS).await?);
    }
    let task = client.task_create(&scan("scan")).await?;
    let before = client.metric(CALLS).await?;
    let run = client.task_start(task.id).await?.id;
    for name in ["pc-1", "pc-2", "pc-3"] {
        becomes(client, run, name, DeliveryState::Running).await?;
    }
    let calls = client.metric(CALLS).await? - before;
    assert!((calls - 1.0).abs() < 0.1, "{calls} calls for three devices");
    for device in &devices {
        device.touch("gate")?;
    }
    let view = client.run_finished(run).await?;
    assert_eq!(view.counts, [(DeliveryState::Warning, 3)].into());
    let threats = client.events(0, "kind=application.threat-detected").await?;
    assert_eq!(threats.len(), 3);
    Ok(())
}
