//! The server as files say: planned, applied, applied again, drifted, and pruned.

use anyhow::{Context as _, Result, ensure};
use muster_api::objects::ObjectsPlanView;
use muster_api::selection::SelectionView;
use muster_api::task::{TaskRevisionView, TaskView};
use muster_api::window::WindowView;
use muster_flows::{ALWAYS, CLAMAV, CRASH_AT, DETECTS, Device, system_with_clamav};
use muster_test_harness::{Answer, Client};
use reqwest::Method;
use serde_json::{Value, json};

/// Files that name each other's objects in every way there is.
fn office() -> Value {
    json!({
        "format": "muster-objects",
        "version": 1,
        // Below before above: order is no matter.
        "groups": [{ "path": "/Office/Berlin" }, { "path": "/Office" }],
        "windows": [
            {
                "name": "night", "group": "/Office/Berlin", "kind": "maintenance", "minutes": 360,
                "opens": { "every-days": { "from": "2020-01-01T22:00" } }, "zone": "Europe/Berlin",
            },
            {
                "name": "noon", "selection": "missed", "kind": "blackout", "minutes": 60,
                "opens": { "every-days": { "from": "2020-01-01T12:00" } },
            },
        ],
        "selections": [{
            "name": "missed", "query": "group below /Office and task 1 outcome = missed",
            "tasks": { "1": "second" },
        }],
        "tasks": [
            {
                "name": "first", "application": CLAMAV, "task_type": "scan",
                "scope": { "kind": "group", "group": "/Office", "excluded": ["/Office/Berlin"], "only": "workstation" },
                "schedule": { "when": { "after-task": { "task": "second" } } },
                "rollout": { "waves": [
                    { "devices": { "groups": { "groups": ["/Office/Berlin"] } }, "next": { "approval": true } },
                ] },
                "settings": { "area": "paths", "paths": ["/srv"] },
            },
            {
                "name": "second", "application": CLAMAV, "task_type": "scan",
                "scope": { "kind": "group", "group": "/" },
                "schedule": { "when": { "joined": { "group": "/Office/Berlin" } } },
                "settings": { "area": "paths", "paths": ["/home"] },
            },
            {
                "name": "third", "application": CLAMAV, "task_type": "scan",
                "scope": { "kind": "selection", "selection": "missed", "membership": "following" },
                "schedule": { "when": { "joined": { "selection": "missed" } } },
                "settings": { "area": "paths", "paths": ["/home"] },
            },
        ],
    })
}

async fn ask(client: &Client, files: &[Value], more: Value) -> Result<Answer> {
    let files: Vec<Value> = files
        .iter()
        .enumerate()
        .map(|(number, content)| json!({ "name": format!("{number}.json"), "content": content }))
        .collect();
    let mut body = json!({ "files": files });
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    client.post("/objects", &body).await
}

async fn plan(client: &Client, files: &[Value], more: Value) -> Result<ObjectsPlanView> {
    ask(client, files, more).await?.ok()
}

async fn apply(client: &Client, files: &[Value], more: Value) -> Result<ObjectsPlanView> {
    let plan = plan(client, files, more.clone()).await?;
    let mut more = more;
    let fields = more.as_object_mut().context("no object")?;
    fields.insert("plan".into(), json!(plan.id));
    ask(client, files, more).await?.ok()
}

fn told(plan: &ObjectsPlanView) -> Vec<String> {
    let one = |item: &'_ muster_api::objects::ObjectPlanView| {
        format!("{} {} {}", item.action, item.kind, item.name)
    };
    plan.items.iter().map(one).collect()
}

/// Everything that is there, as an export writes it.
async fn all(client: &Client) -> Result<Value> {
    client.get("/objects").await
}

