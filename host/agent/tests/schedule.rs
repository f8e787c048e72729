//! Schedules, with the real program, whose clock the test sets: what the device starts by itself is
//! carried out, held, stopped and tried again, also without a server and across kills.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on ends here"
)]
// The clock moves, and the places are there to be killed at, in such builds alone.
#![cfg(feature = "crash-points")]

mod support;

use jiff::{SignedDuration, Timestamp};
use muster_agent_protocol::assignment::{Assigned, Standing};
use muster_agent_protocol::message::{End, FromAgent, FromServer, News};
use muster_agent_protocol::order::Order;
use muster_domain::RunId;
use muster_domain::delivery::{Cause, Wanted};
use serde_json::{Value, json};
use support::device::{Device, Service, eventually, processes_with};
use support::{TestServer, command};

const CRASH_AT: &str = "MUSTER_CRASH_AT";

struct Bench {
    server: TestServer,
    device: Device,
    /// The first occurrence.
    first: Timestamp,
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// A minute as schedules write it, in UTC, whose clocks are never changed.
fn minute(moment: Timestamp) -> String {
    let utc = jiff::tz::TimeZone::UTC.to_datetime(moment);
    utc.strftime("%Y-%m-%dT%H:%M").to_string()
}

impl Bench {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let device = Device::new();
        let token = server.token().to_string();
        let enroll = ["enroll", "--server", &server.url, "--token", &token];
        let output = device.program(&enroll).await;
        assert!(output.status.success(), "{output:?}");
        let whole = Timestamp::now().as_second() / 60 * 60;
        let first = Timestamp::from_second(whole).unwrap() + hours(2);
        device.clock(first - hours(1));
        Self {
            server,
            device,
            first,
        }
    }

    async fn start(&mut self) -> Service {
        let service = self.device.service();
        self.server.hello().await;
        service
    }

    /// A task that starts every other hour from the first occurrence on.
    fn every_two_hours(&self, program: &str, arguments: &[&str], more: &Value) -> Assigned {
        let from = minute(self.first);
        let mut schedule = json!({
            "when": { "every-hours": { "hours": 2, "from": from } }, "zone": "utc",
        });
        let fields = schedule.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        let command = self.server.command(&command(program, arguments));
        let mut assigned = TestServer::assigned(command, &schedule);
        assigned.since = self.first - hours(1);
        assigned
    }

