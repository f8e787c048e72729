//! What the harness's own tests share: plug-ins that are shipped, and guests.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests, of which each program uses a part"
)]

#[path = "../../../../tests/guests/src/behaviour.rs"]
pub mod behaviour;

use muster_plugin_harness::Profile;
use muster_test_harness::Programs;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The component of a plug-in that we ship, as `cargo xtask plugins` built it.
pub fn shipped(name: &str) -> PathBuf {
    Programs::find().unwrap().plugin(name).unwrap()
}

/// The hostile guest with a behaviour.
pub fn guest_that(behaviour: &str) -> Vec<u8> {
    static GUEST: OnceLock<Vec<u8>> = OnceLock::new();
    assert!(behaviour::ALL.contains(&behaviour));
    let guest = GUEST.get_or_init(|| {
        Programs::find()
            .unwrap()
            .guest("muster-test-guests")
            .unwrap()
    });
    with_slot(guest, behaviour::SLOT, behaviour::SLOT_BYTES, behaviour)
}

/// A component with a text in the one slot of its data that is for it.
pub fn with_slot(component: &[u8], slot: &[u8], size: usize, text: &str) -> Vec<u8> {
    let empty = |window: &[u8]| {
        window
            .strip_prefix(slot)
            .is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
    };
    let slots: Vec<usize> = component
        .windows(size)
        .enumerate()
        .filter(|(_, window)| empty(window))
        .map(|(at, _)| at)
        .collect();
    let [at] = slots[..] else {
        panic!("the guest has {} slots", slots.len())
    };
    let mut bytes = component.to_vec();
    bytes[at..at + size].fill(0);
    bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
    bytes
}

/// A usual device.
pub fn linux(facts: Vec<(String, Option<String>)>) -> Profile {
    Profile {
        platform: "linux".into(),
        architecture: "x86_64".into(),
        application_version: Some("1.4.2".into()),
        facts,
    }
}
