//! Revocation lists.

use crate::command::Context;
use crate::failure::Failure;
use crate::input::Source;
use crate::output::{cell, number};
use clap::Subcommand;
use muster_api::trust::{RevocationsImport, RevocationsView, SignatureText};

#[derive(Debug, Subcommand)]
pub(crate) enum Revocations {
    /// Show what is revoked, and by whom
    Show,
    /// Take a signed revocation list, and stop what it revokes
    Import {
        /// The list
        list: Source,
        /// Its minisign signature (.minisig)
        #[arg(long, required_unless_present = "sigstore", value_name = "FILE")]
        minisig: Option<Source>,
        /// Its Sigstore bundle (.sigstore.json)
        #[arg(long, value_name = "FILE")]
        sigstore: Option<Source>,
    },
}

impl Revocations {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Show => show(context).await,
            Self::Import {
                list,
                minisig,
                sigstore,
            } => {
                let mut signatures = Vec::new();
                for (kind, file) in [("minisign", minisig), ("sigstore", sigstore)] {
                    if let Some(file) = file {
                        signatures.push(SignatureText {
                            kind: kind.into(),
                            text: file.text()?,
                        });
                    }
                }
                let import = RevocationsImport {
                    list: list.text()?,
                    signatures,
                };
                let answer = context.client.post("/trust/revocations", &import).await?;
                if context.out.is_json() {
                    return context.out.json(&answer.raw);
                }
                let view: RevocationsView = answer.view()?;
                context.out.text(&format!(
                    "Took revocation list {} of {}: {} entries.",
                    view.number,
                    view.signer,
                    view.entries.len()
                ))
            }
        }
    }
}

async fn show(context: &Context) -> Result<(), Failure> {
    let answer = context
        .client
        .list("/trust/revocations", &vec![], None)
        .await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let lists: Vec<RevocationsView> = answer.view()?;
    let mut rows = Vec::new();
    for list in lists {
        let by = if list.authority {
            format!("{} (authority)", list.signer)
        } else {
            list.signer
        };
        for entry in list.entries {
            rows.push(vec![
                cell(by.clone()),
                number(list.number),
                cell(entry.kind),
                cell(entry.what),
                cell(entry.reason),
            ]);
        }
    }
    let header = ["BY", "LIST", "KIND", "WHAT", "REASON"];
    context
        .out
        .table(&header, rows, "Nothing is revoked by a list.")
}
