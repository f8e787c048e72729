//! What stands at a type, a field or a variant: doc comments, `#[serde(…)]` and `#[schemars(…)]`.

use crate::json::{Json, quoted};
use crate::names::Rule;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Error, Expr, ExprLit, Lit, LitStr, Meta, Path, Result, Type};

/// Where a default value comes from.
pub(crate) enum Default {
    /// The type's `Default`.
    OfType,
    /// A function.
    Function(Path),
}

/// A keyword of a schema, with its value as JSON text.
pub(crate) enum Keyword {
    Plain(String, String),
    /// The least length: what the keyword is called depends on the type.
    Shortest(String),
    /// The greatest length.
    Longest(String),
}

/// All of it.
#[derive(Default)]
pub(crate) struct Attributes {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) rename: Option<String>,
    pub(crate) rename_all: Option<Rule>,
    pub(crate) default: Option<Default>,
    pub(crate) transparent: bool,
    pub(crate) skip: bool,
    pub(crate) with: Option<Type>,
    pub(crate) keywords: Vec<Keyword>,
    /// Keywords for the values of a list.
    pub(crate) inner: Vec<Keyword>,
}

impl Attributes {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut read = Self::default();
        let mut lines = Vec::new();
        for attribute in attributes {
            let path = attribute.path();
            if path.is_ident("doc") {
                lines.extend(line(&attribute.meta));
            } else if path.is_ident("serde") {
                attribute.parse_nested_meta(|meta| read.serde(&meta))?;
            } else if path.is_ident("schemars") {
                attribute.parse_nested_meta(|meta| {
                    let inner = meta.path.is_ident("inner");
                    if inner {
                        let keywords = &mut read.inner;
                        return meta.parse_nested_meta(|meta| limit(&meta, keywords));
                    }
                    read.schemars(&meta)
                })?;
            }
        }
        let (title, description) = documentation(&lines);
        read.title = read.title.or(title);
        read.description = read.description.or(description);
        Ok(read)
    }

    fn serde(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let path = &meta.path;
        if path.is_ident("rename") {
            self.rename = Some(text(meta)?.value());
        } else if path.is_ident("rename_all") {
            let rule = text(meta)?;
            self.rename_all = Some(Rule::of(&rule.value(), rule.span())?);
        } else if path.is_ident("default") {
            self.default = Some(if meta.input.peek(syn::Token![=]) {
                Default::Function(text(meta)?.parse()?)
            } else {
                Default::OfType
            });
        } else if path.is_ident("transparent") {
            self.transparent = true;
        } else if path.is_ident("skip") || path.is_ident("skip_deserializing") {
            self.skip = true;
        } else if let Some(name) = ["flatten", "tag", "untagged", "content"]
            .into_iter()
            .find(|name| path.is_ident(name))
        {
            return Err(meta.error(format_args!(
                "a schema for `{name}` is not made here, as reading such settings makes a guest larger and slower; give the fields a struct of their own, or implement JsonSchema by hand"
            )));
        } else if meta.input.peek(syn::Token![=]) {
            // Something that says nothing of the schema.
            meta.value()?.parse::<Expr>()?;
        }
        Ok(())
    }

    fn schemars(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let path = &meta.path;
        if path.is_ident("title") {
            self.title = Some(text(meta)?.value());
        } else if path.is_ident("description") {
            self.description = Some(text(meta)?.value());
        } else if path.is_ident("with") {
            self.with = Some(text(meta)?.parse()?);
        } else if path.is_ident("skip") {
            self.skip = true;
        } else if path.is_ident("example") {
            let Json(example) = meta.value()?.parse()?;
            self.example(&example);
        } else {
            return limit(meta, &mut self.keywords);
        }
        Ok(())
    }

    /// One more of `examples`.
    fn example(&mut self, example: &str) {
        for keyword in &mut self.keywords {
            if let Keyword::Plain(name, list) = keyword
                && name == "examples"
            {
                *list = format!("{},{example}]", list.trim_end_matches(']'));
                return;
            }
        }
        let list = format!("[{example}]");
        self.keywords.push(Keyword::Plain("examples".into(), list));
    }
}

