//! `cargo xtask check features`: each test that docs/features.md names is there.
//!
//! A table of what is done is worth what its proofs are. They are written as `` `schedules::a_test` ``, for
//! a file in `tests/flows/tests`, or with the path of another file: `` `host/server/tests/edge::a_test` ``.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const PAGE: &str = "docs/features.md";

/// Where tests are whose file has no folder before its name.
const FLOWS: &str = "tests/flows/tests";

/// Fewer would mean that the page is read wrongly.
const LEAST: usize = 30;

pub(crate) fn run(root: &Path) -> Result<()> {
    let page = root.join(PAGE);
    let page = std::fs::read_to_string(&page)
        .with_context(|| format!("cannot read {}", page.display()))?;
    let named = tests(&page);
    if named.len() < LEAST {
        bail!("{PAGE} names {} tests; is it read right?", named.len());
    }
    let mut files: BTreeMap<PathBuf, Option<String>> = BTreeMap::new();
    let mut missing = Vec::new();
    for (file, test) in &named {
        let text = files
            .entry(path(root, file))
            .or_insert_with_key(|path| std::fs::read_to_string(path).ok());
        let there = text.as_deref().is_some_and(|source| has(source, test));
        if !there {
            missing.push(format!("{file}::{test}"));
        }
    }
    if !missing.is_empty() {
        bail!(
            "{PAGE} names tests that are not there; name others, or mark what they proved as not done:\n  {}",
            missing.join("\n  ")
        );
    }
    eprintln!("All {} tests that {PAGE} names are there.", named.len());
    Ok(())
}

fn path(root: &Path, file: &str) -> PathBuf {
    let folder = if file.contains('/') { "" } else { FLOWS };
    root.join(folder).join(format!("{file}.rs"))
}

/// Whether a file has a function of this name.
fn has(source: &str, test: &str) -> bool {
    let called = format!("fn {test}(");
    source.lines().any(|line| line.contains(&called))
}

/// The tests that a page names: file and function.
fn tests(page: &str) -> Vec<(&str, &str)> {
    // Between the first and the second backtick of each pair.
    let quoted = page
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    let word = |text: &str, more: &[char]| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(&c);
        !text.is_empty() && text.chars().all(fits)
    };
    quoted
        .filter_map(|text| text.split_once("::"))
        .filter(|(file, test)| word(file, &['_', '-', '/']) && word(test, &['_']))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_what_stands_between_backticks_with_a_file_before_it() {
        let page = "| 1 | done | `muster task list` | `schedules::a_test`, `host/a/tests/b::c_d` |\n\
                    | 2 | `Cause::Sent` and `a::` | no `x::y z` |\n";
        let named = [("schedules", "a_test"), ("host/a/tests/b", "c_d")];
        assert_eq!(tests(page), named);
    }

    #[test]
    fn a_test_is_found_by_its_whole_name() {
        let source = "#[tokio::test]\nasync fn a_daily_task() -> Result<()> {\n";
        assert!(has(source, "a_daily_task"));
        assert!(!has(source, "a_daily"));
        assert!(!has(source, "daily_task_"));
    }

    #[test]
    fn the_page_names_no_test_that_is_not_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        run(&root).unwrap();
    }
}
