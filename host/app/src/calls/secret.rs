//! Secrets in settings that are given away, by what the schema says of them.

use serde_json::{Map, Value};

/// Schemas that are looked at for one value; a schema that is written in circles has no end.
const MOST_SCHEMAS: usize = 1000;

/// What leads from a schema to others that speak of the same value.
const SAME: [&str; 6] = ["allOf", "anyOf", "oneOf", "if", "then", "else"];

/// Takes out what a schema marks as secret: `writeOnly`, or the format `password`, in whatever way the
/// schema leads there. Gives the places. References to the vault are names, and stay.
pub(super) fn take_out(settings: &mut Value, schema: &Value) -> Vec<String> {
    let mut removed = Vec::new();
    look(
        settings,
        &of_value(vec![schema], schema),
        schema,
        "",
        &mut removed,
    );
    removed.sort();
    removed
}

fn look(value: &mut Value, schemas: &[&Value], root: &Value, at: &str, removed: &mut Vec<String>) {
    let is_secret = |schema: &&Value| {
        schema.get("writeOnly") == Some(&Value::Bool(true))
            || schema
                .get("format")
                .is_some_and(|format| format == "password")
    };
    if schemas.iter().any(is_secret) {
        *value = Value::from("(removed)");
        removed.push(at.to_owned());
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let of_member = schemas.iter().flat_map(|schema| member(schema, name));
                let of_member = of_value(of_member.collect(), root);
                let step = name.replace('~', "~0").replace('/', "~1");
                look(value, &of_member, root, &format!("{at}/{step}"), removed);
            }
        }
        Value::Array(entries) => {
            for (number, value) in entries.iter_mut().enumerate() {
                let of_entry = schemas.iter().flat_map(|schema| entry(schema, number));
                let of_entry = of_value(of_entry.collect(), root);
                look(value, &of_entry, root, &format!("{at}/{number}"), removed);
            }
        }
        _ => {}
    }
}

/// The schemas with all that they lead to and that speak of the same value.
fn of_value<'s>(begin: Vec<&'s Value>, root: &'s Value) -> Vec<&'s Value> {
    let mut found: Vec<&Value> = Vec::new();
    let mut next = begin;
    while let Some(schema) = next.pop() {
        let known = found.iter().any(|known| std::ptr::eq(*known, schema));
        if known || found.len() >= MOST_SCHEMAS {
            continue;
        }
        found.push(schema);
        let reference = schema.get("$ref").and_then(Value::as_str);
        let pointer = reference.and_then(|reference| reference.strip_prefix('#'));
        next.extend(pointer.and_then(|pointer| root.pointer(pointer)));
        for word in SAME {
            match schema.get(word) {
                Some(Value::Array(several)) => next.extend(several),
                Some(one) => next.push(one),
                None => {}
            }
        }
        let dependent = schema.get("dependentSchemas").and_then(Value::as_object);
        next.extend(dependent.into_iter().flat_map(Map::values));
    }
    found
}

/// What a schema says of a member. Patterns are not matched: each may mean it.
fn member<'s>(schema: &'s Value, name: &str) -> Vec<&'s Value> {
    let named = schema.get("properties").and_then(|all| all.get(name));
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    let others = ["additionalProperties", "unevaluatedProperties"];
    let others = others.into_iter().filter_map(|word| schema.get(word));
    let others = others.filter(|_| named.is_none());
    named
        .into_iter()
        .chain(patterns.into_iter().flat_map(Map::values))
        .chain(others)
        .collect()
}

/// What a schema says of an entry of a list.
fn entry(schema: &Value, number: usize) -> Vec<&Value> {
    let first = schema
        .get("prefixItems")
        .and_then(|first| first.get(number));
    let others = ["items", "contains", "unevaluatedItems"];
    let others = others.into_iter().filter_map(|word| schema.get(word));
    first.into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_schema_marks_as_secret_is_taken_out() {
        let schema = json!({"properties": {
            "user": {"type": "string"},
            "pin": {"type": "string", "format": "password"},
            "keys": {"items": {"properties": {"value": {"writeOnly": true}}}}
        }});
        let mut settings = json!({
            "user": "anna", "pin": "1234", "other": {"pin": 1},
            "keys": [{"value": {"a": "b"}}, {"name": "x"}]
        });
        assert_eq!(take_out(&mut settings, &schema), ["/keys/0/value", "/pin"]);
        assert_eq!(
            settings,
            json!({"user": "anna", "pin": "(removed)", "other": {"pin": 1},
                "keys": [{"value": "(removed)"}, {"name": "x"}]})
        );
    }

    #[test]
    fn whatever_way_leads_to_a_secret_is_gone() {
        let secret = json!({"writeOnly": true});
        for schema in [
            json!({"properties": {"a": {"$ref": "#/$defs/s"}}, "$defs": {"s": secret}}),
            json!({"allOf": [{"properties": {"a": secret}}]}),
            json!({"properties": {"a": {"anyOf": [{"type": "null"}, secret]}}}),
            json!({"oneOf": [{"$ref": "#/$defs/o"}], "$defs": {"o": {"properties": {"a": secret}}}}),
            json!({"if": {"required": ["b"]}, "then": {"properties": {"a": secret}}}),
            json!({"else": {"properties": {"a": secret}}}),
            json!({"additionalProperties": secret}),
            json!({"patternProperties": {"^a$": secret}}),
            json!({"dependentSchemas": {"b": {"properties": {"a": secret}}}}),
        ] {
            let mut settings = json!({"a": "hidden"});
            assert_eq!(take_out(&mut settings, &schema), ["/a"], "{schema}");
            assert_eq!(settings, json!({"a": "(removed)"}));
        }
        let mut list = json!([1, "hidden"]);
        let schema = json!({"prefixItems": [{}, secret]});
        assert_eq!(take_out(&mut list, &schema), ["/1"]);
    }

    #[test]
    fn a_schema_in_circles_has_an_end() {
        let schema = json!({"$ref": "#", "allOf": [{"$ref": "#"}],
            "properties": {"a": {"$ref": "#"}, "b": {"writeOnly": true}}});
        let mut settings = json!({"a": {"a": {"b": "hidden"}}});
        assert_eq!(take_out(&mut settings, &schema), ["/a/a/b"]);
    }
}
