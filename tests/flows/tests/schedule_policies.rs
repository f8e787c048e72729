//! What a schedule says beside its times, and the times that few schedules have: on real agents.

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use muster_api::run::{DeliveryView, RunView};
use muster_domain::delivery::{Cause, DeliveryState};
use muster_domain::schedule::{OccurrenceId, RandomDelay};
use muster_domain::{DeviceId, TaskId};
use muster_flows::{
    DETECTS, Device, Timed, WAITS_THEN_DETECTS, assigned, run_of, runs, scan, scheduled,
};
use muster_test_harness::{Client, until};
use serde_json::{Value, json};

const NOON: &str = "2027-03-01T12:00:00Z";
const SIX: &str = "2027-03-01T18:00";

/// A scanner that cannot scan, as the plug-in knows it by its exit status.
const FAILS: &str = "echo tried >> tries\necho 'no database' >&2\nexit 2";

/// One that can from the third time on.
const FAILS_TWICE: &str = "echo tried >> tries\n\
    [ $(wc -l < tries) -lt 3 ] && exit 2\n\
    echo scanned >> effects\n\
    echo 'Scanned files: 2'\n\
    echo 'Infected files: 0'";

/// Daily at six, with more.
fn daily(more: &Value) -> Value {
    let mut schedule = json!({"when": {"every-days": {"from": "2027-01-01T18:00"}}});
    merge(&mut schedule, more);
    schedule
}

/// Hourly, with more.
fn hourly(more: &Value) -> Value {
    let from = json!({"hours": 1, "from": "2027-01-01T00:00"});
    let mut schedule = json!({"when": {"every-hours": from}, "zone": "utc"});
    merge(&mut schedule, more);
    schedule
}

fn merge(schedule: &mut Value, more: &Value) {
    for (name, value) in more.as_object().into_iter().flatten() {
        schedule[name] = value.clone();
    }
}

/// The delivery of a run, once its cause is of this kind.
async fn caused(
    client: &Client,
    run: i64,
    what: &str,
    is: impl Fn(&Cause) -> bool,
) -> Result<DeliveryView> {
    until(&format!("run {run} to say {what}"), async || {
        let deliveries = client.deliveries(run).await?;
        let so = |one: &DeliveryView| one.cause.as_ref().is_some_and(&is);
        Ok(deliveries.into_iter().find(so))
    })
    .await
}

#[tokio::test]
async fn a_random_delay_is_the_same_wherever_it_is_asked_for() -> Result<()> {
    let delay = json!({"random-delay": {"up-to": {"minutes": 600}}});
    let (timed, device, task) = Timed::opened(NOON, DETECTS, daily(&delay)).await?;
    let client = &timed.system.client;
    let other = timed.device("other", DETECTS, "UTC").await?;
    assigned(&other, task.id).await?;
    // Both tell it before it is due: the device to its user, the server by the rule alone.
    let due: Timestamp = format!("{SIX}:00Z").parse()?;
    let mut starts = Vec::new();
    for one in [&device, &other] {
        let number = client.device(one.agent.name()).await?.id;
        let occurrence = OccurrenceId::try_from(SIX.to_owned()).map_err(anyhow::Error::msg)?;
        let rule = RandomDelay::UpTo { minutes: 600 };
        let delay = rule.of(TaskId(task.id), DeviceId(number), occurrence, 2);
        let told: Value =
            serde_json::from_str(&one.agent.ask(&["task", "explain", "scan", "--json"])?)?;
        let at: Timestamp = serde_json::from_value(told["next"][0]["starts"].clone())
            .with_context(|| told.to_string())?;
        assert_eq!(at, due + delay);
        starts.push((at, one));
    }
    assert_ne!(starts[0].0, starts[1].0);
    starts.sort_by_key(|(at, _)| *at);

    timed.to(&format!("{SIX}:00Z"))?;
    let run = run_of(client, task.id, SIX).await?.id;
    for (place, (at, one)) in starts.iter().enumerate() {
        until("both to be where they have to be", async || {
            let deliveries = client.deliveries(run).await?;
            let mine = |delivery: &&DeliveryView| delivery.device_name == one.agent.name();
            let scheduled = deliveries.iter().find(mine).is_some_and(|delivery| {
                delivery.state == DeliveryState::Scheduled
                    && delivery.cause == Some(Cause::StartsAt { at: *at })
            });
            let done = deliveries.iter().filter(|one| one.state.is_final()).count();
            Ok((scheduled && done == place).then_some(()))
        })
        .await?;
        assert_eq!(one.lines("effects"), 0);
        timed.clock.set(*at)?;
    }
    client.run_finished(run).await?;
    Ok(())
}

