//! Commands that a plug-in returns: a device is to carry them out, so they are within bounds.

use super::Faults;
use super::description::MOST_TIME;
use super::pattern::{Patterns, Use};
use muster_domain::command::{Command, ProgressRole, Step, Value};
use std::collections::BTreeSet;

/// Steps of a command.
const MOST_STEPS: usize = 32;
/// Arguments, or environment variables, of a step.
const MOST_VALUES: usize = 1000;
/// Bytes of one argument or variable: what Linux takes, less the closing zero.
const MOST_VALUE: usize = (128 << 10) - 1;
/// Bytes of standard input.
const MOST_INPUT: usize = 1 << 20;
/// Bytes of all texts of a command.
const MOST_COMMAND: usize = 2 << 20;
/// Bytes of output kept at either end.
const MOST_KEPT: u32 = 64 << 10;
/// Lines of output kept.
const MOST_LINES: u32 = 10_000;

/// Says which secrets a command wants that the settings do not name: a plug-in hands on what it was
/// given, and chooses nothing from the vault by itself.
pub(crate) fn check_secrets(
    faults: &mut Faults,
    place: &str,
    command: &Command,
    named: &BTreeSet<String>,
) {
    for name in command.secrets().filter(|name| !name.is_empty()) {
        if !named.contains(name) {
            faults.add(
                place,
                format_args!("the command wants secret {name:?}, which the settings do not name"),
            );
        }
    }
}

/// Says all that is wrong with a command.
pub(crate) fn check(faults: &mut Faults, place: &str, command: &Command, patterns: &Patterns) {
    let steps = &command.steps;
    if steps.is_empty() {
        faults.add(&format!("{place}/steps"), "a command has at least one step");
    }
    faults.count(&format!("{place}/steps"), steps, MOST_STEPS);
    faults.more(&format!("{place}/more"), &command.more);
    for (number, step) in steps.iter().enumerate().take(MOST_STEPS) {
        check_step(faults, &format!("{place}/steps/{number}"), step, patterns);
    }
    let size: usize = steps.iter().map(step_size).sum();
    if size > MOST_COMMAND {
        faults.add(
            place,
            format_args!("the command has {size} bytes; at most {MOST_COMMAND} are taken"),
        );
    }
}

fn check_step(faults: &mut Faults, place: &str, step: &Step, patterns: &Patterns) {
    if !is_program(&step.program) {
        faults.add(
            &format!("{place}/program"),
            format_args!(
                "{:?} is no name of a program: letters, digits, and hyphens, dots, underscores and plus signs within, at most 64 bytes. A plug-in names no paths; the connector on the device knows them",
                step.program
            ),
        );
    }
    faults.count(&format!("{place}/arguments"), &step.arguments, MOST_VALUES);
    for (number, argument) in step.arguments.iter().enumerate().take(MOST_VALUES) {
        if let Value::Secret(name) = argument
            && !name.is_empty()
        {
            faults.add(
                &format!("{place}/arguments/{number}"),
                "a secret is no argument: every user of a device sees the arguments of what runs there. Hand it over by standard input, or in the environment",
            );
            continue;
        }
        check_value(faults, argument, MOST_VALUE, || {
            format!("{place}/arguments/{number}")
        });
    }
    faults.count(
        &format!("{place}/environment"),
        &step.environment,
        MOST_VALUES,
    );
    faults.unique(
        &format!("{place}/environment"),
        step.environment.iter().map(|(name, _)| name.as_str()),
    );
    for (name, value) in step.environment.iter().take(MOST_VALUES) {
        if name.is_empty()
            || name.len() > 256
            || name.contains('=')
            || name.contains(char::is_control)
        {
            faults.add(
                &format!("{place}/environment"),
                format_args!("{name:?} is no name of a variable"),
            );
        } else if decides_what_runs(name) {
            faults.add(
                &format!("{place}/environment"),
                format_args!("{name:?} decides which code a program runs, and that is the say of the device's owner"),
            );
        }
        check_value(faults, value, MOST_VALUE, || {
            format!("{place}/environment/{name}")
        });
    }
    if let Some(input) = &step.standard_input {
        check_secret_and_length(faults, input, MOST_INPUT, || {
            format!("{place}/standard-input")
        });
    }
    if let Some(limit) = step.time_limit
        && (limit == 0 || limit > MOST_TIME)
    {
        faults.add(
            &format!("{place}/time-limit"),
            format_args!("{limit} s is no time limit; it is 1 to {MOST_TIME} s"),
        );
    }
    check_statuses(faults, place, step);
    check_output(faults, place, step, patterns);
    faults.more(&format!("{place}/more"), &step.more);
}

