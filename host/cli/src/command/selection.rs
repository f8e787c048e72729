//! Selections: saved queries over devices.

use crate::client::path;
use crate::command::{Context, confirm};
use crate::failure::Failure;
use crate::output::{Tint, cell, number};
use clap::Subcommand;
use muster_api::selection::{SelectionMeant, SelectionTry, SelectionView, SelectionWrite};
use serde_json::{Value, json};

const EXAMPLES: &str = "\
Examples:
  muster selection create 'Old scanners' 'application net.clamav.clamav version < 1.4.2'
  muster selection try 'platform = linux and group below /Servers and not online'
  docs/selections.md has all that a query can ask for.";

#[derive(Debug, Subcommand)]
pub(crate) enum Selection {
    /// List all selections
    List,
    /// Show a selection and the devices that it means now
    Show {
        /// Its number or name
        selection: String,
    },
    /// Show the devices that a query means now, without saving it
    #[command(after_help = EXAMPLES)]
    Try {
        /// The query
        query: String,
    },
    /// Save a query under a name
    #[command(after_help = EXAMPLES)]
    Create {
        /// The name
        name: String,
        /// The query
        query: String,
    },
    /// Change a selection: the parts that are given
    Set {
        /// Its number or name
        selection: String,
        /// Another name
        #[arg(long)]
        name: Option<String>,
        /// Another query
        #[arg(long)]
        query: Option<String>,
    },
    /// Remove a selection
    Remove {
        /// Its number or name
        selection: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

impl Selection {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List => list(context).await,
            Self::Show { selection } => show(context, &selection).await,
            Self::Try { query } => {
                let body = SelectionTry { query };
                let answer = context.client.post("/selections/try", &body).await?;
                if context.out.is_json() {
                    return context.out.json(&answer.raw);
                }
                let meant: SelectionMeant = answer.view()?;
                super::task::findings(context, &meant.findings)?;
                devices(context, meant)
            }
            Self::Create { name, query } => {
                let body = SelectionWrite {
                    selection: json!({ "name": name, "query": query }),
                };
                let answer = context.client.post("/selections", &body).await?;
                if context.out.is_json() {
                    return context.out.json(&answer.raw);
                }
                let view: SelectionView = answer.view()?;
                context
                    .out
                    .text(&format!("Created selection {}.", view.id))?;
                super::task::findings(context, &view.findings)
            }
            Self::Set {
                selection,
                name,
                query,
            } => set(context, &selection, name, query).await,
            Self::Remove { selection, yes } => remove(context, &selection, yes).await,
        }
    }
}

/// A selection by its number or name.
async fn find(context: &Context, selection: &str) -> Result<SelectionView, Failure> {
    let number: Option<i64> = selection.parse().ok();
    let named =
        |one: &SelectionView| Some(one.id) == number || word(&one.selection, "name") == selection;
    let answer = context.client.list("/selections", &vec![], None).await?;
    let all: Vec<SelectionView> = answer.view()?;
    all.into_iter().find(named).ok_or_else(|| {
        Failure::NotFound(format!(
            "there is no selection {selection:?}; `muster selection list` shows all"
        ))
    })
}

async fn list(context: &Context) -> Result<(), Failure> {
    let answer = context.client.list("/selections", &vec![], None).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let selections: Vec<SelectionView> = answer.view()?;
    let rows = selections.into_iter().map(|view| {
        vec![
            number(view.id),
            cell(word(&view.selection, "name")),
            cell(word(&view.selection, "query")),
        ]
    });
    let none = "No selections; `muster selection create` saves one.";
    context
        .out
        .table(&["ID", "NAME", "QUERY"], rows.collect(), none)
}

async fn show(context: &Context, selection: &str) -> Result<(), Failure> {
    let view = find(context, selection).await?;
    let id = view.id.to_string();
    let at = path(&["selections", &id, "devices"]);
    let answer = context.client.get(&at, &vec![]).await?;
    if context.out.is_json() {
        return context
            .out
            .json(&json!({ "selection": view, "devices": answer.raw }));
    }
    let changed = context.out.clock.long(view.changed_at);
    context.out.fields(vec![
        ("id", cell(id)),
        ("name", cell(word(&view.selection, "name"))),
        ("query", cell(word(&view.selection, "query"))),
        ("changed", cell(format!("{changed} by {}", view.changed_by))),
    ])?;
    devices(context, answer.view()?)
}

fn devices(context: &Context, meant: SelectionMeant) -> Result<(), Failure> {
    let shown = u64::try_from(meant.devices.len()).unwrap_or(u64::MAX);
    let rest = meant.count.saturating_sub(shown);
    let (count, of) = (meant.count, meant.of);
    let rows = meant.devices.into_iter().map(|device| {
        let link = if device.online {
            cell("online").tint(Tint::Good)
        } else {
            cell("offline")
        };
        vec![
            number(i64::from(device.id)),
            cell(device.name),
            cell(device.group_path),
            link,
        ]
    });
    let none = "It means no device now.";
    context
        .out
        .table(&["ID", "NAME", "GROUP", "LINK"], rows.collect(), none)?;
    if rest > 0 {
        context.out.text(&format!("… and {rest} more."))?;
    }
    context.out.text(&format!("{count} of {of} devices."))
}

async fn set(
    context: &Context,
    selection: &str,
    name: Option<String>,
    query: Option<String>,
) -> Result<(), Failure> {
    if name.is_none() && query.is_none() {
        return Err(Failure::Usage(
            "nothing to change; --help shows what can be".into(),
        ));
    }
    let known = find(context, selection).await?;
    let mut selection = known.selection;
    for (key, value) in [("name", name), ("query", query)] {
        if let (Some(value), Some(selection)) = (value, selection.as_object_mut()) {
            selection.insert(key.to_owned(), json!(value));
        }
    }
    let id = known.id.to_string();
    let body = SelectionWrite { selection };
    let answer = context
        .client
        .put_json(&path(&["selections", &id]), &body)
        .await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let view: SelectionView = answer.view()?;
    context
        .out
        .text(&format!("Changed selection {}.", view.id))?;
    super::task::findings(context, &view.findings)
}

async fn remove(context: &Context, selection: &str, yes: bool) -> Result<(), Failure> {
    let known = find(context, selection).await?;
    confirm(yes, &format!("Remove selection {selection}?"))?;
    let id = known.id.to_string();
    let answer = context.client.delete(&path(&["selections", &id])).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    context.out.text(&format!("Removed selection {selection}."))
}

fn word(selection: &Value, field: &str) -> String {
    let value = selection.get(field).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}
