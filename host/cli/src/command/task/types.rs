//! Task types, with their settings as the plug-in's schema has them.

use crate::client::path;
use crate::command::Context;
use crate::failure::Failure;
use crate::output::{cell, word};
use crate::time::seconds;
use muster_api::plugin::{PluginView, TaskTypeView};
use serde_json::{Map, Value};

/// How deep a schema is followed.
const MOST_DEPTH: usize = 6;
/// How many parts of a schema are looked at.
const MOST_STEPS: usize = 2_000;
/// Kinds that are shown of one setting.
const MOST_KINDS: usize = 8;
/// Settings that are shown of one task type.
const MOST_SETTINGS: usize = 200;

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
    let settings = settings(&task_type.settings_schema);
    let rows = settings.into_iter().map(|setting| {
        let name = format!("    {}", setting.path);
        let default = if setting.required {
            "required".to_owned()
        } else {
            setting.default
        };
        vec![
            cell(name),
            cell(setting.kind),
            cell(default),
            cell(setting.description),
        ]
    });
    out.table(
        &["    SETTING", "TYPE", "DEFAULT", "DESCRIPTION"],
        rows.collect(),
        "    It has no settings.",
    )
}

/// One line of the table of settings.
#[derive(Debug, PartialEq, Eq)]
struct Setting {
    /// As `--set` takes it.
    path: String,
    kind: String,
    default: String,
    required: bool,
    description: String,
}

/// The settings that a schema describes.
fn settings(schema: &Value) -> Vec<Setting> {
    let mut reader = Reader {
        root: schema,
        found: Vec::new(),
        steps: MOST_STEPS,
    };
    reader.gather(schema, "", 0);
    reader.found
}

/// A schema and those that it refers to: a word holds from the first that has it.
struct Node<'a>(Vec<&'a Map<String, Value>>);

impl<'a> Node<'a> {
    fn get(&self, word: &str) -> Option<&'a Value> {
        self.0.iter().find_map(|schema| schema.get(word))
    }

    /// Schemas that add to this one, or of which one holds.
    fn alternatives(&self) -> impl Iterator<Item = &'a Value> {
        let lists =
            ["allOf", "anyOf", "oneOf"].map(|word| self.get(word).and_then(Value::as_array));
        let single = ["then", "else"].map(|word| self.get(word));
        lists
            .into_iter()
            .flatten()
            .flatten()
            .chain(single.into_iter().flatten())
    }
}

/// Reads a schema, with an end: it is the vendor's, and may refer to itself in many places.
struct Reader<'a> {
    root: &'a Value,
    found: Vec<Setting>,
    steps: usize,
}

