//! Compiled code on disk: what this host's own child made, and nothing else.
//!
//! Compiled code is run as it is, so whoever can write it runs code in the server. Hence a folder
//! for this user alone, and a keyed hash at the end of every file that is checked before the file
//! is mapped. What fails the check is thrown away and compiled again.

use muster_domain::Digest;
use rustix::fs::{Mode, OFlags};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Bytes of the keyed hash at a file's end.
const MARK: usize = 32;

/// Why the folder of compiled code cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Something could not be read or written.
    #[error("could not {what} {path}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// Somebody else can write here.
    #[error(
        "{path} is not for this user alone (owner {owner}, mode {mode:o}); what lies there is run as code. Give it to this user, with `chmod go= {path}`"
    )]
    Open {
        /// The file or folder.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Its mode.
        mode: u32,
    },
    /// The key is damaged.
    #[error(
        "{path} has {size} bytes, and a key has 32; remove it, and components are compiled anew"
    )]
    Key {
        /// The key's file.
        path: PathBuf,
        /// Its size.
        size: usize,
    },
}

/// Why a file of compiled code was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Discarded {
    #[error("its keyed hash is not ours")]
    Mark,
    #[error("it is no plain file of this user alone")]
    Access,
    #[error("the engine does not take it: {0}")]
    Engine(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Files of compiled code, as they were found.
#[derive(Debug)]
pub struct CompiledFiles(Vec<String>);

/// The folder of compiled code.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    key: [u8; 32],
    settings: String,
}

impl Cache {
    /// Opens the folder, or makes it; the same for the key.
    pub(crate) fn open(private: &Path, engine: &Engine) -> Result<Self, CacheError> {
        private_folder(private)?;
        let folder = private.join("compiled");
        private_folder(&folder)?;
        remove_unfinished(&folder);
        let key = key(&private.join("compiled.key"))?;
        Ok(Self {
            folder,
            key,
            settings: settings(engine),
        })
    }

    /// Where unfinished files are made: on the same file system, for this user alone.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the engine of this build is, in a few digits.
    pub(crate) fn settings(&self) -> &str {
        &self.settings
    }

    /// Whether there is compiled code of a component, as far as its name tells.
    pub(crate) fn has(&self, digest: &Digest) -> bool {
        self.path(digest).exists()
    }

