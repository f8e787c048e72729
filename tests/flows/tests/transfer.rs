//! Tasks as files: exported from one server, planned and imported on another; and where each revision
//! came from.

#![allow(
    clippy::indexing_slicing,
    reason = "a test ends where what it stands on fails"
)]

use anyhow::{Context as _, Result, ensure};
use muster_api::objects::{ObjectPlanView, ObjectsPlanView};
use muster_api::task::{TaskRevisionView, TaskView};
use muster_flows::{
    ALWAYS, CLAMAV, CRASH_AT, DETECTS, Device, import, import_done, import_plan, scan,
    system_with_clamav, task,
};
use muster_test_harness::{Client, TestSystem};
use reqwest::Method;
use serde_json::{Value, json};

/// A server with groups, two devices, and tasks that name all of them and each other.
async fn server(tasks: bool) -> Result<(TestSystem, [Device; 2])> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    client.group_create("Office", None).await?;
    client.group_create("Berlin", Some("/Office")).await?;
    client.group_create("Lab", None).await?;
    let devices = [
        Device::enroll(&system, "pc-1", DETECTS, ALWAYS).await?,
        Device::enroll(&system, "pc-2", DETECTS, ALWAYS).await?,
    ];
    if tasks {
        make_tasks(client).await?;
    }
    Ok((system, devices))
}

async fn make_tasks(client: &Client) -> Result<()> {
    let settings = json!({ "area": "paths", "paths": ["/srv", "/häuser"] });
    let mut all = Vec::new();
    for (name, scope) in [
        (
            "first",
            json!({ "kind": "group", "group": "/Office", "subgroups": true, "excluded": ["/Office/Berlin"] }),
        ),
        ("second", json!({ "kind": "local", "device": "pc-1" })),
        (
            "third",
            json!({ "kind": "global", "devices": ["pc-1", "pc-2"] }),
        ),
        // Names need not be unique.
        ("third", json!({ "kind": "group", "group": "/Lab" })),
    ] {
        let mut task = task(name, CLAMAV, "scan", settings.clone());
        task.scope = serde_json::from_value(scope)?;
        task.time_limit = Some(600);
        all.push(client.task_create(&task).await?.id);
    }
    // The first one starts after the last: whoever reads in order finds it later.
    for (task, schedule) in [
        (
            all[0],
            json!({ "when": { "after-task": { "task": all[3], "outcomes": ["failed"] } } }),
        ),
        (
            all[1],
            json!({ "when": { "weekly": { "days": ["friday"], "at": "18:00" } }, "zone": "Europe/Berlin" }),
        ),
        (
            all[2],
            json!({ "when": { "joined": { "group": group(client, "/Office").await? } } }),
        ),
    ] {
        let request = client.request(Method::PATCH, &format!("/tasks/{task}"));
        let _: TaskView = client
            .send(request.json(&json!({ "schedule": schedule })))
            .await?
            .ok()?;
    }
    Ok(())
}

async fn group(client: &Client, path: &str) -> Result<i64> {
    let all: Vec<Value> = client.list("/groups", "").await?;
    let found = all.iter().find(|group| group["path"] == path);
    found
        .and_then(|group| group["id"].as_i64())
        .context("no such group")
}

async fn tasks(client: &Client) -> Result<Vec<TaskView>> {
    client.list("/tasks", "").await
}

fn actions(plan: &ObjectsPlanView) -> Vec<&str> {
    plan.items.iter().map(|item| item.action.as_str()).collect()
}

fn codes(item: &ObjectPlanView) -> Vec<(&str, &str)> {
    item.findings
        .iter()
        .map(|finding| (finding.pointer.as_str(), finding.code.as_str()))
        .collect()
}

