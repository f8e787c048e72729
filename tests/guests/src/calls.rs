//! Answers to calls, good and bad.

use crate::exports::muster::plugin::{interpret, migrate, translate, validate};
use crate::misdeeds::{aliasing_strings, give_up_if};
use crate::muster::plugin::types::{Failure, Finding, Level};
use std::sync::atomic::{AtomicU32, Ordering};

/// Counts calls, if anything survives from one to the next.
static CALLS: AtomicU32 = AtomicU32::new(0);

/// The word after `"do":`; the settings were checked by the schema, and are compact. A word such as
/// `translate:loop` is for one function, and nothing to the others.
fn word<'s>(settings: &'s str, function: &str) -> &'s str {
    let word = settings
        .split("\"do\":\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default();
    match word.split_once(':') {
        Some((of, word)) if of == function => word,
        Some(_) => "",
        None => word,
    }
}

fn finding(level: Level, text: impl Into<String>) -> Finding {
    Finding {
        level,
        pointer: "/do".into(),
        code: "said-so".into(),
        text: text.into(),
        params: vec![],
    }
}

impl validate::Guest for crate::Guest {
    fn validate(_: String, settings: String) -> Result<validate::Verdict, Failure> {
        let word = word(&settings, "validate");
        give_up_if(word);
        let findings = match word {
            "find" => vec![
                finding(Level::Error, "Bad."),
                finding(Level::Warning, "Odd."),
            ],
            "giant" => vec![finding(Level::Warning, "x".repeat(5 << 20))],
            "aliasing" => aliasing_strings()
                .map(|text| finding(Level::Warning, text))
                .collect(),
            "many" => vec![finding(Level::Warning, "x"); 1001],
            "empty-items" => (0..200_000)
                .map(|_| Finding {
                    level: Level::Notice,
                    pointer: String::new(),
                    code: String::new(),
                    text: String::new(),
                    params: vec![],
                })
                .collect(),
            "long-pointer" => vec![Finding {
                pointer: "/x".repeat(1000),
                ..finding(Level::Error, "x")
            }],
            "many-params" => vec![Finding {
                params: vec![("x".into(), "y".into()); 51],
                ..finding(Level::Error, "x")
            }],
            "count" => {
                let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
                vec![finding(Level::Notice, calls.to_string())]
            }
            "hash" => {
                let map: std::collections::HashMap<_, _> = (0..100).map(|n| (n, n)).collect();
                vec![finding(
                    Level::Notice,
                    format!("{:?}", map.keys().collect::<Vec<_>>()),
                )]
            }
            "bad-pointer" => vec![Finding {
                pointer: "do".into(),
                ..finding(Level::Error, "x")
            }],
            "bad-code" => vec![Finding {
                code: "Said So".into(),
                ..finding(Level::Error, "x")
            }],
            "no-text" => vec![finding(Level::Error, "")],
            "invalid" => return Err(Failure::Invalid(vec![finding(Level::Error, "Bad.")])),
            "invalid-without-error" => {
                return Err(Failure::Invalid(vec![finding(Level::Notice, "x")]));
            }
            "unknown-task-type" => return Err(Failure::UnknownTaskType),
            "internal" => return Err(Failure::Internal("out of ideas".into())),
            _ => vec![],
        };
        Ok(validate::Verdict { findings })
    }
}

impl translate::Guest for crate::Guest {
    fn translate(
        _: String,
        settings: String,
        profiles: Vec<translate::Profile>,
    ) -> Vec<Result<translate::Command, translate::Refusal>> {
        let word = word(&settings, "translate");
        give_up_if(word);
        let mut answers: Vec<_> = profiles
            .iter()
            .map(|profile| answer(word, profile))
            .collect();
        match word {
            "twice" => answers.push(answers[0].clone()),
            "not-at-all" => drop(answers.pop()),
            // So that none is left in its place.
            "swapped" => answers.rotate_left(1),
            "looks-at-neighbours" => {
                let text = format!("among {} in {word}", profiles.len());
                for answer in answers.iter_mut().flatten() {
                    let value = translate::Value::Literal(text.clone());
                    answer.steps[0].arguments.push(value);
                }
            }
            _ => {}
        }
        answers
    }
}