/// Reads what limits a value.
fn limit(meta: &ParseNestedMeta<'_>, keywords: &mut Vec<Keyword>) -> Result<()> {
    let path = &meta.path;
    let plain = |name: &str, value: String| Keyword::Plain(name.into(), value);
    if path.is_ident("length") {
        meta.parse_nested_meta(|meta| {
            let Json(value) = meta.value()?.parse()?;
            let (min, max) = (meta.path.is_ident("min"), meta.path.is_ident("max"));
            let equal = meta.path.is_ident("equal");
            if !(min || max || equal) {
                return Err(meta.error("a length has min, max or equal"));
            }
            if min || equal {
                keywords.push(Keyword::Shortest(value.clone()));
            }
            if max || equal {
                keywords.push(Keyword::Longest(value));
            }
            Ok(())
        })?;
    } else if path.is_ident("range") {
        meta.parse_nested_meta(|meta| {
            let Json(value) = meta.value()?.parse()?;
            let name = if meta.path.is_ident("min") {
                "minimum"
            } else if meta.path.is_ident("max") {
                "maximum"
            } else {
                return Err(meta.error("a range has min or max"));
            };
            keywords.push(plain(name, value));
            Ok(())
        })?;
    } else if path.is_ident("regex") {
        meta.parse_nested_meta(|meta| {
            keywords.push(plain("pattern", quoted(&text(&meta)?.value())));
            Ok(())
        })?;
    } else if path.is_ident("email") {
        keywords.push(plain("format", quoted("email")));
    } else if path.is_ident("url") {
        keywords.push(plain("format", quoted("uri")));
    } else if path.is_ident("extend") {
        let content;
        syn::parenthesized!(content in meta.input);
        while !content.is_empty() {
            let name: LitStr = content.parse()?;
            content.parse::<syn::Token![=]>()?;
            let Json(value) = content.parse()?;
            keywords.push(plain(&name.value(), value));
            content.parse::<Option<syn::Token![,]>>()?;
        }
    } else {
        return Err(meta.error(
            "this is not taken here; `extend(\"keyword\" = value)` adds any keyword to a schema",
        ));
    }
    Ok(())
}

fn text(meta: &ParseNestedMeta<'_>) -> Result<LitStr> {
    meta.value()?.parse()
}

/// A line of a doc comment.
fn line(meta: &Meta) -> Option<String> {
    let Meta::NameValue(pair) = meta else {
        return None;
    };
    let Expr::Lit(ExprLit {
        lit: Lit::Str(line),
        ..
    }) = &pair.value
    else {
        return None;
    };
    Some(line.value())
}

/// Title and description: a heading that a doc comment begins with is the title. Lines of a
/// paragraph become one.
fn documentation(lines: &[String]) -> (Option<String>, Option<String>) {
    let mut title = None;
    let mut paragraphs: Vec<String> = vec![String::new()];
    for line in lines.iter().flat_map(|line| line.lines()).map(str::trim) {
        let started = title.is_some() || paragraphs.iter().any(|text| !text.is_empty());
        if !started && let Some(heading) = line.strip_prefix('#') {
            title = Some(heading.trim_start_matches('#').trim().to_owned());
            continue;
        }
        if line.is_empty() {
            paragraphs.push(String::new());
        } else if let Some(paragraph) = paragraphs.last_mut() {
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(line);
        }
    }
    paragraphs.retain(|text| !text.is_empty());
    let description = (!paragraphs.is_empty()).then(|| paragraphs.join("\n\n"));
    (title, description)
}

/// An error at a type or a field.
pub(crate) fn wrong(at: impl quote::ToTokens, text: &str) -> Error {
    Error::new_spanned(at, text)
}
