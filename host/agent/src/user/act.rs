//! Act: carries out what the user wants, or says why not.
//!
//! Every request is one transaction: the edit, what holds at once, and the news for the server stand
//! together or not at all.

use super::overlay::overlay;
use super::request::{Done, Request};
use super::start;
use super::target::{self, Target};
use super::told::note;
use crate::assignments::withdraw;
use crate::schedule::zone::DeviceZone;
use crate::store::assignment::State;
use crate::store::{Store, StoreError, edit, news};
use jiff::tz::TimeZone;
use muster_agent_protocol::message::News;
use muster_domain::event::Severity;
use muster_domain::finding::Finding;
use muster_domain::schedule::{Schedule, Timetable};
use muster_domain::secret::scan;
use muster_domain::settings::Settings;
use muster_domain::task::is_task_name;
use muster_domain::user::{
    Content, Edit, EditId, NewLocalTask, Rights, UserEdit, changes, may_have,
};
use muster_domain::{DeviceId, TaskId};
use serde_json::{Value, json};
use sqlx::SqliteConnection;

/// Edits that may wait for the server.
const MOST_OPEN: u32 = 100;

/// Why something is not done.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// There is no such task.
    #[error("no task \"{0}\" stands for this device; `muster-agent task list` shows those that do")]
    NoTask(String),
    /// A name that several tasks have.
    #[error("several tasks are named \"{0}\"; write the number")]
    Several(String),
    /// The policy of the device's group does not allow it.
    #[error(
        "the policy of the device's group{} does not allow its users to {what}; an administrator can allow it with `muster group set`",
        group.as_ref().map(|group| format!(" ({group})")).unwrap_or_default()
    )]
    NotAllowed {
        /// To do what.
        what: &'static str,
        /// The group, if the server ever told.
        group: Option<String>,
    },
    /// It is not the user's to change.
    #[error(
        "task \"{0}\" is for other devices as well, so that an administrator alone can change it"
    )]
    NotLocal(String),
    /// It was made by an administrator.
    #[error("task \"{0}\" was made by an administrator, who alone can delete it")]
    NotOwn(String),
    /// What is asked for cannot be.
    #[error("{}", sentences(.0))]
    Findings(Vec<Finding>),
    /// Nothing would be other than it is.
    #[error("nothing of task \"{0}\" would change")]
    Same(String),
    /// It cannot be started, or stopped, now.
    #[error("{0}")]
    NotNow(String),
    /// Too much waits for the server.
    #[error(
        "{MOST_OPEN} changes wait for the server already; more can be made when it has answered"
    )]
    TooMany,
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// `SQLite` said no.
    #[error("the local store cannot be used")]
    Database(#[from] sqlx::Error),
}

fn sentences(findings: &[Finding]) -> String {
    let one = |finding: &Finding| match finding.pointer.as_str() {
        "" => finding.text.clone(),
        pointer => format!("{pointer}: {}", finding.text),
    };
    let all: Vec<String> = findings.iter().map(one).collect();
    all.join(" ")
}

/// Whose device it is, and who asks.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// The store.
    pub store: &'a Store,
    /// The device.
    pub device: DeviceId,
    /// Its zone.
    pub zone: &'a DeviceZone,
    /// The user's name on the device.
    pub user: &'a str,
}

/// Carries out what the user wants: after this it is committed, or nothing is.
pub async fn act(desk: Desk<'_>, request: Request) -> Result<Done, UserError> {
    let mut transaction = desk.store.begin().await?;
    let known = edit::rights(&mut transaction).await?;
    let (rights, group) = known.map_or((Rights::default(), None), |(_, rights, group)| {
        (rights, Some(group))
    });
    let mut acting = Acting {
        desk,
        rights,
        group,
        at: &mut transaction,
    };
    let done = match request {
        Request::Create { task } => acting.create(task).await,
        Request::Change {
            task,
            name,
            settings,
            schedule,
            time_limit,
        } => {
            let wanted = Wanted {
                name,
                settings,
                schedule,
                time_limit,
            };
            acting.change(&task, wanted).await
        }
        Request::Delete { task } => acting.delete(&task).await,
        Request::Start { task } => acting.start(&task).await,
        Request::Stop { task } => acting.stop(&task).await,
    }?;
    muster_crash_point::reach("agent.user-before-commit");
    transaction.commit().await?;
    muster_crash_point::reach("agent.user-committed");
    crate::assignments::wake(desk.store);
    Ok(done)
}

