//! Writing a schema out.

use super::{DIALECT, Json, JsonSchema, Keyword, Property, Schema};

/// The schema of a type as JSON text, in the dialect that servers take.
///
/// ```
/// use muster_sdk::schema;
///
/// assert!(schema::text::<bool>().ends_with(r#""type":"boolean"}"#));
/// ```
pub fn text<T: JsonSchema>() -> String {
    write(T::SCHEMA)
}

fn write(schema: &Schema) -> String {
    let mut out = String::from("{\"$schema\":\"");
    out.push_str(DIALECT);
    out.push('"');
    keywords(schema, &mut out);
    out.push('}');
    out
}

fn object(schema: &Schema, out: &mut String) {
    out.push('{');
    keywords(schema, out);
    out.push('}');
}

fn keywords(schema: &Schema, out: &mut String) {
    let layers = || std::iter::successors(Some(schema), |schema| schema.base);
    for (depth, layer) in layers().enumerate() {
        for keyword in layer.keywords {
            let name = keyword.name;
            let covered = layers()
                .take(depth)
                .any(|above| above.keywords.iter().any(|other| other.name == name));
            if !covered {
                one(keyword, out);
            }
        }
    }
}

fn one(keyword: &Keyword, out: &mut String) {
    let begin = out.len();
    separate(out);
    string(keyword.name, out);
    out.push(':');
    match keyword.value {
        Json::Raw(text) => out.push_str(text),
        Json::Schema(schema) => object(schema, out),
        Json::Properties(list) => properties(list, out),
        Json::Value(value) => {
            if !value(out) {
                out.truncate(begin);
            }
        }
    }
}

fn properties(list: &[Property], out: &mut String) {
    out.push('{');
    for property in list {
        separate(out);
        string(property.name, out);
        out.push(':');
        object(&property.schema, out);
    }
    out.push('}');
    if list.iter().any(|property| property.required) {
        out.push_str(",\"required\":[");
        for property in list.iter().filter(|property| property.required) {
            separate(out);
            string(property.name, out);
        }
        out.push(']');
    }
    out.push_str(",\"additionalProperties\":false");
}

/// A comma, unless this is the first in its list.
pub(super) fn separate(out: &mut String) {
    if !out.ends_with(['{', '[']) {
        out.push(',');
    }
}

/// A text as JSON.
pub(super) fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                out.push_str("\\u");
                for place in [12, 8, 4, 0] {
                    out.extend(char::from_digit(u32::from(c) >> place & 15, 16));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Writes a default. One that is empty where something has to be is none.
#[doc(hidden)]
pub fn default_json<T: JsonSchema>(value: &T, full: bool, out: &mut String) -> bool {
    let begin = out.len();
    value.to_json(out)
        && !(full
            && out
                .get(begin..)
                .is_some_and(|json| matches!(json, "[]" | "\"\"")))
}
