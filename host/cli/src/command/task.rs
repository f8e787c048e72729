//! Tasks: what can be done with them, and the shorter ones of those.

pub(crate) mod change;
mod comment;
mod create;
mod plan;
mod revision;
mod schedule;
mod scope;
mod show;
pub(crate) use schedule::text as schedule_text;
pub(crate) use show::findings;
mod transfer;
pub(crate) mod types;

use crate::client::{Query, path};
use crate::command::{Context, confirm, user};
use crate::failure::Failure;
use crate::output::clean;
use crate::watch;
use clap::Subcommand;
use muster_api::run::RunView;
use muster_api::task::TaskView;
use muster_domain::text::counted;
use serde_json::json;

/// Told where settings can be given.
const SETTINGS_HELP: &str = "\
Settings:
  --settings FILE reads a JSON object; `-` is standard input. --set changes single settings after
  that, in the order in which they are given:
    --set limit=10               a value that is valid JSON is taken as JSON
    --set mode=quick             anything else is a string
    --set 'name=\"10\"'            a string that looks like JSON is quoted
    --set archives.enabled=true  a dotted path; what is missing on the way is made
    --set 'paths[]=/home'        appends to a list
    --set 'paths[0]=/srv'        an item of a list, counted from 0
    --set /a.b/c~1d=1            a JSON Pointer, for names with dots or slashes
  What a setting means is checked by the application's plug-in, on the server. `muster task types`
  shows all settings of a task type.";

fn help() -> String {
    format!("{SETTINGS_HELP}\n\n{}", schedule::SCHEDULE_HELP)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Show task types and their settings
    Types {
        /// The application, such as net.clamav.clamav; all if left out
        application: Option<String>,
    },
    /// Create a task
    #[command(after_help = help())]
    Create(create::Create),
    /// List tasks
    List {
        /// Only for this application
        #[arg(long)]
        application: Option<String>,
        /// Only of this task type
        #[arg(long = "type", value_name = "TYPE")]
        task_type: Option<String>,
        /// At most so many
        #[arg(long, short = 'n', value_name = "N")]
        limit: Option<usize>,
    },
    /// Show a task and its settings
    Show {
        /// Its number or name
        task: String,
    },
    /// Change a task's settings, schedule, rollout, name or time limit
    #[command(after_help = help())]
    Set(change::Set),
    /// Show what a task will do: who is in its scope, where it cannot be done, its next starts
    Plan {
        /// Its number or name
        task: String,
    },
    /// Start a task
    Start {
        /// Its number or name
        task: String,
        /// Watch the run until it ends
        #[arg(long, short)]
        watch: bool,
        /// While watching, show running devices too
        #[arg(long, requires = "watch")]
        devices: bool,
        /// Start whatever the maintenance windows and blackouts of its devices say
        #[arg(long)]
        despite_windows: bool,
    },
    /// Approve a destructive task that another administrator made, so that it may start
    Approve {
        /// Its number or name
        task: String,
        /// The revision that you looked at; the newest if left out
        #[arg(long, value_name = "N")]
        revision: Option<u32>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Stop the runs of a task that are under way
    Stop {
        /// Its number or name
        task: String,
    },
    /// Copy a task
    Copy(create::Copy),
    /// Write tasks as a file
    #[command(after_help = transfer::EXPORT_EXAMPLES)]
    Export(transfer::Export),
    /// Make tasks of a file; what it would do is shown first
    #[command(after_help = transfer::IMPORT_EXAMPLES)]
    Import(transfer::Import),
    /// Delete a task
    Delete {
        /// Its number or name
        task: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Show all revisions of a task's settings, schedule and rollout
    Revisions {
        /// Its number or name
        task: String,
    },
    /// Show what users of devices asked for of a local task, and what became of it
    UserChanges {
        /// Its number or name; the number also of one that was deleted
        task: String,
    },
    /// Show what differs between two revisions of a task
    Compare {
        /// Its number or name
        task: String,
        /// A revision
        from: u32,
        /// Another one; the newest if left out
        to: Option<u32>,
    },
    /// Give a task the settings, schedule and rollout that it had in a revision
    Rollback {
        /// Its number or name
        task: String,
        /// The revision
        revision: u32,
        #[command(flatten)]
        comment: comment::Comment,
    },
}

impl Task {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Types { application } => types::run(context, application).await,
            Self::Create(create) => create.run(context).await,
            Self::List {
                application,
                task_type,
                limit,
            } => show::list(context, application, task_type, limit).await,
            Self::Show { task } => show::one(context, &task).await,
            Self::Set(set) => set.run(context).await,
            Self::Plan { task } => plan::of_task(context, &task).await,
            Self::Start {
                task,
                watch,
                devices,
                despite_windows,
            } => {
                let run = start(context, &task, watch, despite_windows).await?;
                match run {
                    Some(run) if watch => watch::watch(context, run, devices).await,
                    _ => Ok(()),
                }
            }
            Self::Approve {
                task,
                revision,
                yes,
            } => revision::approve(context, &task, revision, yes).await,
            Self::Stop { task } => stop(context, &task).await,
            Self::Copy(copy) => copy.run(context).await,
            Self::Export(export) => export.run(context).await,
            Self::Import(import) => import.run(context).await,
            Self::Delete { task, yes } => delete(context, &task, yes).await,
            Self::Revisions { task } => show::revisions(context, &task).await,
            Self::UserChanges { task } => {
                let place = match task.parse::<i64>() {
                    Ok(_) => path(&["tasks", &task, "user-changes"]),
                    Err(_) => task_path(context, &task, &["user-changes"]).await?,
                };
                user::changes(context, &place).await
            }
            Self::Compare { task, from, to } => revision::compare(context, &task, from, to).await,
            Self::Rollback {
                task,
                revision,
                comment,
            } => revision::roll_back(context, &task, revision, &comment).await,
        }
    }
}

