//! Revocation lists: those that the server holds, and, in [`author`], those of one's own.

mod author;

use crate::command::Context;
use crate::command::help;
use crate::failure::Failure;
use crate::input::Source;
use crate::output::{cell, number};
use clap::Subcommand;
use muster_api::trust::{RevocationsImport, RevocationsView, SignatureText};
use muster_release::bundle::SignatureKind;

pub(crate) use author::Author;

const HEADER: [&str; 5] = ["BY", "LIST", "KIND", "WHAT", "REASON"];

const IMPORT_HELP: &str = "\
Example:
  muster trust revocations import revoked.json

What it revokes and is at work stops now, and a restart does not bring it back. Exit status 1
says that the server did not take it: its signer is not trusted, it was changed, or the server
holds a later one.";

#[derive(Debug, Subcommand)]
pub(crate) enum Revocations {
    /// Show what is revoked, and by whom
    #[command(after_help = help::REVOCATIONS_SHOW)]
    Show,
    #[command(flatten)]
    Author(Author),
    /// Give the server a signed revocation list, and stop what it revokes
    #[command(visible_alias = "add", after_help = IMPORT_HELP)]
    Import {
        /// The list, with its signatures beside it: FILE.minisig, FILE.sigstore.json
        list: Source,
        /// Its minisign signature, if it lies elsewhere
        #[arg(long, value_name = "FILE")]
        minisig: Option<Source>,
        /// Its Sigstore bundle, if it lies elsewhere
        #[arg(long, value_name = "FILE")]
        sigstore: Option<Source>,
    },
}

impl Revocations {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Show => show(context).await,
            Self::Author(author) => author.run(&context.out),
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
                if signatures.is_empty() {
                    signatures = signatures_beside(&list)?;
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
                    "Took revocation list {} of {}: {}.",
                    view.number,
                    view.signer,
                    match view.entries.len() {
                        1 => "1 entry".to_owned(),
                        many => format!("{many} entries"),
                    }
                ))
            }
        }
    }
}

/// The signatures that lie beside a list.
fn signatures_beside(list: &Source) -> Result<Vec<SignatureText>, Failure> {
    let mut texts = Vec::new();
    if let Source::File(file) = list {
        for signature in author::signatures(file)? {
            let kind = match signature.kind {
                SignatureKind::Minisign => "minisign",
                SignatureKind::Sigstore => "sigstore",
            };
            let text = String::from_utf8_lossy(&signature.bytes).into_owned();
            texts.push(SignatureText {
                kind: kind.into(),
                text,
            });
        }
    }
    if texts.is_empty() {
        return Err(Failure::Usage(format!(
            "no signature lies beside {list}: say with --minisig or --sigstore where it is"
        )));
    }
    Ok(texts)
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
    context
        .out
        .table(&HEADER, rows, "Nothing is revoked by a list.")
}
