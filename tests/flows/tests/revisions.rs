//! Revisions: a plug-in is upgraded, rolled back, tried as a shadow and removed while tasks and
//! deliveries go on.

use anyhow::{Context as _, Result, ensure};
use muster_api::plan::{ActivatedView, PlanView, RevisionActivate, RevisionView, UploadView};
use muster_api::plugin::PluginView;
use muster_domain::Digest;
use muster_domain::delivery::DeliveryState;
use muster_flows::{
    CLAMAV, DETECTS, Device, FOUND, SCANNER_ARGUMENTS, SECOND_VERSION, WAITS_THEN_DETECTS,
    clamav_of_version, first_clamav, scan, second_clamav, system_with_clamav,
};
use muster_test_harness::{Client, TestSystem, until};
use reqwest::Method;
use serde_json::{Value, json};

/// The digest of a component, as the server tells it.
fn digest(component: &[u8]) -> String {
    Digest::of(component).to_string()
}

fn revision(digest: &str, what: &str) -> String {
    format!("/plugins/{CLAMAV}/revisions/{digest}/{what}")
}

/// Puts the revision to work that is ready, whatever it changes.
async fn accept(client: &Client, digest: &str) -> Result<ActivatedView> {
    let plan: PlanView = client.get(&revision(digest, "plan")).await?;
    let body = RevisionActivate {
        plan: Some(plan.id),
        ..RevisionActivate::default()
    };
    client
        .post(&revision(digest, "activate"), &body)
        .await?
        .ok()
}

/// Installs the second revision, and puts it to work.
async fn upgrade(system: &TestSystem) -> Result<String> {
    let second = second_clamav(&system.programs)?;
    let digest = digest(&second);
    let second = system
        .client
        .release(&second, CLAMAV, SECOND_VERSION)
        .await?;
    let ready: PluginView = system.client.plugin_upload(second).await?.ok()?;
    ensure!(ready.state == "ready", "it did not wait: {ready:?}");
    accept(&system.client, &digest).await?;
    Ok(digest)
}

async fn summary(client: &Client, run: i64) -> Result<String> {
    client.run_finished(run).await?;
    let deliveries = client.deliveries(run).await?;
    let delivery = deliveries.first().context("there is no delivery")?;
    delivery.summary.clone().context("there is no summary")
}

#[tokio::test]
async fn an_upgrade_shows_its_plan_and_waits_for_a_word() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let _device = Device::start(&system, "pc-1", DETECTS).await?;
    let task = client.task_create(&scan("scan")).await?;
    let second = second_clamav(&system.programs)?;
    let digest = digest(&second);
    let second = client.release(&second, CLAMAV, SECOND_VERSION).await?;
    let answer = client.plugin_upload_with(second, "auto=true").await?;
    assert_eq!(answer.status.as_u16(), 202);
    let ready: PluginView = answer.ok()?;
    assert_eq!(
        (ready.state.as_str(), ready.version.as_str()),
        ("ready", SECOND_VERSION)
    );
    let plan = ready.plan.context("there is no plan")?;
    assert!(!plan.clean && !plan.downgrade);
    let [of_task] = plan.tasks.as_slice() else {
        anyhow::bail!("not one task: {plan:?}");
    };
    assert_eq!(
        (of_task.task, of_task.effect.as_str()),
        (task.id, "changed")
    );
    let [profile] = of_task.profiles.as_slice() else {
        anyhow::bail!("not one profile: {of_task:?}");
    };
    assert_eq!((profile.devices, profile.support.as_str()), (1, "kept"));
    let [change] = profile.command.as_slice() else {
        anyhow::bail!("not one change: {profile:?}");
    };
    let [before, after] = SCANNER_ARGUMENTS.map(|argument| Some(json!(argument)));
    let inner = |value: &Option<Value>| {
        value
            .clone()
            .map(|value| value.get("literal").cloned().unwrap_or(value))
    };
    assert_eq!(
        (inner(&change.before), inner(&change.after)),
        (before, after)
    );
    let active: PluginView = client.get(&format!("/plugins/{CLAMAV}")).await?;
    assert_ne!(active.digest, digest);

    // Without a word it stays; with one for another state it does, too.
    let activate = revision(&digest, "activate");
    let problem = client.post(&activate, &json!({})).await?.problem(409)?;
    assert_eq!(problem.code(), "plan-not-clean");
    client.task_create(&scan("another")).await?;
    let outdated = json!({ "plan": plan.id });
    let problem = client.post(&activate, &outdated).await?.problem(409)?;
    assert_eq!(problem.code(), "plan-outdated");
    let done = accept(client, &digest).await?;
    assert_eq!(
        (done.plugin.state.as_str(), done.plan.tasks.len()),
        ("active", 2)
    );
    let run = client.task_start(task.id).await?.id;
    assert!(summary(client, run).await?.contains(FOUND[1]));

    // A lower version does not come by accident, and the refusal is kept.
    let first = first_clamav(&system.programs)?;
    let release = client
        .release(&first, CLAMAV, env!("CARGO_PKG_VERSION"))
        .await?;
    let problem = client.plugin_upload(release).await?.problem(409)?;
    assert_eq!(problem.code(), "plugin-downgrade");
    let uploads: Vec<UploadView> = client.list("/plugin-uploads", "").await?;
    let refused = uploads.first().context("the refusal is not kept")?;
    assert_eq!(
        (refused.state.as_str(), refused.code.as_deref()),
        ("refused", Some("plugin-downgrade"))
    );
    assert_eq!(refused.digest, Digest::of(&first).to_string());

    let back = client.plugin_rollback(CLAMAV).await?;
    assert_eq!(back.plugin.digest, refused.digest);
    let states: Vec<String> = client
        .plugin_revisions(CLAMAV)
        .await?
        .into_iter()
        .map(|revision| revision.state)
        .collect();
    assert_eq!(states, ["active", "superseded"]);
    let run = client.task_start(task.id).await?.id;
    assert!(summary(client, run).await?.contains(FOUND[0]));
    Ok(())
}

