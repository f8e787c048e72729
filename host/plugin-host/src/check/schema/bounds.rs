//! How much work a schema can make.
//!
//! References let a short schema stand for an endless one, or for one that doubles at each step.
//! So references lead to places within the schema, never in a circle, and the schema written out
//! in full is not larger than a schema may be. Nothing that a settings form can show is lost.

use crate::check::Faults;
use serde_json::Value;
use std::collections::HashMap;

/// Schemas in a schema that is written out in full.
const MOST_SCHEMAS: usize = 20_000;
/// Levels of a schema that is written out in full.
const MOST_LEVELS: usize = 100;
/// Patterns in a schema as it stands.
const MOST_PATTERNS: usize = 200;
/// Values in the enumerations of a schema as it stands: each check of a value goes through them.
const MOST_VALUES: usize = 10_000;

/// Keywords whose value is a schema.
const ONE: [&str; 12] = [
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "not",
    "if",
    "then",
    "else",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
    "additionalItems",
];
/// Keywords whose value is a list of schemas.
const LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords whose value holds schemas by name, and that apply them.
const NAMED: [&str; 3] = ["properties", "patternProperties", "dependentSchemas"];
/// Keywords that hold schemas for others to refer to.
const KEPT: [&str; 2] = ["$defs", "definitions"];
/// Keywords of other dialects, and those that lead where nobody can follow beforehand.
const REFUSED: [&str; 6] = [
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$recursiveAnchor",
    "$anchor",
    "dependencies",
];

struct Walk<'s> {
    root: &'s Value,
    faults: &'s mut Faults,
    /// What a place that was referred to comes to; none while it is being counted.
    sizes: HashMap<&'s str, Option<Size>>,
    patterns: usize,
    values: usize,
}

#[derive(Clone, Copy, Default)]
struct Size {
    schemas: usize,
    levels: usize,
}

/// Adds a fault if the schema, which follows its meta-schema, is not within bounds.
pub(crate) fn check(faults: &mut Faults, schema: &Value) {
    let mut walk = Walk {
        root: schema,
        faults,
        sizes: HashMap::new(),
        patterns: 0,
        values: 0,
    };
    let size = walk.size("", schema, 0);
    let (patterns, values) = (walk.patterns, walk.values);
    if size.schemas > MOST_SCHEMAS {
        faults.add(
            "",
            format_args!("written out in full it has more than {MOST_SCHEMAS} schemas"),
        );
    }
    if size.levels > MOST_LEVELS {
        faults.add(
            "",
            format_args!("written out in full it is nested deeper than {MOST_LEVELS} levels"),
        );
    }
    if patterns > MOST_PATTERNS {
        faults.add(
            "",
            format_args!("it has {patterns} patterns; at most {MOST_PATTERNS} are taken"),
        );
    }
    if values > MOST_VALUES {
        faults.add(
            "",
            format_args!("its enumerations have {values} values; at most {MOST_VALUES} are taken"),
        );
    }
}

impl<'s> Walk<'s> {
    fn size(&mut self, place: &str, schema: &'s Value, level: usize) -> Size {
        let Some(keywords) = schema.as_object() else {
            return Size {
                schemas: 1,
                levels: 1,
            };
        };
        if level > MOST_LEVELS {
            return Size {
                schemas: 1,
                levels: MOST_LEVELS + 1,
            };
        }
        let mut inner = Size::default();
        for (keyword, value) in keywords {
            let keyword = keyword.as_str();
            let place = format!("{place}/{keyword}");
            if REFUSED.contains(&keyword) || (keyword == "$id" && level > 0) {
                self.faults.add(
                    &place,
                    "this keyword is not taken; refer to a place by its path, such as #/$defs/path",
                );
            } else if keyword == "pattern" {
                self.patterns += 1;
            } else if keyword == "enum" {
                self.values += value.as_array().map_or(0, Vec::len);
            } else if keyword == "$ref" {
                let size = self.referred(&place, value, level);
                inner.add(size);
            } else if ONE.contains(&keyword) {
                let size = self.size(&place, value, level + 1);
                inner.add(size);
            } else if LISTS.contains(&keyword) {
                for (number, schema) in value.as_array().into_iter().flatten().enumerate() {
                    let size = self.size(&format!("{place}/{number}"), schema, level + 1);
                    inner.add(size);
                }
            } else if NAMED.contains(&keyword) {
                for (name, schema) in value.as_object().into_iter().flatten() {
                    self.patterns += usize::from(keyword == "patternProperties");
                    let size = self.size(&format!("{place}/{name}"), schema, level + 1);
                    inner.add(size);
                }
            } else if KEPT.contains(&keyword) {
                // They count where they are referred to; here only for what they must not hold.
                for (name, schema) in value.as_object().into_iter().flatten() {
                    self.size(&format!("{place}/{name}"), schema, level + 1);
                }
            }
        }
        Size {
            schemas: inner.schemas.saturating_add(1),
            levels: inner.levels + 1,
        }
    }

