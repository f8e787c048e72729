//! Ninety days of a fleet: every occurrence exactly once, on server and devices alike.

#![allow(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a simulation ends where what it stands on fails"
)]

mod fleet;

use fleet::{Fleet, Size};

#[test]
fn for_ninety_days_every_occurrence_is_there_once_on_server_and_devices() {
    let size = Size {
        tasks: 120,
        devices: 60,
        scope: 4,
        days: 90,
    };
    let count = Fleet::new(size).run();
    // Devices were off now and then, or this would show nothing.
    assert!(count.started < count.occurrences, "{count:?}");
    assert!(count.started > count.occurrences / 2, "{count:?}");
    assert!(count.runs > 10_000, "{count:?}");
}
