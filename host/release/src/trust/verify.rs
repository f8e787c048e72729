//! What the trust store says of a release. A signature is looked at before anything is read from
//! what it signs.

use super::{CLOCK_TOLERANCE, Credential, Means, Policy, SignedBy, TrustRefusal, TrustStore, With};
use crate::bundle::{Bundle, SIGNATURES_MOST, SignatureFile, SignatureKind};
use crate::signature::minisign::{self, MinisignError};
use crate::signature::sigstore::{self, SigstoreError};
use crate::statement::{Statement, StatementError};
use jiff::Timestamp;
use muster_domain::{ApplicationId, Digest};
use serde::{Deserialize, Serialize};

/// A release, as far as trust goes.
#[derive(Debug, Clone, Copy)]
pub struct Release<'a> {
    /// The component's digest, counted from its bytes.
    pub digest: Digest,
    /// The statement, as it came.
    pub statement: Option<&'a [u8]>,
    /// The signatures over it.
    pub signatures: &'a [SignatureFile],
}

impl<'a> Release<'a> {
    /// What a bundle brings.
    pub fn of(bundle: &'a Bundle) -> Self {
        Self {
            digest: bundle.digest(),
            statement: bundle.statement.as_deref(),
            signatures: &bundle.signatures,
        }
    }
}

/// A release that the trust store admits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The component.
    pub digest: Digest,
    /// On what ground.
    pub admission: Admission,
    /// Who signed. Empty if nobody did.
    pub signers: Vec<SignedBy>,
    /// What they signed.
    pub statement: Option<Statement>,
}

/// On what ground a release was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Admission {
    /// Somebody who is trusted signed it.
    Signed,
    /// Nobody signed it, and an administrator named its digest.
    Pinned,
    /// Nobody signed it, and the policy is `dev`. Shown wherever the plug-in is.
    Unsigned,
}

impl TrustStore {
    /// Whether a release is to be trusted.
    pub fn verify(&self, release: &Release<'_>, now: Timestamp) -> Result<Verified, TrustRefusal> {
        let digest = release.digest;
        self.refuse_revoked(digest, None, &[])?;
        let bytes = match (release.statement, release.signatures) {
            (None, []) => return self.unsigned(digest),
            (None, _) => return Err(TrustRefusal::StatementMissing { digest }),
            (Some(_), []) => return Err(TrustRefusal::SignatureMissing { digest }),
            (Some([]), _) => return Err(StatementError::Empty.into()),
            (Some(bytes), _) => bytes,
        };
        let signers = self.signers(bytes, release.signatures, now)?;
        let statement = Statement::parse(bytes)?;
        let signers = entitled(signers, &statement.application)?;
        if statement.digest != digest {
            let stated = statement.digest;
            return Err(TrustRefusal::OtherComponent { stated, digest });
        }
        if statement.created > now + CLOCK_TOLERANCE {
            let created = statement.created;
            return Err(TrustRefusal::StatementNotYetValid { created });
        }
        if statement.expires <= now {
            let expires = statement.expires;
            return Err(TrustRefusal::StatementExpired { expires });
        }
        self.refuse_revoked(digest, Some(&statement.application), &signers)?;
        self.refuse_other_owner(&statement.application, &signers)?;
        Ok(Verified {
            digest,
            admission: Admission::Signed,
            signers,
            statement: Some(statement),
        })
    }

    /// Refuses a release of an application that belongs to somebody who did not sign it: under every
    /// policy, and also one that nobody signed.
    pub fn refuse_other_owner(
        &self,
        application: &ApplicationId,
        signers: &[SignedBy],
    ) -> Result<(), TrustRefusal> {
        match self.owners.get(application) {
            Some(owner) if !signers.iter().any(|by| by.signer == *owner) => {
                let (application, owner) = (application.clone(), owner.clone());
                Err(match signers.first() {
                    Some(by) => TrustRefusal::ApplicationOwned {
                        application,
                        owner,
                        signer: by.signer.to_string(),
                    },
                    None => TrustRefusal::OwnedUnsigned { application, owner },
                })
            }
            _ => Ok(()),
        }
    }

    fn unsigned(&self, digest: Digest) -> Result<Verified, TrustRefusal> {
        let pinned = self.pinned.contains(&digest);
        let admission = match self.policy {
            Policy::Required => return Err(TrustRefusal::Unsigned { digest }),
            Policy::Pinned if !pinned => return Err(TrustRefusal::NotPinned { digest }),
            Policy::Pinned => Admission::Pinned,
            Policy::Dev => Admission::Unsigned,
        };
        Ok(Verified {
            digest,
            admission,
            signers: Vec::new(),
            statement: None,
        })
    }

