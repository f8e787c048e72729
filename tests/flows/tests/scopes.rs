//! Scopes: tasks go to whom they are for, and to whom they are for changes while they are under way.

use anyhow::{Result, ensure};
use muster_api::event::EventView;
use muster_api::run::{DeliveryView, RunView};
use muster_api::selection::SelectionView;
use muster_api::task::{ScopeRequest, TaskCreate};
use muster_domain::delivery::{Cause, DeliveryState};
use muster_domain::device::DeviceKind;
use muster_domain::scope::Membership;
use muster_flows::{
    ALWAYS, CRASH_AT, DETECTS, Device, Timed, WAITS_THEN_DETECTS, assigned, run_of, scan,
    scheduled, stands, system_with_clamav,
};
use muster_test_harness::{Client, until};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn selection(client: &Client, name: &str, query: &str) -> Result<SelectionView> {
    let body = json!({"selection": {"name": name, "query": query}});
    client.post("/selections", &body).await?.ok()
}

fn of_selection(task: TaskCreate, membership: Membership) -> TaskCreate {
    TaskCreate {
        scope: ScopeRequest::Selection {
            selection: "Pilots".into(),
            membership,
        },
        ..task
    }
}

async fn tag(client: &Client, device: &str, change: Value) -> Result<()> {
    let request = client.request(Method::PATCH, &format!("/devices/{device}/tags"));
    client.send(request.json(&change)).await?.ok::<Value>()?;
    Ok(())
}

async fn names(client: &Client, run: i64) -> Result<Vec<(String, DeliveryState)>> {
    let mut found = Vec::new();
    for delivery in client.deliveries(run).await? {
        found.push((delivery.device_name, delivery.state));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

#[tokio::test]
async fn a_task_for_a_selection_goes_to_those_who_are_in_it_when_it_is_started() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let one = Device::start(&system, "one", DETECTS).await?;
    let two = Device::start(&system, "two", DETECTS).await?;
    tag(client, "one", json!({"add": ["pilot"]})).await?;
    let pilots = selection(client, "Pilots", "tag = pilot").await?;
    let plan: Value = client
        .post(
            "/tasks/plan",
            &of_selection(scan("scan"), Membership::Fixed),
        )
        .await?
        .ok()?;
    assert_eq!(plan["devices"], 1);
    let task = client
        .task_create(&of_selection(scan("scan"), Membership::Fixed))
        .await?;
    let first = client.task_start(task.id).await?;
    assert_eq!(client.run_finished(first.id).await?.total, 1);
    assert_eq!((one.lines("effects"), two.lines("effects")), (1, 0));

    // Started at once: nobody had time to look who is in it now but the start itself.
    tag(client, "two", json!({"add": ["pilot"]})).await?;
    let second = client.task_start(task.id).await?;
    assert_eq!(client.run_finished(second.id).await?.total, 2);
    assert_eq!((one.lines("effects"), two.lines("effects")), (2, 1));

    let shown = system.muster(&["task", "show", "scan"]).await?.ok()?.out;
    ensure!(shown.contains("selection Pilots"), "{shown}");
    let at = format!("/selections/{}", pilots.id);
    let refused = client.send(client.request(Method::DELETE, &at)).await?;
    let problem = refused.problem(409)?;
    assert_eq!(problem.code(), "selection-in-use");
    let removed = client.request(Method::DELETE, &format!("/tasks/{}", task.id));
    client.send(removed).await?;
    let gone = client.send(client.request(Method::DELETE, &at)).await?;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    Ok(())
}

/// A run for a selection of two, of whom one has no link; while it is under way, a third comes into the
/// selection and the one without a link leaves it.
async fn come_and_go(membership: Membership) -> Result<(RunView, Vec<(String, DeliveryState)>)> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let stays = Device::start(&system, "stays", WAITS_THEN_DETECTS).await?;
    let _goes = Device::enroll(&system, "goes", DETECTS, ALWAYS).await?;
    let _comes = Device::start(&system, "comes", DETECTS).await?;
    for device in ["stays", "goes"] {
        tag(client, device, json!({"add": ["pilot"]})).await?;
    }
    selection(client, "Pilots", "tag = pilot").await?;
    let task = client
        .task_create(&of_selection(scan("scan"), membership))
        .await?;
    let run = client.task_start(task.id).await?;
    let begun = until("the scan to begin", async || {
        Ok((stays.lines("begun") > 0).then_some(()))
    });
    begun.await?;
    tag(client, "comes", json!({"add": ["pilot"]})).await?;
    tag(client, "goes", json!({"remove": ["pilot"]})).await?;
    if membership == Membership::Following {
        until("the run to follow", async || {
            let run = client.run(run.id).await?;
            let gone = run.counts.get(&DeliveryState::Cancelled) == Some(&1);
            Ok((gone && run.total == 3).then_some(()))
        })
        .await?;
    } else {
        // Whoever keeps runs in step has looked when it has seen both.
        until("the selection to be seen", async || {
            let told: Vec<EventView> = client.events(0, "kind=selection.members-changed").await?;
            Ok((told.len() >= 2).then_some(()))
        })
        .await?;
    }
    stays.touch("gate")?;
    if membership == Membership::Fixed {
        until("the one with a link to be done", async || {
            let run = client.run(run.id).await?;
            Ok((run.counts.get(&DeliveryState::Warning) == Some(&1)).then_some(()))
        })
        .await?;
        return Ok((client.run(run.id).await?, names(client, run.id).await?));
    }
    let finished = client.run_finished(run.id).await?;
    Ok((finished, names(client, run.id).await?))
}

