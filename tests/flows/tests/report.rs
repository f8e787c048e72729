//! Report: what devices tell becomes what the application's maker says that it means.

use anyhow::{Context as _, Result, ensure};
use muster_domain::delivery::{Cause, DeliveryState};
use muster_domain::text::is_steering;
use muster_flows::{ALWAYS, DETECTS, Device, WAITS_THEN_DETECTS, scan, system_with_clamav};

#[tokio::test]
async fn each_end_has_its_meaning_and_they_sum_to_the_scope() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let mut devices = Vec::new();
    for (name, scanner) in [
        ("clean", "echo 'Scanned files: 1'\necho 'Infected files: 0'"),
        ("found", DETECTS),
        ("broken", "echo 'ERROR: no databases'\nexit 2"),
        ("slow", WAITS_THEN_DETECTS),
    ] {
        devices.push(Device::start(&system, name, scanner).await?);
    }
    // A version that the plug-in does not manage.
    let mut old = Device::enroll(&system, "old", DETECTS, ALWAYS).await?;
    let scanner = old.folder().join("clamscan.sh");
    std::fs::write(scanner, "#!/bin/sh\necho 'ClamAV 0.90'\n")?;
    old.restart(&[])?;
    client.device_online("old").await?;

    let mut task = scan("scan");
    task.time_limit = Some(2);
    let task = client.task_create(&task).await?;
    let run = client.task_start(task.id).await?.id;
    let view = client.run_finished(run).await?;
    let wanted = [
        ("clean", DeliveryState::Succeeded),
        ("found", DeliveryState::Warning),
        ("broken", DeliveryState::Failed),
        ("slow", DeliveryState::TimedOut),
        ("old", DeliveryState::NotSupported),
    ];
    assert_eq!(view.total, 5);
    assert_eq!(view.counts, wanted.map(|(_, state)| (state, 1)).into());
    let deliveries = client.deliveries(run).await?;
    let delivery = |name: &str| {
        let found = deliveries
            .iter()
            .find(|delivery| delivery.device_name == name);
        found.with_context(|| format!("there is no delivery to {name}"))
    };
    for (name, state) in wanted {
        assert_eq!(delivery(name)?.state, state, "{name}");
        assert!(delivery(name)?.summary.is_some(), "{name}");
    }
    assert_eq!(
        delivery("slow")?.cause,
        Some(Cause::TimeLimit { seconds: 2 })
    );
    assert!(matches!(
        delivery("old")?.cause,
        Some(Cause::NotSupported { .. })
    ));
    let finished = client.events(0, "kind=delivery.finished").await?;
    assert_eq!(finished.len(), 5);
    Ok(())
}

/// Clears the screen, and turns the direction of writing.
const TRICKS: &str = "/files/a\u{1b}[2J\u{202e}b";

#[tokio::test]
async fn a_file_on_a_device_cannot_steer_whoever_reads_of_it() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let scanner = format!(
        "cat <<'END'\n{TRICKS}: Muster.Test-1 FOUND\nScanned files: 1\nInfected files: 1\nEND\nexit 1"
    );
    let device = Device::start(&system, "pc-1", &scanner).await?;
    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?.id;
    client.run_finished(run).await?;

    let found = client.event(0, "application.threat-detected").await?;
    // Programs get the name of the file as it is.
    assert_eq!(found.fields.get("file"), Some(&TRICKS.into()));
    for event in client.events(0, "").await? {
        ensure!(!event.text.contains(is_steering), "{event:?}");
    }
    for delivery in client.deliveries(run).await? {
        let summary = delivery.summary.context("no summary")?;
        ensure!(!summary.contains(is_steering), "{summary:?}");
    }
    let run = run.to_string();
    for command in [&["events"][..], &["run", "show", &run]] {
        for format in ["table", "json"] {
            let shown = system.muster(&[command, &["-o", format]].concat()).await?;
            let shown = shown.ok()?.out.replace('\n', "");
            ensure!(
                !shown.contains(is_steering),
                "{command:?} {format}: {shown:?}"
            );
        }
    }
    for format in ["table", "json"] {
        let shown = device.agent.ask(&["log", "--output", format])?;
        ensure!(!shown.replace('\n', "").contains(is_steering), "{shown:?}");
    }
    Ok(())
}
