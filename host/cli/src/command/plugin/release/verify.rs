//! `muster plugin verify`: what a server that trusts a key or an identity would say.

use super::files::release;
use crate::failure::Failure;
use crate::input::Source;
use crate::output::{Output, cell};
use clap::Args;
use jiff::Timestamp;
use muster_domain::application::Limit;
use muster_domain::id::SignerName;
use muster_release::signature::minisign::PublicKey;
use muster_release::signature::sigstore::{Identity, TrustedRoot};
use muster_release::statement::Statement;
use muster_release::trust::{ApplicationPattern, Credential, Means, Release, TrustStore, With};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A bundle, or a component with its statement and signatures beside it
    file: Source,
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

impl Verify {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let bundle = release(&self.file)?;
        let bytes = bundle.statement.as_deref().ok_or_else(|| {
            Failure::Refused(format!(
                "{} has no statement that anybody could have signed",
                self.file
            ))
        })?;
        let statement = Statement::parse(bytes)?;
        let store = self.store(&statement)?;
        let verified = store
            .verify(&Release::of(&bundle), Timestamp::now())
            .map_err(|refusal| Failure::Refused(format!("{refusal} [{}]", refusal.code())))?;
        let signers = verified.signers.iter().map(|by| match &by.with {
            With::Key(fingerprint) => format!("minisign key {fingerprint}"),
            With::Identity(identity) => identity.to_string(),
        });
        let signers: Vec<String> = signers.collect();
        if out.is_json() {
            return out.json(&json!({ "statement": statement, "signed_by": verified.signers }));
        }
        let limits = statement.limits.iter();
        let limits: Vec<String> = limits
            .map(|(limit, number): (&Limit, &u32)| format!("{limit} {number} {}", limit.unit()))
            .collect();
        let capabilities: Vec<&str> = statement.capabilities.iter().map(String::as_str).collect();
        let mut fields = vec![
            ("component", cell(statement.digest.to_string())),
            ("application", cell(statement.application.to_string())),
            ("version", cell(statement.version.to_string())),
            (
                "asks for",
                cell([capabilities.join(", "), limits.join(", ")].join("; ")),
            ),
            ("created", cell(out.clock.long(statement.created))),
            ("expires", cell(out.clock.long(statement.expires))),
        ];
        fields.extend(signers.into_iter().map(|by| ("signed by", cell(by))));
        out.fields(fields)
    }

    /// A trust store that knows what was given, for the application that is stated: to whom an
    /// application belongs is for a server to say.
    fn store(&self, statement: &Statement) -> Result<TrustStore, Failure> {
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
        let usage = |error: &dyn ToString| Failure::Usage(error.to_string());
        let signer = SignerName::new("given").map_err(|error| usage(&error))?;
        let application = statement.application.as_str().parse::<ApplicationPattern>();
        let application = application.map_err(|error| usage(&error))?;
        let credentials = (1..).zip(means).map(|(number, means)| Credential {
            number,
            signer: signer.clone(),
            means,
            applications: vec![application.clone()],
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

/// A key as it is, or in a file.
fn public_key(text: &str) -> Result<PublicKey, Failure> {
    if let Ok(key) = PublicKey::parse(text) {
        return Ok(key);
    }
    let file = Source::File(text.into());
    let told = |error| Failure::Usage(format!("{file}: {error}"));
    PublicKey::parse(&file.text()?).map_err(told)
}
