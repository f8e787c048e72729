//! Author's cases: settings, profiles and reports in files, and what the plug-in must answer to them.
//!
//! Each folder is a case, and the files are those that the SDKs compare natively:
//!
//! | file | what it holds |
//! |---|---|
//! | `task.json` | `task-type`, `settings`, and a `profile` where it matters |
//! | `verdict.json` | what `validate` answers |
//! | `command.json` | what `translate` answers for the profile |
//! | `report.json` | a device's report; where it is missing, `interpret` is not asked |
//! | `outcome.json` | what `interpret` answers to the report |
//! | `budget.json` | `milliseconds` and `mebibytes` that each call of the case may take; may be missing |
//!
//! Here the component itself is asked, in the engine that servers use and with their limits. What a
//! server would not ask a plug-in, such as to validate settings that the schema refuses, is not asked
//! here either, and told.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/clamav");
//! # let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or("../../target".into());
//! # let file = std::path::Path::new(&target).join("plugins/clamav.wasm");
//! use muster_plugin_harness::{Harness, cases};
//!
//! let plugin = Harness::start()?.open(&file)?;
//! let folder = std::path::Path::new(root).join("cases");
//! let tested = cases::check(&plugin, &folder, cases::Answers::Compare)?;
//! assert!(tested.passed(), "{}", tested.text());
//! # Ok(())
//! # }
//! ```

mod file;
pub mod form;
mod told;

pub use told::{CaseCall, Tested, TestedCase};

use crate::{AskError, Finding, Function, Plugin, any_error, chain};
use file::CaseFiles;
use muster_domain::profile::ProfileCount;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// What becomes of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// They are compared with the files.
    Compare,
    /// Files that say otherwise are written anew.
    Update,
}

/// Places that are told of an answer that differs.
const MOST_DIFFERENCES: usize = 20;
/// A call over its budget of time is made so often: the least counts, as others may have had the
/// processor meanwhile.
const TRIES: usize = 5;

/// Checks every case of a folder, in the order of their names.
pub fn check(plugin: &Plugin, folder: &Path, answers: Answers) -> Result<Tested, String> {
    let mut tested = Tested::default();
    for case in file::all(folder)? {
        tested.cases.push(match case {
            Ok(case) => Run::new(plugin, &case, answers).all(),
            Err((name, why)) => TestedCase {
                name,
                faults: vec![why],
                ..TestedCase::default()
            },
        });
    }
    Ok(tested)
}

/// A case under way.
struct Run<'a> {
    plugin: &'a Plugin,
    case: &'a CaseFiles,
    answers: Answers,
    told: TestedCase,
}

impl<'a> Run<'a> {
    fn new(plugin: &'a Plugin, case: &'a CaseFiles, answers: Answers) -> Self {
        let told = TestedCase {
            name: case.name.clone(),
            ..TestedCase::default()
        };
        Self {
            plugin,
            case,
            answers,
            told,
        }
    }

    fn all(mut self) -> TestedCase {
        let (plugin, task) = (self.plugin, &self.case.task);
        let (id, settings) = (task.task_type.as_str(), &task.settings);
        if let Err(unknown) = plugin.task_type(id) {
            let why = Value::from("unknown-task-type");
            self.compare("verdict.json", &form::refused(&why));
            self.compare("command.json", &form::refused(&why));
            self.note(format!("a server would not ask the plug-in: {unknown}"));
            return self.told;
        }
        let verdict = self.ask(Function::Validate, || plugin.validate(id, settings));
        if let Some(by_schema) = verdict.as_ref().filter(|found| is_of_schema(found)) {
            self.refused_by_schema(by_schema);
            return self.told;
        }
        if let Some(findings) = verdict {
            self.compare("verdict.json", &form::findings(&findings));
        }
        let (profile, devices) = task.profile();
        let profile = [ProfileCount { profile, devices }];
        let commands = self.ask(Function::Translate, || {
            plugin.translate_counted(id, settings, &profile)
        });
        if let Some(command) = commands.and_then(|mut commands| commands.pop()) {
            self.compare("command.json", &form::command(&command));
        }
        if let Some(report) = self.case.report.as_ref().filter(|_| plugin.has_interpret()) {
            let reports = std::slice::from_ref(report);
            let outcomes = self.ask(Function::Interpret, || {
                plugin.interpret(id, settings, reports)
            });
            if let Some(outcome) = outcomes.and_then(|mut outcomes| outcomes.pop()) {
                self.compare("outcome.json", &form::outcome(&outcome));
            }
        }
        self.told
    }