    /// Who signed these bytes, each with a credential in force. A signature that cannot be read or
    /// is wrong refuses all; one by somebody who is unknown or no longer trusted does only if there
    /// is no other, so that a release may carry those of an old and of a new key.
    pub(super) fn signers(
        &self,
        bytes: &[u8],
        signatures: &[SignatureFile],
        now: Timestamp,
    ) -> Result<Vec<(&Credential, SignedBy)>, TrustRefusal> {
        let count = signatures.len();
        if count > SIGNATURES_MOST {
            let most = SIGNATURES_MOST;
            return Err(TrustRefusal::TooManySignatures { count, most });
        }
        let (mut signers, mut unknown, mut ended) = (Vec::new(), None, None);
        for (place, signature) in (1..).zip(signatures) {
            let found = match signature.kind {
                SignatureKind::Minisign => self.by_key(place, bytes, &signature.bytes),
                SignatureKind::Sigstore => self.by_identity(place, bytes, &signature.bytes),
            };
            match found {
                Ok(found) => match self.in_force(found, now) {
                    Ok(signer) => signers.push(signer),
                    Err(refusal) => ended = ended.or(Some(refusal)),
                },
                Err(refusal @ TrustRefusal::SignerUnknown { .. }) => {
                    unknown = unknown.or(Some(refusal));
                }
                Err(refusal) => return Err(refusal),
            }
        }
        match ended.or(unknown) {
            Some(refusal) if signers.is_empty() => Err(refusal),
            _ => Ok(signers),
        }
    }

    /// The first of these credentials that is in force, or why the first is not.
    fn in_force<'a>(
        &self,
        found: Vec<(&'a Credential, SignedBy)>,
        now: Timestamp,
    ) -> Result<(&'a Credential, SignedBy), TrustRefusal> {
        let mut refused = None;
        for (credential, by) in found {
            match self.refuse_ended(credential, &by, now) {
                Ok(()) => return Ok((credential, by)),
                Err(refusal) => refused = refused.or(Some(refusal)),
            }
        }
        Err(refused.unwrap_or(TrustRefusal::SignerUnknown {
            place: 1,
            by: "nothing".to_owned(),
            kind: "key",
        }))
    }

    fn by_key(
        &self,
        place: usize,
        bytes: &[u8],
        signature: &[u8],
    ) -> Result<Vec<(&Credential, SignedBy)>, TrustRefusal> {
        let refusal = |error, by: String| match error {
            MinisignError::Empty => TrustRefusal::SignatureEmpty { place },
            MinisignError::Legacy => TrustRefusal::SignatureLegacy { place },
            MinisignError::Malformed(why) => TrustRefusal::SignatureMalformed {
                place,
                why: why.to_owned(),
            },
            MinisignError::Wrong => TrustRefusal::SignatureWrong { place, by },
            MinisignError::OtherKey => TrustRefusal::SignerUnknown {
                place,
                by,
                kind: "key",
            },
        };
        let id = minisign::signer_id(signature).map_err(|error| refusal(error, String::new()))?;
        let mut failed = MinisignError::OtherKey;
        for credential in &self.credentials {
            let Means::Key(key) = &credential.means else {
                continue;
            };
            match key.verify(bytes, signature) {
                Ok(()) => {
                    let by = SignedBy {
                        signer: credential.signer.clone(),
                        with: With::Key(key.fingerprint()),
                    };
                    return Ok(vec![(credential, by)]);
                }
                Err(MinisignError::OtherKey) => {}
                // Another key may have the same id, so look on.
                Err(error) => failed = error,
            }
        }
        Err(refusal(failed, format!("key {id}")))
    }

    fn by_identity(
        &self,
        place: usize,
        bytes: &[u8],
        signature: &[u8],
    ) -> Result<Vec<(&Credential, SignedBy)>, TrustRefusal> {
        let refusal = |error| match error {
            SigstoreError::Empty => TrustRefusal::SignatureEmpty { place },
            SigstoreError::Malformed(why) => TrustRefusal::SignatureMalformed { place, why },
            SigstoreError::Wrong(_) => TrustRefusal::SignatureWrong {
                place,
                by: "a Sigstore identity".to_owned(),
            },
            SigstoreError::Untrusted(why) => TrustRefusal::SigstoreUnverified { place, why },
        };
        sigstore::read(signature).map_err(refusal)?;
        let root = self.root.as_ref().ok_or(TrustRefusal::NoRoot { place })?;
        let identity = root.verify(bytes, signature).map_err(refusal)?;
        let known: Vec<_> = self
            .credentials
            .iter()
            .filter(|credential| credential.means.is_identity(&identity))
            .map(|credential| {
                let by = SignedBy {
                    signer: credential.signer.clone(),
                    with: With::Identity(identity.clone()),
                };
                (credential, by)
            })
            .collect();
        if known.is_empty() {
            return Err(TrustRefusal::SignerUnknown {
                place,
                by: format!("identity {identity}"),
                kind: "identity",
            });
        }
        Ok(known)
    }
}

/// Those who may sign for an application.
fn entitled(
    signers: Vec<(&Credential, SignedBy)>,
    application: &ApplicationId,
) -> Result<Vec<SignedBy>, TrustRefusal> {
    let mut refused = None;
    let mut entitled = Vec::new();
    for (credential, by) in signers {
        if credential.may_sign(application) {
            entitled.push(by);
        } else {
            refused = refused.or(Some(TrustRefusal::ApplicationNotPermitted {
                by: credential.means.to_string(),
                signer: credential.signer.clone(),
                application: application.clone(),
            }));
        }
    }
    match refused {
        Some(refusal) if entitled.is_empty() => Err(refusal),
        _ => Ok(entitled),
    }
}
