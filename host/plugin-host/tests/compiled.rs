//! Compiled code: made once, checked before it is used.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by it"
)]

mod support;

use muster_plugin_host::{CallFailure, Config, Known, Plugin, PluginHost, Terms};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use support::{TestHost, act, start, told_to};

#[tokio::test(flavor = "multi_thread")]
async fn a_component_is_compiled_once_even_over_a_restart() {
    let test = TestHost::new();
    let (one, two) = tokio::join!(test.load("well"), test.load("well"));
    one.unwrap();
    two.unwrap();
    assert_eq!(
        (test.host.counters().compiled, test.host.counters().mapped),
        (1, 1)
    );
    let again = start(&test.private(), Config::default());
    let plugin = again
        .load(support::guest_that("well"), Terms::default())
        .await
        .unwrap();
    assert_eq!((again.counters().compiled, again.counters().mapped), (0, 1));
    assert_eq!(
        plugin.validate(&act(), &told_to("nothing")).await.unwrap(),
        []
    );
    assert_eq!(test.compiled().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn compiled_code_that_is_not_ours_is_thrown_away_and_made_anew() {
    let test = TestHost::new();
    test.load("well").await.unwrap();
    let path = test.compiled().remove(0);
    let good = std::fs::read(&path).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let other = TestHost::new();
    other.load("well").await.unwrap();
    let foreign = std::fs::read(other.compiled().remove(0)).unwrap();
    let mut discarded = 0;
    for bad in [
        flipped(100),
        flipped(good.len() / 2),
        flipped(good.len() - 1),
        good[..good.len() / 2].to_vec(),
        good[..10].to_vec(),
        Vec::new(),
        foreign,
    ] {
        std::fs::write(&path, &bad).unwrap();
        test.load("well").await.unwrap();
        discarded += 1;
        assert_eq!(test.host.counters().discarded, discarded);
        assert_eq!(std::fs::read(&path).unwrap(), good);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn code_under_another_components_name_and_open_files_are_refused() {
    let test = TestHost::new();
    test.load("well").await.unwrap();
    let well = test.compiled().remove(0);
    test.load("describe-traps").await.unwrap_err();
    let other = test
        .compiled()
        .into_iter()
        .find(|path| *path != well)
        .unwrap();
    std::fs::copy(&other, &well).unwrap();
    test.load("well").await.unwrap();
    assert_eq!(test.host.counters().discarded, 1);
    std::fs::set_permissions(&well, std::fs::Permissions::from_mode(0o666)).unwrap();
    test.load("well").await.unwrap();
    assert_eq!(test.host.counters().discarded, 2);
    std::fs::remove_file(&well).unwrap();
    std::os::unix::fs::symlink(&other, &well).unwrap();
    test.load("well").await.unwrap();
    assert_eq!(test.host.counters().discarded, 3);
}

/// The plug-in as a row would tell it, to a host.
fn recalled(host: &Arc<PluginHost>, plugin: &Plugin) -> Arc<Plugin> {
    let known = Known {
        digest: plugin.digest(),
        size: plugin.size(),
        description: plugin.description().clone(),
    };
    let kept = serde_json::to_string(plugin.pass()).unwrap();
    let pass = serde_json::from_str(&kept).unwrap();
    let recalled = host.recall(known, Some(pass), &Terms::default(), || None);
    recalled.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_passed_before_is_taken_up_without_a_call_and_answers_as_before() {
    let test = TestHost::new();
    let plugin = test.load("well").await.unwrap();
    let host = start(&test.private(), Config::default());
    let again = recalled(&host, &plugin);
    assert_eq!(host.counters().calls, 0);
    assert!(!again.is_compiling());
    assert_eq!(again.pass(), plugin.pass());
    assert_eq!(
        (again.has_interpret(), again.has_migrate(), again.is_pure()),
        (
            plugin.has_interpret(),
            plugin.has_migrate(),
            plugin.is_pure()
        )
    );
    for settings in [told_to("nothing"), told_to("find")] {
        assert_eq!(
            again.validate(&act(), &settings).await.unwrap(),
            plugin.validate(&act(), &settings).await.unwrap()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_code_is_gone_or_damaged_says_so_until_it_is_loaded() {
    let test = TestHost::new();
    let plugin = test.load("well").await.unwrap();
    let path = test.compiled().remove(0);
    let good = std::fs::read(&path).unwrap();

    // Damaged: the first call finds it. What is mapped already stays as it is.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, &good[..good.len() / 2]).unwrap();
    let host = start(&test.private(), Config::default());
    let damaged = recalled(&host, &plugin);
    assert!(!damaged.is_compiling());
    let answer = damaged.validate(&act(), &told_to("nothing")).await;
    assert_eq!(answer.unwrap_err().failure, CallFailure::Compiling);
    assert!(damaged.is_compiling() && damaged.last_fault().is_none());
    host.until_uncompiled().await;
    assert_eq!(host.counters().discarded, 1);

    // Gone: known from the beginning.
    let gone = recalled(&host, &plugin);
    assert!(gone.is_compiling());
    let answer = gone.validate(&act(), &told_to("nothing")).await;
    assert_eq!(answer.unwrap_err().failure, CallFailure::Compiling);

    let component = support::guest_that("well");
    let anew = host.load(component, Terms::default()).await.unwrap();
    assert_eq!(
        anew.validate(&act(), &told_to("nothing")).await.unwrap(),
        []
    );
    assert!(!recalled(&host, &plugin).is_compiling());
}
