//! Revisions with another schema: settings are migrated by an upgrade, come back with a roll-back, and
//! where that is not possible everybody is told, and nothing is guessed.

use anyhow::{Context as _, Result, ensure};
use muster_api::objects::ObjectsFile;
use muster_api::plan::{ActivatedView, ChangeView, PlanView, RevisionActivate, TaskPlanView};
use muster_api::plugin::PluginView;
use muster_api::task::{TaskRevisionView, TaskView};
use muster_domain::Digest;
use muster_domain::delivery::DeliveryState;
use muster_flows::{CHANGING, Sweeper, changing, changing_upload, import, import_plan, sweep};
use muster_test_harness::{Client, TestSystem};
use reqwest::Method;
use serde_json::{Value, json};

const FIRST: &str = "1.0.0";
const SECOND: &str = "2.0.0 schema-2";
const BY_PLUGIN: &str = "plugin:org.example.changing";

async fn system_with_first() -> Result<TestSystem> {
    let system = TestSystem::start().await?;
    let answer = changing_upload(&system, FIRST, "").await?;
    assert_eq!(answer.status, 201, "{}", answer.text());
    Ok(system)
}

fn revision(digest: &str, what: &str) -> String {
    format!("/plugins/{CHANGING}/revisions/{digest}/{what}")
}

/// Puts a revision to work by its plan, whatever that says.
async fn accept(client: &Client, digest: &str) -> Result<PlanView> {
    let plan: PlanView = client.get(&revision(digest, "plan")).await?;
    let body = RevisionActivate {
        plan: Some(plan.id),
        ..RevisionActivate::default()
    };
    let answer = client.post(&revision(digest, "activate"), &body).await?;
    Ok(answer.ok::<ActivatedView>()?.plan)
}

async fn upgrade(system: &TestSystem) -> Result<PlanView> {
    let ready: PluginView = changing_upload(system, SECOND, "").await?.ok()?;
    accept(&system.client, &ready.digest).await
}

async fn task(client: &Client, id: i64) -> Result<TaskView> {
    client.get(&format!("/tasks/{id}")).await
}

async fn change(client: &Client, id: i64, body: Value) -> Result<muster_test_harness::Answer> {
    let request = client.request(Method::PATCH, &format!("/tasks/{id}"));
    client.send(request.json(&body)).await
}

fn of(plan: &PlanView, task: i64) -> Result<&TaskPlanView> {
    let found = plan.tasks.iter().find(|one| one.task == task);
    found.with_context(|| format!("task {task} is not in the plan"))
}

fn told(changes: &[ChangeView]) -> Vec<(&str, Option<Value>, Option<Value>)> {
    let one = |change: &'_ ChangeView| (change.before.clone(), change.after.clone());
    changes
        .iter()
        .map(|change| {
            let (before, after) = one(change);
            (change.pointer.as_str(), before, after)
        })
        .collect()
}

