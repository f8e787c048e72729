//! What revisions are granted that are not at work: nothing comes back that was taken away.

use anyhow::{Context as _, Result, ensure};
use muster_api::page::Page;
use muster_api::plan::{PlanView, RevisionView};
use muster_api::plugin::{AskView, GrantsChange, PluginView};
use muster_api::task::TaskView;
use muster_flows::{CAPABLE, capable, task};
use muster_test_harness::{Answer, Client, TestSystem};
use reqwest::Method;
use serde_json::json;

const ALL: &str = "grant=files,clock,random";

/// Says words to a revision, or to the one at work.
async fn say(
    client: &Client,
    revision: Option<&str>,
    grant: &[&str],
    deny: &[&str],
) -> Result<Answer> {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let change = GrantsChange {
        grant: list(grant),
        deny: list(deny),
    };
    let request = client.request(Method::PATCH, &grants(revision));
    client.send(request.json(&change)).await
}

fn grants(revision: Option<&str>) -> String {
    match revision {
        None => format!("/plugins/{CAPABLE}/grants"),
        Some(digest) => format!("/plugins/{CAPABLE}/revisions/{digest}/grants"),
    }
}

async fn words(client: &Client, revision: &str) -> Result<Vec<(String, String)>> {
    let asks: Page<AskView> = client.get(&grants(Some(revision))).await?;
    let word = |ask: AskView| (ask.name, ask.word);
    Ok(asks.items.into_iter().map(word).collect())
}

fn said(words: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(name, word): &(&str, &str)| ((*name).to_owned(), (*word).to_owned());
    words.iter().map(own).collect()
}

/// What the guest answers to being told to list its files.
async fn files(client: &Client) -> Result<String> {
    let list = task("use", CAPABLE, "use", json!({ "do": "list" }));
    let view: TaskView = client.task_create(&list).await?;
    Ok(view
        .findings
        .first()
        .context("it says nothing")?
        .text
        .clone())
}

async fn rollback(client: &Client) -> Result<Answer> {
    client
        .post(&format!("/plugins/{CAPABLE}/rollback"), &json!({}))
        .await
}

#[tokio::test]
async fn a_roll_back_does_not_bring_back_what_was_taken_away() -> Result<()> {
    let mut system = TestSystem::start().await?;
    let client = system.client.clone();
    let guest = system.programs.guest("muster-test-capable-guest")?;
    let first = capable(&client, &guest, "", "1.0.0", None).await?;
    let first: PluginView = client.plugin_upload_with(first, ALL).await?.ok()?;
    let second = capable(&client, &guest, "2.0.0", "2.0.0", None).await?;
    let second: PluginView = client.plugin_upload_with(second, "auto=true").await?.ok()?;
    assert_eq!(second.state, "active");
    // Granted both, so nothing stands in the way; there and back.
    rollback(&client).await?.ok::<serde_json::Value>()?;
    rollback(&client).await?.ok::<serde_json::Value>()?;

    say(&client, None, &[], &["files"])
        .await?
        .ok::<Page<AskView>>()?;
    let lapsed = client.event(0, "plugin.grants-lapsed").await?;
    ensure!(lapsed.text.contains("version 1.0.0"), "{}", lapsed.text);
    assert_eq!(
        words(&client, &first.digest).await?,
        said(&[
            ("files", "open"),
            ("clock", "granted"),
            ("random", "granted")
        ])
    );
    for started_again in [false, true] {
        if started_again {
            system.server.restart(&[]).await?;
        }
        let problem = rollback(&client).await?.problem(409)?;
        assert_eq!(problem.code(), "plugin-asks");
        for part in ["files", "--revision"] {
            ensure!(problem.detail.contains(part), "{}", problem.detail);
        }
    }
    ensure!(!problem_names(&client, "clock").await?);
    assert_eq!(
        client
            .get::<PluginView>(&format!("/plugins/{CAPABLE}"))
            .await?
            .version,
        "2.0.0"
    );

    // A word for that very revision, and it comes.
    say(&client, Some(&first.digest), &["files"], &[])
        .await?
        .ok::<Page<AskView>>()?;
    ensure!(files(&client).await?.contains("Denied"));
    rollback(&client).await?.ok::<serde_json::Value>()?;
    ensure!(files(&client).await?.contains("Ok"));
    let nobody = say(
        &client,
        Some(&format!("sha256:{}", "0".repeat(64))),
        &["files"],
        &[],
    )
    .await?;
    ensure!(nobody.status == 404, "{}", nobody.text());
    Ok(())
}