/// What is to be other. What is none stays.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether it is to be other, the inner one what it is"
)]
struct Wanted {
    name: Option<String>,
    settings: Option<Value>,
    schedule: Option<Option<Value>>,
    time_limit: Option<u32>,
}

pub(super) struct Acting<'a> {
    pub(super) desk: Desk<'a>,
    rights: Rights,
    group: Option<String>,
    pub(super) at: &'a mut SqliteConnection,
}

impl Acting<'_> {
    fn may(&self, allowed: bool, what: &'static str) -> Result<(), UserError> {
        if allowed {
            return Ok(());
        }
        let group = self.group.clone();
        Err(UserError::NotAllowed { what, group })
    }

    async fn create(&mut self, task: NewLocalTask) -> Result<Done, UserError> {
        self.may(self.rights.manage_own, "have tasks of their own")?;
        let mut wanted = json!({
            "name": task.name,
            "time-limit": task.time_limit.unwrap_or(1),
            "settings": task.settings,
        });
        if let (Some(schedule), Some(object)) = (&task.schedule, wanted.as_object_mut()) {
            object.insert("schedule".into(), schedule.clone());
        }
        check(&wanted)?;
        check_plain(None, &wanted)?;
        let name = task.name.clone();
        let edit = Edit::Create(Box::new(task));
        let asked = self.ask(edit, None, None).await?;
        let text = format!(
            "Asked the server for task \"{name}\" ({}). It starts once the server has taken it.",
            asked.short()
        );
        Ok(Done {
            text,
            edit: Some(asked.to_string()),
            runs: Vec::new(),
        })
    }

    async fn change(&mut self, task: &str, wanted: Wanted) -> Result<Done, UserError> {
        self.may(self.rights.manage_own, "change local tasks")?;
        let target = target::find(self.at, task).await?;
        Self::is_local(&target, task)?;
        let before = target
            .content()
            .ok_or_else(|| UserError::NotNow("the server has not assigned the task yet".into()))?;
        let after = wanted.on(&before);
        check_changed(&before, &after)?;
        check_plain(Some(&before), &after)?;
        let changes = changes(&before, &after);
        if changes.is_empty() {
            return Err(UserError::Same(task.to_owned()));
        }
        let settings = changes
            .iter()
            .any(|change| change.pointer.starts_with("/settings"));
        let (about, base) = target.base();
        let edit = Edit::Change {
            task: about,
            base,
            changes,
        };
        let asked = self.ask_about(edit, &target).await?;
        let wait = match (settings, &target) {
            (_, Target::New(_)) => "It waits for the server, as the task does.",
            (true, _) => {
                "Its settings hold once the server has taken them; what else changed holds now."
            }
            (false, _) => "It holds now, and the server is told.",
        };
        let text = format!("Changed task \"{task}\" ({}). {wait}", asked.short());
        Ok(Done {
            text,
            edit: Some(asked.to_string()),
            runs: Vec::new(),
        })
    }

    async fn delete(&mut self, task: &str) -> Result<Done, UserError> {
        self.may(self.rights.manage_own, "delete local tasks")?;
        let target = target::find(self.at, task).await?;
        Self::is_local(&target, task)?;
        if let Target::Known(kept) = &target {
            let local = kept.told.as_ref().and_then(|told| told.local.as_ref());
            if local.is_some_and(|local| !local.own) {
                return Err(UserError::NotOwn(task.to_owned()));
            }
            if let Some(run) = start::begun(self.at, kept.task).await? {
                let text = format!("run {run} of task \"{task}\" is under way; stop it first");
                return Err(UserError::NotNow(text));
            }
        }
        let (about, base) = target.base();
        let asked = self
            .ask_about(Edit::Delete { task: about, base }, &target)
            .await?;
        if let Target::Known(kept) = &target {
            withdraw(self.desk.store, self.at, kept.task).await?;
        }
        let text = format!(
            "Deleted task \"{task}\" ({}). It does not start any more, and the server is told.",
            asked.short()
        );
        Ok(Done {
            text,
            edit: Some(asked.to_string()),
            runs: Vec::new(),
        })
    }

    async fn start(&mut self, task: &str) -> Result<Done, UserError> {
        let target = target::find(self.at, task).await?;
        let kept = match target {
            Target::Known(kept) => kept,
            Target::New(new) => {
                self.may(self.rights.manage_own, "start tasks of their own")?;
                let text = format!(
                    "task \"{}\" waits for the server, which has to put it into this device's terms first",
                    new.name()
                );
                return Err(UserError::NotNow(text));
            }
        };
        let local = kept.told.as_ref().and_then(|told| told.local.as_ref());
        let own = local.is_some_and(|local| local.own);
        self.may(self.rights.may_start(own), "start this task")?;
        if let State::Held(cause) = &kept.state {
            let cause = cause.as_ref().map(|cause| format!(": {cause}"));
            let text = format!("the task is held{}", cause.unwrap_or_default());
            return Err(UserError::NotNow(text));
        }
        if let Some(run) = start::begun(self.at, kept.task).await? {
            let text = format!("run {run} of the task is under way already");
            return Err(UserError::NotNow(text));
        }
        let run = start::start(self, &kept).await?;
        let text = format!(
            "Started task \"{task}\" (run {run}). `muster-agent task explain` says what it waits for, if it waits."
        );
        Ok(Done {
            text,
            edit: None,
            runs: vec![run.0],
        })
    }

    async fn stop(&mut self, task: &str) -> Result<Done, UserError> {
        let found = match target::find(self.at, task).await {
            Ok(Target::Known(kept)) => Some(kept),
            // What the server ordered is no task that stands for the device.
            Ok(Target::New(_)) | Err(UserError::NoTask(_)) => None,
            Err(other) => return Err(other),
        };
        let own = found
            .as_ref()
            .and_then(|kept| kept.told.as_ref()?.local.as_ref())
            .is_some_and(|local| local.own);
        self.may(self.rights.may_start(own), "stop this task")?;
        let number = found.map(|kept| kept.task).or(task.parse::<TaskId>().ok());
        let stopped = start::stop(self.at, number, task).await?;
        if stopped.is_empty() {
            return Err(UserError::NotNow(format!(
                "nothing of task \"{task}\" is under way"
            )));
        }
        let runs: Vec<String> = stopped.iter().map(ToString::to_string).collect();
        let text = format!("Stopping task \"{task}\" (run {}).", runs.join(", "));
        Ok(Done {
            text,
            edit: None,
            runs: stopped.iter().map(|run| run.0).collect(),
        })
    }

    fn is_local(target: &Target, task: &str) -> Result<(), UserError> {
        match target {
            Target::Known(kept) if kept.told.as_ref().is_none_or(|told| told.local.is_none()) => {
                Err(UserError::NotLocal(task.to_owned()))
            }
            Target::Known(_) | Target::New(_) => Ok(()),
        }
    }

    async fn ask_about(&mut self, edit: Edit, target: &Target) -> Result<EditId, UserError> {
        match target {
            Target::Known(kept) => {
                let asked = self.ask(edit, Some(kept.task), None).await?;
                overlay(self.at, kept.task).await?;
                Ok(asked)
            }
            Target::New(new) => self.ask(edit, new.task, Some(&new.id)).await,
        }
    }

    /// Keeps an edit, and tells the server of it.
    async fn ask(
        &mut self,
        edit: Edit,
        task: Option<TaskId>,
        made_by: Option<&EditId>,
    ) -> Result<EditId, UserError> {
        if edit::count_open(self.at).await? >= MOST_OPEN {
            return Err(UserError::TooMany);
        }
        let id = EditId::of(uuid::Uuid::new_v4().as_u128());
        let creates = matches!(edit, Edit::Create(_)).then(|| id.clone());
        let asked = UserEdit {
            id: id.clone(),
            user: self.desk.user.to_owned(),
            edit,
        };
        edit::insert(self.at, &asked, task, made_by.or(creates.as_ref())).await?;
        let text = format!(
            "{} asked to {} a task ({}).",
            asked.user,
            asked.edit.word(),
            id.short()
        );
        note(self.desk.store, self.at, "task.asked", Severity::Info, text).await?;
        let asked = Box::new(asked);
        news::add(self.at, &News::Asked { asked }).await?;
        Ok(id)
    }
}

