//! What programs print, as far as several task types read it in the same way.

use muster_sdk::{Outcome, Report, StepReport};

/// Words in front of a line that says why a program failed, the most telling first.
const REASONS: [&str; 6] = [
    "LibClamAV Error: ",
    "ERROR: ",
    "E: ",
    "Error: ",
    "error: ",
    "WARNING: ",
];

/// Why a program failed: the first line that says so, else its last line.
pub(crate) fn reason(step: &StepReport) -> &str {
    let all = || {
        step.output()
            .chain(step.lines.iter().map(String::as_str))
            .map(str::trim)
    };
    let told = REASONS
        .iter()
        .find_map(|word| all().find_map(|line| line.strip_prefix(word)));
    let last = || {
        step.output()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .last()
    };
    told.or_else(last)
        .unwrap_or("it printed nothing")
        .trim_end_matches('.')
}

/// A failure by the last step that was begun: how it ended, or its status and its reason.
pub(crate) fn failure(report: &Report, what: &str) -> Outcome {
    if let Some(trouble) = report.trouble() {
        return Outcome::failed(format!("{what}: {trouble}"));
    }
    match report.steps.last() {
        Some(step) => Outcome::failed(format!(
            "{what}: {} ended with status {}, {}.",
            step.program,
            step.status().unwrap_or_default(),
            reason(step)
        )),
        None => Outcome::failed(format!("{what}.")),
    }
}

/// Whether every step that was begun ended with a status that is listed for its program.
pub(crate) fn all_ended_with(report: &Report, listed: &[(&str, i32)]) -> bool {
    !report.steps.is_empty()
        && report.steps.iter().all(|step| {
            step.status().is_some_and(|status| {
                status == 0 || listed.contains(&(step.program.as_str(), status))
            })
        })
}

/// The number in the last line of the form `name` and number.
pub(crate) fn number(step: &StepReport, name: &str) -> Option<u64> {
    let read = |line: &str| line.strip_prefix(name)?.trim().parse().ok();
    let tail = step.tail.lines().rev().find_map(read);
    let lines = || step.lines.iter().rev().find_map(|line| read(line));
    tail.or_else(lines)
        .or_else(|| step.head.lines().rev().find_map(read))
}
