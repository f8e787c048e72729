//! Planted faults: each breaks one rule, and the suite tells that rule and no other, with an input
//! that is small and breaks it again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails panics"
)]

#[path = "faults/src/fault.rs"]
#[allow(unreachable_pub, reason = "the guest has it as well")]
mod fault;
mod support;

use muster_plugin_harness::{Broken, Format, Harness, RULES, Suite, Verdict};
use muster_test_harness::Programs;
use std::collections::BTreeSet;
use support::with_slot;

fn guest() -> Vec<u8> {
    Programs::find()
        .unwrap()
        .guest("muster-test-faults")
        .unwrap()
}

fn with_fault(guest: &[u8], name: &str) -> Vec<u8> {
    with_slot(guest, fault::SLOT, fault::SLOT_BYTES, name)
}

fn suite() -> Suite {
    Suite {
        cases: 80,
        ..Suite::default()
    }
}

fn broken_rules(verdict: &Verdict) -> BTreeSet<&'static str> {
    verdict.broken().map(|(rule, _)| rule.id).collect()
}

/// Tries a component, and gives what broke the one rule that is meant.
fn only(harness: &Harness, component: Vec<u8>, name: &str, rule: &str) -> Broken {
    let verdict = suite().run(harness, component);
    assert_eq!(
        broken_rules(&verdict),
        BTreeSet::from([rule]),
        "{name}:\n{}",
        verdict.to_text()
    );
    let mut broken = verdict.broken();
    let (_, first) = broken.next().unwrap();
    first.clone()
}

#[test]
fn the_guest_without_a_fault_keeps_every_rule() {
    let verdict = suite().run(&Harness::start().unwrap(), with_fault(&guest(), "none"));
    assert!(verdict.broken().next().is_none(), "{}", verdict.to_text());
    let untried: Vec<&str> = verdict
        .rules
        .iter()
        .filter(|rule| rule.cases == 0)
        .map(|rule| rule.rule.id)
        .collect();
    assert_eq!(untried, [""; 0], "the guest leaves rules untried");
}

#[test]
fn each_planted_fault_is_found_by_its_rule_alone() {
    let (harness, guest) = (Harness::start().unwrap(), guest());
    for (name, rule) in fault::ALL {
        let broken = only(&harness, with_fault(&guest, name), name, rule);
        let input = broken
            .input
            .map(|input| input.to_json().to_string())
            .unwrap_or_default();
        // A whole batch of drawn devices and settings has thousands of bytes.
        assert!(input.len() < 700, "{name} could be smaller: {input}");
        // Shown with `--nocapture`.
        println!("{name}: {input}");
    }
}

#[test]
fn what_is_no_component_is_told_by_its_rule() {
    let harness = Harness::start().unwrap();
    let mut cut = guest();
    cut.truncate(cut.len() / 2);
    only(&harness, cut, "cut short", "component-loads");
    only(
        &harness,
        b"#!/bin/sh\n".to_vec(),
        "a script",
        "component-loads",
    );
}

#[test]
fn a_schema_version_without_migrate_is_told_by_its_rule() {
    // The function is there, under a name that nobody calls.
    let (mut component, name) = (guest(), b"muster:plugin/migrate@1.0.0");
    let places: Vec<usize> = component
        .windows(name.len())
        .enumerate()
        .filter(|(_, at)| at == name)
        .map(|(at, _)| at)
        .collect();
    for at in places {
        component[at..at + name.len()].copy_from_slice(b"muster:plugin/migrats@1.0.0");
    }
    only(
        &Harness::start().unwrap(),
        component,
        "without migrate",
        "migrate-there",
    );
}

