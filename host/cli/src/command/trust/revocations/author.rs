//! `muster trust revocations write`, `sign` and `verify`: what a signer does with a list of its own. No
//! server is asked.

use super::HEADER;
use crate::command::help;
use crate::command::plugin::release::files::beside;
use crate::command::plugin::release::key::SigningKey;
use crate::command::plugin::release::signers::{Signers, public_key};
use crate::failure::Failure;
use crate::input::{Source, write_file};
use crate::output::{Cell, Output, cell};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use muster_domain::Digest;
use muster_release::bundle::{SignatureFile, SignatureKind};
use muster_release::revocation::{RevocationList, RevokedIdentity};
use serde_json::json;
use std::path::{Path, PathBuf};

const WRITE_HELP: &str = "\
The first list has number 1. Written again, the file becomes the list of the next number, with
all entries that it had: a server takes a later list in place of an earlier one, and never goes
back. Keep the file: who loses it goes on with --number, above the last one that was published.

Examples:
  muster trust revocations write revoked.json --component sha256:4f1c... \\
      --reason \"deletes what it should quarantine\" --key vendor.key
  muster trust revocations write revoked.json --public-key old.pub --reason stolen --key new.key
  muster trust revocations import revoked.json";

const VERIFY_HELP: &str = "\
Example:
  muster trust revocations verify revoked.json --public-key vendor.pub

Exit status 1 says that the list is not to be taken: it was changed, is signed by another, or is
dated ahead of now. Whether a server holds a later one already, it says itself.";

