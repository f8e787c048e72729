//! Why a release or a revocation list was refused: a stable code each, what was tried on which
//! thing, and what would help.

use crate::statement::{Disagreement, StatementError};
use jiff::Timestamp;
use muster_domain::id::SignerName;
use muster_domain::{ApplicationId, Digest};

/// Why the trust store refused something.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's text says what its fields are")]
pub enum TrustRefusal {
    #[error(
        "component {digest} has no signature, and the trust policy requires one; have its vendor sign it, or sign it yourself with `muster plugin sign` and a key that this server trusts"
    )]
    Unsigned { digest: Digest },
    #[error(
        "component {digest} has no signature and is not pinned; allow it with `muster trust pin {digest}` if you know where it comes from"
    )]
    NotPinned { digest: Digest },
    #[error(
        "component {digest} comes with signatures and without the statement that they sign; hand over the file ending in .statement.json as well, or the vendor's bundle"
    )]
    StatementMissing { digest: Digest },
    #[error(
        "component {digest} comes with a statement that nobody signed; hand over the signature as well (.minisig or .sigstore.json), or the vendor's bundle"
    )]
    SignatureMissing { digest: Digest },
    #[error("{0}; ask its signer for one made with `muster plugin sign`")]
    Statement(#[from] StatementError),
    #[error("signature {place} is empty; ask the signer for it again")]
    SignatureEmpty { place: usize },
    #[error("signature {place} cannot be read: {why}; ask the signer for it again")]
    SignatureMalformed { place: usize, why: String },
    #[error(
        "signature {place} is of minisign's legacy form, which is not taken; sign again without the option -l"
    )]
    SignatureLegacy { place: usize },
    #[error("{count} signatures are more than the {most} that are looked at; leave some out")]
    TooManySignatures { count: usize, most: usize },
    #[error(
        "signature {place}, said to be by {by}, does not match the statement: one of the two was changed, or belongs to something else; get both again from the vendor"
    )]
    SignatureWrong { place: usize, by: String },
    #[error(
        "signature {place} is a Sigstore bundle that does not hold against this server's trusted root: {why}; check that the root is that of the signer's Sigstore (`muster trust root show`)"
    )]
    SigstoreUnverified { place: usize, why: String },
    #[error(
        "signature {place} is a Sigstore bundle, and this server has no trusted root to hold it against; give it one with `muster trust root set`"
    )]
    NoRoot { place: usize },
    #[error(
        "signature {place} was made with {by}, which this server does not know; if you trust it, add it with `muster trust {kind} add`"
    )]
    SignerUnknown {
        place: usize,
        by: String,
        kind: &'static str,
    },
    #[error("{by} of {signer} is in force only from {from}; wait, or add another one")]
    SignerNotYetValid {
        by: String,
        signer: SignerName,
        from: Timestamp,
    },
    #[error(
        "{by} of {signer} ended at {until}{}; ask for a release that is signed with one in force",
        successor.map(|number| format!(", and number {number} took its place")).unwrap_or_default()
    )]
    SignerExpired {
        by: String,
        signer: SignerName,
        until: Timestamp,
        successor: Option<i64>,
    },
    #[error(
        "{by} of {signer} was revoked at {at}: {reason}; ask the vendor for a release that is signed with another one"
    )]
    SignerRevoked {
        by: String,
        signer: SignerName,
        at: Timestamp,
        reason: String,
    },
    #[error(
        "{by} of {signer} is on revocation list {number} of {list_by}: {reason}; ask the vendor for a release that is signed with another one"
    )]
    SignerListed {
        by: String,
        signer: SignerName,
        number: u64,
        list_by: SignerName,
        reason: String,
    },
    #[error(
        "{by} of {signer} may not sign for application {application}; if it should, remove it from the trust store (`muster trust key remove`, or `identity remove`) and add it again with --application {application} beside those that it has; what it signed goes on meanwhile"
    )]
    ApplicationNotPermitted {
        by: String,
        signer: SignerName,
        application: ApplicationId,
    },
    #[error(
        "application {application} belongs to signer {owner}, and this release is by {signer}; if it changed hands, `muster trust owner move {application} {signer}`"
    )]
    ApplicationOwned {
        application: ApplicationId,
        owner: SignerName,
        signer: String,
    },
    #[error(
        "application {application} belongs to signer {owner}, and nobody signed this component; have {owner} sign it, or, if it is to be nobody's, `muster trust owner release {application}` first"
    )]
    OwnedUnsigned {
        application: ApplicationId,
        owner: SignerName,
    },
    #[error(
        "the statement is for component {stated}, and this is {digest}; get the two that belong together from the vendor"
    )]
    OtherComponent { stated: Digest, digest: Digest },
    #[error(
        "the statement was created at {created}, which is ahead of now; set the clock of this server or of the signer"
    )]
    StatementNotYetValid { created: Timestamp },
    #[error("the statement expired at {expires}; ask the vendor for a new one")]
    StatementExpired { expires: Timestamp },
    #[error(
        "component {digest} is on revocation list {number} of {list_by}: {reason}; install another version"
    )]
    ReleaseRevoked {
        digest: Digest,
        number: u64,
        list_by: SignerName,
        reason: String,
    },
    #[error(
        "the statement was created at {created}, before that of the plug-in in use for {application} ({than}); allow a downgrade if an older release is really meant"
    )]
    StatementReplayed {
        application: ApplicationId,
        created: Timestamp,
        than: Timestamp,
    },
    #[error(
        "version {version} of the plug-in for {application} was stated later ({than}) with another component, {digest}; allow a downgrade if the older one is really meant"
    )]
    StatementSuperseded {
        application: ApplicationId,
        version: semver::Version,
        digest: Digest,
        than: Timestamp,
    },
    #[error("{0}; do not install it: ask the vendor")]
    ComponentDisagrees(#[from] Disagreement),
    #[error("the revocation list cannot be read: {0}; ask its signer for it again")]
    ListUnreadable(String),
    #[error(
        "the revocation list was issued at {issued}, which is ahead of now; set the clock of this server or of its signer"
    )]
    ListAheadOfNow { issued: Timestamp },
    #[error(
        "revocation list {number} of {signer} is not newer than {held}, which this server holds; lists are numbered upwards"
    )]
    ListNotNewer {
        signer: SignerName,
        number: u64,
        held: u64,
    },
}

