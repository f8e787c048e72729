//! Secrets on their way to a device, readable by nobody between.
//!
//! The agent makes a key for each question ([`Recipient`]) and throws it away with the answer; so
//! does the server. X25519 agrees on a secret that is used once: HKDF-SHA256 makes a key of it, and
//! ChaCha20-Poly1305 seals the values. The link says who asks, and the server's signature
//! ([`crate::order::Envelope`]) says who answers.

use crate::order::Sealed;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster_domain::secret::SecretAbsence;
use muster_domain::{DeviceId, RunId};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::SystemRandom;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// Says what the key is for, so that none that is made otherwise is taken for it.
const PURPOSE: &[u8] = b"muster secrets to a device, 1";

/// Values of secrets by name. They are wiped when they are done with, and not shown.
#[derive(Clone, Default)]
pub struct Values(BTreeMap<String, Zeroizing<String>>);

/// What the server says of the secrets of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DeviceSecrets {
    /// The device that is meant.
    pub device: DeviceId,
    /// The run, by the number that the device asked for.
    pub run: RunId,
    /// The key that the device asked with.
    pub to: String,
    /// The answer.
    pub answer: Answer,
}

/// The secrets, or which of them cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// All of them.
    Given {
        /// The server's key for this answer, base64.
        key: String,
        /// The values, sealed, base64.
        values: String,
    },
    /// One is missing, and so nothing is given.
    Unavailable {
        /// Its name.
        secret: String,
        /// Why.
        reason: SecretAbsence,
    },
}

impl Sealed for DeviceSecrets {
    const KIND: &'static str = "secrets";
}

/// Why secrets were not sealed or not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A key is none.
    #[error("the other side's key is no X25519 key")]
    Key,
    /// There are no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// They were sealed to another, for another delivery, or changed on the way.
    #[error("the secrets were not sealed to this device for this delivery")]
    Sealed,
}

/// Who waits for an answer: the half of a key that never leaves the memory of the agent.
pub struct Recipient {
    own: EphemeralPrivateKey,
    key: String,
}

impl Recipient {
    /// Makes a key for one question.
    pub fn new() -> Result<Self, SealError> {
        let (own, key) = ephemeral()?;
        Ok(Self { own, key })
    }

    /// The half that the server gets, base64.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Opens the answer, which can be done once.
    pub fn open(
        self,
        (device, run): (DeviceId, RunId),
        (key, values): (&str, &str),
    ) -> Result<Values, SealError> {
        let context = context((device, run), &self.key, key);
        let opening = agreed(self.own, key, &context)?;
        let sealed = STANDARD.decode(values).map_err(|_| SealError::Sealed)?;
        let mut sealed = Zeroizing::new(sealed);
        let opened = opening
            .open_in_place(once(), Aad::from(&context), &mut sealed)
            .map_err(|_| SealError::Sealed)?;
        let values: BTreeMap<String, String> =
            serde_json::from_slice(opened).map_err(|_| SealError::Sealed)?;
        let values = values.into_iter();
        Ok(Values(
            values.map(|(name, value)| (name, value.into())).collect(),
        ))
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.key)
    }
}

/// Seals values for who asked with a key.
pub fn seal(
    values: &Values,
    (device, run): (DeviceId, RunId),
    to: &str,
) -> Result<Answer, SealError> {
    let (own, key) = ephemeral()?;
    let context = context((device, run), to, &key);
    let sealing = agreed(own, to, &context)?;
    // Of the largest size that it can have from the beginning: what grows leaves copies behind.
    let most: usize = values
        .0
        .iter()
        .map(|(n, v)| 6 * (n.len() + v.len()) + 8)
        .sum();
    let mut text = Zeroizing::new(Vec::with_capacity(most + 2 + CHACHA20_POLY1305.tag_len()));
    let plain: BTreeMap<&str, &str> = values.iter().collect();
    serde_json::to_writer(&mut *text, &plain).map_err(|_| SealError::Sealed)?;
    sealing
        .seal_in_place_append_tag(once(), Aad::from(&context), &mut *text)
        .map_err(|_| SealError::Sealed)?;
    let values = STANDARD.encode(&*text);
    Ok(Answer::Given { key, values })
}

