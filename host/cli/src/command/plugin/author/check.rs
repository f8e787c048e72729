//! `muster plugin check`: the conformance suite, on a component of the author's own.

use crate::failure::Failure;
use crate::output::Output;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use muster_domain::chain;
use muster_plugin_harness::{Format, Harness, Progress, RULES, Suite, Verdict};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Args)]
pub(crate) struct Check {
    /// The component
    file: PathBuf,
    /// How the verdict is told; `--output json` means json
    #[arg(long, value_enum, default_value_t = Told::Text)]
    format: Told,
    /// Inputs to draw for each task type and function
    #[arg(long, value_name = "N", default_value_t = Suite::default().cases)]
    cases: u32,
    /// What inputs are drawn from: the same seed draws the same
    #[arg(long, value_name = "S", default_value_t = Suite::default().seed)]
    seed: u64,
    /// Write each input that breaks a rule as a case below this folder
    #[arg(long, value_name = "DIR")]
    write_cases: Option<PathBuf>,
    /// Try this rule alone; may be given more than once
    #[arg(long = "rule", value_name = "ID", value_parser = rule)]
    rules: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Told {
    /// For people
    Text,
    /// All of it, for programs
    Json,
    /// JUnit XML: tests, for CI systems
    Junit,
    /// SARIF 2.1.0: findings, for code-scanning pages
    Sarif,
}

fn rule(id: &str) -> Result<String, String> {
    if RULES.iter().any(|rule| rule.id == id) {
        return Ok(id.to_owned());
    }
    let near = RULES
        .iter()
        .map(|rule| rule.id)
        .max_by(|one, other| strsim::jaro(one, id).total_cmp(&strsim::jaro(other, id)));
    Err(format!(
        "there is no such rule; the nearest is {}, and docs/plugins/rules.md lists all",
        near.unwrap_or_default()
    ))
}

impl Check {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let component = std::fs::read(&self.file).map_err(|cause| {
            Failure::Usage(format!("cannot read {}: {cause}", self.file.display()))
        })?;
        let harness = Harness::start().map_err(|error| Failure::Refused(chain(&error)))?;
        let suite = Suite {
            cases: self.cases,
            seed: self.seed,
            only: self.rules,
        };
        let verdict = told_on(|tell| suite.run_telling(&harness, component, tell));
        if let Some(folder) = &self.write_cases {
            write_cases(&verdict, folder)?;
        }
        let format = match self.format {
            Told::Text if out.is_json() => Format::Json,
            Told::Text => Format::Text,
            Told::Json => Format::Json,
            Told::Junit => Format::Junit,
            Told::Sarif => Format::Sarif,
        };
        let text = verdict.to_format(format, &self.file.display().to_string());
        io::stdout().write_all(text.as_bytes())?;
        if verdict.passes() {
            Ok(())
        } else {
            Err(Failure::Refused(
                "the plug-in breaks rules that servers rely on".to_owned(),
            ))
        }
    }
}

/// Shows how far it is, where somebody may be looking.
fn told_on(run: impl FnOnce(&mut dyn FnMut(Progress<'_>)) -> Verdict) -> Verdict {
    if !io::stderr().is_terminal() {
        return run(&mut |_| ());
    }
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let verdict = run(&mut |progress| {
        bar.set_length(progress.of.into());
        bar.set_position(progress.done.into());
        bar.set_message(format!("{} {}", progress.group, progress.task_type));
    });
    bar.finish_and_clear();
    verdict
}

/// One folder for each input, named by its rule and task type.
fn write_cases(verdict: &Verdict, folder: &Path) -> Result<(), Failure> {
    for (rule, broken) in verdict.broken() {
        let (Some(input), Some(task_type)) = (&broken.input, &broken.task_type) else {
            continue;
        };
        let folder = folder.join(format!("{}-{task_type}", rule.id));
        input.write_case(&folder, task_type).map_err(|cause| {
            Failure::Usage(format!(
                "cannot write the case {}: {cause}",
                folder.display()
            ))
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_is_misspelt_is_told_with_its_neighbour() {
        assert_eq!(rule("validate-total"), Ok("validate-total".to_owned()));
        let error = rule("validate-totl").unwrap_err();
        assert!(error.contains("validate-total"), "{error}");
    }
}
