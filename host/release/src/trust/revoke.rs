//! What is revoked: by an administrator in the store, or by a signer's list. Asked at admission and,
//! as often as something changes, of what runs.

use super::{CLOCK_TOLERANCE, Credential, SignedBy, TrustRefusal, TrustStore, With};
use crate::bundle::SignatureFile;
use crate::revocation::RevocationList;
use jiff::Timestamp;
use muster_domain::id::SignerName;
use muster_domain::{ApplicationId, Digest};

/// A signer's newest revocation list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldList {
    /// Who signed it.
    pub signer: SignerName,
    /// Whether it holds for what everybody signs.
    pub authority: bool,
    /// What it says.
    pub list: RevocationList,
}

impl TrustStore {
    /// Whether what was admitted before has been revoked since: its component, or everybody who
    /// signed it. That a key or a statement has expired since is no reason to stop what runs.
    pub fn revoked(
        &self,
        digest: Digest,
        application: &ApplicationId,
        signers: &[SignedBy],
    ) -> Option<TrustRefusal> {
        if let Err(refusal) = self.refuse_revoked(digest, Some(application), signers) {
            return Some(refusal);
        }
        let mut first = None;
        for by in signers {
            match self.signer_revoked(by) {
                Some(refusal) => first = first.or(Some(refusal)),
                None => return None,
            }
        }
        first
    }

    fn signer_revoked(&self, by: &SignedBy) -> Option<TrustRefusal> {
        let known = self.credentials.iter().find(|credential| {
            credential.signer == by.signer
                && match (&credential.means, &by.with) {
                    (super::Means::Key(key), With::Key(fingerprint)) => {
                        key.fingerprint() == *fingerprint
                    }
                    (means, With::Identity(identity)) => means.is_identity(identity),
                    _ => false,
                }
        });
        let in_store = known.and_then(|credential| refuse_in_store(credential).err());
        in_store.or_else(|| self.refuse_listed(by).err())
    }

    /// Refuses a component that a list names: one of an authority, or one of its signer's or owner's.
    pub(super) fn refuse_revoked(
        &self,
        digest: Digest,
        application: Option<&ApplicationId>,
        signers: &[SignedBy],
    ) -> Result<(), TrustRefusal> {
        let owner = application.and_then(|application| self.owners.get(application));
        for held in &self.revocations {
            let concerns = held.authority
                || owner == Some(&held.signer)
                || signers.iter().any(|by| by.signer == held.signer);
            if let Some(reason) = held.list.digests.get(&digest).filter(|_| concerns) {
                return Err(TrustRefusal::ReleaseRevoked {
                    digest,
                    number: held.list.number,
                    list_by: held.signer.clone(),
                    reason: reason.clone(),
                });
            }
        }
        Ok(())
    }

    /// Refuses a credential that is revoked, expired or not yet in force.
    pub(super) fn refuse_ended(
        &self,
        credential: &Credential,
        by: &SignedBy,
        now: Timestamp,
    ) -> Result<(), TrustRefusal> {
        refuse_in_store(credential)?;
        self.refuse_listed(by)?;
        let (name, signer) = (credential.means.to_string(), credential.signer.clone());
        if credential.from > now {
            return Err(TrustRefusal::SignerNotYetValid {
                by: name,
                signer,
                from: credential.from,
            });
        }
        match credential.until {
            Some(until) if until <= now => Err(TrustRefusal::SignerExpired {
                by: name,
                signer,
                until,
                successor: credential.successor,
            }),
            _ => Ok(()),
        }
    }

    fn refuse_listed(&self, by: &SignedBy) -> Result<(), TrustRefusal> {
        for held in &self.revocations {
            if !held.authority && held.signer != by.signer {
                continue;
            }
            let reason = match &by.with {
                With::Key(key) => held.list.keys.get(key),
                With::Identity(identity) => held.list.identity(identity),
            };
            if let Some(reason) = reason {
                return Err(TrustRefusal::SignerListed {
                    by: by.to_string(),
                    signer: by.signer.clone(),
                    number: held.list.number,
                    list_by: held.signer.clone(),
                    reason: reason.clone(),
                });
            }
        }
        Ok(())
    }

    /// Whether a revocation list is one of a signer's in force, not dated ahead of now, and newer
    /// than the one of that signer that is held.
    pub fn verify_list(
        &self,
        bytes: &[u8],
        signatures: &[SignatureFile],
        now: Timestamp,
    ) -> Result<HeldList, TrustRefusal> {
        if signatures.is_empty() {
            return Err(TrustRefusal::SignatureMissing {
                digest: Digest::of(bytes),
            });
        }
        let signers = self.signers(bytes, signatures, now)?;
        let list = RevocationList::parse(bytes)
            .map_err(|error| TrustRefusal::ListUnreadable(error.to_string()))?;
        if list.issued > now + CLOCK_TOLERANCE {
            let issued = list.issued;
            return Err(TrustRefusal::ListAheadOfNow { issued });
        }
        let mut signers = signers.into_iter();
        let Some((credential, by)) = signers.next() else {
            return Err(TrustRefusal::ListUnreadable("nobody signed it".to_owned()));
        };
        let held = self
            .revocations
            .iter()
            .find(|held| held.signer == by.signer);
        if let Some(held) = held.filter(|held| held.list.number >= list.number) {
            return Err(TrustRefusal::ListNotNewer {
                signer: by.signer,
                number: list.number,
                held: held.list.number,
            });
        }
        Ok(HeldList {
            signer: by.signer,
            authority: credential.authority,
            list,
        })
    }
}

fn refuse_in_store(credential: &Credential) -> Result<(), TrustRefusal> {
    match &credential.revoked {
        None => Ok(()),
        Some(revoked) => Err(TrustRefusal::SignerRevoked {
            by: credential.means.to_string(),
            signer: credential.signer.clone(),
            at: revoked.at,
            reason: revoked.reason.clone(),
        }),
    }
}
