//! The cage around the compiling child: what it refuses, it refuses; without it, all of that is done.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by it"
)]

mod support;

use muster_domain::chain;
use muster_plugin_host::{Config, Terms};
use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use support::{TestHost, guest_that};

/// What the child has to be able to do in its cage.
const NEEDS: [&str; 3] = ["thread", "memory", "time"];

/// What a child tried, and what came of it.
fn attempts(cage: &str) -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_muster-compiler"))
        .args(["2048", "60", "1000000", cage, "attempt"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{words}");
    text.lines()
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, came)| (name.to_owned(), came.to_owned()))
        .collect()
}

#[test]
fn everything_but_computing_is_refused_and_only_by_the_cage() {
    let (caged, open) = (attempts("caged"), attempts("open"));
    assert_eq!(
        caged.keys().collect::<Vec<_>>(),
        open.keys().collect::<Vec<_>>()
    );
    assert_eq!(caged.len(), 19);
    for (attempt, came) in &caged {
        let expected = if NEEDS.contains(&attempt.as_str()) {
            "done"
        } else {
            "refused"
        };
        assert_eq!(came, expected, "{attempt}, caged");
        assert_eq!(open[attempt], "done", "{attempt}, without a cage");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cage_leaves_the_compiled_code_as_it_is() {
    let mut files = Vec::new();
    for cage in [true, false] {
        let mut config = Config::default();
        config.compile.cage = cage;
        let test = TestHost::with(config);
        let loaded = test.host.load(guest_that("well"), Terms::default()).await;
        loaded.map_err(|error| chain(&error)).unwrap();
        let code = std::fs::read(test.compiled().remove(0)).unwrap();
        // The mark at the end is made with each host's own key.
        files.push(code[..code.len() - 32].to_vec());
    }
    assert!(files[0] == files[1]);
}
