//! Changing a task. The change names the revision that it was made on, so that two administrators
//! do not undo each other's work unseen.

use super::comment::Comment;
use super::schedule::ScheduleArgs;
use super::{show, task_path};
use crate::command::Context;
use crate::failure::Failure;
use crate::input::Source;
use crate::set::{Assignment, Path};
use crate::time::parse_seconds;
use clap::Args;
use muster_api::task::{TaskChange, TaskView};
use serde_json::Value;

/// Settings as a file and single ones.
#[derive(Debug, Args)]
pub(crate) struct SettingsArgs {
    /// Settings as a JSON object; `-` is standard input
    #[arg(long, value_name = "FILE")]
    settings: Option<Source>,
    /// A single setting; may be given several times
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<Assignment>,
}

/// What is no secret, though it looks like one.
#[derive(Debug, Args)]
pub(crate) struct PlainArgs {
    /// Take what stands at this place for no secret, though it looks like one; may be given several
    /// times. It is recorded that you said so
    #[arg(long, value_name = "POINTER")]
    pub(crate) allow_plain: Vec<String>,
}

impl SettingsArgs {
    fn is_empty(&self) -> bool {
        self.settings.is_none() && self.set.is_empty()
    }

    /// The settings that come of it: those of the file, or else `base`, with single ones on top.
    pub(crate) fn on(&self, base: Value) -> Result<Value, Failure> {
        let mut settings = match &self.settings {
            Some(source) => source.json()?,
            None => base,
        };
        for assignment in &self.set {
            assignment.apply(&mut settings)?;
        }
        Ok(settings)
    }
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Its number or name
    task: String,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    plain: PlainArgs,
    /// Take a setting away, before any --set; may be given several times
    #[arg(long, value_name = "PATH")]
    unset: Vec<Path>,
    #[command(flatten)]
    schedule: ScheduleArgs,
    /// Take its schedule away: from now on a person starts it
    #[arg(long, conflicts_with = "when")]
    no_schedule: bool,
    /// Another rollout, as a file with JSON; `-` is standard input
    #[arg(long, value_name = "FILE")]
    rollout: Option<Source>,
    /// Take its rollout away: from now on its runs go to all devices at once
    #[arg(long, conflicts_with = "rollout")]
    no_rollout: bool,
    /// Another name
    #[arg(long)]
    name: Option<String>,
    /// Another time limit, such as 2h
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    time_limit: Option<u32>,
    /// The revision that the change is made on; refused if there is a newer one. The newest if
    /// left out
    #[arg(long, value_name = "N")]
    revision: Option<u32>,
    #[command(flatten)]
    comment: Comment,
}

impl Set {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let new_settings = !self.settings.is_empty()
            || !self.unset.is_empty()
            || !self.plain.allow_plain.is_empty();
        let schedule = match self.schedule.value()? {
            None if self.no_schedule => Some(None),
            schedule => schedule.map(Some),
        };
        let rollout = match &self.rollout {
            Some(file) => Some(Some(file.json()?)),
            None => self.no_rollout.then_some(None),
        };
        let parts = schedule.is_none() && rollout.is_none();
        let others = self.name.is_none() && self.time_limit.is_none() && parts;
        if !new_settings && others {
            return Err(Failure::Usage(
                "nothing to change; give --set, --unset, --settings, --schedule, --cron, --daily, \
                 --no-schedule, --rollout, --no-rollout, --name or --time-limit"
                    .into(),
            ));
        }
        let path = task_path(context, &self.task, &[]).await?;
        let now: TaskView = context.client.get(&path, &vec![]).await?.view()?;
        let settings = if new_settings {
            Some(self.settings_on(now.settings)?)
        } else {
            None
        };
        let body = TaskChange {
            revision: Some(self.revision.unwrap_or(now.revision)),
            name: self.name,
            settings,
            time_limit: self.time_limit,
            schedule,
            rollout,
            allow_plain: self.plain.allow_plain,
        };
        let answer = context.client.patch(&self.comment.on(&path), &body).await?;
        if context.out.is_json() {
            return context.out.json(&answer.raw);
        }
        let task: TaskView = answer.view()?;
        context.out.text(&format!(
            "Task {} ({}) is at revision {}.",
            task.id, task.name, task.revision
        ))?;
        show::findings(context, &task.findings)
    }

    fn settings_on(&self, mut now: Value) -> Result<Value, Failure> {
        for path in &self.unset {
            path.unset(&mut now)?;
        }
        self.settings.on(now)
    }
}
