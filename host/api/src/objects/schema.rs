//! The form of files of objects as a JSON Schema, for editors and whoever makes such files.

use super::ObjectsFile;
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema as _, ToSchema as _};

/// Where an `OpenAPI` document has its types, and where a schema of its own has them.
const COMPONENTS: &str = "#/components/schemas/";
const DEFINITIONS: &str = "#/$defs/";

impl ObjectsFile {
    /// The JSON Schema of such files, of the draft 2020-12.
    pub fn json_schema() -> Value {
        let mut parts = Vec::new();
        Self::schemas(&mut parts);
        let mut parts: Vec<(String, Value)> = parts
            .into_iter()
            .map(|(name, part)| (name, json!(part)))
            .collect();
        parts.sort_by(|(one, _), (other, _)| one.cmp(other));
        parts.dedup_by(|(one, _), (other, _)| one == other);
        let mut schema = Map::new();
        schema.insert(
            "$schema".into(),
            json!("https://json-schema.org/draft/2020-12/schema"),
        );
        schema.insert("title".into(), json!("Muster objects"));
        if let Value::Object(own) = json!(Self::schema()) {
            schema.extend(own);
        }
        schema.insert("$defs".into(), Value::Object(parts.into_iter().collect()));
        let mut schema = Value::Object(schema);
        within(&mut schema);
        if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            let constant = |value: Value| json!({ "const": value });
            fields.insert("format".into(), constant(json!(Self::FORMAT)));
            fields.insert("version".into(), constant(json!(Self::VERSION)));
        }
        schema
    }
}

/// Has references lead to the definitions of the schema itself.
fn within(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if key == "$ref" => {
                        *text = text.replace(COMPONENTS, DEFINITIONS);
                    }
                    other => within(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(within),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_in_the_documents_is_that_of_the_program() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/objects.schema.json"
        );
        let written = std::fs::read_to_string(path).unwrap_or_default();
        let own = format!("{:#}\n", ObjectsFile::json_schema());
        assert!(
            written == own,
            "docs/objects.schema.json is another one; write it with\n\
             muster export --schema > docs/objects.schema.json\n{own}"
        );
    }
}
