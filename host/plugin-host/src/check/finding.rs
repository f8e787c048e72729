//! Findings that a plug-in returns.

use super::Faults;
use muster_domain::finding::{Finding, any_error};
use muster_domain::id::is_kebab;

/// Findings in one answer.
const MOST: usize = 1000;

/// Whether findings can be shown: within bounds, with real pointers and stable codes.
pub(crate) fn check(faults: &mut Faults, place: &str, findings: &[Finding]) {
    faults.count(place, findings, MOST);
    for (number, finding) in findings.iter().enumerate().take(MOST) {
        let place = format!("{place}/{number}");
        if !is_pointer(&finding.pointer) {
            faults.add(
                &format!("{place}/pointer"),
                format_args!("{:?} is no JSON Pointer", finding.pointer),
            );
        }
        faults.length(&format!("{place}/pointer"), &finding.pointer, 1000);
        if !is_kebab(&finding.code) {
            faults.add(
                &format!("{place}/code"),
                format_args!(
                    "{:?} is no code: lower-case letters, digits and hyphens",
                    finding.code
                ),
            );
        }
        faults.text(&format!("{place}/text"), &finding.text, 4000);
        faults.count(&format!("{place}/params"), &finding.params, 50);
        for (name, value) in &finding.params {
            faults.text(&format!("{place}/params"), name, 100);
            faults.length(&format!("{place}/params"), value, 4000);
        }
    }
}

/// The same for a refusal, which says that something is an error and so must hold one.
pub(crate) fn check_refusing(faults: &mut Faults, place: &str, findings: &[Finding]) {
    check(faults, place, findings);
    if !any_error(findings) {
        faults.add(
            place,
            "it refuses the settings, but none of its findings is an error",
        );
    }
}

/// RFC 6901: empty, or parts that begin with a slash; a tilde is followed by 0 or 1.
fn is_pointer(text: &str) -> bool {
    (text.is_empty() || text.starts_with('/'))
        && text
            .split('~')
            .skip(1)
            .all(|rest| rest.starts_with(['0', '1']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_and_codes_are_checked() {
        let faults_of = |finding: Finding| {
            let mut faults = Faults::default();
            check(&mut faults, "findings", &[finding]);
            faults.into_lines()
        };
        assert!(
            faults_of(Finding::error(
                "/a/0/b~1c",
                "paths-overlap",
                "They overlap."
            ))
            .is_empty()
        );
        assert!(faults_of(Finding::error("", "x", "y")).is_empty());
        assert_eq!(faults_of(Finding::error("a", "A b", " ")).len(), 3);
        assert_eq!(faults_of(Finding::error("/~2", "x", "y")).len(), 1);
        let mut faults = Faults::default();
        check_refusing(&mut faults, "findings", &[]);
        assert!(!faults.is_empty());
    }
}
