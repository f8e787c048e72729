//! A trial: a run during which the server, the agent or both are killed at a place.

use crate::{DETECTION, Device, WAITS_THEN_DETECTS, Witness, scan, system_with_clamav};
use anyhow::{Context as _, Result, bail, ensure};
use muster_api::event::EventView;
use muster_api::task::TaskView;
use muster_domain::delivery::DeliveryState;
use muster_test_harness::{Client, TestSystem, until};
use serde_json::json;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;

/// The variable that names the place where a program is to be killed.
pub const CRASH_AT: &str = "MUSTER_CRASH_AT";
const SIGKILL: i32 = 9;

/// A server, and a device with a scanner that finds one threat.
#[derive(Debug)]
pub struct Trial {
    /// The device.
    pub device: Device,
    /// The server.
    pub system: TestSystem,
    trials: u32,
}

impl Trial {
    /// Starts both.
    pub async fn prepare() -> Result<Self> {
        let system = system_with_clamav().await?;
        let device = Device::start(&system, "pc-1", WAITS_THEN_DETECTS).await?;
        Ok(Self {
            device,
            system,
            trials: 0,
        })
    }

    /// A run during which the server is killed at one place, and the agent at another, in whatever
    /// order they get there. Each must get there; whoever died starts again and the run goes on to
    /// its end, which is checked.
    pub async fn run(&mut self, server: Option<&str>, agent: Option<&str>) -> Result<()> {
        let trial = format!("server killed at {server:?}, agent at {agent:?}");
        self.run_killed(server, agent).await.with_context(|| {
            format!(
                "{trial}\n--- server:\n{}\n--- agent:\n{}",
                self.system.server.said(),
                self.device.agent.said()
            )
        })
    }

    async fn run_killed(&mut self, server: Option<&str>, agent: Option<&str>) -> Result<()> {
        let (task, witness) = self.next().await?;
        if let Some(place) = server {
            self.system.server.restart(&[(CRASH_AT, place)]).await?;
        }
        if let Some(place) = agent {
            self.device.agent.start(&[(CRASH_AT, place)])?;
        }
        let client = self.system.client.clone();
        client.device_online("pc-1").await?;
        let drive = drive(&client, task.id, self.device.folder().join("gate"));
        let server_dies = async {
            if server.is_some() {
                killed(self.system.server.ended().await?)?;
                self.system.server.restart(&[]).await?;
            }
            anyhow::Ok(())
        };
        let agent_dies = async {
            if agent.is_some() {
                killed(self.device.agent.ended().await?)?;
                self.device.agent.start(&[])?;
            }
            anyhow::Ok(())
        };
        let (run, (), ()) = tokio::try_join!(drive, server_dies, agent_dies)?;
        self.check(run, witness).await
    }

    /// A run during which the server is killed at a place that it may get to before, during or after
    /// it. Tells whether it got there.
    pub async fn run_maybe_killed(&mut self, place: &str) -> Result<bool> {
        let (task, witness) = self.next().await?;
        self.system.server.spawn_again(&[(CRASH_AT, place)])?;
        let client = self.system.client.clone();
        let drive = drive(&client, task.id, self.device.folder().join("gate"));
        tokio::pin!(drive);
        let mut died = false;
        let run = loop {
            tokio::select! {
                run = &mut drive => break run?,
                status = self.system.server.ended(), if !died => {
                    killed(status?)?;
                    died = true;
                    self.system.server.restart(&[]).await?;
                }
            }
        };
        if !died {
            // It may get there yet, with what it does by itself.
            died = self.system.server.stop().await?.signal() == Some(SIGKILL);
            self.system.server.restart(&[]).await?;
            client.device_online("pc-1").await?;
        }
        self.check(run, witness)
            .await
            .with_context(|| format!("server killed at {place}"))?;
        Ok(died)
    }

    /// A task of its own, as a device fetches a command that it has not seen before.
    async fn next(&mut self) -> Result<(TaskView, Witness)> {
        self.trials += 1;
        for file in ["gate", "begun", "effects"] {
            self.device.remove(file);
        }
        let mut task = scan(&format!("trial {}", self.trials));
        let path = format!("/files/{}", self.trials);
        task.settings = Some(json!({ "area": "paths", "paths": [path] }));
        let client = &self.system.client;
        let task = client.task_create(&task).await?;
        let last = client.events(0, "").await?.last().map_or(0, |last| last.id);
        Ok((task, Witness::begin(client, last)))
    }

    /// From the administrator's view, the delivery was done once.
    async fn check(&self, run: i64, witness: Witness) -> Result<()> {
        let client = &self.system.client;
        let log = witness.confirms(client).await?;
        let view = client.run(run).await?;
        ensure!(
            view.total == 1 && view.counts == [(DeliveryState::Warning, 1)].into(),
            "the counts of the run are wrong: {view:?}"
        );
        let deliveries = client.deliveries(run).await?;
        let [delivery] = deliveries.as_slice() else {
            bail!("there are {} deliveries", deliveries.len());
        };
        ensure!(
            delivery.summary.as_deref() == Some("1 threat in 2 files."),
            "another outcome: {delivery:?}"
        );
        let of_run: Vec<&EventView> = log.iter().filter(|event| event.run == Some(run)).collect();
        for kind in [
            "run.started",
            "delivery.finished",
            "application.threat-detected",
            "run.finished",
        ] {
            let count = of_run.iter().filter(|event| event.kind == kind).count();
            ensure!(count == 1, "{count} events {kind}: {of_run:#?}");
        }
        ensure!(
            of_run.iter().any(
                |event| event.fields.get("file") == Some(&json!(DETECTION.0))
                    && event.fields.get("signature") == Some(&json!(DETECTION.1))
            ),
            "the detection is not told in full"
        );
        ensure!(
            !log.iter().any(|event| event.kind == "report.unexpected"),
            "the device told of what it was not sent"
        );
        ensure!(
            self.device.lines("effects") > 0,
            "the program was not at work"
        );
        self.check_device_log(run)
    }

    fn check_device_log(&self, run: i64) -> Result<()> {
        let log = self.device.agent.ask(&["log"])?;
        let ends = log
            .lines()
            .filter(|line| line.contains("task.ended") && line.contains(&format!("run {run})")))
            .count();
        ensure!(ends == 1, "the device's own log has {ends} ends:\n{log}");
        Ok(())
    }
}

/// Starts the task, lets the program end once the server knows that it began, and waits for the end
/// of the run. A request that got no answer is made again, unless it was carried out.
async fn drive(client: &Client, task: i64, gate: PathBuf) -> Result<i64> {
    let run = until("a run of the task", async || {
        let view: TaskView = client.get(&format!("/tasks/{task}")).await?;
        match view.last_run {
            Some(run) => Ok(Some(run)),
            None => Ok(Some(client.task_start(task).await?.id)),
        }
    })
    .await?;
    until("the delivery to begin", async || {
        let begun = client.events(0, "kind=delivery.started").await?;
        Ok(begun
            .iter()
            .any(|event| event.run == Some(run))
            .then_some(()))
    })
    .await?;
    std::fs::write(gate, "")?;
    client.run_finished(run).await?;
    Ok(run)
}

/// Whether it died as it was to.
pub fn killed(status: ExitStatus) -> Result<()> {
    ensure!(
        status.signal() == Some(SIGKILL),
        "it was to be killed at a place, and ended otherwise: {status}"
    );
    Ok(())
}
