//! Selections: queries are saved, and mean the devices that fit them at that moment.

use anyhow::{Context as _, Result};
use muster_api::selection::{SelectionMeant, SelectionView};
use muster_api::task::TaskView;
use muster_flows::{CLAMAV, DETECTS, Device, WAITS_THEN_DETECTS, scan, system_with_clamav};
use muster_test_harness::{Client, until};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn meant(client: &Client, query: &str) -> Result<Vec<String>> {
    let body = json!({ "query": query });
    let answer = client.post("/selections/try", &body).await?;
    let meant: SelectionMeant = answer.ok().with_context(|| query.to_owned())?;
    assert_eq!(usize::try_from(meant.count)?, meant.devices.len());
    Ok(meant
        .devices
        .into_iter()
        .map(|device| device.name)
        .collect())
}

#[tokio::test]
async fn a_query_means_the_devices_that_fit_it_now() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let _linked = Device::start(&system, "web-1", DETECTS).await?;
    let _not_linked =
        Device::enroll(&system, "web-2", WAITS_THEN_DETECTS, muster_flows::ALWAYS).await?;

    let both = vec!["web-1".to_owned(), "web-2".to_owned()];
    assert_eq!(meant(client, "name matches WEB-?").await?, both);
    assert_eq!(meant(client, "online").await?, ["web-1"]);
    assert_eq!(meant(client, "last-seen never").await?, ["web-2"]);
    let installed = format!("application {CLAMAV} installed");
    let knows = async || Ok((meant(client, &installed).await? == ["web-1"]).then_some(()));
    until("the server knows of the scanner", knows).await?;

    let _: Value = client
        .post("/groups", &json!({"name": "Servers"}))
        .await?
        .ok()?;
    let to = json!({"group": "/Servers"});
    let moved = client.request(Method::PATCH, "/devices/web-2").json(&to);
    client.send(moved).await?.ok::<Value>()?;
    assert_eq!(meant(client, "group below /Servers").await?, ["web-2"]);
    Ok(())
}

#[tokio::test]
async fn a_query_asks_how_a_task_ended_last() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let _device = Device::start(&system, "web-1", DETECTS).await?;
    let task: TaskView = client.post("/tasks", &scan("scan")).await?.ok()?;
    let known = format!("task {} outcome known", task.id);
    assert_eq!(meant(client, &known).await?, [] as [&str; 0]);
    let start = format!("/tasks/{}/start", task.id);
    client.post(&start, &json!({})).await?.ok::<Value>()?;
    let ended = format!("task {} outcome in (succeeded, warning)", task.id);
    let has_ended = async || Ok((meant(client, &ended).await? == ["web-1"]).then_some(()));
    until("the task has ended on the device", has_ended).await?;
    Ok(())
}

#[tokio::test]
async fn selections_are_kept_changed_and_removed_under_a_name_of_their_own() -> Result<()> {
    let system = muster_test_harness::TestSystem::start().await?;
    let client = &system.client;
    let of = |name: &str, query: &str| json!({"selection": {"name": name, "query": query}});
    let made: SelectionView = client.post("/selections", &of("Old", "all")).await?.ok()?;
    let taken = client.post("/selections", &of("Old", "online")).await?;
    assert_eq!(taken.status, StatusCode::CONFLICT);

    let wrong = client
        .post("/selections", &of("New", "colour = red"))
        .await?;
    let problem = wrong.problem(422)?;
    assert_eq!(problem.code(), "selection-invalid");
    assert_eq!(problem.findings[0].pointer, "/query");

    let at = format!("/selections/{}", made.id);
    let put = client
        .request(Method::PUT, &at)
        .json(&of("Older", "name matches a*"));
    let changed: SelectionView = client.send(put).await?.ok()?;
    assert_eq!(changed.selection["name"], "Older");
    let meant: SelectionMeant = client.get(&format!("{at}/devices")).await?;
    assert_eq!((meant.count, meant.of), (0, 0));
    assert_eq!(
        client.list::<SelectionView>("/selections", "").await?,
        [changed]
    );

    let gone = client.send(client.request(Method::DELETE, &at)).await?;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let again = client.send(client.request(Method::DELETE, &at)).await?;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn administrators_tag_devices_and_ask_for_their_tags_on_the_command_line() -> Result<()> {
    let system = system_with_clamav().await?;
    for name in ["web-1", "web-2"] {
        Device::enroll(&system, name, DETECTS, muster_flows::ALWAYS).await?;
    }
    let said = async |arguments: &[&str]| -> Result<String> {
        Ok(system.muster(arguments).await?.ok()?.out)
    };
    said(&[
        "device", "tag", "web-1", "--add", "pilot", "--add", "PILOT", "--add", "front",
    ])
    .await?;
    said(&["device", "tag", "web-2", "--add", "Front", "--add", "old"]).await?;
    let tags = said(&["device", "tag", "web-2", "--remove", "OLD"]).await?;
    assert_eq!(tags.trim(), "Front");
    assert_eq!(
        said(&["device", "tag", "web-1"]).await?.trim(),
        "front, pilot"
    );

    said(&[
        "selection",
        "create",
        "Pilots",
        "tag = pilot and tag = FRONT",
    ])
    .await?;
    let shown = said(&["selection", "show", "Pilots"]).await?;
    assert!(
        shown.contains("web-1") && !shown.contains("web-2"),
        "{shown}"
    );
    assert!(shown.contains("1 of 2 devices."), "{shown}");
    said(&["selection", "set", "Pilots", "--query", "tag = front"]).await?;
    assert!(said(&["selection", "list"]).await?.contains("tag = front"));
    let tried = said(&["selection", "try", "tag = front and not tag = pilot"]).await?;
    assert!(
        tried.contains("web-2") && tried.contains("1 of 2 devices."),
        "{tried}"
    );
    said(&["selection", "remove", "Pilots", "--yes"]).await?;
    assert!(
        said(&["selection", "list"])
            .await?
            .contains("No selections")
    );

    let wrong = system
        .muster(&["device", "tag", "web-1", "--add", " x"])
        .await?;
    assert!(wrong.ok().is_err());
    Ok(())
}
