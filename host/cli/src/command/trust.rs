//! Whom the server trusts: policy, keys, identities, owners, revocation lists.

mod credential;
mod owner;
pub(crate) mod revocations;

use crate::client::path;
use crate::command::help;
use crate::command::{Context, confirm};
use crate::failure::Failure;
use crate::input::Source;
use crate::output::{Tint, cell};
use clap::{Subcommand, ValueEnum};
use muster_api::trust::{TrustPolicyChange, TrustRootChange, TrustView};

#[derive(Debug, Subcommand)]
pub(crate) enum Trust {
    /// Show the trust store at a glance
    #[command(after_help = help::TRUST_SHOW)]
    Show,
    /// Show the trust policy, or set it
    #[command(after_help = help::POLICY)]
    Policy {
        /// What happens to plug-ins without a signature
        #[arg(value_enum)]
        policy: Option<Policy>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Minisign keys
    #[command(subcommand)]
    Key(credential::Key),
    /// Identities that a Sigstore certificate authority vouches for
    #[command(subcommand)]
    Identity(credential::Identity),
    /// Whose each application is
    #[command(subcommand)]
    Owner(owner::Owner),
    /// Revocation lists
    #[command(subcommand)]
    Revocations(revocations::Revocations),
    /// Sigstore's trusted root
    #[command(subcommand)]
    Root(Root),
    /// Allow a component without a signature, where the policy is `pinned`
    #[command(after_help = help::PIN)]
    Pin {
        /// Its digest: sha256: and 64 hexadecimal digits
        digest: String,
    },
    /// Allow a component without a signature no longer
    #[command(after_help = help::UNPIN)]
    Unpin {
        /// Its digest
        digest: String,
    },
}

/// What happens to plug-ins without a signature. One with a wrong signature is always refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Policy {
    /// They are refused
    Required,
    /// They are refused, but for those whose digest was pinned
    Pinned,
    /// They are admitted and marked: for who develops a plug-in
    Dev,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Root {
    /// Show the digest of the trusted root
    #[command(after_help = help::ROOT_SHOW)]
    Show,
    /// Set the trusted root that Sigstore bundles must lead to
    #[command(after_help = help::ROOT_SET)]
    Set {
        /// The file `trusted_root.json` of a Sigstore installation
        file: Source,
    },
    /// Take the trusted root away: Sigstore bundles are refused
    #[command(after_help = help::ROOT_REMOVE)]
    Remove {
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

impl Trust {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Show => show(context).await,
            Self::Policy { policy, yes } => self::policy(context, policy, yes).await,
            Self::Key(key) => key.run(context).await,
            Self::Identity(identity) => identity.run(context).await,
            Self::Owner(owner) => owner.run(context).await,
            Self::Revocations(revocations) => revocations.run(context).await,
            Self::Root(root) => root.run(context).await,
            Self::Pin { digest } => {
                context
                    .client
                    .put_json(&path(&["trust", "pins", &digest]), &serde_json::json!({}))
                    .await?;
                done(context, &format!("Component {digest} is pinned."))
            }
            Self::Unpin { digest } => {
                context
                    .client
                    .delete(&path(&["trust", "pins", &digest]))
                    .await?;
                done(context, &format!("Component {digest} is no longer pinned."))
            }
        }
    }
}

/// Says that something was done, to people alone.
pub(super) fn done(context: &Context, text: &str) -> Result<(), Failure> {
    if context.out.is_json() {
        return Ok(());
    }
    context.out.text(text)
}

async fn show(context: &Context) -> Result<(), Failure> {
    let answer = context.client.get("/trust", &vec![]).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let trust: TrustView = answer.view()?;
    let tint = if trust.policy == "dev" {
        Tint::Bad
    } else {
        Tint::None
    };
    let mut fields = vec![
        ("policy", cell(trust.policy).tint(tint)),
        (
            "sigstore root",
            cell(trust.root.unwrap_or_else(|| "none".into())),
        ),
        ("keys and identities", cell(trust.credentials.to_string())),
        ("owned applications", cell(trust.owners.to_string())),
        ("revocation lists", cell(trust.revocations.to_string())),
    ];
    for pin in trust.pins {
        let text = format!("{} by {}", pin.digest, pin.pinned_by);
        fields.push(("pinned", cell(text)));
    }
    context.out.fields(fields)
}

async fn policy(context: &Context, policy: Option<Policy>, yes: bool) -> Result<(), Failure> {
    let Some(policy) = policy else {
        let answer = context.client.get("/trust", &vec![]).await?;
        if context.out.is_json() {
            return context.out.json(&answer.raw);
        }
        return context.out.text(&answer.view::<TrustView>()?.policy);
    };
    let name = match policy {
        Policy::Required => "required",
        Policy::Pinned => "pinned",
        Policy::Dev => "dev",
    };
    if policy == Policy::Dev {
        confirm(yes, "Admit plug-ins that nobody signed, from now on?")?;
    }
    let change = TrustPolicyChange {
        policy: name.into(),
    };
    context.client.put_json("/trust/policy", &change).await?;
    done(context, &format!("The trust policy is {name}."))
}

impl Root {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Show => {
                let answer = context.client.get("/trust", &vec![]).await?;
                if context.out.is_json() {
                    return context.out.json(&answer.raw);
                }
                let root = answer.view::<TrustView>()?.root;
                let text = root.unwrap_or_else(|| {
                    "There is none; `muster trust root set FILE` sets one.".into()
                });
                context.out.text(&text)
            }
            Self::Set { file } => {
                let change = TrustRootChange {
                    root: Some(file.text()?),
                };
                context.client.put_json("/trust/root", &change).await?;
                done(context, "Sigstore's trusted root is set.")
            }
            Self::Remove { yes } => {
                confirm(yes, "Refuse all Sigstore bundles from now on?")?;
                let change = TrustRootChange { root: None };
                context.client.put_json("/trust/root", &change).await?;
                done(context, "Sigstore's trusted root is gone.")
            }
        }
    }
}
