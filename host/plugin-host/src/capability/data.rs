//! `data`: read-only files that come with a plug-in, as custom sections of its component.
//! `inspect` finds them.

use super::files::{MOST_PART, is_plain, part};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// How the section of a data file is named, before the file's own name.
pub(crate) const SECTION: &str = "muster:data/";
/// Data files of a plug-in.
pub(crate) const MOST_FILES: usize = 64;
/// Bytes of all of them.
pub(crate) const MOST_BYTES: usize = 16 << 20;

/// Why a component's data files cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// It is no name of a file.
    #[error(
        "its section muster:data/{name} is no data file: a name has 1 to 100 lower-case letters, digits, hyphens, underscores and dots, and begins with a letter or digit"
    )]
    Name {
        /// The name, cut to 100 bytes.
        name: String,
    },
    /// Two sections have one name.
    #[error("it has two data files of the name {name}")]
    Twice {
        /// The name.
        name: String,
    },
    /// There are too many.
    #[error("it has more than {MOST_FILES} data files")]
    TooMany,
    /// They are too large.
    #[error("its data files have more than {} MiB together", MOST_BYTES >> 20)]
    TooLarge,
}

/// Where the data files lie in a component.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DataPlaces {
    places: BTreeMap<String, Range<usize>>,
    bytes: usize,
}

impl DataPlaces {
    /// Takes a custom section into account, if it is a data file.
    pub(crate) fn see(&mut self, section: &str, place: Range<usize>) -> Result<(), DataError> {
        let Some(name) = section.strip_prefix(SECTION) else {
            return Ok(());
        };
        if !is_plain(name) {
            let name = super::log::cut(name, 100).to_owned();
            return Err(DataError::Name { name });
        }
        self.bytes = self.bytes.saturating_add(place.len());
        if self.bytes > MOST_BYTES {
            return Err(DataError::TooLarge);
        }
        if self.places.len() >= MOST_FILES {
            return Err(DataError::TooMany);
        }
        let name = name.to_owned();
        if self.places.insert(name.clone(), place).is_some() {
            return Err(DataError::Twice { name });
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The files themselves. The component's other bytes need not be kept.
    pub(crate) fn read(&self, component: &[u8]) -> DataFiles {
        let files = self.places.iter().filter_map(|(name, place)| {
            let bytes = component.get(place.clone())?;
            Some((name.clone(), Arc::from(bytes)))
        });
        DataFiles(files.collect())
    }
}

/// A plug-in's data files.
#[derive(Debug, Default)]
pub(crate) struct DataFiles(BTreeMap<String, Arc<[u8]>>);

/// Why a part of a data file cannot be had.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DataFailure {
    NotFound,
    /// More bytes at once than this.
    TooLarge(u32),
}

impl DataFiles {
    /// Names and sizes, by name.
    pub(crate) fn list(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.len() as u64))
    }

    /// A part of a file, shorter at its end.
    pub(crate) fn read(
        &self,
        name: &str,
        offset: u64,
        length: u32,
    ) -> Result<Vec<u8>, DataFailure> {
        if length > MOST_PART {
            return Err(DataFailure::TooLarge(MOST_PART));
        }
        let bytes = self.0.get(name).ok_or(DataFailure::NotFound)?;
        Ok(part(bytes, offset, length).to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_become_files_within_bounds() {
        let mut places = DataPlaces::default();
        places.see("name", 0..5).unwrap();
        places.see("muster:data/b.json", 2..4).unwrap();
        places.see("muster:data/a", 0..0).unwrap();
        for bad in ["", "A", "../a", "a/b", ".a", "a\0"] {
            let refused = places.see(&format!("{SECTION}{bad}"), 0..1);
            assert!(matches!(refused, Err(DataError::Name { .. })), "{bad:?}");
        }
        let again = places.clone().see("muster:data/a", 0..1);
        assert_eq!(again, Err(DataError::Twice { name: "a".into() }));
        let large = places.clone().see("muster:data/c", 0..MOST_BYTES - 1);
        assert_eq!(large, Err(DataError::TooLarge));
        for number in 2..MOST_FILES {
            places.see(&format!("{SECTION}{number}"), 0..1).unwrap();
        }
        assert_eq!(places.see("muster:data/z", 0..1), Err(DataError::TooMany));
        let files = places.read(b"01234567");
        assert_eq!(files.list().last(), Some(("b.json", 2)));
        assert_eq!(files.read("b.json", 0, 10), Ok(b"23".to_vec()));
        assert_eq!(files.read("b.json", 1, 1), Ok(b"3".to_vec()));
        assert_eq!(files.read("b.json", u64::MAX, 1), Ok(vec![]));
        assert_eq!(files.read("c", 0, 1), Err(DataFailure::NotFound));
        let too_much = files.read("a", 0, MOST_PART + 1);
        assert_eq!(too_much, Err(DataFailure::TooLarge(MOST_PART)));
    }
}
