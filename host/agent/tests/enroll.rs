//! Enrollment and the link's refusals, with the real program.

mod support;

use muster_agent_protocol::message::FromServer;
use muster_domain::Digest;
use std::os::unix::fs::PermissionsExt as _;
use support::TestServer;
use support::device::{Device, eventually};

async fn enroll(
    device: &Device,
    server: &TestServer,
    token: &str,
    more: &[&str],
) -> (bool, String) {
    let arguments = [&["enroll", "--server", &server.url, "--token", token], more].concat();
    let output = device.program(&arguments).await;
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[tokio::test]
async fn a_device_is_enrolled_once_and_its_key_is_its_own() {
    let server = TestServer::start().await;
    let device = Device::new();
    let token = server.token().to_string();
    assert_eq!(
        enroll(&device, &server, &token, &[]).await,
        (true, String::new())
    );
    let file = device.data().join("identity.json");
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let first = std::fs::read_to_string(&file).unwrap();
    let (done, text) = enroll(&device, &server, &token, &[]).await;
    assert!(!done && text.contains("enrolled already"), "{text}");
    assert!(enroll(&device, &server, &token, &["--again"]).await.0);
    assert_ne!(std::fs::read_to_string(&file).unwrap(), first);
}

#[tokio::test]
async fn a_wrong_token_and_another_server_leave_nothing_behind() {
    let server = TestServer::start().await;
    let device = Device::new();
    let (done, text) = enroll(&device, &server, "muster-enroll-AAAA", &[]).await;
    assert!(!done && text.contains("no enrollment token"), "{text}");
    let mut used = server.token();
    used.secret = [8; 32];
    let (done, text) = enroll(&device, &server, &used.to_string(), &[]).await;
    assert!(
        !done && text.contains("the token was used already"),
        "{text}"
    );
    let mut other = server.token();
    other.ca = Digest::of("another server's certificate");
    let (done, text) = enroll(&device, &server, &other.to_string(), &[]).await;
    assert!(
        !done && text.contains("not the server that the token is for"),
        "{text}"
    );
    assert!(!device.data().join("identity.json").exists());
    let output = device.program(&["run"]).await;
    assert!(String::from_utf8_lossy(&output.stderr).contains("not enrolled"));
}

#[tokio::test]
async fn a_refusal_without_a_time_is_kept_to_and_shown() {
    let mut server = TestServer::start().await;
    let device = Device::new();
    assert!(
        enroll(&device, &server, &server.token().to_string(), &[])
            .await
            .0
    );
    server.refuse(Some(FromServer::Refuse {
        code: "device-removed".into(),
        text: "the device was removed".into(),
        retry_after: None,
    }));
    let service = device.service();
    server.hello().await;
    eventually("status says so", || {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_muster-agent"))
            .arg("--data")
            .arg(device.data())
            .arg("status")
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).contains("refused")
    })
    .await;
    assert!(server.rest().is_empty());
    assert!(service.terminate().await);
}

#[tokio::test]
async fn connectors_and_configuration_are_checked_in_words() {
    let device = Device::new();
    let good = device.program(&["check-connectors"]).await;
    assert!(good.status.success(), "{good:?}");
    assert!(String::from_utf8_lossy(&good.stdout).contains("org.example.tool"));
    device.connector("bad.toml", "aplication = \"a.b\"\n");
    let bad = device
        .program(&["check-connectors", "--output", "json"])
        .await;
    assert!(!bad.status.success());
    let text = String::from_utf8_lossy(&bad.stdout);
    assert!(
        text.contains("bad.toml") && text.contains("aplication") && text.contains("application"),
        "{text}"
    );
    std::fs::write(device.data().join("agent.toml"), "pol-seconds = 3\n").unwrap();
    let output = device.program(&["check-connectors"]).await;
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("agent.toml") && text.contains("did you mean \"poll-seconds\"?"),
        "{text}"
    );
}