#[tokio::test]
async fn several_tasks_come_to_another_server_and_back_byte_for_byte() -> Result<()> {
    let (from, _devices) = server(true).await?;
    let (to, _others) = server(false).await?;
    // Numbers differ between servers.
    for name in ["x", "y"] {
        let made = to.client.task_create(&scan(name)).await?;
        let gone = to
            .client
            .request(Method::DELETE, &format!("/tasks/{}", made.id));
        to.client.send(gone).await?;
    }
    from.muster(&["task", "export", "--all", "--file", "all.json"])
        .await?
        .ok()?;
    let path = from.folder().join("all.json");
    let written = std::fs::read_to_string(&path)?;
    let file: Value = serde_json::from_str(&written)?;
    let schema = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/objects.schema.json"
    ))?;
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema)?)?;
    let errors: Vec<String> = schema
        .iter_errors(&file)
        .map(|error| error.to_string())
        .collect();
    ensure!(errors.is_empty(), "{errors:?}");
    ensure!(!schema.is_valid(&json!({ "format": "muster-objects", "version": 1, "more": 1 })));
    assert_eq!(
        file["tasks"][0]["schedule"]["when"]["after-task"]["task"],
        json!({ "name": "third", "id": 4 })
    );
    assert_eq!(
        file["tasks"][2]["schedule"]["when"]["joined"]["group"],
        "/Office"
    );
    assert_eq!(file["plugins"][0]["application"], CLAMAV);

    let path = path.to_string_lossy().into_owned();
    let planned = to
        .muster(&["task", "import", &path, "--plan"])
        .await?
        .ok()?;
    ensure!(planned.out.contains("create    task first"), "{planned:?}");
    ensure!(tasks(&to.client).await?.is_empty());
    let done = to
        .muster(&["task", "import", &path, "--yes", "--comment", "moved here"])
        .await?
        .ok()?;
    ensure!(done.out.contains("Done: 4 created."), "{done:?}");
    to.muster(&["task", "export", "--all", "--file", "all.json"])
        .await?
        .ok()?;
    let again = std::fs::read_to_string(to.folder().join("all.json"))?;
    assert_eq!(again, written);

    // They work there: one names the other by its number there.
    let made = tasks(&to.client).await?;
    let after = made[0]
        .schedule
        .as_ref()
        .map(|schedule| schedule["when"]["after-task"]["task"].clone());
    assert_eq!(after, Some(json!(made[3].id)));
    assert_eq!(made[0].origin.way.as_deref(), Some("import"));
    assert_eq!(made[0].origin.comment.as_deref(), Some("moved here"));
    Ok(())
}

#[tokio::test]
async fn names_that_are_taken_are_refused_renamed_skipped_or_replaced() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let here = client.task_create(&scan("scan")).await?;
    let mut file: Value = client.get(&format!("/tasks/{}/export", here.id)).await?;
    file["tasks"][0]["settings"] = json!({ "area": "paths", "paths": ["/other"] });

    let plan = import_plan(client, &file, json!({})).await?;
    ensure!(!plan.possible);
    assert_eq!(codes(&plan.items[0]), [("/name", "name-taken")]);
    let refused = import(client, &file, json!({}), Some(&plan.id)).await?;
    assert_eq!(refused.problem(409)?.code(), "plan-refused");
    assert_eq!(client.events(0, "kind=objects.refused").await?.len(), 1);

    let skipped = import_done(client, &file, json!({ "names": "skip" })).await?;
    assert_eq!((actions(&skipped), skipped.changes), (vec!["skip"], 0));
    assert_eq!(tasks(client).await?.len(), 1);

    let renamed = import_done(client, &file, json!({ "names": "rename" })).await?;
    assert_eq!(renamed.items[0].name, "scan (2)");
    let by_name = import_done(client, &file, json!({ "rename": { "scan": "other" } })).await?;
    assert_eq!(by_name.items[0].name, "other");

    let plan = import_plan(client, &file, json!({ "names": "replace" })).await?;
    assert_eq!(actions(&plan), ["change"]);
    let change = &plan.items[0].changes[0];
    assert_eq!(
        (change.pointer.as_str(), &change.after),
        ("/settings/paths/0", &Some(json!("/other")))
    );
    import_done(client, &file, json!({ "names": "replace" })).await?;
    let now: TaskView = client.get(&format!("/tasks/{}", here.id)).await?;
    assert_eq!(
        (now.revision, now.settings["paths"][0].as_str()),
        (2, Some("/other"))
    );
    // A second time there is nothing to do.
    let again = import_done(client, &file, json!({ "names": "replace" })).await?;
    assert_eq!((actions(&again), again.changes), (vec!["unchanged"], 0));
    let all = tasks(client).await?;
    let there: Vec<&str> = all.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(there, ["scan", "scan (2)", "other"]);
    Ok(())
}

