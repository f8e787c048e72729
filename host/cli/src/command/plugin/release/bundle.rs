//! `muster plugin bundle`: one file, to be carried to where no network goes.

use super::files::{beside, release};
use crate::failure::Failure;
use crate::input::{Source, write_file};
use crate::output::{Output, cell};
use clap::Args;
use muster_release::bundle::Bundle;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(crate) struct Pack {
    /// The component; its statement and signatures are taken from beside it
    file: PathBuf,
    /// Where the bundle goes; FILE.tar if left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Who signed, in words, for administrators to compare; may be given again. Ids of minisign keys
    /// are noted by themselves
    #[arg(long, value_name = "TEXT")]
    signer: Vec<String>,
    /// Where you publish your keys
    #[arg(long, value_name = "URL")]
    published: Option<String>,
}

impl Pack {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let mut bundle = release(&Source::File(self.file.clone()))?;
        bundle.reference.signers.extend(self.signer);
        bundle.reference.published = self.published.or(bundle.reference.published);
        if bundle.signatures.is_empty() {
            out.note("Nobody signed this plug-in; `muster plugin sign` does.");
        }
        let file = self.out.unwrap_or_else(|| beside(&self.file, "tar"));
        write(&bundle, &file)?;
        told(&bundle, &file, None, out)
    }
}

pub(super) fn write(bundle: &Bundle, file: &Path) -> Result<(), Failure> {
    Ok(write_file(file, &bundle.write()?, 0o644)?)
}

/// Tells what is in a bundle.
pub(super) fn told(
    bundle: &Bundle,
    file: &Path,
    source: Option<&str>,
    out: &Output,
) -> Result<(), Failure> {
    let (digest, file) = (bundle.digest(), file.display().to_string());
    if out.is_json() {
        return out.json(&json!({
            "file": file,
            "digest": digest,
            "signatures": bundle.signatures.len(),
            "reference": bundle.reference,
            "source": source,
        }));
    }
    let mut fields = vec![
        ("bundle", cell(file)),
        ("component", cell(digest.to_string())),
    ];
    fields.extend(source.map(|source| ("source", cell(source))));
    let signers = &bundle.reference.signers;
    fields.extend(
        signers
            .iter()
            .map(|signer| ("said to be signed by", cell(signer))),
    );
    fields.extend(
        bundle
            .reference
            .published
            .iter()
            .map(|at| ("keys said to be at", cell(at))),
    );
    out.fields(fields)
}
