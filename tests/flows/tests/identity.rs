//! Whose identity it is: agents that are installed anew, put back to an earlier state, or there twice.

use anyhow::{Context as _, Result};
use muster_api::event::EventView;
use muster_domain::delivery::DeliveryState;
use muster_flows::{
    ALWAYS, CRASH_AT, DETECTS, Device, Timed, WAITS_THEN_DETECTS, assigned, killed, run_of, scan,
};
use muster_test_harness::{Agent, until};
use serde_json::{Value, json};

const NOON: &str = "2027-03-01T12:00:00Z";

/// The schedule that the tests here have.
fn daily() -> Value {
    json!({"when": {"every-days": {"from": "2027-01-01T18:00"}}})
}

/// Waits until an agent knows that its server refuses it for this reason.
async fn refused(agent: &Agent, code: &str) -> Result<()> {
    until(
        &format!("{} to be refused: {code}", agent.name()),
        async || Ok(agent.ask(&["status"])?.contains(code).then_some(())),
    )
    .await
}

/// Waits until a device has done an occurrence, by its own history.
async fn done_alone(device: &Device, task: i64, occurrence: &str) -> Result<()> {
    let task = task.to_string();
    until(&format!("{occurrence} to be done"), async || {
        let history = device.agent.ask(&["task", "history", &task, "--json"])?;
        let history: Vec<Value> = serde_json::from_str(&history)?;
        let done = |one: &Value| one["occurrence"] == occurrence && one["state"] == "completed";
        Ok(history.iter().any(done).then_some(()))
    })
    .await
}

/// Waits until a device has begun so often.
async fn begun(device: &Device, times: usize) -> Result<()> {
    until(&format!("the device to begin, time {times}"), async || {
        Ok((device.lines("begun") == times).then_some(()))
    })
    .await
}

/// What a side of an event is told to be.
fn side<'e>(event: &'e EventView, name: &str, fact: &str) -> Result<&'e Value> {
    let side = event.fields.get(name).and_then(|side| side.get(fact));
    side.with_context(|| format!("no {name}.{fact} in {event:?}"))
}

