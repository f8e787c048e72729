//! The gate: what is no plug-in is refused, with a text that tells its maker what to do. All ways to
//! misbehave there are cases of the conformance suite, `tests/conformance`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by it"
)]

mod support;

use muster_domain::chain;
use muster_plugin_host::{Config, Fault, Terms};
use std::sync::Arc;
use support::{TestHost, guest, guest_that};

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
            .contains("larger than 64 MiB, the most that is taken")
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
