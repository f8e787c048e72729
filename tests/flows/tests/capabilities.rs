//! What a plug-in asks for: shown with its reasons, granted, withdrawn, carried over an upgrade, gone
//! with the plug-in. What each capability does is tried in `host/plugin-host/tests`.

use anyhow::{Context as _, Result, ensure};
use muster_api::page::Page;
use muster_api::plugin::{AskView, GrantsChange, PluginRemovedView, PluginView};
use muster_api::task::TaskView;
use muster_flows::{CAPABLE, capable, task};
use muster_test_harness::{Answer, TestSystem};
use reqwest::Method;
use serde_json::{Value, json};

/// What the guest says that came of something: a new task is validated by it.
async fn said(system: &TestSystem, settings: Value) -> Result<String> {
    let task = task("use", CAPABLE, "use", settings);
    let view: TaskView = system.client.task_create(&task).await?;
    let finding = view.findings.first().context("it says nothing")?;
    Ok(finding.text.clone())
}

async fn change(system: &TestSystem, grant: &[&str], deny: &[&str]) -> Result<Answer> {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let change = GrantsChange {
        grant: list(grant),
        deny: list(deny),
    };
    let path = format!("/plugins/{CAPABLE}/grants");
    let request = system.client.request(Method::PATCH, &path);
    system.client.send(request.json(&change)).await
}

fn words(asks: &Page<AskView>) -> Vec<(&str, &str, Option<u32>)> {
    asks.items
        .iter()
        .map(|ask| (ask.name.as_str(), ask.word.as_str(), ask.granted))
        .collect()
}

#[tokio::test]
async fn a_plug_in_gets_what_it_asks_for_only_by_an_administrator_s_word() -> Result<()> {
    let mut system = TestSystem::start().await?;
    let client = system.client.clone();
    let guest = system.programs.guest("muster-test-capable-guest")?;
    let first = capable(&client, &guest, "", "1.0.0", None).await?;

    // Nobody said anything: it waits, and it is told what it asks for and why.
    let answer = client.plugin_upload(first.clone()).await?;
    assert_eq!(answer.status, 202);
    let waits: PluginView = answer.ok()?;
    assert_eq!(waits.state, "ready");
    let reason = waits.reason.context("no reason")?;
    for asked in [
        "files: \"Keeps what it has seen.\"",
        "--grant files,clock,random",
    ] {
        ensure!(reason.contains(asked), "{reason}");
    }
    let nothing = task("use", CAPABLE, "use", json!({ "do": "nothing" }));
    let problem = client.post("/tasks", &nothing).await?.problem(409)?;
    assert_eq!(problem.code(), "application-without-plugin");
    let activate = format!("/plugins/{CAPABLE}/revisions/{}/activate", waits.digest);
    let problem = client.post(&activate, &json!({})).await?.problem(409)?;
    assert_eq!(problem.code(), "plugin-asks");
    for (query, code) in [
        ("grant=files,clock&deny=network", "grant-invalid"),
        ("grant=files,clock,random,memory", "not-asked-for"),
        ("grant=files=3&deny=clock,random", "grant-invalid"),
    ] {
        let answer = client.plugin_upload_with(first.clone(), query).await?;
        assert_eq!(answer.problem(422)?.code(), code, "{query}");
    }

    let query = "grant=files,clock&deny=random";
    let answer = client.plugin_upload_with(first.clone(), query).await?;
    answer.ok::<PluginView>()?;
    let write = json!({ "do": "write", "name": "kept", "size": 3 });
    assert_eq!(said(&system, write).await?, "Ok(())");
    let random = json!({ "do": "random-length", "size": 9 });
    ensure!(said(&system, random.clone()).await?.contains("Denied"));
    let path = format!("/plugins/{CAPABLE}/grants");
    let asks: Page<AskView> = client.get(&path).await?;
    assert_eq!(
        words(&asks),
        [
            ("files", "granted", None),
            ("clock", "granted", None),
            ("random", "denied", None)
        ]
    );

    // Changed while it runs, from the next call on, and told.
    let asks: Page<AskView> = change(&system, &["random"], &["files"]).await?.ok()?;
    assert_eq!(words(&asks)[0], ("files", "denied", None));
    let read = json!({ "do": "read", "name": "kept" });
    ensure!(said(&system, read.clone()).await?.contains("Denied"));
    assert_eq!(said(&system, random).await?, "Ok(9)");
    let events = client.events(0, "kind=plugin.grants-changed").await?;
    let texts: Vec<&str> = events.iter().map(|event| event.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "Granted to the plug-in of Capable, version 1.0.0: files, clock; denied: random.",
            "Granted to the plug-in of Capable, version 1.0.0: random; denied: files.",
        ]
    );
    ensure!(
        events
            .iter()
            .all(|event| event.actor == "administrator:admin")
    );
    let answer = change(&system, &["memory"], &[]).await?;
    assert_eq!(answer.problem(422)?.code(), "not-asked-for");

    // After a restart too; and what was written is still there.
    change(&system, &["files"], &["clock"])
        .await?
        .ok::<Page<AskView>>()?;
    system.server.stop().await?;
    system.server.restart(&[]).await?;
    assert_eq!(said(&system, read.clone()).await?, "Ok(3)");
    ensure!(
        said(&system, json!({ "do": "now" }))
            .await?
            .contains("Denied")
    );

    Ok(())
}

