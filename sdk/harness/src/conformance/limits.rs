//! Limits, with room to spare, and what an administrator may deny.

use super::Input;
use super::rule::{CAPABILITY_DENIED, LOG_MODEST, MEMORY_HEADROOM, TIME_HEADROOM};
use super::trial::{FUNCTIONS, Trial, patiently, said, task_types};
use crate::draw::profile;
use crate::{
    Function, Grants, Harness, Plugin, ProfileCount, Report, StepEnd, StepReport, TaskType, chain,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Of its limit, in percent.
const MOST_MEMORY: u64 = 75;
const MOST_TIME: u32 = 50;
/// Times that something is measured; the shortest counts, since other work only makes it longer.
const MEASURED: u32 = 5;
/// Profiles, or reports, in one call that is measured. A server asks about up to ten times as many.
const BATCH: usize = 100;

pub(super) fn run(
    trial: &mut Trial<'_>,
    harness: &Harness,
    plugin: &Plugin,
    component: &Arc<[u8]>,
) {
    for task_type in task_types(plugin) {
        time(trial, plugin, task_type);
    }
    used(trial, plugin);
    denied(trial, harness, plugin, component);
}

/// What all calls of this run took at most.
fn used(trial: &mut Trial<'_>, plugin: &Plugin) {
    for function in FUNCTIONS {
        let cost = plugin.cost(function);
        if cost.calls == 0 {
            continue;
        }
        trial.tried(&MEMORY_HEADROOM);
        trial.tried(&LOG_MODEST);
        // One that was refused memory is told by the rule for the function.
        if cost.memory * 100 > cost.memory_limit * MOST_MEMORY && cost.memory <= cost.memory_limit {
            trial.broken(
                &MEMORY_HEADROOM,
                None,
                format!(
                    "a call of {function} took {} MiB of memory, and may have {} MiB",
                    cost.memory >> 20,
                    cost.memory_limit >> 20,
                ),
                None,
            );
        }
        if cost.log_dropped > 0 {
            trial.broken(
                &LOG_MODEST,
                None,
                format!(
                    "calls of {function} logged {} bytes more than are kept; a call has 64 KiB",
                    cost.log_dropped
                ),
                None,
            );
        }
    }
}

fn time(trial: &mut Trial<'_>, plugin: &Plugin, task_type: &TaskType) {
    let id = task_type.id.as_str();
    let profiles = profile::plain(plugin.description(), task_type)
        .into_iter()
        .cycle()
        .take(BATCH);
    let profiles: Vec<ProfileCount> = profiles
        .map(|profile| ProfileCount {
            profile,
            devices: 1,
        })
        .collect();
    for example in &task_type.examples {
        let settings = example.settings.to_value();
        look(trial, plugin, id, Function::Validate, &|| {
            plugin.validate(id, &settings).is_ok()
        });
        look(trial, plugin, id, Function::Translate, &|| {
            plugin.translate_counted(id, &settings, &profiles).is_ok()
        });
        let Some(report) =
            reported(plugin, id, &settings, &profiles).filter(|_| plugin.has_interpret())
        else {
            continue;
        };
        let reports = vec![report; BATCH];
        look(trial, plugin, id, Function::Interpret, &|| {
            plugin.interpret(id, &settings, &reports).is_ok()
        });
    }
}

fn look(
    trial: &mut Trial<'_>,
    plugin: &Plugin,
    task_type: &str,
    function: Function,
    ask: &dyn Fn() -> bool,
) {
    if !trial.wants(&TIME_HEADROOM, Some(task_type)) {
        return;
    }
    trial.tried(&TIME_HEADROOM);
    let mut least = Duration::MAX;
    for _ in 0..MEASURED {
        let began = Instant::now();
        // A call that fails is another rule's matter.
        if !ask() {
            return;
        }
        least = least.min(began.elapsed());
    }
    let limit = plugin.cost(function).time_limit;
    if is_over(least, limit) {
        let batch = if function == Function::Validate {
            String::new()
        } else {
            format!(" about {BATCH}")
        };
        trial.broken(&TIME_HEADROOM, Some(task_type), format!(
            "a call of {function}{batch} with an example took {} ms at best, and may take {} ms",
            least.as_millis(), limit.as_millis(),
        ), None);
    }
}

fn is_over(time: Duration, limit: Duration) -> bool {
    time * 100 > limit * MOST_TIME
}

/// A report of a device on which all went well.
fn reported(
    plugin: &Plugin,
    task_type: &str,
    settings: &serde_json::Value,
    profiles: &[ProfileCount],
) -> Option<Report> {
    let answers = plugin
        .translate_counted(task_type, settings, profiles)
        .ok()?;
    let command = answers.into_iter().find_map(Result::ok)?;
    let steps = command.steps.into_iter().map(|step| StepReport {
        program: step.program,
        end: StepEnd::Exited(0),
        duration: 1000,
        head: String::new(),
        tail: String::new(),
        lines: Vec::new(),
        lines_left_out: 0,
    });
    Some(Report {
        steps: steps.collect(),
    })
}

/// An administrator grants no capability.
fn denied(trial: &mut Trial<'_>, harness: &Harness, plugin: &Plugin, component: &Arc<[u8]>) {
    let Grants {
        limits,
        capabilities,
    } = plugin.asked_for();
    if capabilities.is_empty() || !trial.wants(&CAPABILITY_DENIED, None) {
        return;
    }
    trial.tried(&CAPABILITY_DENIED);
    let grants = Grants {
        limits,
        ..Grants::default()
    };
    let without = match harness.load_granted(Arc::clone(component), grants) {
        Ok(without) => without,
        // With all that it asks for its examples were validated.
        Err(error) => {
            let text = format!("without its capabilities: {}", chain(&error));
            return trial.broken(&CAPABILITY_DENIED, None, text, None);
        }
    };
    for task_type in task_types(&without) {
        let id = task_type.id.as_str();
        let profiles = profile::plain(plugin.description(), task_type);
        for example in &task_type.examples {
            trial.tried(&CAPABILITY_DENIED);
            let settings = example.settings.to_value();
            let fails = |of: &Plugin| patiently(|| of.translate(id, &settings, &profiles)).err();
            // With all that it asks for it must have answered, or another rule is broken.
            if let Some(error) = fails(&without)
                && fails(plugin).is_none()
            {
                let input = Input::settings(&settings);
                trial.broken(&CAPABILITY_DENIED, Some(id), said(&error), Some(input));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_over;
    use std::time::Duration;

    #[test]
    fn half_of_the_limit_is_room_enough() {
        let (half, more) = (Duration::from_millis(125), Duration::from_micros(125_001));
        let limit = Duration::from_millis(250);
        assert!(!is_over(half, limit));
        assert!(is_over(more, limit));
    }
}
