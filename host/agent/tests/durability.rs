//! The agent is ended in the middle, its link is cut, its disk is full: each delivery ends once,
//! and nothing that was accepted is lost. With the real program.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod support;

use muster_agent_protocol::message::{End, FromAgent, News};
use muster_domain::delivery::Wanted;
use support::device::{Device, eventually, processes_with};
use support::{TestServer, command};

async fn enrolled(server: &TestServer) -> Device {
    let device = Device::new();
    let output = device
        .program(&[
            "enroll",
            "--server",
            &server.url,
            "--token",
            &server.token().to_string(),
        ])
        .await;
    assert!(output.status.success(), "{output:?}");
    device
}

fn fifo(device: &Device) -> String {
    let fifo = device.data().join("fifo");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    fifo.to_str().unwrap().to_owned()
}

async fn open_and_close(fifo: &str) {
    let fifo = fifo.to_owned();
    tokio::task::spawn_blocking(move || std::fs::write(fifo, "").unwrap())
        .await
        .unwrap();
}

#[tokio::test]
async fn killed_in_the_middle_it_ends_what_is_left_over_and_begins_again() {
    let mut server = TestServer::start().await;
    let device = enrolled(&server).await;
    let fifo = fifo(&device);
    let service = device.service();
    server.hello().await;
    server.give(&server.order(1, server.command(&command("cat", &[&fifo])), Wanted::Run));
    assert_eq!(server.started(1).await, 1);
    eventually("the program runs", || processes_with(&fifo).len() == 1).await;
    let first = processes_with(&fifo);

    service.kill9();
    assert_eq!(
        processes_with(&fifo),
        first,
        "the process outlives its agent"
    );

    let service = device.service();
    assert_eq!(server.started(1).await, 2);
    eventually("only the second attempt runs", || {
        let now = processes_with(&fifo);
        now.len() == 1 && now != first
    })
    .await;
    open_and_close(&fifo).await;
    assert_eq!(server.ended(1).await.0, End::Completed);

    // Asked once more, and after one more restart, it says nothing more of it.
    service.kill9();
    let service = device.service();
    server.hello().await;
    server.give(&server.order(2, server.command(&command("true", &[])), Wanted::Run));
    server.ended(2).await;
    let again = |message: &FromAgent| format!("{message:?}").contains("run: RunId(1)");
    assert!(!server.rest().iter().any(again));
    assert!(service.terminate().await);
    let log = device.program(&["log", "--output", "json"]).await;
    let log = String::from_utf8(log.stdout).unwrap();
    assert_eq!(
        log.lines()
            .filter(|line| line.contains("task.ended") && line.contains("\"run\":1,"))
            .count(),
        1
    );
}

#[tokio::test]
async fn stopped_gently_it_ends_its_work_and_begins_it_again_next_time() {
    let mut server = TestServer::start().await;
    let device = enrolled(&server).await;
    let fifo = fifo(&device);
    let service = device.service();
    server.hello().await;
    server.give(&server.order(1, server.command(&command("cat", &[&fifo])), Wanted::Run));
    server.started(1).await;
    eventually("the program runs", || processes_with(&fifo).len() == 1).await;
    let status = String::from_utf8(device.program(&["status"]).await.stdout).unwrap();
    assert!(
        status.contains("running") && status.contains("linked") && status.contains("1 running"),
        "{status}"
    );
    assert!(service.terminate().await);
    assert!(processes_with(&fifo).is_empty());

    let service = device.service();
    assert_eq!(server.started(1).await, 2);
    open_and_close(&fifo).await;
    assert_eq!(server.ended(1).await.0, End::Completed);
    assert!(service.terminate().await);
    let tasks = String::from_utf8(device.program(&["tasks"]).await.stdout).unwrap();
    assert!(
        tasks.contains("nightly") && tasks.contains("completed"),
        "{tasks}"
    );
}

#[tokio::test]
async fn news_are_sent_again_until_they_are_acknowledged() {
    let mut server = TestServer::start().await;
    let device = enrolled(&server).await;
    server.acknowledge(false);
    let service = device.service();
    server.hello().await;
    server.give(&server.order(1, server.command(&command("true", &[])), Wanted::Run));
    server.ended(1).await;
    service.kill9();
    let service = device.service();
    server.ended(1).await;
    server.hang_up();
    server.acknowledge(true);
    server.ended(1).await;
    eventually("nothing is left to tell", || {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_muster-agent"))
            .arg("--data")
            .arg(device.data())
            .args(["status", "--output", "json"])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).contains("\"unacknowledged-news\":0")
    })
    .await;
    assert!(service.terminate().await);
}

#[tokio::test]
async fn a_full_disk_holds_a_result_up_and_loses_nothing() {
    let mut server = TestServer::start().await;
    let device = Device::new();
    let disk = device.data().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
        .arg(&disk)
        .output();
    if !mount.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: a full disk needs the right to mount one");
        return;
    }
    let unmount = Unmount(disk.clone());
    let fifo = fifo(&device);
    let location = muster_agent::store::StoreLocation::Folder(disk.clone());
    let agent = device
        .start_with(&server, |options| options.store = location)
        .await;
    server.hello().await;
    server.give(&server.order(1, server.command(&command("cat", &[&fifo])), Wanted::Run));
    server.started(1).await;

    // Every byte that is left is taken; then the program ends.
    let filler = disk.join("filler");
    let _ = std::fs::write(&filler, vec![0; 2 * 1024 * 1024]);
    // The next order needs room as well. It is not taken, and the link is dropped for it.
    for run in 2..200 {
        server.give(&server.order(run, server.command(&command("true", &[])), Wanted::Pause));
    }
    open_and_close(&fifo).await;
    server.hello().await;
    std::fs::remove_file(&filler).unwrap();
    assert_eq!(server.ended(1).await.0, End::Completed);
    agent.stop().await;
    drop(unmount);
}

struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .status();
    }
}

#[tokio::test]
async fn an_order_that_is_not_for_this_device_is_refused_logged_and_told() {
    let mut server = TestServer::start().await;
    let device = enrolled(&server).await;
    let service = device.service();
    server.hello().await;
    let mut order = server.order(1, server.command(&command("true", &[])), Wanted::Run);
    order.device = muster_domain::DeviceId(9);
    server.give(&order);
    let refused = |news: &News| match news {
        News::Happened { kind, text, .. } if kind == "order.refused" => Some(text.clone()),
        _ => None,
    };
    assert!(server.news(refused).await.contains("for device 9"));
    assert!(service.terminate().await);
    let log = String::from_utf8(device.program(&["log"]).await.stdout).unwrap();
    assert!(log.contains("order.refused"), "{log}");
}