#[tokio::test]
async fn what_is_unknown_here_is_told_with_its_place_and_can_be_mapped() -> Result<()> {
    let (from, _devices) = server(true).await?;
    let to = system_with_clamav().await?;
    let client = &to.client;
    client.group_create("Branch", None).await?;
    client.group_create("Berlin", Some("/Branch")).await?;
    let _device = Device::enroll(&to, "desk-1", DETECTS, ALWAYS).await?;
    let _other = Device::enroll(&to, "pc-2", DETECTS, ALWAYS).await?;
    // The first one starts after a task that is not in the file, though another one of its name is.
    let file: Value = from.client.get("/tasks/export?tasks=1,2,3").await?;

    let plan = import_plan(client, &file, json!({})).await?;
    ensure!(!plan.possible);
    assert_eq!(
        codes(&plan.items[0]),
        [
            ("/schedule/when/after-task/task", "task-unknown"),
            ("/scope/group", "group-unknown"),
            ("/scope/excluded/0", "group-unknown"),
        ]
    );
    assert_eq!(codes(&plan.items[1]), [("/scope/device", "device-unknown")]);
    assert_eq!(
        codes(&plan.items[2]),
        [
            ("/scope/devices/0", "device-unknown"),
            ("/schedule/when/joined/group", "group-unknown")
        ]
    );

    // What stands for what. A group stands for those below it, and a task here is named by its number.
    let cleanup = client.task_create(&scan("cleanup")).await?;
    let mapping = json!({
        "groups": { "/Office": "/Branch" },
        "devices": { "pc-1": "desk-1" },
        "tasks": { "third": cleanup.id.to_string() },
    });
    let done = import_done(client, &file, mapping).await?;
    ensure!(done.done && done.changes == 3, "{done:?}");
    let made = tasks(client).await?;
    let after = made[1]
        .schedule
        .as_ref()
        .map(|schedule| schedule["when"]["after-task"]["task"].clone());
    assert_eq!(after, Some(json!(cleanup.id)));
    let back: Value = client.get("/tasks/export?tasks=2,3,4").await?;
    assert_eq!(back["tasks"][0]["scope"]["group"], "/Branch");
    assert_eq!(
        back["tasks"][0]["scope"]["excluded"],
        json!(["/Branch/Berlin"])
    );
    assert_eq!(back["tasks"][1]["scope"]["device"], "desk-1");
    assert_eq!(
        back["tasks"][2]["scope"]["devices"],
        json!(["desk-1", "pc-2"])
    );
    Ok(())
}

