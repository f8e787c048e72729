//! Making keys and signatures, for who signs releases. The server is built without this.

use minisign::{KeyPair, PublicKey, SecretKeyBox};
use std::io::Cursor;
use zeroize::Zeroizing;

/// Why no key or signature was made.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key could not be made.
    #[error("cannot make a key: {0}")]
    Generate(String),
    /// The secret key is no secret key, or is locked with another password.
    #[error("cannot open the secret key: {0}")]
    Open(String),
    /// The key is locked, and no password was given.
    #[error("the secret key is locked with a password, and none was given")]
    Locked,
    /// Nothing was signed.
    #[error("cannot sign: {0}")]
    Sign(String),
}

/// The two files of a key.
pub struct KeyFiles {
    /// What may be known to everybody: `.pub`.
    pub public: String,
    /// What only its owner may have.
    pub secret: Zeroizing<String>,
}

/// Makes a key. With a password the secret file is locked by it; without one it must be kept as
/// what it opens is kept.
pub fn generate(password: Option<&str>) -> Result<KeyFiles, SignError> {
    let failed = |error: minisign::PError| SignError::Generate(error.to_string());
    let pair = match password {
        Some(password) => KeyPair::generate_encrypted_keypair(Some(password.to_owned())),
        None => KeyPair::generate_unencrypted_keypair(),
    }
    .map_err(failed)?;
    Ok(KeyFiles {
        public: pair.pk.to_box().map_err(failed)?.into_string(),
        secret: pair.sk.to_box(None).map_err(failed)?.into_string().into(),
    })
}

/// Whether a secret key's file needs a password.
pub fn is_locked(secret: &str) -> Result<bool, SignError> {
    let key = SecretKeyBox::from_string(secret).and_then(SecretKeyBox::into_unencrypted_secret_key);
    match key {
        Ok(_) => Ok(false),
        Err(_) if SecretKeyBox::from_string(secret).is_ok() => Ok(true),
        Err(error) => Err(SignError::Open(error.to_string())),
    }
}

/// Signs bytes with a secret key's file. The comment is signed with them.
pub fn sign(
    secret: &str,
    password: Option<&str>,
    bytes: &[u8],
    comment: &str,
) -> Result<Vec<u8>, SignError> {
    let opened = |error: minisign::PError| SignError::Open(error.to_string());
    let locked = is_locked(secret)?;
    let file = SecretKeyBox::from_string(secret).map_err(opened)?;
    let key = match (locked, password) {
        (false, _) => file.into_unencrypted_secret_key(),
        (true, Some(password)) => file.into_secret_key(Some(password.to_owned())),
        (true, None) => return Err(SignError::Locked),
    }
    .map_err(opened)?;
    let public = PublicKey::from_secret_key(&key).map_err(opened)?;
    let comment = comment.replace(['\n', '\r'], " ");
    let signature = minisign::sign(
        Some(&public),
        &key,
        Cursor::new(bytes),
        Some(&comment),
        Some("signature of a Muster statement"),
    )
    .map_err(|error| SignError::Sign(error.to_string()))?;
    Ok(signature.into_string().into_bytes())
}
