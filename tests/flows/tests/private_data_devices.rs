//! Private data, from the devices' side: who gets a secret, and what happens without a link.

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use muster_agent_protocol::secret::{Answer, Recipient};
use muster_api::plugin::PluginView;
use muster_api::task::{ScopeRequest, TaskCreate, TaskView};
use muster_domain::delivery::DeliveryState;
use muster_domain::secret::SecretAbsence;
use muster_domain::{DeviceId, RunId};
use muster_flows::{CHANGING, Liar, Sealed, Teller, assigned_to, run_of, task, with_secrets};
use muster_test_harness::until;
use reqwest::Method;
use serde_json::{Value, json};

fn is_refused(answer: &Answer) -> bool {
    let reason = SecretAbsence::Refused;
    matches!(answer, Answer::Unavailable { reason: told, .. } if *told == reason)
}

#[tokio::test]
async fn a_device_gets_no_secret_that_is_not_its_own() -> Result<()> {
    let sealed = Sealed::start().await?;
    let (system, client) = (&sealed.system, &sealed.system.client);
    sealed.fill().await?;
    let one = Teller::enroll(&sealed, "pc-1").await?;
    let two = Teller::enroll(&sealed, "pc-2").await?;
    let mut one = Liar::link(system, &one.agent).await?;
    let mut two = Liar::link(system, &two.agent).await?;
    let local = TaskCreate {
        scope: ScopeRequest::Local {
            device: "pc-1".into(),
        },
        ..sealed.task("of one")
    };
    let own = client.task_create(&local).await?;
    let run = RunId(client.task_start(own.id).await?.id);
    let order = one.order().await?;

    let ask = async |liar: &mut Liar, run: RunId| -> Result<Answer> {
        liar.asks(run, Recipient::new()?.key()).await
    };
    // The delivery is another device's; there is no such run; the key is none.
    ensure!(is_refused(&ask(&mut two, run).await?));
    ensure!(is_refused(&ask(&mut one, RunId(999)).await?));
    ensure!(is_refused(&ask(&mut one, RunId(-1)).await?));
    ensure!(is_refused(&one.asks(run, "no key").await?));

    let recipient = Recipient::new()?;
    let answer = one.asks(run, recipient.key()).await?;
    let Answer::Given { key, values } = &answer else {
        anyhow::bail!("not given: {answer:?}");
    };
    let shown = serde_json::to_string(&answer)?;
    ensure!(
        sealed
            .needles()
            .iter()
            .all(|needles| needles.find(shown.as_bytes()).is_none())
    );
    let opened = recipient.open((DeviceId(1), run), (key, values))?;
    ensure!(
        opened.get("proxy") == Some(&sealed.proxy) && opened.get("token") == Some(&sealed.token)
    );

    // A device says which command an occurrence of its own has; it says the other one's.
    let plain = TaskCreate {
        scope: ScopeRequest::Local {
            device: "pc-2".into(),
        },
        schedule: Some(json!({"when": "immediately"})),
        ..task("of two", CHANGING, "sweep", json!({"folder": "/srv"}))
    };
    let plain = client.task_create(&plain).await?;
    two.hears("assign").await?;
    let plugin: PluginView = client.get(&format!("/plugins/{CHANGING}")).await?;
    two.say(&json!({"type": "news", "news": [{
        "sequence": 1, "at": Timestamp::now(),
        "news": {"news": "occurred", "run": -1, "task": plain.id, "occurrence": "saved/1", "revision": 1,
            "command": order.get("command"), "plugin": plugin.digest},
    }]}))
    .await?;
    two.hears("acknowledge").await?;
    ensure!(is_refused(&ask(&mut two, RunId(-1)).await?));

    // What is over needs nothing any more.
    one.say(&json!({"type": "news", "news": [{
        "sequence": 1, "at": Timestamp::now(),
        "news": {"news": "ended", "run": run, "end": {"end": "completed"}, "report": {"steps": []}},
    }]}))
    .await?;
    one.hears("acknowledge").await?;
    ensure!(is_refused(&ask(&mut one, run).await?));

    let refused = client.events(0, "kind=secret.refused").await?;
    assert_eq!(refused.len(), 6, "{refused:#?}");
    assert_eq!(client.events(0, "kind=secret.given").await?.len(), 1);
    sealed.nowhere_in_files()
}

