//! Why a secret cannot be had.

use serde::{Deserialize, Serialize};

/// Why a device does not have a secret that a delivery needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretAbsence {
    /// The server alone has it, and the device has no link.
    Offline,
    /// The vault has no secret of this name.
    Unknown,
    /// The server does not give it for this delivery.
    Refused,
}
