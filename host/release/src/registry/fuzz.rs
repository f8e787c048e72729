//! Doors for fuzzing: what a registry answers, as [`super::pull`] and [`super::session`] read it.

use super::artifact::{self, Manifest};
use super::auth::Challenge;
use super::session;

/// A manifest, written again as it was understood.
pub fn manifest(bytes: &[u8]) -> Option<Vec<u8>> {
    let manifest: Manifest = serde_json::from_slice(bytes).ok()?;
    for layer in &manifest.layers {
        let _ = artifact::signature_kind(&layer.media_type);
    }
    serde_json::to_vec(&manifest).ok()
}

/// Where a registry sends those who want a token, and for which service, if this header says so.
pub fn challenge(header: &str) -> Option<(String, Option<String>)> {
    match Challenge::first([header])? {
        Challenge::Basic => None,
        Challenge::Bearer { realm, service } => Some((realm, service)),
    }
}

/// What is sent with each request, if this is the answer of a token service.
pub fn token(bytes: &[u8]) -> Option<String> {
    session::bearer(bytes)
}

/// What people hear of a refusal.
pub fn refusal(bytes: &[u8]) -> Option<String> {
    session::said(bytes)
}
