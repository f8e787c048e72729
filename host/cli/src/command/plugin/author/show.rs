//! `muster plugin form` and `muster plugin docs`: what administrators will see of a plug-in.

use super::engine::{Engine, Guest, first_example, usual_profile};
use super::form;
use super::reference::{Platforms, page};
use crate::command::settings::fields;
use crate::failure::Failure;
use crate::input::write_file;
use crate::output::{Output, clean_lines};
use clap::Args;
use muster_domain::application::TaskType;
use muster_domain::profile::ProfileCount;
use muster_plugin_harness::Refusal;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Platforms that a page tells of.
const PLATFORMS: [&str; 3] = ["linux", "windows", "macos"];

#[derive(Debug, Args)]
pub(crate) struct Form {
    /// The component
    file: PathBuf,
    /// The task type; all of them if left out
    #[arg(value_name = "TASK_TYPE")]
    task_type: Option<String>,
}

impl Form {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let guest = Engine::start()?.open(&self.file)?;
        let chosen: Vec<&TaskType> = match &self.task_type {
            Some(id) => {
                let found = guest.plugin().task_type(id);
                vec![found.map_err(|error| Failure::NotFound(error.to_string()))?]
            }
            None => guest.description().task_types.iter().collect(),
        };
        if out.is_json() {
            let forms: Vec<Value> = chosen
                .iter()
                .map(|one| json!({ "task_type": one.id, "title": one.title, "fields": fields(&one.settings_schema) }))
                .collect();
            return out.json(&Value::Array(forms));
        }
        let drawn: Vec<String> = chosen.into_iter().map(form::drawn).collect();
        out.whole(&clean_lines(&drawn.join("\n\n")))
    }
}

#[derive(Debug, Args)]
pub(crate) struct Docs {
    /// The component
    file: PathBuf,
    /// Write to this file; to standard output if left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Docs {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let guest = Engine::start()?.open(&self.file)?;
        let platforms: Vec<Platforms<'_>> = guest
            .description()
            .task_types
            .iter()
            .map(|task_type| platforms(&guest, task_type))
            .collect();
        let text = page(guest.description(), &platforms);
        match &self.out {
            Some(file) => Ok(write_file(file, text.as_bytes(), 0o644)?),
            None => out.whole(&clean_lines(text.trim_end())),
        }
    }
}

/// What the plug-in says of each platform, asked with the task type's first example. A device that
/// tells none of the facts may get another answer; only the platform's own refusal is told.
fn platforms<'g>(guest: &Guest, task_type: &'g TaskType) -> Platforms<'g> {
    let settings = first_example(task_type);
    let answers = PLATFORMS.iter().filter_map(|platform| {
        let profile = ProfileCount {
            profile: usual_profile(task_type, platform),
            devices: 1,
        };
        let (answer, _) = guest.translate(task_type.id.as_str(), &settings, &profile);
        let refused = match answer.ok()? {
            Ok(_) => None,
            Err(Refusal::Unsupported(why)) => Some(why),
            Err(_) => return None,
        };
        Some(((*platform).to_owned(), refused))
    });
    Platforms {
        task_type: task_type.id.as_str(),
        answers: answers.collect(),
    }
}
