//! The event log: what is in it, and what comes.

use crate::client::Query;
use crate::command::Context;
use crate::command::task::find;
use crate::failure::Failure;
use crate::output::{Output, Tint, clean, word};
use crate::watch::Patience;
use clap::{Args, Subcommand, ValueEnum};
use muster_api::event::{EventCreate, EventView};
use muster_domain::event::Severity;
use serde::Deserialize as _;
use serde_json::Value;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Events {
    #[command(subcommand)]
    post: Option<Post>,
    /// Go on with the events that come, until the command is ended
    #[arg(long, short)]
    follow: bool,
    /// The latest so many
    #[arg(short = 'n', long = "number", value_name = "N", default_value_t = 50)]
    number: usize,
    /// Only of this kind, such as application.threat-detected; `task.*` is all kinds that begin so
    #[arg(long)]
    kind: Option<String>,
    /// Only at least so severe
    #[arg(long, value_enum)]
    severity: Option<Weight>,
    /// Only about this application
    #[arg(long)]
    application: Option<String>,
    /// Only about this device, by number or name
    #[arg(long)]
    device: Option<String>,
    /// Only about this task, by number or name
    #[arg(long)]
    task: Option<String>,
    /// Only about this run
    #[arg(long)]
    run: Option<i64>,
}

#[derive(Debug, Subcommand)]
enum Post {
    /// Tell the server of something that happened elsewhere; tasks may start on it
    Post {
        /// repository.updated, or one that begins with `external.`, such as external.mirror.synchronised
        kind: String,
        /// One sentence for people
        text: String,
        /// How much it weighs
        #[arg(long, value_enum, default_value = "info")]
        severity: Weight,
        /// The application that it is about
        #[arg(long)]
        application: Option<String>,
        /// The device that it is about, by number or name
        #[arg(long)]
        device: Option<String>,
        /// More, for programs: a JSON object
        #[arg(long, value_name = "JSON", value_parser = object)]
        fields: Option<Value>,
    },
}

fn object(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("this is no JSON object".into()),
        Err(error) => Err(format!("this is no JSON: {error}")),
    }
}

impl Post {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let Self::Post {
            kind,
            text,
            severity,
            application,
            device,
            fields,
        } = self;
        let told = EventCreate {
            kind,
            text,
            severity: Some(severity.into()),
            application,
            device,
            fields,
        };
        let answer = context.client.post("/events", &told).await?;
        if context.out.is_json() {
            return context.out.json(&answer.raw);
        }
        let event: EventView = answer.view()?;
        context
            .out
            .text(&format!("Event {} was written.", event.id))
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Weight {
    Info,
    Warning,
    Critical,
}

impl From<Weight> for Severity {
    fn from(weight: Weight) -> Self {
        match weight {
            Weight::Info => Self::Info,
            Weight::Warning => Self::Warning,
            Weight::Critical => Self::Critical,
        }
    }
}

impl Events {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        if let Some(post) = self.post {
            return post.run(context).await;
        }
        let filter = self.filter(context).await?;
        let latest = latest(context, &filter, self.number).await?;
        if context.out.is_json() && !self.follow {
            return context.out.json(&Value::Array(latest));
        }
        if latest.is_empty() && !self.follow {
            return context.out.text("No events.");
        }
        let mut last = 0;
        for event in latest {
            last = last.max(id(&event));
            print(&context.out, &event)?;
        }
        if self.follow {
            follow(context, &filter, last).await
        } else {
            Ok(())
        }
    }

    async fn filter(&self, context: &Context) -> Result<Query<'static>, Failure> {
        let mut filter: Query<'static> = Vec::new();
        filter.extend(self.kind.clone().map(|kind| ("kind", kind)));
        filter.extend(
            self.severity
                .map(|weight| ("severity", Severity::from(weight).to_string())),
        );
        filter.extend(
            self.application
                .clone()
                .map(|application| ("application", application)),
        );
        if let Some(device) = &self.device {
            let found = super::device::find(context, device).await?;
            filter.push(("device", found.id.to_string()));
        }
        if let Some(task) = &self.task {
            filter.push(("task", find(context, task).await?.to_string()));
        }
        filter.extend(self.run.map(|run| ("run", run.to_string())));
        Ok(filter)
    }
}

