//! Profiles: the facts about a device that a translation depends on.

use serde::{Deserialize, Serialize};

/// Devices of one profile get one and the same command, so a profile holds as little as it can.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Profile {
    /// `linux`, `windows`, `macos`, …
    pub platform: String,
    /// `x86_64`, `aarch64`, …
    pub architecture: String,
    /// Of the application; none where it is not installed.
    pub application_version: Option<String>,
    /// The facts that the task type named, in its order; none where the device has no such fact.
    pub facts: Vec<(String, Option<String>)>,
}

/// A profile, and how many devices have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileCount {
    /// The profile.
    pub profile: Profile,
    /// At least one.
    pub devices: u32,
}
