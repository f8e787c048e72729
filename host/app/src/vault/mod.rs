//! The vault: secrets that settings name, sealed in the database with a key that is not in it.
//!
//! Administrators put values in and never get them out ([`set`]); settings may only name them, which
//! is checked wherever settings are saved ([`save`]); and a device gets those of a delivery of its own,
//! when it is about to begin it ([`give`]).

mod give;
mod key;
mod rotate;
mod save;
mod set;

pub use key::{VaultError, VaultKey};
pub use rotate::{vault_admit, vault_is_sealed, vault_rotate};
pub use save::AllowPlain;
pub(crate) use save::{Allowed, secrets_kept_from_users};
pub use set::SecretDetail;

use muster_domain::DeviceId;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The vault of a server at work.
pub(crate) struct Vault {
    key: VaultKey,
    /// Devices that asked in vain since their link was opened. They ask again when they are told.
    in_vain: Mutex<BTreeSet<DeviceId>>,
}

impl Vault {
    pub(crate) fn new(key: VaultKey) -> Self {
        Self {
            key,
            in_vain: Mutex::default(),
        }
    }

    fn asked_in_vain(&self, device: DeviceId) {
        let mut devices = self.in_vain.lock().unwrap_or_else(PoisonError::into_inner);
        devices.insert(device);
    }

    fn take_in_vain(&self) -> BTreeSet<DeviceId> {
        std::mem::take(&mut *self.in_vain.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
