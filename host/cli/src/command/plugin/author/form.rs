//! `muster plugin form`: the settings of a task type, drawn as a console draws them.

use crate::command::settings::{Choice, Field, Widget, fields, plain};
use muster_domain::application::TaskType;
use serde_json::Value;
use std::fmt::Write as _;

/// Columns of a title; longer ones push their widget to the right.
const TITLE: usize = 30;
/// Columns of a line that is typed into.
const LINE: usize = 32;
/// More choices than these are a list to open.
const FEW: usize = 4;
/// Columns of a sentence.
const WIDE: usize = 96;

/// The whole form as text.
pub(super) fn drawn(task_type: &TaskType) -> String {
    let mut lines = vec![format!("┌─ {} ({})", task_type.title, task_type.id)];
    lines.extend(wrapped(&task_type.summary, "│  "));
    let fields = fields(&task_type.settings_schema);
    if fields.is_empty() {
        lines.push("│".to_owned());
        lines.push("│  It has no settings.".to_owned());
    }
    for field in &fields {
        lines.push("│".to_owned());
        lines.extend(field_lines(field));
    }
    lines.push("└─".to_owned());
    if fields.iter().any(|field| field.required) {
        lines.push("* has to be filled in".to_owned());
    }
    lines.join("\n")
}

fn field_lines(field: &Field) -> Vec<String> {
    let margin = format!("│  {}", "   ".repeat(depth(field)));
    let star = if field.required { " *" } else { "" };
    let gone = if field.deprecated {
        " (going away)"
    } else {
        ""
    };
    let mut title = format!("{}{star}{gone}", field.title);
    if field.widget == Widget::Group {
        title = format!("▾ {title}");
    }
    let drawn = widget(&field.widget, field.default.as_ref());
    let mut first = format!("{margin}{title}");
    if !drawn.is_empty() {
        let room = (TITLE + 3).saturating_sub(depth(field) * 3 + title.chars().count());
        let _ = write!(first, "{}{drawn}", " ".repeat(room.max(2)));
    }
    let mut lines = vec![first];
    let below = format!("{margin}   ");
    lines.extend(wrapped(&field.description, &below));
    let mut notes = field.limits.clone();
    notes.extend(
        field
            .required_if
            .iter()
            .map(|when| format!("has to be filled in if {when}")),
    );
    if field.default.is_none()
        && let Some(example) = &field.example
    {
        notes.push(format!("such as {}", plain(example)));
    }
    if !notes.is_empty() {
        lines.extend(wrapped(&notes.join("; "), &below));
    }
    lines
}

/// How many groups it lies in.
fn depth(field: &Field) -> usize {
    field.path.matches('.').count()
}

/// One line for a widget, with what stands in it before anybody touches it.
fn widget(widget: &Widget, default: Option<&Value>) -> String {
    match widget {
        Widget::Group => String::new(),
        Widget::Text | Widget::Date => typed(default, LINE),
        Widget::Number | Widget::WholeNumber => typed(default, 12),
        Widget::LongText => format!("{} (several lines)", typed(default, LINE)),
        Widget::Secret => format!("[{:<LINE$}▾]", "choose from the vault"),
        Widget::Switch => match default.and_then(Value::as_bool) {
            Some(true) => "[x]".to_owned(),
            Some(false) => "[ ]".to_owned(),
            None => "[-] (not set)".to_owned(),
        },
        Widget::Choice { choices } if choices.len() <= FEW => {
            marked(choices, ["(•)", "( )"], |value| default == Some(value))
        }
        Widget::Choice { choices } => {
            let chosen = choices.iter().find(|choice| default == Some(&choice.value));
            let chosen = chosen.map_or("choose", |choice| &choice.title);
            let all: Vec<&str> = choices.iter().map(|choice| &*choice.title).collect();
            format!("[{chosen} ▾]  {}", all.join(" | "))
        }
        Widget::Several { choices } => {
            let chosen = default.and_then(Value::as_array);
            marked(choices, ["[x]", "[ ]"], |value| {
                chosen.is_some_and(|chosen| chosen.contains(value))
            })
        }
        Widget::List { of } => {
            let entries = default.and_then(Value::as_array).map_or(0, Vec::len);
            let what = match &**of {
                Widget::Group => "a group each".to_owned(),
                other => format!("a {} each", other.name()),
            };
            match default {
                Some(default) if entries > 0 => format!("{}  [+ add]  {what}", plain(default)),
                _ => format!("(none)  [+ add]  {what}"),
            }
        }
        Widget::Table => "(none)  [+ add]  a name and a value each".to_owned(),
        Widget::Json => format!("{} (JSON)", typed(default, LINE)),
    }
}

