//! Each function, asked through the harness: answers, and failures that tell what went wrong.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails panics"
)]

mod support;

use muster_plugin_harness::{
    AskError, CallFailure, Config, Function, Harness, Options, OutcomeStatus, Profile, Report,
    StepEnd, StepReport, any_error,
};
use serde_json::json;
use support::{guest_that, linux, shipped};

#[test]
fn a_shipped_plug_in_answers_every_function() {
    let plugin = Harness::start().unwrap().open(&shipped("clamav")).unwrap();
    assert_eq!(
        plugin.description().application.as_str(),
        "net.clamav.clamav"
    );
    assert!(plugin.has_interpret() && !plugin.has_migrate() && plugin.is_pure());

    assert!(plugin.validate("scan", &json!({})).unwrap().is_empty());
    let wrong = plugin.validate("scan", &json!({"area": 1})).unwrap();
    assert!(
        any_error(&wrong) && wrong[0].pointer == "/area",
        "{wrong:?}"
    );

    let profile = linux(plugin.no_facts("scan").unwrap());
    let alone = plugin
        .translate_one("scan", &json!({}), &profile)
        .unwrap()
        .unwrap();
    let windows = Profile {
        platform: "windows".into(),
        ..profile.clone()
    };
    let both = plugin
        .translate("scan", &json!({}), &[windows, profile])
        .unwrap();
    assert!(both[0].is_err());
    assert_eq!(both[1].as_ref().unwrap(), &alone);

    let report = Report {
        steps: vec![StepReport {
            program: "find".into(),
            end: StepEnd::Exited(2),
            duration: 5,
            head: String::new(),
            tail: String::new(),
            lines: vec![],
            lines_left_out: 0,
        }],
    };
    let outcomes = plugin.interpret("scan", &json!({}), &[report]).unwrap();
    assert_eq!(outcomes[0].status, OutcomeStatus::Failed);
    let cost = plugin.cost(Function::Translate);
    assert!(
        cost.calls == 2 && cost.memory > 0 && cost.memory_limit == 64 << 20,
        "{cost:?}"
    );
}

#[test]
fn what_cannot_be_asked_is_told_before_anybody_is_asked() {
    let plugin = Harness::start().unwrap().load(guest_that("well")).unwrap();
    let error = plugin.validate("scan", &json!({})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the plug-in has no task type \"scan\"; it has act"
    );
    let error = plugin.validate("act", &json!([])).unwrap_err();
    assert!(matches!(error, AskError::Settings(_)), "{error}");
}

#[test]
fn a_failure_names_limit_and_trap_with_the_way_to_it() {
    // However busy this machine is, what loops is to be told from what starves.
    let config = Config {
        by_the_clock: 1000,
        ..Config::default()
    };
    let harness = Harness::with(Options { config, keep: None }).unwrap();
    let plugin = harness.load(guest_that("well")).unwrap();
    let failure = |word: &str| match plugin.validate("act", &json!({"do": word})) {
        Err(AskError::Call(error)) => error.failure,
        other => panic!("{other:?}"),
    };
    let CallFailure::Trapped(way) = failure("trap") else {
        panic!("no trap");
    };
    assert!(
        way.contains("`unreachable` instruction executed\n    in "),
        "{way}"
    );
    assert!(matches!(failure("loop"), CallFailure::TimedOut { .. }));
    assert!(matches!(
        failure("eat-memory"),
        CallFailure::OutOfMemory { .. }
    ));
    assert!(
        matches!(failure("bad-pointer"), CallFailure::Invalid(why) if why.contains("no JSON Pointer"))
    );
}

#[test]
fn what_is_compiled_is_kept_where_it_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let keep = Some(folder.path().join("kept"));
    for _ in 0..2 {
        let options = Options {
            keep: keep.clone(),
            ..Options::default()
        };
        Harness::with(options)
            .unwrap()
            .load(guest_that("well"))
            .unwrap();
    }
    let compiled = std::fs::read_dir(folder.path().join("kept/compiled")).unwrap();
    assert_eq!(compiled.count(), 1);
}

#[tokio::test]
async fn a_component_can_be_opened_within_a_runtime() {
    let harness = Harness::start().unwrap();
    assert!(harness.load(&b"#!/bin/sh"[..]).is_err());
    assert!(harness.load(guest_that("well")).is_ok());
}