    /// Maps what was compiled from a component, if it is there. What is there and cannot be taken
    /// is removed.
    pub(crate) fn map(
        &self,
        engine: &Engine,
        digest: &Digest,
    ) -> Result<Option<Component>, Discarded> {
        let path = self.path(digest);
        let file = match rustix::fs::open(
            &path,
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        ) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(error) => return Err(Self::discard(&path, io::Error::from(error).into())),
        };
        self.map_file(engine, &file, &path)
            .map(Some)
            .map_err(|why| Self::discard(&path, why))
    }

    /// Marks compiled code as ours and gives it its name. From then on it is there, whole.
    pub(crate) fn keep(
        &self,
        mut compiled: tempfile::NamedTempFile,
        digest: &Digest,
    ) -> Result<(), CacheError> {
        let path = self.path(digest);
        let mut finish = || -> io::Result<()> {
            let mark = self.mark(&mut File::open(compiled.path())?, u64::MAX, &path)?;
            let file = compiled.as_file_mut();
            io::Seek::seek(file, io::SeekFrom::End(0))?;
            file.write_all(mark.as_bytes())?;
            file.sync_all()
        };
        finish().map_err(io_error("write compiled code for", &path))?;
        compiled
            .persist(&path)
            .map_err(|error| io_error("rename compiled code to", &path)(error.error))?;
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(io_error("sync", &self.folder))
    }

    /// An empty file that nobody else sees, until it is kept.
    pub(crate) fn new_file(&self) -> Result<tempfile::NamedTempFile, CacheError> {
        tempfile::Builder::new()
            .prefix(UNFINISHED)
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(&self.folder)
            .map_err(io_error("make a file in", &self.folder))
    }

    /// What lies there now, but for what is not finished.
    pub(crate) fn there(&self) -> CompiledFiles {
        let names = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        // Those with a dot are for a moment: files that have no name where the file system can.
        let finished = |name: &String| !name.starts_with(UNFINISHED) && !name.starts_with('.');
        CompiledFiles(names.filter(finished).collect())
    }

    /// Removes of these what is not the code of one of the components, whatever engine it is for.
    pub(crate) fn retain(&self, there: CompiledFiles, kept: &BTreeSet<Digest>) {
        let kept: BTreeSet<String> = kept.iter().map(Digest::hex).collect();
        for name in there.0 {
            let digest = name.split_once('-').map(|(digest, _)| digest);
            if digest.is_some_and(|digest| kept.contains(digest)) {
                continue;
            }
            let path = self.folder.join(&name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(path = %path.display(), %error, "could not remove compiled code that nothing needs");
                }
                _ => {}
            }
        }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder
            .join(format!("{}-{}.cwasm", digest.hex(), self.settings))
    }

    fn discard(path: &Path, why: Discarded) -> Discarded {
        if let Err(error) = fs::remove_file(path) {
            tracing::warn!(path = %path.display(), %error, "could not remove compiled code that is not to be used");
        }
        why
    }

    fn map_file(&self, engine: &Engine, file: &File, path: &Path) -> Result<Component, Discarded> {
        let about = file.metadata()?;
        if !about.is_file()
            || about.uid() != rustix::process::geteuid().as_raw()
            || about.mode() & 0o022 != 0
        {
            return Err(Discarded::Access);
        }
        let Some(code) = about.len().checked_sub(MARK as u64) else {
            return Err(Discarded::Mark);
        };
        let mut reader = file;
        let expected = self.mark(&mut reader, code, path)?;
        let mut mark = [0; MARK];
        reader.read_exact(&mut mark)?;
        if expected != blake3::Hash::from_bytes(mark) {
            return Err(Discarded::Mark);
        }
        // The very file that was checked is mapped, whatever its name leads to by now.
        let opened = format!("/proc/self/fd/{}", file.as_raw_fd());
        let opened = if Path::new(&opened).exists() {
            Path::new(&opened)
        } else {
            path
        };
        #[expect(
            unsafe_code,
            reason = "the bytes were written by our own compiling child: their keyed hash, whose key only this user can read, was checked on the same open file, in a folder that only this user can write"
        )]
        let component = unsafe { Component::deserialize_file(engine, opened) };
        component.map_err(|error| Discarded::Engine(format!("{error:#}")))
    }

    /// The keyed hash of so many bytes of a file under a name: the code of one component is not
    /// taken for another's.
    fn mark(&self, file: &mut impl Read, bytes: u64, path: &Path) -> io::Result<blake3::Hash> {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        hasher
            .update(&(name.len() as u64).to_le_bytes())
            .update(name);
        hasher.update_reader(file.take(bytes))?;
        Ok(hasher.finalize())
    }
}

/// What others than the owner may do.
const OTHERS: u32 = 0o077;
/// How files begin that are not finished.
const UNFINISHED: &str = "unfinished-";

/// Whatever makes compiled code of one build useless to another, in a few digits.
fn settings(engine: &Engine) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(crate::engine::SETTINGS.as_bytes());
    hasher.update(std::env::consts::ARCH.as_bytes());
    #[cfg(feature = "compiler")]
    {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut of_engine = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut of_engine);
        hasher.update(&of_engine.finish().to_le_bytes());
    }
    #[cfg(not(feature = "compiler"))]
    let _ = engine;
    hasher.finalize().to_hex().chars().take(16).collect()
}

