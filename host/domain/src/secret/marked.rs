//! What a schema marks as secret.

use super::reference::{named, step};
use serde_json::{Map, Value};

/// Schemas that are looked at for one value; a schema that is written in circles has no end.
const MOST_SCHEMAS: usize = 1000;

/// What leads from a schema to others that speak of the same value.
const SAME: [&str; 6] = ["allOf", "anyOf", "oneOf", "if", "then", "else"];

/// A value that a schema marks as secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Marked {
    /// A JSON Pointer to it.
    pub pointer: String,
    /// Whether it is marked itself. If not, it stands where a reference to the vault belongs, and the
    /// schema may take something else there as well.
    pub is_certain: bool,
}

/// The values that a schema marks as secret: `writeOnly`, or the format `password`, or an object that
/// names one, in whatever way the schema leads there. References to the vault are none of them.
pub fn marked(settings: &Value, schema: &Value) -> Vec<Marked> {
    let mut places = Vec::new();
    let schemas = of_value(vec![schema], schema);
    look(settings, &schemas, schema, "", &mut places);
    places.sort();
    places
}

fn look(value: &Value, schemas: &[&Value], root: &Value, at: &str, places: &mut Vec<Marked>) {
    if named(value).is_some() {
        return;
    }
    let is_certain = schemas.iter().any(|schema| is_secret(schema));
    if is_certain || schemas.iter().any(|schema| is_reference(schema)) {
        return places.push(Marked {
            pointer: at.to_owned(),
            is_certain,
        });
    }
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let of_member = schemas.iter().flat_map(|schema| member(schema, name));
                let of_member = of_value(of_member.collect(), root);
                let at = format!("{at}/{}", step(name));
                look(value, &of_member, root, &at, places);
            }
        }
        Value::Array(entries) => {
            for (number, value) in entries.iter().enumerate() {
                let of_entry = schemas.iter().flat_map(|schema| entry(schema, number));
                let of_entry = of_value(of_entry.collect(), root);
                look(value, &of_entry, root, &format!("{at}/{number}"), places);
            }
        }
        _ => {}
    }
}

/// Whether a schema itself, not one that it leads to, marks its value.
fn is_secret(schema: &Value) -> bool {
    let password = |format: &Value| format == "password";
    schema.get("writeOnly") == Some(&Value::Bool(true))
        || schema.get("format").is_some_and(password)
}

/// Whether a schema describes the name of a secret, and nothing else.
fn is_reference(schema: &Value) -> bool {
    let members = schema.get("properties").and_then(Value::as_object);
    members.is_some_and(|members| members.len() == 1 && members.contains_key("secret"))
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
