//! Maintenance windows and blackouts.

use crate::client::path;
use crate::command::task::schedule_text;
use crate::command::{Context, confirm};
use crate::failure::Failure;
use crate::input::Source;
use crate::output::{Tint, cell, clean_lines, number};
use clap::{Args, Subcommand, ValueEnum};
use muster_api::window::{WindowChange, WindowCreate, WindowView};
use serde_json::{Value, json};

const EXAMPLES: &str = "\
Examples:
  Tasks start on the servers from 22:00 to 4:00 alone:
    muster window create night --group /Servers --daily 22:00 --hours 6
  None starts anywhere while the year is closed:
    muster window create close --blackout --json '{\"once\": {\"at\": \"2026-12-28T00:00\"}}' --hours 120
  Where a device has maintenance windows, tasks start while one is open; while a blackout is open, none
  starts. What runs goes on. docs/schedules.md says more.";

#[derive(Debug, Subcommand)]
pub(crate) enum Window {
    /// List all windows
    List,
    /// Show a window and when it opens next
    Show {
        /// Its number or name
        window: String,
    },
    /// Create a window for the devices of a group or selection
    #[command(after_help = EXAMPLES)]
    Create(Create),
    /// Change a window: the parts that are given
    Set(Set),
    /// Remove a window
    Remove {
        /// Its number or name
        window: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// When it opens: at most one of these.
#[derive(Debug, Args)]
struct Opens {
    /// It opens every day at this time
    #[arg(long, value_name = "HH:MM", group = "opens")]
    daily: Option<String>,
    /// It opens at the minutes that a cron expression names
    #[arg(long, value_name = "EXPRESSION", group = "opens")]
    cron: Option<String>,
    /// It opens by one of the items of a schedule, as JSON
    #[arg(long, value_name = "JSON", group = "opens")]
    json: Option<String>,
    /// The whole window as a file with JSON; `-` is standard input
    #[arg(long, value_name = "FILE", group = "opens")]
    file: Option<Source>,
    /// By which clock: device, utc, or a zone such as Europe/Berlin; that of each device if left out
    #[arg(long)]
    zone: Option<String>,
    /// How long it is open
    #[arg(long)]
    hours: Option<u32>,
    /// How long it is open, in minutes
    #[arg(long, conflicts_with = "hours")]
    minutes: Option<u32>,
}

impl Opens {
    /// Puts what is given into a window.
    fn apply(&self, window: &mut Value) -> Result<(), Failure> {
        if let Some(file) = &self.file {
            *window = file.json()?;
        }
        if let Some(time) = &self.daily {
            put(
                window,
                "opens",
                json!({ "every-days": { "from": format!("2020-01-01T{time}") } }),
            );
        }
        if let Some(expression) = &self.cron {
            put(
                window,
                "opens",
                json!({ "cron": { "expression": expression } }),
            );
        }
        if let Some(text) = &self.json {
            let opens = serde_json::from_str(text)
                .map_err(|error| Failure::Usage(format!("--json is no valid JSON: {error}")))?;
            put(window, "opens", opens);
        }
        if let Some(zone) = &self.zone {
            put(window, "zone", json!(zone));
        }
        if let Some(minutes) = self
            .minutes
            .or(self.hours.map(|hours| hours.saturating_mul(60)))
        {
            put(window, "minutes", json!(minutes));
        }
        Ok(())
    }
}

/// Puts a part into a window. What is no object stays as it is, and the server says what is wrong.
fn put(window: &mut Value, part: &str, value: Value) {
    if let Some(window) = window.as_object_mut() {
        window.insert(part.to_owned(), value);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Maintenance,
    Blackout,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its name
    name: String,
    /// For the devices of this group and those below it, by number or path; all devices if left out
    #[arg(long)]
    group: Option<String>,
    /// For the devices that this selection means, by number or name
    #[arg(long, conflicts_with = "group")]
    selection: Option<String>,
    /// No task starts while it is open; without this, tasks start only while it is
    #[arg(long)]
    blackout: bool,
    #[command(flatten)]
    opens: Opens,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Its number or name
    window: String,
    /// Another name
    #[arg(long)]
    name: Option<String>,
    /// Another group, by number or path
    #[arg(long)]
    group: Option<String>,
    /// A selection in place of a group, by number or name
    #[arg(long, conflicts_with = "group")]
    selection: Option<String>,
    /// Another kind
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    #[command(flatten)]
    opens: Opens,
}

impl Window {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List => list(context).await,
            Self::Show { window } => {
                let id = find(context, &window).await?.id.to_string();
                let answer = context
                    .client
                    .get(&path(&["windows", &id]), &vec![])
                    .await?;
                if context.out.is_json() {
                    return context.out.json(&answer.raw);
                }
                show(context, &answer.view()?)
            }
            Self::Create(create) => create.run(context).await,
            Self::Set(set) => set.run(context).await,
            Self::Remove { window, yes } => remove(context, &window, yes).await,
        }
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let kind = if self.blackout {
            "blackout"
        } else {
            "maintenance"
        };
        let mut window = json!({ "kind": kind });
        self.opens.apply(&mut window)?;
        put(&mut window, "name", json!(self.name));
        if window.get("opens").is_none() || window.get("minutes").is_none() {
            return Err(Failure::Usage(
                "when does it open, and for how long? Give --daily, --cron, --json or --file, and \
                 --hours or --minutes"
                    .into(),
            ));
        }
        let body = WindowCreate {
            group: self.group,
            selection: self.selection,
            window,
        };
        let answer = context.client.post("/windows", &body).await?;
        if context.out.is_json() {
            return context.out.json(&answer.raw);
        }
        let view: WindowView = answer.view()?;
        context
            .out
            .text(&format!("Created window {} for {}.", view.id, view.of))?;
        super::task::findings(context, &view.findings)
    }
}

impl Set {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let known = find(context, &self.window).await?;
        let mut window = known.window.clone();
        self.opens.apply(&mut window)?;
        if let Some(name) = &self.name {
            put(&mut window, "name", json!(name));
        }
        if let Some(kind) = self.kind {
            let kind = match kind {
                Kind::Maintenance => "maintenance",
                Kind::Blackout => "blackout",
            };
            put(&mut window, "kind", json!(kind));
        }
        if window == known.window && self.group.is_none() && self.selection.is_none() {
            return Err(Failure::Usage(
                "nothing to change; --help shows what can be".into(),
            ));
        }
        let body = WindowChange {
            group: self.group,
            selection: self.selection,
            window: (window != known.window).then_some(window),
        };
        let id = known.id.to_string();
        let answer = context
            .client
            .patch(&path(&["windows", &id]), &body)
            .await?;
        if context.out.is_json() {
            return context.out.json(&answer.raw);
        }
        let view: WindowView = answer.view()?;
        context.out.text(&format!("Changed window {}.", view.id))?;
        super::task::findings(context, &view.findings)
    }
}

