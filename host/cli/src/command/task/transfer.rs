//! Tasks as files: export and import. An import first shows what it would do; `--commit` does it.

use super::{show, task_path};
use crate::command::Context;
use crate::command::plugin::difference;
use crate::failure::Failure;
use crate::input::{InputError, Source, write_file};
use crate::output::{Tint, cell, clean};
use crate::time::seconds;
use clap::Args;
use muster_api::task::{TaskFile, TaskImportView};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Its number or name
    task: String,
    /// Write to this file; to standard output if left out
    #[arg(long, short)]
    file: Option<PathBuf>,
}

impl Export {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let path = task_path(context, &self.task, &["export"]).await?;
        let answer = context.client.get(&path, &vec![]).await?;
        // Read for a check alone: what is written is what came, as its digest is over that.
        let file: TaskFile = answer.view()?;
        let Some(path) = self.file else {
            return context.out.json(&answer.raw);
        };
        write_file(&path, format!("{:#}\n", answer.raw).as_bytes(), 0o644)?;
        context
            .out
            .note(&format!("Wrote {} to {}.", file.task.name, path.display()));
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// A task file, as `muster task export` writes it; `-` is standard input
    file: Source,
    /// Make the task
    #[arg(long)]
    commit: bool,
}

impl Import {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let bytes = self.file.bytes()?;
        // Told here with line and column; what the file means is the server's to say.
        if let Err(cause) = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes) {
            return Err(InputError::NotJson(self.file, cause).into());
        }
        let query = vec![("commit", self.commit.to_string())];
        let answer = context
            .client
            .post_bytes("/tasks/import", &query, "application/json", bytes)
            .await?;
        let import: TaskImportView = answer.view()?;
        if context.out.is_json() {
            context.out.json(&answer.raw)?;
        } else {
            self.tell(context, &import)?;
        }
        if !import.importable || (self.commit && import.created.is_none()) {
            return Err(Failure::Refused(format!(
                "{} cannot be imported",
                self.file
            )));
        }
        if !self.commit {
            context.out.note(&format!(
                "Nothing was done yet; `muster task import {} --commit` imports it.",
                self.file
            ));
        }
        Ok(())
    }

    fn tell(&self, context: &Context, import: &TaskImportView) -> Result<(), Failure> {
        if let Some(created) = &import.created {
            context
                .out
                .text(&format!("Created task {} ({}).", created.id, created.name))?;
        } else {
            let task = &import.task;
            context
                .out
                .text(&format!("{} holds this task:", self.file))?;
            context.out.fields(vec![
                ("name", cell(task.name.clone())),
                ("application", cell(task.application.clone())),
                ("type", cell(task.task_type.clone())),
                ("where", cell(show::requested(&task.scope))),
                ("time limit", cell(seconds(task.time_limit.into()))),
                ("settings", cell(task.settings.to_string())),
            ])?;
        }
        for change in &import.changes {
            let text = format!("settings, in this plug-in's terms: {}", difference(change));
            context.out.text(&text)?;
        }
        for missing in &import.missing {
            let text = format!("missing on this server: {}", clean(missing));
            context.out.whole(&context.out.tinted(&text, Tint::Bad))?;
        }
        show::findings(context, &import.findings)
    }
}