/// Whether what a roll-back waits for has this name.
async fn problem_names(client: &Client, name: &str) -> Result<bool> {
    let problem = rollback(client).await?.problem(409)?;
    Ok(problem.detail.contains(name))
}

#[tokio::test]
async fn a_roll_back_that_asks_for_more_waits_for_a_word() -> Result<()> {
    let system = TestSystem::start().await?;
    let client = &system.client;
    let guest = system.programs.guest("muster-test-capable-guest")?;
    let first = capable(client, &guest, "memory 1.0.0", "1.0.0", Some(128)).await?;
    let granted = format!("{ALL},memory");
    let first: PluginView = client.plugin_upload_with(first, &granted).await?.ok()?;
    let second = capable(client, &guest, "2.0.0", "2.0.0", None).await?;
    let second: PluginView = client.plugin_upload_with(second, "auto=true").await?.ok()?;
    assert_eq!(second.state, "active");
    let problem = rollback(client).await?.problem(409)?;
    assert_eq!(problem.code(), "plugin-asks");
    ensure!(
        problem.detail.contains("memory=128") && !problem.detail.contains("files"),
        "{}",
        problem.detail
    );
    let plan = format!("/plugins/{CAPABLE}/revisions/{}/plan", first.digest);
    let plan: PlanView = client.get(&plan).await?;
    let open: Vec<_> = plan.asks.iter().filter(|ask| ask.word == "open").collect();
    ensure!(open.len() == 1 && open[0].name == "memory", "{open:?}");
    say(client, Some(&first.digest), &[], &["memory"])
        .await?
        .ok::<Page<AskView>>()?;
    rollback(client).await?.ok::<serde_json::Value>()?;
    ensure!(files(client).await?.contains("Ok"));
    let words = words(client, &first.digest).await?;
    assert_eq!(
        words.last(),
        Some(&("memory".to_owned(), "denied".to_owned()))
    );
    Ok(())
}

#[tokio::test]
async fn a_revision_that_is_ready_gets_its_words_where_it_is() -> Result<()> {
    let system = TestSystem::start().await?;
    let client = &system.client;
    let guest = system.programs.guest("muster-test-capable-guest")?;
    let first = capable(client, &guest, "", "1.0.0", None).await?;
    client
        .plugin_upload_with(first, ALL)
        .await?
        .ok::<PluginView>()?;
    let second = capable(client, &guest, "memory 2.0.0", "2.0.0", Some(128)).await?;
    let ready: PluginView = client.plugin_upload(second).await?.ok()?;
    let asks = ready.plan.context("there is no plan")?.asks;
    let open: Vec<_> = asks.iter().filter(|ask| ask.word == "open").collect();
    ensure!(open.len() == 1 && open[0].name == "memory", "{asks:?}");
    let row = async || -> Result<RevisionView> {
        let all = client.plugin_revisions(CAPABLE).await?;
        let found = all.into_iter().find(|one| one.digest == ready.digest);
        found.context("it is not listed")
    };
    assert_eq!(row().await?.code.as_deref(), Some("plugin-asks"));
    let activate = format!("/plugins/{CAPABLE}/revisions/{}/activate", ready.digest);
    let problem = client.post(&activate, &json!({})).await?.problem(409)?;
    assert_eq!(problem.code(), "plugin-asks");

    say(client, Some(&ready.digest), &["memory"], &[])
        .await?
        .ok::<Page<AskView>>()?;
    let now = row().await?;
    ensure!(now.code.is_none() && now.reason.is_none(), "{now:?}");
    // What is taken from the one at work is not given to the next one either.
    say(client, None, &[], &["files"])
        .await?
        .ok::<Page<AskView>>()?;
    let waits = row().await?;
    assert_eq!(waits.code.as_deref(), Some("plugin-asks"));
    let reason = waits.reason.context("no reason")?;
    ensure!(
        reason.contains("files") && !reason.contains("memory="),
        "{reason}"
    );
    let problem = client.post(&activate, &json!({})).await?.problem(409)?;
    assert_eq!(problem.code(), "plugin-asks");
    say(client, Some(&ready.digest), &[], &["files"])
        .await?
        .ok::<Page<AskView>>()?;
    client
        .post(&activate, &json!({}))
        .await?
        .ok::<serde_json::Value>()?;
    ensure!(files(client).await?.contains("Denied"));
    let grow = task("use", CAPABLE, "use", json!({ "do": "grow", "size": 100 }));
    client.task_create(&grow).await?;
    Ok(())
}