fn id(event: &Value) -> i64 {
    event.get("id").and_then(Value::as_i64).unwrap_or_default()
}

/// The latest events, oldest first. Pages are read backwards from the end of the log.
async fn latest(
    context: &Context,
    filter: &Query<'_>,
    number: usize,
) -> Result<Vec<Value>, Failure> {
    const PAGE: usize = 500;
    let mut events: Vec<Value> = Vec::new();
    while events.len() < number {
        let wanted = (number - events.len()).min(PAGE);
        let mut query = filter.clone();
        query.push(("limit", wanted.to_string()));
        // Without `before`, the page begins at the end of the log.
        query.extend(
            events
                .last()
                .map(|oldest| ("before", id(oldest).to_string())),
        );
        let mut answer = context.client.get("/events", &query).await?;
        answer.raw = answer
            .raw
            .get_mut("items")
            .map(Value::take)
            .unwrap_or_default();
        let mut page: Vec<Value> = answer.view()?;
        page.sort_by_key(|event| std::cmp::Reverse(id(event)));
        let full = page.len() >= wanted;
        events.extend(page);
        if !full {
            break;
        }
    }
    events.reverse();
    Ok(events)
}

/// Prints events as they come. A link that breaks is opened again after the last event.
async fn follow(context: &Context, filter: &Query<'_>, mut last: i64) -> Result<(), Failure> {
    let mut patience = Patience::new();
    loop {
        let mut query = filter.clone();
        query.push(("after", last.to_string()));
        let broken = match context.client.stream("/events/stream", &query).await {
            Ok(mut stream) => loop {
                match stream.next().await {
                    Ok(Some(event)) if event.name == "event" => {
                        let event: Value = context.client.read(&event)?;
                        last = last.max(id(&event));
                        patience.renew();
                        print(&context.out, &event)?;
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                }
            },
            Err(error) => Some(error),
        };
        patience.wait(&context.out, broken).await?;
    }
}

fn print(out: &Output, event: &Value) -> Result<(), Failure> {
    if out.is_json() {
        return out.json_line(event);
    }
    match EventView::deserialize(event) {
        Ok(event) => out.whole(&line(out, &event)),
        // A newer server may write what this program has no words for; it is shown all the same.
        Err(_) => out.text(&event.to_string()),
    }
}

fn line(out: &Output, event: &EventView) -> String {
    let tint = match event.severity {
        Severity::Info => Tint::Faint,
        Severity::Warning => Tint::Attention,
        Severity::Critical => Tint::Bad,
    };
    let mut about = Vec::new();
    about.extend(event.device.map(|device| format!("device {device}")));
    about.extend(event.task.map(|task| format!("task {task}")));
    about.extend(event.run.map(|run| format!("run {run}")));
    let about = if about.is_empty() {
        String::new()
    } else {
        format!(" ({})", about.join(", "))
    };
    format!(
        "{}  {}  {:<28}  {}{}",
        out.clock.short(event.at),
        out.tinted(&format!("{:<8}", word(&event.severity)), tint),
        clean(&event.kind),
        clean(&event.text),
        out.tinted(&about, Tint::Faint),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_is_one_line() {
        let event = EventView::deserialize(json!({
            "id": 9, "at": "2026-11-24T13:05:09Z", "kind": "application.threat-detected",
            "severity": "critical", "actor": "device:7", "text": "Found\nin /tmp/x", "device": 7,
            "run": 4, "fields": {}
        }))
        .unwrap();
        insta::assert_snapshot!(line(&crate::output::bare(), &event));
    }
}
