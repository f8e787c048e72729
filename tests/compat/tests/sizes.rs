//! How large components made with the SDK may be.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by it")]

use muster_test_compat::{build, target, workspace};

const KIB: usize = 1024;

#[test]
fn a_plug_in_of_one_task_type_has_at_most_100_kib() {
    let manifest = workspace().join("Cargo.toml");
    let size = build(&manifest, "muster-sdk-hello", "guest-small").unwrap();
    let size = size.len();
    assert!(size <= 100 * KIB, "{size} bytes");
    // What is much smaller than it was is a limit to be tightened.
    assert!(size >= 60 * KIB, "{size} bytes: lower the limit");
}

/// As it ships: `cargo xtask test` has built it.
#[test]
fn clamav_has_at_most_400_kib() {
    let file = target().unwrap().join("plugins/clamav.wasm");
    let size = std::fs::metadata(&file).map(|of| of.len());
    let size = size.expect("the plug-in is built: run `cargo xtask plugins`");
    assert!(size <= 400 * 1024, "{size} bytes");
}
