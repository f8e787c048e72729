//! Commands: a delivery in the device's own terms.

use crate::digest::Digest;
use serde::{Deserialize, Serialize};

/// What a device does: its steps in order. The plug-in host has checked bounds and patterns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Command {
    /// At least one.
    pub steps: Vec<Step>,
    /// Names and values beyond this version of the contract.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<(String, String)>,
}

impl Command {
    /// The JSON text that devices fetch.
    pub fn to_body(&self) -> String {
        serde_json::json!(self).to_string()
    }

    /// The names of the secrets that its steps need; some more than once.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let values = self.steps.iter().flat_map(|step| {
            let environment = step.environment.iter().map(|(_, value)| value);
            environment
                .chain(&step.arguments)
                .chain(&step.standard_input)
        });
        values.filter_map(|value| match value {
            Value::Secret(name) => Some(name.as_str()),
            Value::Literal(_) => None,
        })
    }

    /// The name by which devices fetch a body.
    pub fn hash_of(body: &str) -> Digest {
        Digest::of(body)
    }
}

/// One program, run once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Step {
    /// A name that the connector on the device maps to a program; never a path.
    pub program: String,
    /// Its arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Value>,
    /// Its environment, beside the little that the agent sets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<(String, Value)>,
    /// Its standard input; empty if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_input: Option<Value>,
    /// Seconds for this step alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<u32>,
    /// What exit statuses mean. [`Step::meaning`] reads it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<StatusMeaning>,
    /// How progress shows in its output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressRule>,
    /// Which of its output comes back.
    pub keep: KeptOutput,
    /// Names and values beyond this version of the contract.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<(String, String)>,
}

impl Step {
    /// What an exit status of this step means. The first range that holds it decides; a status in
    /// none of them failed; without any range, 0 succeeded.
    pub fn meaning(&self, status: i32) -> Meaning {
        if self.statuses.is_empty() && status == 0 {
            return Meaning::Succeeded;
        }
        self.statuses
            .iter()
            .find(|range| (range.first..=range.last).contains(&status))
            .map_or(Meaning::Failed, |range| range.meaning)
    }
}

/// A text, or a secret that only the device gets to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// The text itself.
    Literal(String),
    /// The name of a secret in the server's vault.
    Secret(String),
}

/// What the exit statuses `first` to `last` mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusMeaning {
    /// The first status.
    pub first: i32,
    /// The last status, included.
    pub last: i32,
    /// What they mean.
    pub meaning: Meaning,
}

/// What an exit status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// It worked; on with the next step.
    Succeeded,
    /// It worked and has something to say; on with the next step.
    Warning,
    /// It failed; the command ends.
    Failed,
    /// It worked and takes effect after a restart; on with the next step.
    NeedsRestart,
    /// It worked and nothing is left to do; the command ends well.
    Done,
}

/// How progress shows in output lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressRule {
    /// A regular expression.
    pub pattern: String,
    /// What a matching line says.
    pub role: ProgressRole,
}

/// What a line that matches a progress rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProgressRole {
    /// Progress itself, by the groups `percent`, or `done` and `total`; and `message`.
    Report,
    /// One more for the total that a later step counts to.
    CountTotal,
    /// One more of the total is done; the group `message` is shown.
    CountDone,
}

/// Which output comes back with a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct KeptOutput {
    /// Bytes from the start.
    pub head: u32,
    /// Bytes from the end.
    pub tail: u32,
    /// Lines that match are kept wherever they stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<String>,
    /// At most so many of them.
    #[serde(default)]
    pub most_lines: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(statuses: Vec<StatusMeaning>) -> Step {
        Step {
            program: "x".into(),
            arguments: vec![],
            environment: vec![],
            standard_input: None,
            time_limit: None,
            statuses,
            progress: None,
            keep: KeptOutput {
                head: 0,
                tail: 0,
                lines: None,
                most_lines: 0,
            },
            more: vec![],
        }
    }

    #[test]
    fn a_status_nobody_listed_failed() {
        let found = StatusMeaning {
            first: 1,
            last: 7,
            meaning: Meaning::Warning,
        };
        assert_eq!(step(vec![found]).meaning(7), Meaning::Warning);
        assert_eq!(step(vec![found]).meaning(0), Meaning::Failed);
        assert_eq!(step(vec![]).meaning(0), Meaning::Succeeded);
        assert_eq!(step(vec![]).meaning(1), Meaning::Failed);
    }
}
