//! What a schema says beyond being valid: defaults, titles, and no place for secrets.

use super::rule::{DEFAULTS_VALID, SECRET_BY_NAME, SETTINGS_TITLED};
use super::trial::{Trial, task_types};
use crate::Plugin;
use crate::draw::settings::resolve;
use muster_domain::secret::speaks_of_secret;
use serde_json::Value;

/// Levels below which no setting is looked for.
const MOST_LEVELS: usize = 30;

pub(super) fn run(trial: &mut Trial<'_>, plugin: &Plugin) {
    for task_type in task_types(plugin) {
        let id = Some(task_type.id.as_str());
        let root = &task_type.settings_schema;
        each_setting(root, root, "", 0, &mut |name, place, setting| {
            check_values(trial, id, root, place, setting);
            if let Some(name) = name {
                trial.tried(&SECRET_BY_NAME);
                trial.tried(&SETTINGS_TITLED);
                if holds_secret(name, resolve(root, setting)) {
                    trial.broken(&SECRET_BY_NAME, id, format!(
                        "{place} holds a secret itself; make it an object {{\"secret\": NAME}} that names one in the server's vault: the plug-in then hands on the name, and never sees the value"
                    ), None);
                }
                let told = |key| {
                    [setting, resolve(root, setting)]
                        .iter()
                        .any(|of| of.get(key).is_some())
                };
                if !told("title") && !told("description") {
                    trial.broken(
                        &SETTINGS_TITLED,
                        id,
                        format!("{place} has neither a title nor a description"),
                        None,
                    );
                }
            }
        });
    }
}

/// Defaults and examples of one setting.
fn check_values(
    trial: &mut Trial<'_>,
    task_type: Option<&str>,
    root: &Value,
    place: &str,
    setting: &Value,
) {
    let default = setting.get("default").map(|value| ("default", value));
    let examples = setting.get("examples").and_then(Value::as_array);
    let examples = examples
        .into_iter()
        .flatten()
        .map(|value| ("example", value));
    for (what, value) in default.into_iter().chain(examples) {
        trial.tried(&DEFAULTS_VALID);
        // Parts that are referred to stand at the root of the whole schema.
        let mut alone = setting.as_object().cloned().unwrap_or_default();
        for kept in ["$defs", "definitions"] {
            if let (Some(defs), false) = (root.get(kept), alone.contains_key(kept)) {
                alone.insert(kept.to_owned(), defs.clone());
            }
        }
        let Ok(schema) = jsonschema::draft202012::options()
            .offline()
            .build(&Value::Object(alone))
        else {
            continue;
        };
        if let Some(error) = schema.iter_errors(value).next() {
            let text = format!("the {what} of {place} is not valid by its own schema: {error}");
            trial.broken(&DEFAULTS_VALID, task_type, text, None);
        }
    }
}

/// Calls `each` with every setting: its name if it has one, its place, its schema.
fn each_setting<'v>(
    root: &'v Value,
    schema: &'v Value,
    place: &str,
    level: usize,
    each: &mut dyn FnMut(Option<&str>, &str, &'v Value),
) {
    if level > MOST_LEVELS {
        return;
    }
    let schema = resolve(root, schema);
    if names_secret(schema) {
        return;
    }
    let named = |key: &str| {
        let named = schema.get(key).and_then(Value::as_object);
        named.into_iter().flatten()
    };
    for (name, setting) in named("properties") {
        let place = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
        each(Some(name), &place, setting);
        each_setting(root, setting, &place, level + 1, each);
    }
    let one = ["items", "additionalProperties"]
        .into_iter()
        .filter_map(|key| schema.get(key));
    let many = ["allOf", "anyOf", "oneOf", "prefixItems"].into_iter();
    let many = many.filter_map(|key| schema.get(key)?.as_array()).flatten();
    for inner in one
        .chain(many)
        .chain(named("patternProperties").map(|(_, inner)| inner))
    {
        each(None, place, inner);
        each_setting(root, inner, place, level + 1, each);
    }
}

/// `{"secret": NAME}`: the name of a secret, and nothing else.
fn names_secret(schema: &Value) -> bool {
    let members = schema.get("properties").and_then(Value::as_object);
    members.is_some_and(|members| members.len() == 1 && members.contains_key("secret"))
}

/// A name that speaks of a secret, for a text: what names one is an object.
fn holds_secret(name: &str, setting: &Value) -> bool {
    let speaks = speaks_of_secret(name);
    let is_text = match setting.get("type") {
        Some(Value::String(kind)) => kind == "string",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "string"),
        _ => setting.get("enum").is_none() && setting.get("const").is_none(),
    };
    let marked = setting.get("writeOnly") == Some(&Value::Bool(true))
        || setting.get("format").and_then(Value::as_str) == Some("password");
    is_text && (speaks || marked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_holds_a_secret_is_told_from_what_names_one() {
        let text = json!({"type": "string"});
        for name in [
            "password",
            "proxy-password",
            "apiKey",
            "client_secret",
            "token",
        ] {
            assert!(holds_secret(name, &text), "{name}");
        }
        for name in ["password-secret-name", "tokens", "path", "secrets-file"] {
            assert!(!holds_secret(name, &text), "{name}");
        }
        assert!(!holds_secret("password", &json!({"type": "object"})));
        assert!(names_secret(
            &json!({"properties": {"secret": {"type": "string"}}})
        ));
        assert!(!holds_secret("password", &json!({"type": "boolean"})));
        assert!(holds_secret(
            "pin",
            &json!({"type": "string", "writeOnly": true})
        ));
    }
}
