//! Fields: what of a task two people can change apart from each other.
//!
//! A schema makes the fields of an object independent where it says what stands under each name and
//! ties no names together. Names that a condition speaks of (`if`, `oneOf`, `dependentRequired`, …)
//! are tied: they are one field. A schema is read by what is known of its keywords; one that is not known,
//! of this version of JSON Schema or another, makes the object one field.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is a field of its own at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fields {
    /// The place as a whole.
    Whole,
    /// The names below it.
    Each {
        /// What is a field below a name; a name that is not here is one as a whole.
        below: BTreeMap<String, Fields>,
        /// Names that are one field together.
        tied: BTreeSet<String>,
    },
}

/// Keywords that say nothing about two names at once. `required` is among them: a field that is
/// missing is found when the merged settings are checked.
const TIE_NOTHING: [&str; 14] = [
    "type",
    "properties",
    "required",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$schema",
    "$id",
    "$comment",
    "$defs",
];

impl Fields {
    /// Those of a task whose settings follow a schema. Without one the settings are one field.
    pub fn of_task(schema: Option<&Value>) -> Self {
        let settings = schema.map_or(Self::Whole, Self::of_schema);
        Self::Each {
            below: BTreeMap::from([("settings".to_owned(), settings)]),
            tied: BTreeSet::new(),
        }
    }

    /// Those of a value that follows a schema.
    pub fn of_schema(schema: &Value) -> Self {
        Self::of_object(schema).unwrap_or(Self::Whole)
    }

    fn of_object(schema: &Value) -> Option<Self> {
        let keywords = schema.as_object()?;
        let properties = keywords.get("properties")?.as_object()?;
        if keywords.get("type").is_none_or(|kind| kind != "object") {
            return None;
        }
        let mut tied = BTreeSet::new();
        for (name, value) in keywords {
            match name.as_str() {
                name if TIE_NOTHING.contains(&name) => {}
                // Words for consoles, which checks pass over.
                name if name.starts_with("x-") => {}
                "additionalProperties" if value.is_boolean() => {}
                _ => names_of(name, value, &mut tied)?,
            }
        }
        let below = properties
            .iter()
            .map(|(name, schema)| (name.clone(), Self::of_schema(schema)));
        Some(Self::Each {
            below: below.collect(),
            tied,
        })
    }
}

/// The names that a condition speaks of; none where it may speak of any.
fn names_of(keyword: &str, value: &Value, names: &mut BTreeSet<String>) -> Option<()> {
    match keyword {
        "allOf" | "anyOf" | "oneOf" => {
            for schema in value.as_array()? {
                names_in(schema, names)?;
            }
        }
        "if" | "then" | "else" | "not" => names_in(value, names)?,
        "dependentRequired" => {
            for (name, required) in value.as_object()? {
                names.insert(name.clone());
                names.extend(texts(required)?);
            }
        }
        "dependentSchemas" => {
            for (name, schema) in value.as_object()? {
                names.insert(name.clone());
                names_in(schema, names)?;
            }
        }
        _ => return None,
    }
    Some(())
}

/// The names that a schema within a condition speaks of.
fn names_in(schema: &Value, names: &mut BTreeSet<String>) -> Option<()> {
    if schema.is_boolean() {
        return Some(());
    }
    for (keyword, value) in schema.as_object()? {
        match keyword.as_str() {
            // What it says of one value is within that value's field.
            "properties" => names.extend(value.as_object()?.keys().cloned()),
            "required" => names.extend(texts(value)?),
            "type" | "title" | "description" | "$comment" => {}
            keyword => names_of(keyword, value, names)?,
        }
    }
    Some(())
}

fn texts(list: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    list.as_array()?.iter().map(text).collect()
}
