//! Texts: what reads back, what binds how, what is refused where.

use super::strategy::a_query;
use super::*;
use crate::finding::Level;
use proptest::prelude::*;
use serde_json::json;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(query in a_query()) {
        let text = query.to_string();
        prop_assert_eq!(Query::parse(&text).map(|(query, _)| query), Ok(query), "{}", text);
    }

    /// Pieces of the language in no order, and any characters between them.
    #[test]
    fn no_text_does_harm(pieces in prop::collection::vec(prop_oneof![
        3 => prop::sample::select(vec![
            "and", "or", "not", "(", ")", ",", "in", "=", "!=", "<", ">=", "name", "group", "fact", "tag", "all",
            "online", "application", "a.b", "version", "state", "task", "7", "outcome", "last-seen", "within", "older",
            "than", "days", "never", "matches", "*", "below", "/A", "\"x y\"", "\"", "\\", "known",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ], 0..40), glue in prop::sample::select(vec!["", " "])) {
        let text = pieces.join(glue);
        match Query::parse(&text) {
            Ok((query, _)) => {
                let again = Query::parse(&query.to_string()).map(|(query, _)| query);
                prop_assert_eq!(again, Ok(query));
            }
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                for fault in faults {
                    prop_assert!((1..=text.chars().count() + 1).contains(&fault.at), "{:?}", fault);
                    prop_assert!(!fault.to_string().contains(|c: char| c.is_control()), "{:?}", fault);
                }
            }
        }
    }
}

#[test]
fn and_binds_closer_than_or_and_not_closest() {
    for (text, written) in [
        ("all or online and all", "all or online and all"),
        ("all or (online and all)", "all or online and all"),
        ("(all or online) and all", "(all or online) and all"),
        ("not all and online", "not all and online"),
        ("NOT (all AND online)", "not (all and online)"),
        ("not not ((all))", "not not all"),
        ("all and (online and all)", "all and (online and all)"),
        ("name=a", "name = a"),
        (
            "name = \"a b\" or tag in(x,\"y,z\")",
            "name = \"a b\" or tag in (x, \"y,z\")",
        ),
        ("name = \"plain\"", "name = plain"),
        ("name = \"or\"", "name = \"or\""),
        ("name = \"a\\\"\\\\b\"", "name = \"a\\\"\\\\b\""),
        (
            "last-seen older than 120 minutes",
            "last-seen older than 2 hours",
        ),
        ("enrolled within 2 weeks", "enrolled within 14 days"),
        ("fact \"odd name\" known", "fact \"odd name\" known"),
    ] {
        assert_eq!(query(text).to_string(), written, "{text}");
    }
}

/// A text, where it is wrong, what stands there, the code, and some of what is said.
type Wrong<'a> = (&'a str, usize, &'a str, &'a str, &'a str);

const WRONG: &[Wrong<'_>] = &[
    ("", 1, "", "selection-syntax", "Write a condition"),
    (
        "colour = red",
        1,
        "colour",
        "selection-syntax",
        "Write a condition",
    ),
    (
        "name ~ x",
        6,
        "~",
        "selection-syntax",
        "Write a test here, one of =, !=, in, matches.",
    ),
    (
        "name < x",
        6,
        "<",
        "selection-syntax",
        "=, !=, in, matches.",
    ),
    ("name =", 7, "", "selection-syntax", "Write a value"),
    (
        "name = and",
        8,
        "and",
        "selection-syntax",
        "quotation marks",
    ),
    (
        "name = a name = b",
        10,
        "name",
        "selection-syntax",
        "go on with and, or",
    ),
    ("(all", 5, "", "selection-syntax", "still open"),
    ("all)", 4, ")", "selection-syntax", "No parenthesis is open"),
    ("all and", 8, "", "selection-syntax", "Write a condition"),
    ("name = \"abc", 8, "\"", "selection-syntax", "never closed"),
    (
        "name = \"a\\b\"",
        11,
        "b",
        "selection-character",
        "backslash",
    ),
    (
        "name = a\\b",
        9,
        "\\",
        "selection-character",
        "quotation marks",
    ),
    ("name ! a", 6, "!", "selection-character", "quotation marks"),
    (
        "name = \"é\u{202e}\"",
        10,
        "\u{fffd}",
        "selection-character",
        "steers",
    ),
    (
        "tag in x",
        8,
        "x",
        "selection-syntax",
        "list in parentheses",
    ),
    ("tag in (x y)", 11, "y", "selection-syntax", "comma"),
    (
        "tag in ()",
        9,
        ")",
        "selection-syntax",
        "list in parentheses",
    ),
    ("fact", 5, "", "selection-syntax", "fact's name"),
    (
        "application clamav installed",
        13,
        "clamav",
        "selection-value",
        "reverse domain name",
    ),
    (
        "application a.b",
        16,
        "",
        "selection-syntax",
        "installed, state or version",
    ),
    (
        "application a.b state = on",
        25,
        "on",
        "selection-value",
        "absent, stopped, running",
    ),
    (
        "application a.b version < new",
        27,
        "new",
        "selection-value",
        "no number in front",
    ),
    (
        "group = Servers",
        9,
        "Servers",
        "selection-value",
        "by its path",
    ),
    ("group below /A/", 13, "/A/", "selection-value", "path"),
    (
        "task x outcome = failed",
        6,
        "x",
        "selection-value",
        "number",
    ),
    (
        "task 0 outcome = failed",
        6,
        "0",
        "selection-value",
        "number",
    ),
    (
        "task 7 outcome = broken",
        18,
        "broken",
        "selection-value",
        "succeeded",
    ),
    (
        "last-seen 5 days",
        11,
        "5",
        "selection-syntax",
        "within or older than",
    ),
    (
        "last-seen older 5 days",
        17,
        "5",
        "selection-syntax",
        "within or older than",
    ),
    (
        "enrolled within 5",
        18,
        "",
        "selection-syntax",
        "minutes, hours, days or weeks",
    ),
    (
        "enrolled within 0 days",
        17,
        "0",
        "selection-value",
        "whole number",
    ),
    (
        "enrolled within 3661 days",
        17,
        "3661",
        "selection-value",
        "3660 days",
    ),
    (
        "enrolled within 9999999 weeks",
        17,
        "9999999",
        "selection-value",
        "3660 days",
    ),
];

