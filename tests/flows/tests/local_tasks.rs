//! Local tasks: made and changed on the device by its user, by the administrator, and by both at once.

use anyhow::{Result, ensure};
use muster_api::run::RunView;
use muster_api::task::{ScopeRequest, TaskChange, TaskCreate, TaskView};
use muster_domain::delivery::{Cause, DeliveryState};
use muster_flows::{
    CLAMAV, DETECTS, Device, Timed, WAITS_THEN_DETECTS, assigned, run_of, scan, stands,
    system_with_clamav,
};
use muster_test_harness::{Client, TestSystem, until};
use reqwest::Method;
use serde_json::{Value, json};

/// Has the root say what users may, and waits until a device knows.
async fn allow(client: &Client, device: &Device, tasks: &str, starts: &str) -> Result<()> {
    let policy = json!({ "tasks": tasks, "starts": starts });
    let request = client.request(Method::PUT, "/groups/1/users").json(&policy);
    let group: Value = client.send(request).await?.ok()?;
    let may = |word: &str| word == "allow";
    ensure!(
        group.pointer("/users/may_manage") == Some(&json!(may(tasks))),
        "{group}"
    );
    let words = format!(
        "local tasks of this device's user are {}, and starting an administrator's tasks is {}",
        if may(tasks) { "allowed" } else { "not allowed" },
        if may(starts) {
            "allowed"
        } else {
            "not allowed"
        },
    );
    until("the device to know what its user may", async || {
        let log = device.agent.ask(&["log"])?;
        let last = log.lines().rfind(|line| line.contains("user.rights"));
        Ok(last.is_some_and(|line| line.contains(&words)).then_some(()))
    })
    .await
}

fn settings(device: &Device, name: &str, settings: &Value) -> Result<String> {
    let path = device.folder().join(format!("{name}.json"));
    std::fs::write(&path, settings.to_string())?;
    Ok(path.display().to_string())
}

fn paths() -> Value {
    json!({ "area": "paths", "paths": ["/files"] })
}

/// Asks for a scan on the device.
fn create(device: &Device, name: &str, more: &[&str]) -> Result<String> {
    let settings = settings(device, "new", &paths())?;
    let mut arguments = vec![
        "task",
        "create",
        name,
        "--application",
        CLAMAV,
        "--type",
        "scan",
        "--settings",
        &settings,
    ];
    arguments.extend(more);
    device.agent.ask(&arguments)
}

/// The task of this name, as soon as the server has it.
async fn known(client: &Client, name: &str) -> Result<TaskView> {
    until(&format!("a task {name}"), async || {
        let tasks: Vec<TaskView> = client.list("/tasks", "").await?;
        Ok(tasks.into_iter().find(|task| task.name == name))
    })
    .await
}

/// What the device has of what was asked, the latest first.
fn changes(device: &Device) -> Result<Vec<Value>> {
    let text = device.agent.ask(&["--json", "task", "changes"])?;
    Ok(serde_json::from_str(&text)?)
}

/// Waits until all that was asked on the device is answered, and gives it, the latest first.
async fn answered(device: &Device) -> Result<Vec<Value>> {
    until("all that was asked to be answered", async || {
        let changes = changes(device)?;
        let waits = |change: &Value| change["state"] == "waiting-for-server";
        Ok((!changes.iter().any(waits)).then_some(changes))
    })
    .await
}

/// What the server keeps of what was asked of a task, the latest first.
async fn kept(client: &Client, task: i64) -> Result<Vec<Value>> {
    client
        .list(&format!("/tasks/{task}/user-changes"), "")
        .await
}

async fn change(client: &Client, task: i64, change: &TaskChange) -> Result<TaskView> {
    let request = client
        .request(Method::PATCH, &format!("/tasks/{task}"))
        .json(change);
    client.send(request).await?.ok()
}

async fn system() -> Result<(TestSystem, Device)> {
    let system = system_with_clamav().await?;
    let device = Device::start(&system, "pc", DETECTS).await?;
    allow(&system.client, &device, "allow", "allow").await?;
    Ok((system, device))
}

