//! `docs/selections.md`: every query is read as the product reads it, and asked of the page's devices.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where what it stands on fails"
)]

use jiff::{SignedDuration, Timestamp};
use muster_domain::delivery::DeliveryState;
use muster_domain::device::{ApplicationState, Device, Facts, InstalledApplication};
use muster_domain::selection::{DeviceView, Query, Selection};
use muster_domain::{ApplicationId, DeviceId, GroupId, TaskId};
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = include_str!("../../../docs/selections.md");

const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

fn hours(count: i64) -> Timestamp {
    NOW - SignedDuration::from_hours(count)
}

struct Row {
    device: Device,
    path: &'static str,
    tags: BTreeSet<String>,
    online: bool,
    outcome: Option<DeliveryState>,
}

/// The devices of the page's first table, which the test reads from there.
fn rows() -> Vec<Row> {
    let lines = PAGE
        .lines()
        .skip_while(|line| !line.starts_with("| device"));
    let rows = lines.skip(2).take_while(|line| line.starts_with('|'));
    rows.map(row).collect()
}

fn row(line: &'static str) -> Row {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [name, path, platform, agent, facts, tags, scanner, contact] = cells.as_slice() else {
        panic!("{line}");
    };
    let name = name.trim_matches('`').to_owned();
    let (platform, architecture) = platform.split_once(", ").unwrap();
    let facts = facts.split(", ").map(|fact| {
        let (name, value) = fact.split_once(' ').unwrap();
        (name.trim_matches('`').to_owned(), value.to_owned())
    });
    let (state, version) = match scanner.split_once(", ") {
        Some(("running", version)) => (ApplicationState::Running, Some(version.to_owned())),
        Some(("stopped", version)) => (ApplicationState::Stopped, Some(version.to_owned())),
        _ => (ApplicationState::Absent, None),
    };
    let last_seen = match *contact {
        "open" => Some(hours(24 * 300)),
        "last open 3 hours ago" => Some(hours(3)),
        "last open 40 days ago" => Some(hours(24 * 40)),
        "never, enrolled yesterday" => None,
        other => panic!("{other}"),
    };
    let outcome = match &*name {
        "web-01" | "db-01" => Some(DeliveryState::Failed),
        "web-02" => Some(DeliveryState::Succeeded),
        _ => None,
    };
    let device = Device {
        id: DeviceId(1),
        group: GroupId(1),
        group_since: NOW,
        facts: Facts {
            platform: platform.to_owned(),
            architecture: architecture.to_owned(),
            agent_version: (*agent).to_owned(),
            more: facts.collect(),
        },
        applications: vec![InstalledApplication {
            application: ApplicationId::new("net.clamav.clamav").unwrap(),
            state,
            version,
        }],
        enrolled_at: hours(if last_seen.is_some() { 24 * 365 } else { 24 }),
        last_seen,
        name,
    };
    let tags = tags.split(", ").filter(|tag| !tag.is_empty());
    Row {
        device,
        path: path.trim_matches('`'),
        tags: tags.map(str::to_owned).collect(),
        online: *contact == "open",
        outcome,
    }
}

fn blocks() -> Vec<(&'static str, &'static str)> {
    let fences: Vec<&str> = PAGE.split("```").collect();
    let inside = fences.iter().skip(1).step_by(2);
    inside
        .map(|block| block.split_once('\n').unwrap())
        .map(|(language, text)| (language, text.trim_end()))
        .collect()
}

#[test]
fn every_query_means_the_devices_that_the_page_says() {
    let rows = rows();
    assert_eq!(rows.len(), 4);
    let mut asked = None;
    let mut answers = 0;
    for (language, text) in blocks() {
        match language {
            "query" => {
                let (query, warnings) =
                    Query::parse(text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
                assert_eq!(warnings, [], "{text}");
                asked = Some((text, query));
            }
            "devices" => {
                let expected = text;
                let (text, query) = asked.take().unwrap();
                let meant = rows.iter().filter(|row| {
                    let outcomes: BTreeMap<TaskId, DeliveryState> = row
                        .outcome
                        .map(|state| (TaskId(7), state))
                        .into_iter()
                        .collect();
                    let view = DeviceView {
                        group_path: row.path,
                        online: row.online,
                        tags: &row.tags,
                        outcomes: &outcomes,
                    };
                    query.matches(&row.device, &view, NOW)
                });
                let names: Vec<&str> = meant.map(|row| &*row.device.name).collect();
                let told = if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                };
                assert_eq!(told, expected, "{text}");
                answers += 1;
            }
            "wrong" => {
                let (query, told) = text.split_once('\n').unwrap();
                let faults = Query::parse(query).unwrap_err();
                let found: Vec<String> = faults.iter().map(ToString::to_string).collect();
                assert_eq!(told, found.join("\n"), "{query}");
            }
            "json" => {
                let json = serde_json::from_str(text).unwrap();
                assert_eq!(Selection::parse(&json).unwrap().2, []);
            }
            // The flow tests of the program have these.
            "sh" => assert!(
                text.lines()
                    .all(|line| line.starts_with("muster selection "))
            ),
            other => panic!("a block of {other:?} is run by nobody"),
        }
    }
    assert!(answers >= 18, "{answers}");
}

#[test]
fn every_code_is_explained() {
    let sources = [
        include_str!("../src/selection/mod.rs"),
        include_str!("../src/selection/token.rs"),
        include_str!("../src/selection/read.rs"),
        include_str!("../src/selection/read/condition.rs"),
    ];
    let texts = sources.iter().flat_map(|source| source.split('"'));
    let codes: BTreeSet<&str> = texts
        .filter(|text| text.starts_with("selection-"))
        .collect();
    assert!(codes.len() >= 8, "{codes:?}");
    let table: String = PAGE
        .lines()
        .filter(|line| line.starts_with("| `selection-"))
        .collect();
    for code in codes {
        assert!(table.contains(&format!("`{code}`")), "{code}");
    }
}
