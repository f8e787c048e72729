//! Orders become work, and work becomes results: with real processes, an agent in this process.

mod support;

use muster_agent_protocol::message::{End, FromAgent, News};
use muster_domain::delivery::{Cause, Wanted};
use muster_domain::report::StepEnd;
use serde_json::json;
use support::device::{Device, eventually, processes_with};
use support::{TestServer, command};

#[tokio::test]
async fn a_command_is_fetched_by_its_hash_carried_out_and_reported_once() {
    let mut server = TestServer::start().await;
    let device = Device::new();
    let agent = device.start(&server).await;
    let hello = server.hello().await;
    assert_eq!(
        hello.applications[0].application.as_str(),
        "org.example.tool"
    );

    let body = json!({ "steps": [
        { "program": "env", "environment": [["A", { "literal": "b c" }]], "keep": { "head": 4096, "tail": 0 } },
        { "program": "cat", "standard-input": { "literal": "one\ntwo FOUND\nthree\n" },
          "keep": { "head": 3, "tail": 5, "lines": "FOUND", "most-lines": 9 } },
        { "program": "false", "statuses": [{ "first": 1, "last": 1, "meaning": "done" }], "keep": { "head": 0, "tail": 0 } },
        { "program": "true", "keep": { "head": 0, "tail": 0 } },
    ]});
    let order = server.order(1, server.command(&body), Wanted::Run);
    server.give(&order);
    assert_eq!(server.started(1).await, 1);
    let (end, report) = server.ended(1).await;
    assert_eq!(end, End::Completed);
    // "done" ends a command well: the fourth step is passed over.
    assert_eq!(report.steps.len(), 3);
    let lines: Vec<&str> = report.steps[0]
        .head
        .lines()
        .map(|line| line.split('=').next().unwrap())
        .collect();
    assert_eq!(
        {
            let mut sorted = lines.clone();
            sorted.sort_unstable();
            sorted
        },
        ["A", "HOME", "LANG", "MUSTER_DELIVERY", "PATH"],
    );
    let cat = &report.steps[1];
    assert_eq!(
        (cat.head.as_str(), cat.tail.as_str(), cat.lines.as_slice()),
        ("one", "hree\n", &["two FOUND".to_owned()][..])
    );

    // The same order again is known, and nothing comes of it.
    server.give(&order);
    let other = server.order(2, server.command(&command("true", &[])), Wanted::Run);
    server.give(&other);
    server.ended(2).await;
    assert!(
        !server
            .rest()
            .iter()
            .any(|message| format!("{message:?}").contains("RunId(1)"))
    );
    agent.stop().await;
}

#[tokio::test]
async fn it_waits_for_its_application_starts_by_itself_and_stops_with_it() {
    let mut server = TestServer::start().await;
    let device = Device::new();
    device.application_runs(false);
    let agent = device.start(&server).await;
    server.hello().await;
    let order = server.order(1, server.command(&command("sleep", &["1000"])), Wanted::Run);
    server.give(&order);
    let waits = |news: &News| {
        matches!(
            news,
            News::Waiting {
                cause: Cause::ApplicationNotRunning,
                ..
            }
        )
        .then_some(())
    };
    server.news(waits).await;
    device.application_runs(true);
    server.started(1).await;
    device.application_runs(false);
    let (end, report) = server.ended(1).await;
    assert_eq!(
        end,
        End::Stopped {
            cause: Cause::ApplicationStopped
        }
    );
    assert_eq!(report.steps[0].end, StepEnd::Stopped);
    agent.stop().await;
}

#[tokio::test]
async fn stop_ends_the_whole_group_even_if_it_ignores_the_gentle_signal() {
    let mut server = TestServer::start().await;
    let device = Device::new();
    let agent = device.start(&server).await;
    server.hello().await;
    // A parent and a child, both deaf to SIGTERM.
    let arguments = [
        "--ignore-signal=TERM",
        "timeout",
        "--foreground",
        "86401",
        "sleep",
        "86402",
    ];
    let hash = server.command(&command("env", &arguments));
    server.give(&server.order(1, hash, Wanted::Run));
    server.started(1).await;
    eventually("both processes run", || processes_with("86402").len() >= 2).await;
    server.give(&server.order(1, hash, Wanted::Stop));
    let (end, report) = server.ended(1).await;
    assert_eq!(
        end,
        End::Stopped {
            cause: Cause::Administrator
        }
    );
    assert_eq!(report.steps[0].end, StepEnd::Stopped);
    eventually("the whole group is gone", || {
        processes_with("86402").is_empty()
    })
    .await;
    agent.stop().await;
}

#[tokio::test]
async fn pause_holds_the_group_and_its_clock() {
    let mut server = TestServer::start().await;
    let device = Device::new();
    let agent = device.start(&server).await;
    server.hello().await;
    let hash = server.command(&command("sleep", &["86403"]));
    let mut order = server.order(1, hash, Wanted::Run);
    order.time_limit = 2;
    server.give(&order);
    server.started(1).await;
    let state = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let mut pause = server.order(1, hash, Wanted::Pause);
    pause.time_limit = 2;
    server.give(&pause);
    server
        .news(|news| matches!(news, News::Paused { .. }).then_some(()))
        .await;
    let pid = processes_with("86403")[0];
    eventually("it stands still", || state(pid).contains(") T ")).await;
    // Longer than its time limit: were the clock not held, it would be over.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert!(state(pid).contains(") T "));
    let mut resume = server.order(1, hash, Wanted::Run);
    resume.time_limit = 2;
    server.give(&resume);
    assert_eq!(server.started(1).await, 1);
    let (end, report) = server.ended(1).await;
    assert_eq!(end, End::TimedOut { seconds: 2 });
    assert_eq!(report.steps[0].end, StepEnd::TimedOut);
    agent.stop().await;
}

