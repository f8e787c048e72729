//! Reports: a table for people, JSON lines for programs, and the tables in `docs/benchmarks.md`.

use crate::measure::Measure;
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

/// What is wanted of a measuring program.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// One JSON object a line instead of a table: measure, median, unit, ratio, of
    #[arg(long)]
    pub json: bool,
    /// Write the table into docs/benchmarks.md too
    #[arg(long, conflicts_with = "quick")]
    pub write: bool,
    /// A fraction of the time, for trying things out; the figures are rough
    #[arg(long)]
    pub quick: bool,
}

/// What a program has to tell.
#[derive(Debug)]
pub struct Report {
    /// The program, which is also the name of its place in the document.
    pub name: &'static str,
    /// The machine, as [`crate::machine::describe`] said when it began.
    pub machine: String,
    /// All measures, in the order of the table.
    pub measures: Vec<Measure>,
    /// Sentences below the table.
    pub notes: Vec<String>,
}

impl Report {
    /// Tells it in the way that is wanted.
    pub fn tell(&self, options: &Options) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if options.json {
            for measure in &self.measures {
                writeln!(out, "{}", serde_json::to_string(measure)?)?;
            }
        } else {
            writeln!(out, "{}", self.text())?;
        }
        if options.write {
            self.write()?;
        }
        Ok(())
    }

    /// The table and what belongs to it, in Markdown.
    fn text(&self) -> String {
        let now = jiff::Timestamp::now().to_string();
        let today = now.split('T').next().unwrap_or_default();
        let mut text = format!("Measured on {today}: {}.\n\n", self.machine);
        text.push_str("| measure | what | median | minimum | ratio | aim |\n");
        text.push_str("| --- | --- | --- | --- | --- | --- |\n");
        for measure in &self.measures {
            let ratio = match (measure.ratio, &measure.of) {
                (Some(ratio), Some(of)) => format!("{ratio} × `{}`", self.short(of)),
                _ => String::new(),
            };
            let aim = match &measure.aim {
                Some((aim, true)) => format!("{aim}: reached"),
                Some((aim, false)) => format!("{aim}: **missed**"),
                None => String::new(),
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| `{}` | {} | {} {unit} | {} {unit} | {ratio} | {aim} |",
                self.short(&measure.measure),
                measure.words,
                measure.median,
                measure.least,
                unit = unit(measure.unit),
            );
        }
        for note in &self.notes {
            let _ = write!(text, "\n{note}\n");
        }
        text
    }

    fn short<'n>(&self, name: &'n str) -> &'n str {
        let rest = name.strip_prefix(self.name);
        rest.and_then(|rest| rest.strip_prefix('.')).unwrap_or(name)
    }

    fn write(&self) -> Result<()> {
        let path = document();
        let old =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let new = put(&old, self.name, &self.text())
            .with_context(|| format!("cannot write the table into {}", path.display()))?;
        let beside = path.with_extension("md.new");
        fs::write(&beside, new)
            .and_then(|()| fs::rename(&beside, &path))
            .with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("written to {}", path.display());
        Ok(())
    }
}

fn unit(unit: &str) -> &str {
    match unit {
        "us" => "µs",
        unit => unit,
    }
}

fn document() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/benchmarks.md"
    ))
}

/// Puts a text between the markers of this name, in place of what is there.
fn put(document: &str, name: &str, text: &str) -> Result<String> {
    let (begin, end) = (
        format!("<!-- {name}: begin -->\n"),
        format!("<!-- {name}: end -->"),
    );
    let found = document.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some((before, after))
    });
    let (before, after) = found.with_context(|| {
        format!(
            "the lines `{}` and `{end}`, between which it belongs, are not there",
            begin.trim()
        )
    })?;
    Ok(format!("{before}{begin}\n{}\n\n{end}{after}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_the_place_of_the_one_before() {
        let old = "a\n<!-- path: begin -->\nold\n<!-- path: end -->\nb\n";
        let new = "a\n<!-- path: begin -->\n\nnew\n\n<!-- path: end -->\nb\n";
        assert_eq!(put(old, "path", "new\n").unwrap(), new);
        assert_eq!(put(new, "path", "new").unwrap(), new);
        assert!(put(old, "engine", "new").is_err());
    }

    #[test]
    fn an_aim_that_is_missed_says_so() {
        let samples = [8.0];
        let measure = Measure::new("engine.a", "words", "us", &samples)
            .compared(&samples, "engine.b", &[2.0])
            .at_most(3.0);
        let report = Report {
            name: "engine",
            machine: "M".into(),
            measures: vec![measure],
            notes: vec!["Note.".into()],
        };
        let text = report.text();
        assert!(
            text.contains("| `a` | words | 8 µs | 8 µs | 4 × `b` | ≤ 3 ×: **missed** |"),
            "{text}"
        );
        assert!(text.ends_with("\nNote.\n"), "{text}");
    }

    #[test]
    fn the_document_has_a_place_for_every_program() {
        let text = fs::read_to_string(document()).unwrap();
        for name in [
            "engine",
            "path",
            "hostile",
            "plugins",
            "harness",
            "languages",
            "schedules",
        ] {
            put(&text, name, "").unwrap();
        }
    }
}
