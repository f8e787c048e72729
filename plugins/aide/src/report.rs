//! What AIDE printed, and what it means.
//!
//! Its report is JSON, one entry a line, and may be far longer than what a device keeps of output; so
//! the lines of entries are kept instead. AIDE escapes names, so that none can fake a line.

use muster_sdk::{Event, EventKind, JsonSchema, Outcome, Report, Severity, StepReport};
use serde::Serialize;

pub(crate) const ADDED: EventKind<Entry> =
    EventKind::new("file-added", "File added", Severity::Warning);
pub(crate) const REMOVED: EventKind<Entry> =
    EventKind::new("file-removed", "File removed", Severity::Warning);
pub(crate) const CHANGED: EventKind<Changed> =
    EventKind::new("file-changed", "File changed", Severity::Warning);
pub(crate) const INITIALISED: EventKind<Initialised> = EventKind::new(
    "database-initialised",
    "Database initialised",
    Severity::Info,
);

#[derive(Serialize, JsonSchema)]
pub(crate) struct Entry<'a> {
    file: &'a str,
    kind: Kind,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Changed<'a> {
    file: &'a str,
    kind: Kind,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "What changed")]
    what: Vec<&'static str>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Initialised {
    entries: u64,
}

#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    File,
    Folder,
    Link,
    Device,
    Pipe,
    Socket,
    Other,
}

pub(crate) fn initialised(report: &Report) -> Outcome {
    if let Some(test) = report.step("test").filter(|test| test.status() == Some(1)) {
        let place = test
            .output()
            .next()
            .map(str::trim)
            .filter(|line| !line.is_empty());
        return Outcome::failed(place.unwrap_or(
            "There is a database already; set replace to make it anew, or use the task type accept-changes.",
        ));
    }
    let aide = report.step("aide").filter(|_| ended_well(report, 0));
    let Some(aide) = aide else {
        return failure(report);
    };
    let entries = total(aide);
    let text = format!("{entries} entries taken down.");
    Outcome::succeeded(&text).with([INITIALISED.event(&text, &Initialised { entries })])
}

pub(crate) fn checked(report: &Report) -> Outcome {
    let Some(aide) = report.step("aide").filter(|_| ended_well(report, 7)) else {
        return failure(report);
    };
    if aide.status() == Some(0) {
        return Outcome::succeeded(format!("No differences in {} entries.", total(aide)));
    }
    Outcome::warning(format!("{}.", counts(aide))).with(events(aide))
}

pub(crate) fn accepted(report: &Report) -> Outcome {
    // Without the last step the old database still holds.
    let complete = ended_well(report, 7) && report.step("mv").is_some();
    let Some(aide) = report.step("aide").filter(|_| complete) else {
        return failure(report);
    };
    if aide.status() == Some(0) {
        return Outcome::succeeded("There was nothing to accept.");
    }
    Outcome::succeeded(format!("Accepted: {}.", counts(aide))).with(events(aide))
}

/// Whether AIDE ended with 0 to `most`, and every other step with 0.
fn ended_well(report: &Report, most: i32) -> bool {
    report.steps.iter().all(|step| {
        let most = if step.program == "aide" { most } else { 0 };
        step.status()
            .is_some_and(|status| (0..=most).contains(&status))
    })
}

fn failure(report: &Report) -> Outcome {
    if let Some(trouble) = report.trouble() {
        return Outcome::failed(trouble);
    }
    let Some(step) = report.steps.last() else {
        return Outcome::failed("The device did nothing.");
    };
    let status = step.status().unwrap_or_default();
    let meaning = match (step.program.as_str(), status) {
        ("aide", 14) => "the database cannot be written",
        ("aide", 15) => "an option is wrong",
        ("aide", 16) => "this version lacks a function",
        ("aide", 17) => "the configuration is wrong",
        ("aide", 18) => "a file cannot be read or written; is there a database",
        ("aide", 19) => "the versions do not match",
        _ => "it failed",
    };
    let errors = || {
        step.output()
            .chain(step.lines.iter().map(String::as_str))
            .map(str::trim)
    };
    let told = errors().find_map(|line| line.strip_prefix("ERROR: "));
    let last = || {
        step.output()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .last()
    };
    let reason = told.or_else(last).unwrap_or("it printed nothing");
    Outcome::failed(format!(
        "{} ended with status {status}, {meaning}: {reason}.",
        step.program
    ))
}

