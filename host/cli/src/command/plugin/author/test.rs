//! `muster plugin test`: the author's cases, in the engine that servers use.

use super::engine::Engine;
use crate::failure::Failure;
use crate::input::write_file;
use crate::output::{Output, clean_lines};
use clap::Args;
use muster_plugin_harness::cases::{self, Answers};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// The component
    file: PathBuf,
    /// The folder of the cases
    #[arg(default_value = "cases", value_name = "DIR")]
    folder: PathBuf,
    /// Write answers anew that are not as the files say; look at the difference before you keep it
    #[arg(long)]
    update: bool,
    /// Write a report for CI systems too, in JUnit's form
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

impl Test {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let guest = Engine::start()?.open(&self.file)?;
        let answers = if self.update {
            Answers::Update
        } else {
            Answers::Compare
        };
        let tested = cases::check(guest.plugin(), &self.folder, answers).map_err(Failure::Usage)?;
        if tested.cases.is_empty() {
            return Err(Failure::Usage(format!(
                "{} holds no case: each is a folder with a task.json",
                self.folder.display()
            )));
        }
        if let Some(file) = &self.junit {
            let suite = guest.description().application.to_string();
            write_file(file, tested.to_junit(&suite).as_bytes(), 0o644)?;
        }
        if out.is_json() {
            out.json(&json!(tested))?;
        } else {
            out.whole(&clean_lines(&tested.text()))?;
        }
        if tested.passed() {
            return Ok(());
        }
        Err(Failure::Refused(format!(
            "{} of {} cases failed",
            tested.failed(),
            tested.cases.len()
        )))
    }
}
