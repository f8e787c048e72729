//! Plug-ins that are not of Rust, with the real programs: YARA by JavaScript, Lynis by Python.

use anyhow::Result;
use muster_domain::delivery::DeliveryState;
use muster_flows::{done, prepare};
use muster_test_harness::needs;
use serde_json::json;

const YARA: &str = "com.virustotal.yara";
const LYNIS: &str = "com.cisofy.lynis";

/// Without these there is no component to install.
fn have(programs: &[&str]) -> bool {
    programs.iter().all(|program| needs(program).is_some())
}

#[tokio::test]
async fn yara_tells_a_hit_from_none_though_both_end_well() -> Result<()> {
    if !have(&["yara", "yarac", "node", "npm"]) {
        return Ok(());
    }
    let (system, _agent) = prepare("yara").await?;
    let files = system.folder().join("files");
    std::fs::create_dir_all(files.join("deep er"))?;
    std::fs::write(files.join("clean.txt"), "Nothing to see here.\n")?;
    let rules = r#"rule Marker : lab test { strings: $a = "MUSTER-TEST-MARKER" condition: $a }"#;
    let settings = json!({ "paths": [files], "rules": rules });

    let (state, summary, events) = done(&system, YARA, "scan", settings.clone()).await?;
    assert_eq!(
        (state, summary.as_str(), events.len()),
        (DeliveryState::Succeeded, "No indicator was found.", 0)
    );

    let marked = files.join("deep er/marked [x].txt");
    std::fs::write(&marked, "… MUSTER-TEST-MARKER …")?;
    let (state, summary, events) = done(&system, YARA, "scan", settings).await?;
    assert_eq!(state, DeliveryState::Warning, "{summary}");
    assert_eq!(summary, "1 rule matched in 1 file.");
    let [event] = events.as_slice() else {
        anyhow::bail!("not one indicator: {events:?}");
    };
    assert_eq!(event.kind, "application.indicator-found");
    let fields = json!({ "rule": "Marker", "tags": ["lab", "test"], "file": marked });
    assert_eq!(event.fields, fields);

    let wrong = json!({ "paths": [files], "rules": "rule Odd { condition: nothing }" });
    let (state, summary, _) = done(&system, YARA, "scan", wrong.clone()).await?;
    assert_eq!(state, DeliveryState::Failed, "{summary}");
    assert!(summary.contains("undefined identifier"), "{summary}");

    let wrong = json!({ "rules": wrong["rules"] });
    let (state, summary, _) = done(&system, YARA, "check-rules", wrong).await?;
    assert_eq!(state, DeliveryState::Failed, "{summary}");
    let right = json!({ "rules": rules });
    let (state, summary, _) = done(&system, YARA, "check-rules", right).await?;
    assert_eq!(state, DeliveryState::Succeeded, "{summary}");
    Ok(())
}

#[tokio::test]
async fn lynis_audits_with_a_few_of_its_tests_and_its_report_is_read() -> Result<()> {
    if !have(&["lynis", "python3"]) {
        return Ok(());
    }
    let (system, _agent) = prepare("lynis").await?;
    let folder = system.folder().join("lynis");
    std::fs::create_dir_all(&folder)?;
    let report = folder.join("report.dat");
    // Of another day, and without a hardening index: it must not be read.
    std::fs::write(&report, "warning[]=OLD-0001|Old|-|-|\nfinish=true\n")?;
    let settings = json!({
        "tests": ["KRNL-5820", "SSH-7402"],
        "plugins": false,
        "lowest-index": 100,
        "report-file": report,
        "log-file": folder.join("audit.log"),
    });

    let (state, summary, events) = done(&system, LYNIS, "audit", settings.clone()).await?;
    assert_eq!(state, DeliveryState::Warning, "{summary}");
    assert!(
        summary.starts_with("Hardening index ") && summary.contains("0 warnings"),
        "{summary}"
    );
    let of = |kind: &str| {
        let kind = format!("application.{kind}");
        events.iter().filter(move |event| event.kind == kind)
    };
    assert_eq!(of("audit-warning").count(), 0, "{events:?}");
    let [low] = of("index-too-low").collect::<Vec<_>>()[..] else {
        anyhow::bail!("not one word of the index: {events:?}");
    };
    assert_eq!(low.fields.get("lowest"), Some(&json!(100)));
    // KRNL-5820 suggests to switch core dumps off, if this machine has them on; LYNIS itself has its say.
    let written = std::fs::read_to_string(&report)?;
    let suggested = written
        .lines()
        .filter(|line| line.starts_with("suggestion[]="))
        .count();
    assert_eq!(of("audit-suggestion").count(), suggested, "{written}");
    Ok(())
}
