//! Names in JSON, as serde gives them.

use proc_macro2::Span;
use syn::{Error, Ident, Result};

/// The value of `rename_all`.
#[derive(Clone, Copy)]
pub(crate) enum Rule {
    Kebab,
    Snake,
    Camel,
    Pascal,
    Lower,
    Upper,
    ScreamingSnake,
    ScreamingKebab,
}

impl Rule {
    pub(crate) fn of(text: &str, span: Span) -> Result<Self> {
        Ok(match text {
            "kebab-case" => Self::Kebab,
            "snake_case" => Self::Snake,
            "camelCase" => Self::Camel,
            "PascalCase" => Self::Pascal,
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => return Err(Error::new(span, "serde knows no such rule")),
        })
    }

    fn apply(self, words: &[String]) -> String {
        let upper = || words.iter().map(|word| word.to_uppercase());
        match self {
            Self::Kebab => words.join("-"),
            Self::Snake => words.join("_"),
            Self::Lower => words.concat(),
            Self::Upper => upper().collect(),
            Self::ScreamingSnake => upper().collect::<Vec<_>>().join("_"),
            Self::ScreamingKebab => upper().collect::<Vec<_>>().join("-"),
            Self::Pascal => words.iter().map(|word| capital(word)).collect(),
            Self::Camel => {
                let mut words = words.iter();
                let first = words.next().cloned().unwrap_or_default();
                first + &words.map(|word| capital(word)).collect::<String>()
            }
        }
    }
}

/// The name of a field.
pub(crate) fn field(ident: &Ident, rule: Option<Rule>) -> String {
    let name = plain(ident);
    match rule {
        None | Some(Rule::Snake | Rule::Lower) => name,
        Some(Rule::Upper) => name.to_uppercase(),
        Some(rule) => rule.apply(&words_of_field(&name)),
    }
}

/// The name of a variant.
pub(crate) fn variant(ident: &Ident, rule: Option<Rule>) -> String {
    let name = plain(ident);
    match rule {
        None | Some(Rule::Pascal) => name,
        Some(rule) => rule.apply(&words_of_variant(&name)),
    }
}

/// A field's name for people: `quarantine_folder` is "Quarantine folder".
pub(crate) fn title(ident: &Ident) -> String {
    capital(&words_of_field(&plain(ident)).join(" "))
}

fn plain(ident: &Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}

fn words_of_field(name: &str) -> Vec<String> {
    name.split('_').map(str::to_owned).collect()
}

fn words_of_variant(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for c in name.chars() {
        match words.last_mut() {
            Some(word) if !c.is_uppercase() => word.push(c),
            _ => words.push(c.to_lowercase().collect()),
        }
    }
    words
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(chars).collect()
}
