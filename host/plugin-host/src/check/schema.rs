//! JSON Schemas that a plug-in gives: compiled once within bounds, then used to check settings and
//! the fields of events.
//!
//! A schema of a plug-in is a program that the host runs. `bounds` sees to it that this program
//! ends, soon; the library does the rest, without network or files.

mod bounds;

use super::Faults;
use crate::capability::log::cut;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator, draft202012};
use muster_domain::finding::Finding;
use serde_json::Value;

/// The only dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Findings of one check; what is beyond is counted.
const MOST_FINDINGS: usize = 100;
/// Bytes of a compiled pattern.
const MOST_PATTERN: usize = 256 << 10;

/// A schema that compiled.
#[derive(Debug)]
pub(crate) struct Schema(Validator);

impl Schema {
    /// Compiles a schema, or says all that is wrong with it, each with its place in the schema.
    pub(crate) fn compile(schema: &Value) -> Result<Self, Vec<String>> {
        let mut faults = Faults::default();
        check_frame(&mut faults, schema);
        for error in draft202012::meta::validator().iter_errors(schema) {
            faults.add(error.instance_path().as_str(), error.masked_with("this"));
        }
        if faults.is_empty() {
            bounds::check(&mut faults, schema);
        }
        if !faults.is_empty() {
            return Err(faults.into_lines());
        }
        let built = draft202012::options()
            .offline()
            .with_pattern_options(
                PatternOptions::regex()
                    .size_limit(MOST_PATTERN)
                    .dfa_size_limit(MOST_PATTERN),
            )
            .build(schema);
        built.map(Self).map_err(|error| {
            faults.add(error.instance_path().as_str(), &error);
            faults.into_lines()
        })
    }

    /// Checks a value. The error means that the schema itself is at fault, not the value.
    pub(crate) fn findings(&self, value: &Value) -> Result<Vec<Finding>, String> {
        let mut findings = Vec::new();
        let mut left_out = 0_usize;
        for error in self.0.iter_errors(value) {
            if findings.len() >= MOST_FINDINGS {
                left_out += 1;
            } else {
                push_findings(&mut findings, &error)?;
            }
        }
        if left_out > 0 {
            findings.push(Finding::error(
                "",
                "schema-more",
                format!("There are {left_out} more errors."),
            ));
        }
        Ok(findings)
    }
}

fn check_frame(faults: &mut Faults, schema: &Value) {
    match schema.as_object() {
        None => faults.add("", "a schema is a JSON object"),
        Some(object) => match object.get("$schema") {
            None => {}
            Some(Value::String(dialect)) if dialect.trim_end_matches('#') == DIALECT => {}
            Some(_) => faults.add(
                "/$schema",
                format_args!("only JSON Schema 2020-12 is taken: {DIALECT:?}"),
            ),
        },
    }
}

/// What the library found, as findings. One that names several properties becomes one for each.
fn push_findings(findings: &mut Vec<Finding>, error: &ValidationError<'_>) -> Result<(), String> {
    let pointer = error.instance_path().as_str();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                let mut finding = Finding::error(
                    format!("{pointer}/{}", escape(name)),
                    "schema-unknown-property",
                    format!("There is no setting {:?} here.", cut(name, 100)),
                );
                finding.params.push(("property".to_owned(), name.clone()));
                findings.push(finding);
            }
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let mut finding = Finding::error(
                pointer,
                "schema-required",
                format!("The setting {name:?} is missing."),
            );
            finding
                .params
                .push(("property".to_owned(), name.to_owned()));
            findings.push(finding);
        }
        ValidationErrorKind::BacktrackLimitExceeded { .. }
        | ValidationErrorKind::RegexEngineFailure { .. }
        | ValidationErrorKind::Referencing(_)
        | ValidationErrorKind::Custom { .. } => {
            return Err(format!("at {}: {error}", error.schema_path()));
        }
        kind => {
            let code = format!("schema-{}", kebab(kind.keyword()));
            let text = format!("{}.", error.masked_with("This value"));
            findings.push(Finding::error(pointer, &code, cut(&text, 1000)));
        }
    }
    Ok(())
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// `maxLength` becomes `max-length`.
fn kebab(keyword: &str) -> String {
    let mut text = String::new();
    for c in keyword.chars() {
        if c.is_ascii_uppercase() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_wrong_with_a_value_is_told_with_its_place() {
        let schema = Schema::compile(&json!({
            "$schema": DIALECT,
            "type": "object",
            "required": ["paths"],
            "additionalProperties": false,
            "properties": {
                "paths": {"type": "array", "items": {"type": "string", "pattern": "^/", "maxLength": 5}},
                "action": {"enum": ["report", "remove"]}
            }
        }))
        .unwrap();
        let found = |value: Value| -> Vec<(String, String)> {
            schema
                .findings(&value)
                .unwrap()
                .into_iter()
                .map(|f| (f.pointer, f.code))
                .collect()
        };
        let pair = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
        assert_eq!(found(json!({"paths": ["/a"]})), []);
        assert_eq!(found(json!({})), [pair("", "schema-required")]);
        assert_eq!(
            found(json!({"paths": ["/a", 1, "/abcdef", "x"], "action": "z", "a/b": 1, "c": 2})),
            [
                pair("/paths/1", "schema-type"),
                pair("/paths/2", "schema-max-length"),
                pair("/paths/3", "schema-pattern"),
                pair("/action", "schema-enum"),
                pair("/a~1b", "schema-unknown-property"),
                pair("/c", "schema-unknown-property"),
            ]
        );
        let many = json!({"paths": vec![1; 150]});
        assert_eq!(schema.findings(&many).unwrap().len(), MOST_FINDINGS + 1);
    }

    #[test]
    fn a_schema_that_is_none_is_refused_with_its_place() {
        let faults = |schema: Value| Schema::compile(&schema).unwrap_err().join("\n");
        assert!(faults(json!([])).contains("JSON object"));
        assert!(faults(json!({"type": "objct"})).starts_with("/type: "));
        assert!(
            faults(json!({"$schema": "http://json-schema.org/draft-07/schema#"}))
                .contains("2020-12")
        );
        assert!(faults(json!({"properties": {"a": {"pattern": "("}}})).contains('('));
        assert!(faults(json!({"pattern": "((a{99}){99}){99}"})).contains("a{99}"));
        assert!(faults(json!({"$ref": "https://example.org/x"})).contains("/$ref: "));
        assert!(faults(json!({"$ref": "file:///etc/passwd"})).contains("/$ref: "));
    }
}