#[tokio::test]
async fn what_files_say_is_made_in_order_and_a_second_time_nothing_is_done() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    std::fs::create_dir(system.folder().join("office"))?;
    let file = system.folder().join("office/all.json");
    std::fs::write(&file, office().to_string())?;

    let planned = system
        .muster(&["apply", "--file", "office", "--plan"])
        .await?;
    assert_eq!(planned.status, 6, "{planned:?}");
    ensure!(
        planned.out.contains("create    group /Office/Berlin"),
        "{planned:?}"
    );
    ensure!(client.list::<TaskView>("/tasks", "").await?.is_empty());
    let done = system
        .muster(&[
            "apply",
            "--file",
            "office",
            "--yes",
            "--comment",
            "from the repository",
        ])
        .await?
        .ok()?;
    ensure!(done.out.contains("Done: 8 created."), "{done:?}");

    let tasks: Vec<TaskView> = client.list("/tasks", "").await?;
    let names: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(names, ["first", "second", "third"]);
    assert_eq!(tasks[0].origin.way.as_deref(), Some("apply"));
    assert_eq!(
        tasks[0].origin.comment.as_deref(),
        Some("from the repository")
    );
    let after = tasks[0]
        .schedule
        .as_ref()
        .map(|schedule| schedule["when"]["after-task"]["task"].clone());
    assert_eq!(after, Some(json!(tasks[1].id)));
    let selections: Vec<SelectionView> = client.list("/selections", "").await?;
    let query = format!(
        "group below /Office and task {} outcome = missed",
        tasks[1].id
    );
    assert_eq!(selections[0].selection["query"], query);
    let windows: Vec<WindowView> = client.list("/windows", "").await?;
    assert_eq!(windows[0].of, "/Office/Berlin");
    assert_eq!(windows[1].of, "missed");

    let before = client.events(0, "").await?.len();
    let planned = system
        .muster(&["apply", "--file", "office", "--plan"])
        .await?
        .ok()?;
    ensure!(
        planned.out.contains("8 objects as wanted already."),
        "{planned:?}"
    );
    let again = system
        .muster(&["apply", "--file", "office", "--yes"])
        .await?
        .ok()?;
    ensure!(again.out.contains("Nothing to do."), "{again:?}");
    apply(client, &[office()], json!({})).await?;
    assert_eq!(client.events(0, "").await?.len(), before);
    let revisions: Vec<TaskRevisionView> = client.list("/tasks/1/revisions", "").await?;
    assert_eq!(revisions.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_export_of_everything_makes_another_server_the_same() -> Result<()> {
    let from = system_with_clamav().await?;
    apply(&from.client, &[office()], json!({})).await?;
    from.muster(&["export", "--file", "all.json"]).await?.ok()?;
    let path = from.folder().join("all.json");
    let written = std::fs::read_to_string(&path)?;
    let schema = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/objects.schema.json"
    ))?;
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema)?)?;
    let errors: Vec<String> = schema
        .iter_errors(&serde_json::from_str(&written)?)
        .map(|error| error.to_string())
        .collect();
    ensure!(errors.is_empty(), "{errors:?}");

    let to = system_with_clamav().await?;
    let path = path.to_string_lossy().into_owned();
    to.muster(&["apply", "--file", &path, "--yes"])
        .await?
        .ok()?;
    to.muster(&["export", "--file", "all.json"]).await?.ok()?;
    assert_eq!(
        std::fs::read_to_string(to.folder().join("all.json"))?,
        written
    );
    to.muster(&["apply", "--file", &path, "--plan"])
        .await?
        .ok()?;
    Ok(())
}