#[tokio::test]
async fn a_clean_plan_activates_by_itself_and_a_few_older_revisions_are_kept() -> Result<()> {
    let system = TestSystem::start_with(&[("MUSTER_SERVER_REVISIONS_KEEP", "2")]).await?;
    let client = &system.client;
    client
        .plugin_install(&system.programs.plugin("clamav")?)
        .await?;
    client.task_create(&scan("scan")).await?;
    let ready: PluginView = client
        .plugin_install_as(
            &clamav_of_version(&system.programs, "0.1.1")?,
            CLAMAV,
            "0.1.1",
        )
        .await?
        .ok()?;
    assert_eq!(ready.state, "ready");
    assert!(ready.plan.context("no plan")?.clean);
    for version in ["0.1.2", "0.1.3", "0.1.4"] {
        let component = clamav_of_version(&system.programs, version)?;
        let component = client.release(&component, CLAMAV, version).await?;
        let answer = client.plugin_upload_with(component, "auto=true").await?;
        assert_eq!(answer.status.as_u16(), 201);
        assert_eq!(answer.ok::<PluginView>()?.version, version);
    }
    let states: Vec<(String, String)> = client
        .plugin_revisions(CLAMAV)
        .await?
        .into_iter()
        .map(|revision| (revision.version, revision.state))
        .collect();
    let state = |version: &str| {
        let found = states.iter().find(|(known, _)| known == version);
        found.map(|(_, state)| state.as_str())
    };
    assert_eq!(state("0.1.4"), Some("active"));
    assert_eq!([state("0.1.3"), state("0.1.2")], [Some("superseded"); 2]);
    assert_eq!(
        (state("0.1.0"), state("0.1.1")),
        (Some("removed"), Some("ready"))
    );
    // Their files go with them: four are left, each with what was signed of it.
    let folder = system.server.data().join("components");
    until("the file of the oldest to go", async || {
        Ok((files(&folder)? == 8).then_some(()))
    })
    .await
    .with_context(|| format!("{} files", files(&folder).unwrap_or_default()))?;
    Ok(())
}

fn files(folder: &std::path::Path) -> Result<usize> {
    let names = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    Ok(names.count())
}

#[tokio::test]
async fn a_result_is_interpreted_by_the_revision_that_translated_it() -> Result<()> {
    let mut system = system_with_clamav().await?;
    let client = system.client.clone();
    let device = Device::start(&system, "pc-1", WAITS_THEN_DETECTS).await?;
    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?.id;
    client.delivery_in(run, DeliveryState::Running).await?;
    upgrade(&system).await?;
    // The older revision is loaded again for it, if need be.
    system.server.restart(&[]).await?;
    device.touch("gate")?;
    assert!(summary(&client, run).await?.contains(FOUND[0]));
    let run = client.task_start(task.id).await?.id;
    assert!(summary(&client, run).await?.contains(FOUND[1]));
    Ok(())
}