#[test]
fn every_rule_can_be_broken_by_a_fault_here() {
    let planted = fault::ALL.iter().map(|(_, rule)| *rule);
    // The last one is about time, and told by a test of its own: no test here waits for a clock.
    let elsewhere = ["component-loads", "migrate-there", "time-headroom"];
    let found: BTreeSet<&str> = planted.chain(elsewhere).collect();
    assert_eq!(found, RULES.iter().map(|rule| rule.id).collect());
    let least: BTreeSet<&str> = fault::ALL.iter().map(|(_, rule)| *rule).collect();
    assert!(least.len() >= 20);
}

#[test]
fn a_seed_draws_the_same_and_a_rule_alone_finds_the_same() {
    let (harness, guest) = (Harness::start().unwrap(), guest());
    let component = with_fault(&guest, "needs-a-version");
    let run = |suite: Suite| suite.run(&harness, component.clone());
    let [first, again] = [run(suite()), run(suite())];
    let input = |verdict: &Verdict| verdict.broken().next().unwrap().1.input.clone();
    assert_eq!(input(&first), input(&again));
    let alone = run(Suite {
        only: vec!["translate-total".into()],
        ..suite()
    });
    assert_eq!(alone.rules.len(), 1);
    assert_eq!(input(&alone), input(&first));
    let other = run(Suite {
        seed: 99,
        ..suite()
    });
    assert_eq!(broken_rules(&other), broken_rules(&first));
}

#[test]
fn an_input_becomes_a_case() {
    let (harness, guest) = (Harness::start().unwrap(), guest());
    let folder = tempfile::tempdir().unwrap();
    for (name, rule) in [
        ("splits-every-line", "interpret-total"),
        ("needs-a-version", "translate-total"),
    ] {
        let broken = only(&harness, with_fault(&guest, name), name, rule);
        let case = broken
            .input
            .unwrap()
            .write_case(&folder.path().join(name), "act")
            .unwrap();
        let task = std::fs::read_to_string(case.join("task.json")).unwrap();
        let task: serde_json::Value = serde_json::from_str(&task).unwrap();
        assert_eq!(task["task-type"], "act");
        assert!(task["settings"].is_object());
        assert_eq!(
            case.join("report.json").exists(),
            rule.starts_with("interpret")
        );
        assert_eq!(task.get("profile").is_some(), rule.starts_with("translate"));
    }
}

#[test]
fn a_verdict_is_read_by_the_readers_of_both_formats() {
    let (harness, guest) = (Harness::start().unwrap(), guest());
    let verdict = suite().run(&harness, with_fault(&guest, "needs-a-version"));

    let junit = verdict.to_format(Format::Junit, "a guest.wasm");
    let junit = junit_parser::from_reader(junit.as_bytes()).unwrap();
    assert_eq!((junit.tests, junit.failures), (RULES.len() as u64, 1));
    let failed = |case: &&junit_parser::TestCase| case.status.is_failure();
    let cases: Vec<_> = junit.suites.iter().flat_map(|suite| &suite.cases).collect();
    let failed: Vec<_> = cases.into_iter().filter(failed).collect();
    assert_eq!(failed[0].original_name, "translate-total");
    let failure = failed[0].status.failure_as_ref();
    assert_eq!(failure.failure_type, "translate-total");
    assert!(failure.text.contains("settings"), "{}", failure.text);

    let sarif = verdict.to_format(Format::Sarif, "a guest.wasm");
    let sarif: serde_sarif::sarif::Sarif = serde_json::from_str(&sarif).unwrap();
    let run = &sarif.runs[0];
    let rules = run.tool.driver.rules.as_ref().unwrap();
    assert_eq!(rules.len(), RULES.len());
    let results = run.results.as_ref().unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].rule_id.as_deref(), Some("translate-total"));
    let rule = usize::try_from(results[0].rule_index.unwrap()).unwrap();
    assert_eq!(rules[rule].id, "translate-total");
    let place = results[0].locations.as_ref().unwrap()[0]
        .physical_location
        .as_ref();
    let place = place.unwrap().artifact_location.as_ref().unwrap();
    assert_eq!(place.uri.as_deref(), Some("a%20guest.wasm"));
}
