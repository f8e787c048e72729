//! The words and signs of a query.

use super::fault::Fault;
use crate::finding::Level;
use crate::text::is_steering;

/// Longest text of a query, in bytes.
pub(super) const MOST_BYTES: usize = 4000;

/// Longest value, in characters.
pub(super) const MOST_CHARACTERS: usize = 200;

/// Words that join conditions: as values they stand in quotation marks.
const JOINING: [&str; 4] = ["and", "or", "not", "in"];

/// What a word or sign is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word as it stands.
    Word(String),
    /// A text in quotation marks, without them.
    Quoted(String),
    /// `(`, `)`, `,` or a comparison.
    Sign(&'static str),
}

/// A word or sign, and the character at which it begins, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: usize,
}

impl Token {
    /// Whether it is such a word, in letters of either case.
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(text) if text.eq_ignore_ascii_case(word))
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(&self.kind, Kind::Sign(text) if *text == sign)
    }

    /// What it can stand for as a value.
    pub(super) fn value(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(text) if !is_joining(text) => Some(text),
            Kind::Quoted(text) => Some(text),
            _ => None,
        }
    }

    /// What stands there, for people.
    pub(super) fn shown(&self) -> String {
        let text = match &self.kind {
            Kind::Word(text) | Kind::Quoted(text) => text,
            Kind::Sign(sign) => *sign,
        };
        text.chars().take(40).collect()
    }
}

fn is_joining(text: &str) -> bool {
    JOINING.iter().any(|word| word.eq_ignore_ascii_case(text))
}

// Longer ones first: `<=` is not `<` and `=`.
const SIGNS: [&str; 9] = ["<=", ">=", "!=", "<", ">", "=", "(", ")", ","];

fn is_in_word(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, '"' | '(' | ')' | ',' | '=' | '!' | '<' | '>' | '\\')
}

/// Whether a value reads back without quotation marks.
pub(super) fn is_bare(value: &str) -> bool {
    !value.is_empty() && value.chars().all(is_in_word) && !is_joining(value)
}

/// The words and signs of a text.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    if text.len() > MOST_BYTES {
        let limit = format!("The query has more than {MOST_BYTES} bytes; divide it into several.");
        return Err(fault(1, "", "selection-too-long", &limit));
    }
    let mut left = Left { text, at: 1 };
    let mut tokens = Vec::new();
    while let Some(c) = left.text.chars().next() {
        let at = left.at;
        if is_steering(c) && !c.is_whitespace() {
            let text = "This character steers a terminal and is not shown; leave it out.";
            return Err(fault(at, "\u{fffd}", "selection-character", text));
        }
        if c.is_whitespace() {
            left.take(c.len_utf8());
            continue;
        }
        let kind = if c == '"' {
            Kind::Quoted(left.quoted()?)
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| left.text.starts_with(sign)) {
            left.take(sign.len());
            Kind::Sign(sign)
        } else if is_in_word(c) {
            let end = left.text.find(|c| !is_in_word(c) || is_steering(c));
            Kind::Word(left.take(end.unwrap_or(left.text.len())).to_owned())
        } else {
            let text =
                "This character stands for nothing here; put the value into quotation marks.";
            return Err(fault(at, &c.to_string(), "selection-character", text));
        };
        let token = Token { kind, at };
        if let Kind::Word(text) | Kind::Quoted(text) = &token.kind
            && text.chars().count() > MOST_CHARACTERS
        {
            let limit = format!("This is longer than {MOST_CHARACTERS} characters.");
            return Err(fault(at, &token.shown(), "selection-too-long", &limit));
        }
        tokens.push(token);
    }
    Ok(tokens)
}

/// What is left of a text, and the number of its first character.
struct Left<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Left<'a> {
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.text.split_at_checked(bytes).unwrap_or((self.text, ""));
        self.at += taken.chars().count();
        self.text = rest;
        taken
    }

    /// A text in quotation marks; the first one stands next.
    fn quoted(&mut self) -> Result<String, Fault> {
        let began = self.at;
        let mut value = String::new();
        let mut escaped = false;
        for (place, c) in self.text.char_indices().skip(1) {
            let at = began + self.text.get(..place).unwrap_or("").chars().count();
            if is_steering(c) {
                let text = "A value has no character that steers a terminal; leave it out.";
                return Err(fault(at, "\u{fffd}", "selection-character", text));
            }
            match c {
                '"' | '\\' if escaped => {
                    value.push(c);
                    escaped = false;
                }
                _ if escaped => {
                    let text = "In quotation marks a backslash stands before \" or another one only; write two.";
                    return Err(fault(at, &c.to_string(), "selection-character", text));
                }
                '\\' => escaped = true,
                '"' => {
                    self.take(place + 1);
                    return Ok(value);
                }
                _ => value.push(c),
            }
        }
        let text = "The quotation mark is never closed; write another one behind the value.";
        Err(fault(began, "\"", "selection-syntax", text))
    }
}

pub(super) fn fault(at: usize, near: &str, code: &'static str, text: &str) -> Fault {
    Fault {
        level: Level::Error,
        code,
        at,
        near: near.to_owned(),
        text: text.to_owned(),
    }
}
