//! Merge: what becomes of a task that two sides changed from one state, the administrator and the
//! device's user.
//!
//! Three-way, field by field: what one side changed is taken, what both changed alike is taken once, and
//! where they differ the administrator wins and the user's value is told as lost. [`fields`] says
//! what is a field of its own. Pure: who changed what from where is the caller's to find out.

pub mod fields;
#[cfg(test)]
mod tests;

pub use fields::Fields;

use crate::finding::Finding;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The deepest place that a change may name.
const MOST_DEPTH: usize = 32;

/// One value that a person changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// A JSON Pointer (RFC 6901) into the task: `/name`, `/settings/area`.
    pub pointer: String,
    /// What stands there now; nothing if it was taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

/// A value of the device's user that the administrator's took the place of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// The field.
    pub pointer: String,
    /// What the user wanted there; nothing if it was to be taken out.
    pub user: Option<Value>,
    /// What stands there.
    pub administrator: Option<Value>,
}

/// What a merge comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The task as it is to be.
    pub whole: Value,
    /// What of the user's is not in it.
    pub lost: Vec<Lost>,
}

/// Merges what an administrator and a device's user made of one base.
pub fn merge(base: &Value, administrator: &Value, user: &Value, fields: &Fields) -> Merged {
    let mut lost = Vec::new();
    let sides = Sides {
        base: Some(base),
        administrator: Some(administrator),
        user: Some(user),
    };
    let whole = sides.merge(fields, &mut String::new(), &mut lost);
    Merged {
        whole: whole.unwrap_or_default(),
        lost,
    }
}

/// One place as it stands with each.
#[derive(Clone, Copy)]
struct Sides<'a> {
    base: Option<&'a Value>,
    administrator: Option<&'a Value>,
    user: Option<&'a Value>,
}

impl<'a> Sides<'a> {
    fn merge(self, fields: &Fields, place: &mut String, lost: &mut Vec<Lost>) -> Option<Value> {
        if self.user == self.base || self.user == self.administrator {
            return self.administrator.cloned();
        }
        if self.administrator == self.base {
            return self.user.cloned();
        }
        if let Fields::Each { below, tied } = fields
            && let Some(merged) = self.each(below, tied, place, lost)
        {
            return Some(merged);
        }
        lost.push(self.lost(place));
        self.administrator.cloned()
    }

    fn lost(self, place: &str) -> Lost {
        Lost {
            pointer: place.to_owned(),
            user: self.user.cloned(),
            administrator: self.administrator.cloned(),
        }
    }

    /// Whether what one side changed here stands with the other as well.
    fn is_in(self, one: Option<&Value>, other: Option<&Value>) -> bool {
        one == self.base || one == other
    }

    /// Each field by itself; none where one of the sides has no fields here.
    fn each(
        self,
        fields: &BTreeMap<String, Fields>,
        tied: &BTreeSet<String>,
        place: &mut String,
        lost: &mut Vec<Lost>,
    ) -> Option<Value> {
        let object = |side: Option<&'a Value>| side.and_then(Value::as_object);
        let administrators = object(self.administrator)?;
        let (base, users) = (object(self.base)?, object(self.user)?);
        // In the administrator's order, then what the user added.
        let added = users
            .keys()
            .chain(base.keys())
            .filter(|name| !administrators.contains_key(*name));
        let mut names: Vec<&String> = administrators.keys().chain(added).collect();
        let mut seen = BTreeSet::new();
        names.retain(|name| seen.insert(*name));
        let of = |name: &String| Sides {
            base: base.get(name),
            administrator: administrators.get(name),
            user: users.get(name),
        };
        let together: Vec<Self> = names
            .iter()
            .filter(|name| tied.contains(**name))
            .map(|name| of(name))
            .collect();
        let kept = (!together.is_empty()).then(|| whose(&together));
        let mut merged = Map::new();
        for name in names {
            let sides = of(name);
            let length = place.len();
            place.push('/');
            place.push_str(&escaped(name));
            let value = match kept.filter(|_| tied.contains(name)) {
                None => sides.merge(fields.get(name).unwrap_or(&Fields::Whole), place, lost),
                Some(Kept::Users) => sides.user.cloned(),
                Some(Kept::Administrators) => {
                    if !sides.is_in(sides.user, sides.administrator) {
                        lost.push(sides.lost(place));
                    }
                    sides.administrator.cloned()
                }
            };
            if let Some(value) = value {
                merged.insert(name.clone(), value);
            }
            place.truncate(length);
        }
        Some(Value::Object(merged))
    }
}

/// Whose values are taken of names that are one field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Administrators,
    Users,
}

/// The side that has what the other changed as well; where neither has, the administrator's.
fn whose(together: &[Sides<'_>]) -> Kept {
    let users_in = |at: &Sides<'_>| at.is_in(at.user, at.administrator);
    let administrators_in = |at: &Sides<'_>| at.is_in(at.administrator, at.user);
    if !together.iter().all(users_in) && together.iter().all(administrators_in) {
        Kept::Users
    } else {
        Kept::Administrators
    }
}

/// What differs between two states, place by place. Lists are whole.
pub fn delta(from: &Value, to: &Value) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    differ(Some(from), Some(to), &mut String::new(), &mut changes);
    changes
}

fn differ(
    from: Option<&Value>,
    to: Option<&Value>,
    place: &mut String,
    changes: &mut Vec<FieldChange>,
) {
    if from == to {
        return;
    }
    if let (Some(Value::Object(before)), Some(Value::Object(after))) = (from, to) {
        let gone = before.keys().filter(|name| !after.contains_key(*name));
        for name in after.keys().chain(gone) {
            let length = place.len();
            place.push('/');
            place.push_str(&escaped(name));
            differ(before.get(name), after.get(name), place, changes);
            place.truncate(length);
        }
        return;
    }
    changes.push(FieldChange {
        pointer: place.clone(),
        to: to.cloned(),
    });
}

/// A state with changes made to it. What is wrong with a change's place is a [`Finding`]; an object that a
/// place lies in and that is not there is made.
pub fn with(base: &Value, changes: &[FieldChange]) -> Result<Value, Finding> {
    let mut whole = base.clone();
    for change in changes {
        put(&mut whole, change)?;
    }
    Ok(whole)
}

fn put(whole: &mut Value, change: &FieldChange) -> Result<(), Finding> {
    let pointer = change.pointer.as_str();
    let wrong = |text: &str| Finding::error(pointer, "change-place", text);
    let names = pointer
        .strip_prefix('/')
        .ok_or_else(|| wrong("A change names a place that begins with a slash."))?;
    let names: Vec<String> = names.split('/').map(unescaped).collect();
    let (Some((last, above)), true) = (names.split_last(), names.len() <= MOST_DEPTH) else {
        return Err(wrong("A change names a place that lies too deep."));
    };
    let mut at = whole;
    for name in above {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Value::Object(object) = at else {
            return Err(wrong("A change names a place in what is no object."));
        };
        at = object
            .entry(name.clone())
            .or_insert_with(|| Value::Object(Map::new()));
    }
    if !at.is_object() {
        *at = Value::Object(Map::new());
    }
    if let Value::Object(object) = at {
        match &change.to {
            Some(value) => {
                object.insert(last.clone(), value.clone());
            }
            None => {
                object.shift_remove(last);
            }
        }
    }
    Ok(())
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn unescaped(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}