#[tokio::test]
async fn a_user_may_do_nothing_until_a_group_allows_it() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let device = Device::start(&system, "pc", DETECTS).await?;
    let refused = create(&device, "mine", &[]).unwrap_err().to_string();
    ensure!(
        refused.contains("does not allow its users to have tasks of their own"),
        "{refused}"
    );

    allow(client, &device, "allow", "inherit").await?;
    ensure!(create(&device, "mine", &[])?.contains("Asked the server for task \"mine\""));
    let task = known(client, "mine").await?;
    ensure!(
        task.created_by.starts_with("device-user:"),
        "{}",
        task.created_by
    );
    let created = client.event(0, "task.created-on-device").await?;
    ensure!(created.task == Some(task.id) && created.device.is_some());

    // A device whose group says otherwise is told so, and a right that was withdrawn is not enough.
    client.group_create("Lab", None).await?;
    let lab = system
        .muster(&["group", "set", "/Lab", "--user-tasks", "deny"])
        .await?
        .ok()?;
    ensure!(lab.out.contains("may not have local tasks"), "{}", lab.out);
    system
        .muster(&["device", "move", "pc", "/Lab"])
        .await?
        .ok()?;
    until("the device to know it", async || {
        let log = device.agent.ask(&["log"])?;
        Ok(log
            .contains("By the policy of /Lab, local tasks of this device's user are not allowed")
            .then_some(()))
    })
    .await?;
    ensure!(create(&device, "more", &[]).is_err());
    let shown = system.muster(&["group", "show", "/Lab"]).await?.ok()?;
    ensure!(
        shown.out.contains("User starts  denied (inherited)"),
        "{}",
        shown.out
    );
    Ok(())
}

#[tokio::test]
async fn a_task_is_asked_for_while_the_server_is_away_and_started_without_it() -> Result<()> {
    let (mut system, device) = system().await?;
    system.server.kill9()?;
    create(&device, "mine", &[])?;
    let listed = device.agent.ask(&["task", "list"])?;
    ensure!(listed.contains("waiting-for-server"), "{listed}");
    let early = device
        .agent
        .ask(&["task", "start", "mine"])
        .unwrap_err()
        .to_string();
    ensure!(early.contains("waits for the server"), "{early}");
    // What is changed of it meanwhile goes with it.
    device
        .agent
        .ask(&["task", "change", "mine", "--name", "ours"])?;

    system.server.restart(&[]).await?;
    let client = &system.client;
    let task = known(client, "ours").await?;
    assigned(&device, task.id).await?;
    let asked = answered(&device).await?;
    ensure!(
        asked.len() == 2 && asked.iter().all(|one| one["state"] == "accepted"),
        "{asked:?}"
    );

    // The command is there now: the server is not needed.
    system.server.kill9()?;
    device.agent.ask(&["task", "start", "ours"])?;
    until("the scan", async || {
        Ok((device.lines("effects") == 1).then_some(()))
    })
    .await?;
    system.server.restart(&[]).await?;
    let run = until("the run", async || {
        let runs: Vec<RunView> = system
            .client
            .list("/runs", &format!("task={}", task.id))
            .await?;
        Ok(runs.into_iter().next())
    })
    .await?;
    let run = system.client.run_finished(run.id).await?;
    ensure!(
        run.counts == [(DeliveryState::Warning, 1)].into(),
        "{run:?}"
    );
    ensure!(
        run.occurrence
            .as_deref()
            .is_some_and(|name| name.starts_with("user-start/"))
    );
    Ok(())
}