#[tokio::test]
async fn a_plug_in_that_is_absent_is_told_before_anything_is_done() -> Result<()> {
    let system = system_with_clamav().await?;
    let task = system.client.task_create(&scan("scan")).await?;
    let file: Value = system
        .client
        .get(&format!("/tasks/{}/export", task.id))
        .await?;
    let other = TestSystem::start().await?;
    let plan = import_plan(&other.client, &file, json!({})).await?;
    ensure!(!plan.possible);
    assert_eq!(plan.plugins[0].stand, "absent");
    assert_eq!(
        codes(&plan.items[0]),
        [("/application", "application-without-plugin")]
    );
    let text = &plan.items[0].findings[0].text;
    ensure!(text.contains("muster plugin install"), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_plan_that_was_made_on_another_state_is_refused() -> Result<()> {
    let (system, _devices) = server(true).await?;
    let client = &system.client;
    let file: Value = client.get("/tasks/export?group=/Office").await?;
    assert_eq!(file["tasks"].as_array().map(Vec::len), Some(1));
    let mapping = json!({ "names": "replace" });
    let plan = import_plan(client, &file, mapping.clone()).await?;
    // It is the same one as long as nothing changes.
    assert_eq!(
        import_plan(client, &file, mapping.clone()).await?.id,
        plan.id
    );
    let rename = json!({ "parent": "/Lab" });
    let request = client
        .request(Method::PATCH, "/groups/%2FOffice%2FBerlin")
        .json(&rename);
    let _: Value = client.send(request).await?.ok()?;
    let answer = import(client, &file, mapping.clone(), Some(&plan.id)).await?;
    assert_eq!(answer.problem(409)?.code(), "plan-outdated");
    // A plan for one mapping is none for another.
    let answer = import(client, &file, json!({ "names": "skip" }), Some(&plan.id)).await?;
    assert_eq!(answer.problem(409)?.code(), "plan-outdated");
    assert_eq!(client.events(0, "kind=objects.imported").await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn an_import_that_is_killed_leaves_nothing_and_can_be_made_again() -> Result<()> {
    let (from, _devices) = server(true).await?;
    let (mut to, _others) = server(false).await?;
    let file: Value = from.client.get("/tasks/export").await?;
    for place in ["objects.task-written:2", "objects.before-commit"] {
        to.server.restart(&[(CRASH_AT, place)]).await?;
        let plan = import_plan(&to.client, &file, json!({})).await?;
        let broken = import(&to.client, &file, json!({}), Some(&plan.id)).await;
        ensure!(broken.is_err(), "{place}: {broken:?}");
        to.server.ended().await?;
        to.server.restart(&[]).await?;
        ensure!(tasks(&to.client).await?.is_empty(), "{place}");
        ensure!(
            to.client.events(0, "kind=task.created").await?.is_empty(),
            "{place}"
        );
    }
    import_done(&to.client, &file, json!({})).await?;
    assert_eq!(tasks(&to.client).await?.len(), 4);
    Ok(())
}

#[tokio::test]
async fn hostile_files_are_refused_with_place_and_remedy() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let made = client.task_create(&scan("scan")).await?;
    let good: Value = client.get(&format!("/tasks/{}/export", made.id)).await?;
    let text = good.to_string();
    let send = async |file: &str| {
        let request = client.request(Method::POST, "/tasks/import");
        let request = request.header("content-type", "application/json");
        client
            .send(request.body(format!(r#"{{"file": {file}}}"#)))
            .await
    };
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    for (file, status, code, part) in [
        (
            text.replace("\"version\":1", "\"version\":9"),
            422,
            "file-version",
            "has version 9",
        ),
        (
            text.replace("muster-objects", "muster-thing"),
            422,
            "file-format",
            "muster task export",
        ),
        (
            text.replace("\"area\":", "\"area\":1,\"area\":"),
            422,
            "request-invalid",
            "file.tasks[0].settings is there twice",
        ),
        (
            text.replace("\"task_type\"", "\"task_tipe\""),
            422,
            "request-invalid",
            "file.tasks[0].task_tipe",
        ),
        (
            text.replace("\"scan\"", &deep),
            400,
            "json-too-deep",
            "127 levels",
        ),
        (
            text.replace("\"scan\"", "scan"),
            400,
            "json-invalid",
            "column",
        ),
        (
            text.replace(CLAMAV, "no application"),
            422,
            "value-invalid",
            "/plugins/0/application",
        ),
    ] {
        let problem = send(&file).await?.problem(status)?;
        ensure!(
            problem.code() == code && problem.detail.contains(part),
            "{file}\n{problem:?}"
        );
    }
    // A body beyond the limit.
    let small = TestSystem::start_with(&[("MUSTER_SERVER_HTTP_IMPORT_SIZE", "1")]).await?;
    let request = small.client.request(Method::POST, "/tasks/import");
    let request = request.header("content-type", "application/json");
    let answer = small.client.send(request.body(" ".repeat(1 << 21))).await?;
    let problem = answer.problem(413)?;
    ensure!(problem.detail.contains("http.import-size"), "{problem:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_in_a_task_of_a_file_stands_in_the_plan_with_its_place() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let made = client.task_create(&scan("scan")).await?;
    let good: Value = client.get(&format!("/tasks/{}/export", made.id)).await?;
    for (change, place, code) in [
        (json!({ "name": "a:b" }), "/name", "name-invalid"),
        (
            json!({ "time_limit": 0 }),
            "/time_limit",
            "time-limit-invalid",
        ),
        (
            json!({ "task_type": "swim" }),
            "/task_type",
            "unknown-task-type",
        ),
        (
            json!({ "schedule": { "when": { "after-task": { "task": 7 } } } }),
            "/schedule/when/after-task/task",
            "reference-form",
        ),
        (
            json!({ "schedule": { "when": { "after-task": { "task": "scam" } } } }),
            "/schedule/when/after-task/task",
            "task-unknown",
        ),
        (
            json!({ "name": "scam", "schedule": { "when": { "after-task": { "task": "scam" } } } }),
            "/schedule/when/after-task/task",
            "schedule-circle",
        ),
        (
            json!({ "schedule": { "when": { "weekly": { "days": [], "at": "25:00" } } } }),
            "/schedule/when/weekly/at",
            "schedule-form",
        ),
        (
            json!({ "scope": { "kind": "global", "devices": [] } }),
            "/scope/devices",
            "scope-empty",
        ),
        (
            json!({ "settings": { "area": "moon" } }),
            "/settings/area",
            "schema-enum",
        ),
    ] {
        let mut file = good.clone();
        file["tasks"][0]["name"] = json!("other");
        for (key, value) in change.as_object().context("an object")? {
            file["tasks"][0][key] = value.clone();
        }
        let plan = import_plan(client, &file, json!({})).await?;
        ensure!(!plan.possible);
        ensure!(
            codes(&plan.items[0]).contains(&(place, code)),
            "{change}: {:?}",
            codes(&plan.items[0])
        );
    }
    Ok(())
}

#[tokio::test]
async fn each_revision_says_who_made_it_when_from_where_and_why() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let created = client.task_create(&scan("scan")).await?;
    assert_eq!(created.origin.way.as_deref(), Some("create"));
    let set = [
        "task",
        "set",
        "scan",
        "--set",
        "paths=[\"/a\"]",
        "--comment",
        "INC-7: /b fills up",
    ];
    system.muster(&set).await?.ok()?;
    let back = [
        "task",
        "rollback",
        "scan",
        "1",
        "--comment",
        "it did not help",
    ];
    system.muster(&back).await?.ok()?;
    let revisions: Vec<TaskRevisionView> = client.list("/tasks/1/revisions", "").await?;
    let ways: Vec<&str> = revisions
        .iter()
        .filter_map(|one| one.origin.way.as_deref())
        .collect();
    assert_eq!(ways, ["roll-back", "change", "create"]);
    for revision in &revisions {
        assert_eq!(revision.origin.address.as_deref(), Some("127.0.0.1"));
        assert_eq!(revision.created_by, "administrator:admin");
    }
    let program = revisions[1].origin.program.as_deref().unwrap_or_default();
    ensure!(program.starts_with("muster/"), "{program}");
    assert_eq!(revisions[2].origin.program, None);
    assert_eq!(
        revisions[0].origin.comment.as_deref(),
        Some("it did not help")
    );
    let shown = system.muster(&["task", "revisions", "scan"]).await?.ok()?;
    ensure!(
        shown.out.contains("INC-7: /b fills up") && shown.out.contains("from 127.0.0.1"),
        "{shown:?}"
    );
    let copy: TaskView = client
        .post("/tasks/1/copy?comment=for%20the%20lab", &json!({}))
        .await?
        .ok()?;
    assert_eq!(copy.origin.way.as_deref(), Some("copy"));
    assert_eq!(copy.origin.comment.as_deref(), Some("for the lab"));
    // A comment is one line, and of some length.
    let long = format!("/tasks/1/copy?comment={}", "x".repeat(501));
    for path in [
        "/tasks/1/copy?comment=",
        "/tasks/1/copy?comment=a%0Ab",
        &long,
    ] {
        let problem = client.post(path, &json!({})).await?.problem(422)?;
        assert_eq!(problem.code(), "comment-invalid");
    }
    Ok(())
}

#[tokio::test]
async fn a_list_of_devices_has_at_most_a_thousand() -> Result<()> {
    let system = system_with_clamav().await?;
    let devices: Vec<String> = (0..1001).map(|number| format!("pc-{number}")).collect();
    let file = json!({ "format": "muster-objects", "version": 1, "tasks": [{
        "name": "many", "application": CLAMAV, "task_type": "scan",
        "scope": { "kind": "global", "devices": devices },
        "settings": { "area": "paths", "paths": ["/srv"] },
    }]});
    let plan = import_plan(&system.client, &file, json!({})).await?;
    let found = codes(&plan.items[0]);
    ensure!(found.contains(&("/scope/devices", "scope-too-large")));
    Ok(())
}

/// The schedules that a page shows.
fn schedules(page: &str) -> Vec<Value> {
    let blocks = page.split("```json\n").skip(1);
    let texts = blocks.filter_map(|block| block.split_once("```").map(|(text, _)| text));
    let values = texts.filter_map(|text| serde_json::from_str::<Value>(text).ok());
    values.filter(|value| value.get("when").is_some()).collect()
}

#[tokio::test]
async fn every_schedule_of_the_guide_comes_to_another_server_as_it_was() -> Result<()> {
    let from = system_with_clamav().await?;
    let client = &from.client;
    let first = client.task_create(&scan("first")).await?;
    let query = json!({ "selection": { "name": "all of them", "query": "task 1 outcome = failed or online" } });
    let _: Value = client.post("/selections", &query).await?.ok()?;
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schedules.md");
    let all = schedules(&std::fs::read_to_string(page)?);
    ensure!(all.len() > 15, "the page has {} schedules", all.len());
    for (number, mut schedule) in all.into_iter().enumerate() {
        for (place, here) in [
            ("/when/after-task/task", first.id),
            ("/when/joined/group", 1),
            ("/when/joined/selection", 1),
        ] {
            if let Some(named) = schedule.pointer_mut(place) {
                *named = json!(here);
            }
        }
        let mut task = scan(&format!("schedule {number}"));
        task.schedule = Some(schedule);
        client.task_create(&task).await?;
    }
    from.muster(&["export", "--file", "all.json"]).await?.ok()?;
    let path = from.folder().join("all.json");
    let written = std::fs::read_to_string(&path)?;
    let to = system_with_clamav().await?;
    to.muster(&["apply", "--file", &path.to_string_lossy(), "--yes"])
        .await?
        .ok()?;
    to.muster(&["export", "--file", "all.json"]).await?.ok()?;
    let again = std::fs::read_to_string(to.folder().join("all.json"))?;
    assert_eq!(again, written);
    Ok(())
}
