//! The server's side of capabilities, for native tests of a plug-in's logic: in memory, with a clock
//! that stands still and random bytes that repeat.
//!
//! What a test does not grant is denied, as an administrator may. The rules are the server's: names,
//! sizes, the quota, what one call may do.
//!
//! ```
//! use muster_sdk::{clock, files, native::Server, random};
//!
//! let mut server = Server::new().files().clock(1_700_000_000_000);
//! server.run(|| {
//!     files::write("seen", &clock::now().unwrap().to_be_bytes()).unwrap();
//!     assert!(random::bytes(1).is_err());
//! });
//! assert_eq!(server.file("seen"), Some(&1_700_000_000_000_u64.to_be_bytes()[..]));
//! ```

use crate::files::{FileFailure, MOST_SIZE};
use std::cell::RefCell;
use std::collections::BTreeMap;

const QUOTA: (u64, u32) = (16 << 20, 100);
const CHANGES: u32 = 64;
const RANDOM: u32 = 64 << 10;

/// A server that answers what a plug-in imports. Outside of [`Server::run`], everything is denied.
#[derive(Debug, Clone, Default)]
pub struct Server {
    data: BTreeMap<String, Vec<u8>>,
    files: Option<BTreeMap<String, Vec<u8>>>,
    read_only: bool,
    clock: Option<u64>,
    random: Option<u64>,
    changes: u32,
    random_bytes: u32,
}

thread_local! {
    static SERVER: RefCell<Server> = RefCell::default();
}

impl Server {
    /// One that grants nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has a data file in the plug-in.
    #[must_use]
    pub fn data(mut self, name: &str, bytes: &[u8]) -> Self {
        self.data.insert(name.into(), bytes.into());
        self
    }

    /// Grants `files`, with an empty folder.
    #[must_use]
    pub fn files(mut self) -> Self {
        self.files = Some(BTreeMap::new());
        self
    }

    /// Lets files be read only, as for a version of the plug-in that is being tried.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Grants `clock`; it stands still at so many milliseconds since 1970.
    #[must_use]
    pub fn clock(mut self, now: u64) -> Self {
        self.clock = Some(now);
        self
    }

    /// Grants `random`; the bytes follow from the seed.
    #[must_use]
    pub fn random(mut self, seed: u64) -> Self {
        self.random = Some(seed);
        self
    }

    /// What lies in the folder under a name.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.as_ref()?.get(name).map(Vec::as_slice)
    }

    /// Runs one call of the plug-in on this server. What it wrote is there for the next.
    pub fn run<T>(&mut self, call: impl FnOnce() -> T) -> T {
        self.changes = CHANGES;
        self.random_bytes = RANDOM;
        SERVER.with_borrow_mut(|now| std::mem::swap(now, self));
        let _back = Back(self);
        call()
    }

    fn folder(&mut self) -> Result<&mut BTreeMap<String, Vec<u8>>, FileFailure> {
        self.files.as_mut().ok_or(FileFailure::Denied)
    }

    fn folder_to_change(&mut self) -> Result<&mut BTreeMap<String, Vec<u8>>, FileFailure> {
        self.folder()?;
        if self.read_only {
            return Err(FileFailure::ReadOnly);
        }
        let left = self.changes.checked_sub(1);
        self.changes = left.ok_or(FileFailure::TooManyChanges(CHANGES))?;
        self.folder()
    }
}

/// Gives a thread back what it had, even if the call panics.
struct Back<'a>(&'a mut Server);

impl Drop for Back<'_> {
    fn drop(&mut self) {
        SERVER.with_borrow_mut(|now| std::mem::swap(now, self.0));
    }
}

fn with<T>(ask: impl FnOnce(&mut Server) -> T) -> T {
    SERVER.with_borrow_mut(ask)
}

fn part(bytes: &[u8], offset: u64, length: u32) -> Vec<u8> {
    let skip = usize::try_from(offset).unwrap_or(usize::MAX);
    let part = bytes.iter().skip(skip).take(length as usize);
    part.copied().collect()
}

fn check_name(name: &str) -> Result<(), FileFailure> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = (1..=100).contains(&name.len())
        && name.bytes().next().is_some_and(plain)
        && name
            .bytes()
            .all(|byte| plain(byte) || b"-_.".contains(&byte));
    fits.then_some(()).ok_or(FileFailure::BadName)
}

pub(crate) mod data {
    use super::{part, with};
    use crate::data::{DataFailure, DataFile, MOST_PART};

    pub(crate) fn list_files() -> Vec<DataFile> {
        with(|server| {
            let file = |(name, bytes): (&String, &Vec<u8>)| DataFile {
                name: name.clone(),
                size: bytes.len() as u64,
                more: vec![],
            };
            server.data.iter().map(file).collect()
        })
    }

    pub(crate) fn read(name: &str, offset: u64, length: u32) -> Result<Vec<u8>, DataFailure> {
        if length > MOST_PART {
            return Err(DataFailure::TooLarge(MOST_PART));
        }
        with(|server| {
            let bytes = server.data.get(name).ok_or(DataFailure::NotFound)?;
            Ok(part(bytes, offset, length))
        })
    }
}

