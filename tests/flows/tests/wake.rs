//! Devices that are off are woken over the network: before their tasks start, and by hand.

use anyhow::{Context as _, Result, ensure};
use muster_flows::{ALWAYS, DETECTS, Device, Timed, assigned, run_of, scheduled};
use muster_test_harness::PATIENCE;
use serde_json::json;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// The interface that the device of these tests is woken by, as a packet has it and as a text.
const INTERFACE: [u8; 6] = [0x02, 0x00, 0x5e, 0x10, 0x00, 0x01];
const TOLD: &str = "02:00:5e:10:00:01@192.0.2.255";

/// Takes a packet in, and checks that it wakes the interface.
async fn packet(socket: &UdpSocket) -> Result<()> {
    let mut packet = [0; 200];
    let length = timeout(PATIENCE, socket.recv(&mut packet)).await;
    let length = length.context("no packet came")??;
    ensure!(length == 102, "a packet of {length} bytes");
    ensure!(packet[..6] == [0xff; 6]);
    ensure!(packet[6..102].chunks(6).all(|part| part == INTERFACE));
    Ok(())
}

#[tokio::test]
async fn a_device_that_is_off_is_woken_before_its_task_starts() -> Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    let to = socket.local_addr()?.to_string();
    let environment = [("MUSTER_SERVER_WAKE_TO", to.as_str())];
    let timed = Timed::start_with("2027-03-01T12:00:00Z", &environment).await?;
    let client = &timed.system.client;
    let mut device = Device::enroll(&timed.system, "pc", DETECTS, ALWAYS).await?;
    let of_agent = [
        timed.clock.environment(),
        ("TZ", "UTC"),
        ("MUSTER_AGENT_WAKE", TOLD),
    ];
    device.restart(&of_agent)?;
    let seen = client.device_online("pc").await?;
    assert_eq!(seen.facts.get("net.wake").map(String::as_str), Some(TOLD));
    let awake = timed.device("awake", DETECTS, "UTC").await?;
    let daily = json!({"when": {"every-days": {"from": "2027-01-01T18:00"}},
        "wake-minutes-before": 5});
    let task = client.task_create(&scheduled("daily", daily)).await?;
    assigned(&device, task.id).await?;
    assigned(&awake, task.id).await?;
    device.agent.stop().await?;
    timed.offline("pc").await?;

    timed.to("2027-03-01T17:55:00Z")?;
    packet(&socket).await?;
    let told = client.event(0, "task.devices-woken").await?;
    assert_eq!(told.task, Some(task.id));
    assert_eq!(told.fields["occurrence"], json!("2027-03-01T18:00"));
    assert_eq!(told.fields["named"], json!(["pc"]));
    // A packet may be lost: another one is sent as long as the device is off, and told once.
    timed.to("2027-03-01T17:57:00Z")?;
    packet(&socket).await?;
    assert_eq!(client.events(0, "kind=task.devices-woken").await?.len(), 1);

    // It wakes, and starts on time.
    device.restart(&of_agent)?;
    client.device_online("pc").await?;
    timed.to("2027-03-01T18:00:00Z")?;
    let run = run_of(client, task.id, "2027-03-01T18:00").await?;
    client.run_finished(run.id).await?;
    assert_eq!((device.lines("effects"), awake.lines("effects")), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_linked_device_in_the_same_network_wakes_another_one() -> Result<()> {
    // Server and neighbour reach the same socket: each sends one packet.
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    let port = socket.local_addr()?.port().to_string();
    let environment = [("MUSTER_SERVER_WAKE_PORT", port.as_str())];
    let timed = Timed::start_with("2027-03-01T12:00:00Z", &environment).await?;
    let client = &timed.system.client;
    let mut device = Device::enroll(&timed.system, "pc", DETECTS, ALWAYS).await?;
    device.restart(&[("MUSTER_AGENT_WAKE", "02:00:5e:10:00:01@127.0.0.1")])?;
    client.device_online("pc").await?;
    device.agent.stop().await?;
    timed.offline("pc").await?;
    let mut stranger = Device::enroll(&timed.system, "stranger", DETECTS, ALWAYS).await?;
    stranger.restart(&[("MUSTER_AGENT_WAKE", "02:00:5e:10:00:03@192.0.2.255")])?;
    client.device_online("stranger").await?;
    timed.system.muster(&["device", "wake", "pc"]).await?.ok()?;
    packet(&socket).await?;

    let mut neighbour = Device::enroll(&timed.system, "neighbour", DETECTS, ALWAYS).await?;
    neighbour.restart(&[("MUSTER_AGENT_WAKE", "02:00:5e:10:00:02@127.0.0.1")])?;
    client.device_online("neighbour").await?;
    timed.system.muster(&["device", "wake", "pc"]).await?.ok()?;
    packet(&socket).await?;
    packet(&socket).await?;
    Ok(())
}

#[tokio::test]
async fn a_device_is_woken_by_hand() -> Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    let to = socket.local_addr()?.to_string();
    let environment = [("MUSTER_SERVER_WAKE_TO", to.as_str())];
    let timed = Timed::start_with("2027-03-01T12:00:00Z", &environment).await?;
    let client = &timed.system.client;
    let mut device = Device::enroll(&timed.system, "pc", DETECTS, ALWAYS).await?;
    let unknown = timed.system.muster(&["device", "wake", "pc"]).await?;
    assert!(unknown.err.contains("has not told"), "{}", unknown.err);
    device.restart(&[("MUSTER_AGENT_WAKE", TOLD)])?;
    client.device_online("pc").await?;
    device.agent.stop().await?;
    timed.offline("pc").await?;
    let woken = timed.system.muster(&["device", "wake", "pc"]).await?.ok()?;
    assert!(woken.out.contains(TOLD), "{}", woken.out);
    packet(&socket).await?;
    let told = client.event(0, "device.woken").await?;
    assert_eq!(told.fields["addresses"], json!([TOLD]));
    Ok(())
}