#[tokio::test]
async fn a_run_that_follows_its_scope_takes_in_who_comes_and_lets_go_who_leaves() -> Result<()> {
    let (run, names) = come_and_go(Membership::Following).await?;
    assert_eq!(run.total, 3);
    assert_eq!(
        names,
        [
            ("comes".into(), DeliveryState::Warning),
            ("goes".into(), DeliveryState::Cancelled),
            ("stays".into(), DeliveryState::Warning),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_run_with_a_fixed_scope_is_of_those_it_began_with() -> Result<()> {
    let (run, names) = come_and_go(Membership::Fixed).await?;
    assert_eq!(run.total, 2);
    assert_eq!(run.counts[&DeliveryState::Pending], 1);
    assert_eq!(
        names,
        [
            ("goes".into(), DeliveryState::Pending),
            ("stays".into(), DeliveryState::Warning),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_task_for_servers_alone_leaves_workstations_out() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let mut devices = Vec::new();
    for (name, kind) in [("db", "server"), ("desk", "workstation")] {
        let mut device = Device::enroll(&system, name, DETECTS, ALWAYS).await?;
        device.agent.start(&[("MUSTER_AGENT_DEVICE_KIND", kind)])?;
        let told = async || {
            let view = client.device(name).await?;
            Ok((view.facts.get("device.kind").map(String::as_str) == Some(kind)).then_some(()))
        };
        until("the device to tell what it is for", told).await?;
        devices.push(device);
    }
    let task = TaskCreate {
        scope: ScopeRequest::Group {
            group: "/".into(),
            subgroups: true,
            excluded: vec![],
            only: Some(DeviceKind::Server),
            membership: Membership::Fixed,
        },
        ..scan("servers")
    };
    let task = client.task_create(&task).await?;
    let run = client.task_start(task.id).await?;
    assert_eq!(client.run_finished(run.id).await?.total, 1);
    assert_eq!(
        (devices[0].lines("effects"), devices[1].lines("effects")),
        (1, 0)
    );
    Ok(())
}

#[tokio::test]
async fn devices_have_a_scheduled_task_and_windows_while_they_are_in_a_selection() -> Result<()> {
    let timed = Timed::start("2027-03-01T12:00:00Z").await?;
    let client = &timed.system.client;
    let pilot = timed.device("pilot", DETECTS, "UTC").await?;
    let other = timed.device("other", DETECTS, "UTC").await?;
    for device in ["pilot", "other"] {
        tag(client, device, json!({"add": ["pilot"]})).await?;
    }
    tag(client, "pilot", json!({"add": ["shut"]})).await?;
    selection(client, "Pilots", "tag = pilot").await?;
    selection(client, "Shut", "tag = shut").await?;
    let blackout = json!({"selection": "Shut", "window": {"name": "evening", "kind": "blackout",
        "minutes": 60, "zone": "utc", "opens": {"every-days": {"from": "2020-01-01T17:30"}}}});
    client.post("/windows", &blackout).await?.ok::<Value>()?;
    let both = json!({"group": "/", "selection": "Shut", "window": blackout["window"]});
    let problem = client.post("/windows", &both).await?.problem(422)?;
    assert_eq!(problem.code(), "window-for-two");

    let daily = json!({"when": {"every-days": {"from": "2027-01-01T18:00"}}, "zone": "utc"});
    let daily = scheduled("daily", daily);
    let task = client
        .task_create(&of_selection(daily, Membership::Fixed))
        .await?;
    assigned(&pilot, task.id).await?;
    assigned(&other, task.id).await?;
    timed.to("2027-03-01T18:00:00Z")?;
    let run = run_of(client, task.id, "2027-03-01T18:00").await?;
    let held = until("the one with a window to wait", async || {
        let all = client.deliveries(run.id).await?;
        let waits = |one: &DeliveryView| one.state == DeliveryState::Waiting;
        Ok(all.into_iter().find(waits))
    })
    .await?;
    assert_eq!(held.device_name, "pilot");
    ensure!(
        matches!(held.cause, Some(Cause::Blackout { .. })),
        "{held:?}"
    );
    until("the other to be done", async || {
        Ok((other.lines("effects") == 1).then_some(()))
    })
    .await?;
    // It is in the selection of the window no longer, and so the window holds it no longer.
    tag(client, "pilot", json!({"remove": ["shut"]})).await?;
    assert_eq!(client.run_finished(run.id).await?.total, 2);
    assert_eq!(pilot.lines("effects"), 1);

    tag(client, "other", json!({"remove": ["pilot"]})).await?;
    stands(&other, task.id, "withdrawn", "").await?;
    timed.to("2027-03-02T18:00:00Z")?;
    let run = run_of(client, task.id, "2027-03-02T18:00").await?;
    assert_eq!(client.run_finished(run.id).await?.total, 1);
    assert_eq!((pilot.lines("effects"), other.lines("effects")), (2, 1));
    Ok(())
}

#[tokio::test]
async fn who_joins_a_selection_starts_a_task() -> Result<()> {
    let timed = Timed::start("2027-03-01T12:00:00Z").await?;
    let client = &timed.system.client;
    let was = timed.device("was", DETECTS, "UTC").await?;
    let comes = timed.device("comes", DETECTS, "UTC").await?;
    tag(client, "was", json!({"add": ["pilot"]})).await?;
    let pilots = selection(client, "Pilots", "tag = pilot").await?;
    let unknown = json!({"when": {"joined": {"selection": 999}}});
    let refused = client.post("/tasks", &scheduled("x", unknown)).await?;
    let problem = refused.problem(422)?;
    assert_eq!(problem.findings[0].code, "schedule-selection");
    let joined = json!({"when": {"joined": {"selection": pilots.id}}});
    let task = client.task_create(&scheduled("welcome", joined)).await?;
    tag(client, "comes", json!({"add": ["pilot"]})).await?;
    let run = until("the run of who joined", async || {
        let runs: Vec<RunView> = client.list("/runs", &format!("task={}", task.id)).await?;
        Ok(runs.into_iter().next())
    })
    .await?;
    assert_eq!(client.run_finished(run.id).await?.total, 1);
    assert_eq!((was.lines("effects"), comes.lines("effects")), (0, 1));
    let told = client.event(0, "selection.members-changed").await?;
    assert_eq!(told.text, "1 device came into selection Pilots: comes.");
    Ok(())
}

/// The server is killed at a place while a run follows its scope; after it, each device did the task once.
async fn killed(place: &str) -> Result<()> {
    let mut system = system_with_clamav().await?;
    let one = Device::start(&system, "one", WAITS_THEN_DETECTS).await?;
    let two = Device::start(&system, "two", DETECTS).await?;
    tag(&system.client, "one", json!({"add": ["pilot"]})).await?;
    selection(&system.client, "Pilots", "tag = pilot").await?;
    let task = of_selection(scan("scan"), Membership::Following);
    let task = system.client.task_create(&task).await?;
    let run = system.client.task_start(task.id).await?;
    until("the scan to begin", async || {
        Ok((one.lines("begun") > 0).then_some(()))
    })
    .await?;
    system.server.stop().await?;
    system.server.restart(&[(CRASH_AT, place)]).await?;
    // The answer may be lost with the server.
    let _ = tag(&system.client, "two", json!({"add": ["pilot"]})).await;
    system.server.ended().await?;
    system.server.restart(&[]).await?;
    tag(&system.client, "two", json!({"add": ["pilot"]})).await?;
    one.touch("gate")?;
    until("the second device to be done", async || {
        Ok((two.lines("effects") == 1).then_some(()))
    })
    .await?;
    let finished = system.client.run_finished(run.id).await?;
    assert_eq!(finished.total, 2);
    assert_eq!((one.lines("effects"), two.lines("effects")), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_kill_while_a_selection_is_looked_at_loses_nobody() -> Result<()> {
    killed("member.before-commit").await
}

#[tokio::test]
async fn a_kill_while_a_run_follows_loses_nobody() -> Result<()> {
    killed("member.step-before-commit").await
}
