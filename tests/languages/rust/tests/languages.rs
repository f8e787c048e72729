//! What a server makes of the same plug-in in every language: the same.
#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

use muster_plugin_harness::{
    AskError, CallError, CallFailure, Finding, Harness, Plugin, Profile, Suite,
};
use muster_test_harness::{Programs, needs};
use serde_json::{Value, json};

/// The other languages, and the programs that their components are made with.
const OTHERS: [(&str, &[&str]); 3] = [
    ("c", &["clang", "wasm-ld"]),
    ("javascript", &["node", "npm"]),
    ("python", &["python3"]),
];

/// Settings that a schema lets through, and a plug-in has something to say of.
fn said() -> Vec<Value> {
    let long = format!("relative/{}", "ä".repeat(3000));
    let many: Vec<String> = (0..100).map(|number| format!("/{number}\u{7f}")).collect();
    vec![
        json!({"paths": ["/srv"]}),
        json!({"paths": ["/srv", "srv", "/a/../b", "/srv/a", "/ü/\u{1b}", "/srv/"]}),
        json!({"paths": ["/"], "exclusions": ["/a", "b/", "//"]}),
        json!({"paths": ["/a"], "exclusions": ["/b", "/a/b", "/ab"]}),
        json!({"paths": ["/a"], "on-detection": "quarantine"}),
        json!({"paths": ["/a"], "on-detection": "quarantine", "quarantine-folder": "q~/"}),
        json!({"paths": many, "exclusions": [long]}),
        json!({
            "paths": ["/srv/files", "/home"], "exclusions": ["/home/backup"], "depth": 40,
            "largest-file": 250_000_000, "archives": false, "mail": false, "threads": 4,
            "heuristics": "high", "on-detection": "quarantine", "quarantine-folder": "/var/lib/q",
        }),
    ]
}

#[test]
fn one_plug_in_answers_alike_in_every_language() {
    let harness = Harness::start().unwrap();
    let open = |language: &str| {
        let file = Programs::find().unwrap().language(language).unwrap();
        harness.open(&file).unwrap()
    };
    let rust = open("rust");
    for (language, programs) in OTHERS {
        if !programs.iter().all(|program| needs(program).is_some()) {
            continue;
        }
        let other = open(language);
        assert_eq!(other.description(), rust.description(), "{language}");
        for settings in said() {
            assert_eq!(
                found(&other, &settings),
                found(&rust, &settings),
                "{language}: {settings}"
            );
            assert_eq!(
                commands(&other, &settings),
                commands(&rust, &settings),
                "{language}: {settings}"
            );
        }
        // C has none.
        if language != "c" {
            an_exception_is_an_answer(&other);
        }
    }
}

/// No SDK takes care of it there, so what the guide shows has to.
#[test]
fn the_plug_in_in_c_keeps_every_rule() {
    if needs("clang").is_none() || needs("wasm-ld").is_none() {
        return;
    }
    let component = std::fs::read(Programs::find().unwrap().language("c").unwrap());
    let verdict = Suite::default().run(&Harness::start().unwrap(), component.unwrap());
    assert!(verdict.broken().next().is_none(), "{}", verdict.to_text());
}

/// All that the plug-in has to say. Paths with what steers a terminal, or with quotation marks, are
/// quoted in each language's own way; there are none in a sentence here.
fn found(plugin: &Plugin, settings: &Value) -> Vec<Finding> {
    plugin.validate("scan", settings).unwrap()
}

/// What it answers for two devices, as text.
fn commands(plugin: &Plugin, settings: &Value) -> String {
    let profile = |platform: &str| Profile {
        platform: platform.into(),
        architecture: "x86_64".into(),
        application_version: None,
        facts: Vec::new(),
    };
    let profiles = [profile("linux"), profile("windows")];
    let answers = plugin.translate("scan", settings, &profiles).unwrap();
    format!("{answers:#?}")
}

/// An exception would be a trap without a word; the SDKs make an answer of it.
fn an_exception_is_an_answer(plugin: &Plugin) {
    let answer = plugin.validate("scan", &json!({"paths": ["/throw"]}));
    assert!(
        matches!(
            &answer,
            Err(AskError::Call(CallError { failure: CallFailure::Internal(text), .. }))
                if text.contains("TypeError") && text.contains("It was asked to.")
        ),
        "{answer:?}"
    );
}