fn check_statuses(faults: &mut Faults, place: &str, step: &Step) {
    faults.count(&format!("{place}/statuses"), &step.statuses, 300);
    for range in &step.statuses {
        if range.first > range.last {
            faults.add(
                &format!("{place}/statuses"),
                format_args!(
                    "{} to {} is no range: it ends before it begins",
                    range.first, range.last
                ),
            );
        }
    }
}

fn check_output(faults: &mut Faults, place: &str, step: &Step, patterns: &Patterns) {
    if let Some(rule) = &step.progress {
        let usage = if rule.role == ProgressRole::Report {
            Use::Progress
        } else {
            Use::Lines
        };
        if let Err(fault) = patterns.check(&rule.pattern, usage) {
            faults.add(&format!("{place}/progress"), fault);
        }
    }
    if let Some(pattern) = &step.keep.lines
        && let Err(fault) = patterns.check(pattern, Use::Lines)
    {
        faults.add(&format!("{place}/keep/lines"), fault);
    }
    for (end, bytes) in [("head", step.keep.head), ("tail", step.keep.tail)] {
        if bytes > MOST_KEPT {
            faults.add(
                &format!("{place}/keep/{end}"),
                format_args!("{bytes} bytes are asked for; at most {MOST_KEPT} are kept"),
            );
        }
    }
    if step.keep.most_lines > MOST_LINES {
        faults.add(
            &format!("{place}/keep/most-lines"),
            format_args!(
                "{} lines are asked for; at most {MOST_LINES} are kept",
                step.keep.most_lines
            ),
        );
    }
}

/// The place is made only where there is a fault: a batch has many values, and few faults.
fn check_value(faults: &mut Faults, value: &Value, most: usize, place: impl Fn() -> String) {
    if let Value::Literal(text) = value
        && text.contains('\0')
    {
        faults.add(&place(), "a zero byte cannot be given to a program");
    }
    check_secret_and_length(faults, value, most, place);
}

fn check_secret_and_length(
    faults: &mut Faults,
    value: &Value,
    most: usize,
    place: impl Fn() -> String,
) {
    match value {
        Value::Literal(text) if text.len() > most => faults.length(&place(), text, most),
        Value::Secret(name)
            if name.is_empty() || name.len() > 100 || name.contains(char::is_control) =>
        {
            faults.add(&place(), format_args!("{name:?} is no name of a secret"));
        }
        _ => {}
    }
}

/// Variables by which the system's loader and shells choose other code than the connector named.
fn decides_what_runs(name: &str) -> bool {
    name.starts_with("LD_")
        || name.starts_with("DYLD_")
        || ["PATH", "GCONV_PATH", "BASH_ENV", "ENV", "IFS"].contains(&name)
}

fn is_program(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._+".contains(&byte))
}

