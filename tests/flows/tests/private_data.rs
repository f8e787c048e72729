//! Private data: secrets reach the program that needs them, and nothing that anybody writes or shows.

use anyhow::{Context as _, Result, ensure};
use muster_api::problem::ProblemDocument;
use muster_api::task::{TaskChange, TaskCreate, TaskView};
use muster_domain::delivery::{Cause, DeliveryState};
use muster_domain::secret::SecretAbsence;
use muster_flows::{
    CHANGING, Needles, Sealed, Teller, import, import_done, import_plan, task, with_secrets,
};
use muster_test_harness::until;
use reqwest::Method;
use serde_json::{Value, json};
use std::process::{Command, Stdio};

/// Everything that the server shows, by its address.
async fn answers(sealed: &Sealed, run: i64) -> Result<Vec<(String, Vec<u8>)>> {
    let client = &sealed.system.client;
    let mut paths: Vec<String> = [
        "/secrets",
        "/secrets/proxy",
        "/tasks",
        "/tasks/1",
        "/tasks/1/revisions",
        "/tasks/1/compare?from=1&to=2",
        "/tasks/1/export",
        "/tasks/1/plan",
        "/runs",
        "/events?limit=1000",
        "/devices",
        "/devices/1",
        "/server",
        "/openapi.json",
    ]
    .map(str::to_owned)
    .into();
    paths.push(format!("/plugins/{CHANGING}"));
    paths.push(format!("/runs/{run}"));
    paths.push(format!("/runs/{run}/deliveries"));
    for function in ["translate", "interpret"] {
        paths.push(format!("/runs/{run}/deliveries/1/call?function={function}"));
    }
    let mut found = Vec::new();
    for path in paths {
        let answer = client.send(client.request(Method::GET, &path)).await?;
        ensure!(answer.status.is_success(), "{path}: {}", answer.text());
        found.push((path, answer.body));
    }
    Ok(found)
}

#[tokio::test]
async fn a_secret_reaches_the_program_and_nothing_else() -> Result<()> {
    let sealed = Sealed::start().await?;
    let (system, client) = (&sealed.system, &sealed.system.client);
    sealed.fill().await?;
    let mut device = Teller::start(&sealed, "pc-1").await?;
    let created = sealed.task_created("sweep").await?;
    let deeper = TaskChange {
        settings: Some(
            json!({"folder": "/srv", "deep": true, "password": {"secret": "proxy"},
            "token": {"secret": "token"}}),
        ),
        ..TaskChange::default()
    };
    let patch = client.request(Method::PATCH, "/tasks/1").json(&deeper);
    let changed: TaskView = client.send(patch).await?.ok()?;
    assert_eq!((created.id, changed.revision), (1, 2));

    device.hold()?;
    let run = client.task_start(1).await?.id;
    device.begun().await?;
    // While the program runs with it, no command line on this machine has it.
    let [proxy, token] = sealed.needles();
    let shown = [proxy.command_lines()?, token.command_lines()?].concat();
    ensure!(shown.is_empty(), "on a command line: {shown:?}");
    sealed.nowhere_in_files()?;
    device.go_on()?;
    client.run_finished(run).await?;
    client.delivery_in(run, DeliveryState::Succeeded).await?;
    device.got(&sealed, 1)?;

    // What the program said came back, without what it must not say.
    let answers = answers(&sealed, run).await?;
    for (path, body) in &answers {
        let form = proxy.find(body).or(token.find(body));
        ensure!(form.is_none(), "{path} shows a secret, {form:?}");
    }
    let said: Value = serde_json::from_slice(&answers.last().context("there is one")?.1)?;
    let report = said["reports"][0]["steps"][0].clone();
    let head = report["head"].as_str().unwrap_or_default();
    ensure!(head.contains("said [secret proxy]\n"), "{report}");
    ensure!(
        head.contains("twice [secret proxy][secret proxy] and [secret token]"),
        "{report}"
    );
    ensure!(head.matches("[secret token]").count() >= 3, "{report}");
    assert_eq!(report["lines"], json!(["said [secret proxy]"]));
    let given = client.events(0, "kind=secret.given").await?;
    assert_eq!(given.len(), 1);
    assert_eq!(given[0].fields["secrets"], json!(["proxy", "token"]));

    for command in ["status", "log"] {
        let out = device.agent.ask(&[command])?;
        ensure!(proxy.find(out.as_bytes()).is_none(), "{out}");
    }
    for line in [
        &["secret", "list"][..],
        &["secret", "show", "proxy", "-o", "json"],
        &["task", "export", "1", "-f", "exported.json"],
        &["task", "show", "1"],
        &["events"],
    ] {
        let ran = system.muster(line).await?.ok()?;
        let out = [ran.out, ran.err].concat();
        ensure!(proxy.find(out.as_bytes()).is_none(), "{line:?}: {out}");
    }
    // Also when everything is written that is written at the end.
    device.agent.stop().await?;
    let mut sealed = sealed;
    sealed.system.server.stop().await?;
    sealed.nowhere_in_files()
}

