//! Secrets in settings that are given away, by what the schema says of them.

use muster_domain::secret::marked;
use serde_json::Value;

/// Takes out what a schema marks as secret, and gives the places. References to the vault are names,
/// and stay.
pub(super) fn take_out(settings: &mut Value, schema: &Value) -> Vec<String> {
    let mut removed = Vec::new();
    for marked in marked(settings, schema) {
        if let Some(value) = settings
            .pointer_mut(&marked.pointer)
            .filter(|value| !value.is_null())
        {
            *value = Value::from("(removed)");
            removed.push(marked.pointer);
        }
    }
    removed
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
            "keys": [{"value": {"a": "b"}}, {"name": "x"}, {"value": {"secret": "named"}}, {"value": null}]
        });
        assert_eq!(take_out(&mut settings, &schema), ["/keys/0/value", "/pin"]);
        assert_eq!(
            settings,
            json!({"user": "anna", "pin": "(removed)", "other": {"pin": 1},
                "keys": [{"value": "(removed)"}, {"name": "x"}, {"value": {"secret": "named"}}, {"value": null}]})
        );
    }
}
