//! Submit: what becomes a task and what is refused, revisions, copies, tasks as files.

use anyhow::Result;
use muster_api::objects::ObjectsFile;
use muster_api::plugin::PluginRemovedView;
use muster_api::problem::ProblemDocument;
use muster_api::task::{ScopeRequest, TaskChange, TaskCopy, TaskRevisionView, TaskView};
use muster_domain::delivery::{Cause, DeliveryState};
use muster_domain::finding::Level;
use muster_flows::{CLAMAV, DETECTS, Device, scan, system_with_clamav, task};
use muster_test_harness::{Answer, Client, TestSystem};
use reqwest::Method;
use serde_json::{Value, json};

async fn change(client: &Client, task: i64, change: &TaskChange) -> Result<Answer> {
    let request = client.request(Method::PATCH, &format!("/tasks/{task}"));
    client.send(request.json(change)).await
}

fn without_plugin(problem: &ProblemDocument, reason: &str) {
    assert_eq!(problem.code(), "application-without-plugin");
    assert_eq!(problem.application.as_deref(), Some(CLAMAV));
    assert_eq!(problem.reason.as_deref(), Some(reason));
}

#[tokio::test]
async fn an_application_without_plug_in_has_no_tasks() -> Result<()> {
    let system = TestSystem::start().await?;
    let client = &system.client;
    without_plugin(
        &client.post("/tasks", &scan("scan")).await?.problem(409)?,
        "never-installed",
    );
    let component = system.programs.plugin("clamav")?;
    client.plugin_install(&component).await?;
    let device = Device::start(&system, "pc-1", DETECTS).await?;
    let view = client.task_create(&scan("scan")).await?;
    let path = format!("/tasks/{}", view.id);

    let removal = client.request(Method::DELETE, &format!("/plugins/{CLAMAV}"));
    let removed: PluginRemovedView = client.send(removal).await?.ok()?;
    assert_eq!((removed.application.as_str(), removed.tasks), (CLAMAV, 1));
    // The task stays: it can be read and exported, and nothing else.
    let kept: TaskView = client.get(&path).await?;
    assert!(!kept.plugin_loaded);
    assert_eq!(kept.settings, view.settings);
    let _: ObjectsFile = client.get(&format!("{path}/export")).await?;
    let other = TaskChange {
        name: Some("other".into()),
        ..TaskChange::default()
    };
    for answer in [
        client.post("/tasks", &scan("another")).await?,
        change(client, view.id, &other).await?,
        client.post(&format!("{path}/start"), &json!({})).await?,
    ] {
        without_plugin(&answer.problem(409)?, "removed");
    }
    // What was refused is told.
    let refused = client.events(0, "kind=task.refused").await?;
    assert_eq!(refused.len(), 2);
    for event in refused {
        assert_eq!(event.application.as_deref(), Some(CLAMAV));
        let code = event.fields.get("code");
        assert_eq!(code, Some(&json!("application-without-plugin")));
    }
    assert_eq!(client.events(0, "kind=run.refused").await?.len(), 1);

    client.plugin_install(&component).await?;
    let run = client.task_start(view.id).await?.id;
    client.run_finished(run).await?;
    assert_eq!(device.lines("effects"), 1);
    Ok(())
}

#[tokio::test]
async fn a_delivery_is_held_while_the_plug_in_is_away() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let mut device = Device::enroll(&system, "pc-1", DETECTS, muster_flows::ALWAYS).await?;
    let view = client.task_create(&scan("scan")).await?;
    let run = client.task_start(view.id).await?.id;
    let removal = client.request(Method::DELETE, &format!("/plugins/{CLAMAV}"));
    client.send(removal).await?.ok::<PluginRemovedView>()?;
    device.restart(&[])?;
    let held = client.delivery_in(run, DeliveryState::Waiting).await?;
    assert_eq!(held.cause, Some(Cause::PluginMissing));
    let component = system.programs.plugin("clamav")?;
    client.plugin_install(&component).await?;
    let view = client.run_finished(run).await?;
    assert_eq!(view.counts, [(DeliveryState::Warning, 1)].into());
    Ok(())
}