#[tokio::test]
async fn what_is_looked_for_would_be_found() -> Result<()> {
    let sealed = Sealed::start().await?;
    let client = &sealed.system.client;
    // Somebody says that this is none, and so it is kept like anything else.
    let decoy = "decoy-7f1c55ab";
    let mut open = task(
        "decoy",
        CHANGING,
        "sweep",
        json!({"folder": "/srv", "note": format!("password={decoy}")}),
    );
    open.allow_plain = vec!["/note".into()];
    client.task_create(&open).await?;
    let needles = Needles::of(decoy);
    let files = needles.files(sealed.system.folder())?;
    ensure!(
        files
            .iter()
            .any(|(file, _)| file.to_string_lossy().contains("muster.db")),
        "not found in the database: {files:?}"
    );
    let shown = client
        .send(client.request(Method::GET, "/tasks/1/export"))
        .await?;
    assert_eq!(needles.find(&shown.body), Some("plain"));
    let said = client.events(0, "kind=task.plain-allowed").await?;
    assert_eq!(said[0].fields["places"], json!(["/note"]));

    for (name, text) in [
        ("plain", decoy.to_owned()),
        ("hex", hex::encode(decoy)),
        ("base64", {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.encode(format!("anna:{decoy}"))
        }),
    ] {
        let file = sealed.system.folder().join(name);
        std::fs::write(&file, text)?;
        let found = needles.files(sealed.system.folder())?;
        ensure!(
            found.iter().any(|(path, _)| *path == file),
            "{name}: {found:?}"
        );
    }
    let mut child = Command::new("sh")
        .args(["-c", "read line", decoy])
        .stdin(Stdio::piped())
        .spawn()?;
    let lines = until("the command line", async || {
        let lines = needles.command_lines()?;
        Ok((!lines.is_empty()).then_some(lines))
    });
    let lines = lines.await;
    child.kill()?;
    child.wait()?;
    ensure!(lines?.iter().any(|line| line.contains("read line")));
    Ok(())
}

#[tokio::test]
async fn settings_that_hold_a_secret_are_refused_and_forgotten() -> Result<()> {
    let sealed = Sealed::start().await?;
    let client = &sealed.system.client;
    let secret = &sealed.proxy;
    let refused = async |settings: Value, place: &str, code: &str| -> Result<()> {
        let mut plain = task("refused", CHANGING, "sweep", settings.clone());
        // What the schema marks cannot be talked away.
        plain.allow_plain = vec!["/pin".into()];
        let problem: ProblemDocument = client.post("/tasks", &plain).await?.problem(422)?;
        let found: Vec<(&str, &str)> = problem
            .findings
            .iter()
            .map(|finding| (finding.pointer.as_str(), finding.code.as_str()))
            .collect();
        ensure!(found == [(place, code)], "{problem:?}");
        let shown = serde_json::to_string(&problem)?;
        ensure!(!shown.contains(secret.as_str()), "{shown}");
        Ok(())
    };
    let inline = "settings-secret-inline";
    refused(json!({"folder": "/", "pin": secret}), "/pin", inline).await?;
    refused(
        json!({"folder": "/", "password": secret}),
        "/password",
        inline,
    )
    .await?;
    refused(
        json!({"folder": "/", "note": format!("--password={secret}")}),
        "/note",
        inline,
    )
    .await?;
    let address = format!("https://anna:{secret}@mirror.example/");
    refused(json!({"folder": address}), "/folder", inline).await?;
    refused(
        json!({"folder": "/", "more": {"api-key": secret}}),
        "/more/api-key",
        inline,
    )
    .await?;
    let unknown = json!({"folder": "/", "token": {"secret": secret}});
    refused(unknown, "/token", "settings-secret-unknown").await?;

    let named = TaskCreate {
        name: format!("password={secret}"),
        ..sealed.task("x")
    };
    let problem = client.post("/tasks", &named).await?.problem(422)?;
    assert_eq!(problem.code(), "name-secret");

    // The same on the other ways by which settings come in.
    let good = client
        .task_create(&task("good", CHANGING, "sweep", json!({"folder": "/srv"})))
        .await?;
    let path = format!("/tasks/{}", good.id);
    let bad = TaskChange {
        settings: Some(json!({"folder": "/srv", "pin": secret})),
        ..TaskChange::default()
    };
    let change = client.request(Method::PATCH, &path).json(&bad);
    client.send(change).await?.problem(422)?;
    let plan = task(
        "plan",
        CHANGING,
        "sweep",
        json!({"folder": "/", "pin": secret}),
    );
    client.post("/tasks/plan", &plan).await?.problem(422)?;
    ensure!(client.events(0, "kind=task.refused").await?.len() >= 7);
    sealed.nowhere_in_files()
}