async fn all(context: &Context) -> Result<Vec<WindowView>, Failure> {
    Ok(context
        .client
        .list("/windows", &vec![], None)
        .await?
        .view()?)
}

/// A window by its number or name.
async fn find(context: &Context, window: &str) -> Result<WindowView, Failure> {
    let number: Option<i64> = window.parse().ok();
    let named = |one: &WindowView| {
        Some(one.id) == number || one.window.get("name").and_then(Value::as_str) == Some(window)
    };
    all(context).await?.into_iter().find(named).ok_or_else(|| {
        Failure::NotFound(format!(
            "there is no window {window:?}; `muster window list` shows all"
        ))
    })
}

async fn list(context: &Context) -> Result<(), Failure> {
    let answer = context.client.list("/windows", &vec![], None).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let windows: Vec<WindowView> = answer.view()?;
    let rows = windows.into_iter().map(|view| {
        let next = view.next.first().map(|next| context.out.clock.short(*next));
        vec![
            number(view.id),
            cell(word(&view.window, "name")),
            kind(&view.window),
            cell(view.of.clone()),
            cell(schedule_text(&opens(&view.window))),
            cell(length(&view.window)),
            cell(next.unwrap_or_else(|| "never".into())),
        ]
    });
    context.out.table(
        &["ID", "NAME", "KIND", "FOR", "OPENS", "OPEN FOR", "NEXT"],
        rows.collect(),
        "No windows; tasks start at any time.",
    )
}

fn show(context: &Context, view: &WindowView) -> Result<(), Failure> {
    let clock = &context.out.clock;
    let next: Vec<String> = view.next.iter().map(|next| clock.long(*next)).collect();
    context.out.fields(vec![
        ("id", cell(view.id.to_string())),
        ("name", cell(word(&view.window, "name"))),
        ("kind", kind(&view.window)),
        ("for", cell(view.of.clone())),
        ("opens", cell(schedule_text(&opens(&view.window)))),
        ("open for", cell(length(&view.window))),
        (
            "changed",
            cell(format!(
                "{} by {}",
                clock.long(view.changed_at),
                view.changed_by
            )),
        ),
        (
            "next",
            cell(if next.is_empty() {
                "never".into()
            } else {
                next.join("; ")
            }),
        ),
    ])?;
    context
        .out
        .whole(&format!("\n{}", clean_lines(&format!("{:#}", view.window))))
}

fn word(window: &Value, field: &str) -> String {
    window
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn kind(window: &Value) -> crate::output::Cell {
    let kind = word(window, "kind");
    let tint = if kind == "blackout" {
        Tint::Attention
    } else {
        Tint::Good
    };
    cell(kind).tint(tint)
}

/// When a window opens, as a schedule says it.
fn opens(window: &Value) -> Value {
    json!({ "when": window.get("opens"), "zone": window.get("zone") })
}

fn length(window: &Value) -> String {
    let minutes = window
        .get("minutes")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    crate::time::seconds(minutes * 60)
}

async fn remove(context: &Context, window: &str, yes: bool) -> Result<(), Failure> {
    let known = find(context, window).await?;
    confirm(yes, &format!("Remove window {window}?"))?;
    let id = known.id.to_string();
    let answer = context.client.delete(&path(&["windows", &id])).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    context.out.text(&format!("Removed window {window}."))
}
