//! Bad input: a full disk, forged identities, broken connectors and components. Each gets a clear
//! answer, and nothing is lost or half-done.
//!
//! What can be tried on one program alone is tried there: `host/server/tests`, `host/agent/tests`,
//! `host/plugin-host/tests`.

use anyhow::{Context as _, Result, ensure};
use muster_api::plugin::PluginView;
use muster_api::task::TaskView;
use muster_domain::delivery::{Cause, DeliveryState};
use muster_flows::{AIDE, ALWAYS, CLAMAV, DETECTS, Device, WAITS_THEN_DETECTS, scan, task};
use muster_flows::{connector, system_with_clamav};
use muster_test_harness::{TestSystem, folder, needs, until};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small disk. It is put away lazily, as a server may still be at work on it.
struct Disk(PathBuf);

impl Disk {
    /// None where nobody may mount one; the test is told as skipped then.
    fn mount(at: &Path) -> Result<Option<Self>> {
        let Some(mount) = needs("mount") else {
            return Ok(None);
        };
        std::fs::create_dir_all(at)?;
        let mut command = Command::new(mount);
        command.args(["-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs"]);
        if command.arg(at).output()?.status.success() {
            return Ok(Some(Self(at.into())));
        }
        needs("the right to mount a disk");
        Ok(None)
    }

    /// Takes every byte that is left.
    fn fill(&self) -> Result<()> {
        let block = vec![0; 64 * 1024];
        let mut file = std::fs::File::create(self.filler())?;
        // Ends when there is no room.
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
        Ok(())
    }

