//! States that runs come into when devices are silent, late, removed, installed anew or moved: with
//! real agents, and a clock of the test.

use anyhow::Result;
use jiff::SignedDuration;
use muster_api::run::RunView;
use muster_domain::delivery::{Cause, DeliveryState};
use muster_domain::run::RunState;
use muster_domain::scope::Membership;
use muster_flows::{
    ALWAYS, CRASH_AT, DETECTS, Device, Timed, WAITS_THEN_DETECTS, assigned, killed, run_of, runs,
    scan, scheduled,
};
use muster_test_harness::{Client, until};
use reqwest::Method;
use serde_json::{Value, json};

const NOON: &str = "2027-03-01T12:00:00Z";

/// A device that is at a scan which a person started, and the run.
async fn at_work(environment: &[(&str, &str)]) -> Result<(Timed, Device, i64)> {
    let timed = Timed::start(NOON).await?;
    let client = &timed.system.client;
    let mut device = Device::enroll(&timed.system, "pc", WAITS_THEN_DETECTS, ALWAYS).await?;
    let mut all = vec![timed.clock.environment(), ("TZ", "UTC")];
    all.extend(environment);
    device.restart(&all)?;
    client.device_online("pc").await?;
    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?.id;
    client.delivery_in(run, DeliveryState::Running).await?;
    begun(&device, 1).await?;
    Ok((timed, device, run))
}

/// Waits until a device has begun so often. When it does so again, what a killed agent left behind is at
/// an end.
async fn begun(device: &Device, times: usize) -> Result<()> {
    until(&format!("the device to begin, time {times}"), async || {
        Ok((device.lines("begun") == times).then_some(()))
    })
    .await
}

/// Moves a device to another group.
async fn moved(client: &Client, device: &str, group: &str) -> Result<()> {
    let request = client.request(Method::PATCH, &format!("/devices/{device}"));
    let request = request.json(&json!({ "group": group }));
    client.send(request).await?.ok::<Value>()?;
    Ok(())
}

#[tokio::test]
async fn a_device_that_falls_silent_is_unknown_and_running_again_when_it_is_back() -> Result<()> {
    let (timed, mut device, run) = at_work(&[]).await?;
    let client = &timed.system.client;
    device.agent.kill9()?;
    timed.offline("pc").await?;
    timed.clock.advance(SignedDuration::from_mins(14))?;
    client.delivery_in(run, DeliveryState::Running).await?;
    timed.clock.advance(SignedDuration::from_mins(2))?;
    let silent = client.delivery_in(run, DeliveryState::Unknown).await?;
    assert!(
        matches!(silent.cause, Some(Cause::Offline { since: Some(_) })),
        "{silent:?}"
    );
    let told = client.event(0, "delivery.unknown").await?;
    assert_eq!(told.run, Some(run));
    let view = client.run(run).await?;
    assert_eq!(
        (view.state, view.counts),
        (RunState::Running, [(DeliveryState::Unknown, 1)].into())
    );

    timed.again(&mut device)?;
    client.delivery_in(run, DeliveryState::Running).await?;
    begun(&device, 2).await?;
    device.touch("gate")?;
    let done = client.run_finished(run).await?;
    assert_eq!(done.counts, [(DeliveryState::Warning, 1)].into());
    Ok(())
}

#[tokio::test]
async fn a_run_is_closed_after_thirty_days_and_takes_a_late_result_all_the_same() -> Result<()> {
    let (timed, mut device, run) = at_work(&[]).await?;
    let client = &timed.system.client;
    device.agent.kill9()?;
    timed.offline("pc").await?;
    timed.clock.advance(SignedDuration::from_hours(29 * 24))?;
    client.delivery_in(run, DeliveryState::Unknown).await?;
    assert_eq!(client.run(run).await?.state, RunState::Running);
    timed.clock.advance(SignedDuration::from_hours(25))?;
    let closed = client.run_finished(run).await?;
    assert_eq!(closed.counts, [(DeliveryState::Unknown, 1)].into());
    client.event(0, "run.closed").await?;

    timed.again(&mut device)?;
    begun(&device, 2).await?;
    device.touch("gate")?;
    client.delivery_in(run, DeliveryState::Warning).await?;
    let late = client.run_finished(run).await?;
    assert_eq!(late.counts, [(DeliveryState::Warning, 1)].into());
    assert_eq!(device.lines("effects"), 1);
    Ok(())
}

