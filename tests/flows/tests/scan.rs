//! The real programs: ClamAV finds a marked file, AIDE a changed one.

use anyhow::Result;
use muster_domain::delivery::DeliveryState;
use muster_domain::event::Severity;
use muster_flows::{AIDE, CLAMAV, done, prepare};
use muster_test_harness::needs;
use serde_json::{Value, json};

/// Harmless: no program does anything with this text, and only our own signature knows it.
const MARKER: &str = "MUSTER-TEST-HARMLESS-MARKER";

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
