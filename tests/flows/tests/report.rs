//! Report: what devices tell becomes what the application's maker says that it means.

use anyhow::{Context as _, Result};
use muster_domain::delivery::{Cause, DeliveryState};
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
