//! Keys and identities: the same for both, but for how they are given.

use super::done;
use crate::client::path;
use crate::command::{Context, confirm, help};
use crate::failure::Failure;
use crate::input::Source;
use crate::output::{Tint, cell, number};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use muster_api::trust::{
    CredentialCreate, CredentialExpire, CredentialRevoke, CredentialRotate, CredentialView,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Trust a key
    #[command(after_help = help::KEY_ADD)]
    Add {
        /// The public key: the .pub file of minisign or of `muster plugin keygen`
        file: Source,
        #[command(flatten)]
        grant: Grant,
    },
    /// List the keys
    #[command(after_help = help::KEY_LIST)]
    List,
    /// Put a new key in the place of an older one, for the same applications
    #[command(after_help = help::KEY_ROTATE)]
    Rotate {
        /// The number of the older key
        number: u64,
        /// The new public key
        file: Source,
        #[command(flatten)]
        overlap: Overlap,
    },
    #[command(flatten)]
    End(End),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Identity {
    /// Trust an identity
    #[command(after_help = help::IDENTITY_ADD)]
    Add {
        /// Who vouches for it, such as `https://token.actions.githubusercontent.com`
        #[arg(long)]
        issuer: String,
        /// Who it is: an address of mail or a URI; `/*` at its end stands for all that begin so
        #[arg(long)]
        subject: String,
        #[command(flatten)]
        grant: Grant,
    },
    /// List the identities
    #[command(after_help = help::IDENTITY_LIST)]
    List,
    /// Put a new identity in the place of an older one, for the same applications
    #[command(after_help = help::IDENTITY_ROTATE)]
    Rotate {
        /// The number of the older identity
        number: u64,
        /// Who vouches for the new one
        #[arg(long)]
        issuer: String,
        /// Who it is
        #[arg(long)]
        subject: String,
        #[command(flatten)]
        overlap: Overlap,
    },
    #[command(flatten)]
    End(End),
}

/// What is granted.
#[derive(Debug, Args)]
pub(crate) struct Grant {
    /// Whose it is, a name of your own; all keys of one vendor have one
    #[arg(long)]
    signer: String,
    /// An application that it may sign, such as net.clamav.clamav, or all below a domain:
    /// net.clamav.*; may be given several times
    #[arg(long = "application", required = true, value_name = "APPLICATION")]
    applications: Vec<String>,
    /// Let its revocation lists hold for what everybody signs
    #[arg(long)]
    authority: bool,
    /// From when on it is in force, such as 2027-01-01T00:00:00Z; now if left out
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// From when on it is no longer
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

/// How long the older one stays.
#[derive(Debug, Args)]
pub(crate) struct Overlap {
    /// How long the older one stays in force beside the new one, such as 30d
    #[arg(long, default_value = "30d", value_parser = crate::time::parse_seconds, value_name = "TIME")]
    overlap: u32,
}

/// How both end.
#[derive(Debug, Subcommand)]
pub(crate) enum End {
    /// Let one end at a time: nothing new that it signs is taken then, and what runs goes on
    #[command(after_help = help::EXPIRE)]
    Expire {
        /// Its number
        number: u64,
        /// When, such as 2027-01-01T00:00:00Z; now if left out
        #[arg(long, value_name = "TIME")]
        at: Option<Timestamp>,
    },
    /// Revoke one: what it signed is refused, and stopped where it runs
    #[command(after_help = help::REVOKE)]
    Revoke {
        /// Its number
        number: u64,
        /// Why: one line, shown with every refusal
        #[arg(long)]
        reason: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Take one out of the trust store; what it signed goes on where it runs
    #[command(after_help = help::CREDENTIAL_REMOVE)]
    Remove {
        /// Its number
        number: u64,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

impl Key {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Add { file, grant } => {
                let create = CredentialCreate {
                    key: Some(file.text()?),
                    ..grant.create()
                };
                add(context, &create).await
            }
            Self::List => list(context, "key").await,
            Self::Rotate {
                number,
                file,
                overlap,
            } => {
                let rotate = CredentialRotate {
                    key: Some(file.text()?),
                    overlap: overlap.overlap,
                    ..CredentialRotate::default()
                };
                self::rotate(context, number, &rotate).await
            }
            Self::End(end) => end.run(context).await,
        }
    }
}

impl Identity {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Add {
                issuer,
                subject,
                grant,
            } => {
                let create = CredentialCreate {
                    issuer: Some(issuer),
                    subject: Some(subject),
                    ..grant.create()
                };
                add(context, &create).await
            }
            Self::List => list(context, "identity").await,
            Self::Rotate {
                number,
                issuer,
                subject,
                overlap,
            } => {
                let rotate = CredentialRotate {
                    issuer: Some(issuer),
                    subject: Some(subject),
                    overlap: overlap.overlap,
                    ..CredentialRotate::default()
                };
                self::rotate(context, number, &rotate).await
            }
            Self::End(end) => end.run(context).await,
        }
    }
}

impl Grant {
    fn create(self) -> CredentialCreate {
        CredentialCreate {
            signer: self.signer,
            applications: self.applications,
            authority: self.authority,
            valid_from: self.from,
            valid_until: self.until,
            ..CredentialCreate::default()
        }
    }
}

async fn add(context: &Context, create: &CredentialCreate) -> Result<(), Failure> {
    let answer = context.client.post("/trust/credentials", create).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let view: CredentialView = answer.view()?;
    context.out.text(&format!(
        "Number {}: {} of {} may sign {}.",
        view.id,
        name(&view),
        view.signer,
        view.applications.join(", ")
    ))
}

async fn rotate(context: &Context, number: u64, rotate: &CredentialRotate) -> Result<(), Failure> {
    let address = address(number, Some("rotate"));
    let answer = context.client.post(&address, rotate).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let view: CredentialView = answer.view()?;
    context.out.text(&format!(
        "Number {}: {} of {} took the place of number {number}.",
        view.id,
        name(&view),
        view.signer
    ))
}

async fn list(context: &Context, kind: &str) -> Result<(), Failure> {
    let mut answer = context
        .client
        .list("/trust/credentials", &vec![], None)
        .await?;
    if context.out.is_json() {
        if let Some(all) = answer.raw.as_array_mut() {
            all.retain(|one| one.pointer("/kind").is_some_and(|of| of == kind));
        }
        return context.out.json(&answer.raw);
    }
    let all: Vec<CredentialView> = answer.view()?;
    let of_kind = all.into_iter().filter(|one| one.kind == kind);
    let rows = of_kind.map(|one| {
        let tint = match one.state.as_str() {
            "in-force" => Tint::Good,
            "revoked" => Tint::Bad,
            _ => Tint::Faint,
        };
        let until = one.valid_until;
        let until = until.map_or_else(String::new, |until| context.out.clock.short(until));
        let signer = if one.authority {
            format!("{} (authority)", one.signer)
        } else {
            one.signer.clone()
        };
        vec![
            number(one.id),
            cell(signer),
            cell(name(&one)),
            cell(one.applications.join(", ")),
            cell(one.state).tint(tint),
            cell(until),
        ]
    });
    let header = ["NUMBER", "SIGNER", "WHAT", "APPLICATIONS", "STATE", "UNTIL"];
    let none = match kind {
        "key" => "No key is trusted; `muster trust key add FILE` adds one.",
        _ => "No identity is trusted; `muster trust identity add` adds one.",
    };
    context.out.table(&header, rows.collect(), none)
}

fn name(view: &CredentialView) -> String {
    match (&view.key_id, &view.fingerprint, &view.subject, &view.issuer) {
        (Some(id), Some(fingerprint), _, _) => format!("key {id} ({fingerprint})"),
        (_, _, Some(subject), Some(issuer)) => format!("{subject} of {issuer}"),
        _ => view.kind.clone(),
    }
}

impl End {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Expire { number, at } => {
                let expire = CredentialExpire {
                    valid_until: at.unwrap_or_else(Timestamp::now),
                };
                let address = address(number, Some("expire"));
                let answer = context.client.post(&address, &expire).await?;
                if context.out.is_json() {
                    return context.out.json(&answer.raw);
                }
                let until = expire.valid_until;
                let until = context.out.clock.long(until);
                context
                    .out
                    .text(&format!("Number {number} ends at {until}."))
            }
            Self::Revoke {
                number,
                reason,
                yes,
            } => {
                let question =
                    format!("Revoke number {number}? Plug-ins that it alone signed are stopped.");
                confirm(yes, &question)?;
                let address = address(number, Some("revoke"));
                let revoke = CredentialRevoke { reason };
                let answer = context.client.post(&address, &revoke).await?;
                if context.out.is_json() {
                    return context.out.json(&answer.raw);
                }
                context.out.text(&format!("Number {number} is revoked."))
            }
            Self::Remove { number, yes } => {
                confirm(
                    yes,
                    &format!("Remove number {number} from the trust store?"),
                )?;
                context.client.delete(&address(number, None)).await?;
                done(context, &format!("Number {number} is removed."))
            }
        }
    }
}

fn address(number: u64, act: Option<&str>) -> String {
    let number = number.to_string();
    let segments = ["trust", "credentials", number.as_str()];
    match act {
        Some(act) => path(&[&segments[..], &[act]].concat()),
        None => path(&segments),
    }
}