/// The number of a task that is given by number or by name. Names need not be unique, so one that
/// several tasks have names none.
pub(crate) async fn find(context: &Context, task: &str) -> Result<i64, Failure> {
    if let Ok(number) = task.parse() {
        return Ok(number);
    }
    let query: Query<'_> = Vec::new();
    let tasks: Vec<TaskView> = context.client.list("/tasks", &query, None).await?.view()?;
    let named: Vec<i64> = tasks
        .iter()
        .filter(|of| of.name == task)
        .map(|of| of.id)
        .collect();
    match named.as_slice() {
        [one] => Ok(*one),
        [] => Err(Failure::NotFound(format!(
            "there is no task {:?}; `muster task list` shows all",
            clean(task)
        ))),
        several => {
            let numbers: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(Failure::Usage(format!(
                "{} tasks are named {:?}: {}; give the number",
                several.len(),
                clean(task),
                numbers.join(", ")
            )))
        }
    }
}

/// The path of a task, and of something below it.
async fn task_path(context: &Context, task: &str, below: &[&str]) -> Result<String, Failure> {
    let number = find(context, task).await?.to_string();
    Ok(path(&[&["tasks", number.as_str()], below].concat()))
}

/// Starts a task, and gives the number of the run where it was told of.
async fn start(
    context: &Context,
    task: &str,
    watch: bool,
    despite_windows: bool,
) -> Result<Option<i64>, Failure> {
    let path = task_path(context, task, &["start"]).await?;
    let path = format!("{path}?despite_windows={despite_windows}");
    let answer = context.client.post(&path, &json!({})).await?;
    if context.out.is_json() && !watch {
        context.out.json(&answer.raw)?;
        return Ok(None);
    }
    let run: RunView = answer.view()?;
    if context.out.is_json() {
        context.out.json_line(&answer.raw)?;
    } else {
        context.out.text(&format!(
            "Started run {} of {} on {}.",
            run.id,
            run.task_name,
            counted(run.total, "device")
        ))?;
    }
    if !watch {
        context
            .out
            .note(&format!("`muster run watch {}` watches it.", run.id));
    }
    Ok(Some(run.id))
}

async fn stop(context: &Context, task: &str) -> Result<(), Failure> {
    let path = task_path(context, task, &["stop"]).await?;
    let answer = context.client.post(&path, &json!({})).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let line = watch::line(&answer.view()?);
    context
        .out
        .text(&format!("{}.", super::run::capital(&line)))
}

async fn delete(context: &Context, task: &str, yes: bool) -> Result<(), Failure> {
    let path = task_path(context, task, &[]).await?;
    confirm(yes, &format!("Delete task {task}, with its revisions?"))?;
    let answer = context.client.delete(&path).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    context.out.text(&format!("Deleted task {task}."))
}
