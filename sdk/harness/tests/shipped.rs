//! The plug-ins that we ship keep every rule.
#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod support;

use muster_plugin_harness::{Harness, Suite};
use muster_test_harness::needs;
use support::shipped;

#[test]
fn aide_keeps_every_rule() {
    keeps_every_rule("aide", &[1, 2], 60);
}

#[test]
fn clamav_keeps_every_rule() {
    keeps_every_rule("clamav", &[1, 2], 60);
}

// A call of those below takes as long as a hundred of those above.

#[test]
fn yara_keeps_every_rule() {
    if needs("node").is_some() && needs("npm").is_some() {
        keeps_every_rule("yara", &[1], 30);
    }
}

#[test]
fn lynis_keeps_every_rule() {
    if needs("python3").is_some() {
        keeps_every_rule("lynis", &[1], 30);
    }
}

fn keeps_every_rule(name: &str, seeds: &[u64], cases: u32) {
    let harness = Harness::start().unwrap();
    let component = std::fs::read(shipped(name)).unwrap();
    for seed in seeds {
        let suite = Suite {
            seed: *seed,
            cases,
            ..Suite::default()
        };
        let verdict = suite.run(&harness, component.clone());
        assert!(
            verdict.broken().next().is_none(),
            "{name}:\n{}",
            verdict.to_text()
        );
    }
}
