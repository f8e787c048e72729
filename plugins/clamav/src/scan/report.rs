//! What clamscan printed, and what it means.
//!
//! Its output quotes file names, and a name may hold anything, line breaks too: a file can be named
//! so that its line looks like a detection. So the exit status and the counts at the end, which
//! clamscan makes itself, decide; lines only tell details.

use super::Action;
use crate::output;
use muster_sdk::{Event, EventKind, JsonSchema, Outcome, Report, Severity, StepReport};
use serde::Serialize;

const MOST_UNSCANNED: usize = 1000;

pub(super) const THREAT: EventKind<Threat> =
    EventKind::new("threat-detected", "Threat detected", Severity::Critical);

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Threat<'a> {
    file: &'a str,
    signature: &'a str,
    #[schemars(title = "What became of the file")]
    action: Done,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Where it is now")]
    quarantined_as: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Done {
    Reported,
    Quarantined,
    Removed,
    NotQuarantined,
    NotRemoved,
}

pub(super) const NOT_SCANNED: EventKind<NotScanned> =
    EventKind::new("file-not-scanned", "File not scanned", Severity::Warning);

#[derive(Serialize, JsonSchema)]
pub(super) struct NotScanned<'a> {
    reason: &'a str,
}

struct Detection<'a> {
    file: &'a str,
    signature: &'a str,
    fate: Fate<'a>,
}

enum Fate<'a> {
    Left,
    Moved(&'a str),
    Removed,
}

pub(super) fn outcome(action: Action, report: &Report) -> Outcome {
    let Some(scan) = report.step("clamscan") else {
        return output::failure(report, "The scan did not begin");
    };
    let detections = detections(scan);
    let files = output::number(scan, "Scanned files: ").unwrap_or(0);
    let outcome = match scan.status() {
        Some(0) => clean(files, detections.len()),
        Some(1) => return found(action, scan, files, &detections),
        Some(2) if files > 0 => Outcome::warning(format!(
            "No threats in {}, but not all could be read: {}.",
            counted(files, "file"),
            unscanned(scan)
                .next()
                .unwrap_or_else(|| output::reason(scan))
        )),
        _ => {
            let failed = output::failure(report, "The scan failed");
            return failed.with(detections.iter().map(|found| found.event(action)));
        }
    };
    outcome.with(not_scanned(scan))
}

fn clean(files: u64, imitations: usize) -> Outcome {
    let summary = format!("No threats in {}", counted(files, "file"));
    if imitations == 0 {
        return Outcome::succeeded(format!("{summary}."));
    }
    Outcome::warning(format!(
        "{summary}; {} named so that the output looks like a detection.",
        if imitations == 1 {
            "a file is".into()
        } else {
            format!("{imitations} files are")
        }
    ))
}

fn found(action: Action, scan: &StepReport, files: u64, detections: &[Detection]) -> Outcome {
    let lines = u64::try_from(detections.len()).unwrap_or(u64::MAX);
    let threats = output::number(scan, "Infected files: ").unwrap_or(lines);
    let handled = detections
        .iter()
        .filter(|found| !matches!(found.fate, Fate::Left))
        .count();
    let left = detections.len() - handled;
    let undone = action != Action::Report && left > 0;
    let mut parts = vec![format!(
        "{} in {}",
        counted(threats, "threat"),
        counted(files, "file")
    )];
    match action {
        Action::Report => {}
        Action::Quarantine => parts.push(format!("{handled} moved to quarantine")),
        Action::Remove => parts.push(format!("{handled} removed")),
    }
    if undone {
        parts.push(format!("{left} left in place, because that failed"));
    }
    if scan.lines_left_out > 0 {
        parts.push(format!("only the first {lines} are told"));
    }
    if lines > threats {
        parts.push("file names imitate further detections".into());
    }
    let summary = format!("{}.", parts.join(", "));
    let outcome = if undone {
        Outcome::failed(summary)
    } else {
        Outcome::warning(summary)
    };
    outcome
        .with(detections.iter().map(|found| found.event(action)))
        .with(not_scanned(scan))
}

fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn detections(scan: &StepReport) -> Vec<Detection<'_>> {
    let mut detections: Vec<Detection> = Vec::new();
    for line in &scan.lines {
        if let Some((file, signature)) = detection(line) {
            detections.push(Detection {
                file,
                signature,
                fate: Fate::Left,
            });
        } else if let Some(last) = detections.last_mut()
            && let Some(rest) = line.strip_prefix(last.file)
        {
            // What became of a file stands right after its detection.
            if rest == ": Removed." {
                last.fate = Fate::Removed;
            } else if let Some(to) = moved_to(rest) {
                last.fate = Fate::Moved(to);
            }
        }
    }
    detections
}

/// `: moved to '/quarantine/name'`
fn moved_to(rest: &str) -> Option<&str> {
    rest.strip_prefix(": moved to '")?
        .strip_suffix('\'')
        .filter(|to| !to.is_empty())
}

/// `/path/to: file: Some.Signature-1 FOUND`: a signature holds neither blanks nor colons.
fn detection(line: &str) -> Option<(&str, &str)> {
    let (file, signature) = line.strip_suffix(" FOUND")?.rsplit_once(": ")?;
    (!signature.is_empty() && !signature.contains(char::is_whitespace)).then_some((file, signature))
}

impl Detection<'_> {
    fn event(&self, action: Action) -> Event {
        let Self {
            file,
            signature,
            fate,
        } = self;
        let (action, text, to) = match (fate, action) {
            (Fate::Moved(to), _) => (Done::Quarantined, "moved to quarantine", Some(*to)),
            (Fate::Removed, _) => (Done::Removed, "removed", None),
            (Fate::Left, Action::Report) => (Done::Reported, "left where it is", None),
            (Fate::Left, Action::Quarantine) => (Done::NotQuarantined, "could not be moved", None),
            (Fate::Left, Action::Remove) => (Done::NotRemoved, "could not be removed", None),
        };
        let fields = Threat {
            file,
            signature,
            action,
            quarantined_as: to,
        };
        THREAT.event(format!("{signature} in {file}, {text}."), &fields)
    }
}

fn not_scanned(scan: &StepReport) -> impl Iterator<Item = Event> {
    unscanned(scan)
        .take(MOST_UNSCANNED)
        .map(|reason| NOT_SCANNED.event(format!("Not scanned: {reason}."), &NotScanned { reason }))
}

/// Files that could not be read, with the reason.
fn unscanned(scan: &StepReport) -> impl Iterator<Item = &str> {
    let unread = |line: &&str| {
        line.ends_with(": Access denied")
            || line.contains(": Can't open ")
            || line.ends_with(": Can't access file")
    };
    let lines = scan.lines.iter().map(String::as_str).filter(unread);
    lines.map(|line| {
        line.strip_prefix("WARNING: ")
            .unwrap_or(line)
            .trim_end_matches('.')
    })
}
