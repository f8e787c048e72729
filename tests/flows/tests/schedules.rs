//! Schedules: devices start tasks by themselves, at their time, and the server has a run of each.

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use muster_api::run::RunView;
use muster_api::task::{TaskChange, TaskView};
use muster_domain::delivery::{Cause, DeliveryState};
use muster_flows::{CLAMAV, DETECTS, Timed, assigned, run_of, runs, scan, scheduled, stands};
use muster_test_harness::until;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_daily_task_starts_on_each_device_at_its_time() -> Result<()> {
    let timed = Timed::start("2027-03-01T12:00:00Z").await?;
    let client = &timed.system.client;
    let device = timed.device("pc", DETECTS, "UTC").await?;
    let daily = json!({"when": {"every-days": {"from": "2027-01-01T18:00"}}});
    let task = client.task_create(&scheduled("daily", daily)).await?;
    assigned(&device, task.id).await?;
    assert!(runs(client, task.id).await?.is_empty());

    timed.to("2027-03-01T18:00:00Z")?;
    let run = run_of(client, task.id, "2027-03-01T18:00").await?;
    let run = client.run_finished(run.id).await?;
    assert_eq!((run.total, run.revision), (1, 1));
    assert_eq!(device.lines("effects"), 1);

    timed.to("2027-03-02T18:00:00Z")?;
    let next = run_of(client, task.id, "2027-03-02T18:00").await?;
    client.run_finished(next.id).await?;
    assert_eq!(device.lines("effects"), 2);
    // A clock that is set back brings nothing a second time.
    timed.to("2027-03-02T17:59:59Z")?;
    timed.to("2027-03-03T18:00:00Z")?;
    let third = run_of(client, task.id, "2027-03-03T18:00").await?;
    client.run_finished(third.id).await?;
    assert_eq!(device.lines("effects"), 3);
    assert_eq!(runs(client, task.id).await?.len(), 3);
    Ok(())
}

