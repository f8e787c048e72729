//! What happens in a history.

use crate::device::Device;
use crate::server::{Server, administrator};
use anyhow::{Result, ensure};
use muster_agent::store::assignment;
use muster_agent::user::{Request, UserError, target};
use muster_app::AppError;
use muster_app::place::ScopeReference;
use muster_app::submit::{TaskChangeRequest, TaskRequest};
use muster_app::vault::AllowPlain;
use muster_domain::TaskId;
use muster_domain::settings::Settings;
use muster_domain::user::NewLocalTask;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::timeout;

/// Both sides come to rest in far less, unless they never do.
const REST: Duration = Duration::from_secs(30);

/// What can be changed of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Its name.
    Name,
    /// Its time limit.
    TimeLimit,
    /// Its schedule.
    Schedule,
    /// A setting that a condition of the schema ties to another.
    Paths,
    /// A setting by itself.
    MaxFileSize,
    /// A setting in an object of its own.
    Archives,
    /// A setting that no value of is right.
    Nonsense,
}

/// Another value of a field.
pub type Change = (Field, u8);

/// One thing that happens. Tasks are named by place, so that most of them are there.
#[derive(Debug, Clone)]
pub enum Step {
    /// The device's user asks for a task.
    UserCreates(u8),
    /// The user changes fields of a task.
    UserChanges(usize, Vec<Change>),
    /// The user deletes a task.
    UserDeletes(usize),
    /// The administrator makes a task for the device.
    Creates(u8),
    /// The administrator changes fields of a task.
    Changes(usize, Vec<Change>),
    /// The administrator deletes a task.
    Deletes(usize),
    /// The administrator says what users may.
    Policy(bool),
    /// The device comes.
    Links,
    /// The link breaks.
    Breaks,
    /// The device sends what it has to tell.
    Tells,
    /// The device takes in some of what has come.
    Hears(usize),
    /// The agent is killed and started again.
    AgentCrashes,
    /// The server is stopped and started again.
    ServerCrashes,
    /// The device's clock is set, by hours.
    DeviceClock(i8),
    /// The server's clock is set, by hours.
    ServerClock(i8),
}

/// Many of them.
pub type History = Vec<Step>;

impl Step {
    /// Any of them.
    pub fn any() -> impl Strategy<Value = Self> {
        let task = || 0..4_usize;
        let value = || 0..4_u8;
        let field = prop_oneof![
            3 => Just(Field::Name),
            3 => Just(Field::TimeLimit),
            3 => Just(Field::Schedule),
            3 => Just(Field::Paths),
            3 => Just(Field::MaxFileSize),
            3 => Just(Field::Archives),
            1 => Just(Field::Nonsense),
        ];
        let changes = prop::collection::vec((field, value()), 1..4);
        let hours = || prop_oneof![Just(-30_i8), Just(-1), Just(1), Just(40)];
        prop_oneof![
            3 => value().prop_map(Self::UserCreates),
            10 => (task(), changes.clone()).prop_map(|(task, changes)| Self::UserChanges(task, changes)),
            2 => task().prop_map(Self::UserDeletes),
            2 => value().prop_map(Self::Creates),
            8 => (task(), changes).prop_map(|(task, changes)| Self::Changes(task, changes)),
            1 => task().prop_map(Self::Deletes),
            1 => prop::bool::weighted(0.6).prop_map(Self::Policy),
            5 => Just(Self::Links),
            3 => Just(Self::Breaks),
            4 => Just(Self::Tells),
            5 => (1..8_usize).prop_map(Self::Hears),
            2 => Just(Self::AgentCrashes),
            1 => Just(Self::ServerCrashes),
            1 => hours().prop_map(Self::DeviceClock),
            1 => hours().prop_map(Self::ServerClock),
        ]
    }
}

/// A history under way.
pub struct World<'s> {
    /// The server, which has seen other histories.
    pub server: &'s mut Server,
    /// The device, which is new.
    pub device: Device,
    /// The edits that the device took from its user.
    pub asked: Vec<String>,
    /// The tasks that the administrator made for the device.
    pub made: Vec<TaskId>,
    clock: Option<PathBuf>,
    device_off: i64,
    server_off: i64,
}