#[derive(Debug, Subcommand)]
pub(crate) enum Author {
    /// Write a revocation list of your own, or the next one after it, and sign it
    #[command(after_help = WRITE_HELP)]
    Write(Write),
    /// Sign a revocation list as it is: write FILE.minisig
    #[command(after_help = help::REVOCATIONS_SIGN)]
    Sign {
        /// The list
        file: PathBuf,
        #[command(flatten)]
        key: SigningKey,
    },
    /// Verify a revocation list, without a server and without a network
    #[command(after_help = VERIFY_HELP)]
    Verify {
        /// The list, with its signatures beside it: FILE.minisig, FILE.sigstore.json
        file: PathBuf,
        #[command(flatten)]
        signers: Signers,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Write {
    /// The list; made if it is not there
    file: PathBuf,
    /// Revoke a component: its digest, or its file; may be given again
    #[arg(long, value_name = "DIGEST|FILE", requires = "reason")]
    component: Vec<String>,
    /// Revoke a minisign key: its fingerprint, the key or its file; may be given again
    #[arg(long, value_name = "FINGERPRINT|KEY|FILE", requires = "reason")]
    public_key: Vec<String>,
    /// Revoke a Sigstore identity
    #[arg(long, value_name = "SUBJECT", requires_all = ["issuer", "reason"])]
    identity: Option<String>,
    /// Who vouches for the identity
    #[arg(long, value_name = "URL", requires = "identity")]
    issuer: Option<String>,
    /// Why: one line, shown with every refusal
    #[arg(long)]
    reason: Option<String>,
    /// Leave out an entry that the list has: a digest, a fingerprint, or the subject of an identity; may
    /// be given again
    #[arg(long, value_name = "ENTRY")]
    without: Vec<String>,
    /// The number of the new list; the next one if left out
    #[arg(long, value_name = "NUMBER")]
    number: Option<u64>,
    #[command(flatten)]
    key: SigningKey,
}

impl Author {
    pub(crate) fn run(self, out: &Output) -> Result<(), Failure> {
        match self {
            Self::Write(write) => write.run(out),
            Self::Sign { file, key } => {
                let (bytes, list) = read(&file)?;
                let signature = key.sign(&bytes, &comment(&list))?.ok_or_else(|| {
                    Failure::Usage("with which key is said with --key FILE".to_owned())
                })?;
                let to = beside(&file, SignatureKind::Minisign.ending());
                write_file(&to, &signature, 0o644)?;
                told(&list, &[to], out)
            }
            Self::Verify { file, signers } => verify(&file, &signers, out),
        }
    }
}

impl Write {
    fn run(self, out: &Output) -> Result<(), Failure> {
        let now = Timestamp::now();
        let refused = |error: &dyn ToString| {
            Failure::Refused(format!("{}: {}", self.file.display(), error.to_string()))
        };
        let mut list = if self.file.exists() {
            let (_, list) = read(&self.file)?;
            list.next(self.number, now)
                .map_err(|error| refused(&error))?
        } else {
            RevocationList::new(self.number.unwrap_or(1), now)
        };
        for what in &self.without {
            leave_out(&mut list, what)?;
        }
        self.add(&mut list)?;
        let bytes = list.to_bytes().map_err(|error| refused(&error))?;
        // What no server could read is not worth a signature.
        RevocationList::parse(&bytes).map_err(|error| refused(&error))?;
        let signature = self.key.sign(&bytes, &comment(&list))?;
        // The list first: a signature of another one is refused, and can be made again.
        write_file(&self.file, &bytes, 0o644)?;
        let mut files = vec![self.file.clone()];
        match signature {
            Some(signature) => {
                let file = beside(&self.file, SignatureKind::Minisign.ending());
                write_file(&file, &signature, 0o644)?;
                files.push(file);
            }
            None => out.note("Nobody signed it yet; `muster trust revocations sign` does."),
        }
        told(&list, &files, out)
    }

    fn add(&self, list: &mut RevocationList) -> Result<(), Failure> {
        let reason = self.reason.clone().unwrap_or_default();
        let entries = self.component.len() + self.public_key.len();
        if reason.trim().is_empty() && entries + usize::from(self.identity.is_some()) > 0 {
            return Err(Failure::Usage("the reason is empty".to_owned()));
        }
        for component in &self.component {
            list.digests.insert(digest(component)?, reason.clone());
        }
        for key in &self.public_key {
            let fingerprint = match key.parse() {
                Ok(fingerprint) => fingerprint,
                Err(_) => public_key(key)?.fingerprint(),
            };
            list.keys.insert(fingerprint, reason.clone());
        }
        if let (Some(subject), Some(issuer)) = (&self.identity, &self.issuer) {
            list.identity_add(RevokedIdentity {
                issuer: issuer.clone(),
                subject: subject.clone(),
                reason,
            });
        }
        Ok(())
    }
}

/// A component's digest as it is, or that of a file.
fn digest(text: &str) -> Result<Digest, Failure> {
    if text.starts_with("sha256:") {
        let told = |error| Failure::Usage(format!("{text}: {error}"));
        return text.parse().map_err(told);
    }
    Ok(Digest::of(Source::File(text.into()).bytes()?))
}

fn leave_out(list: &mut RevocationList, what: &str) -> Result<(), Failure> {
    let before = list.count();
    if let Ok(digest) = what.parse::<Digest>() {
        list.digests.remove(&digest);
        list.keys.remove(&digest);
    }
    list.identities.retain(|identity| identity.subject != what);
    if list.count() == before {
        return Err(Failure::NotFound(format!("the list has no entry {what}")));
    }
    Ok(())
}

/// What is signed along with a list.
fn comment(list: &RevocationList) -> String {
    format!("revocation list {}", list.number)
}

fn read(file: &Path) -> Result<(Vec<u8>, RevocationList), Failure> {
    let bytes = Source::File(file.to_owned()).bytes()?;
    let told = |error| Failure::Usage(format!("{} is no revocation list: {error}", file.display()));
    let list = RevocationList::parse(&bytes).map_err(told)?;
    Ok((bytes, list))
}

fn verify(file: &Path, signers: &Signers, out: &Output) -> Result<(), Failure> {
    let bytes = Source::File(file.to_owned()).bytes()?;
    let signatures = signatures(file)?;
    let held = signers
        .store(&[])?
        .verify_list(&bytes, &signatures, Timestamp::now())
        .map_err(|refusal| Failure::Refused(format!("{refusal} [{}]", refusal.code())))?;
    told(&held.list, &[], out)
}

/// The signatures that lie beside a list.
pub(super) fn signatures(file: &Path) -> Result<Vec<SignatureFile>, Failure> {
    let mut signatures = Vec::new();
    for kind in SignatureKind::ALL {
        let file = beside(file, kind.ending());
        if file.exists() {
            let bytes = Source::File(file).bytes()?;
            signatures.push(SignatureFile { kind, bytes });
        }
    }
    Ok(signatures)
}

/// Shows all that a list revokes: who signs it sees what is signed.
fn told(list: &RevocationList, files: &[PathBuf], out: &Output) -> Result<(), Failure> {
    let files: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    if out.is_json() {
        return out.json(&json!({ "list": list, "files": files }));
    }
    let mut fields = vec![
        ("number", cell(list.number.to_string())),
        ("issued", cell(out.clock.long(list.issued))),
    ];
    fields.extend(files.into_iter().map(|file| ("written", cell(file))));
    out.fields(fields)?;
    let row = |kind: &str, what: String, reason: &String| -> Vec<Cell> {
        vec![cell(kind), cell(what), cell(reason.clone())]
    };
    let components = list.digests.iter();
    let mut rows: Vec<_> = components
        .map(|(digest, reason)| row("component", digest.to_string(), reason))
        .collect();
    rows.extend(
        list.keys
            .iter()
            .map(|(key, reason)| row("key", key.to_string(), reason)),
    );
    rows.extend(list.identities.iter().map(|identity| {
        let what = format!("{} ({})", identity.subject, identity.issuer);
        row("identity", what, &identity.reason)
    }));
    let [.., kind, what, reason] = HEADER;
    out.table(&[kind, what, reason], rows, "It revokes nothing.")
}
