//! What a plug-in of major version 1 exports, in the words of the domain.

use super::bindings::exports::muster::plugin::{describe, interpret, migrate, translate, validate};
use super::bindings::muster::plugin::types;
use crate::call::CallState;
use crate::plugin::Refusal;
use muster_domain::command::{
    Command, KeptOutput, Meaning, ProgressRole, ProgressRule, StatusMeaning, Step, Value,
};
use muster_domain::finding::{Finding, Level};
use muster_domain::outcome::OutcomeStatus;
use muster_domain::profile::ProfileCount;
use muster_domain::report::{Report, StepEnd};
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

/// Where a plug-in's functions are, found once.
#[derive(Clone)]
pub(crate) struct Exports {
    describe: describe::GuestIndices,
    validate: validate::GuestIndices,
    translate: translate::GuestIndices,
    interpret: Option<interpret::GuestIndices>,
    migrate: Option<migrate::GuestIndices>,
}

/// Why a guest gave no answer, in its own words.
#[derive(Debug)]
pub(crate) enum Declined {
    UnknownTaskType,
    Invalid(Vec<Finding>),
    Internal(String),
}

/// An outcome as the guest gives it: its events are not checked.
pub(crate) struct RawOutcome {
    pub(crate) status: OutcomeStatus,
    pub(crate) needs_restart: bool,
    pub(crate) summary: String,
    pub(crate) events: Vec<RawEvent>,
}

/// An event as the guest gives it.
pub(crate) struct RawEvent {
    pub(crate) event_type: String,
    pub(crate) text: String,
    pub(crate) fields: String,
}

impl Exports {
    /// Finds the functions. Interfaces are told apart by whether they are there.
    pub(crate) fn find(pre: &InstancePre<CallState>) -> wasmtime::Result<Self> {
        Ok(Self {
            describe: describe::GuestIndices::new(pre)?,
            validate: validate::GuestIndices::new(pre)?,
            translate: translate::GuestIndices::new(pre)?,
            interpret: interpret::GuestIndices::new(pre).ok(),
            migrate: migrate::GuestIndices::new(pre).ok(),
        })
    }

    pub(crate) fn has_interpret(&self) -> bool {
        self.interpret.is_some()
    }

    pub(crate) fn has_migrate(&self) -> bool {
        self.migrate.is_some()
    }

    /// Whether every function has the shape that the contract gives it.
    pub(crate) fn check_shapes(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
    ) -> wasmtime::Result<()> {
        self.describe.load(&mut *store, instance)?;
        self.validate.load(&mut *store, instance)?;
        self.translate.load(&mut *store, instance)?;
        if let Some(interpret) = &self.interpret {
            interpret.load(&mut *store, instance)?;
        }
        if let Some(migrate) = &self.migrate {
            migrate.load(&mut *store, instance)?;
        }
        Ok(())
    }

    pub(crate) fn describe(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
    ) -> wasmtime::Result<describe::Description> {
        self.describe
            .load(&mut *store, instance)?
            .call_describe(store)
    }

    pub(crate) fn validate(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        task_type: &str,
        settings: &str,
    ) -> wasmtime::Result<Result<Vec<Finding>, Declined>> {
        let guest = self.validate.load(&mut *store, instance)?;
        let verdict = guest.call_validate(store, task_type, &settings.to_owned())?;
        Ok(verdict
            .map(|verdict| findings(verdict.findings))
            .map_err(Into::into))
    }

