//! Signatures over a statement or a revocation list: two kinds, both detached, both checked
//! without a network.
//!
//! What is checked here is only that a signature is one over these very bytes. Whether its maker
//! is to be trusted, for what and until when, is the work of [`crate::trust`].

pub mod minisign;
mod ring_provider;
pub mod sigstore;

#[cfg(feature = "sign")]
pub mod sign;

pub use crate::bundle::{SignatureFile, SignatureKind};

pub(crate) use crate::bundle::SIGNATURE_MOST;
