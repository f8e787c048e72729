//! `docs/rollouts.md`: every example is read as the product reads it, and what the page lists is all that
//! there is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where what it stands on fails"
)]

use muster_domain::rollout::{Gate, Rollout};
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../docs/rollouts.md");

#[test]
fn every_example_is_read_without_a_finding() {
    let blocks: Vec<&str> = PAGE.split("```").skip(1).step_by(2).collect();
    assert!(blocks.len() >= 4);
    for block in blocks {
        let text = block.strip_prefix("json\n").unwrap();
        let json = serde_json::from_str(text).unwrap();
        let read = Rollout::parse(&json).map(|(_, warnings)| warnings);
        assert_eq!(read, Ok(vec![]), "{text}");
    }
}

/// The codes in a source, between quotation marks.
fn codes<'a>(source: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    let texts = source.split('"');
    texts.filter(|text| text.starts_with(prefix)).collect()
}

#[test]
fn every_code_is_explained() {
    let codes = codes(include_str!("../src/rollout/check.rs"), "rollout-");
    assert!(codes.len() >= 8, "{codes:?}");
    for code in codes {
        assert!(PAGE.contains(&format!("| `{code}` |")), "{code}");
    }
}

#[test]
fn the_page_tells_what_is_left_out() {
    let gate = serde_json::to_value(Gate::default()).unwrap();
    for (name, value) in gate.as_object().unwrap() {
        let row = PAGE
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}` |")));
        let told = row
            .unwrap_or_else(|| panic!("{name}"))
            .trim_end_matches(" |");
        let left_out = told.rsplit("| ").next().unwrap().trim_matches('`');
        assert_eq!(left_out, value.to_string(), "{name}");
    }
}
