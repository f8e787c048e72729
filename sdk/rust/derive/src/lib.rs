//! The derive of `muster_sdk::JsonSchema`; use it through that crate.
//!
//! It reads what `serde` and `schemars` read: doc comments, `#[serde(…)]` and `#[schemars(…)]`. What
//! comes out is data instead of code, so that a guest carries a schema as a few constants.
//!
//! [`attributes`] reads, [`json`] turns values into JSON text, [`names`] follows serde's renaming, and
//! [`shape`] writes the constants.

mod attributes;
mod json;
mod names;
mod shape;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// See `muster_sdk::JsonSchema`.
#[proc_macro_derive(JsonSchema, attributes(serde, schemars))]
pub fn json_schema(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    shape::derive(&input)
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}
