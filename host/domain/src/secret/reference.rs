//! References: where settings name a secret.

use serde_json::Value;

/// A place in settings that names a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// A JSON Pointer to the object `{"secret": NAME}`.
    pub pointer: String,
    /// The name.
    pub name: String,
}

/// Every reference to the vault in settings, by place.
pub fn references(settings: &Value) -> Vec<Reference> {
    let mut found = Vec::new();
    look(settings, &mut String::new(), &mut found);
    found
}

/// The name of the secret, if a value is a reference.
pub(super) fn named(value: &Value) -> Option<&str> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    members.get("secret")?.as_str()
}

fn look(value: &Value, at: &mut String, found: &mut Vec<Reference>) {
    if let Some(name) = named(value) {
        return found.push(Reference {
            pointer: at.clone(),
            name: name.to_owned(),
        });
    }
    each_member(value, at, &mut |_, value, at| look(value, at, found));
}

/// Goes through the members or entries of a value, each with its name, if it has one, and its place.
pub(super) fn each_member(
    value: &Value,
    at: &mut String,
    visit: &mut dyn FnMut(Option<&str>, &Value, &mut String),
) {
    let length = at.len();
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                at.push('/');
                at.push_str(&step(name));
                visit(Some(name), value, at);
                at.truncate(length);
            }
        }
        Value::Array(entries) => {
            for (number, value) in entries.iter().enumerate() {
                at.push('/');
                at.push_str(&number.to_string());
                visit(None, value, at);
                at.truncate(length);
            }
        }
        _ => {}
    }
}

/// A member's name as a step of a JSON Pointer.
pub(super) fn step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