#[tokio::test]
async fn what_was_said_to_be_no_secret_stays_so_until_it_changes() -> Result<()> {
    let sealed = Sealed::start().await?;
    let client = &sealed.system.client;
    let mut open = task(
        "x",
        CHANGING,
        "sweep",
        json!({"folder": "/srv", "note": "token=abcdef"}),
    );
    client.post("/tasks", &open).await?.problem(422)?;
    open.allow_plain = vec!["/note".into()];
    let view = client.task_create(&open).await?;
    assert_eq!(view.findings[0].code, "settings-secret-allowed");
    let change = async |settings: Value, allow: &[&str]| {
        let change = TaskChange {
            settings: Some(settings),
            allow_plain: allow.iter().map(|place| (*place).to_owned()).collect(),
            ..TaskChange::default()
        };
        client
            .send(client.request(Method::PATCH, "/tasks/1").json(&change))
            .await
    };
    change(json!({"folder": "/", "note": "token=abcdef"}), &[])
        .await?
        .ok::<TaskView>()?;
    change(json!({"folder": "/", "note": "token=ghijkl"}), &[])
        .await?
        .problem(422)?;
    change(json!({"folder": "/", "note": "token=ghijkl"}), &["/note"])
        .await?
        .ok::<TaskView>()?;
    let back = client
        .post("/tasks/1/rollback", &json!({"revision": 1}))
        .await?;
    back.ok::<TaskView>()?;
    client
        .post("/tasks/1/copy", &json!({}))
        .await?
        .ok::<TaskView>()?;
    // A file says what was said, and one that does not is refused.
    let mut file: Value = client.get("/tasks/1/export").await?;
    file["tasks"][0]["name"] = json!("of the file");
    import_done(client, &file, json!({})).await?;
    let mut bare = file.clone();
    bare["tasks"][0]["name"] = json!("bare");
    let task = bare["tasks"][0].as_object_mut().context("a task")?;
    ensure!(task.remove("allow_plain") == Some(json!(["/note"])));
    let plan = import_plan(client, &bare, json!({})).await?;
    ensure!(
        format!("{plan:?}").contains("settings-secret-inline"),
        "{plan:?}"
    );
    let refused = import(client, &bare, json!({}), Some(&plan.id)).await?;
    ensure!(!refused.status.is_success());
    assert_eq!(client.events(0, "kind=task.plain-allowed").await?.len(), 6);
    Ok(())
}

