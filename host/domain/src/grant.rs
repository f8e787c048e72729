//! What a plug-in may do beyond computing, and how far: what it asks for, what an administrator said
//! to it, and what follows.

use crate::application::{Description, Limit};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// Something of the server's that a plug-in may use if it is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// A folder of the application's own.
    Files,
    /// The time of day.
    Clock,
    /// Random bytes.
    Random,
}

impl Capability {
    /// All that there are.
    pub const ALL: [Self; 3] = [Self::Files, Self::Clock, Self::Random];

    /// Its name, as plug-ins and administrators write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Clock => "clock",
            Self::Random => "random",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a plug-in asks for and an administrator grants: a capability, or a higher limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Right {
    /// To use a capability.
    Capability(Capability),
    /// To use more of something in a call.
    Limit(Limit),
}

impl Right {
    /// All that there are.
    pub fn all() -> impl Iterator<Item = Self> {
        Capability::ALL
            .map(Self::Capability)
            .into_iter()
            .chain(Limit::ALL.map(Self::Limit))
    }

    /// Its name, as plug-ins and administrators write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Capability(capability) => capability.name(),
            Self::Limit(limit) => limit.name(),
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text names nothing that can be granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is nothing that can be granted; there are files, clock, random, and the limits memory, validate-time, batch-time"
)]
pub struct UnknownRight(String);

impl FromStr for Right {
    type Err = UnknownRight;
    fn from_str(text: &str) -> Result<Self, UnknownRight> {
        Self::all()
            .find(|right| right.name() == text)
            .ok_or_else(|| UnknownRight(text.chars().take(100).collect()))
    }
}

impl TryFrom<String> for Right {
    type Error = UnknownRight;
    fn try_from(text: String) -> Result<Self, UnknownRight> {
        text.parse()
    }
}

impl From<Right> for String {
    fn from(right: Right) -> Self {
        right.name().to_owned()
    }
}

/// Something that a plug-in asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What.
    pub right: Right,
    /// For a limit: MiB or milliseconds.
    pub value: Option<u32>,
    /// Why, in the vendor's words.
    pub reason: String,
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.right, self.value) {
            (Right::Limit(limit), Some(value)) => write!(f, "{limit}={value} ({})", limit.unit()),
            (right, _) => right.fmt(f),
        }
    }
}

impl Description {
    /// All that the plug-in asks for. A capability of another name than we know is not among it.
    pub fn asks(&self) -> Vec<Ask> {
        let capabilities = self.capabilities.iter().filter_map(|request| {
            let capability = Capability::ALL
                .into_iter()
                .find(|capability| capability.name() == request.name)?;
            Some(Ask {
                right: Right::Capability(capability),
                value: None,
                reason: request.reason.clone(),
            })
        });
        let limits = self.limits.iter().map(|request| Ask {
            right: Right::Limit(request.limit),
            value: Some(request.value),
            reason: request.reason.clone(),
        });
        capabilities.chain(limits).collect()
    }
}

/// What an administrator said to an ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// Yes. For a limit: so much, in MiB or milliseconds; without a number, as much as is asked for.
    Granted(Option<u32>),
    /// No.
    Denied,
}

/// What was said to each ask, for one plug-in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Words(pub BTreeMap<Right, Word>);

/// What was said cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWord {
    /// It is about nothing that there is.
    #[error(transparent)]
    Unknown(#[from] UnknownRight),
    /// The number is none.
    #[error("{0:?} grants no number; write such as memory=128 (MiB) or batch-time=5000 (ms)")]
    Number(String),
    /// It was said twice.
    #[error("{0} is named twice")]
    Twice(Right),
}

impl Words {
    /// Reads words as administrators write them: `files` and `memory=128` for what is granted,
    /// `random` for what is denied.
    pub fn read<'a>(
        granted: impl IntoIterator<Item = &'a str>,
        denied: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidWord> {
        let granted = granted.into_iter().map(|text| {
            let Some((name, number)) = text.split_once('=') else {
                return Ok((text.parse()?, Word::Granted(None)));
            };
            let number = number
                .parse()
                .map_err(|_| InvalidWord::Number(text.chars().take(100).collect()))?;
            Ok((name.parse()?, Word::Granted(Some(number))))
        });
        let denied = denied
            .into_iter()
            .map(|text| Ok((text.parse()?, Word::Denied)));
        let mut words = Self::default();
        for said in granted.chain(denied) {
            let (right, word) = said.map_err(|error: InvalidWord| error)?;
            if words.0.insert(right, word).is_some() {
                return Err(InvalidWord::Twice(right));
            }
        }
        Ok(words)
    }

    /// What another revision of the plug-in may take from what was said to this one: a denial stays
    /// one, a capability stays granted, and a limit that was granted goes as far as it went.
    /// What it never asked for is not taken along.
    #[must_use]
    pub fn carried_to(&self, asks: &[Ask]) -> Self {
        Self(
            asks.iter()
                .filter_map(|ask| Some((ask.right, *self.0.get(&ask.right)?)))
                .collect(),
        )
    }

    /// The words with those that were said later put over them.
    #[must_use]
    pub fn with(&self, later: &Self) -> Self {
        let mut words = self.clone();
        words
            .0
            .extend(later.0.iter().map(|(right, word)| (*right, *word)));
        words
    }

    /// Granted limits without a number get the number that was asked for, so that the next revision
    /// cannot raise it by asking for more.
    #[must_use]
    pub fn settled(mut self, asks: &[Ask]) -> Self {
        for ask in asks {
            if let Some(word @ Word::Granted(None)) = self.0.get_mut(&ask.right) {
                *word = Word::Granted(ask.value);
            }
        }
        self
    }

