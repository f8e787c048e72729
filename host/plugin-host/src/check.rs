//! What a plug-in returns is hostile until it passes here: sizes, ids, duplicates, schemas,
//! patterns. The rules are the same for all versions of the contract.

pub(crate) mod command;
pub(crate) mod description;
pub(crate) mod finding;
pub(crate) mod outcome;
pub(crate) mod pattern;
pub(crate) mod schema;

use crate::capability::log::cut;
use muster_domain::text::is_steering;
use std::fmt::Display;

/// Faults that are told at most; beyond that somebody sends rubbish.
const MOST_FAULTS: usize = 50;
/// Bytes of one fault's text.
const FAULT_TEXT: usize = 500;

/// What is wrong with an answer: each fault with its place, such as `task-types/0/id`.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    lines: Vec<String>,
    left_out: usize,
}

impl Faults {
    pub(crate) fn add(&mut self, place: &str, what: impl Display) {
        self.push(&format!("{place}: {what}"));
    }

    fn push(&mut self, line: &str) {
        if self.lines.len() < MOST_FAULTS {
            self.lines.push(cut(line, FAULT_TEXT).to_owned());
        } else {
            self.left_out += 1;
        }
    }

    /// A fault within a part, whose own place stands at the line's start.
    pub(crate) fn add_line(&mut self, place: &str, line: &str) {
        self.push(&format!("{place}{line}"));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// One line for each fault.
    pub(crate) fn into_lines(mut self) -> Vec<String> {
        if self.left_out > 0 {
            self.lines.push(format!("and {} more", self.left_out));
        }
        self.lines
    }

    /// Nothing, or all of it as one text.
    pub(crate) fn into_result(self) -> Result<(), String> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.into_lines().join("; "))
        }
    }

    /// A text for people: not empty, and no longer than it may be. What steers in it was taken out where
    /// it came in, as a sentence may quote what a device said.
    pub(crate) fn text(&mut self, place: &str, text: &str, most: usize) {
        if text.trim().is_empty() {
            self.add(place, "it is empty");
        }
        self.length(place, text, most);
    }

    /// A text that stands for something wherever it is shown: in a list, beside a question, in a
    /// log. It must look like what it is, so nothing in it steers a terminal or turns letters round.
    pub(crate) fn label(&mut self, place: &str, text: &str, most: usize) {
        self.text(place, text, most);
        if let Some(steering) = text.chars().find(|c| is_steering(*c)) {
            self.add(
                place,
                format_args!("it holds the control character {steering:?}"),
            );
        }
    }

    /// A text that may be empty.
    pub(crate) fn length(&mut self, place: &str, text: &str, most: usize) {
        if text.len() > most {
            self.add(
                place,
                format_args!("it has {} bytes; at most {most} are taken", text.len()),
            );
        }
    }

    /// A list that is no longer than it may be.
    pub(crate) fn count<T>(&mut self, place: &str, list: &[T], most: usize) {
        if list.len() > most {
            self.add(
                place,
                format_args!("it has {} entries; at most {most} are taken", list.len()),
            );
        }
    }

    /// Names and values beyond this version of the contract.
    pub(crate) fn more(&mut self, place: &str, more: &[(String, String)]) {
        self.count(place, more, 100);
        for (name, value) in more {
            self.text(place, name, 100);
            self.length(place, value, 10_000);
        }
    }

    /// Entries that are told apart by a name.
    pub(crate) fn unique<'a>(&mut self, place: &str, names: impl Iterator<Item = &'a str>) {
        let mut seen = std::collections::HashSet::new();
        for name in names {
            if !seen.insert(name) {
                self.add(
                    place,
                    format_args!("{:?} stands there twice", cut(name, 100)),
                );
            }
        }
    }
}
