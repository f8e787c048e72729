//! Secrets in the vault. Values go in and never come out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;
use zeroize::Zeroize as _;

/// A secret, without its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SecretView {
    /// Its name, by which settings refer to it: `{"secret": NAME}`.
    pub name: String,
    /// Counted up from 1 with each new value.
    pub version: u32,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When its value was set last.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
    /// Who set it.
    pub changed_by: String,
    /// The tasks whose settings refer to it.
    pub tasks: Vec<SecretTask>,
}

/// A task whose settings refer to a secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SecretTask {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// A new value of a secret. It is wiped when it is done with.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretSet {
    /// The value: 4 bytes to 64 KiB of text, without zero bytes.
    #[schema(format = Password, write_only)]
    pub value: String,
}

impl Drop for SecretSet {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

impl fmt::Debug for SecretSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretSet")
    }
}
