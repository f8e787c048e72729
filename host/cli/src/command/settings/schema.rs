//! From a JSON Schema to fields.

use super::Field;
use super::widget::{Widget, limits};
use serde_json::{Map, Value};

/// How deep a schema is followed.
const MOST_DEPTH: usize = 8;
/// How many parts of it are looked at.
const MOST_STEPS: usize = 5_000;
/// Fields that are shown.
const MOST_FIELDS: usize = 500;

/// The fields of a schema, in its order. Those of a group follow it.
pub(crate) fn fields(schema: &Value) -> Vec<Field> {
    let mut reader = Reader {
        root: schema,
        found: Vec::new(),
        steps: MOST_STEPS,
    };
    reader.gather(schema, "", 0);
    reader.found
}

/// A schema and those that it refers to or adds: a word holds from the first that has it.
pub(super) struct Node<'a>(Vec<&'a Map<String, Value>>);

impl<'a> Node<'a> {
    pub(super) fn get(&self, word: &str) -> Option<&'a Value> {
        self.0.iter().find_map(|schema| schema.get(word))
    }

    pub(super) fn text(&self, word: &str) -> Option<&'a str> {
        self.get(word).and_then(Value::as_str)
    }

    fn list(&self, word: &str) -> impl Iterator<Item = &'a Value> {
        let list = self.get(word).and_then(Value::as_array);
        list.into_iter().flatten()
    }
}

/// Reads a schema.
pub(super) struct Reader<'a> {
    root: &'a Value,
    found: Vec<Field>,
    steps: usize,
}

