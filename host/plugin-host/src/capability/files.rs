//! `files`: a folder for each application, with a quota, that outlives calls and revisions.
//!
//! What lies there is known from when the folder is opened on: only this process writes to it. Names
//! are plain, so that none leads out of the folder, and a file is changed by putting a whole new
//! one in its place.

mod folder;

pub(crate) use folder::{FilesFailure, PrivateFolder};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt as _, OpenOptions, OpenOptionsExt as _};
use muster_domain::ApplicationId;
use rustix::fs::OFlags;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of a file, and of the part of one that is read at once.
pub(crate) const MOST_PART: u32 = 1 << 20;
/// Changes that one call makes.
pub(crate) const CHANGES: u32 = 64;
/// How the folder of a plug-in begins that was removed, until it is gone. No application is named so.
const REMOVED: &str = ".removed-";

/// How much an application's folder may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) bytes: u64,
    pub(crate) files: usize,
}

/// The folder of plug-ins' files cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("could not {what} {path}")]
pub struct FilesError {
    /// What was tried.
    pub(crate) what: &'static str,
    /// On which file or folder.
    pub(crate) path: PathBuf,
    /// What the system says.
    #[source]
    pub(crate) cause: io::Error,
}

/// All applications' folders. Each is opened once, whatever revisions use it, so that one count
/// holds for all that is written to it.
#[derive(Debug)]
pub(crate) struct FilesRoot {
    path: PathBuf,
    dir: Dir,
    quota: Quota,
    open: Mutex<HashMap<ApplicationId, Arc<PrivateFolder>>>,
}

impl FilesRoot {
    /// Opens the folder that holds them, or makes it, for this user alone. What was being removed
    /// when the server ended is removed.
    pub(crate) fn open(path: &Path, quota: Quota) -> Result<Self, FilesError> {
        let fail = |what| error(what, path);
        let mut builder = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let made = builder.recursive(true).create(path);
        made.map_err(fail("make the folder"))?;
        let dir =
            Dir::open_ambient_dir(path, ambient_authority()).map_err(fail("open the folder"))?;
        let root = Self {
            path: path.to_owned(),
            dir,
            quota,
            open: Mutex::new(HashMap::new()),
        };
        root.remove_leftovers()?;
        Ok(root)
    }

    /// The folder of an application; made if there is none.
    pub(crate) fn folder(
        &self,
        application: &ApplicationId,
    ) -> Result<Arc<PrivateFolder>, FilesError> {
        let mut open = self.lock();
        if let Some(folder) = open.get(application) {
            return Ok(Arc::clone(folder));
        }
        let path = self.path.join(application.as_str());
        let fail = |what| error(what, &path);
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        match self.dir.create_dir_with(application.as_str(), &builder) {
            Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => {
                return Err(fail("make the folder")(cause));
            }
            _ => {}
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(flags.bits().cast_signed());
        let dir = self.dir.open_with(application.as_str(), &options);
        let dir = Dir::from_std_file(dir.map_err(fail("open the folder"))?.into_std());
        let folder = PrivateFolder::new(dir, self.quota).map_err(fail("look into the folder"))?;
        let folder = Arc::new(folder);
        open.insert(application.clone(), Arc::clone(&folder));
        Ok(folder)
    }

    /// Removes an application's folder, if it has one. Calls that still run find it closed.
    pub(crate) fn remove(&self, application: &ApplicationId) -> Result<(), FilesError> {
        let mut open = self.lock();
        if let Some(folder) = open.remove(application) {
            folder.close();
        }
        let path = self.path.join(application.as_str());
        let removed = format!("{REMOVED}{application}");
        // From the renaming on it is gone, even if the server ends before all of it is.
        if self.dir.symlink_metadata(&removed).is_ok() {
            self.remove_all(&removed)?;
        }
        match self.dir.rename(application.as_str(), &self.dir, &removed) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
            renamed => renamed.map_err(error("remove the folder", &path))?,
        }
        self.sync()?;
        self.remove_all(&removed)
    }