fn step_size(step: &Step) -> usize {
    let size = |value: &Value| match value {
        Value::Literal(text) | Value::Secret(text) => text.len(),
    };
    step.arguments.iter().map(size).sum::<usize>()
        + step
            .environment
            .iter()
            .map(|(name, value)| name.len() + size(value))
            .sum::<usize>()
        + step.standard_input.as_ref().map_or(0, size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_domain::command::{KeptOutput, Meaning, ProgressRule, StatusMeaning};

    fn step() -> Step {
        Step {
            program: "clamscan".into(),
            arguments: vec![],
            environment: vec![],
            standard_input: None,
            time_limit: None,
            statuses: vec![],
            progress: None,
            keep: KeptOutput {
                head: 0,
                tail: 0,
                lines: None,
                most_lines: 0,
            },
            more: vec![],
        }
    }

    fn faults(change: impl FnOnce(&mut Step)) -> Vec<String> {
        let mut step = step();
        change(&mut step);
        let mut faults = Faults::default();
        check(
            &mut faults,
            "c",
            &Command {
                steps: vec![step],
                more: vec![],
            },
            &Patterns::default(),
        );
        faults.into_lines()
    }

    fn one_fault_at(place: &str, change: impl FnOnce(&mut Step)) {
        let faults = faults(change);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(
            faults[0].starts_with(&format!("c/steps/0/{place}: ")),
            "{faults:?}"
        );
    }

    #[test]
    fn a_plain_step_is_well() {
        assert!(faults(|_| {}).is_empty());
    }

    #[test]
    fn each_thing_that_can_be_wrong_is_told_with_its_place() {
        one_fault_at("program", |step| step.program = "/bin/sh".into());
        one_fault_at("program", |step| step.program = "../sh".into());
        one_fault_at("program", |step| step.program = String::new());
        one_fault_at("arguments/0", |step| {
            step.arguments = vec![Value::Literal("a\0b".into())];
        });
        one_fault_at("arguments/0", |step| {
            step.arguments = vec![Value::Secret(String::new())];
        });
        one_fault_at("arguments/0", |step| {
            step.arguments = vec![Value::Secret("proxy".into())];
        });
        one_fault_at("arguments", |step| {
            step.arguments = vec![Value::Literal(String::new()); 1001];
        });
        one_fault_at("environment", |step| {
            step.environment = vec![("A=B".into(), Value::Literal(String::new()))];
        });
        for name in ["A\nB", "LD_PRELOAD", "DYLD_INSERT_LIBRARIES", "PATH"] {
            one_fault_at("environment", |step| {
                step.environment = vec![(name.into(), Value::Literal(String::new()))];
            });
        }
        one_fault_at("time-limit", |step| step.time_limit = Some(u32::MAX));
        one_fault_at("standard-input", |step| {
            step.standard_input = Some(Value::Literal("x".repeat(MOST_INPUT + 1)));
        });
        one_fault_at("time-limit", |step| step.time_limit = Some(0));
        one_fault_at("statuses", |step| {
            step.statuses = vec![StatusMeaning {
                first: 2,
                last: 1,
                meaning: Meaning::Done,
            }];
        });
        one_fault_at("progress", |step| {
            step.progress = Some(ProgressRule {
                pattern: "x".into(),
                role: ProgressRole::Report,
            });
        });
        one_fault_at("keep/lines", |step| step.keep.lines = Some("(".into()));
        one_fault_at("keep/head", |step| step.keep.head = MOST_KEPT + 1);
        one_fault_at("keep/most-lines", |step| {
            step.keep.most_lines = MOST_LINES + 1;
        });
    }

    #[test]
    fn a_command_wants_the_secrets_that_its_settings_name() {
        let mut step = step();
        step.environment = vec![("A".into(), Value::Secret("proxy".into()))];
        step.standard_input = Some(Value::Secret("other".into()));
        let command = Command {
            steps: vec![step],
            more: vec![],
        };
        let mut faults = Faults::default();
        check(&mut faults, "0", &command, &Patterns::default());
        check_secrets(&mut faults, "0", &command, &["proxy".to_owned()].into());
        let faults = faults.into_lines();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains("\"other\""), "{faults:?}");
    }

    #[test]
    fn a_command_has_one_to_32_steps() {
        for (count, good) in [(0, false), (1, true), (32, true), (33, false)] {
            let mut faults = Faults::default();
            let command = Command {
                steps: vec![step(); count],
                more: vec![],
            };
            check(&mut faults, "c", &command, &Patterns::default());
            assert_eq!(faults.is_empty(), good, "{count}");
        }
    }
}
