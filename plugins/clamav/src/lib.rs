//! Management plug-in for ClamAV on Linux.
//!
//! One file per task type or pair of them: [`scan`], [`update`], [`database`], [`service`] (start and
//! stop), [`package`] (install and remove). Each says what its task type is, checks settings, puts
//! them into the terms of ClamAV's own programs, and reads what these print.
//! [`path`], [`output`] and [`container`] are what they share.

mod container;
mod database;
mod output;
mod package;
mod path;
mod scan;
mod service;
mod update;

use muster_sdk::{About, AnyTask, Plugin, Profile, Refusal};

/// The plug-in.
#[derive(Debug)]
pub struct ClamAv;

impl Plugin for ClamAv {
    const ABOUT: About = About {
        application: "net.clamav.clamav",
        name: "ClamAV",
        vendor: "Muster contributors",
        version: env!("CARGO_PKG_VERSION"),
        // The options used here are those of 0.101 and later.
        manages: ">=0.101, <2",
    };
    const TASKS: &'static [&'static dyn AnyTask] = &[
        &scan::Scan,
        &update::UpdateDatabases,
        &database::DatabaseInfo,
        &service::Start,
        &service::Stop,
        &package::Install,
        &package::Remove,
    ];
}

muster_sdk::export!(ClamAv, interpret);

/// Refuses a platform whose ClamAV is driven in another way.
fn linux_only(profile: &Profile) -> Result<(), Refusal> {
    if profile.platform == "linux" {
        return Ok(());
    }
    Err(Refusal::unsupported(format!(
        "This plug-in drives ClamAV on Linux; the device's platform is {}.",
        profile.platform
    )))
}
