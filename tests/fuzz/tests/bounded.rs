//! The bounded run that every change has to pass.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use muster_fuzz::{TARGETS, bounded};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_target_takes_its_corpus_and_changes_of_it() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for target in &TARGETS {
        // A tenth of what `cargo xtask fuzz` does: the tests are for all that is told.
        let done = bounded::run(target, target.runs / 10, 1, folder).unwrap();
        println!("{}: {done:?}", target.name);
        assert!(
            done.accepted > 0,
            "{}: nothing gets beyond the front door",
            target.name
        );
    }
}

#[test]
fn every_target_has_a_folder_and_a_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = |folder: &Path, ending: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .map(|name| name.trim_end_matches(ending).to_owned())
            .collect()
    };
    let targets: BTreeSet<String> = TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect();
    assert_eq!(names(&root.join("corpus"), ""), targets);
    assert_eq!(names(&root.join("../../fuzz/fuzz_targets"), ".rs"), targets);
}
