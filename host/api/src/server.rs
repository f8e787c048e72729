//! The server itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the server tells of itself.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ServerView {
    /// Its version.
    pub version: String,
    /// The administrator whose token was presented.
    pub administrator: String,
    /// Devices with an open link.
    pub devices_online: u64,
    /// Devices enrolled.
    pub devices: u64,
}
