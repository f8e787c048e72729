//! Settings: made from a schema, made of examples, and such as no person writes.

use super::words::Words;
use super::{Draw, pattern, text};
use crate::TaskType;
use serde_json::{Map, Value, json};

/// Levels below which nothing more is put in.
const MOST_LEVELS: usize = 24;
/// Bytes of the longest text that is drawn.
const LONG_TEXT: usize = 64 << 10;

/// Texts of one example that are made odd.
const MOST_EDGES: usize = 6;

/// Draws settings for a task type. They need not be valid: whoever asks with them lets the schema
/// have its say first, as a server does.
pub(crate) fn draw(draw: &mut Draw, of: &TaskType, words: &Words) -> Value {
    let mut maker = Maker {
        draw,
        root: &of.settings_schema,
        words,
    };
    let examples: Vec<Value> = of
        .examples
        .iter()
        .map(|example| example.settings.to_value())
        .collect();
    match maker.draw.below(8) {
        0..=2 => maker.of_schema(&of.settings_schema, 0),
        3..=6 => {
            let mut settings = maker
                .draw
                .one_of(&examples)
                .cloned()
                .unwrap_or_else(|| json!({}));
            for _ in 0..=maker.draw.below(3) {
                maker.change_by_schema(&mut settings, &of.settings_schema, 0);
            }
            settings
        }
        _ => {
            let mut settings = maker.of_schema(&of.settings_schema, 0);
            maker.spoil(&mut settings);
            settings
        }
    }
}

/// The examples with one text made such as texts seldom are: what chance would take long to find.
pub(crate) fn edges(of: &TaskType) -> Vec<Value> {
    let mut all = Vec::new();
    for example in &of.examples {
        let mut texts = Vec::new();
        let whole = example.settings.to_value();
        text_places(&whole, "", &mut texts);
        for place in texts.iter().take(MOST_EDGES) {
            let Some(Value::String(text)) = whole.pointer(place) else {
                continue;
            };
            let made = [
                format!("{text}\0"),
                format!("{text}\n"),
                format!("é{text}"),
                format!("-{text}"),
                String::new(),
                format!("{text}{}", "/é".repeat(LONG_TEXT / 3)),
            ];
            for text in made {
                let mut settings = whole.clone();
                if let Some(place) = settings.pointer_mut(place) {
                    *place = Value::String(text);
                }
                all.push(settings);
            }
        }
    }
    all
}

fn text_places(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(place.to_owned()),
        Value::Array(entries) => {
            for (number, entry) in entries.iter().enumerate() {
                text_places(entry, &format!("{place}/{number}"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                text_places(member, &format!("{place}/{name}"), found);
            }
        }
        _ => {}
    }
}

/// Settings of any shape: for what must stand anything.
pub(crate) fn any(draw: &mut Draw, words: &Words) -> Value {
    let mut maker = Maker {
        draw,
        root: &Value::Null,
        words,
    };
    let mut members = Map::new();
    for _ in 0..maker.draw.below(5) {
        members.insert(text::draw(maker.draw, words, 60), maker.anything(0));
    }
    Value::Object(members)
}

struct Maker<'a> {
    draw: &'a mut Draw,
    root: &'a Value,
    words: &'a Words,
}

impl<'a> Maker<'a> {
    /// A value as a schema wants it, as far as that is told without trying.
    fn of_schema(&mut self, schema: &'a Value, level: usize) -> Value {
        let schema = resolve(self.root, schema);
        if level > MOST_LEVELS {
            return Value::Null;
        }
        if let Some(constant) = schema.get("const") {
            return constant.clone();
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return self.draw.one_of(values).cloned().unwrap_or_default();
        }
        if self.draw.once_in(6)
            && let Some(default) = schema.get("default")
        {
            return default.clone();
        }
        let way = ["oneOf", "anyOf"]
            .iter()
            .find_map(|of| schema.get(of)?.as_array());
        let way = way.and_then(|ways| self.draw.one_of(ways));
        let mut value = match self.kind(schema) {
            Some("object") => self.object(schema, level),
            Some("array") => self.array(schema, level),
            Some("string") => Value::String(self.string(schema)),
            Some(kind @ ("integer" | "number")) => self.number(schema, kind == "integer"),
            Some("boolean") => Value::Bool(self.draw.once_in(2)),
            Some("null") => Value::Null,
            _ if way.is_some() => Value::Null,
            _ => self.anything(level),
        };
        let parts = schema.get("allOf").and_then(Value::as_array);
        for part in parts.into_iter().flatten().chain(way) {
            let more = self.of_schema(part, level + 1);
            match (&mut value, more) {
                (Value::Object(members), Value::Object(more)) => members.extend(more),
                (Value::Null, more) => value = more,
                _ => {}
            }
        }
        value
    }