#[tokio::test]
async fn a_plug_in_chooses_nothing_from_the_vault() -> Result<()> {
    let sealed = Sealed::start().await?;
    let client = &sealed.system.client;
    sealed.fill().await?;
    sealed
        .system
        .muster_fed(&["secret", "set", "other"], "untouched")
        .await?
        .ok()?;
    let _device = Teller::start(&sealed, "pc-1").await?;
    for (note, words) in [("steal", "do not name"), ("argue", "is no argument")] {
        let settings = json!({"folder": "/srv", "note": note});
        let bad = client
            .task_create(&task(note, CHANGING, "sweep", settings))
            .await?;
        let run = client.task_start(bad.id).await?.id;
        let held = until("the delivery to be held", async || {
            let deliveries = client.deliveries(run).await?;
            Ok(deliveries.into_iter().find_map(|one| match one.cause {
                Some(Cause::PluginFault { reason }) => Some(reason),
                _ => None,
            }))
        });
        let reason = held.await?;
        ensure!(reason.contains(words), "{note}: {reason}");
        client.run_change(run, "stop").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_delivery_waits_for_a_secret_that_is_not_there() -> Result<()> {
    let sealed = Sealed::start().await?;
    let (system, client) = (&sealed.system, &sealed.system.client);
    sealed.fill().await?;
    let device = Teller::start(&sealed, "pc-1").await?;
    sealed.task_created("sweep").await?;

    let kept = system
        .muster(&["secret", "remove", "proxy", "--yes"])
        .await?;
    ensure!(kept.status == 1 && kept.err.contains("sweep"), "{kept:?}");
    system
        .muster(&["secret", "remove", "proxy", "--yes", "--force"])
        .await?
        .ok()?;
    let gone = system.muster(&["secret", "show", "proxy"]).await?;
    assert_eq!(gone.status, 3, "{gone:?}");
    let run = client.task_start(1).await?.id;
    let waits = client.delivery_in(run, DeliveryState::Waiting);
    let cause = until("the cause", async || {
        let deliveries = client.deliveries(run).await?;
        Ok(deliveries.into_iter().find_map(|one| match one.cause {
            Some(Cause::SecretUnavailable { secret, reason }) => Some((secret, reason)),
            _ => None,
        }))
    });
    assert_eq!(cause.await?, ("proxy".to_owned(), SecretAbsence::Unknown));
    waits.await?;
    let missing = client.task_create(&sealed.task("another")).await;
    ensure!(missing.is_err(), "the vault has no proxy");

    // As soon as there is one, it goes on.
    sealed.fill().await?;
    client.run_finished(run).await?;
    client.delivery_in(run, DeliveryState::Succeeded).await?;
    device.got(&sealed, 1)?;

    // A new value is for what begins from now on.
    let renewed = Sealed {
        proxy: "another value".into(),
        ..sealed
    };
    renewed.fill().await?;
    let run = renewed.system.client.task_start(1).await?.id;
    renewed.system.client.run_finished(run).await?;
    let show = renewed
        .system
        .muster(&["secret", "show", "proxy", "-o", "json"])
        .await?;
    let show: Value = show.ok()?.json()?;
    assert_eq!(
        (&show["version"], &show["tasks"][0]["name"]),
        (&json!(2), &json!("sweep"))
    );
    assert!(show.get("value").is_none());
    assert_eq!(device.ended(), 2);
    Ok(())
}

#[tokio::test]
async fn values_that_cannot_be_kept_out_are_not_taken() -> Result<()> {
    let sealed = Sealed::start().await?;
    let (system, client) = (&sealed.system, &sealed.system.client);
    let put = async |name: &str, body: Value| {
        let put = client
            .request(Method::PUT, &format!("/secrets/{name}"))
            .json(&body);
        client.send(put).await
    };
    for value in ["", "abc", "a\0bcdef", &"x".repeat(70_000)] {
        let problem = put("x", json!({"value": value})).await?.problem(422)?;
        assert_eq!(problem.code(), "secret-value-invalid");
        ensure!(
            value.is_empty() || !problem.detail.contains(value),
            "{problem:?}"
        );
    }
    let problem = put("%20x", json!({"value": "abcdef"}))
        .await?
        .problem(422)?;
    assert_eq!(problem.code(), "secret-name-invalid");
    put("x", json!({"value": "abcdef", "more": 1}))
        .await?
        .problem(422)?;
    put("B%C3%BCro%20%2F%201", json!({"value": "abcdef"}))
        .await?
        .ok::<Value>()?;
    let shown = system.muster(&["secret", "show", "Büro / 1"]).await?.ok()?;
    ensure!(shown.out.contains("Büro / 1"), "{shown:?}");
    system
        .muster(&["secret", "remove", "Büro / 1", "--yes"])
        .await?
        .ok()?;
    assert_eq!(with_secrets()["password"], json!({"secret": "proxy"}));
    Ok(())
}