#[tokio::test]
async fn an_upgrade_migrates_settings_and_a_roll_back_brings_them_back() -> Result<()> {
    let system = system_with_first().await?;
    let client = &system.client;
    let device = Sweeper::start(&system, "pc-1", "1.4").await?;
    let deep = sweep("deep", json!({ "folder": "/srv", "deep": true }));
    let deep = client.task_create(&deep).await?;
    let relative = client
        .task_create(&sweep("relative", json!({ "folder": "tmp" })))
        .await?;
    let quick = client
        .task_create(&sweep("quick", json!({ "folder": "/var" })))
        .await?;

    // The plan: settings, commands by profile, and what is no longer valid.
    let answer = changing_upload(&system, SECOND, "auto=true").await?;
    assert_eq!(answer.status, 202);
    let ready: PluginView = answer.ok()?;
    let plan = ready.plan.context("there is no plan")?;
    assert!(!plan.clean && !plan.signer_changed);
    let of_deep = of(&plan, deep.id)?;
    assert_eq!(of_deep.effect, "changed");
    assert_eq!(
        told(&of_deep.settings),
        [
            ("/folder", Some(json!("/srv")), None),
            ("/deep", Some(json!(true)), None),
            ("/path", None, Some(json!("/srv"))),
            ("/mode", None, Some(json!("full"))),
        ]
    );
    let [profile] = of_deep.profiles.as_slice() else {
        anyhow::bail!("not one profile: {of_deep:?}");
    };
    assert_eq!((profile.devices, profile.support.as_str()), (1, "kept"));
    let texts = json!(profile.command).to_string();
    ensure!(
        texts.contains("--deep") && texts.contains("--mode=full"),
        "{texts}"
    );
    let of_relative = of(&plan, relative.id)?;
    let finding = of_relative.findings.first().context("no finding")?;
    assert_eq!(
        (of_relative.effect.as_str(), finding.code.as_str()),
        ("invalid", "folder-relative")
    );

    // Nothing happens without a word.
    let activate = revision(&ready.digest, "activate");
    let problem = client.post(&activate, &json!({})).await?.problem(409)?;
    assert_eq!(problem.code(), "plan-not-clean");
    assert_eq!(task(client, deep.id).await?.revision, 1);

    accept(client, &ready.digest).await?;
    let migrated = task(client, deep.id).await?;
    assert_eq!(migrated.settings, json!({ "path": "/srv", "mode": "full" }));
    assert_eq!(
        (
            migrated.revision,
            migrated.schema_version,
            migrated.changed_by.as_str()
        ),
        (2, 2, BY_PLUGIN)
    );
    let stays = task(client, relative.id).await?;
    assert_eq!((stays.revision, stays.schema_version), (1, 1));
    let events = client.events(0, "kind=task.migrated").await?;
    let tasks: Vec<_> = events.iter().map(|event| event.task).collect();
    assert_eq!(tasks, [Some(deep.id), Some(quick.id)]);
    ensure!(events.iter().all(|event| event.actor == BY_PLUGIN));
    let start = client.request(Method::POST, &format!("/tasks/{}/start", relative.id));
    let problem = client.send(start).await?.problem(422)?;
    assert_eq!(problem.code(), "settings-invalid");
    let run = client.task_start(deep.id).await?.id;
    client.run_finished(run).await?;
    assert_eq!(device.swept(), ["/srv --mode=full"]);

    let back = client.plugin_rollback(CHANGING).await?;
    assert_eq!(of(&back.plan, deep.id)?.restores, Some(1));
    let restored = task(client, deep.id).await?;
    assert_eq!(restored.settings, deep.settings);
    assert_eq!(
        (
            restored.revision,
            restored.schema_version,
            restored.changed_by.as_str()
        ),
        (3, 1, BY_PLUGIN)
    );
    let events = client.events(0, "kind=task.restored").await?;
    assert_eq!(events.len(), 2);
    ensure!(events.iter().all(|event| event.actor == BY_PLUGIN));
    let revisions: Vec<TaskRevisionView> = client
        .list(&format!("/tasks/{}/revisions", deep.id), "")
        .await?;
    let from: Vec<_> = revisions
        .iter()
        .map(|revision| (revision.number, revision.migrated_from))
        .collect();
    assert_eq!(from, [(3, Some(1)), (2, Some(1)), (1, None)]);
    for id in [deep.id, relative.id] {
        let run = client.task_start(id).await?.id;
        client.run_finished(run).await?;
    }
    assert_eq!(device.swept(), ["/srv --mode=full", "/srv --deep", "tmp"]);
    Ok(())
}