impl TrustRefusal {
    /// Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsigned { .. } => "release-unsigned",
            Self::NotPinned { .. } => "release-not-pinned",
            Self::StatementMissing { .. } => "statement-missing",
            Self::SignatureMissing { .. } => "signature-missing",
            Self::Statement(error) => error.code(),
            Self::SignatureEmpty { .. } => "signature-empty",
            Self::SignatureMalformed { .. } => "signature-malformed",
            Self::SignatureLegacy { .. } => "signature-legacy",
            Self::TooManySignatures { .. } => "signatures-too-many",
            Self::SignatureWrong { .. } => "signature-wrong",
            Self::SigstoreUnverified { .. } => "sigstore-unverified",
            Self::NoRoot { .. } => "sigstore-root-missing",
            Self::SignerUnknown { .. } => "signer-unknown",
            Self::SignerNotYetValid { .. } => "signer-not-yet-valid",
            Self::SignerExpired { .. } => "signer-expired",
            Self::SignerRevoked { .. } => "signer-revoked",
            Self::SignerListed { .. } => "signer-on-revocation-list",
            Self::ApplicationNotPermitted { .. } => "application-not-permitted",
            Self::ApplicationOwned { .. } => "application-owned-by-another",
            Self::OwnedUnsigned { .. } => "release-unsigned-of-owned",
            Self::OtherComponent { .. } => "statement-of-another-component",
            Self::StatementNotYetValid { .. } => "statement-not-yet-valid",
            Self::StatementExpired { .. } => "statement-expired",
            Self::ReleaseRevoked { .. } => "release-revoked",
            Self::StatementReplayed { .. } => "statement-replayed",
            Self::StatementSuperseded { .. } => "statement-superseded",
            Self::ComponentDisagrees(_) => "statement-disagrees",
            Self::ListUnreadable(_) => "revocations-unreadable",
            Self::ListAheadOfNow { .. } => "revocations-ahead-of-now",
            Self::ListNotNewer { .. } => "revocations-not-newer",
        }
    }
}
