//! Which server, which token, which CA: the file that `muster login` writes, and the environment
//! that stands above it.

use crate::input::{InputError, write_file};
use serde::{Deserialize, Serialize};
use std::env;
use std::fs;
use std::io;
use std::path::PathBuf;

/// What it takes to talk to a server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    /// `https://host:port`, without a slash at the end.
    pub(crate) server: String,
    /// The administrator's token.
    pub(crate) token: String,
    /// The CA's certificate as PEM: the only root that is trusted.
    pub(crate) ca: String,
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    #[error(
        "not logged in; run `muster login https://HOST:PORT --token -`, or set MUSTER_SERVER, MUSTER_TOKEN and MUSTER_CA_FILE"
    )]
    NotLoggedIn,
    #[error(
        "MUSTER_SERVER names {named}, but the login is for {logged_in}; set {missing} as well, or log in to {named}"
    )]
    OtherServer {
        named: String,
        logged_in: String,
        missing: &'static str,
    },
    #[error("{0:?} is no server's address; write https://HOST:PORT")]
    Address(String),
    #[error(
        "no folder for credentials: neither MUSTER_CONFIG_DIR nor XDG_CONFIG_HOME nor HOME is set"
    )]
    NoFolder,
    #[error("cannot use {path}")]
    File {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("{path} can be read by others than its owner; run `chmod 600 {path}`")]
    Open { path: PathBuf },
    #[error("{path} is not what `muster login` writes; log in again")]
    // Without its cause, which would quote the line, and so the token.
    Content { path: PathBuf },
    #[error("the credentials cannot be written as TOML")]
    Encode(#[from] toml::ser::Error),
    #[error(transparent)]
    Write(#[from] InputError),
}

/// Checks an address and takes what is needless off it.
pub(crate) fn address(text: &str) -> Result<String, CredentialsError> {
    let wrong = || CredentialsError::Address(text.to_owned());
    let url = reqwest::Url::parse(text).map_err(|_| wrong())?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let nobody = url.username().is_empty() && url.password().is_none();
    if url.scheme() != "https" || !url.has_host() || !bare || !nobody {
        return Err(wrong());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn path() -> Result<PathBuf, CredentialsError> {
    let folder = variable("MUSTER_CONFIG_DIR")
        .map(PathBuf::from)
        .or_else(|| variable("XDG_CONFIG_HOME").map(|folder| PathBuf::from(folder).join("muster")))
        .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".config/muster")))
        .or_else(|| variable("APPDATA").map(|folder| PathBuf::from(folder).join("muster")))
        .ok_or(CredentialsError::NoFolder)?;
    Ok(folder.join("credentials.toml"))
}

/// `MUSTER_TOKEN`, if it is set.
pub(crate) fn token_variable() -> Option<String> {
    variable("MUSTER_TOKEN")
}

/// What `MUSTER_CA_FILE` holds, if it is set.
pub(crate) fn ca_variable() -> Result<Option<String>, CredentialsError> {
    let Some(path) = variable("MUSTER_CA_FILE").map(PathBuf::from) else {
        return Ok(None);
    };
    match fs::read_to_string(&path) {
        Ok(pem) => Ok(Some(pem)),
        Err(cause) => Err(CredentialsError::File { path, cause }),
    }
}

impl Credentials {
    /// The credentials that hold now.
    pub(crate) fn load() -> Result<Self, CredentialsError> {
        let server = variable("MUSTER_SERVER")
            .map(|server| address(&server))
            .transpose()?;
        let (token, ca) = (token_variable(), ca_variable()?);
        if let (Some(server), Some(token), Some(ca)) = (&server, &token, &ca) {
            return Ok(Self {
                server: server.clone(),
                token: token.clone(),
                ca: ca.clone(),
            });
        }
        let stored = Self::stored()?.ok_or(CredentialsError::NotLoggedIn)?;
        // A stored token is for the server that it was given for, and for no other.
        if let Some(named) = server.filter(|server| *server != stored.server) {
            let missing = if token.is_none() {
                "MUSTER_TOKEN"
            } else {
                "MUSTER_CA_FILE"
            };
            return Err(CredentialsError::OtherServer {
                named,
                logged_in: stored.server,
                missing,
            });
        }
        Ok(Self {
            token: token.unwrap_or(stored.token),
            ca: ca.unwrap_or(stored.ca),
            server: stored.server,
        })
    }

    fn stored() -> Result<Option<Self>, CredentialsError> {
        let path = path()?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(CredentialsError::File { path, cause }),
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).map(|data| data.permissions().mode());
            if mode.is_ok_and(|mode| mode & 0o077 != 0) {
                return Err(CredentialsError::Open { path });
            }
        }
        toml::from_str(&text)
            .map(Some)
            .map_err(|_| CredentialsError::Content { path })
    }

    /// Keeps them for the commands to come, readable by their owner alone.
    pub(crate) fn store(&self) -> Result<PathBuf, CredentialsError> {
        let path = path()?;
        if let Some(folder) = path.parent() {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder
                .create(folder)
                .map_err(|cause| CredentialsError::File {
                    path: folder.to_owned(),
                    cause,
                })?;
        }
        write_file(&path, toml::to_string(self)?.as_bytes(), 0o600)?;
        Ok(path)
    }

    /// Forgets them. Answers whether there were any.
    pub(crate) fn forget() -> Result<bool, CredentialsError> {
        let path = path()?;
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(cause) => Err(CredentialsError::File { path, cause }),
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_https_and_bare() {
        assert_eq!(
            address("https://muster.example:8443/").unwrap(),
            "https://muster.example:8443"
        );
        assert_eq!(address("https://[::1]:8443").unwrap(), "https://[::1]:8443");
        for bad in [
            "http://h:1",
            "h:1",
            "",
            "https://",
            "https://h/x",
            "https://u:p@h",
            "https://h?x",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
