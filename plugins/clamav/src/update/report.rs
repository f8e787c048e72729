//! What freshclam printed, and what it means.
//!
//! It ends with 0 whether there was something new or not, so its lines tell; of a database that is
//! not its maker's it does not tell the version, so the containers were asked afterwards.

use crate::container::{self, Container};
use crate::output;
use muster_sdk::{Event, EventKind, JsonSchema, Outcome, Report, Severity, StepReport};
use serde::Serialize;

pub(super) const UPDATED: EventKind<Updated> =
    EventKind::new("databases-updated", "Database updated", Severity::Info);

#[derive(Serialize, JsonSchema)]
pub(super) struct Updated<'a> {
    database: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signatures: Option<u64>,
}

pub(super) const FAILED: EventKind<Failed> =
    EventKind::new("update-failed", "Update failed", Severity::Warning);

#[derive(Serialize, JsonSchema)]
pub(super) struct Failed<'a> {
    #[schemars(title = "Exit status")]
    status: i32,
    reason: &'a str,
}

pub(super) fn outcome(report: &Report) -> Outcome {
    let Some(update) = report.step("freshclam") else {
        return output::failure(report, "The update did not begin");
    };
    let containers: Vec<Container> = container::told(report).collect();
    let updated: Vec<Event> = updated(update, &containers);
    match update.status() {
        Some(0) if updated.is_empty() => Outcome::succeeded(format!(
            "The databases are up to date{}.",
            versions(&containers)
        )),
        Some(0) => {
            let count = updated.len();
            let noun = if count == 1 { "database" } else { "databases" };
            Outcome::succeeded(format!("{count} {noun} updated{}.", versions(&containers)))
                .with(updated)
        }
        Some(status) => {
            let reason = format!("{}: {}", meaning(status), detail(update));
            let fields = Failed {
                status,
                reason: &reason,
            };
            Outcome::failed(format!("The update failed: {reason}."))
                .with(updated)
                .with([FAILED.event(format!("The update failed: {reason}."), &fields)])
        }
        None => output::failure(report, "The update did not end").with(updated),
    }
}

/// `, daily 27412, main 62`: nothing if no container was found.
fn versions(containers: &[Container]) -> String {
    let version = |container: &Container| format!("{} {}", stem(container.name), container.version);
    let list: Vec<String> = containers.iter().take(10).map(version).collect();
    if list.is_empty() {
        String::new()
    } else {
        format!(": {}", list.join(", "))
    }
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// One event for each line such as `daily.cld updated (version: 27412, sigs: 2067, …)`.
fn updated(update: &StepReport, containers: &[Container]) -> Vec<Event> {
    let mut events = Vec::new();
    for line in &update.lines {
        let Some((name, rest)) = line.split_once(" updated (version: ") else {
            continue;
        };
        let version = rest.split([',', ')']).next().unwrap_or_default().trim();
        // The same database is now a .cvd, now a .cld.
        let mut same = containers
            .iter()
            .filter(|container| stem(container.name) == stem(name));
        let known = same.next().filter(|_| container::is_container(name));
        let version = match known {
            Some(container) => Some(container.version),
            None => Some(version).filter(|version| version.parse::<u64>().is_ok()),
        };
        let told = rest.split_once("sigs: ").and_then(|(_, number)| {
            number
                .split([',', ')'])
                .next()
                .and_then(|number| number.trim().parse::<u64>().ok())
        });
        let signatures = known.map(|container| container.signatures).or(told);
        let fields = Updated {
            database: name,
            version,
            signatures,
        };
        let text = match version {
            Some(version) => format!("{name} is now of version {version}."),
            None => format!("{name} was updated."),
        };
        events.push(UPDATED.event(text, &fields));
    }
    events
}

/// What a status of freshclam means, as it was seen to end. Its manual lists others (40 to 62), which
/// today's versions do not give; those are told by their number and their line.
fn meaning(status: i32) -> String {
    let known = match status {
        2 => "it could not begin",
        5 => "no connection to the server",
        8 => "a new database does not load and was not taken",
        9 => "its configuration names no server",
        10 => "the database folder cannot be written",
        11 => "the server does not have a database",
        _ => return format!("freshclam ended with status {status}"),
    };
    known.into()
}

/// The line that tells most: the last lines only repeat that it failed.
fn detail(update: &StepReport) -> &str {
    const REPEATS: [&str; 4] = [
        "Update failed.",
        "Database update process failed",
        "Initialization error",
        "initialize: libfreshclam",
    ];
    let told = |line: &&str| !REPEATS.iter().any(|repeat| line.starts_with(repeat));
    let mut errors = update
        .output()
        .filter_map(|line| line.trim().strip_prefix("ERROR: "))
        .filter(told);
    errors
        .next()
        .map_or_else(|| output::reason(update), |line| line.trim_end_matches('.'))
}