#[tokio::test]
async fn a_task_that_a_person_changed_since_stands_until_a_person_changes_it_again() -> Result<()> {
    let system = system_with_first().await?;
    let client = &system.client;
    let edited = client
        .task_create(&sweep("edited", json!({ "folder": "/var" })))
        .await?;
    upgrade(&system).await?;
    let settings = json!({ "path": "/var/edited", "mode": "full" });
    change(client, edited.id, json!({ "settings": settings }))
        .await?
        .ok::<TaskView>()?;
    let new = sweep("new", json!({ "path": "/new", "mode": "quick" }));
    let new = client.task_create(&new).await?;

    // The plan of the way back says whose word stands in the way, and so does the answer to it.
    let first = Digest::of(changing(&system.programs, FIRST)?).to_string();
    let plan: PlanView = client.get(&revision(&first, "plan")).await?;
    let back = client.plugin_rollback(CHANGING).await?.plan;
    for plan in [&plan, &back] {
        ensure!(!plan.clean);
        for (id, at) in [(edited.id, 3), (new.id, 1)] {
            let of_task = of(plan, id)?;
            assert_eq!(of_task.effect, "invalid");
            let note = of_task.note.as_deref().context("no note")?;
            let wanted = format!("set by admin in revision {at}");
            ensure!(note.contains(&wanted), "{note}");
        }
    }
    let stands = task(client, edited.id).await?;
    assert_eq!((stands.revision, stands.settings), (3, settings));
    let start = format!("/tasks/{}/start", edited.id);
    let start = client.send(client.request(Method::POST, &start)).await?;
    let problem = start.problem(422)?;
    let finding = problem.findings.first().context("no finding")?;
    assert_eq!(finding.code, "settings-newer");
    let renamed = change(client, edited.id, json!({ "name": "other" })).await?;
    assert_eq!(renamed.problem(422)?.code(), "settings-invalid");

    // A person says what is meant, and the next upgrade brings that up to date.
    let settings = json!({ "settings": { "folder": "/var/meant" } });
    let meant: TaskView = change(client, edited.id, settings).await?.ok()?;
    assert_eq!((meant.revision, meant.schema_version), (4, 1));
    let second = Digest::of(changing(&system.programs, SECOND)?).to_string();
    accept(client, &second).await?;
    let again = task(client, edited.id).await?;
    assert_eq!(
        again.settings,
        json!({ "path": "/var/meant", "mode": "quick" })
    );
    assert_eq!((again.revision, again.schema_version), (5, 2));
    let untouched = task(client, new.id).await?;
    assert_eq!((untouched.revision, untouched.schema_version), (1, 2));
    Ok(())
}

#[tokio::test]
async fn a_run_under_way_goes_on_in_the_terms_of_whichever_revision_is_at_work() -> Result<()> {
    let system = system_with_first().await?;
    let client = &system.client;
    let mut device = Sweeper::start(&system, "pc-1", "1.4").await?;
    let deep = sweep("deep", json!({ "folder": "/srv", "deep": true }));
    let deep = client.task_create(&deep).await?;
    let later = client
        .task_create(&sweep("later", json!({ "folder": "/var" })))
        .await?;
    upgrade(&system).await?;
    // It begins with migrated settings, and the device comes when the first revision is back.
    device.agent.stop().await?;
    let run = client.task_start(deep.id).await?.id;
    client.plugin_rollback(CHANGING).await?;
    device.agent.start(&[])?;
    client.run_finished(run).await?;
    assert_eq!(device.swept(), ["/srv --deep"]);
    let deliveries = client.deliveries(run).await?;
    assert_eq!(deliveries[0].summary.as_deref(), Some("1.0.0 swept /srv"));

    // The other way round: begun with settings that are older than the plug-in's.
    device.agent.stop().await?;
    let run = client.task_start(later.id).await?.id;
    let second = Digest::of(changing(&system.programs, SECOND)?).to_string();
    accept(client, &second).await?;
    device.agent.start(&[])?;
    client.run_finished(run).await?;
    assert_eq!(device.swept()[1..], ["/var --mode=quick"]);
    let deliveries = client.deliveries(run).await?;
    assert_eq!(
        (deliveries[0].state, deliveries[0].summary.as_deref()),
        (DeliveryState::Succeeded, Some("2.0.0 swept /var"))
    );
    Ok(())
}