#[tokio::test]
async fn what_somebody_changed_by_hand_is_drift_and_is_put_right() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    apply(client, &[office()], json!({})).await?;
    system
        .muster(&[
            "task",
            "set",
            "first",
            "--set",
            "paths=[\"/opt\"]",
            "--time-limit",
            "10m",
        ])
        .await?
        .ok()?;
    system
        .muster(&["window", "set", "night", "--hours", "1"])
        .await?
        .ok()?;
    let seen = plan(client, &[office()], json!({})).await?;
    assert_eq!(
        told(&seen),
        [
            "unchanged group /Office",
            "unchanged group /Office/Berlin",
            "unchanged selection missed",
            "change window night",
            "unchanged window noon",
            "change task first",
            "unchanged task second",
            "unchanged task third",
        ]
    );
    let task = &seen.items[5];
    ensure!(
        task.findings.iter().any(|one| one.code == "drift"),
        "{task:?}"
    );
    let text = &task.findings[0].text;
    ensure!(text.contains("administrator:admin"), "{text}");
    let places: Vec<&str> = task
        .changes
        .iter()
        .map(|change| change.pointer.as_str())
        .collect();
    assert_eq!(places, ["/time_limit", "/settings/paths/0"]);
    let shown = system.muster(&["apply", "--file", "-", "--plan"]).await?;
    ensure!(shown.status == 2, "nothing on standard input: {shown:?}");

    apply(client, &[office()], json!({})).await?;
    let windows: Vec<WindowView> = client.list("/windows", "").await?;
    assert_eq!(windows[0].window["minutes"], 360);
    let quiet = plan(client, &[office()], json!({})).await?;
    assert_eq!(quiet.changes, 0);
    // What the files change themselves is no drift.
    let mut other = office();
    other["tasks"][0]["scope"] = json!({ "kind": "group", "group": "/Office/Berlin" });
    other["selections"][0]["query"] = json!("all");
    other["selections"][0]["tasks"] = json!({});
    let seen = plan(client, &[other.clone()], json!({})).await?;
    ensure!(
        seen.items.iter().all(|item| item.findings.is_empty()),
        "{seen:?}"
    );
    assert_eq!(seen.changes, 2);
    apply(client, &[other.clone()], json!({})).await?;
    let back = all(client).await?;
    assert_eq!(back["tasks"][0]["scope"]["group"], "/Office/Berlin");
    assert_eq!(back["selections"][0]["query"], "all");
    // An approval is of a revision, and so no approval outlives another scope.
    let first: TaskView = client.get("/tasks/1").await?;
    assert_eq!(first.revision, 4);
    assert_eq!(plan(client, &[other], json!({})).await?.changes, 0);
    Ok(())
}

