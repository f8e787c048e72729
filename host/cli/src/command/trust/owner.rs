//! Whose each application is.

use crate::client::path;
use crate::command::help;
use crate::command::{Context, confirm};
use crate::failure::Failure;
use crate::output::cell;
use clap::Subcommand;
use muster_api::trust::{OwnerMove, OwnerView};

#[derive(Debug, Subcommand)]
pub(crate) enum Owner {
    /// Show whose each application is, or one application
    #[command(after_help = help::OWNER_SHOW)]
    Show {
        /// The application; all if left out
        application: Option<String>,
    },
    /// Give an application to another signer: plug-ins by the former owner are refused from then on
    #[command(after_help = help::OWNER_MOVE)]
    Move {
        /// The application
        application: String,
        /// The new owner, who has a key or identity in the trust store
        signer: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Take an application from its owner: it is nobody's until the next signed plug-in for it
    #[command(after_help = help::OWNER_RELEASE)]
    Release {
        /// The application
        application: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

impl Owner {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Show { application } => show(context, application.as_deref()).await,
            Self::Move {
                application,
                signer,
                yes,
            } => {
                confirm(yes, &format!("Give application {application} to {signer}?"))?;
                let address = path(&["trust", "owners", &application]);
                let answer = context
                    .client
                    .put_json(&address, &OwnerMove { signer })
                    .await?;
                if context.out.is_json() {
                    return context.out.json(&answer.raw);
                }
                let owner: OwnerView = answer.view()?;
                context.out.text(&format!(
                    "Application {} belongs to {}.",
                    owner.application, owner.signer
                ))
            }
            Self::Release { application, yes } => {
                let question = format!("Take application {application} from its owner?");
                confirm(yes, &question)?;
                let address = path(&["trust", "owners", &application]);
                let answer = context.client.delete(&address).await?;
                if context.out.is_json() {
                    return context.out.json(&answer.raw);
                }
                context.out.text(&format!(
                    "Application {application} is nobody's; the next signed plug-in for it sets its owner."
                ))
            }
        }
    }
}

async fn show(context: &Context, application: Option<&str>) -> Result<(), Failure> {
    let mut answer = context.client.list("/trust/owners", &vec![], None).await?;
    if let (Some(application), Some(all)) = (application, answer.raw.as_array_mut()) {
        all.retain(|owner| {
            owner
                .pointer("/application")
                .is_some_and(|of| of == application)
        });
    }
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let owners: Vec<OwnerView> = answer.view()?;
    let rows = owners.into_iter().map(|owner| {
        vec![
            cell(owner.application),
            cell(owner.signer),
            cell(context.out.clock.short(owner.since)),
            cell(owner.set_by),
        ]
    });
    let header = ["APPLICATION", "OWNER", "SINCE", "BY"];
    context.out.table(
        &header,
        rows.collect(),
        "No application has an owner; the first signed plug-in for one sets it.",
    )
}