impl<'a> Reader<'a> {
    fn gather(&mut self, schema: &'a Value, prefix: &str, depth: usize) {
        if depth >= MOST_DEPTH || !self.step() {
            return;
        }
        let node = self.resolve(schema);
        let properties = node.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let path = format!("{prefix}{name}");
            let known = self.found.iter().any(|field| field.path == path);
            if known || self.found.len() >= MOST_FIELDS || !self.step() {
                continue;
            }
            let field = self.field(property, name, path.clone(), &node);
            let widget = field.widget.clone();
            self.found.push(field);
            match widget {
                Widget::Group => self.gather(property, &format!("{path}."), depth + 1),
                Widget::List { of } if *of == Widget::Group => {
                    if let Some(items) = self.resolve(property).get("items") {
                        self.gather(items, &format!("{path}[]."), depth + 1);
                    }
                }
                _ => {}
            }
        }
        for word in ["allOf", "anyOf", "oneOf"] {
            for part in node.list(word) {
                self.gather(part, prefix, depth + 1);
            }
        }
        for part in ["then", "else"]
            .into_iter()
            .filter_map(|word| node.get(word))
        {
            self.gather(part, prefix, depth + 1);
        }
        self.conditions(&node, prefix);
    }

    fn field(&mut self, property: &'a Value, name: &str, path: String, parent: &Node<'a>) -> Field {
        let node = self.resolve(property);
        let title = node.text("title").unwrap_or(name).to_owned();
        let unit = node.text("x-unit").or_else(|| in_brackets(&title));
        Field {
            path,
            description: node.text("description").unwrap_or_default().to_owned(),
            widget: self.widget(&node, MOST_DEPTH),
            unit: unit.map(str::to_owned),
            required: parent.list("required").any(|required| required == name),
            required_if: Vec::new(),
            default: node.get("default").cloned(),
            limits: limits(&node),
            example: node.list("examples").next().cloned(),
            deprecated: node.get("deprecated").and_then(Value::as_bool) == Some(true),
            title,
        }
    }

    /// `if` with constants and `then` with `required`: the form of a condition that can be said in a
    /// few words.
    fn conditions(&mut self, node: &Node<'a>, prefix: &str) {
        let (Some(condition), Some(then)) = (node.get("if"), node.get("then")) else {
            return;
        };
        let (condition, then) = (self.resolve(condition), self.resolve(then));
        let properties = condition.get("properties").and_then(Value::as_object);
        let mut words = Vec::new();
        for (name, property) in properties.into_iter().flatten() {
            let Some(value) = self.resolve(property).get("const") else {
                return;
            };
            words.push(format!("{name} is {}", super::plain(value)));
        }
        if words.is_empty() {
            return;
        }
        for name in then.list("required").filter_map(Value::as_str) {
            let path = format!("{prefix}{name}");
            if let Some(field) = self.found.iter_mut().find(|field| field.path == path) {
                field.required_if.push(words.join(" and "));
            }
        }
    }

    /// Whether one more step may be made.
    pub(super) fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_sub(1);
        self.steps > 0
    }

    /// Follows `$ref` within the schema.
    pub(super) fn resolve(&self, schema: &'a Value) -> Node<'a> {
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
        // An optional type of Rust: what it is, or null.
        let real = |part: &&'a Value| part.get("type").is_none_or(|kind| kind != "null");
        let parts: Vec<&'a Value> = node.list("anyOf").collect();
        let mut real = parts.iter().copied().filter(real);
        if let (2, Some(one), None) = (parts.len(), real.next(), real.next()) {
            node.0.extend(self.resolve_once(one));
        }
        node
    }

    fn resolve_once(&self, schema: &'a Value) -> Vec<&'a Map<String, Value>> {
        let target = schema.get("$ref").and_then(Value::as_str);
        let target = target.and_then(|target| self.root.pointer(target.strip_prefix('#')?));
        let all = schema.as_object().into_iter();
        all.chain(target.and_then(Value::as_object)).collect()
    }
}

/// `Largest file (MiB)` is counted in MiB.
fn in_brackets(title: &str) -> Option<&str> {
    let (_, unit) = title.strip_suffix(')')?.rsplit_once(" (")?;
    (unit.len() <= 12 && !unit.is_empty()).then_some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_becomes_fields() {
        let schema = json!({
            "type": "object",
            "required": ["area"],
            "properties": {
                "area": {"enum": ["quick", "paths"], "title": "Area", "default": "quick"},
                "paths": {"type": "array", "items": {"$ref": "#/$defs/path"}, "minItems": 1, "maxItems": 500},
                "limits": {
                    "type": "object", "title": "Limits",
                    "properties": {
                        "size": {"type": "integer", "title": "Largest file (MiB)", "minimum": 1, "maximum": 9, "default": 3}
                    }
                },
                "level": {"oneOf": [{"const": 1, "title": "Low"}, {"const": 2, "title": "High"}]},
                "days": {"type": "array", "uniqueItems": true, "items": {"enum": ["mon", "tue"]}},
                "rules": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
                "key": {"type": "object", "properties": {"secret": {"type": "string"}}},
                "note": {"anyOf": [{"$ref": "#/$defs/path"}, {"type": "null"}]},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "deep": {"type": ["boolean", "null"], "deprecated": true},
                "any": {}
            },
            "if": {"properties": {"area": {"const": "paths"}}},
            "then": {"required": ["paths"], "properties": {"extra": {"type": "number", "exclusiveMinimum": 0}}},
            "$defs": {"path": {"type": "string", "maxLength": 100, "examples": ["/srv"]}}
        });
        insta::assert_json_snapshot!(fields(&schema));
    }

    #[test]
    fn a_schema_that_holds_itself_ends() {
        let schema = json!({"properties": {"a": {"$ref": "#"}, "b": {"$ref": "#/nowhere"}}});
        assert!(fields(&schema).len() <= MOST_FIELDS);
        let many: Vec<Value> = (0..500).map(|_| json!({"$ref": "#"})).collect();
        let wide = json!({"allOf": many, "properties": {"x": {"$ref": "#"}}});
        assert!(fields(&wide).len() <= MOST_FIELDS);
        let kinds =
            json!({"properties": {"x": {"items": {"$ref": "#/properties/x"}, "type": "array"}}});
        assert_eq!(fields(&kinds).len(), 1);
    }
}