#[tokio::test]
async fn one_that_had_not_begun_when_its_run_was_closed_counts_if_it_begins_after_all() -> Result<()>
{
    let daily = json!({"when": {"every-days": {"from": "2027-01-01T18:00"}},
        "random-delay": {"up-to": {"minutes": 600}}, "ends": "2027-03-01T19:00"});
    let (timed, mut device, task) = Timed::opened(NOON, DETECTS, daily).await?;
    let client = &timed.system.client;
    timed.to("2027-03-01T18:00:00Z")?;
    let run = run_of(client, task.id, "2027-03-01T18:00").await?.id;
    // It told of it, so the server waits for it, and gives it up.
    client.delivery_in(run, DeliveryState::Scheduled).await?;
    device.agent.stop().await?;
    timed.offline("pc").await?;
    timed.clock.advance(SignedDuration::from_hours(31 * 24))?;
    client.run_finished(run).await?;
    let missed = client.delivery_in(run, DeliveryState::Missed).await?;
    assert_eq!(missed.cause, Some(Cause::TimePassed));
    // The task makes good what was missed once, which the device does.
    timed.again(&mut device)?;
    client.delivery_in(run, DeliveryState::Warning).await?;
    let late = client.run_finished(run).await?;
    assert_eq!(late.counts, [(DeliveryState::Warning, 1)].into());
    assert_eq!(device.lines("effects"), 1);
    Ok(())
}

#[tokio::test]
async fn a_result_that_comes_after_the_stop_counts_and_says_so() -> Result<()> {
    // It is killed when it knows its result, and has not told it.
    let crash = [(CRASH_AT, "agent.result-committed")];
    let (timed, mut device, run) = at_work(&crash).await?;
    let client = &timed.system.client;
    device.touch("gate")?;
    killed(device.agent.ended().await?)?;
    timed.offline("pc").await?;
    client.run_change(run, "stop").await?;
    timed.again(&mut device)?;
    client.run_finished(run).await?;
    let done = client.delivery_in(run, DeliveryState::Warning).await?;
    assert_eq!(done.cause, Some(Cause::DespiteStop));
    let told = client.event(0, "delivery.finished").await?;
    assert_eq!(told.fields["cause"], json!({"code": "despite-stop"}));
    assert_eq!(device.lines("effects"), 1);
    Ok(())
}

#[tokio::test]
async fn a_task_runs_again_where_it_failed_alone() -> Result<()> {
    let timed = Timed::start(NOON).await?;
    let client = &timed.system.client;
    let well = timed.device("well", DETECTS, "UTC").await?;
    let ill = timed
        .device(
            "ill",
            "echo tried >> effects\n[ -e cured ] || exit 2",
            "UTC",
        )
        .await?;
    let task = client.task_create(&scan("scan")).await?;
    let first = client.task_start(task.id).await?.id;
    let first = client.run_finished(first).await?;
    let counts = [(DeliveryState::Warning, 1), (DeliveryState::Failed, 1)];
    assert_eq!(first.counts, counts.into());
    ill.touch("cured")?;
    let again = |run: i64| format!("/runs/{run}/again");
    let second: RunView = client.post(&again(first.id), &json!({})).await?.ok()?;
    let second = client.run_finished(second.id).await?;
    assert_eq!(second.counts, [(DeliveryState::Succeeded, 1)].into());
    let deliveries = client.deliveries(second.id).await?;
    assert_eq!(deliveries[0].device_name, "ill");
    assert_eq!((well.lines("effects"), ill.lines("effects")), (1, 2));
    // Nothing is left to be done again, which is said.
    let nothing = client.post(&again(second.id), &json!({})).await?;
    assert_eq!(nothing.problem(409)?.code(), "run-nothing-again");
    Ok(())
}

