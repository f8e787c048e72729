//! Execute: a command becomes processes, and their ends become a report.
//!
//! `deliver` decides when; here is how. All that is noted here is the process that leads each
//! group; what a command came to is given back, and `deliver` commits it.

pub(crate) mod control;
pub(crate) mod group;
mod mask;
mod output;
pub(crate) mod prepare;
pub(crate) mod probe;
pub mod progress;
pub(crate) mod step;

use crate::store::{Store, delivery};
use control::{Control, Ending, Stopwatch};
use mask::Mask;
use muster_agent_protocol::message::End;
use muster_agent_protocol::secret::Values;
use muster_domain::RunId;
use muster_domain::command::Meaning;
use muster_domain::report::{Report, StepEnd, StepReport};
use output::{Allowance, Kept, Output};
use prepare::Prepared;
use progress::{Board, Progress};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What carries commands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Executor {
    /// Processes of the device.
    Processes,
    /// Nothing: every step exits with 0 at once. For measuring the way there and back alone.
    Pretended,
}

/// What a command at work needs to know.
pub(crate) struct Work {
    pub(crate) run: RunId,
    pub(crate) steps: Vec<Prepared>,
    /// All that the steps need; wiped when the command is over.
    pub(crate) secrets: Values,
    pub(crate) limit: Duration,
    pub(crate) grace: Duration,
    /// Name and value of a variable by which leftover processes are known.
    pub(crate) mark: (String, String),
    pub(crate) board: Arc<Board>,
    pub(crate) store: Arc<Store>,
}

impl Work {
    /// Notes who leads the group of a step, so that an agent that comes after this one can end it.
    async fn note_leader(&self, name: &str) {
        let noted = async {
            let mut connection = self.store.acquire().await?;
            delivery::set_leader(&mut connection, self.run, name).await
        };
        // The variable in its environment tells as much, only less exactly.
        if let Err(cause) = noted.await {
            tracing::warn!(run = %self.run, cause = muster_domain::chain(&cause), "cannot note the process of a step");
        }
        muster_crash_point::reach("agent.process-started");
    }
}

/// Carries a command out. None if the agent ends in the middle.
pub(crate) async fn execute(
    work: Work,
    mut control: watch::Receiver<Control>,
) -> Option<(End, Report)> {
    let mut report = Report::default();
    let mut allowance = Allowance::new();
    let mut clock = Stopwatch::new(work.limit);
    let mut progress = Progress::new(work.board.clone(), work.run);
    let count = work.steps.len();
    // Of all steps: one may put out what another one was given.
    let mask = Arc::new(Mask::new(&work.secrets));
    for (place, step) in work.steps.iter().enumerate() {
        if let Err(ending) = Control::until_run(&mut control).await {
            return Some((end_of(ending)?, report));
        }
        clock.go();
        let begun = Instant::now();
        let output = Output::new(
            &step.keep,
            step.lines.clone(),
            progress.with_rule(step.progress.clone()),
        )
        .masked(mask.clone());
        let (end, by, output) = match step::start(step, &work.secrets, &work.mark) {
            Err(cause) => {
                let why = format!("{} cannot be started: {cause}", step.path.display());
                (StepEnd::NotStarted(why), None, output)
            }
            Ok(started) => {
                work.note_leader(&started.group.name()).await;
                let (ended, output) =
                    step::follow(started, step, output, &mut control, &mut clock, work.grace).await;
                (ended.end, ended.by, output)
            }
        };
        muster_crash_point::reach("agent.process-ended");
        clock.halt();
        let (kept, rest) = output.finish();
        progress = rest;
        let goes_on = matches!(&end, StepEnd::Exited(status)
            if !matches!(step.step.meaning(*status), Meaning::Failed | Meaning::Done));
        let kept = allowance.cut(kept, count - place - 1);
        report
            .steps
            .push(step_report(step, end, begun.elapsed(), kept));
        if let Some(ending) = by {
            return Some((end_of(ending)?, report));
        }
        if !goes_on {
            break;
        }
    }
    Some((End::Completed, report))
}

/// Carries a command out in pretence.
pub(crate) fn pretend(steps: &[Prepared]) -> (End, Report) {
    let report = |step| step_report(step, StepEnd::Exited(0), Duration::ZERO, Kept::default());
    (
        End::Completed,
        Report {
            steps: steps.iter().map(report).collect(),
        },
    )
}

fn end_of(ending: Ending) -> Option<End> {
    match ending {
        Ending::TimedOut { seconds } => Some(End::TimedOut { seconds }),
        Ending::Stopped(cause) => Some(End::Stopped { cause }),
        Ending::Interrupted => None,
    }
}

fn step_report(step: &Prepared, end: StepEnd, duration: Duration, kept: Kept) -> StepReport {
    StepReport {
        program: step.step.program.clone(),
        end,
        duration: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        head: kept.head,
        tail: kept.tail,
        lines: kept.lines,
        lines_left_out: kept.left_out,
    }
}
