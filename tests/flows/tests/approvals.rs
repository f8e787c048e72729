//! Approvals: what a plug-in marks as destructive waits for a second administrator.

use anyhow::{Result, ensure};
use muster_api::administrator::AdministratorView;
use muster_api::run::RunView;
use muster_api::task::{TaskCreate, TaskView};
use muster_domain::delivery::{Cause, DeliveryState};
use muster_flows::{CRASH_AT, Sweeper, changing_upload, sweep};
use muster_test_harness::{Client, TestSystem, until};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn system() -> Result<TestSystem> {
    let system = TestSystem::start().await?;
    let upload = changing_upload(&system, "1.0.0 destructive", "auto=true").await?;
    ensure!(upload.status.is_success(), "{}", upload.text());
    Ok(system)
}

async fn second(client: &Client) -> Result<Client> {
    let body = json!({"name": "anna"});
    let anna: AdministratorView = client.post("/administrators", &body).await?.ok()?;
    Ok(client.with_token(&anna.token.unwrap_or_default()))
}

fn folder() -> Value {
    json!({"folder": "/srv"})
}

#[tokio::test]
async fn a_destructive_task_starts_when_a_second_administrator_approved_it() -> Result<()> {
    let system = system().await?;
    let client = &system.client;
    let _device = Sweeper::start(&system, "pc", "1.0.0").await?;
    let task = client.task_create(&sweep("sweep", folder())).await?;
    assert!(task.destructive && task.approved_by.is_none());
    let plan: Value = client.get(&format!("/tasks/{}/plan", task.id)).await?;
    assert_eq!(
        plan["hindered"][0]["cause"],
        json!({"code": "approval-needed"})
    );

    let start = format!("/tasks/{}/start", task.id);
    let refused = client.post(&start, &json!({})).await?.problem(409)?;
    assert_eq!(refused.code(), "approval-needed");
    let approve = format!("/tasks/{}/approve", task.id);
    let own = client.post(&approve, &json!({"revision": 1})).await?;
    assert_eq!(own.problem(409)?.code(), "approval-own");

    let anna = second(client).await?;
    let approved: TaskView = anna.post(&approve, &json!({"revision": 1})).await?.ok()?;
    assert_eq!(approved.approved_by.as_deref(), Some("anna"));
    let run = client.task_start(task.id).await?;
    let run = client.run_finished(run.id).await?;
    assert_eq!(run.counts[&DeliveryState::Succeeded], 1);

    // What somebody changed since, nobody else has seen.
    let change = client.request(Method::PATCH, &format!("/tasks/{}", task.id));
    let change = change.json(&json!({"settings": {"folder": "/"}}));
    let changed: TaskView = client.send(change).await?.ok()?;
    assert_eq!((changed.revision, changed.approved_by), (2, None));
    let refused = client.post(&start, &json!({})).await?.problem(409)?;
    assert_eq!(refused.code(), "approval-needed");
    let old = anna.post(&approve, &json!({"revision": 1})).await?;
    assert_eq!(old.problem(409)?.code(), "task-changed-meanwhile");
    let shown = system.muster(&["task", "show", "sweep"]).await?.ok()?.out;
    ensure!(shown.contains("muster task approve"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn what_starts_by_itself_waits_for_the_approval_too() -> Result<()> {
    let system = system().await?;
    let client = &system.client;
    let _device = Sweeper::start(&system, "pc", "1.0.0").await?;
    let office = client.group_create("office", None).await?;
    let task = TaskCreate {
        schedule: Some(json!({"when": {"joined": {"group": office.id}}})),
        ..sweep("sweep", folder())
    };
    let task = client.task_create(&task).await?;
    let moved = client.request(Method::PATCH, "/devices/pc");
    let moved = moved.json(&json!({"group": "/office"}));
    client.send(moved).await?.ok::<Value>()?;
    let run = until("the run of who joined", async || {
        let runs: Vec<RunView> = client.list("/runs", &format!("task={}", task.id)).await?;
        Ok(runs.into_iter().next())
    })
    .await?;
    let waits = client.delivery_in(run.id, DeliveryState::Waiting).await?;
    assert_eq!(waits.cause, Some(Cause::ApprovalNeeded));
    let anna = second(client).await?;
    let approve = format!("/tasks/{}/approve", task.id);
    anna.post(&approve, &json!({"revision": 1}))
        .await?
        .ok::<TaskView>()?;
    let run = client.run_finished(run.id).await?;
    assert_eq!(run.counts[&DeliveryState::Succeeded], 1);
    Ok(())
}

#[tokio::test]
async fn an_approval_that_was_cut_short_was_not_given() -> Result<()> {
    let mut system = system().await?;
    let task = system.client.task_create(&sweep("sweep", folder())).await?;
    let anna = second(&system.client).await?;
    system.server.stop().await?;
    let place = "approve.before-commit";
    system.server.restart(&[(CRASH_AT, place)]).await?;
    let approve = format!("/tasks/{}/approve", task.id);
    ensure!(anna.post(&approve, &json!({"revision": 1})).await.is_err());
    system.server.ended().await?;
    system.server.restart(&[]).await?;
    let task: TaskView = anna.get(&format!("/tasks/{}", task.id)).await?;
    assert_eq!(task.approved_by, None);
    let task: TaskView = anna.post(&approve, &json!({"revision": 1})).await?.ok()?;
    assert_eq!(task.approved_by.as_deref(), Some("anna"));
    Ok(())
}

#[tokio::test]
async fn administrators_come_and_go_under_names_of_their_own() -> Result<()> {
    let system = TestSystem::start().await?;
    let client = &system.client;
    let ran = system
        .muster(&["administrator", "add", "anna"])
        .await?
        .ok()?;
    let anna = client.with_token(ran.out.trim());
    let all: Vec<AdministratorView> = anna.list("/administrators", "").await?;
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["admin", "anna"]);
    assert!(all.iter().all(|one| one.token.is_none()));
    let taken = client
        .post("/administrators", &json!({"name": "anna"}))
        .await?;
    assert_eq!(taken.problem(409)?.code(), "administrator-name-taken");
    for name in ["", " a", "a/b"] {
        let wrong = client
            .post("/administrators", &json!({"name": name}))
            .await?;
        assert_eq!(wrong.problem(422)?.code(), "name-invalid");
    }
    let itself = client.send(client.request(Method::DELETE, "/administrators/admin"));
    assert_eq!(itself.await?.problem(409)?.code(), "administrator-self");
    let removed = client.send(client.request(Method::DELETE, "/administrators/anna"));
    assert_eq!(removed.await?.status, StatusCode::NO_CONTENT);
    let refused = anna.send(anna.request(Method::GET, "/tasks")).await?;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let told = client.event(0, "administrator.removed").await?;
    assert_eq!(told.text, "Administrator anna was removed.");
    Ok(())
}