fn typed(default: Option<&Value>, columns: usize) -> String {
    let text = default.map(plain).unwrap_or_default();
    format!("[{text:<columns$}]")
}

fn marked(choices: &[Choice], marks: [&str; 2], chosen: impl Fn(&Value) -> bool) -> String {
    let [on, off] = marks;
    let each = choices.iter().map(|choice| {
        let mark = if chosen(&choice.value) { on } else { off };
        format!("{mark} {}", choice.title)
    });
    each.collect::<Vec<_>>().join("  ")
}

/// A text in lines that are not too long.
fn wrapped(text: &str, margin: &str) -> Vec<String> {
    let most = WIDE.saturating_sub(margin.chars().count()).max(20);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + word.chars().count() >= most {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.extend(Some(line).filter(|line| !line.is_empty()));
    lines.iter().map(|line| format!("{margin}{line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    pub(super) fn task_type(schema: &Value) -> TaskType {
        serde_json::from_value(json!({
            "id": "scan", "title": "Scan", "summary": "Looks for threats in files.",
            "kinds": ["local"], "settings_schema": schema, "schema_version": 1, "examples": [],
            "facts": [], "needs": "running", "marks": [], "time_limit": 60, "event_types": [],
            "more": []
        }))
        .unwrap()
    }

    #[test]
    fn a_form_is_drawn() {
        let schema = json!({
            "properties": {
                "area": {
                    "title": "Area", "enum": ["quick", "full", "paths"], "default": "quick",
                    "description": "What is scanned: quick, where malware usually settles; full, the whole file system; paths, the list below."
                },
                "paths": {
                    "title": "Paths", "type": "array", "items": {"type": "string"},
                    "minItems": 1, "maxItems": 500
                },
                "archives": {
                    "title": "Archives", "description": "How archives are looked into.", "type": "object",
                    "properties": {
                        "scan": {"title": "Look into archives", "type": "boolean", "default": true},
                        "depth": {
                            "title": "Nesting", "type": "integer", "minimum": 1, "maximum": 100, "default": 17
                        }
                    }
                },
                "folder": {
                    "title": "Quarantine folder", "type": "string", "maxLength": 4096,
                    "default": "/var/lib/quarantine"
                }
            },
            "required": ["area"],
            "if": {"properties": {"area": {"const": "paths"}}},
            "then": {"required": ["paths"]}
        });
        insta::assert_snapshot!(drawn(&task_type(&schema)));
    }

    #[test]
    fn every_widget_is_drawn() {
        let schema = json!({
            "required": ["when"],
            "properties": {
                "when": {"type": "string", "format": "date-time", "title": "When"},
                "days": {"type": "array", "uniqueItems": true, "items": {"enum": ["mon", "tue"]}, "default": ["tue"]},
                "key": {"properties": {"secret": {"type": "string"}}, "type": "object"},
                "rule": {"type": "string", "maxLength": 20000, "deprecated": true},
                "level": {"enum": [1, 2, 3, 4, 5], "default": 2},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "ratio": {"type": "number", "exclusiveMaximum": 1},
                "on": {"type": "boolean"},
                "any": {"default": null}
            }
        });
        insta::assert_snapshot!(drawn(&task_type(&schema)));
        insta::assert_snapshot!(drawn(&task_type(&json!({"type": "object"}))));
    }
}
