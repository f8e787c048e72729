//! Reads rollouts, and finds what is wrong with them.

use super::{Gate, Part, Rollout};
use crate::finding::{Finding, Level, any_error};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

const MOST_WAVES: usize = 20;

const MOST_GROUPS: usize = 100;

impl Rollout {
    /// Reads a rollout. Its warnings come with it; what cannot be used is refused with all findings.
    pub fn parse(json: &serde_json::Value) -> Result<(Self, Vec<Finding>), Vec<Finding>> {
        let rollout: Self = crate::json::read(json, "rollout-form")?;
        let findings = rollout.check();
        if any_error(&findings) {
            Err(findings)
        } else {
            Ok((rollout, findings))
        }
    }

    /// What is wrong with it, or worth a word.
    pub fn check(&self) -> Vec<Finding> {
        let mut found = Found::default();
        if self.version != Self::FORM {
            let version = self.version;
            let text = format!(
                "Version {version} of this form is not known here, only {}.",
                Self::FORM
            );
            found.error("/version", "rollout-version", text);
        }
        if !(1..=MOST_WAVES).contains(&self.waves.len()) {
            let text = format!("A rollout has 1 to {MOST_WAVES} waves.");
            found.error("/waves", "rollout-waves", text);
        }
        let mut before = 0;
        let mut groups = BTreeSet::new();
        for (place, wave) in self.waves.iter().enumerate() {
            let at = format!("/waves/{place}");
            found.gate(&format!("{at}/next"), wave.next);
            match &wave.devices {
                Part::Canaries { each } => {
                    found.range(&format!("{at}/devices/canaries/each"), *each, 1..=100);
                    if place > 0 {
                        let text = "Canaries go first, or they warn of nothing.";
                        found.warning(&at, "rollout-canaries-late", text);
                    }
                }
                Part::Percent { to } => {
                    let pointer = format!("{at}/devices/percent/to");
                    found.range(&pointer, *to, 1..=100);
                    if *to <= before {
                        let text = format!(
                            "A wave before this one goes to {before} percent already, so nothing is left for \
                             this one; write a greater number."
                        );
                        found.error(&pointer, "rollout-order", text);
                    }
                    before = before.max(*to);
                }
                Part::Groups { groups: named } => {
                    let pointer = format!("{at}/devices/groups/groups");
                    if !(1..=MOST_GROUPS).contains(&named.len()) {
                        let text = format!("A wave names 1 to {MOST_GROUPS} groups.");
                        found.error(&pointer, "rollout-groups", text);
                    }
                    for group in named {
                        if !groups.insert(*group) {
                            let text =
                                format!("Group {group} is named twice; its devices go first time.");
                            found.warning(&pointer, "rollout-group-twice", text);
                        }
                    }
                }
            }
        }
        if let Some(limit) = self.at_once {
            found.range("/at-once", limit, 1..=1_000_000);
        }
        if let Some(stop) = self.stop {
            found.range("/stop/errors-percent", stop.errors_percent, 0..=100);
            found.range("/stop/of-at-least", stop.of_at_least, 1..=1_000_000);
        }
        found.0
    }
}

#[derive(Default)]
struct Found(Vec<Finding>);

impl Found {
    fn error(&mut self, pointer: &str, code: &str, text: impl Into<String>) {
        self.0.push(Finding::error(pointer, code, text));
    }

    fn warning(&mut self, pointer: &str, code: &str, text: impl Into<String>) {
        self.0.push(Finding {
            level: Level::Warning,
            ..Finding::error(pointer, code, text)
        });
    }

    fn range(&mut self, pointer: &str, value: u32, range: RangeInclusive<u32>) {
        if !range.contains(&value) {
            let (least, most) = range.into_inner();
            let text = format!("{value} is not from {least} to {most}.");
            self.error(pointer, "rollout-range", text);
        }
    }

    fn gate(&mut self, at: &str, gate: Gate) {
        self.range(
            &format!("{at}/reached-percent"),
            gate.reached_percent,
            1..=100,
        );
        self.range(&format!("{at}/ended-percent"), gate.ended_percent, 1..=100);
        self.range(&format!("{at}/wait-minutes"), gate.wait_minutes, 0..=10_080);
    }
}