#[tokio::test]
async fn a_removed_plug_in_is_shown_as_it_was_at_work_last() -> Result<()> {
    let mut system = system_with_clamav().await?;
    let client = system.client.clone();
    let first: PluginView = client.get(&format!("/plugins/{CLAMAV}")).await?;
    upgrade(&system).await?;
    let rollback = format!("/plugins/{CLAMAV}/rollback");
    let back = client.post(&rollback, &json!({})).await?;
    back.ok::<ActivatedView>()?;
    let remove = client.request(Method::DELETE, &format!("/plugins/{CLAMAV}"));
    client.send(remove).await?.ok::<Value>()?;
    for _ in 0..2 {
        let shown: PluginView = client.get(&format!("/plugins/{CLAMAV}")).await?;
        let listed: Vec<PluginView> = client.list("/plugins", "").await?;
        let told: Vec<_> = listed
            .iter()
            .chain([&shown])
            .map(|one| (one.digest.as_str(), one.state.as_str()))
            .collect();
        assert_eq!(told, [(first.digest.as_str(), "removed"); 2]);
        system.server.restart(&[]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_report_that_came_without_a_plug_in_is_interpreted_when_one_is_back() -> Result<()> {
    let mut system = system_with_clamav().await?;
    let client = system.client.clone();
    let device = Device::start(&system, "pc-1", WAITS_THEN_DETECTS).await?;
    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?.id;
    client.delivery_in(run, DeliveryState::Running).await?;
    let removal: Value = client.get(&format!("/plugins/{CLAMAV}/removal")).await?;
    assert_eq!(
        [&removal["tasks"], &removal["devices"], &removal["runs"]],
        [1, 1, 1]
    );
    let remove = client.request(Method::DELETE, &format!("/plugins/{CLAMAV}"));
    client.send(remove).await?.ok::<Value>()?;
    system.server.restart(&[]).await?;
    let start = client.request(Method::POST, &format!("/tasks/{}/start", task.id));
    let problem = client.send(start).await?.problem(409)?;
    assert_eq!(problem.reason.as_deref(), Some("removed"));
    // What runs ends normally; nobody can say yet what it found.
    device.touch("gate")?;
    assert!(!summary(&client, run).await?.contains(FOUND[0]));
    system.server.restart(&[]).await?;
    client
        .plugin_install(&system.programs.plugin("clamav")?)
        .await?;
    let interpreted = client.event(0, "delivery.interpreted").await?;
    assert_eq!(interpreted.run, Some(run));
    assert!(summary(&client, run).await?.contains(FOUND[0]));
    let found = client.events(0, "kind=application.threat-detected").await?;
    assert_eq!(found.len(), 1);
    let view = client.run(run).await?;
    assert_eq!(view.counts, [(DeliveryState::Warning, 1)].into());
    Ok(())
}

#[tokio::test]
async fn a_shadow_is_compared_and_has_no_effect() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let _device = Device::start(&system, "pc-1", DETECTS).await?;
    let second = second_clamav(&system.programs)?;
    let digest = digest(&second);
    let second = client.release(&second, CLAMAV, SECOND_VERSION).await?;
    client.plugin_upload(second).await?.ok::<PluginView>()?;
    let shadow = client.request(Method::PUT, &revision(&digest, "shadow"));
    let view: RevisionView = client.send(shadow).await?.ok()?;
    assert_eq!(view.state, "shadow");
    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?.id;
    assert!(summary(client, run).await?.contains(FOUND[0]));
    let counted = until("the shadow's answers to be counted", async || {
        let revisions = client.plugin_revisions(CLAMAV).await?;
        let found = revisions.into_iter().find_map(|revision| revision.shadow);
        Ok(found.filter(|shadow| shadow.validate.same > 0 && shadow.translate.different > 0))
    })
    .await?;
    assert_eq!((counted.validate.different, counted.translate.same), (0, 0));
    let end = client.request(Method::DELETE, &revision(&digest, "shadow"));
    let view: RevisionView = client.send(end).await?.ok()?;
    assert_eq!(
        (view.state.as_str(), view.shadow.is_none()),
        ("ready", true)
    );
    Ok(())
}