impl Wanted {
    fn on(self, before: &Value) -> Value {
        let mut after = before.clone();
        let Some(object) = after.as_object_mut() else {
            return after;
        };
        let plain = [
            ("name", self.name.map(Value::from)),
            ("settings", self.settings),
            ("time-limit", self.time_limit.map(Value::from)),
        ];
        for (field, value) in plain {
            if let Some(value) = value {
                object.insert(field.to_owned(), value);
            }
        }
        match self.schedule {
            Some(Some(schedule)) => {
                object.insert("schedule".into(), written_out(schedule));
            }
            Some(None) => {
                object.shift_remove("schedule");
            }
            None => {}
        }
        after
    }
}

/// A schedule as it is kept, with every choice that was left out. One that cannot be read stays as it is.
fn written_out(schedule: Value) -> Value {
    match Schedule::parse(&schedule) {
        Ok((read, _)) => json!(read),
        Err(_) => schedule,
    }
}

/// Everything that is wrong with a task, as far as it can be told without the plug-in.
fn check(wanted: &Value) -> Result<Content, UserError> {
    let content = Content::read(wanted).map_err(UserError::Findings)?;
    let mut findings = Vec::new();
    if !is_task_name(&content.name) {
        let text = "A task's name is 1 to 100 characters, none of them a control character or one of \
                    \" * < > ? \\ : |, and no white space at the ends.";
        findings.push(Finding::error("/name", "name-invalid", text));
    }
    if let Some(schedule) = &content.schedule {
        if !may_have(schedule) {
            let text =
                "A task of a device's user starts by times, by a start on the device or by hand.";
            findings.push(Finding::error(
                "/schedule/when",
                "schedule-not-for-users",
                text,
            ));
        } else if let Err(cause) = Timetable::new(schedule, &TimeZone::UTC) {
            let text = format!("The schedule gives no times: {cause}.");
            findings.push(Finding::error("/schedule", "schedule-times", text));
        }
    }
    if findings.is_empty() {
        Ok(content)
    } else {
        Err(UserError::Findings(findings))
    }
}

