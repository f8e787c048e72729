//! Crash, while a plug-in with another schema takes the place: the revisions of the plug-in and those of
//! every task are those before or those after, never some of each.

use anyhow::{Context as _, Result, ensure};
use muster_api::plan::{PlanView, RevisionActivate};
use muster_api::task::{TaskRevisionView, TaskView};
use muster_domain::Digest;
use muster_flows::{CHANGING, CRASH_AT, changing, changing_upload, killed, sweep};
use muster_test_harness::{Client, TestSystem};
use serde_json::{Value, json};

const FIRST: &str = "1.0.0";
const SECOND: &str = "2.0.0 schema-2";

/// Number, schema version and settings of a task's revision.
type TaskRevision = (u32, u32, Value);

#[derive(Debug, PartialEq)]
struct State {
    /// How the plug-in's revisions stand.
    revisions: Vec<(String, String)>,
    /// Every revision of every task, the newest first.
    tasks: Vec<Vec<TaskRevision>>,
    /// How many events tell of an activation, of migrated and of restored settings.
    events: Vec<usize>,
}

impl State {
    async fn read(client: &Client) -> Result<Self> {
        let revisions = client.plugin_revisions(CHANGING).await?.into_iter();
        let mut revisions: Vec<_> = revisions.map(|one| (one.version, one.state)).collect();
        revisions.sort();
        let mut tasks = Vec::new();
        for task in client.list::<TaskView>("/tasks", "").await? {
            let of = format!("/tasks/{}/revisions", task.id);
            let all: Vec<TaskRevisionView> = client.list(&of, "").await?;
            ensure!(
                all.first()
                    .is_some_and(|newest| newest.number == task.revision)
            );
            let one = |one: TaskRevisionView| (one.number, one.schema_version, one.settings);
            tasks.push(all.into_iter().map(one).collect());
        }
        let mut events = Vec::new();
        for kind in ["plugin.activated", "task.migrated", "task.restored"] {
            events.push(client.events(0, &format!("kind={kind}")).await?.len());
        }
        Ok(Self {
            revisions,
            tasks,
            events,
        })
    }

    fn newest(&self) -> Vec<TaskRevision> {
        self.tasks
            .iter()
            .filter_map(|all| all.first().cloned())
            .collect()
    }

    fn stand(&self, first: &str, second: &str) -> bool {
        let stands = [("1.0.0", first), ("2.0.0", second)];
        let own = stands.map(|(version, state)| (version.to_owned(), state.to_owned()));
        self.revisions == own
    }
}

async fn activate(client: &Client, digest: Digest) -> Result<()> {
    let revision = format!("/plugins/{CHANGING}/revisions/{digest}");
    let plan: PlanView = client.get(&format!("{revision}/plan")).await?;
    let body = RevisionActivate {
        plan: Some(plan.id),
        ..RevisionActivate::default()
    };
    let answer = client.post(&format!("{revision}/activate"), &body).await?;
    answer.ok::<Value>()?;
    Ok(())
}

/// Two releases, the first at work, and three tasks: one of them cannot be brought up to date.
async fn prepare() -> Result<TestSystem> {
    let system = TestSystem::start().await?;
    changing_upload(&system, FIRST, "").await?.ok::<Value>()?;
    for (name, settings) in [
        ("one", json!({ "folder": "/one" })),
        ("two", json!({ "folder": "two" })),
        ("three", json!({ "folder": "/three", "deep": true })),
    ] {
        system.client.task_create(&sweep(name, settings)).await?;
    }
    changing_upload(&system, SECOND, "").await?.ok::<Value>()?;
    Ok(system)
}

/// At each place the server dies on the way there, and then on the way back.
async fn trial(place: &str, done: bool) -> Result<()> {
    let mut system = prepare().await?;
    let client = system.client.clone();
    let second = Digest::of(changing(&system.programs, SECOND)?);
    let there = async || activate(&client, second).await;
    let back = async || client.plugin_rollback(CHANGING).await.map(|_| ());

    let before = State::read(&client).await?;
    system.server.restart(&[(CRASH_AT, place)]).await?;
    // The answer may have come, where the place is passed behind it.
    let _ = there().await;
    killed(system.server.ended().await?)?;
    system.server.restart(&[]).await?;
    if !done {
        let now = State::read(&client).await?;
        ensure!(
            now == before,
            "on the way there: {now:?} instead of {before:?}"
        );
        there().await?;
    }
    let after = State::read(&client).await?;
    ensure!(after.stand("superseded", "active"), "{after:?}");
    assert_eq!(
        after.newest(),
        [
            (2, 2, json!({ "path": "/one", "mode": "quick" })),
            (1, 1, json!({ "folder": "two" })),
            (2, 2, json!({ "path": "/three", "mode": "full" })),
        ]
    );
    assert_eq!(after.events, [2, 2, 0]);

    system.server.restart(&[(CRASH_AT, place)]).await?;
    let _ = back().await;
    killed(system.server.ended().await?)?;
    system.server.restart(&[]).await?;
    if !done {
        let now = State::read(&client).await?;
        ensure!(
            now == after,
            "on the way back: {now:?} instead of {after:?}"
        );
        back().await?;
    }
    let now = State::read(&client).await?;
    ensure!(now.stand("active", "superseded"), "{now:?}");
    assert_eq!(now.events, [3, 2, 2]);
    let settings = |state: &State| -> Vec<(u32, Value)> {
        let newest = state.newest().into_iter();
        newest
            .map(|(_, version, settings)| (version, settings))
            .collect()
    };
    assert_eq!(settings(&now), settings(&before));
    Ok(())
}

#[tokio::test]
async fn a_switch_with_migration_is_whole_or_was_never_begun() -> Result<()> {
    for (place, done) in [
        ("install.task-renewed", false),
        ("install.task-renewed:2", false),
        ("install.before-commit", false),
        ("install.committed", true),
    ] {
        trial(place, done)
            .await
            .with_context(|| format!("cut short at {place}"))?;
    }
    Ok(())
}