    pub(crate) fn translate(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        task_type: &str,
        settings: &str,
        profiles: &[ProfileCount],
    ) -> wasmtime::Result<Vec<Result<Command, Refusal>>> {
        let guest = self.translate.load(&mut *store, instance)?;
        let facts: Vec<Vec<(&str, Option<&str>)>> = profiles
            .iter()
            .map(|of| {
                of.profile
                    .facts
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_deref()))
                    .collect()
            })
            .collect();
        let profiles: Vec<translate::Profile<'_>> = profiles
            .iter()
            .zip(&facts)
            .map(|(of, facts)| translate::Profile {
                platform: &of.profile.platform,
                architecture: &of.profile.architecture,
                application_version: of.profile.application_version.as_deref(),
                facts,
                devices: of.devices,
            })
            .collect();
        let answers = guest.call_translate(store, task_type, &settings.to_owned(), &profiles)?;
        Ok(answers
            .into_iter()
            .map(|answer| answer.map(command).map_err(refusal))
            .collect())
    }

    /// None if the plug-in has no such function.
    pub(crate) fn interpret(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        task_type: &str,
        settings: &str,
        reports: &[Report],
    ) -> wasmtime::Result<Option<Vec<RawOutcome>>> {
        let Some(indices) = &self.interpret else {
            return Ok(None);
        };
        let guest = indices.load(&mut *store, instance)?;
        let lines: Vec<Vec<Vec<&str>>> = reports
            .iter()
            .map(|report| {
                report
                    .steps
                    .iter()
                    .map(|step| step.lines.iter().map(String::as_str).collect())
                    .collect()
            })
            .collect();
        let steps: Vec<Vec<interpret::StepReport<'_>>> = reports
            .iter()
            .zip(&lines)
            .map(|(report, lines)| {
                report
                    .steps
                    .iter()
                    .zip(lines)
                    .map(|(step, lines)| step_report(step, lines))
                    .collect()
            })
            .collect();
        let reports: Vec<interpret::Report<'_>> = steps
            .iter()
            .map(|steps| interpret::Report { steps, more: &[] })
            .collect();
        let outcomes = guest.call_interpret(store, task_type, &settings.to_owned(), &reports)?;
        Ok(Some(outcomes.into_iter().map(outcome).collect()))
    }

    /// None if the plug-in has no such function.
    pub(crate) fn migrate(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        task_type: &str,
        from_version: u32,
        settings: &str,
    ) -> wasmtime::Result<Option<Result<String, Declined>>> {
        let Some(indices) = &self.migrate else {
            return Ok(None);
        };
        let guest = indices.load(&mut *store, instance)?;
        let answer = guest.call_migrate(store, task_type, from_version, &settings.to_owned())?;
        Ok(Some(answer.map_err(Into::into)))
    }
}

impl From<types::Failure> for Declined {
    fn from(failure: types::Failure) -> Self {
        match failure {
            types::Failure::UnknownTaskType => Self::UnknownTaskType,
            types::Failure::Invalid(found) => Self::Invalid(findings(found)),
            types::Failure::Internal(text) => Self::Internal(sentence(&text)),
        }
    }
}

/// A sentence for people. It may quote what a device or an administrator said, so what steers in it is
/// taken out rather than held against the plug-in.
fn sentence(text: &str) -> String {
    muster_domain::text::plain(text).into_owned()
}

fn findings(found: Vec<types::Finding>) -> Vec<Finding> {
    found
        .into_iter()
        .map(|finding| Finding {
            level: match finding.level {
                types::Level::Error => Level::Error,
                types::Level::Warning => Level::Warning,
                types::Level::Notice => Level::Notice,
            },
            pointer: finding.pointer,
            code: finding.code,
            text: sentence(&finding.text),
            params: finding.params,
        })
        .collect()
}

fn refusal(refusal: translate::Refusal) -> Refusal {
    match refusal {
        translate::Refusal::Unsupported(reason) => Refusal::Unsupported(sentence(&reason)),
        translate::Refusal::UnknownTaskType => {
            Refusal::Internal("it does not know a task type that it described".to_owned())
        }
        translate::Refusal::Invalid(found) => Refusal::Invalid(findings(found)),
        translate::Refusal::Internal(text) => Refusal::Internal(sentence(&text)),
    }
}

fn command(command: translate::Command) -> Command {
    Command {
        steps: command.steps.into_iter().map(step).collect(),
        more: command.more,
    }
}