    fn kind(&mut self, schema: &'a Value) -> Option<&'a str> {
        match schema.get("type") {
            Some(Value::String(kind)) => Some(kind),
            Some(Value::Array(kinds)) => self.draw.one_of(kinds)?.as_str(),
            _ if schema.get("properties").is_some() => Some("object"),
            _ if schema.get("items").is_some() => Some("array"),
            _ if schema.get("pattern").is_some() || schema.get("format").is_some() => {
                Some("string")
            }
            _ if schema.get("minimum").is_some() || schema.get("maximum").is_some() => {
                Some("number")
            }
            _ => None,
        }
    }

    fn object(&mut self, schema: &'a Value, level: usize) -> Value {
        let required: Vec<&str> = strings(schema.get("required"));
        let likely = 1 + self.draw.below(4);
        let mut members = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            if required.contains(&name.as_str()) || self.draw.once_in(likely) {
                members.insert(name.clone(), self.of_schema(property, level + 1));
            }
        }
        let named = schema.get("patternProperties").and_then(Value::as_object);
        for (name, property) in named.into_iter().flatten() {
            for _ in 0..self.draw.below(4) {
                if let Some(name) = pattern::matching(self.draw, name) {
                    members.insert(name, self.of_schema(property, level + 1));
                }
            }
        }
        let open = schema
            .get("additionalProperties")
            .filter(|open| open.is_object());
        if let Some(open) = open {
            for _ in 0..self.draw.below(4) {
                let name = text::draw(self.draw, self.words, 60);
                members.insert(name, self.of_schema(open, level + 1));
            }
        }
        Value::Object(members)
    }

    fn array(&mut self, schema: &'a Value, level: usize) -> Value {
        let of = |name: &str| {
            schema
                .get(name)
                .and_then(Value::as_u64)
                .and_then(|size| usize::try_from(size).ok())
        };
        let least = of("minItems").unwrap_or(0);
        // Now and then as many as there may be, if that is no more than a server takes anyway.
        let few = (least + 4).min(of("maxItems").unwrap_or(usize::MAX));
        let most = of("maxItems").unwrap_or(2000).min(2000);
        let size = if level < 3 && self.draw.once_in(24) {
            most
        } else {
            least + self.draw.below(few.saturating_sub(least) + 1)
        };
        let first = schema.get("prefixItems").and_then(Value::as_array);
        let mut first = first.into_iter().flatten();
        let rest = schema.get("items");
        let mut entries: Vec<Value> = Vec::new();
        for _ in 0..size.max(least) {
            let entry = match first.next().or(rest) {
                Some(schema) => self.of_schema(schema, level + 1),
                None => self.anything(level + 1),
            };
            if schema.get("uniqueItems") == Some(&Value::Bool(true))
                && size < 100
                && entries.contains(&entry)
            {
                continue;
            }
            entries.push(entry);
        }
        Value::Array(entries)
    }

    fn string(&mut self, schema: &Value) -> String {
        let of = |name: &str| {
            schema
                .get(name)
                .and_then(Value::as_u64)
                .and_then(|size| usize::try_from(size).ok())
        };
        let examples = schema.get("examples").and_then(Value::as_array);
        let examples: Vec<&str> = examples
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if self.draw.once_in(4)
            && let Some(example) = self.draw.one_of(&examples)
        {
            return (*example).to_owned();
        }
        let pattern = schema.get("pattern").and_then(Value::as_str);
        let mut text = pattern
            .filter(|_| !self.draw.once_in(4))
            .and_then(|of| pattern::matching(self.draw, of))
            .unwrap_or_else(|| {
                text::draw(
                    self.draw,
                    self.words,
                    of("maxLength").unwrap_or(LONG_TEXT).min(LONG_TEXT),
                )
            });
        let (least, most) = (
            of("minLength").unwrap_or(0),
            of("maxLength").unwrap_or(usize::MAX),
        );
        let length = text.chars().count();
        if length < least {
            text.push_str(&"x".repeat((least - length).min(LONG_TEXT)));
        } else if length > most {
            text = text.chars().take(most).collect();
        }
        text
    }

