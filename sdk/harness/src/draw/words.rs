//! Words that a plug-in may know: from its schemas and examples, and from its own data. A text drawn
//! at random would hardly ever say `FOUND`.

use crate::TaskType;
use serde_json::Value;
use std::collections::BTreeSet;

/// Words from the component's data that are kept, spread over all of it.
const MOST_OF_DATA: usize = 3000;
/// Words that every plug-in meets.
const COMMON: [&str; 26] = [
    "/",
    "/srv/data",
    "/var/lib/x y",
    "..",
    "../../etc/passwd",
    "C:\\Program Files\\x",
    "a",
    "A",
    "0",
    "-1",
    "1.2.3",
    "3600",
    "*",
    "*.iso",
    "-rf",
    "--help",
    "$(id)",
    "`id`",
    "%s%n",
    "https://example.org/a?b=c",
    "10.0.0.1",
    "::1",
    "user@example.org",
    "2026-02-29",
    "true",
    "null",
];

/// What texts are made of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Words {
    pub(crate) of_settings: Vec<String>,
    pub(crate) of_data: Vec<String>,
}

impl Words {
    /// Those of a task type, and of the component's bytes.
    pub(crate) fn of(task_type: &TaskType, component: &[u8]) -> Self {
        let mut known: BTreeSet<String> = COMMON.map(str::to_owned).into();
        for example in &task_type.examples {
            gather(&example.settings.to_value(), &mut known);
        }
        // Enumerations, defaults and examples, but also titles, which do no harm.
        gather(&task_type.settings_schema, &mut known);
        Self {
            of_settings: known.into_iter().collect(),
            of_data: printable(component),
        }
    }
}

fn gather(value: &Value, known: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.len() <= 200 => drop(known.insert(text.clone())),
        Value::Array(entries) => entries.iter().for_each(|entry| gather(entry, known)),
        Value::Object(members) => members.values().for_each(|member| gather(member, known)),
        _ => {}
    }
}

/// Runs of printable characters, as `strings` finds them.
fn printable(bytes: &[u8]) -> Vec<String> {
    let all: Vec<&[u8]> = bytes
        .split(|byte| !(b' '..=b'~').contains(byte))
        .filter(|run| (3..=80).contains(&run.len()))
        .collect();
    let step = all.len().div_ceil(MOST_OF_DATA).max(1);
    let kept = all.into_iter().step_by(step);
    kept.map(|run| String::from_utf8_lossy(run).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_data_are_found() {
        assert_eq!(
            printable(b"\0\x01Infected files: \xffno\0ERROR"),
            ["Infected files: ", "ERROR"]
        );
        let many = b"word\0".repeat(10 * MOST_OF_DATA);
        assert!(printable(&many).len() <= MOST_OF_DATA);
    }
}