impl<'s> World<'s> {
    /// A new device on a server. `clock` is the file by which both sides' clocks go.
    pub async fn begin(
        server: &'s mut Server,
        name: &str,
        clock: Option<PathBuf>,
    ) -> Result<World<'s>> {
        let device = Device::enroll(server, name).await?;
        let mut world = Self {
            server,
            device,
            asked: Vec::new(),
            made: Vec::new(),
            clock,
            device_off: 0,
            server_off: 0,
        };
        world.policy(true).await?;
        world.device.link(world.server).await?;
        Ok(world)
    }

    /// One step.
    pub async fn go(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::UserCreates(value) => {
                let task = NewLocalTask {
                    name: format!("mine {value}"),
                    application: clamav()?,
                    task_type: "scan".parse().map_err(anyhow::Error::msg)?,
                    settings: first_settings(*value)?,
                    schedule: (*value > 1).then(|| schedule(*value)),
                    time_limit: None,
                };
                self.user(Request::Create { task }).await
            }
            Step::UserChanges(place, changes) => self.user_changes(*place, changes).await,
            Step::UserDeletes(place) => match self.users_task(*place).await? {
                Some((task, _)) => self.user(Request::Delete { task }).await,
                None => Ok(()),
            },
            Step::Creates(value) => self.create(*value).await,
            Step::Changes(place, changes) => self.change(*place, changes).await,
            Step::Deletes(place) => self.delete(*place).await,
            Step::Policy(allowed) => self.policy(*allowed).await,
            Step::Links if !self.device.is_linked() => {
                self.at_device()?;
                self.device.link(self.server).await
            }
            Step::Breaks => {
                self.device.unlink(self.server).await;
                Ok(())
            }
            Step::Tells => {
                self.at_server()?;
                self.device.tell(self.server).await
            }
            Step::Hears(most) => {
                self.at_device()?;
                self.device.hear(self.server, *most).await.map(|_| ())
            }
            Step::AgentCrashes => self.device.crash(self.server).await,
            Step::ServerCrashes => {
                self.device.drop_link();
                self.server.restart().await
            }
            Step::DeviceClock(hours) => {
                self.device_off += i64::from(*hours) * 3600;
                Ok(())
            }
            Step::ServerClock(hours) => {
                self.server_off += i64::from(*hours) * 3600;
                Ok(())
            }
            Step::Links => Ok(()),
        }
    }

    fn at_device(&self) -> Result<()> {
        self.set_clock(self.device_off)
    }

    fn at_server(&self) -> Result<()> {
        self.set_clock(self.server_off)
    }

    fn set_clock(&self, seconds: i64) -> Result<()> {
        if let Some(clock) = &self.clock {
            let new = clock.with_extension("new");
            std::fs::write(&new, seconds.to_string())?;
            std::fs::rename(&new, clock)?;
        }
        Ok(())
    }

    async fn user(&mut self, request: Request) -> Result<()> {
        self.at_device()?;
        match self.device.act(request).await {
            Ok(done) => {
                self.asked.extend(done.edit);
                Ok(())
            }
            // Refused before anything was kept: the user hears why.
            Err(UserError::Store(error)) => Err(error.into()),
            Err(UserError::Database(error)) => Err(error.into()),
            Err(_) => Ok(()),
        }
    }

    /// A task as the user names it, and its settings.
    async fn users_task(&self, place: usize) -> Result<Option<(String, Value)>> {
        let mut at = self.device.store.acquire().await?;
        let mut tasks = Vec::new();
        for kept in assignment::list(&mut at).await? {
            let settings = kept
                .assigned
                .as_ref()
                .and_then(|assigned| assigned.local.as_ref());
            let settings = settings.map(|local| local.settings.to_value());
            tasks.push((kept.task.to_string(), settings.unwrap_or(json!({}))));
        }
        for new in target::list_new(&mut at).await? {
            if new.refused.is_none() {
                let settings = new.content.get("settings").cloned();
                tasks.push((new.id.short().to_owned(), settings.unwrap_or(json!({}))));
            }
        }
        let count = tasks.len().max(1);
        Ok(tasks.into_iter().nth(place % count))
    }

    async fn user_changes(&mut self, place: usize, changes: &[Change]) -> Result<()> {
        let Some((task, settings)) = self.users_task(place).await? else {
            return Ok(());
        };
        let wanted = Wanted::of(settings, changes);
        self.user(Request::Change {
            task,
            name: wanted.name,
            settings: wanted.settings,
            schedule: wanted.schedule,
            time_limit: wanted.time_limit,
        })
        .await
    }

    async fn create(&mut self, value: u8) -> Result<()> {
        self.at_server()?;
        let request = TaskRequest {
            name: format!("theirs {value}"),
            application: clamav()?,
            task_type: "scan".parse().map_err(anyhow::Error::msg)?,
            scope: ScopeReference::Local(self.device.id.to_string()),
            settings: Ok(first_settings(value)?),
            schema_version: None,
            rollout: None,
            allow_plain: AllowPlain::default(),
            time_limit: None,
            schedule: (value > 1).then(|| schedule(value)),
        };
        let task = self
            .server
            .app
            .task_create(&administrator(), request)
            .await?;
        self.made.push(task.id);
        Ok(())
    }

    /// The tasks of the device, as the server has them.
    pub async fn servers_tasks(&self) -> Result<Vec<muster_domain::task::Task>> {
        let mut tasks = Vec::new();
        let mut after = TaskId(0);
        let mut at = self.server.storage.read().await?;
        loop {
            let page = muster_storage::task::task_list(&mut at, None, None, after, 1000).await?;
            let Some(last) = page.last() else {
                break;
            };
            after = last.id;
            let device = self.device.id;
            let own = |scope: &muster_domain::scope::Scope| {
                *scope == muster_domain::scope::Scope::Local { device }
            };
            tasks.extend(page.into_iter().filter(|task| own(&task.scope)));
        }
        Ok(tasks)
    }

    async fn change(&mut self, place: usize, changes: &[Change]) -> Result<()> {
        self.at_server()?;
        let tasks = self.servers_tasks().await?;
        let Some(task) = tasks.get(place % tasks.len().max(1)) else {
            return Ok(());
        };
        let wanted = Wanted::of(task.revision.settings.to_value(), changes);
        let request = TaskChangeRequest {
            revision: None,
            name: wanted.name,
            settings: wanted.settings.as_ref().map(Settings::from_value),
            time_limit: wanted.time_limit,
            schedule: wanted.schedule,
            schema_version: None,
            rollout: None,
            allow_plain: AllowPlain::default(),
        };
        let answer = self
            .server
            .app
            .task_change(&administrator(), task.id, request)
            .await;
        match answer {
            // The user may have deleted it meanwhile.
            Ok(_) | Err(AppError::SettingsInvalid { .. } | AppError::NotFound { .. }) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    async fn delete(&mut self, place: usize) -> Result<()> {
        self.at_server()?;
        let tasks = self.servers_tasks().await?;
        if let Some(task) = tasks.get(place % tasks.len().max(1)) {
            match self.server.app.task_delete(&administrator(), task.id).await {
                Ok(()) | Err(AppError::NotFound { .. } | AppError::Conflict { .. }) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(())
    }

    async fn policy(&mut self, allowed: bool) -> Result<()> {
        self.at_server()?;
        let said = Some(Some(allowed));
        let app = &self.server.app;
        app.user_policy_set(&administrator(), "/".into(), said, said)
            .await?;
        Ok(())
    }

    /// Everybody is there, may and tells, until nothing is left to be told.
    pub async fn come_to_rest(&mut self) -> Result<()> {
        self.policy(true).await?;
        if !self.device.is_linked() {
            self.device.link(self.server).await?;
        }
        let mut last = String::new();
        let rest = timeout(
            REST,
            muster_test_harness::until("both sides to be equal", async || {
                self.device.tell(self.server).await?;
                while self.device.hear(self.server, usize::MAX).await? > 0 {}
                let difference = crate::check::difference(self).await?;
                let done = difference.is_none();
                last = difference.unwrap_or_default();

                Ok(done.then_some(()))
            }),
        )
        .await;
        ensure!(
            matches!(rest, Ok(Ok(()))),
            "both sides do not come to be equal: {last}"
        );
        Ok(())
    }
}

/// Other values, in the terms of both sides.
#[derive(Default)]
#[expect(
    clippy::option_option,
    reason = "the outer one says whether it is to be other, the inner one what it is"
)]
struct Wanted {
    name: Option<String>,
    time_limit: Option<u32>,
    schedule: Option<Option<Value>>,
    settings: Option<Value>,
}

impl Wanted {
    fn of(mut settings: Value, changes: &[Change]) -> Self {
        let mut wanted = Self::default();
        for (field, value) in changes {
            let setting = match field {
                Field::Name => {
                    wanted.name = Some(format!("name {value}"));
                    None
                }
                Field::TimeLimit => {
                    wanted.time_limit = Some(60 + u32::from(*value));
                    None
                }
                Field::Schedule => {
                    wanted.schedule = Some((*value > 0).then(|| schedule(*value)));
                    None
                }
                Field::Paths => Some(("paths", json!([format!("/{value}")]))),
                Field::MaxFileSize => Some(("max-file-size", json!(10 + value))),
                Field::Archives => Some(("archives", json!({ "scan": *value > 1 }))),
                Field::Nonsense => Some(("max-file-size", json!(0))),
            };
            if let (Some((name, value)), Some(object)) = (setting, settings.as_object_mut()) {
                object.insert(name.into(), value);
                wanted.settings = Some(Value::Null);
            }
        }
        if wanted.settings.is_some() {
            wanted.settings = Some(settings);
        }
        wanted
    }
}

fn clamav() -> Result<muster_domain::ApplicationId> {
    "net.clamav.clamav".parse().map_err(anyhow::Error::msg)
}

fn first_settings(value: u8) -> Result<Settings> {
    let settings = json!({ "area": "paths", "paths": [format!("/{value}")] });
    Settings::from_value(&settings).map_err(|finding| anyhow::anyhow!(finding.text))
}

fn schedule(value: u8) -> Value {
    json!({ "when": { "every-days": { "from": format!("2027-01-01T0{value}:00") } } })
}