/// A device whose scan of six o'clock is at work, and the run of seven.
async fn overlapping(overlap: &str) -> Result<(Timed, Device, RunView, RunView)> {
    let schedule = hourly(&json!({"overlap": overlap}));
    let at = "2027-03-01T17:30:00Z";
    let (timed, device, task) = Timed::opened(at, WAITS_THEN_DETECTS, schedule).await?;
    let client = &timed.system.client;
    timed.to("2027-03-01T18:00:00Z")?;
    let first = run_of(client, task.id, SIX).await?;
    client.delivery_in(first.id, DeliveryState::Running).await?;
    timed.to("2027-03-01T19:00:00Z")?;
    let second = run_of(client, task.id, "2027-03-01T19:00").await?;
    Ok((timed, device, first, second))
}

#[tokio::test]
async fn overlap_forbid_lets_the_later_one_be_missed() -> Result<()> {
    let (timed, device, first, second) = overlapping("forbid").await?;
    let client = &timed.system.client;
    let missed = client.delivery_in(second.id, DeliveryState::Missed).await?;
    let occurrence = SIX.to_owned().try_into().map_err(anyhow::Error::msg)?;
    assert_eq!(missed.cause, Some(Cause::EarlierOccurrence { occurrence }));
    device.touch("gate")?;
    client.delivery_in(first.id, DeliveryState::Warning).await?;
    assert_eq!((device.lines("begun"), device.lines("effects")), (1, 1));
    Ok(())
}

#[tokio::test]
async fn overlap_queue_lets_the_later_one_wait_for_the_earlier() -> Result<()> {
    let (timed, device, first, second) = overlapping("queue").await?;
    let client = &timed.system.client;
    let waits = client
        .delivery_in(second.id, DeliveryState::Waiting)
        .await?;
    let occurrence = SIX.to_owned().try_into().map_err(anyhow::Error::msg)?;
    assert_eq!(waits.cause, Some(Cause::EarlierOccurrence { occurrence }));
    assert_eq!(device.lines("begun"), 1);
    device.touch("gate")?;
    client.delivery_in(first.id, DeliveryState::Warning).await?;
    client
        .delivery_in(second.id, DeliveryState::Warning)
        .await?;
    assert_eq!((device.lines("begun"), device.lines("effects")), (2, 2));
    Ok(())
}

#[tokio::test]
async fn overlap_replace_stops_the_earlier_one() -> Result<()> {
    let (timed, device, first, second) = overlapping("replace").await?;
    let client = &timed.system.client;
    let stopped = client
        .delivery_in(first.id, DeliveryState::Cancelled)
        .await?;
    let later = "2027-03-01T19:00".to_owned();
    let occurrence = Some(later.try_into().map_err(anyhow::Error::msg)?);
    assert_eq!(stopped.cause, Some(Cause::LaterOccurrence { occurrence }));
    client
        .delivery_in(second.id, DeliveryState::Running)
        .await?;
    device.touch("gate")?;
    client
        .delivery_in(second.id, DeliveryState::Warning)
        .await?;
    assert_eq!((device.lines("begun"), device.lines("effects")), (2, 1));
    Ok(())
}

#[tokio::test]
async fn what_runs_longer_than_its_schedule_allows_is_stopped() -> Result<()> {
    let stop = daily(&json!({"stop-after-minutes": 30}));
    let (timed, device, task) = Timed::opened(NOON, WAITS_THEN_DETECTS, stop).await?;
    let client = &timed.system.client;
    timed.to("2027-03-01T18:00:00Z")?;
    let run = run_of(client, task.id, SIX).await?;
    client.delivery_in(run.id, DeliveryState::Running).await?;
    timed.to("2027-03-01T18:31:00Z")?;
    let stopped = client.delivery_in(run.id, DeliveryState::Cancelled).await?;
    assert_eq!(stopped.cause, Some(Cause::StopAfter { minutes: 30 }));
    assert_eq!((device.lines("begun"), device.lines("effects")), (1, 0));
    Ok(())
}