#[tokio::test]
async fn an_agent_that_is_installed_anew_is_the_same_device_if_the_administrator_says_so()
-> Result<()> {
    let (timed, mut device, task) = Timed::opened(NOON, WAITS_THEN_DETECTS, daily()).await?;
    let client = &timed.system.client;
    let by_hand = client.task_create(&scan("by hand")).await?;
    let run = client.task_start(by_hand.id).await?.id;
    client.delivery_in(run, DeliveryState::Running).await?;
    begun(&device, 1).await?;
    let number = client.device("pc").await?.id;

    // The machine is set up anew: nothing is left of the agent. Its name is taken, by itself.
    device.agent.kill9()?;
    timed.offline("pc").await?;
    for file in ["identity.json", "agent.db", "agent.db-wal", "agent.db-shm"] {
        let _ = std::fs::remove_file(device.agent.data().join(file));
    }
    let address = timed.system.server.address();
    let stranger = client.enrollment_token(None).await?;
    let refusal = device.agent.enroll_again(address, &stranger);
    let refusal = refusal
        .expect_err("a second device of one name")
        .to_string();
    assert!(refusal.contains("enroll-token --device pc"), "{refusal}");
    let token = client.enrollment_token_for("pc").await?;
    device.agent.enroll_again(address, &token)?;
    client.event(0, "device.enrolled-again").await?;
    timed.again(&mut device)?;
    assert_eq!(client.device_online("pc").await?.id, number);

    // It has its task again, and what it was at, from the start.
    assigned(&device, task.id).await?;
    begun(&device, 2).await?;
    device.touch("gate")?;
    client.run_finished(run).await?;
    client.delivery_in(run, DeliveryState::Warning).await?;
    timed.to("2027-03-01T18:00:00Z")?;
    let occurrence = run_of(client, task.id, "2027-03-01T18:00").await?.id;
    client.run_finished(occurrence).await?;
    client
        .delivery_in(occurrence, DeliveryState::Warning)
        .await?;
    // Nobody took it for a copy.
    for kind in ["device.cloned", "device.restored"] {
        assert!(client.events(0, &format!("kind={kind}")).await?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn an_agent_that_is_killed_at_its_welcome_is_still_itself() -> Result<()> {
    let timed = Timed::start(NOON).await?;
    let client = &timed.system.client;
    let mut device = Device::enroll(&timed.system, "pc", DETECTS, ALWAYS).await?;
    // The server has its mark, and the agent does not know that it has.
    for _ in 0..2 {
        device.restart(&[(CRASH_AT, "agent.welcomed")])?;
        killed(device.agent.ended().await?)?;
        timed.offline("pc").await?;
    }
    timed.again(&mut device)?;
    client.device_online("pc").await?;
    for kind in ["device.cloned", "device.restored", "link.refused"] {
        assert!(client.events(0, &format!("kind={kind}")).await?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn of_two_agents_with_one_identity_that_are_there_at_once_the_second_is_refused() -> Result<()>
{
    let (timed, mut first, task) = Timed::opened(NOON, DETECTS, daily()).await?;
    let client = &timed.system.client;
    first.agent.stop().await?;
    let mut second = first.agent.cloned("second")?;
    timed.again(&mut first)?;
    client.device_online("pc").await?;
    let environment = [timed.clock.environment(), ("TZ", "UTC")];
    second.start(&environment)?;
    refused(&second, "device-cloned").await?;
    let told = client.event(0, "device.cloned").await?;
    assert_eq!(told.severity, muster_domain::event::Severity::Critical);
    assert_eq!(told.fields["proof"], json!("both-linked"));
    for name in ["kept", "refused"] {
        assert_eq!(side(&told, name, "address")?, "127.0.0.1");
        assert!(side(&told, name, "host")?.is_string());
    }
    assert!(
        told.text.contains("muster device enroll-token"),
        "{}",
        told.text
    );

    // It stays refused, also while the first one is away, and starts nothing. The first one does.
    first.agent.stop().await?;
    timed.offline("pc").await?;
    second.start(&environment)?;
    let link = client.event(told.id, "link.refused").await?;
    assert_eq!(link.fields["code"], json!("device-cloned"));
    timed.again(&mut first)?;
    client.device_online("pc").await?;
    timed.to("2027-03-01T18:00:00Z")?;
    let run = run_of(client, task.id, "2027-03-01T18:00").await?.id;
    client.run_finished(run).await?;
    assert_eq!(first.lines("effects"), 1);
    let history = second.ask(&["task", "history", &task.id.to_string(), "--json"])?;
    assert_eq!(serde_json::from_str::<Value>(&history)?, json!([]));

    // With a token of its own it is another device.
    let token = client.enrollment_token(None).await?;
    second.stop().await?;
    second.enroll_again(timed.system.server.address(), &token)?;
    second.start(&environment)?;
    client.device_online("second").await?;
    assert!(client.device("pc").await?.online);
    assert_eq!(client.events(0, "kind=device.cloned").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn of_two_agents_with_one_identity_that_come_in_turns_one_is_refused() -> Result<()> {
    let (timed, mut first, task) = Timed::opened(NOON, DETECTS, daily()).await?;
    let client = &timed.system.client;
    first.agent.stop().await?;
    timed.offline("pc").await?;
    let mut second = first.agent.cloned("second")?;
    let environment = [timed.clock.environment(), ("TZ", "UTC")];
    // The first goes on, then the second comes with the state of before: that may be a restored copy.
    timed.again(&mut first)?;
    client.device_online("pc").await?;
    first.agent.stop().await?;
    timed.offline("pc").await?;
    second.start(&environment)?;
    client.device_online("pc").await?;
    let told = client.event(0, "device.restored").await?;
    assert_eq!(told.fields["reason"], json!("earlier-state"));
    assert!(client.events(0, "kind=device.cloned").await?.is_empty());
    second.stop().await?;
    timed.offline("pc").await?;
    // The first comes again, which nothing that was put back would do.
    timed.again(&mut first)?;
    refused(&first.agent, "device-cloned").await?;
    let told = client.event(0, "device.cloned").await?;
    assert_eq!(told.fields["proof"], json!("both-came"));

    // The administrator says that this one is the device: the other's certificate is good no more.
    first.agent.stop().await?;
    let token = client.enrollment_token_for("pc").await?;
    first
        .agent
        .enroll_again(timed.system.server.address(), &token)?;
    timed.again(&mut first)?;
    client.device_online("pc").await?;
    second.start(&environment)?;
    refused(&second, "certificate-replaced").await?;
    assigned(&first, task.id).await?;
    timed.to("2027-03-01T18:00:00Z")?;
    let run = run_of(client, task.id, "2027-03-01T18:00").await?.id;
    client.run_finished(run).await?;
    assert_eq!(first.lines("effects"), 1);
    Ok(())
}

#[tokio::test]
async fn an_agent_that_is_put_back_to_an_earlier_state_goes_on_and_loses_no_result() -> Result<()> {
    let timed = Timed::start(NOON).await?;
    let client = &timed.system.client;
    let mut device = Device::enroll(&timed.system, "pc", DETECTS, ALWAYS).await?;
    timed.again(&mut device)?;
    client.device_online("pc").await?;
    let hourly = json!({"when": {"every-hours": {"hours": 1, "from": "2027-01-01T00:00"}},
        "zone": "utc"});
    let task = muster_flows::scheduled("hourly", hourly);
    let task = client.task_create(&task).await?;
    assigned(&device, task.id).await?;
    device.agent.stop().await?;
    timed.offline("pc").await?;
    let snapshot = device.agent.cloned("snapshot")?;
    // It goes on for an hour, which its snapshot knows nothing of.
    timed.again(&mut device)?;
    client.device_online("pc").await?;
    timed.to("2027-03-01T13:00:00Z")?;
    let one = run_of(client, task.id, "2027-03-01T13:00").await?.id;
    client.run_finished(one).await?;
    device.agent.stop().await?;
    timed.offline("pc").await?;

    // Put back, it does two more without the server, under numbers that were given before.
    device.agent.restore(&snapshot)?;
    let mut timed = timed;
    timed.system.server.kill9()?;
    timed.again(&mut device)?;
    for hour in [13, 14, 15] {
        timed.to(&format!("2027-03-01T{hour}:00:00Z"))?;
        done_alone(&device, task.id, &format!("2027-03-01T{hour}:00")).await?;
    }
    let environment = [timed.clock.environment()];
    timed.system.server.restart(&environment).await?;
    let client = &timed.system.client;
    for hour in [14, 15] {
        let run = run_of(client, task.id, &format!("2027-03-01T{hour}:00"))
            .await?
            .id;
        client.run_finished(run).await?;
        client.delivery_in(run, DeliveryState::Warning).await?;
    }
    let told = client.event(0, "device.restored").await?;
    assert_eq!(told.fields["reason"], json!("earlier-state"));
    client.delivery_in(one, DeliveryState::Warning).await?;
    assert!(client.events(0, "kind=device.cloned").await?.is_empty());
    Ok(())
}