#[tokio::test]
async fn a_revision_that_asks_for_more_waits_and_removal_takes_all_away() -> Result<()> {
    // What it does here takes its time on a busy machine.
    let environment = [("MUSTER_SERVER_PLUG_INS_VALIDATE_TIME", "20000")];
    let system = TestSystem::start_with(&environment).await?;
    let client = system.client.clone();
    let guest = system.programs.guest("muster-test-capable-guest")?;
    let first = capable(&client, &guest, "", "1.0.0", None).await?;
    let query = "grant=files,random&deny=clock";
    let answer = client.plugin_upload_with(first.clone(), query).await?;
    answer.ok::<PluginView>()?;
    let write = json!({ "do": "write", "name": "kept", "size": 3 });
    assert_eq!(said(&system, write).await?, "Ok(())");
    let read = json!({ "do": "read", "name": "kept" });
    let path = format!("/plugins/{CAPABLE}/grants");

    // It waits for a word to what is more, and to no other thing.
    let second = capable(&client, &guest, "memory 2.0.0", "2.0.0", Some(128)).await?;
    let waits: PluginView = client.plugin_upload(second.clone()).await?.ok()?;
    let reason = waits.reason.context("no reason")?;
    ensure!(reason.contains("memory=128 (MiB)"), "{reason}");
    ensure!(!reason.contains("files"), "{reason}");
    let plugin: PluginView = client.get(&format!("/plugins/{CAPABLE}")).await?;
    assert_eq!(
        (plugin.version.as_str(), plugin.state.as_str()),
        ("1.0.0", "active")
    );
    let answer = client.plugin_upload_with(second.clone(), "grant=memory=9999");
    assert_eq!(answer.await?.problem(422)?.code(), "grant-beyond-limit");
    let answer = client.plugin_upload_with(second, "grant=memory&auto=true");
    answer.await?.ok::<PluginView>()?;
    let asks: Page<AskView> = client.get(&path).await?;
    assert_eq!(
        words(&asks),
        [
            ("files", "granted", None),
            ("clock", "denied", None),
            ("random", "granted", None),
            ("memory", "granted", Some(128)),
        ]
    );
    assert_eq!(said(&system, read.clone()).await?, "Ok(3)");
    let grow = json!({ "do": "grow", "size": 100 });
    assert_eq!(said(&system, grow.clone()).await?, (100 << 20).to_string());
    let third = capable(&client, &guest, "more-memory 3.0.0", "3.0.0", Some(256)).await?;
    let waits: PluginView = client.plugin_upload(third).await?.ok()?;
    let reason = waits.reason.context("no reason")?;
    ensure!(reason.contains("memory=256 (MiB)"), "{reason}");
    // A withdrawn limit holds from the next call on as well.
    change(&system, &[], &["memory"])
        .await?
        .ok::<Page<AskView>>()?;
    let answer = client
        .post("/tasks", &task("use", CAPABLE, "use", grow))
        .await?;
    ensure!(!answer.status.is_success());

    // Its files and all words go with it.
    let folder = system.folder().join("server/plugin-files").join(CAPABLE);
    ensure!(folder.join("kept").is_file());
    let removal = client.request(Method::DELETE, &format!("/plugins/{CAPABLE}"));
    client.send(removal).await?.ok::<PluginRemovedView>()?;
    ensure!(!folder.exists());
    let waits: PluginView = client.plugin_upload(first.clone()).await?.ok()?;
    assert_eq!(waits.state, "ready");
    let query = "grant=files&deny=clock,random";
    client
        .plugin_upload_with(first, query)
        .await?
        .ok::<PluginView>()?;
    ensure!(said(&system, read).await?.contains("NotFound"));
    Ok(())
}
