//! Administrators of the server.

use crate::client::path;
use crate::command::{Context, confirm};
use crate::failure::Failure;
use crate::output::cell;
use clap::Subcommand;
use muster_api::administrator::{AdministratorCreate, AdministratorView};

const EXAMPLES: &str = "\
Example:
  A second administrator, who approves what is destructive:
    muster administrator add anna
  The token is shown once; anna gives it to `muster login`.";

#[derive(Debug, Subcommand)]
pub(crate) enum Administrator {
    /// List all administrators
    List,
    /// Add an administrator, and show the token once
    #[command(after_help = EXAMPLES)]
    Add {
        /// The name, as events tell it
        name: String,
    },
    /// Remove an administrator: the token is good no longer
    Remove {
        /// The name
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

impl Administrator {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List => list(context).await,
            Self::Add { name } => add(context, name).await,
            Self::Remove { name, yes } => remove(context, &name, yes).await,
        }
    }
}

async fn list(context: &Context) -> Result<(), Failure> {
    let answer = context
        .client
        .list("/administrators", &vec![], None)
        .await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let all: Vec<AdministratorView> = answer.view()?;
    let rows = all.into_iter().map(|one| {
        let since = context.out.clock.short(one.created_at);
        vec![cell(one.name), cell(since)]
    });
    context
        .out
        .table(&["NAME", "SINCE"], rows.collect(), "No administrators.")
}

async fn add(context: &Context, name: String) -> Result<(), Failure> {
    let body = AdministratorCreate { name };
    let answer = context.client.post("/administrators", &body).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let view: AdministratorView = answer.view()?;
    context.out.note(&format!(
        "Added administrator {}. This token is shown once:",
        view.name
    ));
    context.out.text(&view.token.unwrap_or_default())
}

async fn remove(context: &Context, name: &str, yes: bool) -> Result<(), Failure> {
    confirm(yes, &format!("Remove administrator {name}?"))?;
    let answer = context
        .client
        .delete(&path(&["administrators", name]))
        .await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    context.out.text(&format!("Removed administrator {name}."))
}