fn ephemeral() -> Result<(EphemeralPrivateKey, String), SealError> {
    let random = SystemRandom::new();
    let own = EphemeralPrivateKey::generate(&X25519, &random).map_err(|_| SealError::Random)?;
    let public = own.compute_public_key().map_err(|_| SealError::Random)?;
    let key = STANDARD.encode(public.as_ref());
    Ok((own, key))
}

/// The key that both sides come to.
fn agreed(own: EphemeralPrivateKey, other: &str, context: &[u8]) -> Result<LessSafeKey, SealError> {
    let other = STANDARD.decode(other).map_err(|_| SealError::Key)?;
    let other = UnparsedPublicKey::new(&X25519, other);
    agree_ephemeral(own, &other, |shared| {
        let pseudo_random = Salt::new(HKDF_SHA256, PURPOSE).extract(shared);
        let info = [context];
        let key = pseudo_random.expand(&info, &CHACHA20_POLY1305);
        key.map(|key| LessSafeKey::new(UnboundKey::from(key)))
    })
    .map_err(|_| SealError::Key)?
    .map_err(|_| SealError::Key)
}

/// The key is made for one message, so one nonce is enough.
fn once() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

/// What an answer is bound to.
fn context((device, run): (DeviceId, RunId), asked: &str, answered: &str) -> Vec<u8> {
    format!("{device}\n{run}\n{asked}\n{answered}").into_bytes()
}

impl Values {
    /// Adds one.
    pub fn insert(&mut self, name: String, value: Zeroizing<String>) {
        self.0.insert(name, value);
    }

    /// The value of a secret.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.as_str())
    }

    /// All of them, with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF: (DeviceId, RunId) = (DeviceId(7), RunId(2));

    fn values() -> Values {
        let mut values = Values::default();
        values.insert("proxy".into(), Zeroizing::new("hunter2 \u{1}\"ü".into()));
        values.insert("key".into(), Zeroizing::new("x".repeat(70_000)));
        values
    }

    fn sealed(recipient: &Recipient) -> (String, String) {
        match seal(&values(), OF, recipient.key()).unwrap() {
            Answer::Given { key, values } => (key, values),
            other @ Answer::Unavailable { .. } => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_asked_opens_what_was_sealed() {
        let recipient = Recipient::new().unwrap();
        let (key, sealed) = sealed(&recipient);
        let opened = recipient.open(OF, (&key, &sealed)).unwrap();
        assert!(opened.iter().eq(values().iter()));
        assert!(!format!("{opened:?}").contains("hunter2"));
    }

    #[test]
    fn nobody_else_opens_it() {
        let (asked, other) = (Recipient::new().unwrap(), Recipient::new().unwrap());
        let (key, sealed) = sealed(&asked);
        let error = |opened: Result<Values, SealError>| opened.unwrap_err();
        assert_eq!(error(other.open(OF, (&key, &sealed))), SealError::Sealed);
        assert_eq!(
            error(asked.open((DeviceId(8), OF.1), (&key, &sealed))),
            SealError::Sealed
        );
    }

    #[test]
    fn each_answer_is_sealed_anew_and_a_change_is_noticed() {
        let recipient = Recipient::new().unwrap();
        assert_ne!(sealed(&recipient), sealed(&recipient));
        let (key, text) = sealed(&recipient);
        let mut bytes = STANDARD.decode(&text).unwrap();
        bytes[3] ^= 1;
        let changed = STANDARD.encode(bytes);
        assert_eq!(
            recipient.open(OF, (&key, &changed)).unwrap_err(),
            SealError::Sealed
        );
        for key in [
            "",
            "x",
            &STANDARD.encode([0; 31]),
            &STANDARD.encode([0; 32]),
        ] {
            assert_eq!(
                seal(&values(), OF, key).unwrap_err(),
                SealError::Key,
                "{key}"
            );
        }
    }
}
