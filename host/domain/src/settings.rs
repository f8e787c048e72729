//! The settings of a task: a JSON object, whose meaning only the application's plug-in knows.

use crate::finding::Finding;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Settings as one compact JSON text whose keys keep the order in which they were given.
///
/// The text is an object, of at most [`Settings::MOST_BYTES`], nested no deeper than 127.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Value", into = "serde_json::Value")]
pub struct Settings(Arc<str>);

impl Settings {
    /// The longest text, after white space is taken out.
    pub const MOST_BYTES: usize = 256 * 1024;

    /// Reads a JSON text. Every way in which it can be wrong is a [`Finding`] with its place.
    pub fn parse(text: &str) -> Result<Self, Finding> {
        // The parser's own limit of depth (128) ends a nest of brackets before the stack does.
        let value: serde_json::Value = serde_json::from_str(text).map_err(|cause| {
            Finding::error(
                "",
                "settings-not-json",
                format!("The settings are not valid JSON: {cause}."),
            )
        })?;
        Self::from_value(&value)
    }

    /// Takes a JSON value that was read already.
    pub fn from_value(value: &serde_json::Value) -> Result<Self, Finding> {
        if !value.is_object() {
            return Err(Finding::error(
                "",
                "settings-not-object",
                "The settings are no JSON object; write {…} with the settings by name.",
            ));
        }
        let text = value.to_string();
        if text.len() > Self::MOST_BYTES {
            return Err(Finding::error(
                "",
                "settings-too-large",
                format!(
                    "The settings have {} bytes; at most {} are taken.",
                    text.len(),
                    Self::MOST_BYTES
                ),
            ));
        }
        Ok(Self(text.into()))
    }

    /// The settings without any key.
    pub fn empty() -> Self {
        Self("{}".into())
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The settings as a JSON value.
    pub fn to_value(&self) -> serde_json::Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<serde_json::Value> for Settings {
    type Error = String;
    fn try_from(value: serde_json::Value) -> Result<Self, String> {
        Self::from_value(&value).map_err(|finding| finding.text)
    }
}

impl From<Settings> for serde_json::Value {
    fn from(settings: Settings) -> Self {
        settings.to_value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_and_white_space_goes() {
        let settings = Settings::parse("{ \"b\": 1,\n \"a\": [ 2 ] }").unwrap();
        assert_eq!(settings.as_str(), r#"{"b":1,"a":[2]}"#);
    }

    proptest::proptest! {
        #[test]
        fn numbers_come_out_as_they_went_in(number in proptest::num::f64::NORMAL) {
            let written = serde_json::json!({ "a": number });
            let settings = Settings::from_value(&written).unwrap();
            proptest::prop_assert_eq!(settings.to_value(), written);
        }
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_reason() {
        let code = |text: &str| Settings::parse(text).unwrap_err().code;
        assert_eq!(code("{"), "settings-not-json");
        assert_eq!(code("[]"), "settings-not-object");
        assert_eq!(code(&"[".repeat(10_000)), "settings-not-json");
        let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(Settings::MOST_BYTES));
        assert_eq!(code(&large), "settings-too-large");
    }
}