/// `2 added, 1 changed`, from AIDE's own counts.
fn counts(aide: &StepReport) -> String {
    let count = |kind: &str| {
        number(aide, kind)
            .filter(|&count| count > 0)
            .map(|count| format!("{count} {kind}"))
    };
    let list: Vec<String> = ["added", "removed", "changed"]
        .into_iter()
        .filter_map(count)
        .collect();
    if list.is_empty() {
        "Differences".into()
    } else {
        list.join(", ")
    }
}

fn total(aide: &StepReport) -> u64 {
    number(aide, "total").unwrap_or(0)
}

/// A number of `number_of_entries`, which stands before all entries.
fn number(aide: &StepReport, name: &str) -> Option<u64> {
    aide.lines.iter().take(8).find_map(|line| {
        let rest = line
            .strip_prefix("    \"")?
            .strip_prefix(name)?
            .strip_prefix("\": ")?;
        rest.trim_end_matches(',').parse().ok()
    })
}

fn events(aide: &StepReport) -> impl Iterator<Item = Event> {
    let mut section = "";
    aide.lines.iter().filter_map(move |line| {
        match line.as_str() {
            "  \"added\": {" => section = "file-added",
            "  \"removed\": {" => section = "file-removed",
            "  \"changed\": {" => section = "file-changed",
            _ => return event(section, line),
        }
        None
    })
}

/// One entry: `    "/etc/passwd": "f > ... ....H.. . ",`
fn event(section: &str, line: &str) -> Option<Event> {
    let entry = line.strip_prefix("    ")?.trim_end_matches(',');
    let (file, marks) = entry.rsplit_once(": ")?;
    let (file, marks): (String, String) = (
        serde_json::from_str(file).ok()?,
        serde_json::from_str(marks).ok()?,
    );
    let (file, kind) = (file.as_str(), kind(&marks));
    let entry = Entry { file, kind };
    match section {
        "file-added" => Some(ADDED.event(format!("{file} was added."), &entry)),
        "file-removed" => Some(REMOVED.event(format!("{file} was removed."), &entry)),
        "file-changed" => {
            let what = what(&marks);
            let detail = if what.is_empty() {
                String::new()
            } else {
                format!(": {}", what.join(", "))
            };
            let text = format!("{file} was changed{detail}.");
            Some(CHANGED.event(text, &Changed { file, kind, what }))
        }
        _ => None,
    }
}

/// The first mark is what it is now; `!` says that it was something else.
fn kind(marks: &str) -> Kind {
    match marks.trim_start_matches('!').chars().next() {
        Some('f') => Kind::File,
        Some('d') => Kind::Folder,
        Some('l') => Kind::Link,
        Some('b' | 'c') => Kind::Device,
        Some('p') => Kind::Pipe,
        Some('s') => Kind::Socket,
        _ => Kind::Other,
    }
}

/// What changed, from AIDE's marks.
fn what(marks: &str) -> Vec<&'static str> {
    let mut what = Vec::new();
    if marks.starts_with('!') {
        what.push("type");
    }
    what.extend(marks.chars().skip(1).filter_map(|mark| match mark {
        '>' | '<' => Some("size"),
        'l' => Some("link-target"),
        'b' => Some("blocks"),
        'p' => Some("permissions"),
        'u' => Some("owner"),
        'g' => Some("group"),
        'a' => Some("access-time"),
        'm' => Some("modification-time"),
        'c' => Some("change-time"),
        'i' => Some("inode"),
        'n' => Some("link-count"),
        'H' => Some("contents"),
        'A' => Some("access-list"),
        'X' => Some("extended-attributes"),
        'S' => Some("security-context"),
        'E' => Some("file-system-attributes"),
        'C' => Some("capabilities"),
        _ => None,
    }));
    what
}
