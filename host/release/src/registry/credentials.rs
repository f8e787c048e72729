//! Who asks a registry, from a file as container tools keep it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

const FILE_MOST: usize = 1024 * 1024;

/// User names and passwords, by registry. Never shown.
#[derive(Clone, Default)]
pub struct Credentials(BTreeMap<String, (String, String)>);

/// Why a file has no credentials in it.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// It is no such file.
    #[error(
        "it is no JSON as `docker login` writes it: {{\"auths\": {{\"registry:port\": {{\"auth\": \"…\"}}}}}}"
    )]
    Syntax(#[source] serde_json::Error),
    /// It is larger than such a file is.
    #[error("it has more than {FILE_MOST} bytes")]
    TooLarge,
    /// What stands for one registry is no name and password.
    #[error("the entry of {registry:?} is not base64 of `name:password`")]
    Entry {
        /// The registry.
        registry: String,
    },
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    auth: Option<String>,
}

impl Credentials {
    /// Those for one registry alone.
    pub fn one(registry: &str, user: &str, password: &str) -> Self {
        let entry = (user.to_owned(), password.to_owned());
        Self(BTreeMap::from([(registry.to_owned(), entry)]))
    }

    /// Reads a file in the form of Docker's `config.json`. Entries whose password is kept elsewhere,
    /// by a helper program, are passed over.
    pub fn read(bytes: &[u8]) -> Result<Self, CredentialsError> {
        if bytes.len() > FILE_MOST {
            return Err(CredentialsError::TooLarge);
        }
        let file: File = serde_json::from_slice(bytes).map_err(CredentialsError::Syntax)?;
        let mut credentials = BTreeMap::new();
        for (registry, entry) in file.auths {
            let Some(auth) = entry.auth else { continue };
            let pair = pair(&auth).ok_or_else(|| CredentialsError::Entry {
                registry: registry.clone(),
            })?;
            credentials.insert(place(&registry).to_owned(), pair);
        }
        Ok(Self(credentials))
    }

    pub(super) fn of(&self, registry: &str) -> Option<(&str, &str)> {
        let (user, password) = self.0.get(registry)?;
        Some((user, password))
    }
}

fn pair(auth: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(auth).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Some tools write `https://registry:port/v2/` where `registry:port` would do.
fn place(key: &str) -> &str {
    let key = key.strip_prefix("https://").unwrap_or(key);
    key.split('/').next().unwrap_or(key)
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_container_tools_is_read() {
        let file = br#"{
            "auths": {
                "registry.example:5000": { "auth": "bXVzdGVyOmE6Yg==" },
                "https://other.example/v2/": { "auth": "dTpw" },
                "kept.example": {}
            },
            "credsStore": "secretservice"
        }"#;
        let credentials = Credentials::read(file).unwrap();
        assert_eq!(
            credentials.of("registry.example:5000"),
            Some(("muster", "a:b"))
        );
        assert_eq!(credentials.of("other.example"), Some(("u", "p")));
        for registry in [
            "kept.example",
            "registry.example",
            "registry.example:5001",
            "",
        ] {
            assert_eq!(credentials.of(registry), None, "{registry}");
        }
        assert!(!format!("{credentials:?}").contains("a:b"));
        assert!(Credentials::read(b"{}").unwrap().of("x").is_none());
        assert!(matches!(
            Credentials::read(b"[1]"),
            Err(CredentialsError::Syntax(_))
        ));
        let no_pair = br#"{"auths": {"r": {"auth": "bXVzdGVy"}}}"#;
        assert!(matches!(
            Credentials::read(no_pair),
            Err(CredentialsError::Entry { .. })
        ));
    }
}
