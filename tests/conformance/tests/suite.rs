//! Every case of the suite is contained by our own host, and every way in which the guest can
//! misbehave has a case.
#![allow(clippy::unwrap_used, reason = "tests fail by it")]

use muster_conformance::{Guest, Trial, all, behaviour};
use muster_plugin_host::Compiler;
use std::collections::{BTreeSet, HashMap, HashSet};

#[tokio::test(flavor = "multi_thread")]
async fn every_case_is_contained() {
    let folder = tempfile::tempdir().unwrap();
    let compiler = Compiler {
        program: env!("CARGO_BIN_EXE_conformance").into(),
        arguments: vec!["compile-component".into()],
    };
    let trial = Trial::start(folder.path(), compiler).await.unwrap();
    let mut escaped = Vec::new();
    for case in all() {
        let answer = trial.run(case).await.unwrap();
        if !answer.contained {
            escaped.push(format!("{}: {}: {}", answer.case, answer.kind, answer.text));
        }
    }
    assert!(escaped.is_empty(), "not contained:\n{}", escaped.join("\n"));
}

#[test]
fn every_way_to_misbehave_has_a_case() {
    let mut loads = BTreeSet::from(["well"]);
    let mut told = BTreeSet::new();
    for case in all() {
        match case.guest {
            Guest::Loads(behaviour) => loads.insert(behaviour),
            Guest::Told(word) => told.insert(word),
            Guest::Made(_) => true,
        };
    }
    assert_eq!(loads, behaviour::ALL.iter().copied().collect());
    assert_eq!(told, behaviour::WORDS.iter().copied().collect());
}

#[test]
fn no_two_cases_are_the_same() {
    let mut names = HashSet::new();
    let mut sentences = HashMap::new();
    let mut asked = HashSet::new();
    for case in all() {
        assert!(names.insert(case.name), "{} stands there twice", case.name);
        if let Some(other) = sentences.insert((case.asked.to_string(), case.does), case.name) {
            panic!("{} and {other} do the same", case.name);
        }
        let of_rust = match case.guest {
            Guest::Loads(behaviour) => Some(behaviour),
            Guest::Told(word) => Some(word),
            Guest::Made(_) => None,
        };
        if let Some(word) = of_rust {
            let new = asked.insert((case.asked.to_string(), word));
            assert!(new, "{} does what another case does", case.name);
        }
    }
    assert!(names.len() >= 60, "only {} cases", names.len());
}
