//! The components of plug-ins, as files named by their digest. What is there is never changed, so
//! installs at the same time do not disturb each other.

use crate::AppError;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use muster_domain::Digest;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) struct Components {
    folder: Arc<Dir>,
    // Names temporary files of this process apart.
    counter: AtomicU64,
}

impl Components {
    pub(crate) fn open(path: &Path) -> Result<Self, AppError> {
        let fail = |doing| {
            move |cause| AppError::File {
                doing,
                file: path.display().to_string(),
                cause,
            }
        };
        Dir::create_ambient_dir_all(path, ambient_authority()).map_err(fail("make the folder"))?;
        let folder =
            Dir::open_ambient_dir(path, ambient_authority()).map_err(fail("open the folder"))?;
        Ok(Self {
            folder: Arc::new(folder),
            counter: AtomicU64::new(0),
        })
    }

    /// Keeps a component. When this returns it is on the disk, whole, under its digest.
    pub(crate) fn keep(&self, digest: Digest, bytes: &[u8]) -> Result<(), AppError> {
        let name = file_name(digest);
        if self.folder.exists(&name) && self.read(digest).is_ok() {
            return Ok(());
        }
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let temporary = format!("{name}.{}.{number}.new", std::process::id());
        let written = self.write(&temporary, &name, bytes);
        if written.is_err() {
            let _ = self.folder.remove_file(&temporary);
        }
        written.map_err(|cause| AppError::File {
            doing: "write",
            file: name,
            cause,
        })
    }

    fn write(&self, temporary: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let options = OpenOptions::new().write(true).create_new(true).clone();
        let mut file = self.folder.open_with(temporary, &options)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        self.folder.rename(temporary, &self.folder, name)?;
        // The new name itself is durable only once the folder is.
        self.folder.open(".")?.sync_all()
    }

    /// Reads a component back, and makes sure that it is still the one.
    pub(crate) fn read(&self, digest: Digest) -> Result<Vec<u8>, AppError> {
        let name = file_name(digest);
        let fail = |cause| AppError::File {
            doing: "read",
            file: name.clone(),
            cause,
        };
        let bytes = self.folder.read(&name).map_err(fail)?;
        if Digest::of(&bytes) != digest {
            let changed = "the file was changed; its bytes have another digest than its name";
            return Err(fail(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                changed,
            )));
        }
        Ok(bytes)
    }
}

fn file_name(digest: Digest) -> String {
    format!("{}.wasm", digest.hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_comes_back_or_says_that_it_was_changed() {
        let folder = tempfile::tempdir().unwrap();
        let components = Components::open(&folder.path().join("components")).unwrap();
        let digest = Digest::of(b"component");
        components.keep(digest, b"component").unwrap();
        components.keep(digest, b"component").unwrap();
        assert_eq!(components.read(digest).unwrap(), b"component");

        let file = folder.path().join("components").join(file_name(digest));
        std::fs::write(&file, b"compomemt").unwrap();
        assert!(components.read(digest).is_err());
        components.keep(digest, b"component").unwrap();
        assert_eq!(components.read(digest).unwrap(), b"component");
        assert_eq!(
            std::fs::read_dir(folder.path().join("components"))
                .unwrap()
                .count(),
            1
        );
    }
}
