//! Settings: from JSON text to a type of the plug-in's own.

use crate::{Failure, Finding, Level, pointer_of};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;

/// The settings of a task type that has none.
///
/// ```
/// use muster_sdk::{NoSettings, serde_json};
///
/// assert!(serde_json::from_str::<NoSettings>("{}").is_ok());
/// ```
#[derive(Debug, Clone, Copy, Deserialize, muster_sdk::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

/// Settings as a type of their own; for [`Task::migrate`](crate::Task::migrate), which gets those of
/// an older version.
///
/// ```
/// use muster_sdk::{Failure, old_settings, serde::Deserialize};
///
/// #[derive(Deserialize)]
/// #[serde(crate = "muster_sdk::serde")]
/// struct First {
///     folder: String,
/// }
///
/// let old: First = old_settings(r#"{"folder": "/srv"}"#).unwrap();
/// assert_eq!(old.folder, "/srv");
/// assert!(matches!(old_settings::<First>("{}"), Err(Failure::Invalid(_))));
/// ```
pub fn old_settings<T: DeserializeOwned>(settings: &str) -> Result<T, Failure> {
    read(settings).map_err(|finding| Failure::Invalid(vec![finding]))
}

/// Reads settings. The host has checked them with the schema already, so a failure means that the
/// schema and the type disagree; it still names the place.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Finding> {
    serde_json::from_str(text).map_err(|error| unreadable(text, &error))
}

#[cold]
fn unreadable(text: &str, error: &serde_json::Error) -> Finding {
    let (line, column) = (error.line(), error.column());
    let cause = error.to_string();
    // Its place in the text is of no use to people who see a form.
    let cause = cause
        .strip_suffix(&format!(" at line {line} column {column}"))
        .unwrap_or(&cause);
    Finding {
        level: Level::Error,
        pointer: place(text, line, column),
        code: "settings-unreadable".into(),
        text: format!("The plug-in cannot read the settings: {cause}."),
        params: Vec::new(),
    }
}

/// One of the things that a place lies in.
enum Around {
    Object(String),
    Array(usize),
}

/// The JSON Pointer to where reading ended. What was read up to there is JSON. To keep track while
/// reading would cost every call, and the code for it every guest.
fn place(text: &str, line: usize, column: usize) -> String {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let read = text.get(..before + column).unwrap_or(text);
    let mut around: Vec<Around> = Vec::new();
    let mut key = true;
    let mut rest = read;
    while let Some(c) = rest.chars().next() {
        let length = if c == '"' { string(rest) } else { c.len_utf8() };
        let (token, after) = rest.split_at(length);
        rest = after;
        match c {
            '{' => {
                around.push(Around::Object(String::new()));
                key = true;
            }
            '[' => around.push(Around::Array(0)),
            '}' | ']' => {
                around.pop();
            }
            ':' => key = false,
            ',' => match around.last_mut() {
                Some(Around::Array(index)) => *index += 1,
                _ => key = true,
            },
            '"' if key => {
                if let Some(Around::Object(name)) = around.last_mut() {
                    *name = serde_json::from_str(token).unwrap_or_default();
                }
            }
            _ => {}
        }
    }
    let steps: Vec<&dyn Display> = around
        .iter()
        .filter_map(|around| match around {
            Around::Object(name) if name.is_empty() => None,
            Around::Object(name) => Some(name as &dyn Display),
            Around::Array(index) => Some(index as &dyn Display),
        })
        .collect();
    pointer_of(&steps)
}

/// How long the text is that begins here, its quotes included.
fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[expect(dead_code, reason = "only read")]
    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        paths: Vec<String>,
        #[serde(default)]
        inner: Vec<Inner>,
    }

    #[expect(dead_code, reason = "only read")]
    #[derive(Deserialize, Debug)]
    struct Inner {
        size: u8,
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_place() {
        for (text, pointer) in [
            (r#"{"paths": ["/a", 7]}"#, "/paths/1"),
            (r#"{"paths": ["/a", {"b": 1}]}"#, "/paths/1"),
            (r#"{"paths": ["a\"]}", true]}"#, "/paths/1"),
            ("{\n\"paths\": [\"é\",\n 7]}", "/paths/1"),
            ("{}", ""),
            (r#"{"paths": []} x"#, ""),
            ("7", ""),
            (r#"{"paths": "x"}"#, "/paths"),
            (r#"{"paths": [], "a/b": 1}"#, "/a~1b"),
            (
                r#"{"paths": [], "inner": [{"size": 1}, {"size": 256}]}"#,
                "/inner/1/size",
            ),
            (r#"{"paths": [], "inner": [{"size": 1}, {}]}"#, "/inner/1"),
        ] {
            let finding = read::<Settings>(text).unwrap_err();
            assert_eq!(finding.pointer, pointer, "{text}: {}", finding.text);
            assert!(!finding.text.contains(" line "), "{}", finding.text);
        }
        assert!(read::<Settings>(r#"{"paths": []}"#).is_ok());
    }
}
