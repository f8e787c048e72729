//! For people: what is broken and why it matters, then one line that sums it up.

use crate::conformance::{Broken, Rule, Verdict, Weight};
use std::fmt::Write as _;

/// Characters of an input that are shown; the case file holds all of it.
const MOST_SHOWN: usize = 400;

pub(super) fn write(verdict: &Verdict) -> String {
    let mut text = String::new();
    // Writing to a text cannot fail.
    for (rule, broken) in verdict.broken() {
        let _ = one(&mut text, rule, broken);
    }
    let _ = sum(&mut text, verdict);
    // A plug-in's own words stand in here, and a terminal would obey some of them.
    text.split('\n')
        .map(muster_domain::text::plain)
        .collect::<Vec<_>>()
        .join("\n")
}

fn one(text: &mut String, rule: &Rule, broken: &Broken) -> std::fmt::Result {
    let word = match rule.weight {
        Weight::Required => "broken",
        Weight::Advice => "advice",
    };
    let of = broken
        .task_type
        .as_deref()
        .map(|of| format!(" ({of})"))
        .unwrap_or_default();
    writeln!(text, "{word}: {}{of}", rule.id)?;
    writeln!(text, "  {}", rule.title)?;
    for line in broken.text.lines() {
        writeln!(text, "  > {line}")?;
    }
    if let Some(input) = &broken.input {
        let input = input.to_json().to_string();
        let shown: String = input.chars().take(MOST_SHOWN).collect();
        let more = if shown.len() < input.len() {
            " …"
        } else {
            ""
        };
        writeln!(text, "  with {shown}{more}")?;
    }
    writeln!(text, "  Why: {}", rule.reason)?;
    writeln!(text, "  See {}\n", rule.documentation())
}

fn sum(text: &mut String, verdict: &Verdict) -> std::fmt::Result {
    let broken = verdict
        .rules
        .iter()
        .filter(|result| !result.broken.is_empty());
    let broken = broken
        .filter(|result| result.rule.weight == Weight::Required)
        .count();
    let untried = verdict
        .rules
        .iter()
        .filter(|result| result.cases == 0 && result.broken.is_empty())
        .count();
    let name = verdict
        .component
        .label
        .as_deref()
        .unwrap_or("the component");
    write!(
        text,
        "{name}: {} rules, {broken} broken",
        verdict.rules.len()
    )?;
    if untried > 0 {
        write!(text, ", {untried} with nothing to try them on")?;
    }
    writeln!(
        text,
        "; {} cases (--cases {} --seed {})",
        verdict.cases_tried(),
        verdict.cases,
        verdict.seed
    )
}
