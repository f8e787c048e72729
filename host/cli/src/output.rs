//! What commands print: tables for people, JSON for programs.
//!
//! Names and texts come from devices and plug-ins, so nothing is printed before characters that a
//! terminal would obey are taken out.

use crate::failure::Failure;
use crate::time::Clock;
use comfy_table::{Attribute, CellAlignment, Color, ContentArrangement, Table, TableStyle};
use muster_domain::text::{escaped, plain};
use serde::Serialize;
use serde_json::Value;
use std::io::{self, IsTerminal as _, Write as _};

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs: the server's JSON as it came.
    Json,
}

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tint {
    None,
    Good,
    Attention,
    Bad,
    Faint,
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    tint: Tint,
    right: bool,
}

/// A cell with a text.
pub(crate) fn cell(text: impl Into<String>) -> Cell {
    Cell {
        text: clean(&text.into()),
        tint: Tint::None,
        right: false,
    }
}

/// A cell with a number.
pub(crate) fn number(number: impl Into<i128>) -> Cell {
    Cell {
        right: true,
        ..cell(number.into().to_string())
    }
}

impl Cell {
    /// The same in a colour.
    pub(crate) fn tint(self, tint: Tint) -> Self {
        Self { tint, ..self }
    }
}

/// Takes out what a terminal would obey. White space of any kind becomes a space.
pub(crate) fn clean(text: &str) -> String {
    plain(text).into_owned()
}

/// The same for a text of several lines.
pub(crate) fn clean_lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(plain).collect();
    lines.join("\n")
}

/// The word that JSON has for a value, such as a state.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// Where answers go.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    format: Format,
    color: bool,
    width: Option<u16>,
    pub(crate) clock: Clock,
}

impl Output {
    /// Standard output, as it is now.
    pub(crate) fn standard(format: Format) -> Self {
        let terminal = io::stdout().is_terminal();
        let wish = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = wish("TERM").is_some_and(|term| term == "dumb");
        let width = Table::new().width().filter(|_| terminal);
        Self {
            format,
            color: terminal && !dumb && wish("NO_COLOR").is_none(),
            width,
            clock: Clock::system(),
        }
    }

    /// Whether programs read it.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether colours are shown.
    pub(crate) fn colors(&self) -> bool {
        self.color
    }

    /// Prints an answer as JSON.
    pub(crate) fn json(&self, value: &Value) -> Result<(), Failure> {
        self.whole(&escaped(&format!("{value:#}")))
    }

    /// Prints one of many answers as JSON, on a line.
    pub(crate) fn json_line(&self, value: &Value) -> Result<(), Failure> {
        self.whole(&escaped(&value.to_string()))
    }

    /// Prints lines for people. They were cleaned, or are our own.
    #[expect(clippy::unused_self, reason = "whoever prints goes through an output")]
    pub(crate) fn whole(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{text}")?;
        stdout.flush()?;
        Ok(())
    }

    /// Prints a sentence for people.
    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        self.whole(&clean(text))
    }

    /// Tells people something beside the answer, on standard error.
    pub(crate) fn note(&self, text: &str) {
        if !self.is_json() {
            // A note that nobody can read is no reason to fail.
            let _ = writeln!(io::stderr(), "{}", clean_lines(text));
        }
    }

    /// Prints a table; `nothing` if it has no rows.
    pub(crate) fn table(
        &self,
        header: &[&str],
        rows: Vec<Vec<Cell>>,
        nothing: &str,
    ) -> Result<(), Failure> {
        if rows.is_empty() {
            self.text(nothing)
        } else {
            self.whole(&self.render(header, rows))
        }
    }

    /// Prints names and values, one a line.
    pub(crate) fn fields(&self, fields: Vec<(&str, Cell)>) -> Result<(), Failure> {
        // Values of all kinds stand below each other.
        let row = |(name, value)| {
            let right = false;
            vec![cell(name).tint(Tint::Faint), Cell { right, ..value }]
        };
        self.whole(&self.render(&[], fields.into_iter().map(row).collect()))
    }

    /// A text in a colour, if colours are shown.
    pub(crate) fn tinted(&self, text: &str, tint: Tint) -> String {
        let code = match tint {
            _ if !self.color => return text.to_owned(),
            Tint::None => return text.to_owned(),
            Tint::Good => "32",
            Tint::Attention => "33",
            Tint::Bad => "31",
            Tint::Faint => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    fn render(&self, header: &[&str], rows: Vec<Vec<Cell>>) -> String {
        let mut table = Table::new();
        table.load_style(TableStyle::new());
        if self.color {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        if let Some(width) = self.width {
            table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(width);
        }
        if !header.is_empty() {
            let heads = header
                .iter()
                .map(|text| self.styled(cell(*text).tint(Tint::Faint)));
            table.set_header(heads.collect::<Vec<_>>());
        }
        for row in rows {
            table.add_row(
                row.into_iter()
                    .map(|cell| self.styled(cell))
                    .collect::<Vec<_>>(),
            );
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn styled(&self, cell: Cell) -> comfy_table::Cell {
        let mut styled = comfy_table::Cell::new_owned(cell.text);
        if cell.right {
            styled = styled.set_alignment(CellAlignment::Right);
        }
        match cell.tint {
            _ if !self.color => styled,
            Tint::None => styled,
            Tint::Good => styled.fg(Color::DarkGreen),
            Tint::Attention => styled.fg(Color::DarkYellow),
            Tint::Bad => styled.fg(Color::DarkRed),
            Tint::Faint => styled.add_attribute(Attribute::Dim),
        }
    }
}

/// An output without a terminal, at a moment of its own.
#[cfg(test)]
pub(crate) fn bare() -> Output {
    Output {
        format: Format::Table,
        color: false,
        width: None,
        clock: Clock {
            zone: jiff::tz::TimeZone::UTC,
            now: "2026-11-24T14:00:00Z".parse().unwrap(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_columns_and_space() {
        let rows = vec![
            vec![number(7), cell("pc-7"), cell("running").tint(Tint::Good)],
            vec![number(1_234), cell("a name that is longer"), cell("")],
        ];
        insta::assert_snapshot!(bare().render(&["ID", "NAME", "STATE"], rows));
    }

    #[test]
    fn a_narrow_terminal_wraps() {
        let output = Output {
            width: Some(24),
            ..bare()
        };
        let rows = vec![vec![
            cell("one"),
            cell("a text that needs more than one line"),
        ]];
        insta::assert_snapshot!(output.render(&[], rows));
    }

    #[test]
    fn colours_are_for_terminals() {
        let output = Output {
            color: true,
            ..bare()
        };
        assert!(
            output
                .render(&[], vec![vec![cell("x").tint(Tint::Bad)]])
                .contains('\u{1b}')
        );
        assert!(
            !bare()
                .render(&[], vec![vec![cell("x").tint(Tint::Bad)]])
                .contains('\u{1b}')
        );
    }

    #[test]
    fn what_a_device_says_cannot_steer_the_terminal() {
        assert_eq!(
            cell("a\u{1b}[2Jb\nc\u{202e}d").text,
            "a\u{fffd}[2Jb c\u{fffd}d"
        );
        assert_eq!(clean_lines("a\u{1b}\nb\r"), "a\u{fffd}\nb ");
    }
}
