//! What plug-ins ask for: shown, granted, withdrawn.

use super::revision::Named;
use crate::client::path;
use crate::command::Context;
use crate::failure::Failure;
use crate::output::{Cell, Tint, cell};
use clap::Args;
use muster_api::page::Page;
use muster_api::plugin::{AskView, GrantsChange};

/// What is said to a plug-in's asks when it is installed.
#[derive(Debug, Args)]
pub(super) struct Said {
    /// What it may use of what it asks for, by commas: files, clock, random, or a limit, such as
    /// memory=128; a plug-in that waits for a word says what it asks for
    #[arg(long, value_name = "RIGHT[=NUMBER]", value_delimiter = ',')]
    grant: Vec<String>,
    /// What it may not use of what it asks for, by commas
    #[arg(long, value_name = "RIGHT", value_delimiter = ',')]
    deny: Vec<String>,
}

impl Said {
    /// As the server takes it.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        [("grant", &self.grant), ("deny", &self.deny)]
            .into_iter()
            .filter(|(_, rights)| !rights.is_empty())
            .map(|(name, rights)| (name, rights.join(",")))
            .collect()
    }
}

/// Grants what a plug-in asks for.
pub(super) async fn grant(
    context: &Context,
    application: String,
    revision: Option<String>,
    rights: Vec<String>,
) -> Result<(), Failure> {
    let change = GrantsChange {
        grant: rights,
        deny: Vec::new(),
    };
    say(context, application, revision, &change).await
}

/// Denies it, or takes it back.
pub(super) async fn withdraw(
    context: &Context,
    application: String,
    revision: Option<String>,
    rights: Vec<String>,
) -> Result<(), Failure> {
    let change = GrantsChange {
        grant: Vec::new(),
        deny: rights,
    };
    say(context, application, revision, &change).await
}

async fn say(
    context: &Context,
    application: String,
    revision: Option<String>,
    change: &GrantsChange,
) -> Result<(), Failure> {
    let address = if revision.is_some() {
        let named = Named::new(application, revision);
        let digest = named.find(context, &[]).await?;
        let application = named.application();
        path(&["plugins", application, "revisions", &digest, "grants"])
    } else {
        path(&["plugins", &application, "grants"])
    };
    let answer = context.client.patch(&address, change).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let asks: Page<AskView> = answer.view()?;
    table(context, asks.items)
}

/// What a plug-in asks for, as a part of what is shown of it; nothing if it asks for nothing.
pub(super) async fn show(context: &Context, application: &str) -> Result<(), Failure> {
    let address = path(&["plugins", application, "grants"]);
    let answer = context.client.get(&address, &vec![]).await?;
    let asks: Page<AskView> = answer.view()?;
    if asks.items.is_empty() {
        return Ok(());
    }
    context.out.text("")?;
    table(context, asks.items)
}

/// Asks, and what was said to them.
pub(super) fn table(context: &Context, asks: Vec<AskView>) -> Result<(), Failure> {
    let rows = asks.into_iter().map(|ask| {
        let word = word(&ask);
        let amount = |value: Option<u32>| {
            let unit = ask.unit.as_deref().unwrap_or_default();
            value.map_or_else(String::new, |value| format!("{value} {unit}"))
        };
        let (asked, granted) = (amount(ask.value), amount(ask.granted));
        vec![
            cell(ask.name),
            cell(asked),
            word,
            cell(granted),
            cell(ask.said_by.unwrap_or_default()),
            cell(ask.reason),
        ]
    });
    context.out.table(
        &["ASKS FOR", "HOW MUCH", "WORD", "GRANTED", "BY", "REASON"],
        rows.collect(),
        "It asks for nothing.",
    )
}

fn word(ask: &AskView) -> Cell {
    let tint = match ask.word.as_str() {
        "granted" => Tint::Good,
        "denied" => Tint::Faint,
        _ => Tint::Bad,
    };
    cell(ask.word.clone()).tint(tint)
}