fn is_told((text, at, near, code, says): Wrong<'_>) {
    let faults = Query::parse(text).unwrap_err();
    let [fault] = faults.as_slice() else {
        panic!("{text}: {faults:?}");
    };
    let told = (fault.at, fault.near.as_str(), fault.code);
    assert_eq!(told, (at, near, code), "{text}: {fault}");
    assert!(fault.text.contains(says), "{text}: {fault}");
}

#[test]
fn faults_tell_what_where_and_what_to_write() {
    for wrong in WRONG {
        is_told(*wrong);
    }
}

#[test]
fn what_is_beyond_a_limit_is_told() {
    let list = format!("tag in ({})", vec!["x"; 101].join(", "));
    let many = vec!["all"; 201].join(" or ");
    let deep = format!("{}all{}", "(".repeat(33), ")".repeat(33));
    let nots = format!("{}all", "not ".repeat(33));
    let word = format!("name = {}", "x".repeat(201));
    let bytes = format!("name = \"{}\"", "é".repeat(2000));
    let forty = "x".repeat(40);
    for wrong in [
        (
            list.as_str(),
            309,
            "x",
            "selection-too-long",
            "at most 100 values",
        ),
        (
            many.as_str(),
            1401,
            "all",
            "selection-too-long",
            "more than 200 conditions",
        ),
        (deep.as_str(), 34, "all", "selection-too-long", "32 deep"),
        (nots.as_str(), 133, "all", "selection-too-long", "32 deep"),
        (
            word.as_str(),
            8,
            forty.as_str(),
            "selection-too-long",
            "200 characters",
        ),
        (bytes.as_str(), 1, "", "selection-too-long", "4000 bytes"),
    ] {
        is_told(wrong);
    }
}

#[test]
fn wrong_values_are_told_all_at_once() {
    let faults = Query::parse("group = A or task 1 outcome in (failed, bad) or group in (/A, B)");
    let places: Vec<usize> = faults.unwrap_err().iter().map(|fault| fault.at).collect();
    assert_eq!(places, [9, 41, 63]);
}

#[test]
fn limits_can_be_reached() {
    for text in [
        format!("tag in ({})", vec!["x"; 100].join(", ")),
        vec!["all"; 200].join(" or "),
        format!("{}all{}", "(".repeat(32), ")".repeat(32)),
        format!("{}all", "not ".repeat(32)),
        format!("name = {}", "x".repeat(200)),
        "enrolled within 3660 days".to_owned(),
    ] {
        query(&text);
    }
}

#[test]
fn selections_are_checked_as_a_whole() {
    let good = json!({"name": "Old scanners", "query": "application a.b version < 2"});
    let (selection, query, findings) = Selection::parse(&good).unwrap();
    assert_eq!((selection.version, findings.len()), (1, 0));
    assert_eq!(query.to_string(), selection.query);
    let again = serde_json::to_value(&selection).unwrap();
    assert_eq!(Selection::parse(&again).unwrap().0, selection);
    for (key, value, pointer, code) in [
        ("version", json!(2), "/version", "selection-version"),
        ("name", json!(" x"), "/name", "selection-name"),
        ("name", json!(7), "/name", "selection-form"),
        ("colour", json!(1), "/colour", "selection-form"),
        ("query", json!("name"), "/query", "selection-syntax"),
        ("query", json!("group = A"), "/query", "selection-value"),
    ] {
        let mut wrong = good.clone();
        wrong[key] = value;
        let found = Selection::parse(&wrong).unwrap_err();
        let told: Vec<(&str, &str)> = found
            .iter()
            .map(|one| (&*one.pointer, &*one.code))
            .collect();
        assert_eq!(told, [(pointer, code)], "{wrong}");
    }
    let plain = json!({"name": "x", "query": "online and name matches web"});
    let (_, _, findings) = Selection::parse(&plain).unwrap();
    let [one] = findings.as_slice() else {
        panic!("{findings:?}");
    };
    assert_eq!(
        (one.level, &*one.code),
        (Level::Warning, "selection-plain-pattern")
    );
    assert_eq!(
        one.params,
        [
            ("character".into(), "25".into()),
            ("near".into(), "web".into())
        ]
    );
}
