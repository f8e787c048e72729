//! Values in attributes, as JSON text.

use std::fmt::Write;
use syn::parse::{Parse, ParseStream};
use syn::{Lit, LitStr, Result, Token, braced, bracketed, token};

/// A value as it is written for `serde_json::json!`, if all of it is literal; `&` in front of one is
/// passed over, so that what schemars takes as an expression is taken too.
pub(crate) struct Json(pub(crate) String);

impl Parse for Json {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut text = String::new();
        value(input, &mut text)?;
        Ok(Self(text))
    }
}

fn value(input: ParseStream<'_>, text: &mut String) -> Result<()> {
    if input.parse::<Option<Token![&]>>()?.is_some() {
        return value(input, text);
    }
    if input.peek(token::Brace) {
        let inner;
        braced!(inner in input);
        text.push('{');
        separated(&inner, text, |inner, text| {
            text.push_str(&quoted(&inner.parse::<LitStr>()?.value()));
            inner.parse::<Token![:]>()?;
            text.push(':');
            value(inner, text)
        })?;
        text.push('}');
        return Ok(());
    }
    if input.peek(token::Bracket) {
        let inner;
        bracketed!(inner in input);
        text.push('[');
        separated(&inner, text, value)?;
        text.push(']');
        return Ok(());
    }
    if input.parse::<Option<Token![-]>>()?.is_some() {
        text.push('-');
    }
    if input.peek(syn::Ident) {
        let word: syn::Ident = input.parse()?;
        if word != "null" {
            return Err(syn::Error::new(
                word.span(),
                "a schema is made when the plug-in is compiled, so this has to be a literal: a text, a number, true, false, null, a list or an object",
            ));
        }
        text.push_str("null");
        return Ok(());
    }
    let literal: Lit = input.parse()?;
    match &literal {
        Lit::Str(string) => text.push_str(&quoted(&string.value())),
        Lit::Bool(value) => text.push_str(if value.value() { "true" } else { "false" }),
        Lit::Int(number) => text.push_str(number.base10_digits()),
        Lit::Float(number) => text.push_str(number.base10_digits()),
        other => return Err(syn::Error::new_spanned(other, "JSON has no such value")),
    }
    Ok(())
}

fn separated(
    input: ParseStream<'_>,
    text: &mut String,
    one: impl Fn(ParseStream<'_>, &mut String) -> Result<()>,
) -> Result<()> {
    let mut first = true;
    while !input.is_empty() {
        if !first {
            text.push(',');
        }
        first = false;
        one(input, text)?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(())
}

/// A text as JSON.
pub(crate) fn quoted(text: &str) -> String {
    let mut json = String::from('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            c if c.is_control() => {
                // Writing to a string does not fail.
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}
