//! `interpret`: whatever a device sends has a meaning, and always the same one.

use super::Input;
use super::rule::{
    INTERPRET_ALONE, INTERPRET_ANSWER, INTERPRET_EVENTS, INTERPRET_ORDER, INTERPRET_TOTAL, Rule,
};
use super::translate::can_be_used;
use super::trial::{Failures, Trial, patiently, task_types};
use super::validate;
use crate::draw::words::Words;
use crate::draw::{Draw, profile, report};
use crate::{AskError, Command, Outcome, Plugin, Profile, Report, TaskType};
use serde_json::Value;

const OFTEN: u32 = 16;
/// Reports of a batch.
const MOST_REPORTS: usize = 6;
const FAILURES: Failures = Failures {
    total: &INTERPRET_TOTAL,
    answer: &INTERPRET_ANSWER,
    events: &INTERPRET_EVENTS,
};

pub(super) fn run(trial: &mut Trial<'_>, plugin: &Plugin, component: &[u8]) {
    if !plugin.has_interpret() {
        return;
    }
    for task_type in task_types(plugin) {
        let rules = [
            &INTERPRET_TOTAL,
            &INTERPRET_ANSWER,
            &INTERPRET_EVENTS,
            &INTERPRET_ORDER,
            &INTERPRET_ALONE,
        ];
        if trial.wants_any(&rules, task_type.id.as_str()) {
            one(trial, plugin, task_type, &Words::of(task_type, component));
        }
    }
}

fn ask(plugin: &Plugin, task_type: &str, input: &Input) -> Result<Vec<Outcome>, AskError> {
    patiently(|| plugin.interpret(task_type, &input.settings, &input.reports))
}

fn one(trial: &mut Trial<'_>, plugin: &Plugin, task_type: &TaskType, words: &Words) {
    let id = task_type.id.as_str();
    let mut draw = trial.draw("interpret", task_type);
    let plain = profile::plain(plugin.description(), task_type);
    let all = validate::inputs(trial, plugin, task_type, words);
    for (number, settings) in (0..).zip(&all) {
        if u32::is_multiple_of(number, OFTEN) {
            trial.tell("interpret", task_type, number);
        }
        if !can_be_used(plugin, id, settings) {
            continue;
        }
        let command = command(&mut draw, plugin, id, settings, &plain);
        let reports = (0..=draw.below(MOST_REPORTS))
            .map(|_| report::draw(&mut draw, command.as_ref(), words));
        let input = Input {
            reports: reports.collect(),
            ..Input::settings(settings)
        };
        let answer = ask(plugin, id, &input);
        FAILURES.look(trial, id, &input, &answer, |input| {
            if can_be_used(plugin, id, &input.settings) {
                ask(plugin, id, input)
            } else {
                Ok(Vec::new())
            }
        });
        if answer.is_err() {
            continue;
        }
        batch(trial, plugin, id, &input);
    }
}

/// What a device was sent, so that its reports speak of the same programs.
fn command(
    draw: &mut Draw,
    plugin: &Plugin,
    task_type: &str,
    settings: &Value,
    plain: &[Profile],
) -> Option<Command> {
    let profile = draw.one_of(plain)?;
    let asked = |profile| {
        patiently(|| plugin.translate_one(task_type, settings, profile))
            .ok()?
            .ok()
    };
    asked(profile).or_else(|| asked(plain.first()?))
}

/// Its outcomes, if they can be compared: one that uses the time, or chance, may answer as it likes.
fn steady_outcomes(plugin: &Plugin, task_type: &str, input: &Input) -> Option<Vec<Outcome>> {
    if !can_be_used(plugin, task_type, &input.settings) {
        return None;
    }
    let first = ask(plugin, task_type, input).ok()?;
    let is_steady = plugin.is_pure()
        || (0..3).all(|_| ask(plugin, task_type, input).is_ok_and(|again| again == first));
    is_steady.then_some(first)
}

fn in_batch(plugin: &Plugin, task_type: &str, input: &Input) -> Option<(&'static Rule, String)> {
    let together = steady_outcomes(plugin, task_type, input)?;
    let alone = |report: &Report| {
        let input = Input {
            reports: vec![report.clone()],
            ..Input::settings(&input.settings)
        };
        ask(plugin, task_type, &input).ok()?.pop()
    };
    let alone: Vec<Outcome> = input.reports.iter().map(alone).collect::<Option<_>>()?;
    let at = together
        .iter()
        .zip(&alone)
        .position(|(one, other)| one != other)?;
    let moved = together.iter().all(|outcome| alone.contains(outcome))
        && alone.iter().all(|outcome| together.contains(outcome));
    Some(if moved {
        (
            &INTERPRET_ORDER,
            format!("report {at} of the batch got the outcome of another one"),
        )
    } else {
        (
            &INTERPRET_ALONE,
            format!("report {at} got another outcome alone than in the batch"),
        )
    })
}

fn batch(trial: &mut Trial<'_>, plugin: &Plugin, task_type: &str, input: &Input) {
    if input.reports.len() < 2 || !trial.wants_any(&[&INTERPRET_ORDER, &INTERPRET_ALONE], task_type)
    {
        return;
    }
    trial.tried(&INTERPRET_ORDER);
    trial.tried(&INTERPRET_ALONE);
    if let Some((rule, _)) = in_batch(plugin, task_type, input) {
        trial.broken_by(rule, task_type, input, false, |input| {
            let (of, text) = in_batch(plugin, task_type, input)?;
            (of == rule).then_some(text)
        });
    }
}
