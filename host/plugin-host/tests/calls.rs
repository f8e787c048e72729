//! Calls: a guest that misbehaves fails that one call, and what it answers is checked.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by it"
)]

mod support;

use muster_domain::chain;
use muster_domain::command::Value;
use muster_domain::outcome::OutcomeStatus;
use muster_domain::profile::{Profile, ProfileCount};
use muster_domain::report::{Report, StepEnd, StepReport};
use muster_plugin_host::{CallError, CallFailure, Config, Fault, Function, Plugin, Refusal};
use std::sync::Arc;
use support::{TestHost, act, told_to};

/// What every function can do wrong, and what the error has to say.
const IN_EVERY_FUNCTION: [(&str, &str); 7] = [
    ("loop", "the most that it may take"),
    ("trap", "unreachable"),
    ("panic", "it trapped"),
    ("eat-memory", "more than 64 MiB"),
    ("recurse", "stack of 512 KiB"),
    ("call-wasi", "which no plug-in has"),
    ("giant", "larger than 4 MiB"),
];

/// A guest that loops has all its time, however busy the machine is.
const PATIENT: u32 = 1000;

async fn loaded() -> (TestHost, Arc<Plugin>) {
    // Long enough that whatever ends on its own does so first, on a busy machine too.
    let host = TestHost::with(Config {
        validate_time: 3000,
        batch_time: 3000,
        by_the_clock: PATIENT,
        ..Config::default()
    });
    let plugin = host.load("well").await.unwrap();
    (host, plugin)
}

fn profiles(count: u32) -> Vec<ProfileCount> {
    (0..count)
        .map(|number| ProfileCount {
            profile: Profile {
                platform: "linux".into(),
                architecture: "x86_64".into(),
                application_version: Some("1.0".into()),
                facts: vec![("os.id".into(), Some(format!("debian-{number}")))],
            },
            devices: number + 1,
        })
        .collect()
}

fn report(end: StepEnd) -> Report {
    Report {
        steps: vec![StepReport {
            program: "act".into(),
            end,
            duration: 5,
            head: "a".into(),
            tail: "b".into(),
            lines: vec!["x FOUND".into()],
            lines_left_out: 2,
        }],
    }
}

