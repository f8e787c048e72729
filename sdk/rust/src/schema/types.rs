//! The schemas of Rust's own types.

use super::write::{separate, string};
use super::{Json, JsonSchema, Keyword, Schema};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

const fn raw(name: &'static str, value: &'static str) -> Keyword {
    Keyword {
        name,
        value: Json::Raw(value),
    }
}

const STRING: Schema = Schema {
    keywords: &[raw("type", "\"string\"")],
    base: None,
};

macro_rules! strings {
    ($($type:ty),*) => {
        $(impl JsonSchema for $type {
            const SCHEMA: &'static Schema = &STRING;

            fn to_json(&self, out: &mut String) -> bool {
                string(self, out);
                true
            }
        })*
    };
}

strings!(String, str, Cow<'_, str>);

impl JsonSchema for bool {
    const SCHEMA: &'static Schema = &Schema {
        keywords: &[raw("type", "\"boolean\"")],
        base: None,
    };

    fn to_json(&self, out: &mut String) -> bool {
        out.push_str(if *self { "true" } else { "false" });
        true
    }
}

macro_rules! numbers {
    ($($type:ty, $kind:literal $(, $name:literal: $value:literal)*;)*) => {
        $(impl JsonSchema for $type {
            const SCHEMA: &'static Schema = &Schema {
                keywords: &[raw("type", $kind) $(, raw($name, $value))*],
                base: None,
            };

            fn to_json(&self, out: &mut String) -> bool {
                out.push_str(&self.to_string());
                true
            }
        })*
    };
}

numbers! {
    u8, "\"integer\"", "minimum": "0", "maximum": "255";
    u16, "\"integer\"", "minimum": "0", "maximum": "65535";
    u32, "\"integer\"", "minimum": "0", "maximum": "4294967295";
    u64, "\"integer\"", "minimum": "0";
    i8, "\"integer\"", "minimum": "-128", "maximum": "127";
    i16, "\"integer\"", "minimum": "-32768", "maximum": "32767";
    i32, "\"integer\"", "minimum": "-2147483648", "maximum": "2147483647";
    i64, "\"integer\"";
}

macro_rules! fractions {
    ($($type:ty),*) => {
        $(impl JsonSchema for $type {
            const SCHEMA: &'static Schema = &Schema {
                keywords: &[raw("type", "\"number\"")],
                base: None,
            };

            fn to_json(&self, out: &mut String) -> bool {
                let finite = self.is_finite();
                if finite {
                    out.push_str(&self.to_string());
                }
                finite
            }
        })*
    };
}

fractions!(f32, f64);

macro_rules! lists {
    ($($type:ty $(, $name:literal: $value:literal)*;)*) => {
        $(impl<T: JsonSchema> JsonSchema for $type {
            const SCHEMA: &'static Schema = &Schema {
                keywords: &[
                    raw("type", "\"array\""),
                    Keyword { name: "items", value: Json::Schema(T::SCHEMA) },
                    $(raw($name, $value),)*
                ],
                base: None,
            };
            const ITEM: &'static Schema = T::SCHEMA;
            const SHORTEST: &'static str = "minItems";
            const LONGEST: &'static str = "maxItems";

            fn to_json(&self, out: &mut String) -> bool {
                out.push('[');
                let all = self.iter().all(|value| {
                    separate(out);
                    value.to_json(out)
                });
                out.push(']');
                all
            }
        })*
    };
}

lists! {
    Vec<T>;
    [T];
    BTreeSet<T>, "uniqueItems": "true";
}

impl<T: JsonSchema> JsonSchema for BTreeMap<String, T> {
    const SCHEMA: &'static Schema = &Schema {
        keywords: &[
            raw("type", "\"object\""),
            Keyword {
                name: "additionalProperties",
                value: Json::Schema(T::SCHEMA),
            },
        ],
        base: None,
    };
    const ITEM: &'static Schema = T::SCHEMA;
    const SHORTEST: &'static str = "minProperties";
    const LONGEST: &'static str = "maxProperties";

    fn to_json(&self, out: &mut String) -> bool {
        out.push('{');
        let all = self.iter().all(|(name, value)| {
            separate(out);
            string(name, out);
            out.push(':');
            value.to_json(out)
        });
        out.push('}');
        all
    }
}

impl<T: JsonSchema> JsonSchema for Option<T> {
    const SCHEMA: &'static Schema = T::SCHEMA;
    const ITEM: &'static Schema = T::ITEM;
    const SHORTEST: &'static str = T::SHORTEST;
    const LONGEST: &'static str = T::LONGEST;
    const OPTIONAL: bool = true;
    const FIELDS: &'static [(&'static str, &'static str)] = T::FIELDS;

    fn to_json(&self, out: &mut String) -> bool {
        self.as_ref().is_some_and(|value| value.to_json(out))
    }
}

macro_rules! pointers {
    ($($type:ty),*) => {
        $(impl<T: JsonSchema + ?Sized> JsonSchema for $type {
            const SCHEMA: &'static Schema = T::SCHEMA;
            const ITEM: &'static Schema = T::ITEM;
            const SHORTEST: &'static str = T::SHORTEST;
            const LONGEST: &'static str = T::LONGEST;
            const OPTIONAL: bool = T::OPTIONAL;
            const FIELDS: &'static [(&'static str, &'static str)] = T::FIELDS;

            fn to_json(&self, out: &mut String) -> bool {
                T::to_json(self, out)
            }
        })*
    };
}

pointers!(&T, Box<T>);
