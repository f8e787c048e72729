//! Dispatch: whom a run is for, fixed when it starts.

use anyhow::Result;
use muster_api::device::DeviceView;
use muster_api::task::{ScopeRequest, TaskCreate};
use muster_domain::delivery::DeliveryState;
use muster_domain::run::RunState;
use muster_flows::{scan, system_with_clamav};
use muster_test_harness::Client;
use reqwest::Method;
use serde_json::json;

fn group(path: &str, subgroups: bool, excluded: &[&str]) -> ScopeRequest {
    ScopeRequest::Group {
        group: path.into(),
        subgroups,
        excluded: excluded.iter().map(|path| (*path).to_owned()).collect(),
        only: None,
        membership: muster_domain::scope::Membership::Fixed,
    }
}

/// Starts a task for this scope; gives back the run's number and the names of its devices.
async fn targets(client: &Client, scope: ScopeRequest) -> Result<(i64, Vec<String>)> {
    let task = TaskCreate {
        scope,
        ..scan("scan")
    };
    let task = client.task_create(&task).await?;
    let run = client.task_start(task.id).await?;
    let deliveries = client.deliveries(run.id).await?;
    assert_eq!(run.total, u64::try_from(deliveries.len())?);
    let names = deliveries.into_iter().map(|delivery| delivery.device_name);
    Ok((run.id, names.collect()))
}

#[tokio::test]
async fn a_scope_means_the_devices_that_are_in_it_at_the_start() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    client.group_create("a", None).await?;
    client.group_create("b", Some("/a")).await?;
    client.group_create("c", None).await?;
    client.group_create("empty", None).await?;
    for (name, group) in [("in-a", "/a"), ("in-b", "/a/b"), ("in-c", "/c")] {
        system.agent(name, Some(group)).await?;
    }
    system.agent("at-root", None).await?;

    let (_, names) = targets(client, group("/a", true, &[])).await?;
    assert_eq!(names, ["in-a", "in-b"]);
    let (run, names) = targets(client, group("/a", false, &[])).await?;
    assert_eq!(names, ["in-a"]);
    let (_, names) = targets(client, group("/", true, &["/a"])).await?;
    assert_eq!(names, ["in-c", "at-root"]);
    let one = ScopeRequest::Local {
        device: "in-b".into(),
    };
    assert_eq!(targets(client, one).await?.1, ["in-b"]);
    let list = ScopeRequest::Global {
        devices: vec!["at-root".into(), "in-a".into()],
    };
    assert_eq!(targets(client, list).await?.1, ["in-a", "at-root"]);

    // A run for nobody is finished when it starts.
    let (nobody, names) = targets(client, group("/empty", true, &[])).await?;
    assert!(names.is_empty());
    assert_eq!(client.run(nobody).await?.state, RunState::Finished);

    // Who comes into the group later is not in the run.
    let to_a = client.request(Method::PATCH, "/devices/at-root");
    let moved: DeviceView = client
        .send(to_a.json(&json!({ "group": "/a" })))
        .await?
        .ok()?;
    assert_eq!(moved.group, "/a");
    assert_eq!(client.run(run).await?.total, 1);
    let (_, names) = targets(client, group("/a", false, &[])).await?;
    assert_eq!(names, ["in-a", "at-root"]);
    Ok(())
}

#[tokio::test]
async fn a_task_that_runs_is_not_started_again_and_a_stopped_one_is_over() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    system.agent("pc-1", None).await?;
    let task = client.task_create(&scan("scan")).await?;
    let path = format!("/tasks/{}", task.id);
    let run = client.task_start(task.id).await?.id;
    let again = client.post(&format!("{path}/start"), &json!({})).await?;
    assert_eq!(again.problem(409)?.code(), "task-running");
    client.run_change(run, "pause").await?;
    let again = client.post(&format!("{path}/start"), &json!({})).await?;
    assert_eq!(again.problem(409)?.code(), "task-running");
    client.run_change(run, "stop").await?;
    // No device had it, so nothing is waited for.
    let view = client.run(run).await?;
    assert_eq!(view.state, RunState::Finished);
    assert_eq!(view.counts, [(DeliveryState::Cancelled, 1)].into());
    client.task_start(task.id).await?;
    assert_eq!(client.events(0, "kind=run.started").await?.len(), 2);
    Ok(())
}
