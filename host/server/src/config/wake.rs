//! How sleeping devices are woken.

use super::ConfigError;
use muster_app::wake::Waking;
use serde::Deserialize;

/// How sleeping devices are woken.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WakeConfig {
    /// The UDP port.
    pub port: u32,
    /// Where packets go instead of the devices' networks; empty if they go there.
    pub to: String,
}

impl WakeConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        ConfigError::range("wake.port", self.port, 1, u32::from(u16::MAX))?;
        if self.to.is_empty() || self.to.parse::<std::net::SocketAddr>().is_ok() {
            return Ok(());
        }
        Err(ConfigError::Address {
            key: "wake.to",
            value: self.to.clone(),
        })
    }

    /// As it is used.
    pub(crate) fn waking(&self) -> Waking {
        Waking {
            port: u16::try_from(self.port).unwrap_or(9),
            to: self.to.parse().ok(),
        }
    }
}
