//! Reading signed JSON strictly: a bounded size, one known format, no unknown key, nothing twice.
//!
//! A text that two readers understand differently is no text to sign. So what is not plainly right
//! is refused here, before anybody looks at a signature over it.

use serde::de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

/// Why bytes are no signed text of the wanted format.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StrictError {
    /// There are none.
    #[error("it is empty")]
    Empty,
    /// There are more than are read.
    #[error("it has {size} bytes, and at most {most} are read")]
    TooLarge {
        /// How many there are.
        size: usize,
        /// How many there may be.
        most: usize,
    },
    /// It says that it is of another format.
    #[error("its format is {found:?}, and this version reads {known:?}")]
    Format {
        /// What it says, cut to 100 characters.
        found: String,
        /// What is read.
        known: &'static str,
    },
    /// It cannot be read.
    #[error("at {place}: {cause}")]
    Syntax {
        /// The key, as `limits.memory`; `.` for the whole.
        place: String,
        /// What is wrong there.
        cause: serde_json::Error,
    },
}

/// The one key that every signed text has. Read first, so that a text of a later format is told
/// from one that is broken.
#[derive(Deserialize)]
struct Format {
    format: String,
}

/// Reads bytes as `T` if they are of `format` and at most `most`.
pub(crate) fn read<T: DeserializeOwned>(
    bytes: &[u8],
    format: &'static str,
    most: usize,
) -> Result<T, StrictError> {
    if bytes.is_empty() {
        return Err(StrictError::Empty);
    }
    if bytes.len() > most {
        let size = bytes.len();
        return Err(StrictError::TooLarge { size, most });
    }
    let found: Format = read_json(bytes)?;
    if found.format != format {
        return Err(StrictError::Format {
            found: found.format.chars().take(100).collect(),
            known: format,
        });
    }
    read_json(bytes)
}

fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StrictError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value =
        serde_path_to_error::deserialize(&mut json).map_err(|error| StrictError::Syntax {
            place: error.path().to_string(),
            cause: error.into_inner(),
        })?;
    json.end().map_err(|cause| StrictError::Syntax {
        place: ".".to_owned(),
        cause,
    })?;
    Ok(value)
}

/// A set whose text names nothing twice.
pub(crate) fn unique_set<'de, D, T>(deserializer: D) -> Result<BTreeSet<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Ord + fmt::Debug,
{
    struct Set<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de> + Ord + fmt::Debug> Visitor<'de> for Set<T> {
        type Value = BTreeSet<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list in which nothing stands twice")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<BTreeSet<T>, A::Error> {
            let mut set = BTreeSet::new();
            while let Some(item) = items.next_element()? {
                if let Some(item) = set.replace(item) {
                    return Err(A::Error::custom(format_args!("{item:?} stands here twice")));
                }
            }
            Ok(set)
        }
    }
    deserializer.deserialize_seq(Set(PhantomData))
}

/// A map whose text has no key twice.
pub(crate) fn unique_map<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord + fmt::Debug + Clone,
    V: Deserialize<'de>,
{
    struct Map<K, V>(PhantomData<(K, V)>);
    impl<'de, K, V> Visitor<'de> for Map<K, V>
    where
        K: Deserialize<'de> + Ord + fmt::Debug + Clone,
        V: Deserialize<'de>,
    {
        type Value = BTreeMap<K, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object in which no key stands twice")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<BTreeMap<K, V>, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = entries.next_entry::<K, V>()? {
                if map.insert(key.clone(), value).is_some() {
                    return Err(A::Error::custom(format_args!("{key:?} stands here twice")));
                }
            }
            Ok(map)
        }
    }
    deserializer.deserialize_map(Map(PhantomData))
}