/// The same for a task that was there: what stays as it is is nobody's mistake now.
fn check_changed(before: &Value, after: &Value) -> Result<(), UserError> {
    if before.get("schedule") == after.get("schedule") {
        let mut bare = after.clone();
        if let Some(object) = bare.as_object_mut() {
            object.shift_remove("schedule");
        }
        return check(&bare).map(|_| ());
    }
    check(after).map(|_| ())
}

/// What looks like a secret is not even kept: neither here nor on the server is there a place for it.
fn check_plain(before: Option<&Value>, after: &Value) -> Result<(), UserError> {
    let Some(settings) = after.get("settings") else {
        return Ok(());
    };
    let before = before.and_then(|before| before.get("settings"));
    let same = |place: &str| {
        let was = before.and_then(|before| before.pointer(place));
        was.is_some() && was == settings.pointer(place)
    };
    let found = scan(settings, None).into_iter();
    let findings: Vec<Finding> = found
        .filter(|inline| !same(&inline.pointer))
        .map(|inline| {
            let text =
                "This looks like a secret, which is never kept in a task; ask your administrator.";
            let place = format!("/settings{}", inline.pointer);
            Finding::error(place, "settings-secret-inline", text)
        })
        .collect();
    if findings.is_empty() {
        return Ok(());
    }
    Err(UserError::Findings(findings))
}

/// Settings as a text that the user wrote.
pub fn settings_of(text: &str) -> Result<Settings, UserError> {
    Settings::parse(text).map_err(|finding| UserError::Findings(vec![finding]))
}