    async fn task(&self, arguments: &[&str]) -> Value {
        let all = [&["task"], arguments, &["--json"]].concat();
        let output = self.device.program(&all).await;
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Assigns a task, and waits until the device could start it without the server.
    async fn assign(&self, task: i64, assigned: &Assigned) {
        self.server
            .assign(task, Standing::Active(Box::new(assigned.clone())));
        let number = task.to_string();
        loop {
            let listed = self.task(&["list"]).await;
            let here = listed
                .as_array()
                .unwrap()
                .iter()
                .any(|one| one["task"] == task);
            if here && self.task(&["show", &number]).await["ready-offline"] == true {
                return;
            }
        }
    }

    /// The next occurrence that the device tells of.
    async fn occurred(&mut self) -> (RunId, String) {
        let told = self.server.news(|news| match news {
            News::Occurred {
                run, occurrence, ..
            } => Some((*run, occurrence.to_string())),
            _ => None,
        });
        told.await
    }

    async fn waits(&mut self, wanted: RunId) -> Cause {
        let told = self.server.news(|news| match news {
            News::Waiting { run, cause } if *run == wanted => Some(cause.clone()),
            _ => None,
        });
        told.await
    }

    /// When an attempt follows a failure, and which.
    async fn tries_again(&mut self, wanted: RunId) -> (Timestamp, u32) {
        let told = self.server.news(|news| match news {
            News::Waiting {
                run,
                cause: Cause::RetryAt { at, attempt },
            } if *run == wanted => Some((*at, *attempt)),
            _ => None,
        });
        told.await
    }

    fn order(&self, run: RunId, wanted: Wanted) -> Order {
        let nothing = muster_domain::Digest::of("another command");
        self.server.order(run.0, nothing, wanted)
    }
}

#[tokio::test]
async fn without_a_server_tasks_start_on_time_and_are_told_of_later() {
    let mut bench = Bench::new().await;
    let service = bench.start().await;
    let assigned = bench.every_two_hours("true", &[], &json!({}));
    bench.assign(5, &assigned).await;
    let gone = FromServer::Refuse {
        code: "replaced".into(),
        text: "the server is away".into(),
        retry_after: Some(1),
    };
    bench.server.refuse(Some(gone));
    bench.server.hang_up();
    for hour in [0, 2] {
        bench.device.clock(bench.first + hours(hour));
        loop {
            let history = bench.task(&["history", "5"]).await;
            let done = history.as_array().unwrap().iter();
            let done = done.filter(|one| one["state"] == "completed").count();
            if i64::try_from(done).unwrap() == hour / 2 + 1 {
                break;
            }
        }
    }
    // The agent itself begins anew in between.
    service.kill9();
    bench.server.refuse(None);
    let service = bench.start().await;
    for hour in [0, 2] {
        let (run, name) = bench.occurred().await;
        assert!(run.0 < 0);
        assert_eq!(name, minute(bench.first + hours(hour)));
        assert_eq!(
            bench
                .task(&["history", "5"])
                .await
                .as_array()
                .unwrap()
                .len(),
            2
        );
    }
    assert!(service.terminate().await);
    let told = bench.task(&["explain", "nightly"]).await;
    assert_eq!(
        told["next"][0]["occurrence"],
        minute(bench.first + hours(4))
    );
    assert_eq!(told["next"].as_array().unwrap().len(), 5);
    assert_eq!(told["open"], json!([]));
}

#[tokio::test]
async fn killed_anywhere_each_occurrence_is_carried_out_once() {
    let places = [
        "agent.assignment-committed",
        "agent.occurrence-before-commit",
        "agent.occurrence-committed",
        "agent.process-started",
        "agent.process-ended",
        "agent.result-committed",
    ];
    futures_util::future::join_all(places.map(killed_at)).await;
}

async fn killed_at(place: &str) {
    let mut bench = Bench::new().await;
    let service = bench.device.service_with(&[(CRASH_AT, place)]);
    bench.server.hello().await;
    let assigned = bench.every_two_hours("true", &[], &json!({}));
    let standing = Standing::Active(Box::new(assigned.clone()));
    if place == "agent.assignment-committed" {
        bench.server.assign(5, standing);
    } else {
        bench.assign(5, &assigned).await;
        bench.device.clock(bench.first);
    }
    service.killed().await;
    // Nothing that was told before may be passed over.
    let service = bench.device.service();
    bench.device.clock(bench.first);
    loop {
        let history = bench.task(&["history", "5"]).await;
        if history[0]["state"] == "completed" {
            assert_eq!(history.as_array().unwrap().len(), 1, "{place}");
            break;
        }
    }
    // The second occurrence is the last word: what was told of the first has come by then.
    bench.device.clock(bench.first + hours(2));
    let (mut occurred, mut ended) = (Vec::new(), Vec::new());
    while ended.len() < 2 {
        bench
            .server
            .news(|news| {
                match news {
                    News::Occurred { run, .. } => occurred.push(*run),
                    News::Ended { run, end, .. } => {
                        assert_eq!(*end, End::Completed, "{place}");
                        ended.push(*run);
                    }
                    _ => return None,
                }
                Some(())
            })
            .await;
    }
    assert_eq!(occurred, ended, "{place}");
    assert_ne!(occurred[0], occurred[1], "{place}");
    assert!(service.terminate().await);
}

#[tokio::test]
async fn windows_hold_every_start_until_they_open() {
    let mut bench = Bench::new().await;
    let crash = [(CRASH_AT, "agent.windows-committed")];
    let service = bench.device.service_with(&crash);
    bench.server.hello().await;
    let opens = bench.first + minutes(30);
    let window = json!({ "name": "nights", "kind": "maintenance", "minutes": 20, "zone": "utc",
        "opens": { "every-days": { "days": 1, "from": minute(opens) } } });
    bench.server.windows(json!([window]));
    // It has them, and needs not hear of them again.
    service.killed().await;
    let service = bench.start().await;
    let assigned = bench.every_two_hours("true", &[], &json!({}));
    bench.assign(5, &assigned).await;
    bench.device.clock(bench.first);
    let (run, _) = bench.occurred().await;
    let closed = Cause::OutsideWindows {
        window: Some("nights".into()),
        opens_at: Some(opens),
    };
    assert_eq!(bench.waits(run).await, closed);
    let told = bench.task(&["explain", "5"]).await;
    assert!(
        told["reasons"][0]
            .as_str()
            .unwrap()
            .contains("\"nights\" opens at"),
        "{told}"
    );
    assert_eq!(told["open"][0]["cause"]["code"], "outside-windows");

    // So is what the server orders, unless it says otherwise.
    let hash = bench.server.command(&command("true", &[]));
    let order = |run| Order {
        valid_until: Timestamp::MAX,
        ..bench.server.order(run, hash, Wanted::Run)
    };
    let (ordered, urgent) = (order(1), order(2));
    bench.server.give(&ordered);
    assert_eq!(bench.waits(RunId(1)).await, closed);
    let urgent = Order {
        despite_windows: true,
        ..urgent
    };
    bench.server.give(&urgent);
    bench.server.ended(2).await;

    bench.device.clock(opens);
    bench.server.started(run.0).await;
    // Windows that are taken away hold nothing.
    bench.server.ended(1).await;
    bench.device.clock(bench.first + hours(2));
    let (run, _) = bench.occurred().await;
    bench.waits(run).await;
    bench.server.windows(json!([]));
    bench.server.ended(run.0).await;
    assert!(service.terminate().await);
}

#[tokio::test]
async fn a_failure_is_tried_again_and_the_last_one_is_the_end() {
    let mut bench = Bench::new().await;
    let service = bench.start().await;
    let retry = json!({ "retry": { "attempts": 3, "first-minutes": 10, "after": ["failed"] } });
    let assigned = bench.every_two_hours("false", &[], &retry);
    bench.assign(5, &assigned).await;
    bench.device.clock(bench.first);
    let (run, _) = bench.occurred().await;
    for attempt in 1..=3 {
        assert_eq!(bench.server.started(run.0).await, attempt);
        if attempt < 3 {
            let (at, next) = bench.tries_again(run).await;
            assert_eq!(next, attempt + 1);
            bench.device.clock(at);
        }
    }
    assert_eq!(bench.server.ended(run.0).await.0, End::Completed);

    // A stop ends the waiting.
    bench.device.clock(bench.first + hours(2));
    let (run, _) = bench.occurred().await;
    bench.waits(run).await;
    bench.server.give(&bench.order(run, Wanted::Stop));
    let (end, _) = bench.server.ended(run.0).await;
    let cause = Cause::Administrator;
    assert_eq!(end, End::Stopped { cause });

    // Killed while it waits for another attempt, it still makes it.
    assert!(service.terminate().await);
    let crash = [(CRASH_AT, "agent.retry-committed")];
    let service = bench.device.service_with(&crash);
    bench.device.clock(bench.first + hours(4));
    service.killed().await;
    let service = bench.device.service();
    let (run, _) = bench.occurred().await;
    let (at, _) = bench.tries_again(run).await;
    bench.device.clock(at);
    assert_eq!(bench.server.started(run.0).await, 2);
    assert!(service.terminate().await);
}

#[tokio::test]
async fn a_schedule_stops_what_runs_too_long_and_what_gives_way() {
    let mut bench = Bench::new().await;
    let service = bench.start().await;
    let stop = json!({ "stop-after-minutes": 30 });
    let assigned = bench.every_two_hours("sleep", &["86411"], &stop);
    bench.assign(5, &assigned).await;
    bench.device.clock(bench.first);
    let (run, _) = bench.occurred().await;
    bench.server.started(run.0).await;
    bench.device.clock(bench.first + minutes(31));
    let (end, _) = bench.server.ended(run.0).await;
    let cause = Cause::StopAfter { minutes: 30 };
    assert_eq!(end, End::Stopped { cause });
    bench.server.assign(5, Standing::Withdrawn);

    let replace = json!({ "overlap": "replace" });
    let mut assigned = bench.every_two_hours("sleep", &["86412"], &replace);
    assigned.since = bench.first + minutes(40);
    bench.assign(6, &assigned).await;
    bench.device.clock(bench.first + hours(2));
    let (first, _) = bench.occurred().await;
    bench.server.started(first.0).await;
    bench.device.clock(bench.first + hours(4));
    let (second, name) = bench.occurred().await;
    let (end, _) = bench.server.ended(first.0).await;
    let occurrence = Some(name.try_into().unwrap());
    let cause = Cause::LaterOccurrence { occurrence };
    assert_eq!(end, End::Stopped { cause });
    bench.server.started(second.0).await;
    eventually("one is left", || processes_with("86412").len() == 1).await;
    // It is the device's number by which the server pauses it, goes on and stops.
    bench.server.give(&bench.order(second, Wanted::Pause));
    let paused = |news: &News| matches!(news, News::Paused { run } if *run == second).then_some(());
    bench.server.news(paused).await;
    bench.server.give(&bench.order(second, Wanted::Run));
    bench.server.started(second.0).await;
    bench.server.give(&bench.order(second, Wanted::Stop));
    let (end, _) = bench.server.ended(second.0).await;
    let cause = Cause::Administrator;
    assert_eq!(end, End::Stopped { cause });
    assert!(service.terminate().await);
}

#[tokio::test]
async fn a_clock_that_was_wrong_for_a_while_keeps_nothing_from_starting() {
    let mut bench = Bench::new().await;
    let service = bench.start().await;
    let assigned = bench.every_two_hours("true", &[], &json!({}));
    bench.assign(5, &assigned).await;
    // So far away that not all between is listed as missed one by one.
    bench.device.clock(bench.first + hours(3000));
    let started = |news: &News| match news {
        News::Started { run, .. } => Some(*run),
        _ => None,
    };
    let run = bench.server.news(started).await;
    bench.server.ended(run.0).await;
    bench.device.clock(bench.first + minutes(1));
    // It is seen that the clock is right again.
    let next = bench.first + hours(2);
    loop {
        let done = bench.task(&["show", "5"]).await["done-until"].clone();
        if serde_json::from_value::<Timestamp>(done).unwrap() < next {
            break;
        }
    }
    bench.device.clock(next);
    let (run, name) = bench.occurred().await;
    assert_eq!(name, minute(next));
    bench.server.ended(run.0).await;
    assert!(service.terminate().await);
}

#[tokio::test]
async fn an_application_that_starts_starts_its_tasks() {
    let mut bench = Bench::new().await;
    bench.device.application_runs(false);
    let service = bench.device.service();
    let hello = bench.server.hello().await;
    assert_eq!(hello.facts.more["time.zone"], "Europe/Berlin");
    let when = json!({ "when": { "application-start": {} } });
    let hash = bench.server.command(&command("true", &[]));
    let mut assigned = TestServer::assigned(hash, &when);
    assigned.since = bench.first - hours(1);
    bench.assign(5, &assigned).await;
    for number in 1..=2 {
        bench.device.application_runs(true);
        let (run, name) = bench.occurred().await;
        assert!(name.starts_with("application-start/") && name.ends_with(&format!("/{number}")));
        bench.server.ended(run.0).await;
        bench.device.application_runs(false);
        let stopped = |message: &FromAgent| match message {
            FromAgent::Applications { applications } => {
                let stopped = muster_domain::device::ApplicationState::Stopped;
                (applications[0].state == stopped).then_some(())
            }
            _ => None,
        };
        bench.server.until(stopped).await;
    }
    assert!(service.terminate().await);
}
