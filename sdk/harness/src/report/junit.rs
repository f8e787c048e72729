//! `JUnit` XML: a test suite for each group, a test for each rule. What is broken fails, what there
//! was nothing to try on is skipped, and advice is written to the test's output.

use crate::conformance::{Group, RuleResult, Verdict, Weight};
use std::fmt::{self, Write as _};

pub(super) fn write(verdict: &Verdict, file: &str) -> String {
    let mut xml = String::new();
    // Writing to a text cannot fail.
    let _ = whole(&mut xml, verdict, file);
    xml
}

fn whole(xml: &mut String, verdict: &Verdict, file: &str) -> fmt::Result {
    let name = verdict.component.label.as_deref().unwrap_or(file);
    writeln!(xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    let all: Vec<&RuleResult> = verdict.rules.iter().collect();
    writeln!(
        xml,
        "<testsuites name=\"{}\" {}>",
        escaped(name),
        counts(&all)
    )?;
    let mut groups: Vec<Group> = all.iter().map(|result| result.rule.group).collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        let of: Vec<&RuleResult> = all
            .iter()
            .copied()
            .filter(|result| result.rule.group == group)
            .collect();
        writeln!(
            xml,
            "  <testsuite name=\"{}\" {}>",
            group.name(),
            counts(&of)
        )?;
        for result in of {
            test(xml, result, name)?;
        }
        writeln!(xml, "  </testsuite>")?;
    }
    writeln!(xml, "</testsuites>")
}

fn counts(results: &[&RuleResult]) -> String {
    let failures = results.iter().filter(|result| fails(result)).count();
    let skipped = results.iter().filter(|result| is_skipped(result)).count();
    // What a rule took is not measured: the same inputs serve several.
    format!(
        "tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"0\"",
        results.len()
    )
}

fn fails(result: &RuleResult) -> bool {
    !result.broken.is_empty() && result.rule.weight == Weight::Required
}

fn is_skipped(result: &RuleResult) -> bool {
    result.broken.is_empty() && result.cases == 0
}

fn test(xml: &mut String, result: &RuleResult, plugin: &str) -> fmt::Result {
    let rule = result.rule;
    writeln!(
        xml,
        "    <testcase name=\"{}\" classname=\"{}.{}\" time=\"0\">",
        rule.id,
        escaped(plugin),
        rule.group.name()
    )?;
    let mut said = String::new();
    for broken in &result.broken {
        let of = broken
            .task_type
            .as_deref()
            .map(|of| format!("{of}: "))
            .unwrap_or_default();
        writeln!(said, "{of}{}", broken.text)?;
        if let Some(input) = &broken.input {
            writeln!(said, "with {}", input.to_json())?;
        }
        writeln!(said, "Why: {} See {}", rule.reason, rule.documentation())?;
    }
    if fails(result) {
        // One failure for each test: that is what its readers know.
        writeln!(
            xml,
            "      <failure type=\"{}\" message=\"{}\">{}</failure>",
            rule.id,
            escaped(rule.title),
            escaped(&said)
        )?;
    } else if is_skipped(result) {
        writeln!(
            xml,
            "      <skipped message=\"there was nothing to try it on\"/>"
        )?;
    } else if !said.is_empty() {
        writeln!(xml, "      <system-out>{}</system-out>", escaped(&said))?;
    }
    writeln!(xml, "    </testcase>")
}

/// A text as XML can hold it. Most control characters it cannot, by no means.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other if other.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
