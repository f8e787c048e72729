//! Fetch: a release out of an OCI registry, for an administrator who names it.

use crate::{Administrator, App, AppError};
use muster_domain::event::{NewEvent, Severity};
use muster_release::registry::{Config, Credentials, Pulled, Reference, Registry};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How registries are reached. Files are read for each fetch, so a changed password holds at once.
#[derive(Debug, Clone, Default)]
pub struct Registries {
    /// Who asks them: a file in the form of Docker's `config.json`. No registry gets more than the
    /// entry that has its name.
    pub credentials: Option<PathBuf>,
    /// Certificates in PEM that are trusted instead of the operating system's.
    pub ca: Option<PathBuf>,
    /// Those that are reached without TLS, as `host:port`.
    pub plain: Vec<String>,
    /// The greatest component, in bytes.
    pub component_most: usize,
    /// For a whole fetch.
    pub time: Duration,
}

impl App {
    /// Fetches a release from a registry. It is what the registry gave, and nothing is said of whether
    /// to trust it.
    pub async fn plugin_fetch(
        &self,
        who: &Administrator,
        reference: &Reference,
    ) -> Result<Pulled, AppError> {
        let registries = self.0.registries.clone();
        let config = tokio::task::spawn_blocking(move || registries.read())
            .await
            .map_err(|cause| AppError::File {
                doing: "read",
                file: "the credentials for registries".to_owned(),
                cause: cause.into(),
            })??;
        let pulled = Registry::new(config).pull(reference).await?;
        let (pinned, component) = (pulled.pinned.to_string(), pulled.bundle.digest());
        let text = format!("Component {} was fetched from {pinned}.", component.short());
        let event = NewEvent::new("plugin.fetched", Severity::Info, who.actor(), text)
            .with(serde_json::json!({ "source": pinned, "digest": component }));
        self.event_write(event).await?;
        Ok(pulled)
    }
}

impl Registries {
    fn read(&self) -> Result<Config, AppError> {
        let credentials = match &self.credentials {
            None => Credentials::default(),
            Some(file) => {
                let bytes = read(file, true)?;
                Credentials::read(&bytes).map_err(|error| AppError::File {
                    doing: "understand",
                    file: file.display().to_string(),
                    cause: std::io::Error::new(ErrorKind::InvalidData, error),
                })?
            }
        };
        let ca = self.ca.as_deref().map(|file| read(file, false));
        let ca = ca
            .transpose()?
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(Config {
            credentials,
            ca,
            plain: self.plain.clone(),
            component_most: self.component_most,
            time: self.time,
        })
    }
}

fn read(file: &Path, secret: bool) -> Result<Vec<u8>, AppError> {
    let fail = |cause| AppError::File {
        doing: "read",
        file: file.display().to_string(),
        cause,
    };
    #[cfg(unix)]
    if secret {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(file).map_err(fail)?.permissions().mode();
        if mode & 0o077 != 0 {
            let text = "others may read it as well, and there are passwords in it (chmod 600)";
            return Err(fail(std::io::Error::new(ErrorKind::PermissionDenied, text)));
        }
    }
    std::fs::read(file).map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn credentials_that_others_may_read_are_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        std::fs::write(&file, r#"{"auths": {"r.example": {"auth": "dTpw"}}}"#).unwrap();
        let registries = Registries {
            credentials: Some(file.clone()),
            ..Registries::default()
        };
        let mode = |mode| std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        mode(0o640);
        assert!(registries.read().is_err());
        mode(0o600);
        assert!(registries.read().is_ok());
        std::fs::write(&file, "no JSON").unwrap();
        assert!(registries.read().is_err());
    }
}
