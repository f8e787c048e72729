//! What people and programs are shown of the local store: tables, or JSON.

use super::show_task::became;
use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use muster_agent::applications::Applications;
use muster_agent::connector::{ConnectorSource, read_folder};
use muster_agent::identity::Identity;
use muster_agent::store::delivery::{self, Delivery};
use muster_agent::store::log::{self, Entry};
use muster_agent::store::{Store, StoreError, news, standing};
use muster_domain::text::{escaped, plain as plain_text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

const FOLLOW_PAUSE: Duration = Duration::from_millis(500);

/// In which form.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
}

impl Output {
    /// Prints rows that are objects with these keys.
    pub(crate) fn rows(self, keys: &[&str], rows: &[Value]) {
        if self == Self::Json {
            println!("{}", escaped(&Value::from(rows).to_string()));
            return;
        }
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(keys.iter().map(|key| key.to_uppercase()));
        for row in rows {
            table.add_row(keys.iter().map(|key| plain(row.get(key))));
        }
        println!("{table}");
    }
}

fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".into(),
        Some(Value::String(text)) => printable(text),
        Some(other) => other.to_string(),
    }
}

/// Text from outside must not steer a terminal.
pub(crate) fn printable(text: &str) -> String {
    plain_text(text).into_owned()
}

/// The store, unless the agent has not run yet.
pub(crate) async fn look(data: &Path) -> Result<Option<Store>, StoreError> {
    match Store::look(data).await {
        Ok(store) => Ok(Some(store)),
        Err(StoreError::Missing(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

pub(crate) async fn status(data: &Path, output: Output, running: bool) -> anyhow::Result<ExitCode> {
    let identity = Identity::read(data)?;
    let (mut link, mut waiting, mut states) = (None, 0, BTreeMap::<&str, u64>::new());
    if let Some(store) = look(data).await? {
        let mut connection = store.acquire().await?;
        link = standing::find(&mut connection).await?;
        waiting = news::count(&mut connection).await?;
        for delivery in delivery::open(&mut connection).await? {
            *states.entry(delivery.state.as_str()).or_default() += 1;
        }
    }
    let link = match link.filter(|_| running) {
        Some(link) => json!({ "state": link.state, "since": link.since, "detail": link.detail }),
        None => json!({ "state": "none", "since": null, "detail": "" }),
    };
    let all = json!({
        "device": identity.device,
        "name": identity.name,
        "server": identity.server,
        "running": running,
        "link": link,
        "unacknowledged-news": waiting,
        "open-tasks": states,
    });
    if output == Output::Json {
        println!("{}", escaped(&all.to_string()));
        return Ok(ExitCode::SUCCESS);
    }
    let text = |key: &str| plain(link.get(key));
    let since = link
        .get("since")
        .and_then(Value::as_str)
        .map_or(String::new(), |since| format!(" since {since}"));
    let detail = Some(text("detail"))
        .filter(|detail| !detail.is_empty())
        .map_or(String::new(), |detail| format!(": {detail}"));
    let tasks: Vec<String> = states
        .iter()
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    println!(
        "Device     {} ({})",
        identity.device,
        printable(&identity.name)
    );
    println!("Server     {}", printable(&identity.server));
    println!(
        "Agent      {}",
        if running {
            "running"
        } else {
            "not running; start it with `muster-agent run`"
        }
    );
    println!("Link       {}{since}{detail}", text("state"));
    println!(
        "Tasks      {}",
        if tasks.is_empty() {
            "none open".to_owned()
        } else {
            tasks.join(", ")
        }
    );
    println!("News       {waiting} not yet acknowledged by the server");
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn tasks(data: &Path, output: Output, number: u32) -> anyhow::Result<ExitCode> {
    let deliveries = match look(data).await? {
        Some(store) => delivery::list(&mut *store.acquire().await?, number).await?,
        None => Vec::new(),
    };
    let rows: Vec<Value> = deliveries.iter().map(task).collect();
    output.rows(
        &[
            "run",
            "task",
            "type",
            "application",
            "state",
            "why",
            "changed",
        ],
        &rows,
    );
    Ok(ExitCode::SUCCESS)
}

fn task(delivery: &Delivery) -> Value {
    let (state, why) = became(delivery);
    json!({
        "run": delivery.order.run,
        "task": delivery.order.task_name,
        "type": delivery.order.task_type,
        "application": delivery.order.application,
        "state": state,
        "why": why,
        "attempt": delivery.attempt,
        "changed": delivery.changed_at,
    })
}

pub(crate) async fn log(
    data: &Path,
    output: Output,
    number: u32,
    follow: bool,
) -> anyhow::Result<ExitCode> {
    let Some(store) = look(data).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    let mut entries = log::newest(&mut *store.acquire().await?, number).await?;
    let mut last = 0;
    loop {
        for entry in &entries {
            println!("{}", line(entry, output));
            last = entry.id;
        }
        if !follow {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::time::sleep(FOLLOW_PAUSE).await;
        entries = log::after(&mut *store.acquire().await?, last).await?;
    }
}

fn line(entry: &Entry, output: Output) -> String {
    if output == Output::Table {
        return format!(
            "{:.3}  {:8}  {:18}  {}",
            entry.at,
            entry.severity,
            entry.kind,
            printable(&entry.text)
        );
    }
    let fields: BTreeMap<_, _> = entry.fields.iter().cloned().collect();
    let entry = json!({
        "id": entry.id,
        "at": entry.at,
        "severity": entry.severity,
        "kind": entry.kind,
        "text": entry.text,
        "run": entry.run,
        "fields": fields,
    });
    escaped(&entry.to_string()).into_owned()
}

pub(crate) async fn connectors(folder: &Path, output: Output) -> anyhow::Result<ExitCode> {
    let files = read_folder(folder)?;
    let good: Vec<_> = files
        .iter()
        .filter_map(|(_, connector)| connector.as_ref().ok().cloned())
        .collect();
    let applications = Applications::new();
    let source = ConnectorSource::Given(good.into());
    let mut view = applications.subscribe();
    let view = tokio::select! {
        () = applications.watch(&source, Duration::from_hours(1)) => None,
        seen = view.wait_for(|view| view.look > 0) => seen.ok().map(|view| view.clone()),
    }
    .unwrap_or_default();
    let rows: Vec<Value> = files
        .iter()
        .map(|(file, connector)| match connector {
            Ok(connector) => {
                let seen = view.applications.get(&connector.application);
                json!({
                    "file": file,
                    "application": connector.application,
                    "state": seen.map(|seen| seen.state),
                    "version": seen.and_then(|seen| seen.version.clone()),
                    "problem": null,
                })
            }
            Err(error) => json!({
                "file": file,
                "application": null,
                "state": "passed-over",
                "version": null,
                "problem": muster_domain::chain(error),
            }),
        })
        .collect();
    output.rows(
        &["file", "application", "state", "version", "problem"],
        &rows,
    );
    let bad = files.iter().any(|(_, connector)| connector.is_err());
    Ok(if bad {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
