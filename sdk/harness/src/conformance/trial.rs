//! A run of the suite: what was tried, what broke, and what a failed call is to which rule.

use super::rule::{RULES, Rule};
use super::shrink::{TRIES, shrink};
use super::{Broken, Input, RuleResult, Suite};
use crate::draw::Draw;
use crate::{AskError, CallFailure, Function, Plugin, TaskType, chain};
use std::collections::{BTreeMap, BTreeSet};

/// Times that a call is asked again which this machine kept from running.
const AGAIN: u32 = 5;

/// How far a run is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// What is tried now, such as `validate`.
    pub group: &'a str,
    /// On which task type.
    pub task_type: &'a str,
    /// Inputs that were drawn for it.
    pub done: u32,
    /// Of so many.
    pub of: u32,
}

pub(super) struct Trial<'a> {
    pub(super) suite: &'a Suite,
    results: BTreeMap<&'static str, RuleResult>,
    /// Rules that are broken for a task type: they are not tried on it any more.
    told: BTreeSet<(&'static str, Option<String>)>,
    progress: &'a mut dyn FnMut(Progress<'_>),
}

impl<'a> Trial<'a> {
    pub(super) fn new(suite: &'a Suite, progress: &'a mut dyn FnMut(Progress<'_>)) -> Self {
        let wanted = RULES
            .iter()
            .filter(|rule| suite.only.is_empty() || suite.only.iter().any(|only| only == rule.id));
        let result = |rule| RuleResult {
            rule,
            cases: 0,
            broken: Vec::new(),
        };
        Self {
            suite,
            results: wanted.map(|rule| (rule.id, result(rule))).collect(),
            told: BTreeSet::new(),
            progress,
        }
    }

    pub(super) fn into_results(self) -> BTreeMap<&'static str, RuleResult> {
        self.results
    }

    /// What inputs of a function and task type are drawn from.
    pub(super) fn draw(&self, function: &str, task_type: &TaskType) -> Draw {
        Draw::new(self.suite.seed, &format!("{function} {}", task_type.id))
    }

    pub(super) fn tell(&mut self, group: &str, task_type: &TaskType, done: u32) {
        let (task_type, of) = (task_type.id.as_str(), self.suite.cases);
        (self.progress)(Progress {
            group,
            task_type,
            done,
            of,
        });
    }

    /// Whether a rule is still to be tried on a task type.
    pub(super) fn wants(&self, rule: &Rule, task_type: Option<&str>) -> bool {
        self.results.contains_key(rule.id)
            && !self.told.contains(&(rule.id, task_type.map(str::to_owned)))
    }

    pub(super) fn wants_any(&self, rules: &[&Rule], task_type: &str) -> bool {
        rules.iter().any(|rule| self.wants(rule, Some(task_type)))
    }

    /// Whether a rule was found broken on a task type.
    pub(super) fn is_told(&self, rule: &Rule, task_type: &str) -> bool {
        self.told.contains(&(rule.id, Some(task_type.to_owned())))
    }

    /// Counts a case of a rule.
    pub(super) fn tried(&mut self, rule: &Rule) {
        if let Some(result) = self.results.get_mut(rule.id) {
            result.cases += 1;
        }
    }

    /// Tells that a rule is broken.
    pub(super) fn broken(
        &mut self,
        rule: &Rule,
        task_type: Option<&str>,
        text: impl Into<String>,
        input: Option<Input>,
    ) {
        if !self.wants(rule, task_type) {
            return;
        }
        let task_type = task_type.map(str::to_owned);
        if let Some(result) = self.results.get_mut(rule.id) {
            self.told.insert((result.rule.id, task_type.clone()));
            result.broken.push(Broken {
                task_type,
                text: text.into(),
                input,
            });
        }
    }

    /// Tells that a rule is broken by an input, made as small as it goes. `fault` says what is wrong
    /// with an input, if anything is.
    pub(super) fn broken_by(
        &mut self,
        rule: &Rule,
        task_type: &str,
        input: &Input,
        slow: bool,
        fault: impl Fn(&Input) -> Option<String>,
    ) {
        if !self.wants(rule, Some(task_type)) {
            return;
        }
        // A call that ends at its time limit takes a thousand times as long as another.
        let tries = if slow { TRIES / 30 } else { TRIES };
        let least = shrink(input, tries, |input| fault(input).is_some());
        let text = fault(&least).or_else(|| fault(input));
        let text = text.unwrap_or_else(|| "it happens now and then with this input".to_owned());
        self.broken(rule, Some(task_type), text, Some(least));
    }

