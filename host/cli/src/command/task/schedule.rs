//! Schedules, as options and as text.

use crate::failure::Failure;
use crate::input::Source;
use clap::Args;
use serde_json::{Value, json};

/// Told where a schedule can be given.
pub(super) const SCHEDULE_HELP: &str = "\
Schedule:
  --cron and --daily are short for the most usual schedules; --schedule takes all others as JSON, on the
  command line or as a file:
    --daily 18:00
    --cron '0 3 * * mon-fri'
    --schedule '{\"when\": {\"weekly\": {\"days\": [\"friday\"], \"at\": \"18:00\"}}, \"zone\": \"utc\"}'
    --schedule nightly.json
  Times are by each device's own clock, unless the schedule names a zone. docs/schedules.md has every
  item, with examples.";

/// When a task is to start by itself: at most one of these.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct ScheduleArgs {
    /// When it starts by itself, as JSON or as a file with JSON; `-` is standard input
    #[arg(long, value_name = "JSON|FILE", group = "when")]
    schedule: Option<String>,
    /// It starts by itself at the minutes that a cron expression names
    #[arg(long, value_name = "EXPRESSION", group = "when")]
    cron: Option<String>,
    /// It starts by itself every day at this time
    #[arg(long, value_name = "HH:MM", group = "when")]
    daily: Option<String>,
}

impl ScheduleArgs {
    /// The schedule, if one is given.
    pub(crate) fn value(&self) -> Result<Option<Value>, Failure> {
        if let Some(expression) = &self.cron {
            return Ok(Some(
                json!({ "when": { "cron": { "expression": expression } } }),
            ));
        }
        if let Some(time) = &self.daily {
            // A day on every side of which any zone's clocks have rules.
            let from = format!("2020-01-01T{time}");
            return Ok(Some(json!({ "when": { "every-days": { "from": from } } })));
        }
        let Some(given) = &self.schedule else {
            return Ok(None);
        };
        if given.trim_start().starts_with('{') {
            let read = serde_json::from_str(given);
            return read
                .map(Some)
                .map_err(|error| Failure::Usage(format!("--schedule is no valid JSON: {error}")));
        }
        let Ok(source) = given.parse::<Source>();
        Ok(Some(source.json()?))
    }
}

/// A schedule in a few words; its JSON where there are no fewer.
pub(crate) fn text(schedule: &Value) -> String {
    let zone = match schedule.get("zone").and_then(Value::as_str) {
        None | Some("device") => String::new(),
        Some(zone) => format!(", {zone}"),
    };
    match schedule.get("when") {
        Some(Value::String(word)) => format!("{word}{zone}"),
        Some(Value::Object(item)) => match item.iter().next() {
            Some((word, fields)) => format!("{word} {}{zone}", fields_text(fields)),
            None => schedule.to_string(),
        },
        _ => schedule.to_string(),
    }
}

fn fields_text(fields: &Value) -> String {
    let Value::Object(fields) = fields else {
        return fields.to_string();
    };
    let field = |(name, value): (&String, &Value)| match value {
        Value::String(value) => format!("{name} {value}"),
        Value::Array(items) => {
            let items = items.iter().map(|item| match item {
                Value::String(item) => item.clone(),
                other => other.to_string(),
            });
            format!("{name} {}", items.collect::<Vec<_>>().join(","))
        }
        other => format!("{name} {other}"),
    };
    fields.iter().map(field).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_told_in_a_few_words() {
        let weekly = json!({"when": {"weekly": {"days": ["monday", "friday"], "at": "18:00"}}, "zone": "utc"});
        assert_eq!(text(&weekly), "weekly days monday,friday, at 18:00, utc");
        assert_eq!(
            text(&json!({"when": "immediately", "zone": "device"})),
            "immediately"
        );
    }
}