pub(crate) mod files {
    use super::{MOST_SIZE, QUOTA, check_name, part, with};
    use crate::files::{File, FileFailure, Space};

    pub(crate) fn list_files() -> Result<Vec<File>, FileFailure> {
        with(|server| {
            let file = |(name, bytes): (&String, &mut Vec<u8>)| File {
                name: name.clone(),
                size: bytes.len() as u64,
                more: vec![],
            };
            Ok(server.folder()?.iter_mut().map(file).collect())
        })
    }

    pub(crate) fn read(name: &str, offset: u64, length: u32) -> Result<Vec<u8>, FileFailure> {
        with(|server| {
            let folder = server.folder()?;
            check_name(name)?;
            if length > MOST_SIZE {
                return Err(FileFailure::TooLarge(MOST_SIZE));
            }
            let bytes = folder.get(name).ok_or(FileFailure::NotFound)?;
            Ok(part(bytes, offset, length))
        })
    }

    pub(crate) fn write(name: &str, content: &[u8]) -> Result<(), FileFailure> {
        with(|server| {
            let folder = server.folder_to_change()?;
            check_name(name)?;
            if content.len() > MOST_SIZE as usize {
                return Err(FileFailure::TooLarge(MOST_SIZE));
            }
            let others = folder.iter().filter(|(other, _)| *other != name);
            let bytes: usize = others.clone().map(|(_, bytes)| bytes.len()).sum();
            let fits = (bytes + content.len()) as u64 <= QUOTA.0;
            if !fits || others.count() >= QUOTA.1 as usize {
                return Err(FileFailure::NoSpace);
            }
            folder.insert(name.into(), content.into());
            Ok(())
        })
    }

    pub(crate) fn remove(name: &str) -> Result<(), FileFailure> {
        with(|server| {
            let folder = server.folder_to_change()?;
            check_name(name)?;
            folder.remove(name).map(drop).ok_or(FileFailure::NotFound)
        })
    }

    pub(crate) fn usage() -> Result<Space, FileFailure> {
        with(|server| {
            let folder = server.folder()?;
            Ok(Space {
                bytes: folder.values().map(|bytes| bytes.len() as u64).sum(),
                most_bytes: QUOTA.0,
                files: u32::try_from(folder.len()).unwrap_or(u32::MAX),
                most_files: QUOTA.1,
                more: vec![],
            })
        })
    }
}

pub(crate) mod clock {
    use super::with;
    use crate::clock::ClockFailure;

    pub(crate) fn now() -> Result<u64, ClockFailure> {
        with(|server| server.clock.ok_or(ClockFailure::Denied))
    }
}

pub(crate) mod random {
    use super::{RANDOM, with};
    use crate::random::RandomFailure;

    pub(crate) fn bytes(length: u32) -> Result<Vec<u8>, RandomFailure> {
        with(|server| {
            let state = server.random.as_mut().ok_or(RandomFailure::Denied)?;
            let left = server.random_bytes.checked_sub(length);
            server.random_bytes = left.ok_or(RandomFailure::TooLarge(RANDOM))?;
            let byte = |_| {
                // A step of a linear congruential generator: different each time, alike in each run.
                *state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                state.to_be_bytes()[0]
            };
            Ok((0..length).map(byte).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock, data, files, random};

    #[test]
    fn what_is_not_granted_is_denied_and_the_rules_are_the_server_s() {
        assert_eq!(files::list(), Err(FileFailure::Denied));
        let mut server = Server::new().files().random(1).data("a", b"12");
        server.run(|| {
            assert!(clock::now().is_err());
            assert_eq!(data::read("a").unwrap(), b"12");
            assert!(data::read("b").is_err());
            assert_eq!(files::write("../a", b""), Err(FileFailure::BadName));
            assert_eq!(files::read("a"), Err(FileFailure::NotFound));
            let too_large = vec![0; MOST_SIZE as usize + 1];
            assert_eq!(
                files::write("a", &too_large),
                Err(FileFailure::TooLarge(MOST_SIZE))
            );
            for _ in 2..CHANGES {
                files::write("a", b"123").unwrap();
            }
            assert_eq!(
                files::remove("a"),
                Err(FileFailure::TooManyChanges(CHANGES))
            );
            assert_eq!(files::read_part("a", 1, 9).unwrap(), b"23");
            random::bytes(RANDOM).unwrap();
            assert!(random::bytes(1).is_err());
        });
        assert_eq!(server.file("a"), Some(&b"123"[..]));
        let mut server = server.read_only();
        assert_eq!(
            server.run(|| files::remove("a")),
            Err(FileFailure::ReadOnly)
        );
        for number in 0..16 {
            let mut content = vec![0; MOST_SIZE as usize];
            content[0] = number;
            server.read_only = false;
            let written = server.run(|| files::write(&format!("f{number}"), &content));
            assert_eq!(written.is_ok(), number < 15, "{number}");
        }
        assert_eq!(files::list(), Err(FileFailure::Denied));
    }
}
