//! Enrollment: a token from an administrator, exchanged once for a certificate.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster_domain::device::Facts;
use muster_domain::{DeviceId, Digest};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

const PREFIX: &str = "muster-enroll-";

/// An enrollment token: a secret, and the digest of the server's CA certificate (DER), so that a
/// device knows the server before it trusts it.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrollmentToken {
    /// Digest of the CA certificate.
    pub ca: Digest,
    /// 32 random bytes.
    pub secret: [u8; 32],
}

impl EnrollmentToken {
    /// What the server keeps in place of the secret.
    pub fn secret_digest(&self) -> Digest {
        Digest::of(self.secret)
    }
}

impl fmt::Display for EnrollmentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.ca.as_bytes().as_slice(), &self.secret].concat();
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl fmt::Debug for EnrollmentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnrollmentToken(ca {})", self.ca.short())
    }
}

/// A text that is no enrollment token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no enrollment token: it begins with {PREFIX} and is copied whole, 100 characters")]
pub struct InvalidToken;

impl FromStr for EnrollmentToken {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(InvalidToken)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| InvalidToken)?;
        let bytes: [u8; 64] = bytes.try_into().map_err(|_| InvalidToken)?;
        let (ca, secret) = bytes.split_at(32);
        Ok(Self {
            ca: Digest::from_bytes(ca.try_into().map_err(|_| InvalidToken)?),
            secret: secret.try_into().map_err(|_| InvalidToken)?,
        })
    }
}

/// A device asks to be enrolled. Its private key never leaves it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnrollRequest {
    /// The whole token.
    pub token: String,
    /// Certificate signing request, PEM.
    pub csr: String,
    /// The device's name: its host name, unless its owner chose another.
    pub name: String,
    /// What it is.
    pub facts: Facts,
}

/// The server took it in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnrollResponse {
    /// Its number.
    pub device: DeviceId,
    /// Its certificate, PEM.
    pub certificate: String,
    /// The certificate of the server's CA, PEM.
    pub ca: String,
    /// The key that orders are signed with.
    pub order_key: crate::order::OrderPublicKey,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_what_it_writes() {
        let token = EnrollmentToken {
            ca: Digest::of(b"ca"),
            secret: [7; 32],
        };
        assert_eq!(token.to_string().len(), 100);
        assert_eq!(token.to_string().parse(), Ok(token));
        assert_eq!(
            "muster-enroll-AAAA".parse::<EnrollmentToken>(),
            Err(InvalidToken)
        );
    }
}