    /// The asks that still wait for a word: nothing was said, or a limit was granted less far than
    /// is asked for now.
    pub fn open<'a>(&self, asks: &'a [Ask]) -> Vec<&'a Ask> {
        asks.iter()
            .filter(|ask| match self.0.get(&ask.right) {
                None => true,
                Some(Word::Granted(Some(value))) => ask.value.is_some_and(|asked| asked > *value),
                Some(_) => false,
            })
            .collect()
    }

    /// What is granted here and not there, or not so far.
    pub fn beyond(&self, there: &Self) -> Vec<Right> {
        let goes_beyond = |(right, word): &(&Right, &Word)| match (word, there.0.get(right)) {
            (Word::Denied, _) => false,
            (Word::Granted(here), Some(Word::Granted(there))) => here > there,
            (Word::Granted(_), _) => true,
        };
        let beyond = self.0.iter().filter(goes_beyond);
        beyond.map(|(right, _)| *right).collect()
    }

    /// What follows from the words: what the plug-in may do.
    pub fn grants(&self) -> Grants {
        let mut grants = Grants::default();
        for (right, word) in &self.0 {
            match (right, word) {
                (Right::Capability(capability), Word::Granted(_)) => {
                    grants.capabilities.insert(*capability);
                }
                (Right::Limit(limit), Word::Granted(Some(value))) => {
                    grants.limits.insert(*limit, *value);
                }
                _ => {}
            }
        }
        grants
    }
}

/// What a plug-in may do beyond computing. By default: nothing, within the server's own limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// The capabilities that it may use.
    pub capabilities: BTreeSet<Capability>,
    /// Limits of its own, in MiB or milliseconds.
    pub limits: BTreeMap<Limit, u32>,
}

impl Grants {
    /// Whether a capability is among them.
    pub fn has(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: Right = Right::Capability(Capability::Files);
    const CLOCK: Right = Right::Capability(Capability::Clock);
    const MEMORY: Right = Right::Limit(Limit::Memory);

    fn ask(right: Right, value: Option<u32>) -> Ask {
        Ask {
            right,
            value,
            reason: "needed".into(),
        }
    }

    fn words(said: &[(Right, Word)]) -> Words {
        Words(said.iter().copied().collect())
    }

    #[test]
    fn rights_are_read_by_their_names() {
        for right in Right::all() {
            assert_eq!(right.name().parse(), Ok(right));
        }
        assert!("network".parse::<Right>().is_err());
        assert_eq!(
            serde_json::to_value(words(&[(FILES, Word::Denied)])).unwrap(),
            serde_json::json!({"files": "denied"})
        );
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        let read = |granted: &[&str], denied: &[&str]| {
            Words::read(granted.iter().copied(), denied.iter().copied())
        };
        assert_eq!(
            read(&["files", "memory=128"], &["clock"]).unwrap(),
            words(&[
                (FILES, Word::Granted(None)),
                (MEMORY, Word::Granted(Some(128))),
                (CLOCK, Word::Denied),
            ])
        );
        assert_eq!(read(&["files"], &["files"]), Err(InvalidWord::Twice(FILES)));
        for bad in ["network", "memory=much", "memory=-1", "memory=", "=1", ""] {
            assert!(read(&[bad], &[]).is_err(), "{bad}");
        }
        assert!(read(&[], &["memory=1"]).is_err());
    }

    #[test]
    fn a_grant_goes_beyond_another_one_that_is_smaller_or_not_there() {
        let here = words(&[
            (FILES, Word::Granted(None)),
            (CLOCK, Word::Denied),
            (MEMORY, Word::Granted(Some(128))),
        ]);
        let beyond = |there: &[(Right, Word)]| here.beyond(&words(there));
        assert_eq!(beyond(&[]), [FILES, MEMORY]);
        assert_eq!(
            beyond(&[(FILES, Word::Denied), (MEMORY, Word::Granted(Some(127))),]),
            [FILES, MEMORY]
        );
        assert!(
            beyond(&[
                (FILES, Word::Granted(None)),
                (MEMORY, Word::Granted(Some(128)))
            ])
            .is_empty()
        );
    }

    #[test]
    fn a_revision_that_asks_for_more_waits_for_a_word() {
        let first = [ask(FILES, None), ask(MEMORY, Some(128))];
        let said =
            words(&[(FILES, Word::Granted(None)), (MEMORY, Word::Granted(None))]).settled(&first);
        assert!(said.open(&first).is_empty());
        // The same, or less: nobody is asked again.
        assert!(said.carried_to(&first[1..]).open(&first[1..]).is_empty());
        assert_eq!(said.carried_to(&first[1..]).0.len(), 1);
        // More of one, and one more.
        let more = [ask(FILES, None), ask(MEMORY, Some(129)), ask(CLOCK, None)];
        let carried = said.carried_to(&more);
        assert_eq!(carried.open(&more), [&more[1], &more[2]]);
        let later = words(&[(MEMORY, Word::Denied), (CLOCK, Word::Granted(None))]);
        let all = carried.with(&later).settled(&more);
        assert!(all.open(&more).is_empty());
        let grants = all.grants();
        assert!(grants.has(Capability::Files) && grants.has(Capability::Clock));
        assert!(!grants.has(Capability::Random));
        assert_eq!(grants.limits, BTreeMap::new());
        // What was denied is not asked for again, however much of it is asked for.
        let still_more = [ask(MEMORY, Some(1000))];
        assert!(all.carried_to(&still_more).open(&still_more).is_empty());
    }
}