impl<'a> Reader<'a> {
    fn gather(&mut self, schema: &'a Value, prefix: &str, depth: usize) {
        if depth >= MOST_DEPTH || !self.step() {
            return;
        }
        let schema = self.resolve(schema);
        let required = schema.get("required").and_then(Value::as_array);
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let path = format!("{prefix}{name}");
            let known = self.found.iter().any(|setting| setting.path == path);
            if known || self.found.len() >= MOST_SETTINGS || !self.step() {
                continue;
            }
            let node = self.resolve(property);
            let setting = Setting {
                path: path.clone(),
                kind: self.kind(property, 0),
                default: node.get("default").map(plain).unwrap_or_default(),
                required: required.is_some_and(|names| names.iter().any(|one| one == name)),
                description: description(&node),
            };
            self.found.push(setting);
            self.gather(property, &format!("{path}."), depth + 1);
            if let Some(items) = node.get("items") {
                self.gather(items, &format!("{path}[]."), depth + 1);
            }
        }
        for part in schema.alternatives() {
            self.gather(part, prefix, depth + 1);
        }
    }

    /// Whether one more step may be made.
    fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_sub(1);
        self.steps > 0
    }

    /// Follows `$ref` within the schema.
    fn resolve(&self, schema: &'a Value) -> Node<'a> {
        let mut node = Node(schema.as_object().into_iter().collect());
        while let Some(Value::String(target)) = node.0.last().and_then(|last| last.get("$ref")) {
            let target = target
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(pointer));
            match target.and_then(Value::as_object) {
                Some(target) if node.0.len() < MOST_DEPTH => node.0.push(target),
                _ => break,
            }
        }
        node
    }

    fn kind(&mut self, schema: &'a Value, depth: usize) -> String {
        let node = self.resolve(schema);
        if let Some(values) = node.get("enum").and_then(Value::as_array) {
            return values.iter().map(plain).collect::<Vec<_>>().join(" | ");
        }
        if let Some(value) = node.get("const") {
            return plain(value);
        }
        if depth >= MOST_DEPTH || !self.step() {
            return "…".to_owned();
        }
        let name = match node.get("type") {
            Some(Value::String(name)) => name.clone(),
            Some(Value::Array(names)) => names
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(" | "),
            _ => {
                let kinds = node.alternatives().map(|part| self.kind(part, depth + 1));
                let mut kinds: Vec<String> = kinds.take(MOST_KINDS).collect();
                kinds.dedup();
                return if kinds.is_empty() {
                    "any".to_owned()
                } else {
                    kinds.join(" | ")
                };
            }
        };
        match (name.as_str(), node.get("items")) {
            ("array", Some(items)) => format!("list of {}", self.kind(items, depth + 1)),
            ("array", None) => "list".to_owned(),
            _ => format!("{name}{}", range(&node)),
        }
    }
}

/// ` 1–100`, ` from 1`, ` to 100`.
fn range(schema: &Node<'_>) -> String {
    match (schema.get("minimum"), schema.get("maximum")) {
        (Some(least), Some(most)) => format!(" {least}–{most}"),
        (Some(least), None) => format!(" from {least}"),
        (None, Some(most)) => format!(" to {most}"),
        (None, None) => String::new(),
    }
}

fn description(schema: &Node<'_>) -> String {
    let text = |word: &str| schema.get(word).and_then(Value::as_str);
    text("description")
        .or_else(|| text("title"))
        .unwrap_or_default()
        .to_owned()
}

/// A value as `--set` takes it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if serde_json::from_str::<Value>(text).is_err() => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_are_read_from_a_schema() {
        let schema = json!({
            "type": "object",
            "required": ["mode"],
            "properties": {
                "mode": {"enum": ["quick", "full"], "title": "What to scan"},
                "paths": {"type": "array", "items": {"$ref": "#/$defs/path"}, "default": []},
                "archives": {
                    "type": "object",
                    "description": "Archives.",
                    "properties": {
                        "depth": {"type": "integer", "minimum": 1, "maximum": 30, "default": 8}
                    }
                },
                "rules": {"type": "array", "items": {"properties": {"name": {"type": "string"}}, "type": "object"}},
                "action": {"oneOf": [{"const": "report"}, {"type": ["string", "null"]}]}
            },
            "if": {"properties": {"mode": {"const": "full"}}},
            "then": {"properties": {"extra": {"type": "boolean"}}},
            "$defs": {"path": {"type": "string"}}
        });
        let lines: Vec<String> = settings(&schema)
            .into_iter()
            .map(|s| {
                format!(
                    "{} | {} | {} | {} | {}",
                    s.path, s.kind, s.default, s.required, s.description
                )
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn a_schema_that_holds_itself_ends() {
        let schema = json!({"properties": {"a": {"$ref": "#"}, "b": {"$ref": "#/nowhere"}}});
        assert!(settings(&schema).len() <= MOST_SETTINGS);
        let many: Vec<Value> = (0..500).map(|_| json!({"$ref": "#"})).collect();
        let wide = json!({"allOf": many, "properties": {"x": {"$ref": "#"}}});
        assert!(settings(&wide).len() <= MOST_SETTINGS);
        let kinds =
            json!({"properties": {"x": {"items": {"$ref": "#/properties/x"}, "type": "array"}}});
        assert!(!settings(&kinds).is_empty());
    }
}
