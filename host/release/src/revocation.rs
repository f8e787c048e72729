//! Revocation lists: what a signer takes back. A signed text of its own, numbered upwards.
//!
//! A later list replaces an earlier one of the same signer as a whole. The number alone says which
//! is later: a date could be set far ahead and would then keep out every list that follows, so one
//! that is ahead of now is refused.

use crate::signature::sigstore::Identity;
use crate::strict::{self, StrictError};
use jiff::Timestamp;
use muster_domain::Digest;
use muster_domain::text::is_steering;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The format that this version reads and writes.
pub const FORMAT: &str = "muster-revocations/1";

/// Bytes of the longest list that is read: about ten thousand entries.
pub const MOST_BYTES: usize = 1 << 20;

/// Bytes of the longest reason.
const MOST_REASON: usize = 500;

/// What a signer revokes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevocationList {
    /// Always [`FORMAT`].
    format: String,
    /// From 1 upwards; a list replaces those of lower numbers.
    pub number: u64,
    /// When it was issued.
    pub issued: Timestamp,
    /// Components by digest, with the reason.
    #[serde(deserialize_with = "strict::unique_map")]
    pub digests: BTreeMap<Digest, String>,
    /// Minisign keys by fingerprint, with the reason.
    #[serde(deserialize_with = "strict::unique_map")]
    pub keys: BTreeMap<Digest, String>,
    /// Identities, with the reason.
    pub identities: Vec<RevokedIdentity>,
}

/// A revoked identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedIdentity {
    /// Who vouched for it.
    pub issuer: String,
    /// Who it is.
    pub subject: String,
    /// Why it is revoked.
    pub reason: String,
}

/// Why bytes are no revocation list.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidList(String);

impl RevocationList {
    /// An empty list.
    pub fn new(number: u64, issued: Timestamp) -> Self {
        Self {
            format: FORMAT.to_owned(),
            number,
            issued,
            digests: BTreeMap::new(),
            keys: BTreeMap::new(),
            identities: Vec::new(),
        }
    }

    /// The list after this one, with the same entries: of the next number, or of a higher one that is
    /// given. A number that does not go up and a date that goes back are refused, as no server would
    /// take it.
    pub fn next(mut self, number: Option<u64>, now: Timestamp) -> Result<Self, InvalidList> {
        let held = self.number;
        self.number = number.unwrap_or_else(|| held.saturating_add(1));
        if self.number <= held {
            return Err(InvalidList(format!(
                "number {} is not above {held}, which the list has; lists are numbered upwards",
                self.number
            )));
        }
        if now < self.issued {
            return Err(InvalidList(format!(
                "the list was issued at {}, which is ahead of this machine's clock",
                self.issued
            )));
        }
        self.issued = now;
        Ok(self)
    }

    /// Revokes an identity, or gives another reason for it.
    pub fn identity_add(&mut self, revoked: RevokedIdentity) {
        self.identities
            .retain(|known| (&known.issuer, &known.subject) != (&revoked.issuer, &revoked.subject));
        self.identities.push(revoked);
    }

    /// How many entries it has.
    pub fn count(&self) -> usize {
        self.digests.len() + self.keys.len() + self.identities.len()
    }

    /// Reads a list, as strictly as a statement is read.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidList> {
        let list: Self = strict::read(bytes, FORMAT, MOST_BYTES)
            .map_err(|error: StrictError| InvalidList(error.to_string()))?;
        if list.number == 0 || list.number > i64::MAX.unsigned_abs() {
            return Err(InvalidList("at number: lists count from 1".to_owned()));
        }
        let reasons = list.digests.values().chain(list.keys.values());
        for reason in reasons.chain(list.identities.iter().map(|identity| &identity.reason)) {
            if reason.len() > MOST_REASON || reason.contains(is_steering) {
                return Err(InvalidList(format!(
                    "a reason is one line of at most {MOST_REASON} bytes"
                )));
            }
        }
        Ok(list)
    }

    /// The bytes to sign.
    pub fn to_bytes(&self) -> Result<Vec<u8>, InvalidList> {
        let mut bytes =
            serde_json::to_vec_pretty(self).map_err(|error| InvalidList(error.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Why an identity is revoked, if it is.
    pub(crate) fn identity(&self, identity: &Identity) -> Option<&String> {
        let same = |revoked: &&RevokedIdentity| {
            revoked.issuer == identity.issuer && revoked.subject == identity.subject
        };
        self.identities
            .iter()
            .find(same)
            .map(|revoked| &revoked.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan as _;

    #[test]
    fn a_list_goes_on_upwards_and_never_back() {
        let now = Timestamp::now();
        let mut list = RevocationList::new(3, now);
        list.digests.insert(Digest::of("a"), "wrong".to_owned());
        let next = list.clone().next(None, now).unwrap();
        assert_eq!((next.number, next.count()), (4, 1));
        assert_eq!(list.clone().next(Some(9), now).unwrap().number, 9);
        for number in [0, 1, 3] {
            assert!(list.clone().next(Some(number), now).is_err(), "{number}");
        }
        assert!(list.clone().next(None, now - 1.second()).is_err());
        assert!(RevocationList::new(u64::MAX, now).next(None, now).is_err());
    }

    #[test]
    fn an_identity_is_revoked_once() {
        let mut list = RevocationList::new(1, Timestamp::now());
        for reason in ["first", "second"] {
            list.identity_add(RevokedIdentity {
                issuer: "https://i.example".to_owned(),
                subject: "a@v.example".to_owned(),
                reason: reason.to_owned(),
            });
        }
        assert_eq!(list.count(), 1);
        assert_eq!(list.identities[0].reason, "second");
    }
}
