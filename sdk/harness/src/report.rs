//! A verdict, told to people and to programs.

mod json;
pub(crate) mod junit;
mod sarif;
mod text;

use crate::Verdict;

/// The forms in which a verdict can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// All of it, for programs.
    Json,
    /// JUnit XML, which CI systems show as tests.
    Junit,
    /// SARIF 2.1.0, which code-scanning pages show as findings.
    Sarif,
}

impl Verdict {
    /// The verdict in a form. `file` is the component's place, as the reader knows it.
    pub fn to_format(&self, format: Format, file: &str) -> String {
        match format {
            Format::Text => self.to_text(),
            Format::Json => json::write(self, file),
            Format::Junit => junit::write(self, file),
            Format::Sarif => sarif::write(self, file),
        }
    }

    /// The verdict for people.
    pub fn to_text(&self) -> String {
        text::write(self)
    }
}
