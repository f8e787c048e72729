//! Compiled code: made once, checked before it is used.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by it"
)]

mod support;

use muster_plugin_host::{Config, Terms};
use std::os::unix::fs::PermissionsExt;
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
