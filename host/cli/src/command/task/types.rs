//! Task types, with their settings as the plug-in's schema has them.

use crate::client::path;
use crate::command::Context;
use crate::command::settings::{fields, plain};
use crate::failure::Failure;
use crate::output::{cell, word};
use crate::time::seconds;
use muster_api::plugin::{PluginView, TaskTypeView};
use serde_json::Value;

/// Shows the task types of one application or of all. As JSON, the plug-ins that hold them.
pub(crate) async fn run(context: &Context, application: Option<String>) -> Result<(), Failure> {
    let mut answer = match application {
        Some(application) => {
            context
                .client
                .get(&path(&["plugins", &application]), &vec![])
                .await?
        }
        None => context.client.list("/plugins", &vec![], None).await?,
    };
    if !answer.raw.is_array() {
        answer.raw = Value::Array(vec![answer.raw.take()]);
    }
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let plugins: Vec<PluginView> = answer.view()?;
    if plugins.is_empty() {
        return context
            .out
            .text("No plug-in is installed, so there are no task types.");
    }
    for plugin in &plugins {
        context
            .out
            .text(&format!("{} ({})", plugin.application, plugin.name))?;
        for task_type in &plugin.task_types {
            show(context, task_type)?;
        }
    }
    Ok(())
}

/// The task types of a plug-in as a table, without their settings.
pub(crate) fn table(context: &Context, plugin: &PluginView) -> Result<(), Failure> {
    let rows = plugin.task_types.iter().map(|task_type| {
        vec![
            cell(task_type.id.clone()),
            cell(task_type.title.clone()),
            cell(words(&task_type.kinds)),
            cell(word(&task_type.needs)),
            cell(words(&task_type.marks)),
            cell(seconds(task_type.time_limit.into())),
        ]
    });
    let header = [
        "TASK TYPE",
        "TITLE",
        "KINDS",
        "NEEDS",
        "MARKS",
        "TIME LIMIT",
    ];
    context
        .out
        .table(&header, rows.collect(), "It has no task types.")
}

fn words<T: serde::Serialize>(of: &[T]) -> String {
    of.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn show(context: &Context, task_type: &TaskTypeView) -> Result<(), Failure> {
    let out = &context.out;
    out.whole("")?;
    out.text(&format!("  {}: {}", task_type.id, task_type.title))?;
    out.text(&format!("    {}", task_type.summary))?;
    out.text(&format!(
        "    for tasks: {}; needs the application: {}; time limit: {}",
        words(&task_type.kinds),
        word(&task_type.needs),
        seconds(task_type.time_limit.into())
    ))?;
    let rows = fields(&task_type.settings_schema).into_iter().map(|field| {
        let kind = [vec![field.widget.name()], field.limits].concat();
        let default = match field.default {
            _ if field.required => "required".to_owned(),
            Some(value) => as_set(&value),
            None => String::new(),
        };
        let description = match field.description {
            none if none.is_empty() => field.title,
            description => description,
        };
        vec![
            cell(format!("    {}", field.path)),
            cell(kind.join(", ")),
            cell(default),
            cell(description),
        ]
    });
    out.table(
        &["    SETTING", "TYPE", "DEFAULT", "DESCRIPTION"],
        rows.collect(),
        "    It has no settings.",
    )
}

/// A value as `--set` takes it: a text that would be read as JSON is quoted.
fn as_set(value: &Value) -> String {
    match value {
        Value::String(text) if serde_json::from_str::<Value>(text).is_ok() => value.to_string(),
        other => plain(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_is_told_as_it_can_be_set() {
        for (value, told) in [
            (Value::from("quick"), "quick"),
            (Value::from("7"), "\"7\""),
            (Value::from(7), "7"),
        ] {
            assert_eq!(as_set(&value), told);
        }
    }
}