    fn remove_leftovers(&self) -> Result<(), FilesError> {
        let entries = self.dir.entries();
        let entries = entries.map_err(error("look into the folder", &self.path))?;
        for entry in entries.flatten() {
            let name = entry.file_name();
            if let Some(name) = name.to_str().filter(|name| name.starts_with(REMOVED)) {
                self.remove_all(name)?;
            }
        }
        Ok(())
    }

    fn remove_all(&self, name: &str) -> Result<(), FilesError> {
        self.dir
            .remove_dir_all(name)
            .map_err(error("remove the folder", &self.path.join(name)))
    }

    fn sync(&self) -> Result<(), FilesError> {
        let synced = self.dir.open(".").and_then(|dir| dir.sync_all());
        synced.map_err(error("sync", &self.path))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ApplicationId, Arc<PrivateFolder>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn error(what: &'static str, path: &Path) -> impl Fn(io::Error) -> FilesError {
    let path = path.to_owned();
    move |cause| FilesError {
        what,
        path: path.clone(),
        cause,
    }
}

/// Whether a text is a file's name: it leads nowhere, and no file system takes two such for one.
pub(crate) fn is_plain(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=100).contains(&name.len())
        && name.bytes().next().is_some_and(allowed)
        && name
            .bytes()
            .all(|byte| allowed(byte) || matches!(byte, b'-' | b'_' | b'.'))
}

/// A part of bytes: shorter at their end, empty beyond it.
pub(crate) fn part(bytes: &[u8], offset: u64, length: u32) -> &[u8] {
    let begin = usize::try_from(offset).map_or(bytes.len(), |offset| offset.min(bytes.len()));
    let end = begin.saturating_add(length as usize).min(bytes.len());
    bytes.get(begin..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota {
        bytes: 100,
        files: 3,
    };

    fn application(id: &str) -> ApplicationId {
        id.parse().unwrap()
    }

    #[test]
    fn names_lead_nowhere() {
        for good in ["a", "0", "state.json", "a-b_c.d", "a..b"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in [
            "", ".", "..", ".a", "-a", "a/b", "/a", "a\\b", "a\0", "A", "ä", "a b", "c:",
        ] {
            assert!(!is_plain(bad), "{bad}");
        }
        assert!(is_plain(&"a".repeat(100)) && !is_plain(&"a".repeat(101)));
    }

    #[test]
    fn applications_are_apart_and_a_removed_one_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("files");
        let root = FilesRoot::open(&path, QUOTA).unwrap();
        let (one, two) = (application("a.b"), application("a.c"));
        let of_one = root.folder(&one).unwrap();
        of_one.write("x", b"1").unwrap();
        root.folder(&two).unwrap().write("y", b"2").unwrap();
        assert!(Arc::ptr_eq(&of_one, &root.folder(&one).unwrap()));

        root.remove(&one).unwrap();
        root.remove(&one).unwrap();
        assert!(!path.join("a.b").exists());
        assert_eq!(of_one.read("x", 0, 1), Err(FilesFailure::Closed));
        assert_eq!(of_one.write("x", b"1"), Err(FilesFailure::Closed));
        assert_eq!(root.folder(&one).unwrap().list().unwrap(), []);
        assert_eq!(root.folder(&two).unwrap().list().unwrap().len(), 1);
        let names: Vec<_> = std::fs::read_dir(&path).unwrap().flatten().collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }

    #[test]
    fn what_a_killed_server_was_removing_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join(".removed-a.b/deep")).unwrap();
        FilesRoot::open(folder.path(), QUOTA).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_link_in_place_of_a_folder_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let root = FilesRoot::open(folder.path(), QUOTA).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("a.b")).unwrap();
        assert!(root.folder(&application("a.b")).is_err());
    }
}
