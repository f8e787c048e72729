//! `migrate`: settings of every earlier version become settings of today's.

use super::Input;
use super::rule::{MIGRATE_ANSWER, MIGRATE_STEADY, MIGRATE_TOTAL};
use super::trial::{Failures, Trial, patiently, task_types};
use super::validate;
use crate::draw::settings;
use crate::draw::words::Words;
use crate::{AskError, Finding, Plugin, Settings, TaskType};
use serde_json::json;

const FAILURES: Failures = Failures {
    total: &MIGRATE_TOTAL,
    answer: &MIGRATE_ANSWER,
    events: &MIGRATE_ANSWER,
};
/// Earlier versions that are tried, the latest ones.
const MOST_VERSIONS: u32 = 20;

pub(super) fn run(trial: &mut Trial<'_>, plugin: &Plugin, component: &[u8]) {
    if !plugin.has_migrate() {
        return;
    }
    for task_type in task_types(plugin).filter(|task_type| task_type.schema_version > 1) {
        if trial.wants_any(
            &[&MIGRATE_TOTAL, &MIGRATE_ANSWER, &MIGRATE_STEADY],
            task_type.id.as_str(),
        ) {
            one(trial, plugin, task_type, &Words::of(task_type, component));
        }
    }
}

type Migrated = Result<Settings, Vec<Finding>>;

fn ask(plugin: &Plugin, task_type: &str, input: &Input) -> Result<Migrated, AskError> {
    let from = input.from_version.unwrap_or(1);
    patiently(|| plugin.migrate(task_type, from, &input.settings))
}

fn one(trial: &mut Trial<'_>, plugin: &Plugin, task_type: &TaskType, words: &Words) {
    let id = task_type.id.as_str();
    let latest = task_type.schema_version;
    let mut draw = trial.draw("migrate", task_type);
    // What an earlier schema let through is not known any more: today's settings, and any others.
    let mut all = validate::inputs(trial, plugin, task_type, words);
    all.push(json!({}));
    for _ in 0..trial.suite.cases / 2 {
        all.push(settings::any(&mut draw, words));
    }
    for settings in &all {
        let back =
            1 + u32::try_from(draw.below((latest - 1).min(MOST_VERSIONS) as usize)).unwrap_or(0);
        let input = Input {
            from_version: Some(latest - back),
            ..Input::settings(settings)
        };
        let in_range = |input: &Input| {
            input
                .from_version
                .is_some_and(|from| (1..latest).contains(&from))
        };
        let answer = ask(plugin, id, &input);
        FAILURES.look(trial, id, &input, &answer, |input| {
            if in_range(input) {
                ask(plugin, id, input)
            } else {
                Ok(Err(Vec::new()))
            }
        });
        if answer.is_ok() {
            trial.same(&MIGRATE_STEADY, id, &input, |input| {
                let first = ask(plugin, id, input).ok().filter(|_| in_range(input))?;
                (0..3)
                    .any(|_| ask(plugin, id, input).is_ok_and(|again| again != first))
                    .then(|| "it made two things of the same settings".to_owned())
            });
        }
    }
}
