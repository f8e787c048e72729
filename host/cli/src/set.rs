//! `--set` and `--unset`: single settings, given on the command line.
//!
//! What a setting means is the plug-in's business; here only places and JSON are known.

use serde_json::Value;
use std::str::FromStr;

/// The longest path, in parts. The server refuses settings that are nested deeper than 127.
const MOST_PARTS: usize = 64;

/// Why a `--set` or `--unset` cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SetError {
    #[error("{0:?} has no `=`; write PATH=VALUE, such as archives.limit=10")]
    NoValue(String),
    #[error(
        "the path {path:?} is not understood: {reason}; write a.b, a.list[0], a.list[] or /a/b"
    )]
    Path { path: String, reason: &'static str },
    #[error("{path:?} cannot be set: {at:?} is {found}, not {wanted}")]
    Kind {
        path: String,
        at: String,
        found: &'static str,
        wanted: &'static str,
    },
    #[error("{path:?} cannot be set: {at:?} has {length} items; write [] to append one")]
    Index {
        path: String,
        at: String,
        length: usize,
    },
    #[error("{0:?} cannot be unset: there is no such setting")]
    Nothing(String),
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// A member of an object; in a list, a number is an index.
    Key(String),
    /// `[n]`.
    Index(usize),
    /// `[]`: one more item.
    Append,
    /// `-` in a JSON Pointer: one more item of a list, or the member of that name.
    Dash,
}

/// A place in settings: `a.b`, `a.list[0].c`, or a JSON Pointer such as `/a/list/0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    text: String,
    parts: Vec<Part>,
}

/// `PATH=VALUE`. The value is JSON if it is valid JSON, otherwise a string.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assignment {
    path: Path,
    value: Value,
}

impl FromStr for Assignment {
    type Err = SetError;

    fn from_str(text: &str) -> Result<Self, SetError> {
        let (path, value) = text
            .split_once('=')
            .ok_or_else(|| SetError::NoValue(text.to_owned()))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        Ok(Self {
            path: path.parse()?,
            value,
        })
    }
}

impl FromStr for Path {
    type Err = SetError;

    fn from_str(text: &str) -> Result<Self, SetError> {
        let wrong = |reason| SetError::Path {
            path: text.to_owned(),
            reason,
        };
        let parts = match text.strip_prefix('/') {
            Some(pointer) => pointer
                .split('/')
                .map(pointer_part)
                .collect::<Result<_, _>>(),
            None => dotted(text),
        }
        .map_err(wrong)?;
        if parts.len() > MOST_PARTS {
            return Err(wrong("it has more than 64 parts"));
        }
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }
}

fn pointer_part(text: &str) -> Result<Part, &'static str> {
    if text == "-" {
        return Ok(Part::Dash);
    }
    let escapes = text
        .split('~')
        .skip(1)
        .all(|rest| rest.starts_with(['0', '1']));
    if !escapes {
        return Err("in a JSON Pointer, `~` is written ~0 and `/` within a name ~1");
    }
    Ok(Part::Key(text.replace("~1", "/").replace("~0", "~")))
}

fn dotted(text: &str) -> Result<Vec<Part>, &'static str> {
    let mut parts = Vec::new();
    for segment in text.split('.') {
        let (name, brackets) = segment.split_at(segment.find('[').unwrap_or(segment.len()));
        if name.is_empty() {
            return Err("a name is empty");
        }
        parts.push(Part::Key(name.to_owned()));
        let mut rest = brackets;
        while let Some(inner) = rest.strip_prefix('[') {
            let (index, after) = inner.split_once(']').ok_or("a bracket is not closed")?;
            parts.push(match index {
                "" => Part::Append,
                number => Part::Index(number.parse().map_err(|_| "an index is no number")?),
            });
            rest = after;
        }
        if !rest.is_empty() {
            return Err("after a bracket comes `.` or another bracket");
        }
    }
    Ok(parts)
}

impl Assignment {
    /// Puts the value in its place. Objects and lists on the way are made where there are none.
    pub(crate) fn apply(&self, settings: &mut Value) -> Result<(), SetError> {
        let mut at = settings;
        let mut walked = String::new();
        for part in &self.path.parts {
            at = self.path.step(at, part, &walked)?;
            walked = match part {
                Part::Key(name) => format!("{walked}/{name}"),
                Part::Index(index) => format!("{walked}/{index}"),
                Part::Append | Part::Dash => format!("{walked}/-"),
            };
        }
        *at = self.value.clone();
        Ok(())
    }
}

