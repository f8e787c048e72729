//! `muster apply`: the server becomes as files say. `muster export`: files to begin with.

use super::files::{files, of_file};
use super::{Asked, Outcome, Plan};
use crate::command::Context;
use crate::failure::Failure;
use crate::input::{Source, write_file};
use crate::output::Output;
use clap::Args;
use muster_api::objects::ObjectsFile;
use muster_domain::text::counted;
use serde_json::value::RawValue;
use serde_json::{Map, json};
use std::path::PathBuf;

pub(crate) const EXAMPLES: &str = "\
Examples:
  muster export --file office.json              everything that is there, to begin with
  muster apply --file office.json --plan        what would change, and what was changed by hand
  muster apply --file tasks/ --prune --yes      a folder of files; what they made before and say no longer goes
  Files are JSON or TOML; docs/export.md has the form. With --plan the exit status is 0 if nothing would
  change and 6 if something would.";

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// A file of objects, or a folder of them: .json, .toml; `-` is standard input. May be given several
    /// times
    #[arg(long, short, value_name = "FILE", required = true)]
    file: Vec<Source>,
    /// Remove what these files made before and say no longer
    #[arg(long)]
    prune: bool,
    /// The name of this set of files. What one set made, another one does not touch
    #[arg(long, value_name = "NAME", default_value = "default")]
    owner: String,
    #[command(flatten)]
    plan: Plan,
}

impl Apply {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut parts = Vec::new();
        for source in &self.file {
            for file in files(source)? {
                let read = of_file(&file)?;
                let name = json!(file.to_string());
                parts.push(format!("{{\"name\":{name},\"content\":{}}}", read.get()));
            }
        }
        let all = RawValue::from_string(format!("[{}]", parts.join(",")))
            .map_err(|cause| Failure::Usage(format!("the files are no JSON together: {cause}")))?;
        let mut body = Map::new();
        body.insert("owner".into(), json!(self.owner));
        body.insert("prune".into(), json!(self.prune));
        let asked = Asked {
            path: "/objects",
            body,
            raw: vec![("files", all)],
            question: "Make the server so?",
        };
        match self.plan.carry_out(context, &asked).await? {
            Outcome::Planned => Err(Failure::WouldChange),
            Outcome::Done | Outcome::Nothing => Ok(()),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Write to this file; to standard output if left out
    #[arg(long, short)]
    file: Option<PathBuf>,
    /// Print the JSON Schema of such files, for editors; no server is asked
    #[arg(long, conflicts_with = "file")]
    pub(crate) schema: bool,
}

impl Export {
    /// The form of such files.
    pub(crate) fn schema(out: &Output) -> Result<(), Failure> {
        out.json(&ObjectsFile::json_schema())
    }

    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let answer = context.client.get("/objects", &vec![]).await?;
        // Read for a check alone: what is written is what came.
        let file: ObjectsFile = answer.view()?;
        let Some(path) = self.file else {
            return context.out.json(&answer.raw);
        };
        write_file(&path, format!("{:#}\n", answer.raw).as_bytes(), 0o644)?;
        context.out.note(&format!(
            "Wrote {}, {}, {} and {} to {}.",
            counted(file.groups.len() as u64, "group"),
            counted(file.selections.len() as u64, "selection"),
            counted(file.windows.len() as u64, "window"),
            counted(file.tasks.len() as u64, "task"),
            path.display()
        ));
        Ok(())
    }
}