#[tokio::test]
async fn a_failure_is_tried_again_after_longer_and_longer_pauses() -> Result<()> {
    let retry = json!({"attempts": 5, "first-minutes": 10, "factor": 3, "longest-minutes": 60,
        "after": ["failed"]});
    let schedule = daily(&json!({"retry": retry}));
    let (timed, device, task) = Timed::opened(NOON, FAILS_TWICE, schedule).await?;
    let client = &timed.system.client;
    timed.to("2027-03-01T18:00:00Z")?;
    let run = run_of(client, task.id, SIX).await?;
    let mut before: Timestamp = format!("{SIX}:00Z").parse()?;
    for (attempt, minutes) in [(2, 10), (3, 30)] {
        let is = |cause: &Cause| matches!(cause, Cause::RetryAt { attempt: next, .. } if *next == attempt);
        let waits = caused(client, run.id, "when it is tried again", is).await?;
        assert_eq!(waits.state, DeliveryState::Waiting);
        let Some(Cause::RetryAt { at, .. }) = waits.cause else {
            anyhow::bail!("{waits:?}");
        };
        let pause = at.duration_since(before);
        let wanted = SignedDuration::from_mins(minutes);
        // The pause is counted from the failure, which came a moment after the clock was set. A clock
        // that is set shows up to a second less.
        let least = wanted - SignedDuration::from_secs(1);
        let most = wanted + SignedDuration::from_mins(2);
        assert!((least..most).contains(&pause), "{pause}");
        timed.clock.set(at)?;
        before = at;
    }
    client.delivery_in(run.id, DeliveryState::Succeeded).await?;
    assert_eq!((device.lines("tries"), device.lines("effects")), (3, 1));
    Ok(())
}

#[tokio::test]
async fn a_failure_of_another_cause_is_not_tried_again() -> Result<()> {
    let retry = json!({"attempts": 5, "first-minutes": 10, "after": ["timed-out", "not-ready"]});
    let (timed, device, task) = Timed::opened(NOON, FAILS, daily(&json!({"retry": retry}))).await?;
    let client = &timed.system.client;
    timed.to("2027-03-01T18:00:00Z")?;
    let run = run_of(client, task.id, SIX).await?;
    client.run_finished(run.id).await?;
    client.delivery_in(run.id, DeliveryState::Failed).await?;
    assert_eq!(device.lines("tries"), 1);
    Ok(())
}

#[tokio::test]
async fn a_task_that_starts_immediately_does_so_once_on_each_device() -> Result<()> {
    let immediately = json!({"when": "immediately"});
    let (timed, device, task) = Timed::opened(NOON, DETECTS, immediately).await?;
    let client = &timed.system.client;
    let run = run_of(client, task.id, "saved/1").await?.id;
    client.run_finished(run).await?;
    // Who comes later has it, too.
    let late = timed.device("late", DETECTS, "UTC").await?;
    until("the late device to be in the run", async || {
        Ok((client.run(run).await?.total == 2).then_some(()))
    })
    .await?;
    client.run_finished(run).await?;
    assert_eq!((device.lines("effects"), late.lines("effects")), (1, 1));
    assert_eq!(runs(client, task.id).await?, ["saved/1"]);
    Ok(())
}

/// A process that a connector can tell by its pid file; it ends with the test.
struct Application(std::process::Child);

