//! `muster plugin run`: one call, to see what comes back.

mod call;
mod replay;

use super::engine::{Engine, Guest, with_log};
use crate::command::task::change::SettingsArgs;
use crate::failure::Failure;
use crate::input::Source;
use crate::output::{Output, clean_lines};
use call::{Answered, Call, Question};
use clap::{Args, ValueEnum};
use muster_plugin_harness::cases::form;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Places that are shown of two answers that differ.
const MOST_DIFFERENCES: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Function {
    Describe,
    Validate,
    Translate,
    Interpret,
    Migrate,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The component
    file: PathBuf,
    /// What is asked of it
    #[arg(value_enum, required_unless_present = "replay")]
    function: Option<Function>,
    /// The task type; it may be left out if the plug-in has one
    #[arg(long, short = 't', value_name = "ID")]
    task_type: Option<String>,
    #[command(flatten)]
    settings: SettingsArgs,
    /// For translate: the device, as JSON like `profile` in a case's task.json; `-` is standard input
    #[arg(long, value_name = "FILE")]
    profile: Option<Source>,
    /// For translate: the device's platform, if there is no --profile
    #[arg(long, value_name = "NAME", default_value = "linux")]
    platform: String,
    /// For translate: a fact about the device; may be given again
    #[arg(long, value_name = "NAME=VALUE", value_parser = fact)]
    fact: Vec<(String, String)>,
    /// For interpret: the device's report, as JSON like a case's report.json
    #[arg(long, value_name = "FILE")]
    report: Option<Source>,
    /// For migrate: the version of the schema that the settings follow
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    from_version: u32,
    /// Ask another build the same, and tell where the answers differ
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Make a call again that a server exported; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["function", "task_type", "profile", "report", "settings", "set"])]
    replay: Option<Source>,
}

fn fact(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Run {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let exported = self.replay.as_ref().map(replay::read).transpose()?;
        let engine = match &exported {
            Some(call) => Engine::with_limits(call.limits.memory, call.limits.time)?,
            None => Engine::start()?,
        };
        let guest = engine.open(&self.file)?;
        let call = match exported {
            Some(call) => replay::call(call, &guest, out)?,
            None => self.call(&guest)?,
        };
        let answered = with_log(|| call.ask(&guest));
        let Some(against) = &self.against else {
            return tell(out, &answered);
        };
        let other = call.ask(&engine.open(against)?);
        compare(out, &answered, &other, &against.display().to_string())
    }

    fn call(&self, guest: &Guest) -> Result<Call, Failure> {
        let Some(function) = self.function else {
            return Err(Failure::Usage(
                "say what is asked: describe, validate, …".into(),
            ));
        };
        if function == Function::Describe {
            return Ok(Call::describe());
        }
        let described = guest.description();
        let task_type = match (&self.task_type, described.task_types.as_slice()) {
            (Some(task_type), _) => task_type.clone(),
            (None, [one]) => one.id.to_string(),
            (None, several) => {
                let known: Vec<&str> = several.iter().map(|one| one.id.as_str()).collect();
                let text = format!("say which task type with --task-type: {}", known.join(", "));
                return Err(Failure::Usage(text));
            }
        };
        let settings = self.settings.on(json!({}))?;
        let question = match function {
            Function::Describe | Function::Validate => Question::Validate,
            Function::Migrate => Question::Migrate(self.from_version),
            Function::Interpret => {
                let report = self.report.as_ref().ok_or_else(|| {
                    Failure::Usage("interpret needs a report: --report FILE".into())
                })?;
                Question::Interpret(call::report(report.json()?, &report.to_string())?)
            }
            Function::Translate => {
                let profile = match &self.profile {
                    Some(profile) => profile.json()?,
                    None => json!({
                        "platform": self.platform,
                        "architecture": "x86_64",
                        "facts": self.facts(guest, &task_type)?,
                    }),
                };
                Question::Translate(call::profile(profile)?)
            }
        };
        Ok(Call::new(task_type, settings, question))
    }

    /// Exactly the facts that the task type reads, in its order.
    fn facts(&self, guest: &Guest, task_type: &str) -> Result<Value, Failure> {
        let known = guest.plugin().no_facts(task_type).unwrap_or_default();
        let is_known = |name: &String| known.iter().any(|(known, _)| known == name);
        if let Some((stranger, _)) = self.fact.iter().find(|(name, _)| !is_known(name)) {
            let known: Vec<&str> = known.iter().map(|(name, _)| &**name).collect();
            return Err(Failure::Usage(match known.as_slice() {
                [] => format!("{task_type} reads no facts, so {stranger} would change nothing"),
                some => format!(
                    "{task_type} reads no fact {stranger}, but {}",
                    some.join(", ")
                ),
            }));
        }
        let given = |name: &String| self.fact.iter().find(|(given, _)| given == name);
        let facts = known
            .iter()
            .map(|(name, _)| json!([name, given(name).map(|(_, value)| value)]));
        Ok(facts.collect())
    }
}

fn tell(out: &Output, answered: &Answered) -> Result<(), Failure> {
    if out.is_json() {
        out.json(&answered.json())?;
    } else if let Some(answer) = &answered.answer {
        out.whole(&clean_lines(&format!("{answer:#}")))?;
        out.note(&answered.cost());
    } else {
        out.note(&answered.cost());
    }
    answered.result()
}

fn compare(out: &Output, one: &Answered, other: &Answered, name: &str) -> Result<(), Failure> {
    let value = |answered: &Answered| match (&answered.answer, &answered.failure) {
        (Some(answer), _) => answer.clone(),
        (None, failure) => json!({ "failed": failure }),
    };
    let differences = form::differences(&value(other), &value(one), MOST_DIFFERENCES);
    if out.is_json() {
        out.json(&json!({ "one": one.json(), "other": other.json(), "differences": differences }))?;
    } else {
        out.note(&format!(
            "this build: {}\n{name}: {}",
            one.cost(),
            other.cost()
        ));
        if differences.is_empty() {
            out.text("Both answer the same.")?;
        }
        for difference in &differences {
            out.text(difference)?;
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(Failure::Refused(format!(
        "the answers differ from those of {name}"
    )))
}
