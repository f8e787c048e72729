//! `translate`: for every device a command or a reason, by its profile alone.

use super::Input;
use super::rule::{
    Rule, TRANSLATE_ALONE, TRANSLATE_ANSWER, TRANSLATE_DEVICES, TRANSLATE_EXAMPLE, TRANSLATE_FACTS,
    TRANSLATE_ORDER, TRANSLATE_TOTAL,
};
use super::trial::{Failures, Trial, patiently, task_types};
use super::validate;
use crate::draw::words::Words;
use crate::draw::{Draw, profile};
use crate::{Command, Plugin, Profile, ProfileCount, Refusal, TaskType, any_error};
use serde_json::Value;

const OFTEN: u32 = 16;
/// Profiles of a batch.
const MOST_PROFILES: usize = 8;
/// Facts that agents tell of every device, and that a task type may forget to name.
const USUAL_FACTS: [&str; 14] = [
    "os",
    "os.name",
    "os.version",
    "os.id",
    "distribution",
    "distribution-version",
    "kernel",
    "host.name",
    "hostname",
    "init",
    "package-manager",
    "language",
    "user",
    "domain",
];
const FAILURES: Failures = Failures {
    total: &TRANSLATE_TOTAL,
    answer: &TRANSLATE_ANSWER,
    events: &TRANSLATE_ANSWER,
};

type Answer = Result<Command, Refusal>;

pub(super) fn run(trial: &mut Trial<'_>, plugin: &Plugin, component: &[u8]) {
    for task_type in task_types(plugin) {
        let rules = [
            &TRANSLATE_TOTAL,
            &TRANSLATE_ANSWER,
            &TRANSLATE_EXAMPLE,
            &TRANSLATE_ORDER,
            &TRANSLATE_ALONE,
            &TRANSLATE_DEVICES,
            &TRANSLATE_FACTS,
        ];
        if trial.wants_any(&rules, task_type.id.as_str()) {
            examples(trial, plugin, task_type);
            drawn(trial, plugin, task_type, &Words::of(task_type, component));
        }
    }
}

/// Asks about all profiles of an input at once.
fn ask(plugin: &Plugin, task_type: &str, input: &Input) -> Result<Vec<Answer>, crate::AskError> {
    patiently(|| plugin.translate_counted(task_type, &input.settings, &input.profiles))
}

fn examples(trial: &mut Trial<'_>, plugin: &Plugin, task_type: &TaskType) {
    let id = task_type.id.as_str();
    for example in &task_type.examples {
        trial.tried(&TRANSLATE_EXAMPLE);
        let profiles = profile::plain(plugin.description(), task_type).into_iter();
        let input = Input {
            profiles: profiles
                .map(|profile| ProfileCount {
                    profile,
                    devices: 1,
                })
                .collect(),
            ..Input::settings(&example.settings.to_value())
        };
        // A call that fails is another rule's matter.
        let Ok(answers) = ask(plugin, id, &input) else {
            continue;
        };
        if answers.iter().all(Result::is_err) {
            let why = answers.iter().find_map(|answer| answer.as_ref().err());
            let why = why
                .map(|refusal| format!(", for one: {refusal:?}"))
                .unwrap_or_default();
            let text = format!(
                "the example {:?} has a command on none of {} devices, among them plain Linux, Windows and macOS{why}",
                example.title,
                answers.len()
            );
            let input = Input {
                profiles: input.profiles.into_iter().take(1).collect(),
                ..input
            };
            trial.broken(&TRANSLATE_EXAMPLE, Some(id), text, Some(input));
        }
    }
}

fn drawn(trial: &mut Trial<'_>, plugin: &Plugin, task_type: &TaskType, words: &Words) {
    let id = task_type.id.as_str();
    let asker = Asker { plugin, task_type };
    let mut draw = trial.draw("translate", task_type);
    let all = validate::inputs(trial, plugin, task_type, words);
    for (number, settings) in (0..).zip(&all) {
        if u32::is_multiple_of(number, OFTEN) {
            trial.tell("translate", task_type, number);
        }
        if !can_be_used(plugin, id, settings) {
            continue;
        }
        let input = Input {
            profiles: profiles(&mut draw, plugin, task_type, words),
            ..Input::settings(settings)
        };
        let answer = ask(plugin, id, &input);
        FAILURES.look(trial, id, &input, &answer, |input| {
            if asker.may_be_asked(input) {
                ask(plugin, id, input)
            } else {
                Ok(Vec::new())
            }
        });
        if answer.is_err() {
            continue;
        }
        batch(trial, asker, &input);
        trial.same(&TRANSLATE_DEVICES, id, &input, |input| {
            asker.counts_devices(input)
        });
        trial.same(&TRANSLATE_FACTS, id, &input, |input| {
            asker.reads_others(input)
        });
    }
}

/// A server translates only what was accepted.
pub(super) fn can_be_used(plugin: &Plugin, task_type: &str, settings: &Value) -> bool {
    patiently(|| plugin.validate(task_type, settings)).is_ok_and(|findings| !any_error(&findings))
}

fn profiles(
    draw: &mut Draw,
    plugin: &Plugin,
    task_type: &TaskType,
    words: &Words,
) -> Vec<ProfileCount> {
    let mut all: Vec<ProfileCount> = Vec::new();
    for _ in 0..=draw.below(MOST_PROFILES) {
        let profile = profile::draw(draw, plugin.description(), task_type, words);
        // No two are alike: a server asks once for each.
        if all.iter().all(|of| of.profile != profile) {
            let devices = 1 + u32::try_from(draw.below(5000)).unwrap_or(0);
            all.push(ProfileCount { profile, devices });
        }
    }
    all
}