    fn number(&mut self, schema: &Value, whole: bool) -> Value {
        let of = |name: &str| schema.get(name).and_then(Value::as_f64);
        let least = of("minimum")
            .or_else(|| Some(of("exclusiveMinimum")? + 1.0))
            .unwrap_or(-1e15);
        let most = of("maximum")
            .or_else(|| Some(of("exclusiveMaximum")? - 1.0))
            .unwrap_or(1e15);
        let step = of("multipleOf").filter(|step| *step > 0.0);
        #[expect(
            clippy::cast_precision_loss,
            reason = "any number of the range will do"
        )]
        let share = self.draw.below(1001) as f64 / 1000.0;
        let mut number = match self.draw.below(6) {
            0 => least,
            1 => most,
            2 if least <= 0.0 && most >= 0.0 => 0.0,
            3 if most - least > 1.0 => least + 1.0,
            _ => least + (most - least) * share,
        };
        if let Some(step) = step {
            number = (number / step).round() * step;
        }
        if whole || self.draw.once_in(2) {
            number = number.round();
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is whole and within 64 bits, or taken as it is"
        )]
        if number.fract() == 0.0 && number.abs() < 9e18 {
            // With a fraction of zero now and then: JSON Schema calls that an integer as well.
            return if self.draw.once_in(16) {
                json!(number)
            } else {
                json!(number as i64)
            };
        }
        json!(number)
    }

    /// Any value at all.
    fn anything(&mut self, level: usize) -> Value {
        let most = if level < 6 { 9 } else { 6 };
        match self.draw.below(most) {
            0 => Value::Null,
            1 => Value::Bool(self.draw.once_in(2)),
            2 => json!(self.draw.number()),
            3 => json!([i64::MIN, i64::MAX, 0, -1].get(self.draw.below(4))),
            4 => json!([1e308, -0.0, 1e-300, 0.1].get(self.draw.below(4))),
            5 | 6 => Value::String(text::draw(self.draw, self.words, 2000)),
            7 => (0..self.draw.below(4))
                .map(|_| self.anything(level + 1))
                .collect(),
            _ => {
                let mut members = Map::new();
                for _ in 0..self.draw.below(4) {
                    members.insert(
                        text::draw(self.draw, self.words, 40),
                        self.anything(level + 1),
                    );
                }
                Value::Object(members)
            }
        }
    }

    /// Puts something else in one place, as its schema wants it.
    fn change_by_schema(&mut self, value: &mut Value, schema: &'a Value, level: usize) {
        let schema = resolve(self.root, schema);
        let stop = level > 0 && self.draw.once_in(3);
        match value {
            Value::Object(members) if !stop => {
                let properties = schema.get("properties").and_then(Value::as_object);
                let properties: Vec<(&String, &'a Value)> =
                    properties.into_iter().flatten().collect();
                let Some((name, property)) = self.draw.one_of(&properties).copied() else {
                    return;
                };
                if self.draw.once_in(6) {
                    members.shift_remove(name);
                } else if let Some(member) = members.get_mut(name) {
                    self.change_by_schema(member, property, level + 1);
                } else {
                    members.insert(name.clone(), self.of_schema(property, level + 1));
                }
            }
            Value::Array(entries) if !stop && !entries.is_empty() => {
                let at = self.draw.below(entries.len());
                match (self.draw.below(4), schema.get("items")) {
                    (0, _) => drop(entries.remove(at)),
                    (1, Some(of)) => entries.insert(at, self.of_schema(of, level + 1)),
                    (_, Some(of)) => {
                        if let Some(entry) = entries.get_mut(at) {
                            self.change_by_schema(entry, of, level + 1);
                        }
                    }
                    _ => {}
                }
            }
            _ => *value = self.of_schema(schema, level),
        }
    }

    /// Puts something in one place that nobody expects there.
    fn spoil(&mut self, value: &mut Value) {
        match value {
            Value::Object(members) if !members.is_empty() && !self.draw.once_in(4) => {
                let at = self.draw.below(members.len());
                if let Some((_, member)) = members.iter_mut().nth(at) {
                    self.spoil(member);
                }
            }
            Value::Array(entries) if !entries.is_empty() && !self.draw.once_in(4) => {
                let at = self.draw.below(entries.len());
                if let Some(entry) = entries.get_mut(at) {
                    self.spoil(entry);
                }
            }
            Value::Object(members) => {
                let made = match self.draw.below(3) {
                    0 => deep(100),
                    1 => Value::String("x".repeat(200 << 10)),
                    _ => self.anything(0),
                };
                members.insert(text::draw(self.draw, self.words, 40), made);
            }
            Value::String(text) => *text = text::mutated(self.draw, text),
            other => *other = self.anything(0),
        }
    }
}

/// A nest of lists.
fn deep(levels: usize) -> Value {
    (0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
}

/// What a schema refers to within its own document.
pub(crate) fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let mut at = schema;
    // The gate lets no circle through; this ends where there is one all the same.
    for _ in 0..32 {
        let refers = at.get("$ref").and_then(Value::as_str);
        match refers.and_then(|to| root.pointer(to.strip_prefix('#')?)) {
            Some(found) => at = found,
            None => break,
        }
    }
    at
}

fn strings(value: Option<&Value>) -> Vec<&str> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}