    fn referred(&mut self, place: &str, reference: &'s Value, level: usize) -> Size {
        let reference = reference.as_str().unwrap_or_default();
        let target = match reference.strip_prefix('#') {
            Some(pointer) if !pointer.contains('%') => {
                self.root.pointer(pointer).map(|target| (pointer, target))
            }
            _ => None,
        };
        let Some((pointer, target)) = target else {
            self.faults.add(
                place,
                format_args!(
                    "{reference:?} leads to no place within this schema; write it as #/$defs/path"
                ),
            );
            return Size::default();
        };
        match self.sizes.get(pointer) {
            Some(Some(size)) => *size,
            Some(None) => {
                self.faults.add(
                    place,
                    format_args!("{reference:?} leads back to itself; a schema here has an end"),
                );
                Size::default()
            }
            None => {
                self.sizes.insert(pointer, None);
                let size = self.size(pointer, target, level + 1);
                self.sizes.insert(pointer, Some(size));
                size
            }
        }
    }
}

impl Size {
    fn add(&mut self, other: Self) {
        self.schemas = self.schemas.saturating_add(other.schemas);
        self.levels = self.levels.max(other.levels);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(schema: &Value) -> String {
        let mut faults = Faults::default();
        check(&mut faults, schema);
        faults.into_lines().join("\n")
    }

    #[test]
    fn plain_references_are_well() {
        let schema = json!({
            "$defs": {"path": {"type": "string", "pattern": "^/"}},
            "properties": {"from": {"$ref": "#/$defs/path"}, "to": {"$ref": "#/$defs/path"}, "$ref": {"type": "string"}}
        });
        assert_eq!(faults(&schema), "");
    }

    #[test]
    fn circles_are_refused_however_they_are_made() {
        for schema in [
            json!({"$ref": "#"}),
            json!({"properties": {"a": {"$ref": "#"}}}),
            json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}),
            json!({"properties": {"enum": {"allOf": [{"$ref": "#/properties/enum"}]}}}),
        ] {
            assert!(faults(&schema).contains("leads back to itself"), "{schema}");
        }
        assert!(faults(&json!({"$dynamicRef": "#x"})).contains("not taken"));
        assert!(faults(&json!({"properties": {"a": {"$id": "x"}}})).contains("not taken"));
        assert!(faults(&json!({"$ref": "#nowhere"})).contains("no place"));
    }

    #[test]
    fn a_schema_that_doubles_is_refused() {
        let mut defs = serde_json::Map::new();
        for step in 0..40 {
            let next = json!({"$ref": format!("#/$defs/s{}", step + 1)});
            defs.insert(format!("s{step}"), json!({"allOf": [next, next]}));
        }
        defs.insert("s40".into(), json!({"type": "object"}));
        assert!(faults(&json!({"$defs": defs, "$ref": "#/$defs/s0"})).contains("more than 20000"));
    }

    #[test]
    fn a_long_chain_is_refused() {
        let mut defs = serde_json::Map::new();
        for step in 0..5000 {
            defs.insert(
                format!("s{step}"),
                json!({"$ref": format!("#/$defs/s{}", step + 1)}),
            );
        }
        defs.insert("s5000".into(), json!({}));
        assert!(faults(&json!({"$defs": defs, "$ref": "#/$defs/s0"})).contains("deeper than"));
    }

    #[test]
    fn patterns_are_counted() {
        let many: serde_json::Map<_, _> = (0..201)
            .map(|n| (n.to_string(), json!({"pattern": "x"})))
            .collect();
        assert!(faults(&json!({"properties": many})).contains("201 patterns"));
    }
}