#[tokio::test]
async fn a_device_that_moves_while_a_run_is_under_way_keeps_its_part_of_it() -> Result<()> {
    let timed = Timed::start(NOON).await?;
    let client = &timed.system.client;
    client.group_create("office", None).await?;
    client.group_create("lab", None).await?;
    let at_it = timed.device("at-it", WAITS_THEN_DETECTS, "UTC").await?;
    let mut away = timed.device("away", DETECTS, "UTC").await?;
    let stranger = timed.device("stranger", DETECTS, "UTC").await?;
    for (device, group) in [
        ("at-it", "/office"),
        ("away", "/office"),
        ("stranger", "/lab"),
    ] {
        moved(client, device, group).await?;
    }
    let mut by_hand = scan("by hand");
    by_hand.scope = muster_api::task::ScopeRequest::Group {
        group: "/office".into(),
        subgroups: true,
        excluded: vec![],
        only: None,
        membership: Membership::default(),
    };
    let task = client.task_create(&by_hand).await?;
    away.agent.stop().await?;
    timed.offline("away").await?;
    let run = client.task_start(task.id).await?;
    assert_eq!(run.total, 2);
    until("the device to be at it", async || {
        Ok((at_it.lines("begun") == 1).then_some(()))
    })
    .await?;

    // They change places. What was started by hand is for those who were there when it was.
    for (device, group) in [("at-it", "/lab"), ("away", "/lab"), ("stranger", "/office")] {
        moved(client, device, group).await?;
    }
    timed.again(&mut away)?;
    at_it.touch("gate")?;
    let done = client.run_finished(run.id).await?;
    assert_eq!(
        (done.total, done.counts),
        (2, [(DeliveryState::Warning, 2)].into())
    );
    assert_eq!(stranger.lines("effects"), 0);
    // The next start finds them where they are now.
    let next = client.task_start(task.id).await?;
    let next = client.run_finished(next.id).await?;
    assert_eq!(next.total, 1);
    assert_eq!((stranger.lines("effects"), at_it.lines("effects")), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_device_that_moves_while_its_occurrence_is_under_way_ends_it_and_begins_no_other()
-> Result<()> {
    let timed = Timed::start(NOON).await?;
    let client = &timed.system.client;
    client.group_create("office", None).await?;
    client.group_create("lab", None).await?;
    let pc = timed.device("pc", WAITS_THEN_DETECTS, "UTC").await?;
    let other = timed.device("other", DETECTS, "UTC").await?;
    moved(client, "pc", "/office").await?;
    moved(client, "other", "/lab").await?;
    let daily = json!({"when": {"every-days": {"from": "2027-01-01T18:00"}}});
    let mut daily = scheduled("daily", daily);
    daily.scope = muster_api::task::ScopeRequest::Group {
        group: "/office".into(),
        subgroups: true,
        excluded: vec![],
        only: None,
        membership: Membership::default(),
    };
    let task = client.task_create(&daily).await?;
    assigned(&pc, task.id).await?;
    timed.to("2027-03-01T18:00:00Z")?;
    let run = run_of(client, task.id, "2027-03-01T18:00").await?.id;
    client.delivery_in(run, DeliveryState::Running).await?;

    moved(client, "pc", "/lab").await?;
    moved(client, "other", "/office").await?;
    muster_flows::stands(&pc, task.id, "withdrawn", "").await?;
    assigned(&other, task.id).await?;
    // Who comes has nothing of today's to make good; who leaves ends what it began.
    pc.touch("gate")?;
    let done = client.run_finished(run).await?;
    assert_eq!(
        (done.total, done.counts),
        (1, [(DeliveryState::Warning, 1)].into())
    );
    assert_eq!(other.lines("effects"), 0);
    timed.to("2027-03-02T18:00:00Z")?;
    let next = run_of(client, task.id, "2027-03-02T18:00").await?.id;
    client.run_finished(next).await?;
    assert_eq!(client.deliveries(next).await?[0].device_name, "other");
    assert_eq!((pc.lines("effects"), other.lines("effects")), (1, 1));
    assert_eq!(runs(client, task.id).await?.len(), 2);
    Ok(())
}
