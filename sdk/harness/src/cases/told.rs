//! What came of cases, for people and for programs.

use crate::report::junit;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;
use std::fmt::Write as _;
use std::time::Duration;

/// What came of all cases of a folder.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Tested {
    /// One for each case, in the order of their names.
    pub cases: Vec<TestedCase>,
}

/// What came of one case.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TestedCase {
    /// The folder's name.
    pub name: String,
    /// What is wrong, each in a few lines; empty if all is well.
    pub faults: Vec<String>,
    /// What else there is to know.
    pub notes: Vec<String>,
    /// Files whose answers were written anew.
    pub updated: Vec<String>,
    /// The calls that were made.
    pub calls: Vec<CaseCall>,
}

/// A call of a case, and what it took.
#[derive(Debug, Clone, Serialize)]
pub struct CaseCall {
    /// `validate`, `translate`, `interpret`.
    pub function: String,
    /// Microseconds of a processor.
    pub microseconds: u64,
    /// The most memory that it had, in bytes.
    pub memory: u64,
}

impl Tested {
    /// Whether every case is as its files say.
    pub fn passed(&self) -> bool {
        self.failed() == 0
    }

    /// How many cases are not as their files say.
    pub fn failed(&self) -> usize {
        self.cases
            .iter()
            .filter(|case| !case.faults.is_empty())
            .count()
    }

    /// Lines for people. Texts are the plug-in's and may hold anything.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for case in &self.cases {
            let mark = match (case.faults.is_empty(), case.updated.is_empty()) {
                (false, _) => "FAILED",
                (true, false) => "written",
                (true, true) => "ok",
            };
            let time: u64 = case.calls.iter().map(|call| call.microseconds).sum();
            let memory = case.calls.iter().map(|call| call.memory).max().unwrap_or(0);
            let _ = writeln!(
                text,
                "{mark:<8} {}  {} in {:.2} ms, {} KiB",
                case.name,
                calls(case.calls.len()),
                Duration::from_micros(time).as_secs_f64() * 1e3,
                memory.div_ceil(1024),
            );
            for line in case.faults.iter().flat_map(|fault| fault.lines()) {
                let _ = writeln!(text, "           {line}");
            }
            for note in case.notes.iter().flat_map(|note| note.lines()) {
                let _ = writeln!(text, "           note: {note}");
            }
            if !case.updated.is_empty() {
                let _ = writeln!(text, "           {}", case.updated.join(", "));
            }
        }
        let _ = write!(
            text,
            "{} of {} cases are as their files say",
            self.cases.len() - self.failed(),
            self.cases.len()
        );
        text
    }

    /// JUnit XML, as CI systems read it.
    pub fn to_junit(&self, suite: &str) -> String {
        let mut report = Report::new(suite);
        let mut tests = TestSuite::new(suite);
        tests.add_test_cases(self.cases.iter().map(|case| test(case, suite)));
        report.add_test_suite(tests);
        junit::to_text(&report)
    }
}

fn test(case: &TestedCase, suite: &str) -> TestCase {
    let status = match case.faults.first() {
        None => TestCaseStatus::success(),
        Some(first) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_message(first.lines().next().unwrap_or_default())
                .set_description(case.faults.join("\n"));
            status
        }
    };
    let mut test = TestCase::new(case.name.as_str(), status);
    let time = case.calls.iter().map(|call| call.microseconds).sum();
    test.set_classname(suite)
        .set_time(Duration::from_micros(time));
    if !case.notes.is_empty() {
        test.set_system_out(case.notes.join("\n"));
    }
    test
}

fn calls(number: usize) -> String {
    match number {
        1 => "1 call".to_owned(),
        many => format!("{many} calls"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tested() -> Tested {
        let call = |function: &str, microseconds| CaseCall {
            function: function.into(),
            microseconds,
            memory: 1 << 20,
        };
        Tested {
            cases: vec![
                TestedCase {
                    name: "good".into(),
                    calls: vec![call("validate", 40_000), call("translate", 60_000)],
                    ..TestedCase::default()
                },
                TestedCase {
                    name: "a<b".into(),
                    faults: vec!["verdict.json says otherwise\n/0: 1 is gone\u{1b}".into()],
                    notes: vec!["a note".into()],
                    ..TestedCase::default()
                },
            ],
        }
    }

    #[test]
    fn people_read_lines() {
        let expected = "\
ok       good  2 calls in 100.00 ms, 1024 KiB
FAILED   a<b  0 calls in 0.00 ms, 0 KiB
           verdict.json says otherwise
           /0: 1 is gone\u{1b}
           note: a note
1 of 2 cases are as their files say";
        assert_eq!(tested().text(), expected);
        assert!(!tested().passed());
    }

    #[test]
    fn ci_systems_read_junit() {
        let read = junit_parser::from_reader(tested().to_junit("s").as_bytes()).unwrap();
        assert_eq!((read.tests, read.failures), (2, 1));
        let cases = &read.suites[0].cases;
        assert!(cases[0].status.is_success() && (cases[0].time - 0.1).abs() < 1e-9);
        assert_eq!(cases[1].original_name, "a<b");
        let junit_parser::TestStatus::Failure(failure) = &cases[1].status else {
            panic!("{:?}", cases[1]);
        };
        assert_eq!(failure.message, "verdict.json says otherwise");
        assert_eq!(failure.text, "verdict.json says otherwise\n/0: 1 is gone");
        assert_eq!(cases[1].system_out.as_deref(), Some("a note"));
    }
}
