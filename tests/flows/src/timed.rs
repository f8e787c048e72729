//! Systems whose schedules go by a clock of the test.

use crate::{ALWAYS, Device, scan, system_with_clamav_in};
use anyhow::Result;
use muster_api::run::RunView;
use muster_api::task::{TaskCreate, TaskView};
use muster_test_harness::{Agent, Client, Environment, TestClock, TestSystem, folder, until};
use serde_json::Value;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

/// A system whose schedules go by a clock of the test.
#[derive(Debug)]
pub struct Timed {
    /// The system.
    pub system: TestSystem,
    /// The clock of its programs, as far as they are started with it.
    pub clock: TestClock,
    // Dropped last.
    _folder: TempDir,
}

impl Timed {
    /// Starts a server with ClamAV's plug-in at a moment.
    pub async fn start(at: &str) -> Result<Self> {
        Self::start_with(at, &[]).await
    }

    /// The same, with an environment of its own for the server.
    pub async fn start_with(at: &str, environment: Environment<'_>) -> Result<Self> {
        let folder = folder()?;
        let clock = TestClock::new(folder.path())?;
        clock.set(at.parse()?)?;
        let environment = [&[clock.environment()], environment].concat();
        let system = system_with_clamav_in(&environment).await?;
        Ok(Self {
            system,
            clock,
            _folder: folder,
        })
    }

    /// A device with a scanner of this script, by the clock of the test and in a zone.
    pub async fn device(&self, name: &str, scanner: &str, zone: &str) -> Result<Device> {
        let mut device = Device::enroll(&self.system, name, scanner, ALWAYS).await?;
        device
            .agent
            .start(&[self.clock.environment(), ("TZ", zone)])?;
        self.system.client.device_online(name).await?;
        Ok(device)
    }

    /// How most flows of schedules open: at a moment there is a device `pc` in UTC with a scanner of
    /// this script, and it has a scan with this schedule, for which it needs nobody any more.
    pub async fn opened(
        at: &str,
        scanner: &str,
        schedule: Value,
    ) -> Result<(Self, Device, TaskView)> {
        let timed = Self::start(at).await?;
        let device = timed.device("pc", scanner, "UTC").await?;
        let task = scheduled("scan", schedule);
        let task = timed.system.client.task_create(&task).await?;
        assigned(&device, task.id).await?;
        Ok((timed, device, task))
    }

    /// Starts a device's agent anew, by the clock of the test.
    pub fn again(&self, device: &mut Device) -> Result<()> {
        device.restart(&[self.clock.environment(), ("TZ", "UTC")])
    }

    /// Waits until the server has noted that a device is away, by the clock as it stands.
    pub async fn offline(&self, name: &str) -> Result<()> {
        let options = SqliteConnectOptions::new()
            .filename(self.system.server.data().join("muster.db"))
            .read_only(true);
        let mut database = options.connect().await?;
        let open = "select is_open from device_links join devices on devices.id = device_links.device \
                    where devices.name = ? and devices.removed_at is null";
        until(&format!("{name} to be offline"), async || {
            let open: Option<bool> = sqlx::query_scalar(open)
                .bind(name)
                .fetch_optional(&mut database)
                .await?;
            Ok((open == Some(false)).then_some(()))
        })
        .await
    }

    /// Sets the clock.
    pub fn to(&self, at: &str) -> Result<()> {
        self.clock.set(at.parse()?)
    }
}

/// A scan for all devices, with a schedule.
pub fn scheduled(name: &str, schedule: Value) -> TaskCreate {
    TaskCreate {
        schedule: Some(schedule),
        ..scan(name)
    }
}

/// Waits until there is a run of an occurrence, and gives it.
pub async fn run_of(client: &Client, task: i64, occurrence: &str) -> Result<RunView> {
    until(&format!("a run of {occurrence}"), async || {
        let runs: Vec<RunView> = client.list("/runs", &format!("task={task}")).await?;
        Ok(runs
            .into_iter()
            .find(|run| run.occurrence.as_deref() == Some(occurrence)))
    })
    .await
}

/// What a device keeps of a task: how it stands, and what it was given.
async fn kept(agent: &Agent, task: i64) -> Result<Option<(String, String)>> {
    let options = SqliteConnectOptions::new()
        .filename(agent.data().join("agent.db"))
        .read_only(true);
    let mut store = options.connect().await?;
    let row = sqlx::query_as(
        "select standing, coalesce(assigned, '') || coalesce(cause, '') || \
         case when exists (select 1 from command where command.hash = assignment.command) \
         then ' has its command' else '' end from assignment where task = ?",
    );
    Ok(row.bind(task).fetch_optional(&mut store).await?)
}

/// Waits until what a device keeps of a task stands so, with these words in it.
pub async fn stands(device: &Device, task: i64, standing: &str, words: &str) -> Result<()> {
    stands_on(&device.agent, task, standing, words).await
}

async fn stands_on(agent: &Agent, task: i64, standing: &str, words: &str) -> Result<()> {
    let what = format!("task {task} to be {standing} on {}", agent.name());
    until(&what, async || {
        let kept = kept(agent, task).await?;
        let so = kept.is_some_and(|kept| kept.0 == standing && kept.1.contains(words));
        Ok(so.then_some(()))
    })
    .await
}

/// Waits until a device has a task and the command for it, so that it needs nobody.
pub async fn assigned(device: &Device, task: i64) -> Result<()> {
    stands(device, task, "active", "has its command").await
}

/// The same for any agent.
pub async fn assigned_to(agent: &Agent, task: i64) -> Result<()> {
    stands_on(agent, task, "active", "has its command").await
}

/// The occurrences of which there are runs.
pub async fn runs(client: &Client, task: i64) -> Result<Vec<String>> {
    let runs: Vec<RunView> = client.list("/runs", &format!("task={task}")).await?;
    let mut runs: Vec<_> = runs
        .into_iter()
        .map(|run| run.occurrence.unwrap_or_default())
        .collect();
    runs.sort();
    Ok(runs)
}
