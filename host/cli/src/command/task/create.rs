//! Creating tasks: anew, or as a copy of another.

use super::change::{PlainArgs, SettingsArgs};
use super::comment::Comment;
use super::schedule::ScheduleArgs;
use super::scope::Scope;
use super::{show, task_path};
use crate::command::Context;
use crate::failure::Failure;
use crate::input::Source;
use crate::time::parse_seconds;
use clap::Args;
use muster_api::task::{TaskCopy, TaskCreate, TaskView};
use serde_json::json;
use uuid::Uuid;

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its name
    name: String,
    /// The application that it is for, such as net.clamav.clamav
    #[arg(long, short)]
    application: String,
    /// What it does: one of the application's task types
    #[arg(long = "type", short = 't', value_name = "TYPE")]
    task_type: String,
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    plain: PlainArgs,
    #[command(flatten)]
    schedule: ScheduleArgs,
    /// Its runs go out wave by wave, as a file with JSON says; `-` is standard input. docs/rollouts.md shows some
    #[arg(long, value_name = "FILE")]
    rollout: Option<Source>,
    /// Show what it would do, and create nothing
    #[arg(long)]
    plan: bool,
    /// How long a device may take, such as 2h; the task type's own limit if left out
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    time_limit: Option<u32>,
    /// Names this request: a second one with the same key creates nothing and is answered as the
    /// first was. Made up if left out
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    comment: Comment,
}

impl Create {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let scope = self.scope.request()?.ok_or_else(|| {
            Failure::Usage(
                "where is it to be done? Give --device, --group, --selection or --devices".into(),
            )
        })?;
        let body = TaskCreate {
            name: self.name,
            application: self.application,
            task_type: self.task_type,
            scope,
            settings: Some(self.settings.on(json!({}))?),
            time_limit: self.time_limit,
            schedule: self.schedule.value()?,
            rollout: self.rollout.map(|file| file.json()).transpose()?,
            allow_plain: self.plain.allow_plain,
        };
        if self.plan {
            let answer = context.client.post("/tasks/plan", &body).await?;
            return super::plan::show(context, &answer);
        }
        let key = self
            .idempotency_key
            .unwrap_or_else(|| Uuid::new_v4().to_string());
        let path = self.comment.on("/tasks");
        let answer = context.client.post_once(&path, &body, &key).await?;
        if context.out.is_json() {
            return context.out.json(&answer.raw);
        }
        let task: TaskView = answer.view()?;
        context
            .out
            .text(&format!("Created task {} ({}).", task.id, task.name))?;
        show::findings(context, &task.findings)?;
        context
            .out
            .note(&format!("`muster task start {}` starts it.", task.id));
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// Number or name of the task to copy
    task: String,
    /// The copy's name; `Copy of …` if left out
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    comment: Comment,
}

impl Copy {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let path = task_path(context, &self.task, &["copy"]).await?;
        let body = TaskCopy {
            name: self.name,
            scope: self.scope.request()?,
        };
        let answer = context.client.post(&self.comment.on(&path), &body).await?;
        if context.out.is_json() {
            return context.out.json(&answer.raw);
        }
        let task: TaskView = answer.view()?;
        context
            .out
            .text(&format!("Created task {} ({}).", task.id, task.name))?;
        show::findings(context, &task.findings)
    }
}
