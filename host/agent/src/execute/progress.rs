//! Progress: what output lines say by a command's rules, and the board where the link finds it.

use muster_domain::RunId;
use muster_domain::command::ProgressRole;
use regex::Regex;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

const MOST_MESSAGE: usize = 200;

/// How far a delivery is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark {
    /// 0 to 100, if the command tells.
    pub percent: Option<u8>,
    /// What it is at.
    pub message: Option<String>,
}

/// The newest progress of running deliveries, and what of it nobody has taken yet. A newer one takes
/// the place of an older one, so a chatty program fills nothing.
#[derive(Debug, Default)]
pub struct Board {
    marks: Mutex<Marks>,
    pub(crate) changed: Notify,
}

#[derive(Debug, Default)]
struct Marks {
    now: HashMap<RunId, Mark>,
    /// Of those, what the server has not heard yet.
    untold: HashSet<RunId>,
}

impl Board {
    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, run: RunId, mark: Mark) {
        let mut marks = self.marks();
        marks.now.insert(run, mark);
        marks.untold.insert(run);
        self.changed.notify_one();
    }

    /// Takes a delivery off.
    pub(crate) fn remove(&self, run: RunId) {
        let mut marks = self.marks();
        marks.now.remove(&run);
        marks.untold.remove(&run);
    }

    /// What changed since it was asked last.
    pub(crate) fn take(&self) -> HashMap<RunId, Mark> {
        let mut marks = self.marks();
        let untold = std::mem::take(&mut marks.untold);
        let mark = |run| Some((run, marks.now.get(&run)?.clone()));
        untold.into_iter().filter_map(mark).collect()
    }

    /// Everything counts as changed: whoever hears it now has heard nothing before.
    pub(crate) fn tell_again(&self) {
        let mut marks = self.marks();
        marks.untold = marks.now.keys().copied().collect();
        self.changed.notify_one();
    }
}

/// Counts through the steps of one command.
pub(crate) struct Progress {
    to: Option<(Arc<Board>, RunId)>,
    rule: Option<(Regex, ProgressRole)>,
    total: u64,
    done: u64,
    last: Mark,
}

impl Progress {
    pub(crate) fn new(board: Arc<Board>, run: RunId) -> Self {
        Self {
            to: Some((board, run)),
            ..Self::silent()
        }
    }

    /// One that tells nobody.
    pub(crate) fn silent() -> Self {
        Self {
            to: None,
            rule: None,
            total: 0,
            done: 0,
            last: Mark::default(),
        }
    }

    /// The same for the next step, by its rule.
    pub(crate) fn with_rule(self, rule: Option<(Regex, ProgressRole)>) -> Self {
        Self { rule, ..self }
    }

    /// Looks at a line of output.
    pub(crate) fn line(&mut self, line: &str) {
        let Some((pattern, role)) = &self.rule else {
            return;
        };
        let Some(groups) = pattern.captures(line) else {
            return;
        };
        let text = |name: &str| groups.name(name).map(|found| found.as_str());
        let number = |name: &str| text(name).and_then(|text| text.trim().parse::<f64>().ok());
        let message =
            text("message").map(|text| text.trim().chars().take(MOST_MESSAGE).collect::<String>());
        let percent = match role {
            ProgressRole::CountTotal => {
                self.total += 1;
                return;
            }
            ProgressRole::CountDone => {
                self.done += 1;
                of(self.done, self.total)
            }
            ProgressRole::Report => {
                number("percent").or_else(|| Some(number("done")? * 100.0 / number("total")?))
            }
        };
        let mark = Mark {
            percent: percent.and_then(whole_percent).or(self.last.percent),
            message: message.or_else(|| self.last.message.clone()),
        };
        if mark != self.last {
            self.last = mark.clone();
            if let Some((board, run)) = &self.to {
                board.set(*run, mark);
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage is rounded anyway")]
fn of(done: u64, total: u64) -> Option<f64> {
    (total > 0).then(|| done as f64 * 100.0 / total as f64)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to what fits"
)]
fn whole_percent(percent: f64) -> Option<u8> {
    percent.is_finite().then(|| percent.clamp(0.0, 100.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(role: ProgressRole, pattern: &str) -> (Arc<Board>, Progress) {
        let board = Arc::new(Board::default());
        let progress = Progress::new(board.clone(), RunId(1));
        (
            board,
            progress.with_rule(Some((Regex::new(pattern).unwrap(), role))),
        )
    }

    #[test]
    fn a_report_tells_percent_or_done_of_total() {
        let (board, mut progress) = progress(
            ProgressRole::Report,
            r"(?<message>\w+): (?:(?<percent>[\d.]+)%|(?<done>\S+) of (?<total>\S+))",
        );
        progress.line("scan: 12.9%");
        assert_eq!(
            board.take()[&RunId(1)],
            Mark {
                percent: Some(12),
                message: Some("scan".into())
            }
        );
        progress.line("scan: 1 of 4");
        assert_eq!(board.take()[&RunId(1)].percent, Some(25));
        progress.line("scan: 1 of 0");
        progress.line("nothing");
        assert!(board.take().is_empty());
        board.tell_again();
        assert_eq!(board.take()[&RunId(1)].percent, Some(25));
        board.remove(RunId(1));
        board.tell_again();
        assert!(board.take().is_empty());
    }

    #[test]
    fn one_step_counts_the_total_and_the_next_one_what_is_done() {
        let (board, mut progress) = progress(ProgressRole::CountTotal, "");
        (0..4).for_each(|_| progress.line("x"));
        let mut progress = progress.with_rule(Some((
            Regex::new("^(?<message>.*): OK").unwrap(),
            ProgressRole::CountDone,
        )));
        progress.line("/a: OK");
        assert_eq!(
            board.take()[&RunId(1)],
            Mark {
                percent: Some(25),
                message: Some("/a".into())
            }
        );
        (0..9).for_each(|_| progress.line("/b: OK"));
        assert_eq!(board.take()[&RunId(1)].percent, Some(100));
    }
}
