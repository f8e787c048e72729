//! The derive says what schemars says of the same types, and refuses what it does not know.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests fail by it; the types are there for their schemas"
)]

use muster_sdk::schema::text;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that the derive knows.
#[derive(Deserialize, muster_sdk::JsonSchema, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(
    title = "All",
    extend("if" = { "properties": { "some-name": { "const": "x" } } }, "then" = { "required": ["list"] })
)]
struct Everything {
    /// # A heading
    ///
    /// One sentence.
    some_name: String,
    /// With "quotes", a \ and ümlauts.
    #[schemars(length(min = 1, max = 10), regex(pattern = r#"^[^\s"]+$"#))]
    limited: String,
    #[schemars(title = "Said", description = "Said otherwise.", length(equal = 4))]
    four: String,
    #[serde(rename = "elseWhere")]
    renamed: bool,
    #[schemars(range(min = 1, max = 100))]
    small: u32,
    #[schemars(range(min = -5))]
    negative: i64,
    #[schemars(range(max = 0.5))]
    fraction: f64,
    byte: u8,
    #[schemars(length(min = 1, max = 500), inner(length(min = 2, max = 4096)))]
    list: Vec<String>,
    #[schemars(inner(range(max = 9)))]
    numbers: Vec<u16>,
    set: BTreeSet<String>,
    map: BTreeMap<String, u32>,
    left_out: Option<String>,
    #[serde(default)]
    yes: bool,
    #[serde(default = "seven")]
    count: u32,
    #[serde(default = "names")]
    names: Vec<String>,
    #[serde(default)]
    choice: Choice,
    #[schemars(example = &"a", example = &"b", extend("x-own" = [1, { "a": null }]))]
    examples: String,
    #[schemars(with = "String")]
    other: Other,
    #[schemars(skip)]
    #[serde(default)]
    hidden: u8,
    inner: Inner,
    many: Vec<Inner>,
    wrapped: Wrapped,
    boxed: Box<Inner>,
}

/// Has no schema.
#[derive(Deserialize)]
struct Other;

/// Something within.
#[derive(Deserialize, muster_sdk::JsonSchema, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Inner {
    r#type: String,
    /// How much.
    #[serde(default)]
    size: Option<u8>,
}

#[derive(Deserialize, muster_sdk::JsonSchema, schemars::JsonSchema)]
#[serde(transparent)]
struct Wrapped(#[schemars(range(min = 3))] u8);

#[derive(Default, Serialize, Deserialize, muster_sdk::JsonSchema, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Choice {
    #[default]
    FirstOne,
    #[serde(rename = "2")]
    Second,
    Third,
}

fn seven() -> u32 {
    7
}

fn names() -> Vec<String> {
    vec!["a \"b\"".into(), "\n".into()]
}

/// All by the type's own default.
#[derive(Deserialize, Serialize, muster_sdk::JsonSchema, schemars::JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Defaults {
    one_thing: u32,
    other_thing: String,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            one_thing: 3,
            other_thing: "x".into(),
        }
    }
}

fn theirs<T: schemars::JsonSchema>() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<T>();
    same(schema.to_value(), "")
}

fn ours<T: muster_sdk::JsonSchema>() -> Value {
    same(serde_json::from_str(&text::<T>()).unwrap(), "")
}

/// A schema without what differs on purpose: formats of numbers and the bounds of their types, `null`
/// for what may be left out, and titles made of names.
fn same(schema: Value, name: &str) -> Value {
    let Value::Object(keywords) = schema else {
        return schema;
    };
    let mut kept = Map::new();
    for (keyword, value) in keywords {
        let value = match (keyword.as_str(), value) {
            ("format", _) | ("default", Value::Null) => continue,
            ("maximum", value) if value == json!(255) || value == json!(65535) => continue,
            ("maximum", value) if value == json!(u32::MAX) => continue,
            ("title", Value::String(title)) if is_name(&title, name) => continue,
            ("type", Value::Array(types)) => types.into_iter().next().unwrap(),
            ("properties", Value::Object(list)) => list
                .into_iter()
                .map(|(name, schema)| {
                    let schema = same(schema, &name);
                    (name, schema)
                })
                .collect(),
            ("items" | "additionalProperties", schema) => same(schema, name),
            (_, value) => value,
        };
        kept.insert(keyword, value);
    }
    // Whole numbers, however they are written.
    for bound in ["minimum", "maximum"] {
        if let Some(number) = kept.get(bound).and_then(Value::as_f64) {
            kept.insert(bound.into(), json!(number));
        }
    }
    Value::Object(kept)
}

/// A title that says only the field's or the type's name.
fn is_name(title: &str, field: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace([' ', '-', '_'], "");
    let types = ["Everything", "Inner", "Wrapped", "Choice", "Defaults"];
    types.contains(&title)
        || plain(title) == plain(field)
        || (field == "elseWhere" && title == "Renamed")
}

#[test]
fn it_says_what_schemars_says() {
    let (ours, theirs) = (ours::<Everything>(), theirs::<Everything>());
    for (name, schema) in theirs["properties"].as_object().unwrap() {
        assert_eq!(&ours["properties"][name], schema, "{name}");
    }
    assert_eq!(ours, theirs);
    assert_eq!(self::ours::<Defaults>(), self::theirs::<Defaults>());
}

#[test]
fn properties_keep_the_order_of_the_fields() {
    let schema: Value = serde_json::from_str(&text::<Everything>()).unwrap();
    let names: Vec<&str> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(names[..4], ["some-name", "limited", "four", "elseWhere"]);
    assert_eq!(names.last(), Some(&"boxed"));
}

#[test]
fn a_title_is_the_field_in_words() {
    let schema: Value = serde_json::from_str(&text::<Everything>()).unwrap();
    let title = |name: &str| schema["properties"][name]["title"].clone();
    assert_eq!(title("left-out"), "Left out");
    assert_eq!(title("some-name"), "A heading");
    assert_eq!(title("four"), "Said");
}

/// A list that must not be empty is not empty by default.
#[derive(Deserialize, muster_sdk::JsonSchema)]
struct Full {
    #[serde(default)]
    #[schemars(length(min = 1))]
    list: Vec<String>,
    #[serde(default)]
    any: Vec<String>,
}

#[test]
fn a_default_follows_its_own_schema() {
    let schema: Value = serde_json::from_str(&text::<Full>()).unwrap();
    assert_eq!(schema["properties"]["list"].get("default"), None);
    assert_eq!(schema["properties"]["any"]["default"], json!([]));
    assert_eq!(schema.get("required"), None);
}