impl Application {
    fn start(pid_file: &std::path::Path) -> Result<Self> {
        let child = std::process::Command::new("sleep").arg("86400").spawn()?;
        std::fs::write(pid_file, child.id().to_string())?;
        Ok(Self(child))
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_start_of_the_application_starts_its_task() -> Result<()> {
    let timed = Timed::start(NOON).await?;
    let client = &timed.system.client;
    let pid_file = timed.system.folder().join("application.pid");
    let running = format!("pid-file = \"{}\"", pid_file.display());
    let mut device = Device::enroll(&timed.system, "pc", DETECTS, &running).await?;
    timed.again(&mut device)?;
    client.device_online("pc").await?;
    let when = json!({"when": {"application-start": {"delay-minutes": 10}}});
    let task = client.task_create(&scheduled("at start", when)).await?;
    assigned(&device, task.id).await?;
    assert!(runs(client, task.id).await?.is_empty());

    let mut application = None;
    for number in 1..=2 {
        drop(application.take());
        until("the application to have stopped", async || {
            let seen = client.device("pc").await?;
            let stopped = |one: &muster_api::device::DeviceApplicationView| {
                json!(one.state) == json!("stopped")
            };
            Ok(seen.applications.iter().any(stopped).then_some(()))
        })
        .await?;
        application = Some(Application::start(&pid_file)?);
        let name = format!("application-start/2027-03-01/{number}");
        let run = run_of(client, task.id, &name).await?;
        client.delivery_in(run.id, DeliveryState::Scheduled).await?;
        assert_eq!(device.lines("effects"), number - 1);
        timed.clock.advance(SignedDuration::from_mins(11))?;
        client.run_finished(run.id).await?;
        assert_eq!(device.lines("effects"), number);
    }
    Ok(())
}

#[tokio::test]
async fn short_months_leap_days_cron_and_last_days_are_kept_to() -> Result<()> {
    let timed = Timed::start("2027-02-26T12:00:00Z").await?;
    let client = &timed.system.client;
    let device = timed.device("pc", DETECTS, "UTC").await?;
    let yearly = json!({"when": {"yearly": {"month": 2, "day": 29, "at": "04:00"}}});
    let monthly = json!({"when": {"monthly": {"days": [30, 31], "at": "03:00"}}});
    let skips = json!({"when": {"monthly": {"days": [31], "at": "03:30", "short-month": "skip"}}});
    let cron = json!({"when": {"cron": {"expression": "30 12 * * mon-fri"}}});
    let ends = daily(&json!({"ends": "2027-02-27T18:00"}));
    let mut tasks = Vec::new();
    for (name, schedule) in [
        ("yearly", yearly),
        ("monthly", monthly),
        ("skips", skips),
        ("cron", cron),
        ("ends", ends),
    ] {
        let task = client.task_create(&scheduled(name, schedule)).await?;
        assigned(&device, task.id).await?;
        tasks.push(task.id);
    }
    let [yearly, monthly, skips, cron, ends] = tasks[..] else {
        anyhow::bail!("not five tasks");
    };
    // In the order of the calendar. 2027 has no 29 February, and its 27th is a Saturday.
    let calendar = [
        (cron, "2027-02-26T12:30"),
        (ends, "2027-02-26T18:00"),
        (ends, "2027-02-27T18:00"),
        (monthly, "2027-02-28T03:00"),
        (yearly, "2027-02-28T04:00"),
        (cron, "2027-03-01T12:30"),
        (monthly, "2027-03-30T03:00"),
        (monthly, "2027-03-31T03:00"),
        (skips, "2027-03-31T03:30"),
    ];
    let mut done = 0;
    for (task, occurrence) in calendar {
        timed.to(&format!("{occurrence}:00Z"))?;
        let run = run_of(client, task, occurrence).await?;
        let finished = client.run_finished(run.id).await?;
        done += usize::from(finished.counts.contains_key(&DeliveryState::Warning));
        if task == monthly && occurrence == "2027-02-28T03:00" {
            assert_eq!(runs(client, skips).await?.len(), 0);
        }
    }
    assert_eq!(done, calendar.len());
    assert_eq!(
        runs(client, ends).await?,
        ["2027-02-26T18:00", "2027-02-27T18:00"]
    );
    assert_eq!(runs(client, yearly).await?, ["2027-02-28T04:00"]);
    assert_eq!(
        runs(client, monthly).await?,
        ["2027-02-28T03:00", "2027-03-30T03:00", "2027-03-31T03:00"]
    );
    Ok(())
}

#[tokio::test]
async fn a_task_that_is_over_can_still_be_started_by_hand() -> Result<()> {
    let once = json!({"when": {"once": {"at": "2027-03-01T18:00"}}});
    let (timed, device, task) = Timed::opened(NOON, DETECTS, once).await?;
    let client = &timed.system.client;
    timed.to("2027-03-01T18:00:00Z")?;
    let run = run_of(client, task.id, SIX).await?;
    client.run_finished(run.id).await?;
    timed.to("2028-03-01T18:00:00Z")?;
    let by_hand = client.task_start(task.id).await?;
    client.run_finished(by_hand.id).await?;
    assert_eq!(runs(client, task.id).await?, ["", SIX]);
    assert_eq!(device.lines("effects"), 2);
    let never = client.task_create(&scan("by hand alone")).await?;
    assert!(runs(client, never.id).await?.is_empty());
    Ok(())
}
