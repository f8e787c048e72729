//! What happens starts tasks: an outbreak, new updates, and what other systems tell.

use anyhow::Result;
use muster_api::event::EventView;
use muster_api::run::RunView;
use muster_domain::event::Severity;
use muster_flows::{CLAMAV, DETECTS, Timed, runs, scan, scheduled};
use muster_test_harness::{Client, until};
use serde_json::{Value, json};

const NOON: &str = "2027-03-01T12:00:00Z";

/// Waits until a task has so many runs, and gives the newest.
async fn started(client: &Client, task: i64, times: usize) -> Result<RunView> {
    until(
        &format!("task {task} to be started, time {times}"),
        async || {
            let runs: Vec<RunView> = client.list("/runs", &format!("task={task}")).await?;
            let newest = runs.iter().max_by_key(|run| run.id).cloned();
            Ok(newest.filter(|_| runs.len() == times))
        },
    )
    .await
}

#[tokio::test]
async fn an_outbreak_of_malware_starts_its_tasks() -> Result<()> {
    let thresholds = [
        ("MUSTER_SERVER_OUTBREAK_FILES_DETECTIONS", "3"),
        ("MUSTER_SERVER_OUTBREAK_FILES_DEVICES", "2"),
        ("MUSTER_SERVER_OUTBREAK_FILES_WITHIN", "10"),
        ("MUSTER_SERVER_OUTBREAK_PAUSE", "60"),
    ];
    let timed = Timed::start_with(NOON, &thresholds).await?;
    let client = &timed.system.client;
    let one = timed.device("one", DETECTS, "UTC").await?;
    let other = timed.device("other", DETECTS, "UTC").await?;
    let on = |sources: Value| json!({"when": {"outbreak": {"sources": sources}}});
    let files = scheduled("files", on(json!(["files", "perimeter"])));
    let files = client.task_create(&files).await?;
    let mail = scheduled("mail", on(json!(["mail"])));
    let mail = client.task_create(&mail).await?;
    // Each scan finds one threat. Two on two devices are too few, and have passed when the others come.
    let all = client.task_create(&scan("all")).await?;
    let first = client.task_start(all.id).await?;
    client.run_finished(first.id).await?;
    timed.to("2027-03-01T12:11:00Z")?;
    let second = client.task_start(all.id).await?;
    client.run_finished(second.id).await?;
    assert!(client.events(0, "kind=outbreak.began").await?.is_empty());
    assert!(runs(client, files.id).await?.is_empty());

    let third = client.task_start(all.id).await?;
    client.run_finished(third.id).await?;
    let told = client.event(0, "outbreak.began").await?;
    assert_eq!(told.severity, Severity::Critical);
    assert_eq!(told.fields["source"], json!("files"));
    assert_eq!(told.fields["devices"], json!(2));
    let run = started(client, files.id, 1).await?;
    assert_eq!(run.occurrence, Some(format!("event/{}", told.id)));
    assert_eq!(client.run_finished(run.id).await?.total, 2);
    assert!(runs(client, mail.id).await?.is_empty());
    assert_eq!((one.lines("effects"), other.lines("effects")), (4, 4));

    // What goes on is no other outbreak, until the pause is over.
    timed.to("2027-03-01T13:30:00Z")?;
    for _ in 0..2 {
        let run = client.task_start(all.id).await?;
        client.run_finished(run.id).await?;
    }
    let again = client.event(told.id, "outbreak.began").await?;
    assert!(again.at > "2027-03-01T13:20:00Z".parse()?);
    started(client, files.id, 2).await?;
    Ok(())
}

#[tokio::test]
async fn new_updates_in_the_repository_start_the_tasks_of_their_application() -> Result<()> {
    let timed = Timed::start(NOON).await?;
    let client = &timed.system.client;
    let device = timed.device("pc", DETECTS, "UTC").await?;
    let updated = scheduled("updated", json!({"when": "repository-updated"}));
    let updated = client.task_create(&updated).await?;
    let post = async |arguments: &[&str]| {
        let text = "The mirror has new signatures.";
        let all = [&["events", "post", "repository.updated", text], arguments].concat();
        anyhow::Ok(timed.system.muster(&all).await?.ok()?.out)
    };
    // What is new for another application is no matter of this one's task.
    post(&["--application", "net.aide.aide"]).await?;
    post(&["--application", CLAMAV]).await?;
    let run = started(client, updated.id, 1).await?;
    client.run_finished(run.id).await?;
    let said = post(&[]).await?;
    assert!(said.contains("was written"), "{said}");
    let run = started(client, updated.id, 2).await?;
    client.run_finished(run.id).await?;
    assert_eq!(device.lines("effects"), 2);
    Ok(())
}

#[tokio::test]
async fn what_another_system_tells_starts_a_task_and_is_never_taken_for_the_servers_word()
-> Result<()> {
    let timed = Timed::start(NOON).await?;
    let client = &timed.system.client;
    let _device = timed.device("pc", DETECTS, "UTC").await?;
    let kind = "external.backup.done";
    let on = json!({"when": {"event": {"kind": kind, "throttle": {"events": 2}}}});
    let task = client.task_create(&scheduled("after two", on)).await?;
    let told = json!({"kind": kind, "text": "The backup is done.", "device": "pc",
        "severity": "warning", "fields": {"bytes": 7}});
    let first: EventView = client.post("/events", &told).await?.ok()?;
    assert_eq!(
        (first.severity, &first.fields),
        (Severity::Warning, &json!({"bytes": 7}))
    );
    assert_eq!(first.device, Some(client.device("pc").await?.id));
    assert!(first.actor.starts_with("administrator:"), "{}", first.actor);
    assert!(runs(client, task.id).await?.is_empty());
    let second: EventView = client.post("/events", &told).await?.ok()?;
    let run = started(client, task.id, 1).await?;
    assert_eq!(run.occurrence, Some(format!("event/{}", second.id)));
    client.run_finished(run.id).await?;

    for (wrong, code) in [
        (
            json!({"kind": "outbreak.began", "text": "No."}),
            "event-kind",
        ),
        (json!({"kind": "external.a", "text": ""}), "event-text"),
        (
            json!({"kind": "external.a", "text": "a", "fields": 7}),
            "event-fields",
        ),
    ] {
        let answer = client.post("/events", &wrong).await?;
        assert_eq!(answer.problem(422)?.code(), code);
    }
    Ok(())
}
