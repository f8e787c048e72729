//! Tasks as files: export and import. An import shows its plan before anything is done.

use super::find;
use crate::client::Query;
use crate::command::Context;
use crate::command::objects::{Asked, Plan, mapping, of_file};
use crate::failure::Failure;
use crate::input::{Source, write_file};
use clap::{Args, ValueEnum};
use muster_api::objects::{NamesTaken, ObjectsFile};
use muster_domain::text::counted;
use serde_json::{Map, json};
use std::path::PathBuf;

pub(super) const EXPORT_EXAMPLES: &str = "\
Examples:
  muster task export 3 'Nightly scan' --file scans.json
  muster task export --group /Office --file office.json
  Groups are in it by path, devices and selections by name, and no secrets; docs/export.md has the form.";

pub(super) const IMPORT_EXAMPLES: &str = "\
Examples:
  muster task import scans.json --plan
  muster task import scans.json --names rename --map-group /Office=/Branch --map-device pc-1=desk-7
  muster task import scans.json --map moved.toml --accept sha256:1f0c…     the plan that was shown, and no other
  All of it is done, or nothing; docs/export.md says what may stand in the way and what helps.";

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Their numbers or names
    #[arg(required_unless_present_any = ["all", "group"])]
    tasks: Vec<String>,
    /// Every task
    #[arg(long, conflicts_with_all = ["tasks", "group"])]
    all: bool,
    /// The tasks for this group, and for groups below it, by number or path
    #[arg(long, conflicts_with = "tasks")]
    group: Option<String>,
    /// Write to this file; to standard output if left out
    #[arg(long, short)]
    file: Option<PathBuf>,
}

impl Export {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut query: Query<'_> = Vec::new();
        if !self.tasks.is_empty() {
            let mut numbers = Vec::with_capacity(self.tasks.len());
            for task in &self.tasks {
                numbers.push(find(context, task).await?.to_string());
            }
            query.push(("tasks", numbers.join(",")));
        }
        query.extend(self.group.map(|group| ("group", group)));
        let answer = context.client.get("/tasks/export", &query).await?;
        // Read for a check alone: what is written is what came.
        let file: ObjectsFile = answer.view()?;
        let Some(path) = self.file else {
            return context.out.json(&answer.raw);
        };
        write_file(&path, format!("{:#}\n", answer.raw).as_bytes(), 0o644)?;
        let count = counted(file.tasks.len() as u64, "task");
        context
            .out
            .note(&format!("Wrote {count} to {}.", path.display()));
        Ok(())
    }
}

/// What becomes of tasks whose names are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Names {
    /// Refuse the import until somebody says which it is to be
    Refuse,
    /// Give them the next free name: `Nightly scan (2)`
    Rename,
    /// Leave them out; what names them means the task that is there
    Skip,
    /// Make the task that is there as the file says
    Replace,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// A file of tasks, as `muster task export` writes it, in JSON or TOML; `-` is standard input
    file: Source,
    /// What becomes of tasks whose names are taken; refuse, if nothing is said
    #[arg(long, value_enum)]
    names: Option<Names>,
    /// Another name for a task of the file; may be given several times
    #[arg(long, value_name = "NAME=NEW")]
    rename: Vec<String>,
    /// Which group stands here for one of the file and those below it, by path; may be given several
    /// times
    #[arg(long, value_name = "GROUP=HERE")]
    map_group: Vec<String>,
    /// Which device stands here for one of the file; may be given several times
    #[arg(long, value_name = "DEVICE=HERE")]
    map_device: Vec<String>,
    /// Which selection stands here for one of the file; may be given several times
    #[arg(long, value_name = "SELECTION=HERE")]
    map_selection: Vec<String>,
    /// Which task stands here for one that the file names and does not hold, by name or number; may be
    /// given several times
    #[arg(long, value_name = "TASK=HERE")]
    map_task: Vec<String>,
    /// All that as a file, in JSON or TOML: `names`, `rename`, `groups`, `devices`, `selections`, `tasks`
    #[arg(long, value_name = "FILE")]
    map: Option<Source>,
    #[command(flatten)]
    plan: Plan,
}

impl Import {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let names = self.names.map(|names| match names {
            Names::Refuse => NamesTaken::Refuse,
            Names::Rename => NamesTaken::Rename,
            Names::Skip => NamesTaken::Skip,
            Names::Replace => NamesTaken::Replace,
        });
        let given: [(&[String], &str); 5] = [
            (&self.rename, "--rename"),
            (&self.map_group, "--map-group"),
            (&self.map_device, "--map-device"),
            (&self.map_selection, "--map-selection"),
            (&self.map_task, "--map-task"),
        ];
        let mapping = mapping(self.map.as_ref(), names, given)?;
        let mut body = Map::new();
        body.insert("mapping".into(), json!(mapping));
        let asked = Asked {
            path: "/tasks/import",
            body,
            raw: vec![("file", of_file(&self.file)?)],
            question: "Import these tasks?",
        };
        self.plan.carry_out(context, &asked).await?;
        Ok(())
    }
}
