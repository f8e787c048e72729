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
    /// `required`, `pinned` or `dev`: what happens to plug-ins without a signature; `unreadable` if
    /// the trust store cannot be read, and nothing is admitted.
    #[serde(default)]
    pub trust_policy: String,
    /// Plug-ins at work that nobody signed.
    #[serde(default)]
    pub plugins_unsigned: u64,
    /// Whether no plug-in is loaded, whatever is at work, because the server was started so. Tasks can
    /// neither be changed nor started until it is started again without.
    #[serde(default)]
    pub safe_mode: bool,
    /// Devices with an open link.
    pub devices_online: u64,
    /// Devices enrolled.
    pub devices: u64,
}