/// The pointers of the errors of a refusal.
async fn pointers(client: &Client, settings: Value) -> Result<Vec<String>> {
    let answer = client
        .post("/tasks", &task("scan", CLAMAV, "scan", settings))
        .await?;
    let problem = answer.problem(422)?;
    assert_eq!(problem.code(), "settings-invalid");
    let mut pointers: Vec<String> = problem
        .findings
        .into_iter()
        .filter(|finding| finding.level == Level::Error)
        .map(|finding| finding.pointer)
        .collect();
    pointers.sort();
    Ok(pointers)
}

#[tokio::test]
async fn every_issue_is_told_with_its_place() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    // Against the schema:
    let wrong = json!({ "area": "nonsense", "max-file-size": 0, "archives": { "scan": "yes" } });
    let found = pointers(client, wrong).await?;
    assert_eq!(found, ["/archives/scan", "/area", "/max-file-size"]);
    // Against what the plug-in knows:
    let wrong = json!({
        "area": "paths",
        "paths": ["relative", "/files"],
        "exclusions": { "paths": ["/files/x", "relative as well"] },
    });
    let found = pointers(client, wrong).await?;
    assert_eq!(found, ["/exclusions/paths/1", "/paths/0"]);

    let unknown = task("defragment", CLAMAV, "defragment", json!({}));
    let problem = client.post("/tasks", &unknown).await?.problem(422)?;
    assert_eq!(problem.code(), "unknown-task-type");
    assert!(problem.detail.contains("defragment"), "{}", problem.detail);

    let mut nowhere = scan("scan");
    nowhere.scope = ScopeRequest::Local {
        device: "no-such-device".into(),
    };
    let problem = client.post("/tasks", &nowhere).await?.problem(422)?;
    assert_eq!(problem.code(), "scope-unknown");
    assert!(
        problem.detail.contains("no-such-device"),
        "{}",
        problem.detail
    );

    assert_eq!(client.events(0, "kind=task.refused").await?.len(), 4);
    assert!(client.list::<TaskView>("/tasks", "").await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn settings_have_revisions_and_a_run_keeps_its_own() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let _device = Device::start(&system, "pc-1", DETECTS).await?;
    let first = client.task_create(&scan("scan")).await?;
    let settings = json!({ "area": "paths", "paths": ["/other"] });
    let to_other = TaskChange {
        revision: Some(1),
        settings: Some(settings.clone()),
        ..TaskChange::default()
    };
    let run = client.task_start(first.id).await?;
    let second: TaskView = change(client, first.id, &to_other).await?.ok()?;
    assert_eq!((second.revision, &second.settings), (2, &settings));
    assert_eq!(client.run_finished(run.id).await?.revision, 1);
    assert_eq!(client.task_start(first.id).await?.revision, 2);

    // Made on what somebody else has changed since: refused.
    let problem = change(client, first.id, &to_other).await?.problem(409)?;
    assert_eq!(problem.code(), "task-changed-meanwhile");
    // A change that the plug-in refuses leaves the task as it was.
    let wrong = TaskChange {
        settings: Some(json!({ "area": "paths", "paths": ["relative"] })),
        ..TaskChange::default()
    };
    let problem = change(client, first.id, &wrong).await?.problem(422)?;
    assert_eq!(problem.code(), "settings-invalid");
    let path = format!("/tasks/{}/revisions", first.id);
    let mut revisions: Vec<TaskRevisionView> = client.list(&path, "").await?;
    revisions.sort_by_key(|revision| revision.number);
    let kept: Vec<&Value> = revisions
        .iter()
        .map(|revision| &revision.settings)
        .collect();
    assert_eq!(kept, [&first.settings, &settings]);
    Ok(())
}

#[tokio::test]
async fn a_task_is_copied() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let original = client.task_create(&scan("scan")).await?;
    let path = format!("/tasks/{}", original.id);
    let copy: TaskView = client
        .post(&format!("{path}/copy"), &TaskCopy::default())
        .await?
        .ok()?;
    assert_eq!((copy.name.as_str(), copy.revision), ("Copy of scan", 1));
    assert_eq!(
        (&copy.settings, &copy.scope),
        (&original.settings, &original.scope)
    );
    Ok(())
}