    /// The schema refuses the settings. That is as the case says if it says that they are refused,
    /// by whatever words; otherwise the case is wrong, or the schema.
    fn refused_by_schema(&mut self, findings: &[Finding]) {
        let kept = self.kept("verdict.json");
        let expected = kept.as_ref().is_some_and(|kept| {
            let levels = kept.as_array().into_iter().flatten();
            let mut levels = levels.filter_map(|finding| finding.get("level"));
            levels.any(|level| level == "error") || kept.get("refused").is_some()
        });
        if expected {
            let by = findings
                .iter()
                .map(|found| format!("{} [{}]", form::place(&found.pointer), found.code));
            let by = by.collect::<Vec<_>>().join(", ");
            self.note(format!(
                "a server would not ask the plug-in: its schema refuses the settings at {by}"
            ));
        } else {
            self.compare("verdict.json", &form::findings(findings));
        }
    }

    /// Makes a call, and notes what it took. None if there is no answer.
    fn ask<T>(&mut self, function: Function, call: impl Fn() -> Result<T, AskError>) -> Option<T> {
        let plugin = self.plugin;
        plugin.forget_memory(function);
        let (answer, mut time) = timed(&call);
        let memory = plugin.cost(function).memory;
        let mut tries = 1;
        while answer.is_ok() && tries < TRIES && !self.case.budget.passed(time, 0).is_empty() {
            time = time.min(timed(&call).1);
            tries += 1;
        }
        self.told.calls.push(CaseCall {
            function: function.to_string(),
            microseconds: u64::try_from(time.as_micros()).unwrap_or(u64::MAX),
            memory,
        });
        for passed in self.case.budget.passed(time, memory) {
            self.told
                .faults
                .push(format!("{function}: {passed} (budget.json)"));
        }
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.told
                    .faults
                    .push(format!("{function}: {}", chain(&error)));
                None
            }
        }
    }

    fn kept(&mut self, name: &str) -> Option<Value> {
        match file::read(&self.case.folder.join(name)) {
            Ok(kept) => kept,
            Err(why) => {
                self.told.faults.push(why);
                None
            }
        }
    }

    fn compare(&mut self, name: &str, answer: &Value) {
        let kept = self.kept(name);
        if kept.as_ref().is_some_and(|kept| form::same(kept, answer)) {
            return;
        }
        let path = self.case.folder.join(name);
        if self.answers == Answers::Update {
            match std::fs::write(&path, format!("{answer:#}\n")) {
                Ok(()) => self.told.updated.push(name.to_owned()),
                Err(cause) => self
                    .told
                    .faults
                    .push(format!("cannot write {}: {cause}", path.display())),
            }
            return;
        }
        let fault = match kept {
            None => format!("{name} is not there, and the answer is {answer}"),
            Some(kept) => {
                let places = form::differences(&kept, answer, MOST_DIFFERENCES);
                format!("{name} says otherwise\n{}", places.join("\n"))
            }
        };
        self.told.faults.push(fault);
    }

    fn note(&mut self, note: String) {
        self.told.notes.push(note);
    }
}

/// Whether it was the schema that found these, and the plug-in was not asked.
fn is_of_schema(findings: &[Finding]) -> bool {
    any_error(findings)
        && findings
            .iter()
            .all(|found| found.code.starts_with("schema-"))
}

fn timed<T>(call: &impl Fn() -> T) -> (T, Duration) {
    let began = Instant::now();
    let answer = call();
    (answer, began.elapsed())
}
