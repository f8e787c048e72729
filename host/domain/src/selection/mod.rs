//! Selections: saved queries over devices, such as `platform = linux and group below /Servers`.
//!
//! Read in this order: [`query`] is what a query says, and writes it; `token` and `read` make one of a
//! text, or say where it is wrong; [`evaluate`] asks it of a device. Nothing here looks anything up:
//! what is not in the device itself comes as a [`DeviceView`].

pub mod evaluate;
pub mod fault;
mod glob;
pub mod query;
mod read;
#[cfg(test)]
mod tests;
mod token;

pub use evaluate::DeviceView;
pub use fault::Fault;
pub use query::{Age, Condition, Order, Query, Subject, Test};

use crate::finding::{Finding, any_error};
use crate::id::TaskId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A saved query over devices.
///
/// [`Selection::parse`] reads and checks one from JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Selection {
    /// The version of this form: 1. A reader refuses what it does not know.
    #[serde(default = "form")]
    pub version: u32,
    /// Its name.
    pub name: String,
    /// Which devices are meant, as text.
    pub query: String,
}

fn form() -> u32 {
    Selection::FORM
}

impl Selection {
    /// The version of the JSON form that this program writes.
    pub const FORM: u32 = 1;

    /// Reads a selection. Its query and its warnings come with it; what cannot be used is refused with all
    /// findings.
    pub fn parse(json: &serde_json::Value) -> Result<(Self, Query, Vec<Finding>), Vec<Finding>> {
        let selection: Self = crate::json::read(json, "selection-form")?;
        let findings = selection.check();
        match Query::parse(&selection.query) {
            Ok((query, _)) if !any_error(&findings) => Ok((selection, query, findings)),
            _ => Err(findings),
        }
    }

    /// What is wrong with it, or worth a word.
    pub fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.version != Self::FORM {
            let text = format!(
                "Version {} of this form is not known here, only {}.",
                self.version,
                Self::FORM
            );
            findings.push(Finding::error("/version", "selection-version", text));
        }
        if !crate::group::is_name(&self.name) {
            let text = "A selection's name has 1 to 100 characters, none at either end that is white space, \
                        and none that steers a terminal.";
            findings.push(Finding::error("/name", "selection-name", text));
        }
        let faults = match Query::parse(&self.query) {
            Ok((_, warnings)) => warnings,
            Err(faults) => faults,
        };
        findings.extend(faults.iter().map(|fault| fault.finding("/query")));
        findings
    }
}

impl Query {
    /// Reads a query, with what is worth a word in it; or says what is wrong, in the order of its places.
    pub fn parse(text: &str) -> Result<(Self, Vec<Fault>), Vec<Fault>> {
        read::query(text)
    }

    /// The tasks whose last outcomes it asks for.
    pub fn tasks(&self) -> BTreeSet<TaskId> {
        let task = |condition: &Condition| match condition {
            Condition::Compare {
                subject: Subject::Outcome(task),
                ..
            } => Some(*task),
            _ => None,
        };
        self.conditions().into_iter().filter_map(task).collect()
    }

    /// Whether its answer can change by time alone, with nothing heard of any device.
    pub fn depends_on_time(&self) -> bool {
        let aged = |condition: &&Condition| {
            matches!(condition, Condition::LastSeen(_) | Condition::Enrolled(_))
        };
        self.conditions().iter().any(aged)
    }

    /// All its conditions, in their order.
    pub fn conditions(&self) -> Vec<&Condition> {
        match self {
            Self::Is(condition) => vec![condition],
            Self::Not(inner) => inner.conditions(),
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::conditions).collect(),
        }
    }
}
