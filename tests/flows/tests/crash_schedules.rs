//! Server and agent are killed wherever a schedule passes, and each occurrence is done once.

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use muster_api::run::RunView;
use muster_domain::delivery::DeliveryState;
use muster_flows::{CRASH_AT, DETECTS, Device, Timed, assigned, run_of, runs, scan, scheduled};
use muster_test_harness::until;
use serde_json::{Value, json};

/// The day before the first start.
const BEFORE: &str = "2027-03-01T12:00:00Z";
const DUE: &str = "2027-03-01T18:00:00Z";
const NAME: &str = "2027-03-01T18:00";

/// Fails the first time, and detects a threat the second.
const FAILS_ONCE: &str = "if [ ! -e failed ]; then touch failed; exit 2; fi\n\
    echo scanned >> effects\n\
    echo '/files/marked: Muster.Test-1 FOUND'\n\
    echo 'Scanned files: 2'\n\
    echo 'Infected files: 1'\n\
    exit 1";

fn daily() -> Value {
    json!({
        "when": {"every-days": {"from": "2027-01-01T18:00"}},
        "retry": {"attempts": 3, "first-minutes": 1, "after": ["failed"]},
    })
}

/// The run of the occurrence is finished on the device, once.
async fn done_once(timed: &Timed, device: &Device, task: i64) -> Result<()> {
    let client = &timed.system.client;
    let run = run_of(client, task, NAME).await?;
    let run: RunView = client.run_finished(run.id).await?;
    ensure!(run.total == 1, "{run:?}");
    let delivery = client.deliveries(run.id).await?;
    ensure!(
        delivery
            .iter()
            .all(|one| one.state == DeliveryState::Warning),
        "{delivery:?}"
    );
    ensure!(
        device.lines("effects") == 1,
        "done {} times",
        device.lines("effects")
    );
    ensure!(runs(client, task).await? == [NAME]);
    Ok(())
}

/// The server is killed at a place, from the moment on at which the task is created.
async fn server_killed(place: &str) -> Result<()> {
    let mut timed = Timed::start(BEFORE).await?;
    let device = timed.device("pc", DETECTS, "UTC").await?;
    timed.system.server.stop().await?;
    let clock = timed.clock.environment();
    timed
        .system
        .server
        .restart(&[clock, (CRASH_AT, place)])
        .await?;
    timed.system.client.device_online("pc").await?;
    let task = timed
        .system
        .client
        .task_create(&scheduled("daily", daily()))
        .await?;
    if !place.starts_with("assign") {
        assigned(&device, task.id).await?;
        timed.to(DUE)?;
    }
    timed.system.server.ended().await?;
    timed
        .system
        .server
        .restart(&[timed.clock.environment()])
        .await?;
    assigned(&device, task.id).await?;
    timed.to(DUE)?;
    done_once(&timed, &device, task.id).await
}

/// The agent is killed at a place, from the moment on at which the task is created.
async fn agent_killed(place: &str) -> Result<()> {
    let timed = Timed::start(BEFORE).await?;
    let client = &timed.system.client;
    let mut device = timed.device("pc", FAILS_ONCE, "UTC").await?;
    device.agent.stop().await?;
    let environment = [timed.clock.environment(), ("TZ", "UTC"), (CRASH_AT, place)];
    device.restart(&environment)?;
    client.device_online("pc").await?;
    let task = client.task_create(&scheduled("daily", daily())).await?;
    if place.starts_with("agent.windows") {
        let window = json!({"window": {"name": "day", "kind": "maintenance", "minutes": 1440,
            "opens": {"every-days": {"from": "2027-01-01T00:00"}}}});
        let _: Value = client.post("/windows", &window).await?.ok()?;
    } else if !place.starts_with("agent.assignment") {
        assigned(&device, task.id).await?;
        timed.to(DUE)?;
    }
    device
        .agent
        .ended()
        .await
        .with_context(|| place.to_owned())?;
    device.restart(&environment[..2])?;
    assigned(&device, task.id).await?;
    if timed.clock.now()? < DUE.parse::<Timestamp>()? {
        timed.to(DUE)?;
    }
    until("the first attempt to fail", async || {
        Ok(device.folder().join("failed").exists().then_some(()))
    })
    .await?;
    let run = run_of(client, task.id, NAME).await?;
    client.delivery_in(run.id, DeliveryState::Waiting).await?;
    timed.to("2027-03-01T18:10:00Z")?;
    done_once(&timed, &device, task.id).await
}

#[tokio::test]
async fn the_server_is_killed_wherever_a_schedule_passes() -> Result<()> {
    let places = [
        "assign.before-commit",
        "assign.committed",
        "occur.before-commit",
        "occur.committed",
        "report.own-committed",
    ];
    try_join_all(places.map(server_killed)).await?;
    Ok(())
}

#[tokio::test]
async fn the_agent_is_killed_wherever_a_schedule_passes() -> Result<()> {
    let places = [
        "agent.assignment-committed",
        "agent.occurrence-before-commit",
        "agent.occurrence-committed",
        "agent.retry-committed",
        "agent.windows-committed",
    ];
    try_join_all(places.map(agent_killed)).await?;
    Ok(())
}

#[tokio::test]
async fn an_event_is_answered_once_though_the_server_is_killed_at_it() -> Result<()> {
    let mut timed = Timed::start(BEFORE).await?;
    let device = timed.device("pc", DETECTS, "UTC").await?;
    let first = timed.system.client.task_create(&scan("first")).await?;
    let after = json!({"when": {"after-task": {"task": first.id}}});
    let after = timed
        .system
        .client
        .task_create(&scheduled("after", after))
        .await?;
    timed.system.server.stop().await?;
    let clock = timed.clock.environment();
    let place = (CRASH_AT, "occur.followed-before-commit");
    timed.system.server.restart(&[clock, place]).await?;
    // The first event that comes is one too many, whether the start is answered before or not.
    let _ = timed.system.client.task_start(first.id).await;
    timed.system.server.ended().await?;
    timed
        .system
        .server
        .restart(&[timed.clock.environment()])
        .await?;
    let client = &timed.system.client;
    client.device_online("pc").await?;
    let begun: Vec<RunView> = client.list("/runs", &format!("task={}", first.id)).await?;
    let run = match begun.into_iter().next() {
        Some(run) => run,
        None => client.task_start(first.id).await?,
    };
    client.run_finished(run.id).await?;
    let name = format!("after/{}", run.id);
    let next = run_of(client, after.id, &name).await?;
    client.run_finished(next.id).await?;
    ensure!(runs(client, after.id).await? == [name]);
    ensure!(device.lines("effects") == 2);
    Ok(())
}
