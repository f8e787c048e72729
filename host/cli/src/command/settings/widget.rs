//! What a setting is edited with, and its limits in words.

use super::plain;
use super::schema::{Node, Reader};
use serde::Serialize;
use serde_json::Value;

/// What a setting is edited with.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub(crate) enum Widget {
    /// A line.
    Text,
    /// Several lines.
    LongText,
    /// A name from the server's vault is chosen. The secret itself is never shown.
    Secret,
    Number,
    WholeNumber,
    Switch,
    Date,
    /// One of a few.
    Choice {
        choices: Vec<Choice>,
    },
    /// Any of a few.
    Several {
        choices: Vec<Choice>,
    },
    /// As many lines as are wanted.
    List {
        of: Box<Widget>,
    },
    /// Names and values.
    Table,
    /// Other settings together.
    Group,
    /// Nobody can say; JSON is typed in.
    Json,
}

/// One of a few values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Choice {
    pub(crate) value: Value,
    pub(crate) title: String,
}

/// Characters from which on a text has more than one line.
const LONG: u64 = 10_000;
/// Choices that are read; the rest is typed in.
const MOST_CHOICES: usize = 200;

impl Widget {
    /// In a word, for tables.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Text | Self::LongText => "text".into(),
            Self::Secret => "secret".into(),
            Self::Number => "number".into(),
            Self::WholeNumber => "whole number".into(),
            Self::Switch => "yes or no".into(),
            Self::Date => "time".into(),
            Self::Choice { choices } => any_of(choices),
            Self::Several { choices } => format!("any of {}", any_of(choices)),
            Self::List { of } => format!("list of {}", of.name()),
            Self::Table => "table".into(),
            Self::Group => "group".into(),
            Self::Json => "JSON".into(),
        }
    }
}

fn any_of(choices: &[Choice]) -> String {
    choices
        .iter()
        .map(|choice| plain(&choice.value))
        .collect::<Vec<_>>()
        .join(", ")
}

impl<'a> Reader<'a> {
    pub(super) fn widget(&mut self, node: &Node<'a>, depth: usize) -> Widget {
        if depth == 0 || !self.step() {
            return Widget::Json;
        }
        if let Some(choices) = self.choices(node) {
            return Widget::Choice { choices };
        }
        let members = node.get("properties").and_then(Value::as_object);
        // The shape of a reference to the vault.
        if members.is_some_and(|members| members.len() == 1 && members.contains_key("secret")) {
            return Widget::Secret;
        }
        match (kind(node), node.get("items")) {
            (Some("boolean"), _) => Widget::Switch,
            (Some("integer"), _) => Widget::WholeNumber,
            (Some("number"), _) => Widget::Number,
            (Some("string"), _) => text(node),
            (Some("array"), Some(items)) => {
                let items = self.resolve(items);
                let unique = node.get("uniqueItems").and_then(Value::as_bool) == Some(true);
                match self.choices(&items).filter(|_| unique) {
                    Some(choices) => Widget::Several { choices },
                    None => Widget::List {
                        of: Box::new(self.widget(&items, depth - 1)),
                    },
                }
            }
            (Some("object") | None, _) if members.is_some() => Widget::Group,
            (Some("object"), _)
                if node
                    .get("additionalProperties")
                    .is_some_and(Value::is_object) =>
            {
                Widget::Table
            }
            _ => Widget::Json,
        }
    }

    /// The values that it can have, if they are few.
    fn choices(&mut self, node: &Node<'a>) -> Option<Vec<Choice>> {
        if let Some(values) = node.get("enum").and_then(Value::as_array) {
            let choice = |value: &Value| Choice {
                value: value.clone(),
                title: plain(value),
            };
            return Some(values.iter().take(MOST_CHOICES).map(choice).collect());
        }
        let one_of = node
            .get("oneOf")
            .or_else(|| node.get("anyOf"))?
            .as_array()?;
        let mut choices = Vec::new();
        for one in one_of.iter().take(MOST_CHOICES) {
            let one = self.resolve(one);
            let value = one.get("const")?;
            let title = one
                .text("title")
                .map_or_else(|| plain(value), str::to_owned);
            choices.push(Choice {
                value: value.clone(),
                title,
            });
        }
        Some(choices)
    }
}

/// The one type that it has beside null.
fn kind<'a>(node: &Node<'a>) -> Option<&'a str> {
    match node.get("type")? {
        Value::String(name) => Some(name),
        Value::Array(names) => {
            let mut names = names
                .iter()
                .filter_map(Value::as_str)
                .filter(|name| *name != "null");
            names.next().filter(|_| names.next().is_none())
        }
        _ => None,
    }
}

fn text(node: &Node<'_>) -> Widget {
    let format = node.text("format").unwrap_or_default();
    let most = node.get("maxLength").and_then(Value::as_u64);
    match format {
        "password" => Widget::Secret,
        "date-time" | "date" | "time" => Widget::Date,
        _ if most.is_some_and(|most| most >= LONG) => Widget::LongText,
        _ => Widget::Text,
    }
}

/// The limits of a setting, in words.
pub(super) fn limits(node: &Node<'_>) -> Vec<String> {
    let mut limits = Vec::new();
    let pairs = [
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " entries"),
        ("minProperties", "maxProperties", " entries"),
    ];
    for (least, most, what) in pairs {
        match (node.get(least), node.get(most)) {
            (Some(least), Some(most)) if least == most => limits.push(format!("{least}{what}")),
            (Some(least), Some(most)) => limits.push(format!("{least}–{most}{what}")),
            (Some(least), None) => limits.push(format!("{least}{what} or more")),
            (None, Some(most)) => limits.push(format!("at most {most}{what}")),
            (None, None) => {}
        }
    }
    for (word, says) in [
        ("exclusiveMinimum", "more than"),
        ("exclusiveMaximum", "less than"),
        ("multipleOf", "a multiple of"),
    ] {
        limits.extend(node.get(word).map(|value| format!("{says} {value}")));
    }
    if node.get("uniqueItems").and_then(Value::as_bool) == Some(true) {
        limits.push("each once".to_owned());
    }
    limits.extend(node.text("format").map(|format| format!("a {format}")));
    limits.extend(
        node.text("pattern")
            .map(|pattern| format!("matches {pattern}")),
    );
    limits
}
