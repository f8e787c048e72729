//! Crash, while a plug-in is installed, upgraded, rolled back or removed: after the restart the state
//! is the one before or the one after, and no file lies about that belongs to nothing.

use anyhow::{Context as _, Result, ensure};
use muster_api::plan::{PlanView, RevisionActivate};
use muster_api::plugin::PluginView;
use muster_domain::Digest;
use muster_domain::delivery::DeliveryState;
use muster_flows::{
    CLAMAV, CRASH_AT, Device, FOUND, SECOND_VERSION, State, WAITS_THEN_DETECTS, first_clamav,
    killed, revisions, scan, second_clamav, system_with_clamav, tidy,
};
use muster_test_harness::TestSystem;
use reqwest::Method;
use serde_json::Value;

/// What is done to the plug-in.
#[derive(Debug, Clone, Copy)]
enum Act {
    Install,
    Activate,
    RollBack,
    Remove,
}

impl Act {
    /// Brings a system to where the act begins.
    async fn prepare(self) -> Result<TestSystem> {
        if matches!(self, Self::Install) {
            return TestSystem::start().await;
        }
        let system = system_with_clamav().await?;
        system.client.task_create(&scan("scan")).await?;
        let second = second_clamav(&system.programs)?;
        let second = system
            .client
            .release(&second, CLAMAV, SECOND_VERSION)
            .await?;
        let ready: PluginView = system.client.plugin_upload(second).await?.ok()?;
        ensure!(ready.state == "ready", "it did not wait");
        if matches!(self, Self::RollBack) {
            Self::Activate.carry_out(&system).await?;
        }
        Ok(system)
    }

    async fn carry_out(self, system: &TestSystem) -> Result<()> {
        let client = &system.client;
        match self {
            Self::Install => {
                client
                    .plugin_install(&system.programs.plugin("clamav")?)
                    .await?;
            }
            Self::Activate => {
                let digest = Digest::of(second_clamav(&system.programs)?);
                let revision = format!("/plugins/{CLAMAV}/revisions/{digest}");
                let plan: PlanView = client.get(&format!("{revision}/plan")).await?;
                let body = RevisionActivate {
                    plan: Some(plan.id),
                    ..RevisionActivate::default()
                };
                let answer = client.post(&format!("{revision}/activate"), &body).await?;
                answer.ok::<Value>()?;
            }
            Self::RollBack => {
                client.plugin_rollback(CLAMAV).await?;
            }
            Self::Remove => {
                let remove = client.request(Method::DELETE, &format!("/plugins/{CLAMAV}"));
                client.send(remove).await?.ok::<Value>()?;
            }
        }
        Ok(())
    }

    /// The state after it.
    fn after(self, system: &TestSystem) -> Result<State> {
        let first = Digest::of(first_clamav(&system.programs)?).to_string();
        let second = Digest::of(second_clamav(&system.programs)?).to_string();
        let state = match self {
            Self::Install => vec![(first, "active")],
            Self::Activate => vec![(first, "superseded"), (second, "active")],
            Self::RollBack => vec![(first, "active"), (second, "superseded")],
            Self::Remove => Vec::new(),
        };
        Ok(state
            .into_iter()
            .map(|(digest, state)| (digest, state.to_owned()))
            .collect())
    }

    /// The server is killed at a place on the way.
    async fn cut_short(self, place: &str, done: bool) -> Result<()> {
        let mut system = self.prepare().await?;
        let before = revisions(&system.client).await?;
        system.server.restart(&[(CRASH_AT, place)]).await?;
        // The answer may have come, where the place is passed behind it.
        let _ = self.carry_out(&system).await;
        killed(system.server.ended().await?)?;
        system.server.restart(&[]).await?;
        let now = revisions(&system.client).await?;
        let wanted = if done { self.after(&system)? } else { before };
        ensure!(now == wanted, "{now:?} instead of {wanted:?}");
        tidy(&system).await?;
        let uploads: Vec<Value> = system.client.list("/plugin-uploads", "").await?;
        ensure!(uploads.is_empty(), "still in the gate: {uploads:?}");
        if !done {
            self.carry_out(&system).await?;
            let now = revisions(&system.client).await?;
            ensure!(now == self.after(&system)?, "the second time: {now:?}");
            tidy(&system).await?;
        }
        Ok(())
    }

    async fn trials(self, places: &[(&str, bool)]) -> Result<()> {
        for (place, done) in places {
            let trial = self.cut_short(place, *done).await;
            trial.with_context(|| format!("{self:?} cut short at {place}"))?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn an_install_is_whole_or_was_never_begun() -> Result<()> {
    let places = [
        ("install.component-kept", false),
        ("install.before-commit", false),
        ("install.committed", true),
    ];
    Act::Install.trials(&places).await
}

// The files are looked through at each start, so the second time is the act's.
#[tokio::test]
async fn an_upgrade_is_whole_or_was_never_begun() -> Result<()> {
    let places = [
        ("install.before-commit", false),
        ("install.committed", true),
        ("keep.before-delete:2", true),
    ];
    Act::Activate.trials(&places).await
}

#[tokio::test]
async fn a_roll_back_is_whole_or_was_never_begun() -> Result<()> {
    let places = [
        ("install.before-commit", false),
        ("install.committed", true),
        ("keep.before-delete:2", true),
    ];
    Act::RollBack.trials(&places).await
}

#[tokio::test]
async fn a_removal_is_whole_or_was_never_begun() -> Result<()> {
    let places = [
        ("remove.before-commit", false),
        ("remove.committed", true),
        ("keep.before-delete:2", true),
    ];
    Act::Remove.trials(&places).await
}

#[tokio::test]
async fn a_report_that_waited_is_interpreted_once() -> Result<()> {
    let mut system = system_with_clamav().await?;
    let client = system.client.clone();
    let device = Device::start(&system, "pc-1", WAITS_THEN_DETECTS).await?;
    let task = client.task_create(&scan("scan")).await?;
    let run = client.task_start(task.id).await?.id;
    client.delivery_in(run, DeliveryState::Running).await?;
    Act::Remove.carry_out(&system).await?;
    device.touch("gate")?;
    client.run_finished(run).await?;
    let crash = [(CRASH_AT, "report.later-before-commit")];
    system.server.restart(&crash).await?;
    // The answer may have come before.
    let _ = Act::Install.carry_out(&system).await;
    killed(system.server.ended().await?)?;
    system.server.restart(&[]).await?;
    client.event(0, "delivery.interpreted").await?;
    let deliveries = client.deliveries(run).await?;
    let summary = deliveries
        .first()
        .and_then(|delivery| delivery.summary.clone());
    ensure!(
        summary.as_ref().is_some_and(|text| text.contains(FOUND[0])),
        "another outcome: {summary:?}"
    );
    for kind in ["delivery.interpreted", "application.threat-detected"] {
        let events = client.events(0, &format!("kind={kind}")).await?;
        ensure!(events.len() == 1, "{} events {kind}", events.len());
    }
    Ok(())
}