fn blames_the_plugin(error: &CallError, function: Function, says: &str) {
    let text = chain(error);
    assert!(text.contains(says), "{function}, {says}: {text}");
    assert!(text.contains("org.example.guest, version 1.2.3"), "{text}");
    assert_eq!(
        (error.fault(), error.function),
        (Fault::Plugin, function),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_guest_does_wrong_fails_that_one_call() {
    let (_host, plugin) = loaded().await;
    let (one, reports) = (profiles(1), [report(StepEnd::Exited(0))]);
    for (word, says) in IN_EVERY_FUNCTION {
        let settings = told_to(word);
        let error = plugin.validate(&act(), &settings).await.unwrap_err();
        blames_the_plugin(&error, Function::Validate, says);
        let error = plugin.translate(&act(), &settings, &one).await.unwrap_err();
        blames_the_plugin(&error, Function::Translate, says);
        if word != "giant" {
            let error = plugin
                .interpret(&act(), &settings, &reports)
                .await
                .unwrap_err();
            blames_the_plugin(&error, Function::Interpret, says);
            let error = plugin.migrate(&act(), 1, &settings).await.unwrap_err();
            blames_the_plugin(&error, Function::Migrate, says);
        }
        assert_eq!(
            plugin.validate(&act(), &told_to("nothing")).await.unwrap(),
            []
        );
    }
    let error = plugin
        .validate(&act(), &told_to("aliasing"))
        .await
        .unwrap_err();
    blames_the_plugin(&error, Function::Validate, "larger than 4 MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_loops_does_not_hold_up_others() {
    let host = TestHost::with(Config {
        call_threads: 2,
        validate_time: 5_000,
        by_the_clock: PATIENT,
        ..Config::default()
    });
    let plugin = host.load("well").await.unwrap();
    let looping = tokio::spawn({
        let plugin = Arc::clone(&plugin);
        async move { plugin.validate(&act(), &told_to("loop")).await }
    });
    for _ in 0..100 {
        plugin.validate(&act(), &told_to("nothing")).await.unwrap();
    }
    assert!(!looping.is_finished());
    assert!(matches!(
        looping.await.unwrap().unwrap_err().failure,
        CallFailure::TimedOut { .. }
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_survives_a_call_and_nothing_is_random() {
    let (_host, plugin) = loaded().await;
    let mut hashes = Vec::new();
    for _ in 0..3 {
        assert_eq!(
            plugin.validate(&act(), &told_to("count")).await.unwrap()[0].text,
            "1"
        );
        assert_eq!(
            plugin.validate_here(&act(), &told_to("count")).unwrap()[0].text,
            "1"
        );
        hashes.push(plugin.validate(&act(), &told_to("hash")).await.unwrap());
    }
    assert_eq!(hashes[0], hashes[1]);
    assert_eq!(hashes[0], hashes[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_are_checked() {
    let (_host, plugin) = loaded().await;
    let validate = async |word: &str| plugin.validate(&act(), &told_to(word)).await;
    assert_eq!(validate("find").await.unwrap().len(), 2);
    assert_eq!(validate("invalid").await.unwrap().len(), 1);
    for (word, says) in [
        ("many", "1001 entries"),
        (
            "bad-pointer",
            "findings/0/pointer: \"do\" is no JSON Pointer",
        ),
        ("bad-code", "findings/0/code"),
        ("no-text", "findings/0/text"),
        ("invalid-without-error", "none of its findings is an error"),
        (
            "unknown-task-type",
            "does not know a task type that it described",
        ),
        ("internal", "it says that it failed: out of ideas"),
    ] {
        blames_the_plugin(&validate(word).await.unwrap_err(), Function::Validate, says);
    }
    // The schema speaks first, and then the guest is not asked.
    let wrong = muster_domain::settings::Settings::parse(r#"{"do": 5, "x": 1}"#).unwrap();
    let found = plugin.validate(&act(), &wrong).await.unwrap();
    let mut places: Vec<_> = found
        .iter()
        .map(|found| (found.pointer.as_str(), found.code.as_str()))
        .collect();
    places.sort_unstable();
    assert_eq!(
        places,
        [("/do", "schema-type"), ("/x", "schema-unknown-property")]
    );
    let error = plugin
        .validate(&"other".parse().unwrap(), &wrong)
        .await
        .unwrap_err();
    assert_eq!(error.fault(), Fault::Caller);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_profile_is_answered_once_and_commands_are_checked() {
    let (_host, plugin) = loaded().await;
    let answers = plugin
        .translate(&act(), &told_to("nothing"), &profiles(1000))
        .await
        .unwrap();
    assert_eq!(answers.len(), 1000);
    let step = &answers[999].as_ref().unwrap().steps[0];
    assert_eq!(
        step.arguments[0],
        Value::Literal("--os.id=debian-999".into())
    );
    assert_eq!(
        plugin
            .translate(&act(), &told_to("nothing"), &[])
            .await
            .unwrap(),
        []
    );

    let three = profiles(3);
    let translate = async |word: &str| plugin.translate(&act(), &told_to(word), &three).await;
    assert_eq!(
        translate("unsupported").await.unwrap()[2],
        Err(Refusal::Unsupported("Not here.".into()))
    );
    assert!(
        matches!(&translate("refuse-invalid").await.unwrap()[0], Err(Refusal::Invalid(found)) if found.len() == 1)
    );
    for (word, says) in [
        ("twice", "asked about 3 profiles and gave 4 answers"),
        ("not-at-all", "asked about 3 profiles and gave 2 answers"),
        (
            "path",
            "0/steps/0/program: \"/bin/sh\" is no name of a program",
        ),
        (
            "bad-regex",
            "0/steps/0/keep/lines: the pattern \"(\" does not compile",
        ),
        ("huge-regex", "0/steps/0/keep/lines"),
        ("progress-without-group", "0/steps/0/progress"),
        ("keep-much", "0/steps/0/keep/head"),
        ("zero-byte", "0/steps/0/arguments/1"),
        ("no-steps", "at least one step"),
        ("33-steps", "33 entries; at most 32"),
        ("refuse-without-error", "none of its findings is an error"),
    ] {
        blames_the_plugin(
            &translate(word).await.unwrap_err(),
            Function::Translate,
            says,
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_report_gets_one_outcome_and_events_are_checked() {
    let (_host, plugin) = loaded().await;
    let reports = [
        report(StepEnd::Exited(1)),
        report(StepEnd::NotStarted("gone".into())),
    ];
    let interpret = async |word: &str| plugin.interpret(&act(), &told_to(word), &reports).await;
    let outcomes = interpret("nothing").await.unwrap();
    assert_eq!(outcomes[0].status, OutcomeStatus::Warning);
    assert_eq!(outcomes[0].summary, "StepEnd::Exited(1)");
    assert_eq!(outcomes[1].summary, "StepEnd::NotStarted(\"gone\")");
    assert_eq!(outcomes[0].events[0].text, "1 of 2 lines.");
    assert_eq!(
        outcomes[0].events[0].fields,
        serde_json::json!({"file": "/x"})
    );
    for (word, says) in [
        ("twice", "asked about 2 reports and gave 3 answers"),
        ("not-at-all", "asked about 2 reports and gave 1 answers"),
        (
            "unknown-event",
            "0/events/0: the task type has no event type \"lost\"",
        ),
        ("bad-fields", "0/events/0/fields: at \"/"),
        ("deep-fields", "0/events/0/fields: they are no JSON"),
        ("no-text", "0/events/0/text"),
        ("long-summary", "0/summary: it has 1001 bytes"),
        ("many-events", "0/events: it has 10001 entries"),
    ] {
        blames_the_plugin(
            &interpret(word).await.unwrap_err(),
            Function::Interpret,
            says,
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migrated_settings_are_checked() {
    let (_host, plugin) = loaded().await;
    let migrate = async |word: &str| plugin.migrate(&act(), 3, &told_to(word)).await;
    assert_eq!(
        migrate("nothing").await.unwrap().unwrap().as_str(),
        r#"{"do":"was-3"}"#
    );
    assert_eq!(migrate("invalid").await.unwrap().unwrap_err().len(), 1);
    for (word, says) in [
        ("rubbish", "not valid JSON"),
        ("against-schema", "/do"),
        ("internal", "out of ideas"),
    ] {
        blames_the_plugin(&migrate(word).await.unwrap_err(), Function::Migrate, says);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_busy_and_the_caller_may_come_again() {
    let host = TestHost::with(Config {
        call_threads: 1,
        queue: 1,
        validate_time: 1000,
        by_the_clock: PATIENT,
        ..Config::default()
    });
    let plugin = host.load("well").await.unwrap();
    let calls = (0..8).map(|_| {
        let plugin = Arc::clone(&plugin);
        tokio::spawn(async move { plugin.validate(&act(), &told_to("loop")).await.unwrap_err() })
    });
    let mut busy = 0;
    for call in calls.collect::<Vec<_>>() {
        let error = call.await.unwrap();
        if matches!(error.failure, CallFailure::Busy { .. }) {
            assert_eq!(error.fault(), Fault::Caller);
            busy += 1;
        }
    }
    assert!(busy >= 5, "{busy}");
    assert_eq!(host.host.counters().busy, busy);
    assert_eq!(
        plugin.validate(&act(), &told_to("nothing")).await.unwrap(),
        []
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_pool_calls_run_all_the_same() {
    let host = TestHost::with(Config {
        pool_slots: 0,
        ..Config::default()
    });
    let plugin = host.load("well").await.unwrap();
    assert_eq!(
        plugin.validate(&act(), &told_to("nothing")).await.unwrap(),
        []
    );
    // More slots than there is address space for: a warning in the log, and on it goes.
    let host = TestHost::with(Config {
        pool_slots: 1_000_000,
        ..Config::default()
    });
    host.load("well").await.unwrap();
}