    fn make_room(&self) -> Result<()> {
        std::fs::remove_file(self.filler()).context("the disk was not full")
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A scan of so many folders that a few of them fill the rest of any page.
fn large(name: &str) -> muster_api::task::TaskCreate {
    let paths: Vec<String> = (0..400)
        .map(|path| format!("/files/{name}/{path:0>60}"))
        .collect();
    task(
        name,
        CLAMAV,
        "scan",
        json!({ "area": "paths", "paths": paths }),
    )
}

#[tokio::test]
async fn a_full_disk_refuses_what_is_new_and_loses_nothing() -> Result<()> {
    let folder = folder()?;
    let Some(disk) = Disk::mount(&folder.path().join("server"))? else {
        return Ok(());
    };
    let system = TestSystem::start_in(folder, &[]).await?;
    let client = &system.client;
    let component = system.programs.plugin("clamav")?;
    client.plugin_install(&component).await?;
    let device = Device::start(&system, "pc-1", WAITS_THEN_DETECTS).await?;
    let under_way = client.task_create(&scan("under way")).await?;
    let run = client.task_start(under_way.id).await?.id;
    client.delivery_in(run, DeliveryState::Running).await?;

    disk.fill()?;
    // The database may have some room left in its own files.
    let mut created = vec![under_way.id];
    let refusal = loop {
        ensure!(created.len() < 2000, "the disk does not become full");
        let answer = client
            .post("/tasks", &large(&format!("task {}", created.len())))
            .await?;
        if !answer.status.is_success() {
            break answer;
        }
        created.push(answer.ok::<TaskView>()?.id);
    };
    let problem = refusal.problem(507)?;
    assert_eq!(problem.code(), "disk-full");
    assert!(problem.detail.contains("full"), "{}", problem.detail);
    let other = std::fs::read(system.programs.plugin("aide")?)?;
    let install = async || {
        client
            .plugin_install_as(&other, AIDE, env!("CARGO_PKG_VERSION"))
            .await
    };
    let problem = install().await?.problem(507)?;
    assert_eq!(problem.code(), "disk-full");
    // The device ends its work while there is no room for the result.
    device.touch("gate")?;
    until("the device to note the end", async || {
        Ok(device
            .agent
            .ask(&["log"])?
            .contains("task.ended")
            .then_some(()))
    })
    .await?;

    // What was acknowledged is there and can be read, and nothing else is.
    let ids = async || {
        let tasks = client.list::<TaskView>("/tasks", "").await?;
        anyhow::Ok(tasks.into_iter().map(|task| task.id).collect::<Vec<_>>())
    };
    assert_eq!(ids().await?, created);
    let events = client.events(0, "kind=task.created").await?;
    assert_eq!(events.len(), created.len());
    let plugins: Vec<PluginView> = client.list("/plugins", "").await?;
    assert_eq!(plugins.len(), 1);

    disk.make_room()?;
    let view = client.run_finished(run).await?;
    assert_eq!(view.counts, [(DeliveryState::Warning, 1)].into());
    for kind in ["delivery.finished", "application.threat-detected"] {
        let events = client.events(0, &format!("kind={kind}")).await?;
        assert_eq!(events.len(), 1, "{kind}");
    }
    created.push(client.task_create(&large("with room")).await?.id);
    assert_eq!(ids().await?, created);
    install().await?.ok::<PluginView>()?;
    drop(system);
    drop(disk);
    Ok(())
}

#[tokio::test]
async fn a_device_that_pretends_to_be_another_gets_nothing() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let one = Device::enroll(&system, "one", DETECTS, ALWAYS).await?;
    let mut two = Device::enroll(&system, "two", DETECTS, ALWAYS).await?;
    // Device two's key and certificate, with the number of device one.
    let number = |device: &Device| -> Result<Value> {
        let text = std::fs::read_to_string(device.agent.data().join("identity.json"))?;
        let identity: Value = serde_json::from_str(&text)?;
        Ok(identity.get("device").context("no number")?.clone())
    };
    let file = two.agent.data().join("identity.json");
    let mut identity: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
    *identity.get_mut("device").context("no number")? = number(&one)?;
    std::fs::write(&file, identity.to_string())?;

    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?.id;
    two.restart(&[])?;
    until("the refusal", async || {
        let log = two.agent.ask(&["log"])?;
        Ok(log.contains("link.refused").then_some(()))
    })
    .await?;
    let log = two.agent.ask(&["log"])?;
    assert!(log.contains("device-mismatch"), "{log}");
    client.event(0, "link.refused").await?;
    for name in ["one", "two"] {
        assert!(!client.device(name).await?.online, "{name}");
    }
    let view = client.run(run).await?;
    assert_eq!(view.counts, [(DeliveryState::Pending, 2)].into());
    assert_eq!(two.lines("effects"), 0);
    Ok(())
}

#[tokio::test]
async fn a_connector_with_an_unknown_key_is_passed_over_until_it_is_mended() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let mut device = Device::enroll(&system, "pc-1", DETECTS, ALWAYS).await?;
    let scanner = device.folder().join("clamscan.sh");
    let programs = [("clamscan", scanner.clone()), ("find", "/bin/true".into())];
    let text = connector(
        CLAMAV,
        &scanner,
        ("clamscan", r"ClamAV (\S+)"),
        ALWAYS,
        &programs,
    );
    let text = text.replace("[programs]", "wen = \"always\"\n[programs]");
    device.agent.connector("clamav", &text)?;
    device.restart(&[])?;
    client.device_online("pc-1").await?;
    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?.id;
    let waits = client.delivery_in(run, DeliveryState::Waiting).await?;
    assert_eq!(waits.cause, Some(Cause::NoConnector));
    until("the reason in the device's log", async || {
        let log = device.agent.ask(&["log"])?;
        let told = ["clamav.toml", "running.wen", "\"when\""];
        Ok(told.iter().all(|word| log.contains(word)).then_some(()))
    })
    .await?;
    device.connector(ALWAYS, &programs)?;
    let view = client.run_finished(run).await?;
    assert_eq!(view.counts, [(DeliveryState::Warning, 1)].into());
    Ok(())
}

#[tokio::test]
async fn a_component_that_is_cut_or_changed_is_refused_and_the_good_one_works_on() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let whole = std::fs::read(system.programs.plugin("clamav")?)?;
    let mut refused = 0;
    for part in [0, 1, 8, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        let cut = whole.get(..part).context("it is that long")?;
        // Even its vendor's signature does not make it one.
        let version = env!("CARGO_PKG_VERSION");
        let problem = client.plugin_install_as(cut, CLAMAV, version).await?;
        let problem = problem.problem(422)?;
        assert_eq!(
            problem.code(),
            "plugin-invalid",
            "{part} bytes: {}",
            problem.detail
        );
        refused += 1;
    }
    let told = client.events(0, "kind=plugin.refused").await?;
    assert_eq!(told.len(), refused);
    client.task_create(&scan("scan")).await?;
    Ok(())
}
