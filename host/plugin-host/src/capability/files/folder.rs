//! One application's folder: every read and write of it, within its quota.

use super::{MOST_PART, Quota, is_plain};
use cap_std::fs::{Dir, File, Metadata, OpenOptions, OpenOptionsExt as _};
use rustix::fs::OFlags;
use std::collections::BTreeMap;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where a file's new content is written first. No file of a plug-in begins with a dot, and one
/// writer writes at a time.
const UNFINISHED: &str = ".unfinished";

/// Why a folder did not do what was asked of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FilesFailure {
    #[error("the plug-in was removed")]
    Closed,
    #[error("it is no name of a file")]
    BadName,
    #[error("there is no such file")]
    NotFound,
    #[error("a file, and a part of one, has at most {0} bytes")]
    TooLarge(u32),
    #[error("the folder is full")]
    NoSpace,
    #[error("the disk failed: {0}")]
    Disk(String),
}

impl From<io::Error> for FilesFailure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            _ => Self::Disk(error.to_string()),
        }
    }
}

/// How full a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) bytes: u64,
    pub(crate) files: usize,
    pub(crate) quota: Quota,
}

/// An application's folder.
#[derive(Debug)]
pub(crate) struct PrivateFolder {
    dir: Dir,
    quota: Quota,
    /// What lies there. Whoever changes the folder holds it from the check to the last step, so that
    /// two at once cannot both take the last of the quota.
    contents: Mutex<Contents>,
}

#[derive(Debug, Default)]
struct Contents {
    files: BTreeMap<String, u64>,
    bytes: u64,
    closed: bool,
}

impl Contents {
    fn note(&mut self, name: &str, size: Option<u64>) {
        let old = match size {
            Some(size) => self.files.insert(name.to_owned(), size),
            None => self.files.remove(name),
        };
        self.bytes = self.bytes.saturating_sub(old.unwrap_or(0)) + size.unwrap_or(0);
    }
}

impl PrivateFolder {
    /// Looks what lies there. What no plug-in can have made is left alone and does not count.
    pub(crate) fn new(dir: Dir, quota: Quota) -> io::Result<Self> {
        let mut contents = Contents::default();
        for entry in dir.entries()? {
            let entry = entry?;
            let name = entry.file_name();
            let about = dir.symlink_metadata(&name)?;
            match name.to_str().filter(|name| is_plain(name)) {
                Some(name) if about.is_file() => {
                    contents.note(name, Some(about.len()));
                }
                _ if name == UNFINISHED => dir.remove_file(UNFINISHED)?,
                _ => tracing::warn!(
                    name = ?name,
                    "something lies in a plug-in's folder that no plug-in made; it is left alone"
                ),
            }
        }
        Ok(Self {
            dir,
            quota,
            contents: Mutex::new(contents),
        })
    }

    /// Names and sizes, by name.
    pub(crate) fn list(&self) -> Result<Vec<(String, u64)>, FilesFailure> {
        let contents = self.contents()?;
        Ok(contents
            .files
            .iter()
            .map(|(name, size)| (name.clone(), *size))
            .collect())
    }

    pub(crate) fn usage(&self) -> Result<Usage, FilesFailure> {
        let contents = self.contents()?;
        Ok(Usage {
            bytes: contents.bytes,
            files: contents.files.len(),
            quota: self.quota,
        })
    }