    /// A rule with two sides: a question whose answers must be the same. Counts it, and tells if not.
    pub(super) fn same(
        &mut self,
        rule: &Rule,
        task_type: &str,
        input: &Input,
        fault: impl Fn(&Input) -> Option<String>,
    ) {
        if self.wants(rule, Some(task_type)) {
            self.tried(rule);
            if fault(input).is_some() {
                self.broken_by(rule, task_type, input, false, fault);
            }
        }
    }
}

/// The rules that a function's failed call can break.
#[derive(Clone, Copy)]
pub(super) struct Failures {
    /// No answer: a trap, a limit, a plug-in that says that it failed.
    pub(super) total: &'static Rule,
    /// An answer that breaks the contract.
    pub(super) answer: &'static Rule,
    /// An answer whose events do.
    pub(super) events: &'static Rule,
}

impl Failures {
    /// Which rule a failure breaks; none, if it is not the plug-in's.
    pub(super) fn rule(&self, error: &AskError) -> Option<&'static Rule> {
        let AskError::Call(error) = error else {
            return None;
        };
        match &error.failure {
            CallFailure::Invalid(why) if is_about_events(why) => Some(self.events),
            CallFailure::Invalid(_) => Some(self.answer),
            CallFailure::Trapped(_)
            | CallFailure::TimedOut { .. }
            | CallFailure::OutOfMemory { .. }
            | CallFailure::TableTooLarge { .. }
            | CallFailure::StackOverflow { .. }
            | CallFailure::AnswerTooLarge { .. }
            | CallFailure::Internal(_) => Some(self.total),
            _ => None,
        }
    }

    /// Counts a call, and tells if it failed. `ask` asks with an input.
    pub(super) fn look<T>(
        &self,
        trial: &mut Trial<'_>,
        task_type: &str,
        input: &Input,
        answer: &Result<T, AskError>,
        ask: impl Fn(&Input) -> Result<T, AskError>,
    ) {
        trial.tried(self.total);
        trial.tried(self.answer);
        if self.events != self.answer {
            trial.tried(self.events);
        }
        let Err(error) = answer else { return };
        let Some(rule) = self.rule(error) else { return };
        let slow = is_slow(error);
        trial.broken_by(rule, task_type, input, slow, |input| {
            let error = ask(input).err()?;
            (self.rule(&error) == Some(rule)).then(|| said(&error))
        });
    }
}

/// The place of a fault in an outcome's events is `3/events/0/fields`.
fn is_about_events(why: &str) -> bool {
    why.split("; ").all(|line| {
        line.split('/')
            .nth(1)
            .is_some_and(|part| part == "events" || part.starts_with("events:"))
    })
}

fn is_slow(error: &AskError) -> bool {
    matches!(error, AskError::Call(error)
        if matches!(error.failure, CallFailure::TimedOut { .. } | CallFailure::OutOfMemory { .. }))
}

/// A failure in words for the author, without the plug-in's own name.
pub(super) fn said(error: &AskError) -> String {
    match error {
        AskError::Call(error) => format!("{}: {}", error.function, error.failure),
        other => chain(other),
    }
}

/// Asks again for as long as only this machine was in the way.
pub(super) fn patiently<T>(ask: impl Fn() -> Result<T, AskError>) -> Result<T, AskError> {
    let mut answer = ask();
    for _ in 0..AGAIN {
        match &answer {
            Err(AskError::Call(error)) if error.failure.is_passing() => answer = ask(),
            _ => break,
        }
    }
    answer
}

/// The most memory that a call of a function took, and whether log lines were dropped.
pub(super) const FUNCTIONS: [Function; 5] = [
    Function::Describe,
    Function::Validate,
    Function::Translate,
    Function::Interpret,
    Function::Migrate,
];

/// Every task type of a plug-in.
pub(super) fn task_types(plugin: &Plugin) -> impl Iterator<Item = &TaskType> {
    plugin.description().task_types.iter()
}
