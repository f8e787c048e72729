//! Whom the server trusts to sign plug-ins.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The trust store as a whole, without its keys and lists, which are lists of their own.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TrustView {
    /// `required`, `pinned` or `dev`: what happens to a release without a signature.
    pub policy: String,
    /// Digest of Sigstore's trusted root, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// How many keys and identities are trusted.
    pub credentials: u64,
    /// How many applications have an owner.
    pub owners: u64,
    /// How many signers' revocation lists are held.
    pub revocations: u64,
    /// Components that are allowed without a signature, where the policy is `pinned`.
    pub pins: Vec<PinView>,
}

/// A component that is allowed without a signature.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PinView {
    /// Its digest.
    pub digest: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub pinned_at: Timestamp,
    /// Who said so.
    pub pinned_by: String,
}

/// What is to happen to a release without a signature.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustPolicyChange {
    /// `required`, `pinned` or `dev`.
    pub policy: String,
}

/// Sigstore's trusted root.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustRootChange {
    /// The text of `trusted_root.json`; null takes it away.
    pub root: Option<String>,
}

/// A key or identity that is trusted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CredentialView {
    /// Its number.
    pub id: i64,
    /// Whose it is.
    pub signer: String,
    /// `key` or `identity`.
    pub kind: String,
    /// A key: the line of Base64 that is the public key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A key: the digest that it is known by, as revocation lists name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// A key: the id that minisign shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// An identity: who vouches for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// An identity: who it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The applications that it may sign.
    pub applications: Vec<String>,
    /// Whether its revocation lists hold for what everybody signs.
    pub authority: bool,
    /// `in-force`, `not-yet`, `ended`, `rotated` or `revoked`.
    pub state: String,
    /// From when on it is in force.
    #[schema(value_type = String, format = DateTime)]
    pub valid_from: Timestamp,
    /// From when on it is no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_until: Option<Timestamp>,
    /// The number of the one that took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<i64>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
    /// Why it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_reason: Option<String>,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    pub added_at: Timestamp,
    /// Who added it.
    pub added_by: String,
}

/// A key or identity to be trusted: either `key`, or `issuer` and `subject`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialCreate {
    /// Whose it is: lower-case letters, digits and hyphens. Keys of one signer have one name.
    pub signer: String,
    /// The text of a minisign public key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Who vouches for the identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Who it is; `/*` at its end stands for all that begin so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The applications that it may sign: ids, or domains with `.*` at the end.
    pub applications: Vec<String>,
    /// Whether its revocation lists hold for what everybody signs.
    #[serde(default)]
    pub authority: bool,
    /// From when on it is in force; now if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_from: Option<Timestamp>,
    /// From when on it is no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_until: Option<Timestamp>,
}

/// What takes the place of a key or identity: either `key`, or `issuer` and `subject`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialRotate {
    /// The text of the new minisign public key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Who vouches for the new identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Who it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Seconds for which the old one stays in force beside the new one.
    #[serde(default)]
    pub overlap: u32,
}

/// When a key or identity ends.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialExpire {
    /// From when on it is no longer in force.
    #[schema(value_type = String, format = DateTime)]
    pub valid_until: Timestamp,
}

/// Why a key or identity is revoked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialRevoke {
    /// One line, kept and shown with every refusal.
    pub reason: String,
}

/// Whose an application is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OwnerView {
    /// The application.
    pub application: String,
    /// Its owner: plug-ins for it by others are refused.
    pub signer: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Who said so, or who installed its first plug-in.
    pub set_by: String,
}

/// Whose an application is to be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnerMove {
    /// The new owner.
    pub signer: String,
}

/// A revocation list that the server holds.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RevocationsView {
    /// Who signed it.
    pub signer: String,
    /// Its number; a later list has a greater one.
    pub number: u64,
    /// When it was issued.
    #[schema(value_type = String, format = DateTime)]
    pub issued: Timestamp,
    /// Whether it holds for what everybody signs.
    pub authority: bool,
    /// What it revokes.
    pub entries: Vec<RevocationView>,
    /// When it was imported.
    #[schema(value_type = String, format = DateTime)]
    pub imported_at: Timestamp,
    /// Who imported it.
    pub imported_by: String,
}

/// One thing that is revoked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RevocationView {
    /// `component`, `key` or `identity`.
    pub kind: String,
    /// A digest; for an identity subject and issuer.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// A revocation list, as its signer hands it out.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevocationsImport {
    /// Its text, exactly as it was signed.
    pub list: String,
    /// The signatures over it.
    pub signatures: Vec<SignatureText>,
}

/// A signature as text.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureText {
    /// `minisign` or `sigstore`.
    pub kind: String,
    /// Its text.
    pub text: String,
}

/// On what ground a plug-in was admitted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PluginTrustView {
    /// `signed`, `pinned`, or `unsigned` where the policy is `dev`.
    pub ground: String,
    /// Who signed it.
    pub signers: Vec<String>,
}