#[tokio::test]
async fn migrated_settings_that_change_no_command_need_no_word() -> Result<()> {
    let system = system_with_first().await?;
    let client = &system.client;
    let _device = Sweeper::start(&system, "pc-1", "1.4").await?;
    let deep = sweep("deep", json!({ "folder": "/srv", "deep": true }));
    let deep = client.task_create(&deep).await?;
    let words = "2.0.0 schema-2 same-command";
    let ready: PluginView = changing_upload(&system, words, "").await?.ok()?;
    let plan = ready.plan.context("no plan")?;
    ensure!(plan.clean, "{plan:?}");
    assert_eq!(of(&plan, deep.id)?.effect, "migrated");
    let answer = changing_upload(&system, words, "auto=true").await?;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(
        task(client, deep.id).await?.settings,
        json!({ "path": "/srv", "mode": "full" })
    );
    Ok(())
}

async fn export(client: &Client, id: i64) -> Result<ObjectsFile> {
    client.get(&format!("/tasks/{id}/export")).await
}

#[tokio::test]
async fn a_task_file_of_another_schema_version_is_brought_up_to_date_or_refused() -> Result<()> {
    let system = system_with_first().await?;
    let client = &system.client;
    let deep = sweep("deep", json!({ "folder": "/srv", "deep": true }));
    let deep = client.task_create(&deep).await?;
    let relative = client
        .task_create(&sweep("relative", json!({ "folder": "tmp" })))
        .await?;
    let (older, never) = (
        export(client, deep.id).await?,
        export(client, relative.id).await?,
    );
    assert_eq!(older.tasks[0].schema_version, Some(1));
    upgrade(&system).await?;
    let of_second = export(client, deep.id).await?;
    assert_eq!(of_second.tasks[0].schema_version, Some(2));

    // Looked at, and then made: as its settings are in the plug-in's terms now.
    let other = |name: &str| json!({ "rename": { "deep": name } });
    let plan = import_plan(client, &older, other("made")).await?;
    ensure!(plan.possible && !plan.done);
    assert_eq!(plan.plugins[0].stand, "newer");
    let changes = told(&plan.items[0].changes);
    ensure!(
        changes.contains(&("/settings/mode", None, Some(json!("full")))),
        "{changes:?}"
    );
    let answer = import(client, &older, other("made"), Some(&plan.id)).await?;
    ensure!(answer.status == 200, "{}", answer.text());
    let all: Vec<TaskView> = client.list("/tasks", "").await?;
    let made = all.iter().find(|task| task.name == "made");
    let made = made.context("it was not made")?;
    assert_eq!(made.settings, json!({ "path": "/srv", "mode": "full" }));
    assert_eq!((made.revision, made.schema_version), (1, 2));
    assert_eq!(made.changed_by, "administrator:admin");
    assert_eq!(made.origin.way.as_deref(), Some("import"));

    // What cannot be brought up to date is not made, by any way.
    let again = json!({ "names": "rename" });
    let plan = import_plan(client, &never, again.clone()).await?;
    ensure!(!plan.possible && plan.items[0].changes.is_empty());
    assert_eq!(plan.items[0].findings[0].code, "folder-relative");
    let answer = import(client, &never, again.clone(), Some(&plan.id)).await?;
    assert_eq!(answer.problem(409)?.code(), "plan-refused");
    let copy = format!("/tasks/{}/copy", relative.id);
    let problem = client.post(&copy, &json!({})).await?.problem(422)?;
    assert_eq!(problem.findings[0].code, "folder-relative");

    // Nor what a later plug-in wrote.
    client.plugin_rollback(CHANGING).await?;
    let plan = import_plan(client, &of_second, again.clone()).await?;
    ensure!(!plan.possible);
    assert_eq!(plan.plugins[0].stand, "older");
    assert_eq!(plan.items[0].findings[0].code, "settings-newer");
    let answer = import(client, &of_second, again, Some(&plan.id)).await?;
    assert_eq!(answer.problem(409)?.code(), "plan-refused");
    Ok(())
}