    /// A part of a file, shorter at its end.
    pub(crate) fn read(
        &self,
        name: &str,
        offset: u64,
        length: u32,
    ) -> Result<Vec<u8>, FilesFailure> {
        let name = plain(name)?;
        if length > MOST_PART {
            return Err(FilesFailure::TooLarge(MOST_PART));
        }
        if !self.contents()?.files.contains_key(name) {
            return Err(FilesFailure::NotFound);
        }
        // The file that is open stays what it is, even if a new one takes its place meanwhile.
        let mut file = self.open(name)?;
        let mut bytes = Vec::new();
        if offset >= file.metadata()?.len() {
            return Ok(bytes);
        }
        file.seek(SeekFrom::Start(offset))?;
        file.take(length.into()).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Makes a file, or puts a new one in its place. When it returns, the file is on the disk.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<(), FilesFailure> {
        let name = plain(name)?;
        if content.len() > MOST_PART as usize {
            return Err(FilesFailure::TooLarge(MOST_PART));
        }
        let mut contents = self.contents()?;
        let old = contents.files.get(name).copied();
        let size = content.len() as u64;
        let bytes = contents.bytes.saturating_sub(old.unwrap_or(0)) + size;
        let files = contents.files.len() + usize::from(old.is_none());
        // A file that does not grow is always taken: who is over a quota that was lowered gets out
        // of it so.
        let grows = old.is_none_or(|old| size > old);
        if grows && (bytes > self.quota.bytes || files > self.quota.files) {
            return Err(FilesFailure::NoSpace);
        }
        let replaced = self.replace(name, content);
        if replaced.is_err() {
            let _ = self.dir.remove_file(UNFINISHED);
        }
        contents.note(name, self.size(name));
        Ok(replaced?)
    }

    pub(crate) fn remove(&self, name: &str) -> Result<(), FilesFailure> {
        let name = plain(name)?;
        let mut contents = self.contents()?;
        if !contents.files.contains_key(name) {
            return Err(FilesFailure::NotFound);
        }
        let removed = self.dir.remove_file(name).and_then(|()| self.sync());
        contents.note(name, self.size(name));
        Ok(removed?)
    }

    /// Ends its use: the plug-in was removed.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
    }

    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = match self.dir.open_with(UNFINISHED, &options) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.dir.remove_file(UNFINISHED)?;
                self.dir.open_with(UNFINISHED, &options)?
            }
            opened => opened?,
        };
        file.write_all(content)?;
        file.sync_all()?;
        self.dir.rename(UNFINISHED, &self.dir, name)?;
        self.sync()
    }

    fn open(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        // Not a link, and nothing that makes the call wait, such as a pipe.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.read(true).custom_flags(flags.bits().cast_signed());
        let file = self.dir.open_with(name, &options)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no plain file"));
        }
        Ok(file)
    }

    /// What lies there under a name now, whatever was tried with it.
    fn size(&self, name: &str) -> Option<u64> {
        let about = self.dir.symlink_metadata(name).ok();
        about.filter(Metadata::is_file).map(|about| about.len())
    }

    fn sync(&self) -> io::Result<()> {
        self.dir.open(".")?.sync_all()
    }

    fn contents(&self) -> Result<MutexGuard<'_, Contents>, FilesFailure> {
        let contents = self.lock();
        if contents.closed {
            Err(FilesFailure::Closed)
        } else {
            Ok(contents)
        }
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn plain(name: &str) -> Result<&str, FilesFailure> {
    if is_plain(name) {
        Ok(name)
    } else {
        Err(FilesFailure::BadName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cap_std::ambient_authority;
    use std::os::unix::fs::{MetadataExt as _, symlink};
    use std::path::Path;

    fn open(path: &Path, bytes: u64, files: usize) -> PrivateFolder {
        let dir = Dir::open_ambient_dir(path, ambient_authority()).unwrap();
        PrivateFolder::new(dir, Quota { bytes, files }).unwrap()
    }

    #[test]
    fn files_come_back_whole_and_in_parts_after_a_restart_too() {
        let at = tempfile::tempdir().unwrap();
        let folder = open(at.path(), 100, 10);
        folder.write("b", b"0123456789").unwrap();
        folder.write("a", b"").unwrap();
        assert_eq!(folder.read("b", 0, MOST_PART).unwrap(), b"0123456789");
        assert_eq!(folder.read("b", 8, 10).unwrap(), b"89");
        assert_eq!(folder.read("b", u64::MAX, 10).unwrap(), b"");
        folder.write("b", b"new").unwrap();
        drop(folder);
        let folder = open(at.path(), 100, 10);
        assert_eq!(
            folder.list().unwrap(),
            [("a".to_owned(), 0), ("b".to_owned(), 3)]
        );
        assert_eq!(folder.usage().unwrap().bytes, 3);
        folder.remove("b").unwrap();
        assert_eq!(folder.read("b", 0, 1), Err(FilesFailure::NotFound));
        assert_eq!(folder.remove("b"), Err(FilesFailure::NotFound));
        assert_eq!(folder.usage().unwrap().bytes, 0);
        let mode = std::fs::metadata(at.path().join("a")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_quota_holds_in_bytes_and_in_files() {
        let at = tempfile::tempdir().unwrap();
        let folder = open(at.path(), 10, 2);
        folder.write("a", b"123456").unwrap();
        assert_eq!(folder.write("b", b"12345"), Err(FilesFailure::NoSpace));
        assert_eq!(
            folder.write("a", b"12345678901"),
            Err(FilesFailure::NoSpace)
        );
        assert_eq!(folder.read("a", 0, 10).unwrap(), b"123456");
        folder.write("b", b"1234").unwrap();
        assert_eq!(folder.write("c", b""), Err(FilesFailure::NoSpace));
        folder.write("a", b"1").unwrap();
        folder.write("b", b"123456789").unwrap();
        let too_large = vec![0; MOST_PART as usize + 1];
        let refused = folder.write("a", &too_large);
        assert_eq!(refused, Err(FilesFailure::TooLarge(MOST_PART)));
        assert_eq!(
            folder.read("a", 0, MOST_PART + 1),
            Err(FilesFailure::TooLarge(MOST_PART))
        );
        // A quota that was lowered: what does not grow is still taken.
        drop(folder);
        let folder = open(at.path(), 3, 1);
        folder.write("b", b"12345").unwrap();
        assert_eq!(folder.write("b", b"123456"), Err(FilesFailure::NoSpace));
    }

    #[test]
    fn writers_at_once_do_not_pass_the_quota_together() {
        let at = tempfile::tempdir().unwrap();
        let folder = open(at.path(), 50, 100);
        let written: usize = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8)
                .map(|writer| {
                    let folder = &folder;
                    scope.spawn(move || {
                        (0..4)
                            .filter(|number| {
                                let name = format!("f{writer}-{number}");
                                folder.write(&name, b"0123456789").is_ok()
                            })
                            .count()
                    })
                })
                .collect();
            writers
                .into_iter()
                .map(|writer| writer.join().unwrap())
                .sum()
        });
        assert_eq!(written, 5);
        assert_eq!(folder.usage().unwrap().bytes, 50);
        let there = std::fs::read_dir(at.path()).unwrap().flatten();
        let bytes: u64 = there.map(|entry| entry.metadata().unwrap().len()).sum();
        assert_eq!(bytes, 50);
    }

    #[test]
    fn names_links_and_leftovers_lead_nowhere() {
        let at = tempfile::tempdir().unwrap();
        let secret = at.path().join("secret");
        std::fs::write(&secret, b"secret").unwrap();
        let inside = at.path().join("inside");
        std::fs::create_dir(&inside).unwrap();
        symlink(&secret, inside.join("early")).unwrap();
        std::fs::write(inside.join(UNFINISHED), b"half").unwrap();
        std::fs::create_dir(inside.join("folder")).unwrap();
        let folder = open(&inside, 100, 10);
        assert_eq!(folder.list().unwrap(), []);
        assert!(!inside.join(UNFINISHED).exists());
        for bad in ["../secret", "..", "/etc/passwd", "a\0", ""] {
            assert_eq!(folder.read(bad, 0, 9), Err(FilesFailure::BadName));
            assert_eq!(folder.write(bad, b"x"), Err(FilesFailure::BadName));
            assert_eq!(folder.remove(bad), Err(FilesFailure::BadName));
        }
        assert_eq!(folder.read("early", 0, 9), Err(FilesFailure::NotFound));
        assert_eq!(folder.remove("early"), Err(FilesFailure::NotFound));
        assert!(matches!(
            folder.write("folder", b"x"),
            Err(FilesFailure::Disk(_))
        ));
        // A link that is put in a file's place while the folder is open.
        folder.write("late", b"mine").unwrap();
        std::fs::remove_file(inside.join("late")).unwrap();
        symlink(&secret, inside.join("late")).unwrap();
        assert!(matches!(
            folder.read("late", 0, 9),
            Err(FilesFailure::Disk(_))
        ));
        folder.write("late", b"mine").unwrap();
        assert_eq!(folder.read("late", 0, 9).unwrap(), b"mine");
        assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
    }
}