#[tokio::test]
async fn an_exclusive_delivery_has_its_application_to_itself() {
    let mut server = TestServer::start().await;
    let device = Device::new();
    let agent = device.start(&server).await;
    server.hello().await;
    let sleep = server.command(&command("sleep", &["1000"]));
    server.give(&server.order(1, sleep, Wanted::Run));
    server.started(1).await;
    let mut exclusive = server.order(2, server.command(&command("true", &[])), Wanted::Run);
    exclusive.exclusive = true;
    server.give(&exclusive);
    let blocked = |news: &News| match news {
        News::Waiting {
            run,
            cause: Cause::BlockedByTask { run: by },
        } if run.0 == 2 => Some(by.0),
        _ => None,
    };
    assert_eq!(server.news(blocked).await, 1);
    server.give(&server.order(1, sleep, Wanted::Stop));
    assert_eq!(server.ended(2).await.0, End::Completed);
    agent.stop().await;
}

#[tokio::test]
async fn what_the_connector_does_not_name_is_refused_and_what_it_names_in_vain_is_reported() {
    let mut server = TestServer::start().await;
    let device = Device::new();
    let agent = device.start(&server).await;
    server.hello().await;
    server.give(&server.order(
        1,
        server.command(&command("rm", &["-rf", "/nowhere"])),
        Wanted::Run,
    ));
    let (end, report) = server.ended(1).await;
    assert!(matches!(end, End::Refused { reason } if reason.contains("\"rm\" is not named")));
    assert!(report.steps.is_empty());
    server.give(&server.order(2, server.command(&command("missing", &[])), Wanted::Run));
    let (end, report) = server.ended(2).await;
    assert_eq!(end, End::Completed);
    assert!(
        matches!(&report.steps[0].end, StepEnd::NotStarted(why) if why.contains("/nowhere/missing"))
    );
    let mut late = server.order(3, server.command(&command("true", &[])), Wanted::Run);
    late.valid_until = jiff::Timestamp::UNIX_EPOCH;
    server.give(&late);
    assert!(
        matches!(server.ended(3).await.0, End::Refused { reason } if reason.contains("valid until"))
    );
    server.give(&server.order(
        4,
        server.command(&json!({ "steps": "rubbish" })),
        Wanted::Run,
    ));
    assert!(
        matches!(server.ended(4).await.0, End::Refused { reason } if reason.contains("cannot be read"))
    );
    agent.stop().await;
}

#[tokio::test]
async fn a_hundred_megabytes_without_a_line_end_come_back_as_head_and_tail() {
    let mut server = TestServer::start().await;
    let device = Device::new();
    let agent = device.start(&server).await;
    server.hello().await;
    let body = json!({ "steps": [{ "program": "head",
        "arguments": [{ "literal": "-c" }, { "literal": "100000000" }, { "literal": "/dev/zero" }],
        "keep": { "head": 65536, "tail": 65536, "lines": "\u{0}", "most-lines": 10000 },
    }]});
    server.give(&server.order(1, server.command(&body), Wanted::Run));
    let (end, report) = server.ended(1).await;
    assert_eq!(end, End::Completed);
    assert_eq!(
        (report.steps[0].head.len(), report.steps[0].tail.len()),
        (65536, 65536)
    );
    assert_eq!(report.steps[0].end, StepEnd::Exited(0));
    agent.stop().await;
}

#[tokio::test]
async fn progress_is_counted_through_the_steps_and_told_over_the_link() {
    let mut server = TestServer::start().await;
    let device = Device::new();
    let agent = device.start(&server).await;
    server.hello().await;
    let fifo = device.data().join("fifo");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let keep = json!({ "head": 0, "tail": 0 });
    let body = json!({ "steps": [
        { "program": "printf", "arguments": [{ "literal": "a\\nb\\nc\\nd\\n" }], "keep": keep,
          "progress": { "pattern": ".", "role": "count-total" } },
        { "program": "printf", "arguments": [{ "literal": "/a: OK\\r" }], "keep": keep,
          "progress": { "pattern": "^(?<message>.*): OK", "role": "count-done" } },
        { "program": "cat", "arguments": [{ "literal": fifo }], "keep": keep },
    ]});
    server.give(&server.order(1, server.command(&body), Wanted::Run));
    let progress = server
        .until(|message| match message {
            FromAgent::Progress {
                run,
                percent,
                message,
            } => Some((run.0, *percent, message.clone())),
            _ => None,
        })
        .await;
    assert_eq!(progress, (1, Some(25), Some("/a".into())));
    tokio::task::spawn_blocking(move || std::fs::write(fifo, "").unwrap())
        .await
        .unwrap();
    assert_eq!(server.ended(1).await.0, End::Completed);
    agent.stop().await;
}
