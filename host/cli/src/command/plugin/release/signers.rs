//! Whom to trust, where no server is asked: keys and a Sigstore identity, as they are given.

use crate::failure::Failure;
use crate::input::Source;
use clap::Args;
use jiff::Timestamp;
use muster_domain::id::SignerName;
use muster_release::signature::minisign::PublicKey;
use muster_release::signature::sigstore::{Identity, TrustedRoot};
use muster_release::trust::{ApplicationPattern, Credential, Means, SignedBy, TrustStore, With};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Signers {
    /// A minisign public key, or its file; may be given again
    #[arg(long, value_name = "KEY", required_unless_present = "identity")]
    public_key: Vec<String>,
    /// A Sigstore identity: who signed, such as a mail address or the address of a workflow
    #[arg(long, value_name = "SUBJECT", requires_all = ["issuer", "trusted_root"])]
    identity: Option<String>,
    /// Who vouches for the identity, such as `https://token.actions.githubusercontent.com`
    #[arg(long, value_name = "URL", requires = "identity")]
    issuer: Option<String>,
    /// The Sigstore trusted root, in JSON
    #[arg(long, value_name = "FILE", requires = "identity")]
    trusted_root: Option<PathBuf>,
}

impl Signers {
    /// A trust store that knows what was given, for these applications.
    pub(crate) fn store(&self, applications: &[ApplicationPattern]) -> Result<TrustStore, Failure> {
        let mut means = Vec::new();
        for key in &self.public_key {
            means.push(Means::Key(public_key(key)?));
        }
        if let (Some(subject), Some(issuer)) = (&self.identity, &self.issuer) {
            means.push(Means::Identity(Identity {
                issuer: issuer.clone(),
                subject: subject.clone(),
            }));
        }
        let root = match &self.trusted_root {
            None => None,
            Some(file) => {
                let text = Source::File(file.clone()).text()?;
                let root = TrustedRoot::parse(&text);
                Some(root.map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?)
            }
        };
        let signer = SignerName::new("given").map_err(|error| Failure::Usage(error.to_string()))?;
        let credentials = (1..).zip(means).map(|(number, means)| Credential {
            number,
            signer: signer.clone(),
            means,
            applications: applications.to_vec(),
            authority: false,
            from: Timestamp::UNIX_EPOCH,
            until: None,
            successor: None,
            revoked: None,
        });
        Ok(TrustStore {
            credentials: credentials.collect(),
            root,
            ..TrustStore::default()
        })
    }
}

/// Who signed, for people.
pub(crate) fn signer(by: &SignedBy) -> String {
    match &by.with {
        With::Key(fingerprint) => format!("minisign key {fingerprint}"),
        With::Identity(identity) => identity.to_string(),
    }
}

/// A key as it is, or in a file.
pub(crate) fn public_key(text: &str) -> Result<PublicKey, Failure> {
    if let Ok(key) = PublicKey::parse(text) {
        return Ok(key);
    }
    let file = Source::File(text.into());
    let told = |error| Failure::Usage(format!("{file}: {error}"));
    PublicKey::parse(&file.text()?).map_err(told)
}