fn batch(trial: &mut Trial<'_>, asker: Asker<'_>, input: &Input) {
    let id = asker.task_type.id.as_str();
    if input.profiles.len() < 2 || !trial.wants_any(&[&TRANSLATE_ORDER, &TRANSLATE_ALONE], id) {
        return;
    }
    trial.tried(&TRANSLATE_ORDER);
    trial.tried(&TRANSLATE_ALONE);
    if let Some((rule, _)) = asker.in_batch(input) {
        trial.broken_by(rule, id, input, false, |input| {
            let (of, text) = asker.in_batch(input)?;
            (of == rule).then_some(text)
        });
    }
}

/// Whom to ask about what.
#[derive(Clone, Copy)]
struct Asker<'a> {
    plugin: &'a Plugin,
    task_type: &'a TaskType,
}

impl Asker<'_> {
    fn answers(&self, input: &Input) -> Option<Vec<Answer>> {
        ask(self.plugin, self.task_type.id.as_str(), input).ok()
    }

    /// Whether a server would ever ask so: about settings that were accepted, and devices as it hands
    /// them over. An input that is made smaller may be no such any more.
    fn may_be_asked(&self, input: &Input) -> bool {
        let is_profile = |of: &ProfileCount| {
            let Profile {
                platform,
                architecture,
                application_version,
                facts,
            } = &of.profile;
            let version = application_version.as_ref();
            of.devices > 0
                && !platform.is_empty()
                && !architecture.is_empty()
                && version.is_none_or(|version| self.plugin.description().manages_version(version))
                && facts.iter().map(|(name, _)| name).eq(&self.task_type.facts)
        };
        !input.profiles.is_empty()
            && input.profiles.iter().all(is_profile)
            && can_be_used(self.plugin, self.task_type.id.as_str(), &input.settings)
    }

    /// Its answers, if they can be compared: one that uses the time, or chance, may answer as it
    /// likes.
    fn steady_answers(&self, input: &Input) -> Option<Vec<Answer>> {
        let first = self.answers(input).filter(|_| self.may_be_asked(input))?;
        let is_steady =
            self.plugin.is_pure() || (0..3).all(|_| self.answers(input).as_ref() == Some(&first));
        is_steady.then_some(first)
    }

    /// What is wrong with a batch, if its answers are not those that each profile gets alone.
    fn in_batch(&self, input: &Input) -> Option<(&'static Rule, String)> {
        let together = self.steady_answers(input)?;
        let alone = |of: &ProfileCount| {
            let input = Input {
                profiles: vec![of.clone()],
                ..Input::settings(&input.settings)
            };
            self.answers(&input)?.pop()
        };
        let alone: Vec<Answer> = input.profiles.iter().map(alone).collect::<Option<_>>()?;
        let at = together
            .iter()
            .zip(&alone)
            .position(|(one, other)| one != other)?;
        let moved = together.iter().all(|answer| alone.contains(answer))
            && alone.iter().all(|answer| together.contains(answer));
        Some(if moved {
            (
                &TRANSLATE_ORDER,
                format!("profile {at} of the batch got the answer of another one"),
            )
        } else {
            (
                &TRANSLATE_ALONE,
                format!("profile {at} got another answer alone than in the batch"),
            )
        })
    }

    fn counts_devices(&self, input: &Input) -> Option<String> {
        let first = self.steady_answers(input)?;
        let with = |devices: fn(u32) -> u32| {
            let mut input = input.clone();
            input
                .profiles
                .iter_mut()
                .for_each(|of| of.devices = devices(of.devices));
            self.answers(&input)
        };
        let other: [fn(u32) -> u32; 3] =
            [|devices| devices.saturating_add(1), |_| 1, |_| 1_000_000];
        other
            .into_iter()
            .any(|other| with(other).is_some_and(|again| again != first))
            .then(|| {
                "it answers otherwise when there are more or fewer devices of the same profile"
                    .to_owned()
            })
    }

    fn reads_others(&self, input: &Input) -> Option<String> {
        let first = self.steady_answers(input)?;
        let of_others =
            task_types(self.plugin).flat_map(|other| other.facts.iter().map(String::as_str));
        let mut names: Vec<&str> = USUAL_FACTS.into_iter().chain(of_others).collect();
        names.retain(|name| self.task_type.facts.iter().all(|named| named != name));
        let with = |names: &[&str], value: &str| {
            let mut input = input.clone();
            for of in &mut input.profiles {
                let more = names
                    .iter()
                    .map(|name| ((*name).to_owned(), Some(value.to_owned())));
                of.profile.facts.extend(more);
            }
            self.answers(&input)
        };
        let reads = |names: &[&str]| {
            let mut values = ["debian", "1"].into_iter();
            values.any(|value| with(names, value).is_some_and(|again| again != first))
        };
        if !reads(&names) {
            return None;
        }
        let which = names
            .iter()
            .find(|name| reads(&[name]))
            .copied()
            .unwrap_or("one");
        Some(format!(
            "it goes by the fact {which:?}, which the task type does not name; no server hands it over"
        ))
    }
}