#[tokio::test]
async fn devices_keep_the_schedule_while_the_server_is_away() -> Result<()> {
    let mut timed = Timed::start("2027-03-01T12:00:00Z").await?;
    let device = timed.device("pc", DETECTS, "UTC").await?;
    let client = &timed.system.client;
    let daily = json!({"when": {"every-days": {"from": "2027-01-01T18:00"}}});
    let task = client.task_create(&scheduled("daily", daily)).await?;
    assigned(&device, task.id).await?;

    timed.system.server.kill9()?;
    for (day, done) in [("01", 1), ("02", 2)] {
        timed.to(&format!("2027-03-{day}T18:00:00Z"))?;
        until("the scan without a server", async || {
            Ok((device.lines("effects") == done).then_some(()))
        })
        .await?;
    }
    timed
        .system
        .server
        .restart(&[timed.clock.environment()])
        .await?;
    let client = &timed.system.client;
    for occurrence in ["2027-03-01T18:00", "2027-03-02T18:00"] {
        let run = run_of(client, task.id, occurrence).await?;
        let run = client.run_finished(run.id).await?;
        assert_eq!(run.counts.values().sum::<u64>(), 1);
        let deliveries = client.deliveries(run.id).await?;
        assert_eq!(deliveries[0].state, DeliveryState::Warning);
    }
    assert_eq!(device.lines("effects"), 2);
    assert_eq!(runs(client, task.id).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn each_device_goes_by_its_own_clock_on_the_wall() -> Result<()> {
    let timed = Timed::start("2027-03-01T00:00:00Z").await?;
    let client = &timed.system.client;
    let east = timed.device("east", DETECTS, "Asia/Tokyo").await?;
    let west = timed.device("west", DETECTS, "America/New_York").await?;
    let daily = json!({"when": {"every-days": {"from": "2027-01-01T18:00"}}});
    let task = client.task_create(&scheduled("daily", daily)).await?;
    assigned(&east, task.id).await?;
    assigned(&west, task.id).await?;

    // Six in Tokyo is nine in the morning in UTC.
    timed.to("2027-03-01T09:00:00Z")?;
    let run = run_of(client, task.id, "2027-03-01T18:00").await?;
    let later = until("the west to be scheduled", async || {
        let deliveries = client.deliveries(run.id).await?;
        let of = |name: &str| deliveries.iter().find(|one| one.device_name == name);
        let done = of("east").is_some_and(|one| one.state.is_final());
        Ok(of("west").filter(|_| done).cloned())
    })
    .await?;
    assert_eq!(later.state, DeliveryState::Scheduled);
    let at: Timestamp = "2027-03-01T23:00:00Z".parse()?;
    assert_eq!(later.cause, Some(Cause::StartsAt { at }));
    assert_eq!((east.lines("effects"), west.lines("effects")), (1, 0));

    timed.to("2027-03-01T23:00:00Z")?;
    let run = client.run_finished(run.id).await?;
    assert_eq!(run.total, 2);
    assert_eq!((east.lines("effects"), west.lines("effects")), (1, 1));
    Ok(())
}

#[tokio::test]
async fn what_a_device_missed_is_made_good_as_the_task_says() -> Result<()> {
    let timed = Timed::start("2027-03-01T12:00:00Z").await?;
    let client = &timed.system.client;
    let mut device = timed.device("pc", DETECTS, "UTC").await?;
    let daily = |missed: Value| json!({"when": {"every-days": {"from": "2027-01-01T18:00"}}, "missed-runs": missed});
    let once = client
        .task_create(&scheduled("once", daily(json!("once"))))
        .await?;
    let ignore = client
        .task_create(&scheduled("ignore", daily(json!("ignore"))))
        .await?;
    for task in [&once, &ignore] {
        assigned(&device, task.id).await?;
    }
    device.agent.stop().await?;
    timed.to("2027-03-03T20:00:00Z")?;
    // The server knows what is due and waits for the device.
    let run = run_of(client, ignore.id, "2027-03-03T18:00").await?;
    let waits = client.delivery_in(run.id, DeliveryState::Pending).await?;
    assert!(
        matches!(waits.cause, Some(Cause::Offline { .. })),
        "{waits:?}"
    );

    device.restart(&[timed.clock.environment(), ("TZ", "UTC")])?;
    let states = async |task: &TaskView| {
        let mut states = Vec::new();
        for day in ["01", "02", "03"] {
            let run = run_of(client, task.id, &format!("2027-03-{day}T18:00")).await?;
            client.run_finished(run.id).await?;
            states.push(client.deliveries(run.id).await?[0].state);
        }
        anyhow::Ok(states)
    };
    assert_eq!(
        states(&once).await?,
        [
            DeliveryState::Missed,
            DeliveryState::Missed,
            DeliveryState::Warning
        ]
    );
    assert_eq!(states(&ignore).await?, [DeliveryState::Missed; 3]);
    assert_eq!(device.lines("effects"), 1);
    Ok(())
}

#[tokio::test]
async fn a_task_is_stopped_with_all_its_runs() -> Result<()> {
    let timed = Timed::start("2027-03-01T12:00:00Z").await?;
    let client = &timed.system.client;
    let mut device = timed.device("pc", DETECTS, "UTC").await?;
    let daily = json!({"when": {"every-days": {"from": "2027-01-01T18:00"}}});
    let task = client.task_create(&scheduled("daily", daily)).await?;
    device.agent.stop().await?;
    timed.to("2027-03-02T18:00:00Z")?;
    let older = run_of(client, task.id, "2027-03-01T18:00").await?;
    let newer = run_of(client, task.id, "2027-03-02T18:00").await?;
    client.run_change(newer.id, "stop").await?;
    client.run_finished(newer.id).await?;
    // The newest is over, an older one is not.
    let path = format!("/tasks/{}/stop", task.id);
    let stop = async || client.send(client.request(Method::POST, &path)).await;
    assert_eq!(stop().await?.ok::<RunView>()?.id, older.id);
    client
        .delivery_in(older.id, DeliveryState::Cancelled)
        .await?;
    let again = stop().await?.text();
    assert!(again.contains("run-state"), "{again}");
    Ok(())
}

#[tokio::test]
async fn a_blackout_holds_what_is_due_also_without_the_server() -> Result<()> {
    let mut timed = Timed::start("2027-03-01T12:00:00Z").await?;
    let device = timed.device("pc", DETECTS, "UTC").await?;
    let client = &timed.system.client;
    let blackout = json!({"window": {"name": "evening", "kind": "blackout", "minutes": 120,
        "opens": {"every-days": {"from": "2027-01-01T17:00"}}}});
    let _: Value = client.post("/windows", &blackout).await?.ok()?;
    let daily = json!({"when": {"every-days": {"from": "2027-01-01T18:00"}}});
    let task = client.task_create(&scheduled("daily", daily)).await?;
    assigned(&device, task.id).await?;

    timed.to("2027-03-01T18:00:00Z")?;
    let run = run_of(client, task.id, "2027-03-01T18:00").await?;
    let waits = client.delivery_in(run.id, DeliveryState::Waiting).await?;
    let until_ = "2027-03-01T19:00:00Z".parse()?;
    let window = "evening".to_owned();
    assert_eq!(
        waits.cause,
        Some(Cause::Blackout {
            window,
            until: until_
        })
    );
    // One that a person starts waits too, unless it is said not to.
    let by_hand = client.task_start(task.id).await?;
    client
        .delivery_in(by_hand.id, DeliveryState::Waiting)
        .await?;
    client.run_change(by_hand.id, "stop").await?;
    client.run_finished(by_hand.id).await?;
    let path = format!("/tasks/{}/start?despite_windows=true", task.id);
    let now: RunView = client
        .send(client.request(Method::POST, &path))
        .await?
        .ok()?;
    client.run_finished(now.id).await?;
    assert_eq!(device.lines("effects"), 1);

    timed.system.server.kill9()?;
    timed.to("2027-03-01T19:00:00Z")?;
    until("the scan after the blackout", async || {
        Ok((device.lines("effects") == 2).then_some(()))
    })
    .await?;
    timed
        .system
        .server
        .restart(&[timed.clock.environment()])
        .await?;
    timed.system.client.run_finished(run.id).await?;
    Ok(())
}

#[tokio::test]
async fn starts_are_held_while_the_plug_in_is_missing_and_made_good_when_it_is_back() -> Result<()>
{
    let timed = Timed::start("2027-03-01T12:00:00Z").await?;
    let client = &timed.system.client;
    let device = timed.device("pc", DETECTS, "UTC").await?;
    let daily = json!({"when": {"every-days": {"from": "2027-01-01T18:00"}}});
    let task = client.task_create(&scheduled("daily", daily)).await?;
    assigned(&device, task.id).await?;
    let remove = client.request(Method::DELETE, &format!("/plugins/{CLAMAV}"));
    client.send(remove).await?.ok::<Value>()?;
    stands(&device, task.id, "held", "plugin-missing").await?;

    timed.to("2027-03-01T18:00:00Z")?;
    let run = run_of(client, task.id, "2027-03-01T18:00").await?;
    let waits = client.delivery_in(run.id, DeliveryState::Waiting).await?;
    assert_eq!(waits.cause, Some(Cause::PluginMissing));
    assert_eq!(device.lines("effects"), 0);

    timed.to("2027-03-01T20:00:00Z")?;
    client
        .plugin_install(&timed.system.programs.plugin("clamav")?)
        .await?;
    client.run_finished(run.id).await?;
    assert_eq!(device.lines("effects"), 1);
    Ok(())
}

#[tokio::test]
async fn a_schedule_that_is_changed_or_taken_away_is_no_longer_kept() -> Result<()> {
    let timed = Timed::start("2027-03-01T12:00:00Z").await?;
    let client = &timed.system.client;
    let device = timed.device("pc", DETECTS, "UTC").await?;
    let at = |time: &str| json!({"when": {"every-days": {"from": format!("2027-01-01T{time}")}}});
    let task = client.task_create(&scheduled("daily", at("18:00"))).await?;
    assigned(&device, task.id).await?;
    let path = format!("/tasks/{}", task.id);
    let change = async |schedule: Option<Value>| {
        let change = TaskChange {
            schedule: Some(schedule),
            ..TaskChange::default()
        };
        let request = client.request(Method::PATCH, &path).json(&change);
        client.send(request).await?.ok::<TaskView>()
    };
    let changed = change(Some(at("21:00"))).await?;
    assert_eq!(changed.revision, 2);
    stands(&device, task.id, "active", "T21:00").await?;
    timed.to("2027-03-01T21:00:00Z")?;
    let run = run_of(client, task.id, "2027-03-01T21:00").await?;
    assert_eq!(client.run_finished(run.id).await?.revision, 2);
    assert_eq!(runs(client, task.id).await?.len(), 1);

    let changed = change(None).await?;
    assert_eq!((changed.revision, changed.schedule), (3, None));
    stands(&device, task.id, "withdrawn", "").await?;
    timed.clock.advance(SignedDuration::from_hours(48))?;
    let by_hand = client.task_start(task.id).await?;
    client.run_finished(by_hand.id).await?;
    assert_eq!(device.lines("effects"), 2);
    Ok(())
}

#[tokio::test]
async fn what_a_device_that_left_the_group_did_not_begin_is_missed() -> Result<()> {
    let timed = Timed::start("2027-03-01T12:00:00Z").await?;
    let client = &timed.system.client;
    client.group_create("office", None).await?;
    client.group_create("lab", None).await?;
    let mut device = timed.device("pc", DETECTS, "UTC").await?;
    let to = async |group: &str| {
        let request = client.request(Method::PATCH, "/devices/pc");
        let request = request.json(&json!({ "group": group }));
        client.send(request).await?.ok::<Value>()
    };
    to("/office").await?;
    let mut daily = scheduled(
        "daily",
        json!({"when": {"every-days": {"from": "2027-01-01T18:00"}}, "missed-runs": "ignore"}),
    );
    daily.scope = muster_api::task::ScopeRequest::Group {
        group: "/office".into(),
        subgroups: true,
        excluded: vec![],
        only: None,
        membership: muster_domain::scope::Membership::Fixed,
    };
    let task = client.task_create(&daily).await?;
    assigned(&device, task.id).await?;
    device.agent.stop().await?;
    timed.to("2027-03-01T18:00:00Z")?;
    let run = run_of(client, task.id, "2027-03-01T18:00").await?;
    assert_eq!(run.total, 1);
    to("/lab").await?;
    timed.to("2027-03-01T20:00:00Z")?;
    device.restart(&[timed.clock.environment(), ("TZ", "UTC")])?;
    client.run_finished(run.id).await?;
    client.delivery_in(run.id, DeliveryState::Missed).await?;
    stands(&device, task.id, "withdrawn", "").await?;
    timed.to("2027-03-02T18:00:00Z")?;
    until("the next day's time to be looked at", async || {
        let tasks: Vec<TaskView> = client.list("/tasks", "").await?;
        Ok(tasks.first().map(|_| ()))
    })
    .await?;
    assert_eq!(
        (device.lines("effects"), runs(client, task.id).await?.len()),
        (0, 1)
    );
    Ok(())
}

#[tokio::test]
async fn a_task_starts_after_another_one_that_ended_as_it_should() -> Result<()> {
    let timed = Timed::start("2027-03-01T12:00:00Z").await?;
    let client = &timed.system.client;
    let device = timed.device("pc", DETECTS, "UTC").await?;
    let first = client.task_create(&scan("first")).await?;
    let after =
        |outcomes: Value| json!({"when": {"after-task": {"task": first.id, "outcomes": outcomes}}});
    let warned = scheduled("warned", after(json!(["warning"])));
    let warned = client.task_create(&warned).await?;
    let failed = scheduled("failed", after(json!(["failed"])));
    let failed = client.task_create(&failed).await?;
    // What would start itself for ever is refused, and what is not there.
    for (task, code) in [(warned.id, "schedule-circle"), (999, "schedule-task")] {
        let change = TaskChange {
            schedule: Some(Some(json!({"when": {"after-task": {"task": task}}}))),
            ..TaskChange::default()
        };
        let path = format!("/tasks/{}", first.id);
        let request = client.request(Method::PATCH, &path).json(&change);
        let answer = client.send(request).await?.text();
        assert!(answer.contains(code), "{answer}");
    }
    let run = client.task_start(first.id).await?;
    client.run_finished(run.id).await?;
    let next = run_of(client, warned.id, &format!("after/{}", run.id)).await?;
    client.run_finished(next.id).await?;
    assert!(runs(client, failed.id).await?.is_empty());
    assert_eq!(device.lines("effects"), 2);
    Ok(())
}

#[tokio::test]
async fn a_task_starts_on_devices_that_join_a_group_and_when_enough_events_came() -> Result<()> {
    let timed = Timed::start("2027-03-01T12:00:00Z").await?;
    let client = &timed.system.client;
    let office = client.group_create("office", None).await?;
    let pc = timed.device("pc", DETECTS, "UTC").await?;
    let other = timed.device("other", DETECTS, "UTC").await?;
    let joined = json!({"when": {"joined": {"group": office.id}}});
    let joined = client.task_create(&scheduled("joined", joined)).await?;
    let threats = json!({"when": {"event": {"kind": "application.threat-detected",
        "throttle": {"events": 2}}}});
    let threats = client.task_create(&scheduled("threats", threats)).await?;
    let request = client.request(Method::PATCH, "/devices/pc");
    let request = request.json(&json!({ "group": "/office" }));
    let _: Value = client.send(request).await?.ok()?;
    let run = until("the run of who joined", async || {
        let runs: Vec<RunView> = client.list("/runs", &format!("task={}", joined.id)).await?;
        Ok(runs.into_iter().next())
    })
    .await?;
    assert_eq!(client.run_finished(run.id).await?.total, 1);
    assert_eq!((pc.lines("effects"), other.lines("effects")), (1, 0));
    // It found one threat; the next is the second.
    assert!(runs(client, threats.id).await?.is_empty());
    let by_hand = client.task_start(joined.id).await?;
    client.run_finished(by_hand.id).await?;
    let run = until("the run of the second threat", async || {
        let runs: Vec<RunView> = client
            .list("/runs", &format!("task={}", threats.id))
            .await?;
        Ok(runs.into_iter().next())
    })
    .await?;
    assert_eq!(client.run_finished(run.id).await?.total, 2);
    Ok(())
}

#[tokio::test]
async fn a_plan_says_who_when_and_what_holds_it() -> Result<()> {
    let timed = Timed::start("2027-03-26T12:00:00Z").await?;
    let client = &timed.system.client;
    let _berlin = timed.device("berlin", DETECTS, "Europe/Berlin").await?;
    let _off = timed.system.agent("off", None).await?;
    let blackout = json!({"window": {"name": "sunday", "kind": "blackout", "minutes": 60,
        "zone": "utc", "opens": {"weekly": {"days": ["sunday"], "at": "15:30"}}}});
    let _: Value = client.post("/windows", &blackout).await?.ok()?;
    let over = json!({"when": {"once": {"at": "2027-01-01T18:00"}}});
    let over = client.task_create(&scheduled("over", over)).await?;
    assert_eq!(over.findings[0].code, "schedule-over");
    assert_eq!(over.findings[0].pointer, "/schedule/when");
    let daily = json!({"when": {"every-days": {"from": "2027-01-01T18:00"}}});
    let plan: Value = client
        .post("/tasks/plan", &scheduled("daily", daily))
        .await?
        .ok()?;
    assert_eq!(
        (&plan["devices"], &plan["online"], &plan["able"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert_eq!(
        plan["hindered"][0]["cause"],
        json!({"code": "no-connector"})
    );
    assert_eq!(plan["hindered"][0]["named"], json!(["off"]));
    let berlin = plan["starts"]
        .as_array()
        .and_then(|zones| zones.iter().find(|zone| zone["zone"] == "Europe/Berlin"));
    let starts = &berlin.expect("a device in Berlin")["starts"];
    assert_eq!(starts.as_array().map(Vec::len), Some(20));
    // On the 28th clocks are set forward: six in the evening is an hour earlier in UTC.
    assert_eq!(starts[1]["at"], "2027-03-27T17:00:00Z");
    assert_eq!(starts[2]["at"], "2027-03-28T16:00:00Z");
    assert_eq!(starts[2]["clocks_change"], 60);
    assert_eq!(starts[2]["starts_at"], "2027-03-28T16:30:00Z");
    assert_eq!(starts[3]["held"], Value::Null);
    Ok(())
}
