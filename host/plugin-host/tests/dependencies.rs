//! What must never be among the dependencies: WASI in the host, and parts of the engine that are
//! off.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by it"
)]

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::HashSet;

#[test]
fn there_is_no_wasi_and_no_more_engine_than_needed() {
    let manifest = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .other_options(["--locked".into(), "--offline".into()])
        .exec();
    let metadata = metadata.unwrap();
    let wasi: Vec<_> = metadata
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .filter(|name| name.starts_with("wasmtime-wasi") || *name == "wasi-common")
        .collect();
    assert_eq!(wasi, Vec::<&str>::new());
    let resolve = metadata.resolve.unwrap();
    let engine = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == "wasmtime")
        .unwrap();
    assert_eq!(
        engine.version.major, 48,
        "the LTS of the engine is chosen once"
    );
    let node = resolve
        .nodes
        .iter()
        .find(|node| node.id == engine.id)
        .unwrap();
    let features: HashSet<&str> = node
        .features
        .iter()
        .map(|feature| feature.as_str())
        .collect();
    for off in [
        "async",
        "component-model-async",
        "gc",
        "threads",
        "winch",
        "stack-switching",
        "wat",
        "cache",
    ] {
        assert!(!features.contains(off), "the engine's feature {off} is on");
    }
    // A feature of a dependency alone cannot bring it in either.
    let direct = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == "muster-plugin-host")
        .unwrap();
    assert!(
        !direct
            .dependencies
            .iter()
            .any(|one| one.kind == DependencyKind::Normal && one.name.contains("wasi"))
    );
}