#[tokio::test]
async fn what_files_made_and_say_no_longer_goes_with_prune_and_nothing_else() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    client.group_create("Lab", None).await?;
    client.group_create("Office", None).await?;
    apply(client, &[office()], json!({})).await?;
    client.task_create(&muster_flows::scan("by hand")).await?;

    let mut less = office();
    less["tasks"] = json!([less["tasks"][1].clone()]);
    less["tasks"][0]["schedule"] = Value::Null;
    less["windows"] = json!([]);
    less["groups"] = json!([]);
    let seen = plan(client, &[less.clone()], json!({})).await?;
    assert_eq!(
        told(&seen),
        [
            "unchanged selection missed",
            "change task second",
            "extra task first",
            "extra task third",
            "foreign task by hand",
            "extra window night",
            "extra window noon",
            "extra group /Office/Berlin",
        ]
    );
    // Another set of files has nothing to do with it.
    let other = json!({ "owner": "lab", "prune": true });
    let seen = plan(client, &[less.clone()], other).await?;
    ensure!(
        seen.items.iter().all(|item| item.action != "remove"),
        "{seen:?}"
    );
    let refused = seen.items.iter().find(|item| item.action == "refused");
    let refused = refused.context("it takes what belongs to another set")?;
    assert_eq!(refused.findings[0].code, "owned-by-another");

    let done = apply(client, &[less.clone()], json!({ "prune": true })).await?;
    assert_eq!(
        done.items
            .iter()
            .filter(|item| item.action == "remove")
            .count(),
        5
    );
    let now = all(client).await?;
    let names: Vec<&str> = now["tasks"]
        .as_array()
        .context("tasks")?
        .iter()
        .filter_map(|task| task["name"].as_str())
        .collect();
    assert_eq!(names, ["second", "by hand"]);
    // What was there before the files is nobody's to remove: the group Office.
    assert_eq!(
        now["groups"],
        json!([{ "path": "/Lab" }, { "path": "/Office" }])
    );
    assert_eq!(now["windows"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn all_of_it_or_nothing() -> Result<()> {
    let mut system = system_with_clamav().await?;
    // Nothing starts by itself, so that no run is under way of what goes.
    let mut quiet = office();
    for number in 0..3 {
        quiet["tasks"][number]["schedule"] = Value::Null;
    }
    apply(&system.client, &[quiet.clone()], json!({})).await?;
    // A device stands in the group that would go.
    let _device = Device::enroll(&system, "pc-1", DETECTS, ALWAYS).await?;
    system
        .muster(&["device", "move", "pc-1", "/Office/Berlin"])
        .await?
        .ok()?;
    let mut less = quiet.clone();
    less["groups"] = json!([{ "path": "/Office" }, { "path": "/New" }]);
    less["windows"] = json!([]);
    less["tasks"] = json!([]);
    let client = &system.client;
    let seen = plan(client, &[less.clone()], json!({ "prune": true })).await?;
    let body = json!({ "prune": true, "plan": seen.id });
    let problem = ask(client, &[less.clone()], body).await?.problem(409)?;
    assert_eq!(problem.code(), "group-in-use");
    let before = all(client).await?;
    assert_eq!(before["tasks"].as_array().map(Vec::len), Some(3));
    ensure!(!before["groups"].to_string().contains("New"), "{before}");

    // Killed in the middle.
    let mut more = quiet;
    more["groups"] =
        json!([{ "path": "/Office" }, { "path": "/Office/Berlin" }, { "path": "/New" }]);
    more["tasks"][1]["settings"]["paths"] = json!(["/changed"]);
    system
        .server
        .restart(&[(CRASH_AT, "objects.before-commit")])
        .await?;
    let seen = plan(&system.client, &[more.clone()], json!({})).await?;
    let broken = ask(&system.client, &[more.clone()], json!({ "plan": seen.id })).await;
    ensure!(broken.is_err(), "{broken:?}");
    system.server.ended().await?;
    system.server.restart(&[]).await?;
    assert_eq!(all(&system.client).await?, before);
    // It is the same plan still.
    let done: ObjectsPlanView = ask(&system.client, &[more], json!({ "plan": seen.id }))
        .await?
        .ok()?;
    assert_eq!((done.done, done.changes), (true, 2));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_applied_is_told_for_each_file_and_place() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let twice = json!({ "format": "muster-objects", "version": 1,
        "groups": [{ "path": "/Office" }, { "path": "/None/Below" }, { "path": "Bare" }],
        "selections": [{ "name": "s", "query": "task 7 outcome = failed" }, { "name": "t", "query": "online and" }],
        "windows": [{ "name": "w", "group": "/Nowhere", "kind": "maintenance", "opens": "manual", "minutes": 0 }],
        "tasks": [{ "name": "first", "application": CLAMAV, "task_type": "scan", "scope": { "kind": "group", "group": "/" } }],
    });
    let seen = plan(client, &[office(), twice], json!({})).await?;
    ensure!(!seen.possible);
    let found = |name: &str| -> Result<Vec<(String, String, String)>> {
        let of = seen
            .items
            .iter()
            .filter(|item| item.name == name && item.action == "refused");
        let found: Vec<_> = of
            .flat_map(|item| {
                item.findings.iter().map(|finding| {
                    let file = item.file.clone().unwrap_or_default();
                    let pointer = item.pointer.clone().unwrap_or_default();
                    (
                        file,
                        format!("{pointer}{}", finding.pointer),
                        finding.code.clone(),
                    )
                })
            })
            .collect();
        Ok(found)
    };
    let is = |name: &str, wanted: (&str, &str, &str)| -> Result<()> {
        let all = found(name)?;
        let (file, place, code) = wanted;
        ensure!(
            all.contains(&(file.into(), place.into(), code.into())),
            "{name}: {wanted:?} is not among {all:?}"
        );
        Ok(())
    };
    is("/Office", ("1.json", "/groups/0/path", "twice"))?;
    is("/None/Below", ("1.json", "/groups/1/path", "group-unknown"))?;
    is("Bare", ("1.json", "/groups/2/path", "group-path"))?;
    is("s", ("1.json", "/selections/0/query", "task-unknown"))?;
    is("w", ("1.json", "/windows/0/group", "group-unknown"))?;
    is("first", ("1.json", "/tasks/0/name", "twice"))?;
    ensure!(
        found("t")?
            .iter()
            .any(|(_, place, _)| place == "/selections/1/query")
    );
    let problem = ask(client, &[office()], json!({ "owner": " " }))
        .await?
        .problem(422)?;
    assert_eq!(problem.code(), "name-invalid");
    let answer = ask(
        client,
        &[json!({ "format": "muster-objects", "version": 2 })],
        json!({}),
    )
    .await?;
    let problem = answer.problem(422)?;
    ensure!(
        problem.detail.starts_with("In 0.json: it has version 2"),
        "{problem:?}"
    );
    Ok(())
}

#[tokio::test]
async fn toml_is_read_and_a_task_keeps_its_type() -> Result<()> {
    let system = system_with_clamav().await?;
    let text = format!(
        "format = \"muster-objects\"\nversion = 1\n\n[[tasks]]\nname = \"scan\"\napplication = \"{CLAMAV}\"\n\
         task_type = \"scan\"\nscope = {{ kind = \"group\", group = \"/\" }}\n\n\
         [tasks.schedule.when.weekly]\ndays = [\"friday\"]\nat = \"18:00\"\n\n\
         [tasks.settings]\narea = \"paths\"\npaths = [\"/srv\"]\n"
    );
    std::fs::write(system.folder().join("scan.toml"), &text)?;
    system
        .muster(&["apply", "--file", "scan.toml", "--yes"])
        .await?
        .ok()?;
    let tasks: Vec<TaskView> = system.client.list("/tasks", "").await?;
    assert_eq!(tasks[0].settings["paths"], json!(["/srv"]));
    // The same in another order is the same. TOML's keys are sorted.
    let turned = json!({ "format": "muster-objects", "version": 1, "tasks": [{
        "name": "scan", "application": CLAMAV, "task_type": "scan",
        "scope": { "kind": "group", "group": "/" },
        "schedule": { "when": { "weekly": { "days": ["friday"], "at": "18:00" } } },
        "settings": { "paths": ["/srv"], "area": "paths" },
    }]});
    let seen = plan(&system.client, &[turned], json!({})).await?;
    assert_eq!(told(&seen), ["unchanged task scan"]);
    let other = text.replace("task_type = \"scan\"", "task_type = \"update\"");
    std::fs::write(
        system.folder().join("scan.toml"),
        other.split("[tasks.settings]").next().unwrap_or_default(),
    )?;
    let ran = system
        .muster(&["apply", "--file", "scan.toml", "--plan"])
        .await?;
    ensure!(
        ran.status == 1 && ran.out.contains("task-of-another-type"),
        "{ran:?}"
    );
    // A plan that was shown is accepted by its id, and an older one is not.
    let ran = system
        .muster(&[
            "apply",
            "--file",
            "scan.toml",
            "--accept",
            &format!("sha256:{}", "0".repeat(64)),
        ])
        .await?;
    ensure!(
        ran.status == 1 && ran.err.contains("changed since"),
        "{ran:?}"
    );
    let answer = system
        .client
        .send(system.client.request(Method::GET, "/objects"))
        .await?;
    ensure!(answer.status == 200);
    Ok(())
}
