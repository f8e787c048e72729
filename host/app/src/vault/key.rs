//! The key of the vault, and what is sealed with it.
//!
//! AES-256-GCM. Each value has a nonce of its own, and is bound to the name and the version of its
//! secret, so that a row cannot stand in for another one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster_domain::secret::SecretName;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use std::fmt;
use zeroize::Zeroizing;

/// How a key's text begins, so that it is known where it should not be.
const PREFIX: &str = "muster-vault-";

/// The key of the vault.
pub struct VaultKey(LessSafeKey);

/// Why something was not sealed or not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// A text is no key.
    #[error("it is no key of a vault: {PREFIX} and 43 characters, on one line")]
    NoKey,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// Sealed with another key, or changed since.
    #[error("it was sealed with another key, or changed since")]
    Sealed,
}

impl VaultKey {
    /// Makes a key; the text is what is kept.
    pub fn generate() -> Result<Zeroizing<String>, VaultError> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        SystemRandom::new()
            .fill(bytes.as_mut_slice())
            .map_err(|_| VaultError::Random)?;
        let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()));
        Ok(Zeroizing::new(format!("{PREFIX}{}\n", *encoded)))
    }

    /// Takes a key that was kept.
    pub fn parse(text: &[u8]) -> Result<Self, VaultError> {
        let encoded = text.trim_ascii().strip_prefix(PREFIX.as_bytes());
        let encoded = encoded.ok_or(VaultError::NoKey)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| VaultError::NoKey)?;
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| VaultError::NoKey)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals the value of a secret.
    pub(super) fn seal(&self, of: Of<'_>, value: &str) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_| VaultError::Random)?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + value.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(value.as_bytes());
        let (_, text) = sealed.split_at_mut(NONCE_LEN);
        let tag = self.0.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(of.bound()),
            text,
        );
        sealed.extend_from_slice(tag.map_err(|_| VaultError::Sealed)?.as_ref());
        Ok(sealed)
    }

    /// Opens the value of a secret.
    pub(super) fn open(&self, of: Of<'_>, sealed: &[u8]) -> Result<Zeroizing<String>, VaultError> {
        let (nonce, text) = sealed.split_first_chunk().ok_or(VaultError::Sealed)?;
        let mut text = Zeroizing::new(text.to_vec());
        let opened = self.0.open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(of.bound()),
            &mut text,
        );
        let opened = opened.map_err(|_| VaultError::Sealed)?;
        let value = std::str::from_utf8(opened).map_err(|_| VaultError::Sealed)?;
        Ok(Zeroizing::new(value.to_owned()))
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultKey")
    }
}

/// What a sealed value is bound to.
#[derive(Clone, Copy)]
pub(super) enum Of<'n> {
    /// A version of a secret.
    Secret(&'n SecretName, u32),
    /// Nothing but the key.
    Check,
}

impl Of<'_> {
    fn bound(self) -> Vec<u8> {
        match self {
            Self::Secret(name, version) => format!("secret\n{version}\n{name}"),
            Self::Check => "check".to_owned(),
        }
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> VaultKey {
        VaultKey::parse(VaultKey::generate().unwrap().as_bytes()).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_in_its_place_alone() {
        let (key, other) = (key(), key());
        let (name, another) = ("proxy".parse().unwrap(), "pr".parse().unwrap());
        let of = Of::Secret(&name, 1);
        let sealed = key.seal(of, "hunter2").unwrap();
        assert_ne!(sealed, key.seal(of, "hunter2").unwrap());
        assert_eq!(key.open(of, &sealed).unwrap().as_str(), "hunter2");
        let fails = |key: &VaultKey, of, sealed: &[u8]| key.open(of, sealed).is_err();
        assert!(fails(&other, of, &sealed));
        assert!(fails(&key, Of::Secret(&name, 2), &sealed));
        assert!(fails(&key, Of::Secret(&another, 1), &sealed));
        assert!(fails(&key, Of::Check, &sealed));
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(fails(&key, of, &changed), "{place}");
            assert!(fails(&key, of, &sealed[..place]), "{place}");
        }
    }

    #[test]
    fn what_is_no_key_is_not_taken() {
        let text = VaultKey::generate().unwrap();
        for text in [
            "",
            "muster-vault-",
            "x",
            &text[..text.len() - 3],
            &text[1..],
        ] {
            assert!(
                matches!(VaultKey::parse(text.as_bytes()), Err(VaultError::NoKey)),
                "{text}"
            );
        }
        assert!(VaultKey::parse(format!(" {}", *text).as_bytes()).is_ok());
    }
}
