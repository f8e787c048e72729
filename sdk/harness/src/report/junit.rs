//! JUnit XML: a test suite for each group, a test for each rule. What is broken fails, what there
//! was nothing to try on is skipped, and advice is written to the test's output.

use crate::conformance::{Group, RuleResult, Verdict, Weight};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::fmt::{self, Write as _};

pub(super) fn write(verdict: &Verdict, file: &str) -> String {
    let name = verdict.component.label.as_deref().unwrap_or(file);
    let mut report = Report::new(name);
    let mut groups: Vec<Group> = verdict
        .rules
        .iter()
        .map(|result| result.rule.group)
        .collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        let mut suite = TestSuite::new(group.name());
        let of = verdict
            .rules
            .iter()
            .filter(|result| result.rule.group == group);
        suite.add_test_cases(of.map(|result| test(result, name)));
        report.add_test_suite(suite);
    }
    to_text(&report)
}

/// A report as it stands in a file.
pub(crate) fn to_text(report: &Report) -> String {
    // Writing to a text cannot fail.
    report.to_string().unwrap_or_default()
}

/// What a rule took is not told: the same inputs serve several.
fn test(result: &RuleResult, plugin: &str) -> TestCase {
    let rule = result.rule;
    let mut said = String::new();
    // Writing to a text cannot fail.
    let _ = say(&mut said, result);
    let fails = !result.broken.is_empty() && rule.weight == Weight::Required;
    let status = if fails {
        // One failure for each test: that is what its readers know.
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status
            .set_type(rule.id)
            .set_message(rule.title)
            .set_description(said.as_str());
        status
    } else if result.broken.is_empty() && result.cases == 0 {
        let mut status = TestCaseStatus::skipped();
        status.set_message("there was nothing to try it on");
        status
    } else {
        TestCaseStatus::success()
    };
    let mut test = TestCase::new(rule.id, status);
    test.set_classname(format!("{plugin}.{}", rule.group.name()));
    if !fails && !said.is_empty() {
        test.set_system_out(said);
    }
    test
}

fn say(said: &mut String, result: &RuleResult) -> fmt::Result {
    for broken in &result.broken {
        if let Some(task_type) = &broken.task_type {
            write!(said, "{task_type}: ")?;
        }
        writeln!(said, "{}", broken.text)?;
        if let Some(input) = &broken.input {
            writeln!(said, "with {}", input.to_json())?;
        }
        let rule = result.rule;
        writeln!(said, "Why: {} See {}", rule.reason, rule.documentation())?;
    }
    Ok(())
}