impl Path {
    fn step<'a>(
        &self,
        at: &'a mut Value,
        part: &Part,
        walked: &str,
    ) -> Result<&'a mut Value, SetError> {
        if at.is_null() {
            *at = match part {
                Part::Key(_) => Value::Object(serde_json::Map::new()),
                Part::Index(_) | Part::Append | Part::Dash => Value::Array(Vec::new()),
            };
        }
        let found = kind(at);
        match (part, at) {
            (Part::Key(name), Value::Object(members)) => {
                Ok(members.entry(name.clone()).or_insert(Value::Null))
            }
            (Part::Dash, Value::Object(members)) => Ok(members.entry("-").or_insert(Value::Null)),
            (Part::Append | Part::Dash, Value::Array(items)) => {
                items.push(Value::Null);
                self.item(items, usize::MAX, walked)
            }
            (Part::Index(index), Value::Array(items)) => self.item(items, *index, walked),
            (Part::Key(name), Value::Array(items)) if name.parse::<usize>().is_ok() => {
                self.item(items, name.parse().unwrap_or(usize::MAX), walked)
            }
            (part, _) => Err(SetError::Kind {
                path: self.text.clone(),
                at: walked.to_owned(),
                found,
                wanted: if matches!(part, Part::Key(_)) {
                    "an object"
                } else {
                    "a list"
                },
            }),
        }
    }

    /// An item by its index; the last for `usize::MAX`; a new one for the index after the last.
    fn item<'a>(
        &self,
        items: &'a mut Vec<Value>,
        index: usize,
        walked: &str,
    ) -> Result<&'a mut Value, SetError> {
        let length = items.len();
        if index == length {
            items.push(Value::Null);
        }
        let index = if index == usize::MAX {
            length.saturating_sub(1)
        } else {
            index
        };
        items.get_mut(index).ok_or_else(|| SetError::Index {
            path: self.text.clone(),
            at: walked.to_owned(),
            length,
        })
    }

    /// Takes what is in the place away.
    pub(crate) fn unset(&self, settings: &mut Value) -> Result<(), SetError> {
        let nothing = || SetError::Nothing(self.text.clone());
        let (last, way) = self.parts.split_last().ok_or_else(nothing)?;
        let mut at = settings;
        for part in way {
            at = match (part, at) {
                (Part::Key(name), Value::Object(members)) => members.get_mut(name),
                (part, Value::Array(items)) => part.index().and_then(|index| items.get_mut(index)),
                _ => None,
            }
            .ok_or_else(nothing)?;
        }
        match (last, at) {
            (Part::Key(name), Value::Object(members)) => {
                members.shift_remove(name).map(|_| ()).ok_or_else(nothing)
            }
            (part, Value::Array(items)) => match part.index() {
                Some(index) if index < items.len() => {
                    items.remove(index);
                    Ok(())
                }
                _ => Err(nothing()),
            },
            _ => Err(nothing()),
        }
    }
}

impl Part {
    fn index(&self) -> Option<usize> {
        match self {
            Self::Index(index) => Some(*index),
            Self::Key(name) => name.parse().ok(),
            Self::Append | Self::Dash => None,
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(mut settings: Value, assignments: &[&str]) -> Result<Value, SetError> {
        for text in assignments {
            text.parse::<Assignment>()?.apply(&mut settings)?;
        }
        Ok(settings)
    }

    #[test]
    fn values_are_json_where_they_can_be_and_strings_otherwise() {
        let settings = set(
            json!({}),
            &[
                "n=10",
                "t=true",
                "s=hello",
                "q=\"10\"",
                "z=007",
                "o={\"a\":[1]}",
                "e=",
                "u=a=b",
            ],
        );
        assert_eq!(
            settings.unwrap(),
            json!({"n": 10, "t": true, "s": "hello", "q": "10", "z": "007", "o": {"a": [1]},
                "e": "", "u": "a=b"})
        );
    }

    #[test]
    fn what_is_missing_on_the_way_is_made() {
        assert_eq!(
            set(json!({}), &["a.b.c=1"]).unwrap(),
            json!({"a": {"b": {"c": 1}}})
        );
        assert_eq!(set(json!({}), &["/a/b=1"]).unwrap(), json!({"a": {"b": 1}}));
        assert_eq!(
            set(json!({"a": null}), &["a[].x=1"]).unwrap(),
            json!({"a": [{"x": 1}]})
        );
    }

    #[test]
    fn lists_are_appended_to_and_indexed() {
        let settings = set(
            json!({}),
            &["l[]=x", "l[]=y", "/l/-=z", "l[1]=Y", "/l/0=X", "l[3]=w"],
        );
        assert_eq!(settings.unwrap(), json!({"l": ["X", "Y", "z", "w"]}));
        assert_eq!(
            set(json!({"l": []}), &["l[1]=x"]).unwrap_err().to_string(),
            r#""l[1]" cannot be set: "/l" has 0 items; write [] to append one"#
        );
        assert!(set(json!({"l": []}), &["/l/18446744073709551615/x=1"]).is_err());
    }

    #[test]
    fn a_pointer_reaches_names_with_dots_and_slashes() {
        assert_eq!(
            set(json!({}), &["/a.b/c~1d~0=1"]).unwrap(),
            json!({"a.b": {"c/d~": 1}})
        );
    }

    #[test]
    fn what_is_no_container_is_named() {
        assert_eq!(
            set(json!({"a": {"b": "text"}}), &["a.b.c=1"])
                .unwrap_err()
                .to_string(),
            r#""a.b.c" cannot be set: "/a/b" is a string, not an object"#
        );
        assert_eq!(
            set(json!({"a": {}}), &["a[]=1"]).unwrap_err().to_string(),
            r#""a[]" cannot be set: "/a" is an object, not a list"#
        );
    }

    #[test]
    fn paths_that_are_wrong_are_refused() {
        for bad in [
            "x", "=1", "a..b=1", "a[x]=1", "a[0=1", "a[0]b=1", "/a~2=1", ".a=1",
        ] {
            assert!(set(json!({}), &[bad]).is_err(), "{bad}");
        }
        assert!(
            format!("{}=1", "a.".repeat(70) + "a")
                .parse::<Assignment>()
                .is_err()
        );
    }

    #[test]
    fn unset_takes_members_and_items_away() {
        let mut settings = json!({"a": {"b": 1, "c": 2}, "l": [1, 2]});
        for path in ["a.b", "l[0]"] {
            path.parse::<Path>().unwrap().unset(&mut settings).unwrap();
        }
        assert_eq!(settings, json!({"a": {"c": 2}, "l": [2]}));
        for path in ["a.x", "l[7]", "a.c.d", "l[]"] {
            assert!(
                path.parse::<Path>().unwrap().unset(&mut settings).is_err(),
                "{path}"
            );
        }
    }
}
