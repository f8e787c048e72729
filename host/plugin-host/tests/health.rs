//! Health: what is counted of a plug-in's calls, and when it has failed too often.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by it"
)]

mod support;

use futures_util::FutureExt;
use muster_plugin_host::{CallFailure, Function};
use support::{TestHost, act, told_to};

#[tokio::test(flavor = "multi_thread")]
async fn each_call_is_counted_by_function_and_end() {
    let host = TestHost::new();
    let plugin = host.load("well").await.unwrap();
    assert_eq!(plugin.health(), [], "its admission is not work");

    plugin.validate(&act(), &told_to("nothing")).await.unwrap();
    let before = of(&plugin, Function::Validate);
    plugin.validate(&act(), &told_to("nothing")).await.unwrap();
    plugin.validate(&act(), &told_to("trap")).await.unwrap_err();
    plugin
        .validate(&act(), &told_to("eat-memory"))
        .await
        .unwrap_err();
    let after = of(&plugin, Function::Validate);

    assert_eq!(after.calls(), before.calls() + 3);
    let ended = |name| {
        let outcomes = &after.outcomes;
        outcomes.iter().find(|(outcome, _)| *outcome == name)
    };
    assert_eq!(ended("trapped"), Some(&("trapped", 1)));
    assert_eq!(ended("out-of-memory"), Some(&("out-of-memory", 1)));
    assert_eq!(after.took.count(), after.calls());
    assert_eq!(after.instantiate.count(), before.instantiate.count() + 3);
    assert!(after.took.sum >= after.instantiate.sum);
    assert!(after.bytes_in > before.bytes_in);
    let (most, _) = plugin.limits();
    assert!(after.memory > 32 << 20 && after.memory <= most as u64);
    assert!(matches!(
        plugin.last_fault().unwrap().failure,
        CallFailure::OutOfMemory { .. }
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plug_in_that_fails_again_and_again_is_told_and_may_prove_itself() {
    let host = TestHost::new();
    let plugin = host.load("well").await.unwrap();
    for _ in 0..5 {
        assert!(!plugin.is_sick());
        plugin.validate(&act(), &told_to("trap")).await.unwrap_err();
    }
    assert!(plugin.is_sick());
    host.host.until_sick().await;
    assert!(host.host.until_sick().now_or_never().is_none(), "told once");

    plugin.probe().await.unwrap();
    assert!(!plugin.is_sick());
}

fn of(
    plugin: &muster_plugin_host::Plugin,
    function: Function,
) -> muster_plugin_host::FunctionHealth {
    let mut health = plugin.health().into_iter();
    health.find(|health| health.function == function).unwrap()
}