fn answer(
    word: &str,
    profile: &translate::Profile,
) -> Result<translate::Command, translate::Refusal> {
    let mut step = step(profile);
    match word {
        "unsupported" => return Err(translate::Refusal::Unsupported("Not here.".into())),
        "refuse-invalid" => {
            return Err(translate::Refusal::Invalid(vec![finding(
                Level::Error,
                "Bad here.",
            )]));
        }
        "refuse-without-error" => return Err(translate::Refusal::Invalid(vec![])),
        "counts-devices" => {
            let devices = translate::Value::Literal(profile.devices.to_string());
            step.arguments.push(devices);
        }
        "path" => step.program = "/bin/sh".into(),
        "program-newline" => step.program = "act\nrm".into(),
        "program-empty" => step.program = String::new(),
        "progress-huge-regex" => {
            step.progress = Some(translate::ProgressRule {
                pattern: "(?<percent>((a{999}){999}){999})".into(),
                role: translate::ProgressRole::Report,
            });
        }
        "keep-many-lines" => step.keep.most_lines = u32::MAX,
        "zero-byte-in-environment" => step.environment[0].1 = literal("a\0b"),
        "environment-name-newline" => step.environment[0].0 = "A\nB".into(),
        "environment-twice" => step.environment.push(("A".into(), literal("again"))),
        "environment-preload" => step
            .environment
            .push(("LD_PRELOAD".into(), literal("/tmp/x.so"))),
        "environment-path" => step.environment.push(("PATH".into(), literal("/tmp"))),
        "many-arguments" => step.arguments = vec![literal("x"); 1001],
        "long-argument" => step.arguments.push(literal(&"x".repeat(200_000))),
        "long-input" => step.standard_input = Some(literal(&"x".repeat(1_100_000))),
        "large-command" if profile.devices == 1 => {
            step.arguments = vec![literal(&"x".repeat(100_000)); 25];
        }
        "secret-without-name" => step.arguments.push(translate::Value::Secret("".into())),
        "no-time" => step.time_limit = Some(0),
        "endless-time" => step.time_limit = Some(u32::MAX),
        "status-backwards" => step.statuses[0].last = -1,
        "statuses-many" => step.statuses = vec![step.statuses[0].clone(); 301],
        "bad-regex" => step.keep.lines = Some("(".into()),
        "huge-regex" => step.keep.lines = Some("((a{999}){999}){999}".into()),
        "progress-without-group" => {
            step.progress = Some(translate::ProgressRule {
                pattern: "x".into(),
                role: translate::ProgressRole::Report,
            });
        }
        "keep-much" => step.keep.head = u32::MAX,
        "zero-byte" => step
            .arguments
            .push(translate::Value::Literal("a\0b".into())),
        "giant" => step.standard_input = Some(translate::Value::Literal("x".repeat(5 << 20))),
        _ => {}
    }
    let steps = match word {
        "no-steps" => vec![],
        "33-steps" => vec![step; 33],
        _ => vec![step],
    };
    Ok(translate::Command {
        steps,
        more: vec![],
    })
}

fn literal(text: &str) -> translate::Value {
    translate::Value::Literal(text.into())
}

fn step(profile: &translate::Profile) -> translate::Step {
    let (fact, value) = &profile.facts[0];
    translate::Step {
        program: "act".into(),
        arguments: vec![translate::Value::Literal(format!(
            "--{fact}={}",
            value.as_deref().unwrap_or("none")
        ))],
        environment: vec![
            ("A".into(), literal(&profile.platform)),
            // Devices on one machine differ in this alone.
            (
                "VERSION".into(),
                literal(profile.application_version.as_deref().unwrap_or("none")),
            ),
        ],
        standard_input: None,
        time_limit: Some(60),
        statuses: vec![translate::StatusMeaning {
            first: 0,
            last: 1,
            meaning: translate::Meaning::Warning,
        }],
        progress: Some(translate::ProgressRule {
            pattern: "(?<percent>[0-9]+)%".into(),
            role: translate::ProgressRole::Report,
        }),
        keep: translate::KeptOutput {
            head: 100,
            tail: 100,
            lines: Some("FOUND$".into()),
            most_lines: 10,
        },
        more: vec![],
    }
}

impl interpret::Guest for crate::Guest {
    fn interpret(
        _: String,
        settings: String,
        reports: Vec<interpret::Report>,
    ) -> Vec<interpret::Outcome> {
        let word = word(&settings, "interpret");
        give_up_if(word);
        let mut outcomes: Vec<_> = reports.iter().map(|report| outcome(word, report)).collect();
        match word {
            "twice" => outcomes.push(outcomes[0].clone()),
            "not-at-all" => drop(outcomes.pop()),
            "swapped" => outcomes.rotate_left(1),
            _ => {}
        }
        outcomes
    }
}

fn outcome(word: &str, report: &interpret::Report) -> interpret::Outcome {
    let step = &report.steps[0];
    let mut event = interpret::Event {
        event_type: "found".into(),
        text: format!("{} of {} lines.", step.lines.len(), step.lines_left_out),
        fields: r#"{"file": "/x"}"#.into(),
    };
    match word {
        "unknown-event" => event.event_type = "lost".into(),
        "bad-fields" => event.fields = r#"{"file": 1, "more": 2}"#.into(),
        "deep-fields" => event.fields = "[".repeat(100_000),
        "no-text" => event.text.clear(),
        _ => {}
    }
    interpret::Outcome {
        status: interpret::OutcomeStatus::Warning,
        needs_restart: true,
        summary: if word == "long-summary" {
            "x".repeat(1001)
        } else {
            format!("{:?}", step.end)
        },
        events: if word == "many-events" {
            vec![event; 10_001]
        } else {
            vec![event]
        },
        more: vec![],
    }
}

impl migrate::Guest for crate::Guest {
    fn migrate(_: String, from_version: u32, settings: String) -> Result<String, Failure> {
        let word = word(&settings, "migrate");
        give_up_if(word);
        match word {
            "deep-settings" => Ok(format!(
                "{}{}",
                r#"{"do":"#.repeat(10_000),
                "}".repeat(10_000)
            )),
            "large-settings" => Ok(format!(r#"{{"do": "{}"}}"#, "x".repeat(2_000_000))),
            "rubbish" => Ok("{".into()),
            "against-schema" => Ok(r#"{"do": 1}"#.into()),
            "invalid" => Err(Failure::Invalid(vec![finding(Level::Error, "Bad.")])),
            "internal" => Err(Failure::Internal("out of ideas".into())),
            _ => Ok(format!(r#"{{"do": "was-{from_version}"}}"#)),
        }
    }
}
