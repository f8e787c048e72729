//! Management plug-in for AIDE on Linux: file integrity.
//!
//! Three task types work on one database: [`initialise`] makes it, [`check`] compares the device with
//! it, [`accept`] takes the device as it is for good. [`settings`] is what they share and AIDE's
//! configuration that comes of it; [`report`] reads what AIDE prints.
//!
//! AIDE ignores the signal that asks it to end, so a stop takes as long as the agent waits before it
//! uses force. That is harmless: a new database takes the old one's place in one step, at the end.

mod accept;
mod check;
mod initialise;
mod report;
mod settings;

use muster_sdk::{About, AnyTask, Plugin};

/// The plug-in.
#[derive(Debug)]
pub struct Aide;

impl Plugin for Aide {
    const ABOUT: About = About {
        application: "net.aide.aide",
        name: "AIDE",
        vendor: "Muster contributors",
        version: env!("CARGO_PKG_VERSION"),
        // Reports in JSON came with 0.18.
        manages: ">=0.18, <1",
    };
    const TASKS: &'static [&'static dyn AnyTask] = &[
        &initialise::Initialise,
        &check::Check,
        &accept::AcceptChanges,
    ];
}

muster_sdk::export!(Aide, interpret);
