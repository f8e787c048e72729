//! The name of a secret.

use crate::group::is_name;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a secret in the vault is called: as other names, at most 100 bytes, as the contract with
/// plug-ins says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretName(String);

/// A text that is no name of a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no name of a secret: write 1 to 100 bytes, none at either end that is white space, and none \
     that steers a terminal"
)]
pub struct InvalidSecretName;

impl SecretName {
    /// The longest, in bytes.
    pub const MOST: usize = 100;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretName {
    type Err = InvalidSecretName;

    fn from_str(text: &str) -> Result<Self, InvalidSecretName> {
        let well = text.len() <= Self::MOST && is_name(text);
        well.then(|| Self(text.to_owned())).ok_or(InvalidSecretName)
    }
}

impl TryFrom<String> for SecretName {
    type Error = InvalidSecretName;

    fn try_from(text: String) -> Result<Self, InvalidSecretName> {
        text.parse()
    }
}

impl From<SecretName> for String {
    fn from(name: SecretName) -> Self {
        name.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