fn private_folder(path: &Path) -> Result<(), CacheError> {
    match DirBuilder::new().mode(0o700).recursive(true).create(path) {
        Ok(()) => check_private(path, true),
        Err(cause) => Err(io_error("make the folder", path)(cause)),
    }
}

fn check_private(path: &Path, is_folder: bool) -> Result<(), CacheError> {
    let about = fs::symlink_metadata(path).map_err(io_error("look at", path))?;
    let owner = about.uid();
    let private = owner == rustix::process::geteuid().as_raw() && about.mode() & OTHERS == 0;
    if private && about.is_dir() == is_folder && !about.is_symlink() {
        return Ok(());
    }
    Err(CacheError::Open {
        path: path.to_owned(),
        owner,
        mode: about.mode() & 0o7777,
    })
}

/// Reads the key, or makes one. Of two that make it at once, one wins and both use it.
fn key(path: &Path) -> Result<[u8; 32], CacheError> {
    if !path.exists() {
        make_key(path).map_err(io_error("write the key", path))?;
    }
    check_private(path, false)?;
    let bytes = fs::read(path).map_err(io_error("read the key", path))?;
    let size = bytes.len();
    bytes.try_into().map_err(|_| CacheError::Key {
        path: path.to_owned(),
        size,
    })
}

fn make_key(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    let mut key = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut key)?;
    file.write_all(&key)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => File::open(folder)?.sync_all(),
    }
}

/// A host that was killed while it compiled leaves a file that nobody will finish.
fn remove_unfinished(folder: &Path) {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in names.filter(|entry| {
        entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(UNFINISHED.as_bytes())
    }) {
        if let Err(error) = fs::remove_file(entry.path()) {
            tracing::warn!(path = %entry.path().display(), %error, "could not remove an unfinished file");
        }
    }
}

fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CacheError {
    let path = path.to_owned();
    move |cause| CacheError::Io { what, path, cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path) -> Result<Cache, CacheError> {
        let engine = Engine::new(&crate::engine::shared_settings()).unwrap();
        Cache::open(&folder.join("p"), &engine)
    }

    #[test]
    fn the_key_stays_and_is_for_this_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path()).unwrap();
        assert_eq!(open(folder.path()).unwrap().key, first.key);
        let key = folder.path().join("p/compiled.key");
        assert_eq!(fs::metadata(&key).unwrap().mode() & 0o7777, 0o600);
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(open(folder.path()), Err(CacheError::Open { .. })));
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&key, b"short").unwrap();
        assert!(matches!(
            open(folder.path()),
            Err(CacheError::Key { size: 5, .. })
        ));
    }

    #[test]
    fn a_folder_that_others_can_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path()).unwrap();
        fs::set_permissions(folder.path().join("p"), fs::Permissions::from_mode(0o770)).unwrap();
        assert!(matches!(
            open(folder.path()),
            Err(CacheError::Open { mode: 0o770, .. })
        ));
    }

    #[test]
    fn what_came_after_the_look_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(folder.path()).unwrap();
        let write =
            |name: &str| fs::write(folder.path().join("p/compiled").join(name), b"x").unwrap();
        let digests = [1_u8, 2, 3].map(|number| Digest::of([number]));
        let name = |digest: &Digest| format!("{}-0123456789abcdef.cwasm", digest.hex());
        write(&name(&digests[0]));
        write(&name(&digests[1]));
        write("strange");
        let there = cache.there();
        write(&name(&digests[2]));
        cache.retain(there, &BTreeSet::from([digests[0]]));
        let mut left = cache.there().0;
        left.sort();
        let mut wanted = [name(&digests[0]), name(&digests[2])];
        wanted.sort();
        assert_eq!(left, wanted);
    }

    #[test]
    fn what_a_killed_host_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path()).unwrap();
        let left = folder.path().join("p/compiled/unfinished-x");
        fs::write(&left, b"half").unwrap();
        open(folder.path()).unwrap();
        assert!(!left.exists());
    }
}
