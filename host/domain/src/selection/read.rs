//! Reads a query from its text. What is wrong with its form ends the reading; what is wrong with a value
//! is noted, so that all of that is told at once.

mod condition;

use super::fault::Fault;
use super::query::Query;
use super::token::{Token, fault, tokens};
use crate::finding::Level;

/// Parentheses and `not` within each other.
const MOST_DEPTH: usize = 32;

/// Conditions of a query.
const MOST_CONDITIONS: usize = 200;

pub(super) fn query(text: &str) -> Result<(Query, Vec<Fault>), Vec<Fault>> {
    let tokens = tokens(text).map_err(|fault| vec![fault])?;
    let mut reader = Reader {
        tokens: &tokens,
        next: 0,
        end: text.chars().count() + 1,
        conditions: 0,
        noted: Vec::new(),
    };
    let read = reader.whole();
    let mut noted = reader.noted;
    match read {
        Ok(query) if noted.iter().all(|fault| fault.level != Level::Error) => Ok((query, noted)),
        Ok(_) => Err(noted),
        Err(fault) => {
            noted.push(fault);
            Err(noted)
        }
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    next: usize,
    /// The character behind the last.
    end: usize,
    conditions: usize,
    noted: Vec<Fault>,
}

impl<'a> Reader<'a> {
    fn whole(&mut self) -> Result<Query, Fault> {
        let query = self.any(0)?;
        match self.peek() {
            None => Ok(query),
            Some(token) if token.is_sign(")") => {
                Err(self.wrong("No parenthesis is open here; leave this one out."))
            }
            Some(_) => {
                Err(self.wrong("The condition has ended here; go on with and, or, or nothing."))
            }
        }
    }

    /// Conditions joined by `or`, which binds weaker than `and`.
    fn any(&mut self, depth: usize) -> Result<Query, Fault> {
        let first = self.all(depth)?;
        let mut parts = vec![first];
        while self.took_word("or") {
            parts.push(self.all(depth)?);
        }
        Ok(alone_or(parts, Query::Or))
    }

    fn all(&mut self, depth: usize) -> Result<Query, Fault> {
        let first = self.one(depth)?;
        let mut parts = vec![first];
        while self.took_word("and") {
            parts.push(self.one(depth)?);
        }
        Ok(alone_or(parts, Query::And))
    }

    fn one(&mut self, depth: usize) -> Result<Query, Fault> {
        if depth > MOST_DEPTH {
            let text =
                format!("Parentheses and not are more than {MOST_DEPTH} deep; write it plainer.");
            return Err(self.limit(&text));
        }
        if self.took_word("not") {
            return Ok(Query::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.took_sign("(") {
            let query = self.any(depth + 1)?;
            return if self.took_sign(")") {
                Ok(query)
            } else {
                Err(self.wrong("A parenthesis is still open; close it, or go on with and or or."))
            };
        }
        self.conditions += 1;
        if self.conditions > MOST_CONDITIONS {
            let text =
                format!("There are more than {MOST_CONDITIONS} conditions; divide the query.");
            return Err(self.limit(&text));
        }
        self.condition().map(Query::Is)
    }

    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next)
    }

    fn took_word(&mut self, word: &str) -> bool {
        self.took(|token| token.is_word(word))
    }

    fn took_sign(&mut self, sign: &str) -> bool {
        self.took(|token| token.is_sign(sign))
    }

    fn took(&mut self, wanted: impl Fn(&Token) -> bool) -> bool {
        let is = self.peek().is_some_and(wanted);
        self.next += usize::from(is);
        is
    }

    /// A fault of the form, at what stands next.
    fn wrong(&self, text: &str) -> Fault {
        self.here("selection-syntax", text)
    }

    fn limit(&self, text: &str) -> Fault {
        self.here("selection-too-long", text)
    }

    fn here(&self, code: &'static str, text: &str) -> Fault {
        match self.peek() {
            Some(token) => fault(token.at, &token.shown(), code, text),
            None => fault(self.end, "", code, text),
        }
    }

    /// Notes a fault of a value, and goes on.
    fn note(&mut self, token: &Token, level: Level, code: &'static str, text: &str) {
        self.noted.push(Fault {
            level,
            ..fault(token.at, &token.shown(), code, text)
        });
    }
}

fn alone_or(mut parts: Vec<Query>, joined: fn(Vec<Query>) -> Query) -> Query {
    match parts.pop() {
        Some(alone) if parts.is_empty() => alone,
        Some(last) => {
            parts.push(last);
            joined(parts)
        }
        None => joined(parts),
    }
}
