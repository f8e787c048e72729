//! Real keys and real signatures, made on the spot.

#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests, of which each program uses a part"
)]

pub(crate) mod sigstore;

use jiff::{SignedDuration, Timestamp};
use muster_domain::application::Description;
use muster_domain::id::SignerName;
use muster_domain::{ApplicationId, Digest};
use muster_release::bundle::{SignatureFile, SignatureKind};
use muster_release::signature::minisign::PublicKey;
use muster_release::signature::sign;
use muster_release::statement::Statement;
use muster_release::trust::{Credential, Means, TrustStore};

/// The component that the tests are about.
pub(crate) const COMPONENT: &[u8] = b"\0asm what the tests take for a component";

/// The application of that component.
pub(crate) const APPLICATION: &str = "net.example.guard";

pub(crate) fn application(text: &str) -> ApplicationId {
    ApplicationId::new(text).unwrap()
}

pub(crate) fn signer(name: &str) -> SignerName {
    SignerName::new(name).unwrap()
}

pub(crate) fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

/// A signer's key.
pub(crate) struct Key {
    pub(crate) public: PublicKey,
    secret: String,
}

impl Key {
    pub(crate) fn new() -> Self {
        let files = sign::generate(None).unwrap();
        Self {
            public: PublicKey::parse(&files.public).unwrap(),
            secret: files.secret.to_string(),
        }
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> SignatureFile {
        SignatureFile {
            kind: SignatureKind::Minisign,
            bytes: sign::sign(&self.secret, None, bytes, "a test").unwrap(),
        }
    }

    /// In force since an hour, for the tests' application.
    pub(crate) fn credential(&self, name: &str, number: i64) -> Credential {
        credential(Means::Key(self.public.clone()), name, number)
    }
}

pub(crate) fn credential(means: Means, name: &str, number: i64) -> Credential {
    Credential {
        number,
        signer: signer(name),
        means,
        applications: vec![APPLICATION.parse().unwrap()],
        authority: false,
        from: Timestamp::now() - hours(1),
        until: None,
        successor: None,
        revoked: None,
    }
}

/// A store that trusts these, and nobody else.
pub(crate) fn store(credentials: Vec<Credential>) -> TrustStore {
    TrustStore {
        credentials,
        ..TrustStore::default()
    }
}

pub(crate) fn description(application: &str, version: &str) -> Description {
    Description {
        application: self::application(application),
        name: "Guard".into(),
        vendor: "Example".into(),
        version: version.parse().unwrap(),
        manages: semver::VersionReq::STAR,
        capabilities: Vec::new(),
        limits: Vec::new(),
        task_types: Vec::new(),
        more: Vec::new(),
    }
}

/// A statement of the tests' component, created a minute ago and in force for a day.
pub(crate) fn statement() -> Statement {
    statement_of(Digest::of(COMPONENT), APPLICATION, "1.0.0")
}

pub(crate) fn statement_of(digest: Digest, application: &str, version: &str) -> Statement {
    let created = Timestamp::now() - SignedDuration::from_mins(1);
    let description = description(application, version);
    Statement::of(digest, &description, created, created + hours(24))
}
