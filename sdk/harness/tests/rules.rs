//! The documentation of the rules says what the code says.
#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

use muster_plugin_harness::{RULES, Weight};

#[test]
fn every_rule_is_documented_in_its_order() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/plugins/rules.md");
    let text = std::fs::read_to_string(file).unwrap();
    let headings: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    let ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(headings, ids, "docs/plugins/rules.md and rule.rs differ");
    for rule in RULES {
        let advice = if rule.weight == Weight::Advice {
            " (Advice.)"
        } else {
            ""
        };
        let line = format!("**{}.** {}{advice}", rule.title, rule.reason);
        assert!(
            text.lines().any(|told| told == line),
            "docs/plugins/rules.md lacks: {line}"
        );
        let part = text.split(&format!("### {}\n", rule.id)).nth(1).unwrap();
        let part = part.split("\n### ").next().unwrap();
        assert!(
            part.trim().lines().count() > 2,
            "{} is not explained",
            rule.id
        );
    }
}
