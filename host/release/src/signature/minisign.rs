//! Minisign: Ed25519 keys and signatures as text.
//!
//! Keys are known by the SHA-256 digest of their 32 bytes. The eight bytes that minisign calls a
//! key's id are chosen by its maker, so they find candidates here and identify nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster_domain::Digest;
use std::fmt;

/// Bytes of the longest key or signature that is read; comments are in it.
const MOST_BYTES: usize = 4 << 10;

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    base64: String,
    fingerprint: Digest,
    id: [u8; 8],
    key: minisign_verify::PublicKey,
}

/// Why something is no key or no signature, or is one by another key or over other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MinisignError {
    /// It has no bytes.
    #[error("it is empty")]
    Empty,
    /// It is not what minisign writes.
    #[error("{0}")]
    Malformed(&'static str),
    /// It is the older form that hashes nothing before it signs.
    #[error("it is of minisign's legacy form")]
    Legacy,
    /// It is not by this key.
    #[error("it was made with another key")]
    OtherKey,
    /// It is by a key of this id, and does not match the bytes.
    #[error("it does not match what it is said to sign")]
    Wrong,
}

impl PublicKey {
    /// Reads a public key: its one line of Base64, or the two lines of a `.pub` file.
    pub fn parse(text: &str) -> Result<Self, MinisignError> {
        let malformed = MinisignError::Malformed(
            "it is no minisign public key, which is a comment and one line of 56 characters, or \
             that line alone",
        );
        if text.trim().is_empty() {
            return Err(MinisignError::Empty);
        }
        if text.len() > MOST_BYTES {
            return Err(malformed);
        }
        let lines: Vec<&str> = text.trim().lines().map(str::trim).collect();
        let base64 = match lines.as_slice() {
            [line] => line,
            [comment, line] if comment.starts_with("untrusted comment:") => line,
            _ => return Err(malformed),
        };
        let key = minisign_verify::PublicKey::from_base64(base64).map_err(|_| malformed)?;
        // Algorithm, id and key: two, eight and 32 bytes.
        let bytes = STANDARD.decode(base64).map_err(|_| malformed)?;
        let (Some(id), Some(point)) = (bytes.get(2..10), bytes.get(10..42)) else {
            return Err(malformed);
        };
        Ok(Self {
            base64: (*base64).to_owned(),
            fingerprint: Digest::of(point),
            id: id.try_into().map_err(|_| malformed)?,
            key,
        })
    }

    /// The digest of the key itself: what it is known by.
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// The line that holds it.
    pub fn base64(&self) -> &str {
        &self.base64
    }

    /// The id as minisign shows it, for people.
    pub fn id(&self) -> String {
        key_id(self.id)
    }

    /// Whether a signature is by this key and over these bytes.
    pub fn verify(&self, bytes: &[u8], signature: &[u8]) -> Result<(), MinisignError> {
        use minisign_verify::Error;
        let signature = decode(signature)?;
        self.key
            .verify(bytes, &signature, false)
            .map_err(|error| match error {
                Error::UnexpectedKeyId => MinisignError::OtherKey,
                Error::UnexpectedAlgorithm => MinisignError::Legacy,
                _ => MinisignError::Wrong,
            })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.base64)
    }
}

/// Exactly the four lines of a signature. The decoder itself would pass over what follows them.
fn decode(signature: &[u8]) -> Result<minisign_verify::Signature, MinisignError> {
    let malformed = MinisignError::Malformed(
        "it is not the four lines of a minisign signature: comment, signature, trusted comment, \
         signature of both",
    );
    if signature.is_empty() {
        return Err(MinisignError::Empty);
    }
    if signature.len() > MOST_BYTES {
        return Err(malformed);
    }
    let text = str::from_utf8(signature).map_err(|_| malformed)?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    if text.split('\n').count() != 4 || !text.starts_with("untrusted comment: ") {
        return Err(malformed);
    }
    minisign_verify::Signature::decode(text).map_err(|_| malformed)
}

/// The id, as minisign shows it, of the key that a signature says it was made with.
pub(crate) fn signer_id(signature: &[u8]) -> Result<String, MinisignError> {
    decode(signature)?;
    let malformed = MinisignError::Malformed("its second line is no signature");
    let text = str::from_utf8(signature).map_err(|_| malformed)?;
    let line = text.lines().nth(1).ok_or(malformed)?;
    let bytes = STANDARD.decode(line).map_err(|_| malformed)?;
    let id = bytes.get(2..10).and_then(|id| id.try_into().ok());
    id.map(key_id).ok_or(malformed)
}

fn key_id(id: [u8; 8]) -> String {
    format!("{:016X}", u64::from_le_bytes(id))
}
