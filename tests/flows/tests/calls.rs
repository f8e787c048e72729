//! Calls of plug-ins as files: what a device reported on a server gets the same answer at its author's.

use anyhow::{Context as _, Result};
use muster_api::plugin::call::PluginCallView;
use muster_flows::{DETECTS, Device, scan, system_with_clamav};
use serde_json::Value;

#[tokio::test]
async fn an_exported_call_is_made_again_with_the_same_answer() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let device = Device::start(&system, "pc-1", DETECTS).await?;
    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?.id;
    client.run_finished(run).await?;
    let number = run.to_string();

    let export = [
        "delivery",
        "export-report",
        &number,
        "pc-1",
        "--file",
        "report.json",
    ];
    system.muster(&export).await?.ok()?;
    let report = std::fs::read_to_string(system.folder().join("report.json"))?;
    let report: PluginCallView = serde_json::from_str(&report)?;
    assert_eq!(
        (&*report.function, &*report.task_type),
        ("interpret", "scan")
    );
    assert!(report.pure && report.removed.is_empty());
    assert_eq!(report.reports.len(), 1);
    assert_eq!(report.limits.memory, 64 << 20);

    let plugin = system.programs.plugin("clamav")?;
    let plugin = plugin.to_str().context("a path is not UTF-8")?;
    let again = [
        "plugin",
        "run",
        plugin,
        "--replay",
        "report.json",
        "-o",
        "json",
    ];
    let again: Value = system.muster(&again).await?.ok()?.json()?;
    let deliveries = client.deliveries(run).await?;
    let summary = deliveries
        .first()
        .and_then(|delivery| delivery.summary.clone());
    assert!(summary.is_some());
    assert_eq!(again["answer"]["summary"].as_str(), summary.as_deref());

    let export = [
        "delivery",
        "export-call",
        &number,
        "pc-1",
        "--file",
        "call.json",
    ];
    system.muster(&export).await?.ok()?;
    let again = [
        "plugin",
        "run",
        plugin,
        "--replay",
        "call.json",
        "-o",
        "json",
    ];
    let again: Value = system.muster(&again).await?.ok()?.json()?;
    assert_eq!(again["function"], "translate");
    assert!(again["answer"]["steps"].is_array(), "{again}");

    std::fs::create_dir(system.folder().join("cases"))?;
    let case = [
        "delivery",
        "export-report",
        &number,
        "pc-1",
        "--case",
        "cases/pc-1",
    ];
    system.muster(&case).await?.ok()?;
    let test = ["plugin", "test", plugin, "cases"];
    let missing = system.muster(&test).await?;
    assert!(
        missing.status == 1 && missing.out.contains("outcome.json is not there"),
        "{missing:?}"
    );
    system
        .muster(&[&test[..], &["--update"]].concat())
        .await?
        .ok()?;
    system.muster(&test).await?.ok()?;
    drop(device);
    Ok(())
}

#[tokio::test]
async fn what_was_not_reported_cannot_be_exported() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let device = Device::start(&system, "pc-1", "sleep 60").await?;
    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?.id;
    let number = run.to_string();
    let export = ["delivery", "export-report", &number, "pc-1"];
    let refused = system.muster(&export).await?;
    assert!(
        refused.status == 1 && refused.err.contains("has not reported"),
        "{refused:?}"
    );
    let nowhere = system
        .muster(&["delivery", "export-call", "999", "pc-1"])
        .await?;
    assert_eq!(nowhere.status, 3, "{nowhere:?}");
    client.run_change(run, "stop").await?;
    client.run_finished(run).await?;
    drop(device);
    Ok(())
}
