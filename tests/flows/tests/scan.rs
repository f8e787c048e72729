//! The real programs: ClamAV finds a marked file, AIDE a changed one.

use anyhow::{Context as _, Result};
use muster_api::event::EventView;
use muster_domain::delivery::DeliveryState;
use muster_domain::event::Severity;
use muster_flows::{AIDE, CLAMAV, task};
use muster_test_harness::{Agent, TestSystem, needs};
use serde_json::{Value, json};
use std::path::Path;

/// Harmless: no program does anything with this text, and only our own signature knows it.
const MARKER: &str = "MUSTER-TEST-HARMLESS-MARKER";

/// A system with a plug-in, and a device with the connector that comes with it.
async fn prepare(plugin: &str) -> Result<(TestSystem, Agent)> {
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
async fn done(
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

#[tokio::test]
async fn clamav_finds_a_marked_file_and_that_is_a_finding_not_a_failure() -> Result<()> {
    if needs("clamscan").is_none() {
        return Ok(());
    }
    let (system, _agent) = prepare("clamav").await?;
    let (files, signatures) = (
        system.folder().join("files"),
        system.folder().join("signatures"),
    );
    std::fs::create_dir_all(&files)?;
    std::fs::create_dir_all(&signatures)?;
    let pattern = hex::encode(MARKER);
    std::fs::write(
        signatures.join("own.ndb"),
        format!("Muster.Test-1:0:*:{pattern}\n"),
    )?;
    std::fs::write(files.join("clean.txt"), "Nothing to see here.\n")?;
    let marked = files.join("marked.txt");
    let settings = json!({ "area": "paths", "paths": [files], "database-folder": signatures });

    let (state, _, events) = done(&system, CLAMAV, "scan", settings.clone()).await?;
    assert_eq!((state, events.len()), (DeliveryState::Succeeded, 0));

    std::fs::write(&marked, MARKER)?;
    let (state, summary, events) = done(&system, CLAMAV, "scan", settings).await?;
    assert_eq!(state, DeliveryState::Warning, "{summary}");
    let [event] = events.as_slice() else {
        anyhow::bail!("not one detection: {events:?}");
    };
    assert_eq!(event.kind, "application.threat-detected");
    assert_eq!(event.severity, Severity::Critical);
    assert_eq!(event.fields.get("file"), Some(&json!(marked)));
    let signature = event
        .fields
        .get("signature")
        .and_then(Value::as_str)
        .unwrap_or_default();
    assert!(signature.starts_with("Muster.Test-1"), "{signature}");
    assert!(marked.exists());

    // A scan that cannot be made is a failure.
    let nowhere = json!({ "area": "paths", "paths": [files], "database-folder": "/nowhere" });
    let (state, summary, _) = done(&system, CLAMAV, "scan", nowhere).await?;
    assert_eq!(state, DeliveryState::Failed, "{summary}");
    Ok(())
}

#[tokio::test]
async fn aide_tells_what_changed() -> Result<()> {
    if needs("aide").is_none() {
        return Ok(());
    }
    let (system, _agent) = prepare("aide").await?;
    let files = system.folder().join("files");
    std::fs::create_dir_all(&files)?;
    for name in ["stays", "changes", "goes"] {
        std::fs::write(files.join(name), name)?;
    }
    let settings = json!({ "paths": [files], "database-folder": system.folder().join("aide") });

    let (state, summary, _) = done(&system, AIDE, "check", settings.clone()).await?;
    assert_eq!(
        state,
        DeliveryState::Failed,
        "there is no database yet: {summary}"
    );
    let (state, summary, _) = done(&system, AIDE, "initialise", settings.clone()).await?;
    assert_eq!(state, DeliveryState::Succeeded, "{summary}");
    let (state, summary, events) = done(&system, AIDE, "check", settings.clone()).await?;
    assert_eq!(
        (state, events.len()),
        (DeliveryState::Succeeded, 0),
        "{summary}"
    );

    std::fs::write(files.join("changes"), "it did")?;
    std::fs::write(files.join("comes"), "new")?;
    std::fs::remove_file(files.join("goes"))?;
    let (state, summary, events) = done(&system, AIDE, "check", settings).await?;
    assert_eq!(state, DeliveryState::Warning, "{summary}");
    for (kind, name) in [
        ("changed", "changes"),
        ("added", "comes"),
        ("removed", "goes"),
    ] {
        let kind = format!("application.file-{kind}");
        let file = json!(files.join(name));
        let told = events
            .iter()
            .filter(|event| event.kind == kind && event.fields.get("file") == Some(&file))
            .count();
        assert_eq!(told, 1, "{kind} {file}: {events:#?}");
    }
    Ok(())
}