#[tokio::test]
async fn what_the_plug_in_refuses_comes_back_with_its_findings() -> Result<()> {
    let (system, device) = system().await?;
    let wrong = settings(
        &device,
        "wrong",
        &json!({ "area": "paths", "speed": "secret-word" }),
    )?;
    device.agent.ask(&[
        "task",
        "create",
        "wrong",
        "--application",
        CLAMAV,
        "--type",
        "scan",
        "--settings",
        &wrong,
    ])?;
    let asked = answered(&device).await?;
    ensure!(asked[0]["state"] == "refused", "{asked:?}");
    ensure!(
        asked[0]["findings"]
            .as_array()
            .is_some_and(|all| !all.is_empty()),
        "{asked:?}"
    );
    let event = system.client.event(0, "task.user-change-refused").await?;
    ensure!(!event.text.contains("secret-word"), "{}", event.text);
    let tasks: Vec<TaskView> = system.client.list("/tasks", "").await?;
    ensure!(tasks.is_empty());
    // What waits for other devices and tasks is refused before it is told.
    let after = r#"{"when": {"after-task": {"task": 1}}}"#;
    let refused = create(&device, "after", &["--schedule", after])
        .unwrap_err()
        .to_string();
    ensure!(refused.contains("starts by times"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn both_sides_change_one_task_and_the_administrator_wins_where_they_meet() -> Result<()> {
    let (system, mut device) = system().await?;
    let client = &system.client;
    let local = TaskCreate {
        scope: ScopeRequest::Local {
            device: "pc".into(),
        },
        ..scan("both")
    };
    let task = client.task_create(&local).await?;
    assigned(&device, task.id).await?;
    device.agent.stop().await?;

    // The agent does not run: what is asked goes straight into its store.
    let other = json!({ "area": "paths", "paths": ["/users"], "max-file-size": 7 });
    let other = settings(&device, "other", &other)?;
    let said = device.agent.ask(&[
        "task",
        "change",
        "both",
        "--name",
        "ours",
        "--time-limit",
        "60",
        "--settings",
        &other,
    ])?;
    ensure!(said.contains("The agent does not run"), "{said}");
    let theirs = TaskChange {
        settings: Some(json!({ "area": "paths", "paths": ["/theirs"] })),
        time_limit: Some(120),
        ..TaskChange::default()
    };
    change(client, task.id, &theirs).await?;

    device.restart(&[])?;
    let asked = answered(&device).await?;
    ensure!(asked[0]["state"] == "merged", "{asked:?}");
    let now: TaskView = client.get(&format!("/tasks/{}", task.id)).await?;
    ensure!(now.name == "ours" && now.time_limit == 120, "{now:?}");
    ensure!(
        now.settings == json!({ "area": "paths", "paths": ["/theirs"], "max-file-size": 7 }),
        "{:?}",
        now.settings
    );
    // The loser is in the history of both, and told on both sides.
    let places = |lost: &Value| -> Vec<String> {
        let all = lost.as_array().cloned().unwrap_or_default();
        all.iter()
            .map(|one| one["pointer"].as_str().unwrap_or_default().into())
            .collect()
    };
    let wanted = ["/time-limit", "/settings/paths"];
    ensure!(places(&asked[0]["lost"]) == wanted, "{asked:?}");
    let record = kept(client, task.id).await?;
    ensure!(places(&record[0]["lost"]) == wanted, "{record:?}");
    ensure!(
        record[0]["lost"][1]["user"] == json!(["/users"]),
        "{record:?}"
    );
    let event = client.event(0, "task.user-change-lost").await?;
    ensure!(
        event.task == Some(task.id) && event.text.contains("/settings/paths"),
        "{event:?}"
    );
    let history = device.agent.ask(&["task", "history", "ours"])?;
    ensure!(
        history.contains("lost to an administrator: /time-limit (you: 60)"),
        "{history}"
    );
    stands(&device, task.id, "active", "/theirs").await?;
    let shown = system
        .muster(&["task", "user-changes", "ours"])
        .await?
        .ok()?;
    ensure!(shown.out.contains("merged"), "{}", shown.out);
    Ok(())
}

#[tokio::test]
async fn a_schedule_that_the_user_changes_holds_at_once() -> Result<()> {
    let mut timed = Timed::start("2027-03-01T12:00:00Z").await?;
    let mut device = timed.device("pc", DETECTS, "UTC").await?;
    allow(&timed.system.client, &device, "allow", "deny").await?;
    create(
        &device,
        "mine",
        &[
            "--schedule",
            r#"{"when": {"every-days": {"from": "2027-01-01T18:00"}}}"#,
        ],
    )?;
    let task = known(&timed.system.client, "mine").await?;
    assigned(&device, task.id).await?;
    answered(&device).await?;

    timed.system.server.kill9()?;
    let early = r#"{"when": {"every-days": {"from": "2027-01-01T15:00"}}}"#;
    let said = device
        .agent
        .ask(&["task", "change", "mine", "--schedule", early])?;
    ensure!(said.contains("It holds now"), "{said}");
    // Also by a store that is read anew, and by the clock of the test.
    device.agent.stop().await?;
    device.restart(&[timed.clock.environment(), ("TZ", "UTC")])?;
    timed.to("2027-03-01T15:00:00Z")?;
    until("the scan at three", async || {
        Ok((device.lines("effects") == 1).then_some(()))
    })
    .await?;

    timed
        .system
        .server
        .restart(&[timed.clock.environment()])
        .await?;
    let client = &timed.system.client;
    let run = run_of(client, task.id, "2027-03-01T15:00").await?;
    client.run_finished(run.id).await?;
    answered(&device).await?;
    let now: TaskView = client.get(&format!("/tasks/{}", task.id)).await?;
    ensure!(
        now.revision == 2
            && now
                .schedule
                .is_some_and(|one| one.to_string().contains("15:00"))
    );
    // What was six in the evening before is nothing any more.
    timed.to("2027-03-02T15:00:00Z")?;
    let next = run_of(client, task.id, "2027-03-02T15:00").await?;
    client.run_finished(next.id).await?;
    ensure!(device.lines("effects") == 2);
    Ok(())
}

#[tokio::test]
async fn tasks_of_the_user_rest_while_the_policy_does_not_allow_them() -> Result<()> {
    let timed = Timed::start("2027-03-01T12:00:00Z").await?;
    let client = &timed.system.client;
    let device = timed.device("pc", DETECTS, "UTC").await?;
    allow(client, &device, "allow", "deny").await?;
    create(
        &device,
        "mine",
        &[
            "--schedule",
            r#"{"when": {"every-days": {"from": "2027-01-01T18:00"}}}"#,
        ],
    )?;
    let task = known(client, "mine").await?;
    assigned(&device, task.id).await?;

    allow(client, &device, "deny", "deny").await?;
    stands(&device, task.id, "held", "user-tasks-not-allowed").await?;
    let explained = device.agent.ask(&["task", "explain", "mine"])?;
    ensure!(
        explained.contains("allows no local tasks of its user"),
        "{explained}"
    );
    timed.to("2027-03-01T18:00:00Z")?;
    let run = run_of(client, task.id, "2027-03-01T18:00").await?;
    let waits = until("the delivery to say why it waits", async || {
        let deliveries = client.deliveries(run.id).await?;
        let why = Some(Cause::UserTasksNotAllowed);
        Ok(deliveries.into_iter().find(|one| one.cause == why))
    })
    .await?;
    ensure!(waits.state == DeliveryState::Waiting && device.lines("effects") == 0);

    allow(client, &device, "allow", "deny").await?;
    assigned(&device, task.id).await?;
    timed.to("2027-03-02T18:00:00Z")?;
    let run = run_of(client, task.id, "2027-03-02T18:00").await?;
    client.run_finished(run.id).await?;
    ensure!(device.lines("effects") >= 1);
    Ok(())
}

#[tokio::test]
async fn a_user_starts_and_stops_what_an_administrator_made() -> Result<()> {
    let mut system = system_with_clamav().await?;
    let device = Device::start(&system, "pc", WAITS_THEN_DETECTS).await?;
    let client = &system.client;
    let task = client.task_create(&scan("theirs")).await?;
    allow(client, &device, "deny", "allow").await?;
    // A task without a schedule is given to devices only where their users may start it.
    assigned(&device, task.id).await?;
    let refused = device
        .agent
        .ask(&["task", "change", "theirs", "--name", "x"]);
    ensure!(refused.is_err());

    system.server.kill9()?;
    device.agent.ask(&["task", "start", "theirs"])?;
    until("the scan to begin", async || {
        Ok((device.lines("begun") == 1).then_some(()))
    })
    .await?;
    let again = device
        .agent
        .ask(&["task", "start", "theirs"])
        .unwrap_err()
        .to_string();
    ensure!(again.contains("is under way already"), "{again}");
    device.agent.ask(&["task", "stop", "theirs"])?;
    let stopped = until("the scan to be stopped", async || {
        let history = device.agent.ask(&["task", "history", "theirs"])?;
        Ok(history.contains("stopped").then_some(history))
    })
    .await?;
    ensure!(stopped.contains("by the device's user"), "{stopped}");
    system.server.restart(&[]).await?;
    let client = &system.client;
    let run = until("the run", async || {
        let runs: Vec<RunView> = client.list("/runs", &format!("task={}", task.id)).await?;
        Ok(runs.into_iter().next())
    })
    .await?;
    let run = client.run_finished(run.id).await?;
    let delivery = &client.deliveries(run.id).await?[0];
    ensure!(delivery.state == DeliveryState::Cancelled, "{delivery:?}");
    ensure!(delivery.cause == Some(Cause::DeviceUser), "{delivery:?}");

    // What the server ordered is stopped the same way.
    let run = client.task_start(task.id).await?;
    client.delivery_in(run.id, DeliveryState::Running).await?;
    device.agent.ask(&["task", "stop", "theirs"])?;
    client.run_finished(run.id).await?;
    ensure!(client.deliveries(run.id).await?[0].cause == Some(Cause::DeviceUser));

    allow(client, &device, "deny", "deny").await?;
    stands(&device, task.id, "withdrawn", "").await?;
    ensure!(device.agent.ask(&["task", "start", "theirs"]).is_err());
    Ok(())
}

#[tokio::test]
async fn a_task_that_the_user_deletes_is_gone_unless_an_administrator_changed_it() -> Result<()> {
    let (mut system, device) = system().await?;
    for name in ["first", "second"] {
        create(&device, name, &[])?;
    }
    let first = known(&system.client, "first").await?;
    let second = known(&system.client, "second").await?;
    for task in [&first, &second] {
        assigned(&device, task.id).await?;
    }
    answered(&device).await?;
    system.server.stop().await?;
    device.agent.ask(&["task", "delete", "first"])?;
    device.agent.ask(&["task", "delete", "second"])?;
    let listed = device.agent.ask(&["task", "list"])?;
    ensure!(
        !listed.contains("first") && !listed.contains("second"),
        "{listed}"
    );
    // The device cannot tell before the administrator has changed the second.
    let mut device = device;
    device.agent.stop().await?;
    system.server.restart(&[]).await?;
    let client = &system.client;
    let theirs = TaskChange {
        time_limit: Some(77),
        ..TaskChange::default()
    };
    change(client, second.id, &theirs).await?;
    device.restart(&[])?;
    let asked = answered(&device).await?;
    ensure!(
        asked[0]["state"] == "lost" && asked[1]["state"] == "accepted",
        "{asked:?}"
    );
    let event = client.event(0, "task.deleted-on-device").await?;
    ensure!(event.task == Some(first.id));
    let tasks: Vec<TaskView> = client.list("/tasks", "").await?;
    ensure!(tasks.iter().map(|task| task.id).collect::<Vec<_>>() == [second.id]);
    stands(&device, first.id, "withdrawn", "").await?;
    until("the second to be back", async || {
        Ok(device
            .agent
            .ask(&["task", "list"])?
            .contains("second")
            .then_some(()))
    })
    .await?;
    // The other way round: what the administrator deletes, the user has changed in vain.
    device.agent.stop().await?;
    device
        .agent
        .ask(&["task", "change", "second", "--name", "third"])?;
    let request = client.request(Method::DELETE, &format!("/tasks/{}", second.id));
    client.send(request).await?;
    device.restart(&[])?;
    let asked = answered(&device).await?;
    ensure!(asked[0]["state"] == "lost", "{asked:?}");
    let record = kept(client, second.id).await?;
    ensure!(record[0]["lost"][0]["user"] == json!("third"), "{record:?}");
    Ok(())
}
