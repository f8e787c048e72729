//! The plug-ins that we ship keep every rule.
#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod support;

use muster_plugin_harness::{Harness, Suite};
use support::shipped;

#[test]
fn the_plug_ins_that_we_ship_keep_every_rule() {
    let harness = Harness::start().unwrap();
    for name in ["aide", "clamav"] {
        let component = std::fs::read(shipped(name)).unwrap();
        for seed in [1, 2] {
            let verdict = Suite {
                seed,
                cases: 60,
                ..Suite::default()
            }
            .run(&harness, component.clone());
            assert!(
                verdict.broken().next().is_none(),
                "{name}:\n{}",
                verdict.to_text()
            );
        }
    }
}
