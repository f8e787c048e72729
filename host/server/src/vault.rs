//! The key of the vault: a file of its own, made at the first start, and exchanged while the server is
//! stopped.
//!
//! The database knows by which key it was sealed. A key that is lost, or another one, stops the start:
//! a server that made a new one would keep secrets that nobody can read any more.

use crate::config::Config;
use crate::folder::{self, DataFolder, FolderError};
use muster_app::AppError;
use muster_app::vault::{VaultError, VaultKey, vault_admit, vault_is_sealed, vault_rotate};
use muster_storage::{Storage, StorageError};
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The file in the folder of keys.
const FILE: &str = "vault.key";

/// Why the vault cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultKeyError {
    /// The file is gone.
    #[error(
        "the key of the vault {} is missing; restore it from the backup, without it nothing in the vault can \
         be read (`vault.key` in the configuration says where it lies)",
        .0.display()
    )]
    Missing(PathBuf),
    /// It is that of another vault.
    #[error(
        "{} is not the key that this vault was sealed with; restore the right one from the backup",
        .0.display()
    )]
    Wrong(PathBuf),
    /// Others may read it.
    #[error("others may read the key of the vault {} as well; take it for this user alone: chmod 600", .0.display())]
    Open(PathBuf),
    /// It is damaged.
    #[error("the key of the vault {} cannot be used; restore it from the backup", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: VaultError,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The database cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The vault cannot be read or written.
    #[error(transparent)]
    App(#[from] AppError),
}

/// Where the key lies.
fn place(folder: &DataFolder, config: &Config) -> PathBuf {
    let given = &config.vault.key;
    if given.as_os_str().is_empty() {
        folder.key(FILE)
    } else {
        given.clone()
    }
}

/// Where the next key lies while the old one is exchanged for it.
fn next(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".next");
    name.into()
}

/// The key of the vault; made if the vault has none yet.
pub(crate) async fn open(
    folder: &DataFolder,
    config: &Config,
    storage: &Storage,
) -> Result<VaultKey, VaultKeyError> {
    let file = place(folder, config);
    carry_through(&file, storage).await?;
    let key = match read(&file)? {
        Some(key) => key,
        None if vault_is_sealed(storage).await? => return Err(VaultKeyError::Missing(file)),
        None => make(&file)?,
    };
    muster_crash_point::reach("vault.key-made");
    if vault_admit(storage, &key).await? {
        Ok(key)
    } else {
        Err(VaultKeyError::Wrong(file))
    }
}

/// Exchanges the key of the vault of a server that is stopped, and says how many secrets were sealed
/// anew.
pub async fn rotate(data: &Path, config: &Config) -> Result<usize, VaultKeyError> {
    let folder = DataFolder::open(data)?;
    let storage = Storage::open(&folder.database()).await?;
    let old = open(&folder, config, &storage).await?;
    let file = place(&folder, config);
    let new = Arc::new(make(&next(&file))?);
    muster_crash_point::reach("vault.next-key-made");
    let count = vault_rotate(&storage, old, new).await?;
    muster_crash_point::reach("vault.rotated");
    carry_through(&file, &storage).await?;
    storage.close().await;
    Ok(count)
}

/// Brings an exchange that was cut off to its end, or takes it back: the database says which it is.
async fn carry_through(file: &Path, storage: &Storage) -> Result<(), VaultKeyError> {
    let next = next(file);
    let Some(key) = read(&next)? else {
        return Ok(());
    };
    if vault_is_sealed(storage).await? && vault_admit(storage, &key).await? {
        folder::rename(&next, file)?;
        tracing::info!(file = %file.display(), "the vault has another key");
    } else {
        folder::remove(&next)?;
    }
    Ok(())
}

fn read(file: &Path) -> Result<Option<VaultKey>, VaultKeyError> {
    let Some(text) = folder::read(file)?.map(Zeroizing::new) else {
        return Ok(None);
    };
    let mode = std::fs::metadata(file).map(|about| about.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        return Err(VaultKeyError::Open(file.to_owned()));
    }
    VaultKey::parse(&text)
        .map(Some)
        .map_err(|cause| VaultKeyError::Damaged {
            file: file.to_owned(),
            cause,
        })
}

fn make(file: &Path) -> Result<VaultKey, VaultKeyError> {
    let damaged = |cause| VaultKeyError::Damaged {
        file: file.to_owned(),
        cause,
    };
    let text = VaultKey::generate().map_err(damaged)?;
    folder::write(file, text.as_bytes())?;
    VaultKey::parse(text.as_bytes()).map_err(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place {
        _folder: tempfile::TempDir,
        data: DataFolder,
        storage: Storage,
        config: Config,
    }

    async fn an_empty_vault() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        let storage = Storage::open(&data.database()).await.unwrap();
        let config = Config::read(None, []).unwrap();
        Place {
            _folder: folder,
            data,
            storage,
            config,
        }
    }

    #[tokio::test]
    async fn a_key_is_made_once_and_known_again() {
        let Place {
            _folder,
            data,
            storage,
            mut config,
        } = an_empty_vault().await;
        open(&data, &config, &storage).await.unwrap();
        let file = data.key(FILE);
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        open(&data, &config, &storage).await.unwrap();

        // The same key in another place.
        let elsewhere = data.key("elsewhere");
        std::fs::copy(&file, &elsewhere).unwrap();
        config.vault.key.clone_from(&elsewhere);
        open(&data, &config, &storage).await.unwrap();

        let open_to_all = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(&elsewhere, open_to_all).unwrap();
        let error = open(&data, &config, &storage).await.unwrap_err();
        assert!(matches!(error, VaultKeyError::Open(_)), "{error}");
        std::fs::remove_file(&elsewhere).unwrap();
        let error = open(&data, &config, &storage).await.unwrap_err();
        assert!(matches!(error, VaultKeyError::Missing(_)), "{error}");
        assert!(!elsewhere.exists());
        make(&elsewhere).unwrap();
        let error = open(&data, &config, &storage).await.unwrap_err();
        assert!(matches!(error, VaultKeyError::Wrong(_)), "{error}");
        folder::write(&elsewhere, b"x").unwrap();
        let error = open(&data, &config, &storage).await.unwrap_err();
        assert!(matches!(error, VaultKeyError::Damaged { .. }), "{error}");
    }

    #[tokio::test]
    async fn an_exchange_that_was_cut_off_is_taken_back_or_brought_to_its_end() {
        let Place {
            _folder,
            data,
            storage,
            config,
        } = an_empty_vault().await;
        let old = open(&data, &config, &storage).await.unwrap();
        let (file, next) = (data.key(FILE), next(&data.key(FILE)));
        let before = std::fs::read(&file).unwrap();

        let new = Arc::new(make(&next).unwrap());
        open(&data, &config, &storage).await.unwrap();
        assert!(!next.exists() && std::fs::read(&file).unwrap() == before);

        drop(new);
        let new = Arc::new(make(&next).unwrap());
        vault_rotate(&storage, old, new).await.unwrap();
        open(&data, &config, &storage).await.unwrap();
        assert!(!next.exists() && std::fs::read(&file).unwrap() != before);
    }
}
