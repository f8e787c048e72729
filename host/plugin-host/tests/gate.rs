//! The gate: what is no plug-in is refused, with a text that tells its maker what to do.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by it"
)]

mod support;

use muster_plugin_host::{Config, Fault, Terms};
use std::collections::HashSet;
use std::sync::Arc;
use support::{TestHost, behaviour, chain, guest, guest_that};

/// Each behaviour at loading, and what the error has to say.
const REFUSED: [(&str, &str); 33] = [
    ("loop-at-start", "not done after 3000 ms"),
    ("describe-loops", "not done after 3000 ms"),
    ("describe-traps", "unreachable"),
    ("describe-panics", "it trapped: "),
    ("describe-eats-memory", "more than 64 MiB of memory"),
    (
        "describe-recurses",
        "nested deeper than its stack of 512 KiB",
    ),
    ("describe-giant", "larger than 1 MiB"),
    ("describe-calls-wasi", "which no plug-in has"),
    (
        "application-bad",
        "application: \"clamav\" is no application id",
    ),
    ("version-bad", "version: "),
    ("manages-bad", "manages: "),
    (
        "name-too-long",
        "name: it has 101 bytes; at most 100 are taken",
    ),
    ("task-types-none", "task-types: there is none"),
    (
        "task-types-101",
        "task-types: it has 101 entries; at most 100",
    ),
    ("task-type-twice", "task-types: \"act\" stands there twice"),
    ("task-type-bad-id", "task-types/0/id: "),
    ("kinds-none", "task-types/0/kinds: "),
    ("time-limit-zero", "task-types/0/time-limit: "),
    ("schema-version-zero", "task-types/0/schema-version: "),
    (
        "schema-not-json",
        "task-types/0/settings-schema: it is no JSON",
    ),
    (
        "schema-not-schema",
        "task-types/0/settings-schema/maxLength: ",
    ),
    (
        "schema-other-dialect",
        "task-types/0/settings-schema/$schema: only JSON Schema 2020-12",
    ),
    (
        "schema-refers-outside",
        "task-types/0/settings-schema/properties/a/$ref: \"file:///etc/passwd\" leads to no place",
    ),
    ("schema-circle", "leads back to itself"),
    ("schema-doubles", "more than 20000 schemas"),
    (
        "schema-deep",
        "task-types/0/settings-schema: it is no JSON: recursion limit",
    ),
    ("schema-bad-regex", "task-types/0/settings-schema"),
    ("schema-huge-regex", "task-types/0/settings-schema"),
    ("examples-none", "task-types/0/examples: there is none"),
    (
        "example-against-schema",
        "task-types/0/examples/0/settings/else: the task type's own schema refuses it",
    ),
    (
        "example-against-validate",
        "task-types/0/examples/0/settings/do: the plug-in's own `validate` refuses it: Bad.",
    ),
    (
        "event-type-twice",
        "task-types/0/event-types: \"found\" stands there twice",
    ),
    // The guest has `migrate`, so a later version is its right.
    ("schema-version-without-migrate", ""),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_misbehave_at_loading_is_refused_with_its_reason() {
    // Long enough that whatever ends on its own does so first, on a busy machine too.
    let host = TestHost::with(Config {
        validate_time: 3000,
        ..Config::default()
    });
    for (behaviour, says) in REFUSED {
        let loaded = host.load(behaviour).await;
        if says.is_empty() {
            loaded.unwrap();
            continue;
        }
        let error = loaded.expect_err(behaviour);
        let text = chain(&error);
        assert!(text.contains(says), "{behaviour}: {text}");
        assert_eq!(error.fault(), Fault::Plugin, "{behaviour}: {text}");
    }
    // None of them left the host worse than before.
    host.load("well").await.unwrap();
}

#[test]
fn every_behaviour_of_the_guest_has_a_case() {
    let cases: HashSet<&str> = REFUSED
        .iter()
        .map(|(behaviour, _)| *behaviour)
        .chain(["well"])
        .collect();
    assert_eq!(cases, behaviour::ALL.into_iter().collect::<HashSet<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plug_in_that_is_well_describes_itself() {
    let host = TestHost::new();
    let plugin = host.load("well").await.unwrap();
    assert_eq!(
        plugin.description().application.as_str(),
        "org.example.guest"
    );
    assert_eq!(plugin.description().version.to_string(), "1.2.3");
    assert!(plugin.has_interpret() && plugin.has_migrate());
    assert_eq!(plugin.size(), guest().len());
    assert_eq!(
        plugin.digest(),
        muster_domain::Digest::of(guest_that("well"))
    );
}

async fn refusal(host: &TestHost, file: &[u8]) -> String {
    let error = host
        .host
        .load(Arc::from(file), Terms::default())
        .await
        .unwrap_err();
    assert_eq!(error.fault(), Fault::Plugin);
    chain(&error)
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_plug_ins_are_refused_with_their_reason() {
    let host = TestHost::new();
    let whole = guest();
    assert!(
        refusal(&host, b"just a text file\n")
            .await
            .contains("it begins with \"just a text file")
    );
    assert!(refusal(&host, b"").await.contains("cut short"));
    assert!(
        refusal(&host, &wat::parse_str("(module)").unwrap())
            .await
            .contains("wasm32-wasip2")
    );
    for length in [7, 100, whole.len() / 2, whole.len() - 1] {
        let text = refusal(&host, &whole[..length]).await;
        assert!(text.contains("cut short or damaged"), "{length}: {text}");
    }
    let large = vec![0; 200 << 20];
    assert!(
        refusal(&host, &large)
            .await
            .contains("209715200 bytes; at most 67108864 are taken")
    );
    let other = wat::parse_str(
        r#"(component (instance $i) (export "some:other/world@1.0.0" (instance $i)))"#,
    );
    let text = refusal(&host, &other.unwrap()).await;
    assert!(
        text.contains("muster:plugin/describe@1") && text.contains("some:other/world@1.0.0"),
        "{text}"
    );
    // Nothing of it was compiled or kept.
    assert_eq!(host.host.counters().compiled, 0);
    assert_eq!(host.compiled(), Vec::<std::path::PathBuf>::new());
}

fn with_exports(rest: &str) -> Vec<u8> {
    let names = ["describe", "validate", "translate"];
    let exports = names
        .map(|name| format!(r#"(export "muster:plugin/{name}@1.0.0" (instance $empty))"#))
        .concat();
    wat::parse_str(format!("(component {rest} (instance $empty) {exports})")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn components_that_want_or_lack_something_are_told_what() {
    let host = TestHost::new();
    let foreign = with_exports(r#"(import "evil:corp/exec@1.0.0" (instance))"#);
    assert!(
        refusal(&host, &foreign)
            .await
            .contains("it imports evil:corp/exec@1.0.0, which this server does not offer")
    );
    let newer = with_exports(
        r#"(import "muster:plugin/log@1.4.0" (instance (export "log-fields" (func))))"#,
    );
    assert!(refusal(&host, &newer).await.contains("log-fields"));
    let empty = with_exports("");
    assert!(
        refusal(&host, &empty)
            .await
            .contains("does not follow the contract muster:plugin@1")
    );
    let resource = with_exports("(type (resource (rep i32)))");
    assert!(refusal(&host, &resource).await.contains("resource"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiler_that_needs_too_much_is_stopped() {
    let tight = |change: fn(&mut Config)| {
        let mut config = Config::default();
        change(&mut config);
        TestHost::with(config)
    };
    let host = tight(|config| config.compile.memory = 40);
    let text = chain(&host.load("well").await.unwrap_err());
    assert!(text.contains("more than 40 MiB"), "{text}");
    let host = tight(|config| config.compile.time = 0);
    let text = chain(&host.load("well").await.unwrap_err());
    assert!(text.contains("more than 0 s"), "{text}");
    assert_eq!(host.compiled(), Vec::<std::path::PathBuf>::new());
}
