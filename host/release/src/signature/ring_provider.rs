//! Sigstore's cryptography by ring, the one cryptographic library that is in our programs.
//!
//! ring verifies a message and not a digest that somebody made of it, whereas the library asks for
//! the latter once: for the artifact. So the artifact is held here while it is verified, and a
//! digest is taken only if it is the held artifact's own. The two say the same.

use ring::digest;
use ring::signature::{self as algorithm, UnparsedPublicKey, VerificationAlgorithm};
use sigstore_verify::crypto::provider::{CryptoProvider, HashContext};
use sigstore_verify::crypto::{Error, SigningScheme, install_default_provider};
use sigstore_verify::types::HashAlgorithm;
use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    static ARTIFACT: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Runs a verification of `artifact` on this thread.
pub(super) fn verifying<T>(artifact: &[u8], verify: impl FnOnce() -> T) -> T {
    struct Held;
    impl Drop for Held {
        fn drop(&mut self) {
            ARTIFACT.set(None);
        }
    }
    install();
    ARTIFACT.set(Some(artifact.to_vec()));
    let _held = Held;
    verify()
}

/// Makes ring the provider of this process. Whoever comes second finds it there.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = install_default_provider(&RingProvider);
    });
}

#[derive(Debug)]
struct RingProvider;

struct Hashing(digest::Context);

impl HashContext for Hashing {
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finalize(self: Box<Self>) -> Vec<u8> {
        self.0.finish().as_ref().to_vec()
    }
}

fn hashing(algorithm: HashAlgorithm) -> Result<&'static digest::Algorithm, Error> {
    match algorithm {
        HashAlgorithm::Sha2256 => Ok(&digest::SHA256),
        HashAlgorithm::Sha2384 => Ok(&digest::SHA384),
        HashAlgorithm::Sha2512 => Ok(&digest::SHA512),
        other => Err(Error::UnsupportedAlgorithm(other.to_string())),
    }
}

fn verifying_with(scheme: SigningScheme) -> Result<&'static dyn VerificationAlgorithm, Error> {
    Ok(match scheme {
        SigningScheme::EcdsaP256Sha256 => &algorithm::ECDSA_P256_SHA256_ASN1,
        SigningScheme::EcdsaP256Sha384 => &algorithm::ECDSA_P256_SHA384_ASN1,
        SigningScheme::EcdsaP384Sha256 => &algorithm::ECDSA_P384_SHA256_ASN1,
        SigningScheme::EcdsaP384Sha384 => &algorithm::ECDSA_P384_SHA384_ASN1,
        SigningScheme::Ed25519 => &algorithm::ED25519,
        SigningScheme::RsaPssSha256 => &algorithm::RSA_PSS_2048_8192_SHA256,
        SigningScheme::RsaPssSha384 => &algorithm::RSA_PSS_2048_8192_SHA384,
        SigningScheme::RsaPssSha512 => &algorithm::RSA_PSS_2048_8192_SHA512,
        SigningScheme::RsaPkcs1Sha256 => &algorithm::RSA_PKCS1_2048_8192_SHA256,
        SigningScheme::RsaPkcs1Sha384 => &algorithm::RSA_PKCS1_2048_8192_SHA384,
        SigningScheme::RsaPkcs1Sha512 => &algorithm::RSA_PKCS1_2048_8192_SHA512,
        other => return Err(Error::UnsupportedAlgorithm(other.name().to_owned())),
    })
}

impl CryptoProvider for RingProvider {
    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn HashContext>, Error> {
        Ok(Box::new(Hashing(digest::Context::new(hashing(algorithm)?))))
    }

    fn verify_raw(
        &self,
        scheme: SigningScheme,
        key: &[u8],
        data: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        UnparsedPublicKey::new(verifying_with(scheme)?, key)
            .verify(data, signature)
            .map_err(|_| Error::Verification(format!("{} does not match", scheme.name())))
    }

    fn verify_prehashed(
        &self,
        scheme: SigningScheme,
        key: &[u8],
        of_artifact: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        let unsupported = || Error::UnsupportedAlgorithm(scheme.name().to_owned());
        let hash = hashing(scheme.hash_algorithm().ok_or_else(unsupported)?)?;
        ARTIFACT.with_borrow(|artifact| match artifact {
            Some(artifact) if digest::digest(hash, artifact).as_ref() == of_artifact => {
                self.verify_raw(scheme, key, artifact, signature)
            }
            _ => Err(Error::Verification(
                "the digest is not that of what is verified".to_owned(),
            )),
        })
    }
}