#[tokio::test]
async fn what_begins_without_a_link_waits_for_its_secrets() -> Result<()> {
    let (mut sealed, clock) = Sealed::start_at("2027-03-01T12:00:00Z").await?;
    sealed.fill().await?;
    let mut device = Teller::enroll(&sealed, "pc-1").await?;
    device.agent.start(&[clock.environment(), ("TZ", "UTC")])?;
    sealed.system.client.device_online("pc-1").await?;
    let daily = TaskCreate {
        schedule: Some(json!({"when": {"every-days": {"from": "2027-01-01T18:00"}}})),
        ..sealed.task("daily")
    };
    let daily = sealed.system.client.task_create(&daily).await?;
    assigned_to(&device.agent, daily.id).await?;

    sealed.system.server.stop().await?;
    clock.set("2027-03-01T18:00:00Z".parse()?)?;
    until("the device to say what it waits for", async || {
        let tasks = device.agent.ask(&["tasks", "--json"])?;
        let waits = tasks.contains("there is no link to it") && tasks.contains("waiting");
        Ok(waits.then_some(()))
    })
    .await?;
    ensure!(device.ended() == 0, "it began without its secrets");

    sealed.system.server.restart(&[clock.environment()]).await?;
    let client = &sealed.system.client;
    let run = run_of(client, daily.id, "2027-03-01T18:00").await?;
    client.run_finished(run.id).await?;
    client.delivery_in(run.id, DeliveryState::Succeeded).await?;
    device.got(&sealed, 1)?;

    let given = client.events(0, "kind=secret.given").await?;
    let fields: &Value = &given.first().context("it was given")?.fields;
    assert_eq!(fields.get("secrets"), Some(&json!(["proxy", "token"])));
    sealed.nowhere_in_files()
}

#[tokio::test]
async fn who_uses_a_device_gets_no_secret_into_a_task_or_out_of_the_vault() -> Result<()> {
    let sealed = Sealed::start().await?;
    let client = &sealed.system.client;
    sealed.fill().await?;
    let device = Teller::start(&sealed, "pc-1").await?;
    let allow = json!({ "tasks": "allow", "starts": "allow" });
    let allow = client.request(Method::PUT, "/groups/1/users").json(&allow);
    client.send(allow).await?.ok::<Value>()?;
    until("the device to know what its user may", async || {
        let log = device.agent.ask(&["log"])?;
        Ok(log
            .contains("local tasks of this device's user are allowed")
            .then_some(()))
    })
    .await?;

    // What the user writes lies elsewhere than what is looked through.
    let desk = tempfile::tempdir()?;
    let file = desk.path().join("settings.json");
    let path = file.display().to_string();
    let ask = |verb: &[&str], settings: &Value| -> Result<String> {
        std::fs::write(&file, settings.to_string())?;
        device.agent.ask(&[verb, &["--settings", &path]].concat())
    };
    let create = [
        "task",
        "create",
        "mine",
        "--application",
        CHANGING,
        "--type",
        "sweep",
    ];
    let inline = json!({"folder": "/srv", "note": format!("password={}", sealed.proxy)});
    let told = ask(&create, &inline).unwrap_or_else(|error| error.to_string());
    ensure!(
        told.contains("/settings/note") && told.contains("looks like a secret"),
        "{told}"
    );
    ensure!(!told.contains(&sealed.proxy), "{told}");
    sealed.nowhere_in_files()?;

    // A secret of the server's is not for the user's own task, nor for a task of the administrator's
    // that the user may change.
    ask(&create, &with_secrets())?;
    let refused = client.event(0, "task.user-change-refused").await?;
    ensure!(
        refused.text.contains("for administrators alone"),
        "{refused:?}"
    );
    let local = TaskCreate {
        scope: ScopeRequest::Local {
            device: "pc-1".into(),
        },
        ..sealed.task("theirs")
    };
    let local = client.task_create(&local).await?;
    until("the device to have the task", async || {
        let tasks = device.agent.ask(&["task", "list"])?;
        Ok(tasks.contains("theirs").then_some(()))
    })
    .await?;
    let mut elsewhere = with_secrets();
    elsewhere["folder"] = json!("/home");
    ask(&["task", "change", "theirs"], &elsewhere)?;
    let again = client.event(refused.id, "task.user-change-refused").await?;
    ensure!(again.text.contains("for administrators alone"), "{again:?}");
    let now: TaskView = client.get(&format!("/tasks/{}", local.id)).await?;
    assert_eq!((now.revision, &now.settings), (1, &with_secrets()));
    assert_eq!(client.events(0, "kind=secret.given").await?.len(), 0);
    sealed.nowhere_in_files()
}
