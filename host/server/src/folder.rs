//! The data folder: where everything that the server keeps lies, for one server at a time.

use rustix::fs::{FlockOperation, flock};
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another server is at work on it.
    #[error(
        "another muster-server uses the data folder {} already; stop it first, or name another folder with --data",
        .0.display()
    )]
    InUse(PathBuf),
    /// The system will not have it.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
}

/// A data folder that is ours as long as this lives.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    // Unlocked when it is closed, also by the death of the process.
    _lock: File,
}

impl DataFolder {
    /// Opens a data folder, and makes it if it is missing.
    pub(crate) fn open(path: &Path) -> Result<Self, FolderError> {
        private_folder(path)?;
        private_folder(&path.join("keys"))?;
        let file = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&file)
            .map_err(|cause| io("open", &file, cause))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(FolderError::InUse(path.to_owned())),
            Err(cause) => Err(io("lock", &file, cause.into())),
        }
    }

    /// The database.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("muster.db")
    }

    /// Components of plug-ins by digest.
    pub(crate) fn components(&self) -> PathBuf {
        self.path.join("components")
    }

    /// The plug-in host's own.
    pub(crate) fn compiled(&self) -> PathBuf {
        self.path.join("compiled")
    }

    /// The folders of plug-ins that may have files.
    pub(crate) fn plugin_files(&self) -> PathBuf {
        self.path.join("plugin-files")
    }

    /// A secret or a certificate.
    pub(crate) fn key(&self, name: &str) -> PathBuf {
        self.path.join("keys").join(name)
    }
}

fn private_folder(path: &Path) -> Result<(), FolderError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|cause| io("make the folder", path, cause))?;
    // Whoever made it before may have been more generous.
    std::fs::set_permissions(path, Permissions::from_mode(0o700))
        .map_err(|cause| io("take the folder for this user alone", path, cause))
}

/// Reads a file that may not be there.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, FolderError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(io("read", path, cause)),
    }
}

/// Writes a file whole or not at all, readable by this user alone from its first byte on.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    replace(path, bytes).map_err(|cause| io("write", path, cause))
}

fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    // The new name itself is durable only once the folder is.
    File::open(folder)?.sync_all()
}

/// Puts a file in the place of another one.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), FolderError> {
    let renamed = std::fs::rename(from, to).and_then(|()| {
        let folder = to.parent().unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    });
    renamed.map_err(|cause| io("write", to, cause))
}

/// Removes a file that may not be there.
pub(crate) fn remove(path: &Path) -> Result<(), FolderError> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => Err(io("remove", path, cause)),
        _ => Ok(()),
    }
}

fn io(doing: &'static str, path: &Path, cause: std::io::Error) -> FolderError {
    FolderError::Io {
        doing,
        path: path.to_owned(),
        cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_at_a_time_and_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let data = DataFolder::open(&path).unwrap();
        let refused = DataFolder::open(&path).unwrap_err();
        assert!(matches!(refused, FolderError::InUse(_)), "{refused}");
        drop(data);
        let data = DataFolder::open(&path).unwrap();

        let file = data.key("order.key");
        assert_eq!(read(&file).unwrap(), None);
        write(&file, b"one").unwrap();
        write(&file, b"two").unwrap();
        assert_eq!(read(&file).unwrap().unwrap(), b"two");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(&path), 0o700);
        remove(&file).unwrap();
        remove(&file).unwrap();
    }
}
