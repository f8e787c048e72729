//! Reports: what a device says came of a delivery, before the plug-in says what it means.

use crate::command::{Command, Meaning};
use crate::outcome::{Outcome, OutcomeStatus};
use serde::{Deserialize, Serialize};

/// The steps that were begun, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// One for each step that was begun.
    pub steps: Vec<StepReport>,
}

/// What came of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StepReport {
    /// The program, by the connector's name for it.
    pub program: String,
    /// How it ended.
    pub end: StepEnd,
    /// Milliseconds that it took.
    pub duration: u64,
    /// The start of its output.
    pub head: String,
    /// The end of its output, as far as `head` does not hold it.
    pub tail: String,
    /// The lines that the step asked to keep.
    pub lines: Vec<String>,
    /// How many more there were.
    pub lines_left_out: u64,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepEnd {
    /// By itself, with this exit status.
    Exited(i32),
    /// By a signal that the agent did not send.
    Signalled(i32),
    /// By the agent, at its time limit.
    TimedOut,
    /// By the agent, because somebody stopped it or its application stopped.
    Stopped,
    /// It was never started, and why.
    NotStarted(String),
}

impl Report {
    /// What the exit statuses alone say, for a plug-in that does not interpret reports, or cannot
    /// at the moment.
    pub fn outcome_by_status(&self, command: &Command) -> Outcome {
        let mut outcome = Outcome::plain(OutcomeStatus::Succeeded, "Done.");
        for (step, report) in command.steps.iter().zip(&self.steps) {
            let failed = |what: String| {
                Outcome::plain(
                    OutcomeStatus::Failed,
                    format!("{}: {what}.", report.program),
                )
            };
            match &report.end {
                StepEnd::Exited(status) => match step.meaning(*status) {
                    Meaning::Succeeded | Meaning::Done => {}
                    Meaning::NeedsRestart => outcome.needs_restart = true,
                    Meaning::Warning => {
                        outcome.status = OutcomeStatus::Warning;
                        outcome.summary = format!("{}: exit status {status}.", report.program);
                    }
                    Meaning::Failed => return failed(format!("exit status {status}")),
                },
                StepEnd::Signalled(signal) => return failed(format!("ended by signal {signal}")),
                StepEnd::TimedOut => return failed("over its time limit".into()),
                StepEnd::Stopped => return failed("stopped".into()),
                StepEnd::NotStarted(why) => return failed(format!("not started, {why}")),
            }
        }
        outcome
    }
}
