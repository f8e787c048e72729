//! Rollouts: a run goes out a wave after the other, and no further when too many fail.

use anyhow::{Context as _, Result, bail, ensure};
use muster_api::run::RunView;
use muster_api::task::TaskCreate;
use muster_domain::delivery::DeliveryState;
use muster_domain::rollout::Hold;
use muster_flows::{
    CRASH_AT, DETECTS, Device, Timed, WAITS_THEN_DETECTS, scan, scheduled, system_with_clamav,
};
use muster_test_harness::{Client, TestSystem, until};
use serde_json::{Value, json};

const FAILS: &str = "echo scanned >> effects\nexit 2";

fn with_rollout(rollout: &Value) -> TaskCreate {
    TaskCreate {
        rollout: Some(rollout.clone()),
        ..scan("wave by wave")
    }
}

async fn devices(system: &TestSystem, count: usize, scanner: &str) -> Result<Vec<Device>> {
    let mut devices = Vec::new();
    for number in 0..count {
        devices.push(Device::start(system, &format!("pc-{number}"), scanner).await?);
    }
    Ok(devices)
}

/// How many devices began.
fn begun(devices: &[Device], file: &str) -> usize {
    devices.iter().filter(|one| one.lines(file) > 0).count()
}

/// Waits until so many have begun, and lets those go on.
async fn begins(devices: &[Device], count: usize) -> Result<()> {
    until(&format!("{count} devices to begin"), async || {
        let now = begun(devices, "begun");
        ensure!(now <= count, "{now} began, not {count}");
        Ok((now == count).then_some(()))
    })
    .await
}

fn let_go(devices: &[Device]) -> Result<()> {
    for device in devices.iter().filter(|one| one.lines("begun") > 0) {
        device.touch("gate")?;
    }
    Ok(())
}

async fn held(client: &Client, run: i64, code: &str) -> Result<RunView> {
    until(&format!("the rollout to be held by {code}"), async || {
        let run = client.run(run).await?;
        let hold = run.rollout.as_ref().and_then(|one| one.hold.as_ref());
        let so = hold.is_some_and(|hold| json!(hold).get("code") == Some(&json!(code)));
        Ok(so.then_some(run))
    })
    .await
}

#[tokio::test]
async fn a_run_goes_out_wave_by_wave() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let devices = devices(&system, 4, WAITS_THEN_DETECTS).await?;
    let rollout = json!({"waves": [
        {"devices": {"canaries": {}}},
        {"devices": {"percent": {"to": 50}}},
    ]});
    let task = client.task_create(&with_rollout(&rollout)).await?;
    assert_eq!(
        task.rollout.as_ref().map(|one| &one["waves"][1]),
        Some(&json!({
            "devices": {"percent": {"to": 50}},
            "next": {"reached-percent": 50, "ended-percent": 100, "wait-minutes": 0, "approval": false},
        }))
    );
    let run = client.task_start(task.id).await?;
    begins(&devices, 1).await?;
    let shown = held(client, run.id, "ended").await?;
    let stand = shown.rollout.context("it has a rollout")?;
    let sizes: Vec<u64> = stand.waves.iter().map(|wave| wave.devices).collect();
    assert_eq!((stand.wave, sizes), (1, vec![1, 1, 2]));

    // Paused, nobody begins, though the wave ends.
    client.run_change(run.id, "pause").await?;
    held(client, run.id, "paused").await?;
    client.run_change(run.id, "continue").await?;
    let_go(&devices)?;
    begins(&devices, 2).await?;
    let said = system
        .muster(&["run", "show", &run.id.to_string()])
        .await?
        .ok()?
        .out;
    ensure!(said.contains("2: 1 device, 1 begun, 0 ended"), "{said}");
    let_go(&devices)?;
    begins(&devices, 4).await?;
    let_go(&devices)?;
    let run = client.run_finished(run.id).await?;
    assert_eq!(run.counts[&DeliveryState::Warning], 4);
    let waves = client.events(0, "kind=rollout.wave-begun").await?;
    let said: Vec<&str> = waves.iter().map(|event| event.text.as_str()).collect();
    ensure!(
        said == [
            format!("Wave 2 of 3 of run {} begins: 1 device.", run.id),
            format!("Wave 3 of 3 of run {} begins: 2 devices.", run.id),
        ],
        "{said:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_rollout_stops_when_canaries_fail_until_a_person_lets_it_go_on() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let devices = devices(&system, 3, FAILS).await?;
    let rollout = json!({
        "waves": [{"devices": {"canaries": {}}}],
        "stop": {"errors-percent": 0},
    });
    let task = client.task_create(&with_rollout(&rollout)).await?;
    let run = client.task_start(task.id).await?;
    let stopped = held(client, run.id, "errors").await?;
    assert_eq!(stopped.counts[&DeliveryState::Failed], 1);
    assert_eq!(stopped.counts[&DeliveryState::Pending], 2);
    assert_eq!(begun(&devices, "effects"), 1);
    let told = client.event(0, "rollout.stopped").await?;
    ensure!(told.text.contains("1 errors of 1"), "{}", told.text);
    let number = run.id.to_string();
    let said = system.muster(&["run", "continue", &number]).await?.ok()?;
    ensure!(said.out.contains("Run"), "{}", said.out);
    let finished = client.run_finished(run.id).await?;
    assert_eq!(finished.counts[&DeliveryState::Failed], 3);
    assert_eq!(begun(&devices, "effects"), 3);
    Ok(())
}

