//! Identity: who the device is to its server. One file, readable by the agent alone, written as a
//! whole or not at all.

use crate::tls;
use muster_agent_protocol::order::OrderPublicKey;
use muster_domain::{DeviceId, Digest};
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::{Path, PathBuf};

const FILE: &str = "identity.json";

/// What enrollment gave.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Identity {
    /// The server: `https://host:port`.
    pub server: String,
    /// The device's number there.
    pub device: DeviceId,
    /// The device's name there.
    pub name: String,
    /// The device's certificate, PEM.
    pub certificate: String,
    /// Its private key, PEM. It was made here and never leaves.
    pub key: String,
    /// The certificate of the server's CA, PEM.
    pub ca: String,
    /// The key that the server signs orders with.
    pub order_key: OrderPublicKey,
}

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The device was not enrolled.
    #[error("this device is not enrolled: {} does not exist; run `muster-agent enroll` with a token from the administrator", .0.display())]
    NotEnrolled(PathBuf),
    /// The file cannot be read.
    #[error("cannot read {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The file is damaged.
    #[error("{} is damaged; enroll again with `muster-agent enroll --again`", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where and why.
        #[source]
        cause: serde_json::Error,
    },
    /// The file cannot be written; what was there before is untouched.
    #[error("cannot write {}", file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
}

impl Identity {
    /// Whether a data folder has one.
    pub fn exists(data: &Path) -> bool {
        data.join(FILE).exists()
    }

    /// Reads a data folder's identity.
    pub fn read(data: &Path) -> Result<Self, IdentityError> {
        let file = data.join(FILE);
        let text = match std::fs::read(&file) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                return Err(IdentityError::NotEnrolled(file));
            }
            Err(cause) => return Err(IdentityError::Unreadable { file, cause }),
        };
        serde_json::from_slice(&text).map_err(|cause| IdentityError::Damaged { file, cause })
    }

    /// Writes it in place of an earlier one.
    pub fn write(&self, data: &Path) -> Result<(), IdentityError> {
        let file = data.join(FILE);
        self.replace(data, &file)
            .map_err(|cause| IdentityError::Unwritable { file, cause })
    }

    fn replace(&self, data: &Path, file: &Path) -> std::io::Result<()> {
        // A temporary file of this kind is readable by its owner alone from its first byte on.
        let mut temporary = tempfile::NamedTempFile::new_in(data)?;
        temporary.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        temporary.as_file().sync_all()?;
        temporary.persist(file)?;
        std::fs::File::open(data)?.sync_all()
    }

    /// Tells one enrollment from another: a local store belongs to one.
    pub fn owner(&self) -> String {
        let ca = tls::certificate(&self.ca).map_or_else(|_| Digest::of(&self.ca), Digest::of);
        format!("{}/{}", ca.short(), self.device)
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity(device {} of {})", self.device, self.server)
    }
}
