//! JSON Schemas, made from types when a plug-in is compiled.
//!
//! [`JsonSchema`](derive@crate::JsonSchema) is derived. What it makes is data: a tree of constants, which
//! [`text`] writes out. So a guest carries no code for it, and nothing is computed twice.
//!
//! ```
//! use muster_sdk::{JsonSchema, schema};
//!
//! /// How often.
//! #[derive(JsonSchema)]
//! struct Count(#[schemars(range(min = 1))] u32);
//!
//! assert!(schema::text::<Count>().contains(r#""type":"integer""#));
//! ```

mod types;
mod write;

pub use write::{default_json, text};

/// The dialect of all of them.
pub const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A type that has a JSON Schema.
///
/// Derive it. The derive reads what `serde` and `schemars` read, so the schema and what is read by it
/// go together:
///
/// | in the struct | in the schema |
/// |---|---|
/// | `/// What is looked at.` | `description` |
/// | `/// # Area`, as the first line | `title`; otherwise the field's name in words |
/// | `#[serde(rename_all = "kebab-case")]`, `#[serde(rename = "…")]` | names |
/// | `#[serde(default)]`, `#[serde(default = "function")]` | `default`, and not `required` |
/// | `Option<…>` | not `required` |
/// | `#[schemars(length(min = 1, max = 100))]` | `minLength` …, or `minItems` … of a list |
/// | `#[schemars(range(min = 1, max = 10))]` | `minimum`, `maximum` |
/// | `#[schemars(regex(pattern = "…"))]` | `pattern` |
/// | `#[schemars(inner(length(max = 9)))]` | the same for the values of a list |
/// | `#[schemars(example = "…")]` | one of `examples` |
/// | `#[schemars(extend("uniqueItems" = true))]` | any other keyword |
/// | `#[schemars(title = "…")]`, `#[schemars(description = "…")]` | instead of the doc comment's |
/// | `#[schemars(with = "Type")]`, `#[schemars(skip)]` | another type's schema; none |
///
/// A struct is an object that takes no other properties, in the order of its fields. An enum without
/// data is a choice of names; one with data has no schema here, and neither has a flattened field,
/// because reading them makes a guest larger and slower.
///
/// ```
/// use muster_sdk::{JsonSchema, schema, serde::Deserialize};
///
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(crate = "muster_sdk::serde", rename_all = "kebab-case")]
/// struct Settings {
///     /// Folders to look at.
///     #[schemars(length(min = 1), inner(length(max = 4096)))]
///     paths: Vec<String>,
///     /// Whether links are followed.
///     #[serde(default)]
///     follow_links: bool,
/// }
///
/// assert_eq!(
///     schema::text::<Settings>(),
///     concat!(
///         r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"#,
///         r#""paths":{"title":"Paths","description":"Folders to look at.","minItems":1,"#,
///         r#""items":{"maxLength":4096,"type":"string"},"type":"array"},"#,
///         r#""follow-links":{"title":"Follow links","description":"Whether links are followed.","#,
///         r#""default":false,"type":"boolean"}},"#,
///         r#""required":["paths"],"additionalProperties":false}"#,
///     )
/// );
/// ```
///
/// What it does not know it refuses:
///
/// ```compile_fail
/// #[derive(muster_sdk::JsonSchema)]
/// enum Source {
///     Official,
///     Mirror { url: String },
/// }
/// ```
pub trait JsonSchema {
    /// The schema.
    const SCHEMA: &'static Schema;
    /// Of a list: the schema of its values.
    #[doc(hidden)]
    const ITEM: &'static Schema = &Schema::ANYTHING;
    /// What the least length of such a value is called.
    #[doc(hidden)]
    const SHORTEST: &'static str = "minLength";
    /// What its greatest length is called.
    #[doc(hidden)]
    const LONGEST: &'static str = "maxLength";
    /// Whether a field of this type may be left out.
    #[doc(hidden)]
    const OPTIONAL: bool = false;
    /// Of a struct: its fields, in Rust and in JSON.
    #[doc(hidden)]
    const FIELDS: &'static [(&'static str, &'static str)] = &[];

    /// Writes the value as JSON, if it is one that a schema shows as a default; else false.
    #[doc(hidden)]
    fn to_json(&self, out: &mut String) -> bool {
        let _ = out;
        false
    }
}

/// A schema: keywords, on top of those of another schema. The derive writes such; by hand it is
///
/// ```
/// use muster_sdk::{JsonSchema, schema::{self, Json, Keyword, Schema}};
///
/// struct Port(u16);
///
/// impl JsonSchema for Port {
///     const SCHEMA: &'static Schema = &Schema {
///         keywords: &[Keyword { name: "minimum", value: Json::Raw("1024") }],
///         base: Some(u16::SCHEMA),
///     };
/// }
///
/// assert!(schema::text::<Port>().contains(r#""minimum":1024,"type":"integer""#));
/// ```
#[derive(Debug)]
pub struct Schema {
    /// Its own; they take the place of the base's.
    pub keywords: &'static [Keyword],
    /// What it is based on.
    pub base: Option<&'static Schema>,
}

impl Schema {
    /// It takes everything.
    pub const ANYTHING: Self = Self {
        keywords: &[],
        base: None,
    };
}

/// A keyword and its value.
#[derive(Debug)]
pub struct Keyword {
    /// Such as `minLength`.
    pub name: &'static str,
    /// What it says.
    pub value: Json,
}

/// The value of a keyword.
#[derive(Debug)]
pub enum Json {
    /// JSON text.
    Raw(&'static str),
    /// Another schema.
    Schema(&'static Schema),
    /// An object's properties, in their order, and that there are no others.
    Properties(&'static [Property]),
    /// Writes JSON text; false if there is nothing to say.
    Value(fn(&mut String) -> bool),
}

/// One of an object's properties.
#[derive(Debug)]
pub struct Property {
    /// In JSON.
    pub name: &'static str,
    /// Whether it has to be there.
    pub required: bool,
    /// Its schema.
    pub schema: Schema,
}
