//! What is wrong in the text of a query: what, where, and what would be right.

use crate::finding::{Finding, Level};
use std::fmt;

/// One thing that is wrong, or worth a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// How much it weighs.
    pub level: Level,
    /// Stable, and begins with `selection-`.
    pub code: &'static str,
    /// The character at which it is, counted from 1; one beyond the last at the end of the text.
    pub at: usize,
    /// What stands there, cut to 40 characters; empty at the end.
    pub near: String,
    /// What is wrong, and what to write instead.
    pub text: String,
}

impl Fault {
    /// As a finding about the field that has the text.
    pub fn finding(&self, pointer: &str) -> Finding {
        Finding {
            level: self.level,
            params: vec![
                ("character".to_owned(), self.at.to_string()),
                ("near".to_owned(), self.near.clone()),
            ],
            ..Finding::error(pointer, self.code, self.to_string())
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, near, text, .. } = self;
        if near.is_empty() {
            write!(f, "At the end (character {at}): {text}")
        } else {
            write!(f, "At {near:?} (character {at}): {text}")
        }
    }
}