#[tokio::test]
async fn a_wave_is_watched_for_a_while_and_a_person_lets_the_next_begin() -> Result<()> {
    let timed = Timed::start("2027-03-01T12:00:00Z").await?;
    let client = &timed.system.client;
    let one = timed.device("one", DETECTS, "UTC").await?;
    let two = timed.device("two", DETECTS, "UTC").await?;
    let rollout = json!({"waves": [
        {"devices": {"canaries": {}}, "next": {"wait-minutes": 30, "approval": true}},
    ]});
    let task = client.task_create(&with_rollout(&rollout)).await?;
    let run = client.task_start(task.id).await?;
    let watched = held(client, run.id, "soak").await?;
    let hold = watched.rollout.and_then(|one| one.hold);
    let Some(Hold::Soak { wave: 1, until }) = hold else {
        bail!("{hold:?}");
    };
    ensure!(until >= "2027-03-01T12:30:00Z".parse()?, "{until}");
    timed.clock.set(until)?;
    held(client, run.id, "approval").await?;
    assert_eq!(one.lines("effects") + two.lines("effects"), 1);
    let told = client.event(0, "rollout.waits").await?;
    ensure!(told.text.contains("muster run continue"), "{}", told.text);
    client.run_change(run.id, "continue").await?;
    client.run_finished(run.id).await?;
    assert_eq!((one.lines("effects"), two.lines("effects")), (1, 1));
    let over = format!("/runs/{}/continue", run.id);
    let problem = client.post(&over, &json!({})).await?.problem(409)?;
    assert_eq!(problem.code(), "rollout-waits");
    Ok(())
}

#[tokio::test]
async fn so_many_devices_are_at_it_at_once() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let devices = devices(&system, 3, WAITS_THEN_DETECTS).await?;
    let rollout = json!({"waves": [{"devices": {"percent": {"to": 100}}}], "at-once": 1});
    let task = client.task_create(&with_rollout(&rollout)).await?;
    let run = client.task_start(task.id).await?;
    for count in 1..=3 {
        begins(&devices, count).await?;
        let_go(&devices)?;
    }
    let finished = client.run_finished(run.id).await?;
    assert_eq!(finished.counts[&DeliveryState::Warning], 3);
    assert!(devices.iter().all(|one| one.lines("effects") == 1));
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_killed_goes_on_where_the_rollout_was() -> Result<()> {
    let mut system = system_with_clamav().await?;
    let devices = devices(&system, 3, WAITS_THEN_DETECTS).await?;
    let rollout = json!({"waves": [{"devices": {"canaries": {}}}], "stop": {"errors-percent": 50}});
    let task = system.client.task_create(&with_rollout(&rollout)).await?;
    system.server.stop().await?;
    let place = "rollout.before-commit";
    system.server.restart(&[(CRASH_AT, place)]).await?;
    // The answer may be lost with the server, but what was begun is not.
    let _ = system.client.task_start(task.id).await;
    system.server.ended().await?;
    system.server.restart(&[]).await?;
    begins(&devices, 1).await?;
    system.server.kill9()?;
    system.server.restart(&[]).await?;
    let_go(&devices)?;
    begins(&devices, 3).await?;
    let_go(&devices)?;
    let runs: Vec<RunView> = system.client.list("/runs", "").await?;
    assert_eq!(runs.len(), 1);
    let finished = system.client.run_finished(runs[0].id).await?;
    assert_eq!(finished.counts[&DeliveryState::Warning], 3);
    assert!(devices.iter().all(|one| one.lines("effects") == 1));
    Ok(())
}

#[tokio::test]
async fn a_rollout_that_would_not_hold_is_refused() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let rollout = json!({"waves": [{"devices": {"canaries": {}}}]});
    let daily = json!({"when": {"every-days": {"from": "2027-01-01T18:00"}}});
    let task = TaskCreate {
        rollout: Some(rollout.clone()),
        ..scheduled("daily", daily)
    };
    let problem = client.post("/tasks", &task).await?.problem(422)?;
    assert_eq!(problem.code(), "rollout-invalid");
    assert_eq!(problem.findings[0].code, "rollout-schedule");
    let elsewhere = json!({"waves": [{"devices": {"groups": {"groups": [1, 99]}}}]});
    let refused = client.post("/tasks", &with_rollout(&elsewhere)).await?;
    let problem = refused.problem(422)?;
    assert_eq!(problem.findings[0].code, "rollout-group");
    assert_eq!(
        problem.findings[0].pointer,
        "/waves/0/devices/groups/groups/1"
    );
    let task = client.task_create(&with_rollout(&rollout)).await?;
    let taken: Value = client
        .send(
            client
                .request(reqwest::Method::PATCH, &format!("/tasks/{}", task.id))
                .json(&json!({"rollout": null})),
        )
        .await?
        .ok()?;
    assert_eq!(
        (&taken["rollout"], &taken["revision"]),
        (&Value::Null, &json!(2))
    );
    Ok(())
}
