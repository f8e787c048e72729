//! Secrets, which stay in the server's vault.

use serde::{Deserialize, Serialize};

/// A setting that names a secret in the server's vault. Its value never passes through a plug-in: a
/// step refers to it, and the device gets it. A password belongs into such a setting, not into a text.
///
/// ```
/// use muster_sdk::{JsonSchema, Secret, Step, schema, serde::Deserialize, serde_json};
///
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(crate = "muster_sdk::serde")]
/// struct Settings {
///     /// Opens the key.
///     password: Secret,
/// }
///
/// let settings: Settings = serde_json::from_str(r#"{"password": {"secret": "tls-key"}}"#).unwrap();
/// let step = Step::run("update").env_secret("PASSWORD", &settings.password);
/// assert_eq!(step.environment.len(), 1);
/// assert!(schema::text::<Settings>().contains(r#""secret":{"#));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, muster_sdk::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// Its name in the vault.
    #[schemars(
        length(min = 1, max = 100),
        regex(pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")
    )]
    pub secret: String,
}

impl From<&Secret> for String {
    fn from(secret: &Secret) -> Self {
        secret.secret.clone()
    }
}