fn step(step: translate::Step) -> Step {
    Step {
        program: step.program,
        arguments: step.arguments.into_iter().map(value).collect(),
        environment: step
            .environment
            .into_iter()
            .map(|(name, text)| (name, value(text)))
            .collect(),
        standard_input: step.standard_input.map(value),
        time_limit: step.time_limit,
        statuses: step.statuses.into_iter().map(status_meaning).collect(),
        progress: step.progress.map(progress_rule),
        keep: KeptOutput {
            head: step.keep.head,
            tail: step.keep.tail,
            lines: step.keep.lines,
            most_lines: step.keep.most_lines,
        },
        more: step.more,
    }
}

fn value(value: translate::Value) -> Value {
    match value {
        translate::Value::Literal(text) => Value::Literal(text),
        translate::Value::Secret(name) => Value::Secret(name),
    }
}

fn status_meaning(range: translate::StatusMeaning) -> StatusMeaning {
    let meaning = match range.meaning {
        translate::Meaning::Succeeded => Meaning::Succeeded,
        translate::Meaning::Warning => Meaning::Warning,
        translate::Meaning::Failed => Meaning::Failed,
        translate::Meaning::NeedsRestart => Meaning::NeedsRestart,
        translate::Meaning::Done => Meaning::Done,
    };
    StatusMeaning {
        first: range.first,
        last: range.last,
        meaning,
    }
}

fn progress_rule(wit: translate::ProgressRule) -> ProgressRule {
    let role = match wit.role {
        translate::ProgressRole::Report => ProgressRole::Report,
        translate::ProgressRole::CountTotal => ProgressRole::CountTotal,
        translate::ProgressRole::CountDone => ProgressRole::CountDone,
    };
    ProgressRule {
        pattern: wit.pattern,
        role,
    }
}

fn step_report<'a>(
    step: &'a muster_domain::report::StepReport,
    lines: &'a [&'a str],
) -> interpret::StepReport<'a> {
    interpret::StepReport {
        program: &step.program,
        end: match &step.end {
            StepEnd::Exited(status) => interpret::StepEnd::Exited(*status),
            StepEnd::Signalled(signal) => interpret::StepEnd::Signalled(*signal),
            StepEnd::TimedOut => interpret::StepEnd::TimedOut,
            StepEnd::Stopped => interpret::StepEnd::Stopped,
            StepEnd::NotStarted(why) => interpret::StepEnd::NotStarted(why),
        },
        duration: step.duration,
        head: &step.head,
        tail: &step.tail,
        lines,
        lines_left_out: step.lines_left_out,
    }
}

fn outcome(outcome: interpret::Outcome) -> RawOutcome {
    RawOutcome {
        status: match outcome.status {
            interpret::OutcomeStatus::Succeeded => OutcomeStatus::Succeeded,
            interpret::OutcomeStatus::Warning => OutcomeStatus::Warning,
            interpret::OutcomeStatus::Failed => OutcomeStatus::Failed,
        },
        needs_restart: outcome.needs_restart,
        summary: outcome.summary,
        events: outcome
            .events
            .into_iter()
            .map(|event| RawEvent {
                event_type: event.event_type,
                text: event.text,
                fields: event.fields,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_settings_may_be_shown() {
        let tricks = "a\u{1b}]0;x\u{7}\u{202e}b";
        let found = vec![types::Finding {
            level: types::Level::Error,
            pointer: "/a".to_owned(),
            code: "x".to_owned(),
            text: tricks.to_owned(),
            params: vec![("value".to_owned(), tricks.to_owned())],
        }];
        let [finding] = findings(found).try_into().unwrap();
        assert_eq!(finding.text, "a\u{fffd}]0;x\u{fffd}\u{fffd}b");
        assert_eq!(finding.params[0].1, tricks);
        let unsupported = refusal(translate::Refusal::Unsupported(tricks.to_owned()));
        assert!(matches!(unsupported, Refusal::Unsupported(text) if text == finding.text));
    }
}
