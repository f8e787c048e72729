//! Evaluation, against one that is naive: it writes out what every condition asks of JSON.

use super::strategy::{a_device, a_query};
use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

/// All that is known, as plain values.
fn plain(known: &Known) -> Value {
    let device = &known.device;
    let ago = |moment: Timestamp| NOW.duration_since(moment).as_mins();
    let applications: BTreeMap<String, Value> = device
        .applications
        .iter()
        .map(|one| {
            (
                one.application.to_string(),
                json!({"state": one.state, "version": one.version}),
            )
        })
        .collect();
    let outcomes: BTreeMap<String, DeliveryState> = known
        .outcomes
        .iter()
        .map(|(task, state)| (task.to_string(), *state))
        .collect();
    json!({
        "name": device.name, "group": known.path, "platform": device.facts.platform,
        "architecture": device.facts.architecture, "agent-version": device.facts.agent_version,
        "tag": known.tags, "fact": device.facts.more, "application": applications, "task": outcomes,
        "seen": device.last_seen.map(ago), "enrolled": ago(device.enrolled_at), "online": known.online,
    })
}

fn naive(query: &Query, plain: &Value) -> bool {
    match query {
        Query::And(parts) => !parts.iter().any(|part| !naive(part, plain)),
        Query::Or(parts) => parts.iter().filter(|part| naive(part, plain)).count() > 0,
        Query::Not(inner) => !naive(inner, plain),
        Query::Is(condition) => naive_condition(condition, plain),
    }
}

fn naive_condition(condition: &Condition, plain: &Value) -> bool {
    let in_time = |age: &Age, gone: i64| match age {
        Age::Within { minutes } => gone <= i64::from(*minutes),
        Age::OlderThan { minutes } => gone > i64::from(*minutes),
    };
    let enrolled = plain["enrolled"].as_i64().unwrap();
    match condition {
        Condition::All => true,
        Condition::Online => plain["online"] == true,
        Condition::NeverSeen => plain["online"] == false && plain["seen"].is_null(),
        Condition::LastSeen(age) if plain["online"] == true => in_time(age, 0),
        Condition::LastSeen(age) => in_time(age, plain["seen"].as_i64().unwrap_or(enrolled)),
        Condition::Enrolled(age) => in_time(age, enrolled),
        Condition::Installed(id) => {
            let state = &plain["application"][id.as_str()]["state"];
            state == "running" || state == "stopped"
        }
        Condition::Compare { subject, test } => {
            // The text says where to look: `application a.b version` is at /application/a.b/version.
            let words = subject.to_string().replace(" outcome", "").replace('"', "");
            let mut at = plain;
            let (first, rest) = words.split_once(' ').unwrap_or((&words, ""));
            at = at.get(first).unwrap_or(&Value::Null);
            if first == "application" {
                let (id, what) = rest.split_once(' ').unwrap();
                at = &at[id][what];
            } else if !rest.is_empty() {
                at = at.get(rest).unwrap_or(&Value::Null);
            }
            let values: Vec<String> = match at {
                Value::Null => vec![],
                Value::Array(many) => many
                    .iter()
                    .map(|one| one.as_str().unwrap().to_owned())
                    .collect(),
                one => vec![one.as_str().unwrap().to_owned()],
            };
            naive_test(test, &values, first == "group")
        }
    }
}

fn naive_test(test: &Test, values: &[String], exact: bool) -> bool {
    let fold = |text: &str| {
        if exact {
            text.to_owned()
        } else {
            text.to_lowercase()
        }
    };
    let equal = |wanted: &String| values.iter().any(|value| fold(value) == fold(wanted));
    match test {
        Test::Known => !values.is_empty(),
        Test::Equal(wanted) => equal(wanted),
        Test::NotEqual(wanted) => !equal(wanted),
        Test::In(list) => list.iter().any(equal),
        Test::Matches(pattern) => {
            let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
            values.iter().any(|value| {
                let value: Vec<char> = value.to_lowercase().chars().collect();
                fits(&pattern, &value)
            })
        }
        Test::Below(top) => values.iter().any(|path| {
            let mut at = path.clone();
            loop {
                if at == *top {
                    return true;
                }
                if at == "/" {
                    return false;
                }
                at.truncate(at.rfind('/').unwrap().max(1).min(at.len()));
            }
        }),
        Test::Ordered(order, wanted) => {
            let numbers = |text: &str| {
                let parts = text.split(['.', '-', '+', '~', ' ']).map(str::parse::<u64>);
                let mut found: Vec<u64> = parts.map_while(Result::ok).collect();
                let any = !found.is_empty();
                found.resize(3, 0);
                any.then(|| found.iter().fold(0, |sum, part| sum * 1_000_000 + part))
            };
            values
                .iter()
                .any(|value| match (numbers(value), numbers(wanted)) {
                    (Some(value), Some(wanted)) => match order.sign() {
                        "<" => value < wanted,
                        "<=" => value <= wanted,
                        ">" => value > wanted,
                        _ => value >= wanted,
                    },
                    _ => false,
                })
        }
    }
}

fn fits(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (['*', rest @ ..], _) => (0..=text.len()).any(|taken| fits(rest, &text[taken..])),
        ([wanted, rest @ ..], [c, left @ ..]) => {
            (*wanted == '?' || wanted == c) && fits(rest, left)
        }
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_query_means_what_is_naively_found(query in a_query(), devices in prop::collection::vec(a_device(), 8)) {
        for known in devices {
            prop_assert_eq!(known.fits(&query), naive(&query, &plain(&known)), "{} {:?}", query, known);
        }
    }
}

fn web() -> Known {
    let more = [("os.id", "debian"), ("memory.mib", "8192")];
    Known {
        device: Device {
            id: DeviceId(1),
            name: "web-01".into(),
            group: GroupId(2),
            group_since: NOW,
            facts: Facts {
                platform: "linux".into(),
                architecture: "x86_64".into(),
                agent_version: "0.3.0".into(),
                more: more.map(|(name, value)| (name.into(), value.into())).into(),
            },
            applications: vec![InstalledApplication {
                application: application("net.clamav.clamav"),
                state: ApplicationState::Stopped,
                version: Some("1.4.2+dfsg".into()),
            }],
            enrolled_at: NOW - minutes(60 * 24 * 30),
            last_seen: Some(NOW - minutes(120)),
        },
        path: "/Servers/Berlin".into(),
        online: false,
        tags: ["pilot".to_owned(), "Front".to_owned()].into(),
        outcomes: [(TaskId(7), DeliveryState::Failed)].into(),
    }
}

#[test]
fn conditions_by_example() {
    let web = web();
    for (text, expected) in [
        ("all", true),
        ("online", false),
        ("NAME = WEB-01 AND Platform = Linux", true),
        ("name matches web-?", false),
        ("name matches *-0?", true),
        ("group = /Servers", false),
        ("group below /Servers", true),
        ("group below /Serv", false),
        ("group below /", true),
        ("group = /servers/berlin", false),
        ("tag = front and tag = pilot", true),
        ("tag != pilot", false),
        ("not tag known", false),
        ("fact os.id in (debian, ubuntu)", true),
        ("fact memory.mib >= 8192 and fact memory.mib < 8193", true),
        ("fact os.id > 3", false),
        ("fact none != x", true),
        ("fact none = x or fact none < 1 or fact none known", false),
        ("application net.clamav.clamav installed", true),
        ("application net.clamav.clamav state = running", false),
        ("application net.clamav.clamav version < 1.4.10", true),
        ("application net.clamav.clamav version <= 1.4.2", true),
        ("application net.clamav.clamav version = 1.4.2", false),
        ("application org.other version known", false),
        ("application org.other state != running", true),
        ("agent-version >= 0.3", true),
        ("last-seen within 2 hours", true),
        ("last-seen older than 119 minutes", true),
        ("last-seen never", false),
        ("enrolled within 4 weeks", false),
        ("enrolled older than 29 days", true),
        ("task 7 outcome in (failed, timed-out)", true),
        ("task 8 outcome known", false),
        ("task 8 outcome != succeeded", true),
    ] {
        assert_eq!(web.is_in(text), expected, "{text}");
    }
}

#[test]
fn a_device_that_is_linked_is_seen_now_and_one_never_seen_counts_from_its_enrollment() {
    let mut known = web();
    known.online = true;
    assert!(known.is_in("last-seen within 1 minute and not last-seen never"));
    known.online = false;
    known.device.last_seen = None;
    assert!(known.is_in("last-seen never and last-seen older than 29 days"));
}

#[test]
fn a_query_tells_what_it_asks_for() {
    let asked = query("task 7 outcome = failed or not (task 9 outcome known and online)");
    assert_eq!(asked.tasks(), [TaskId(7), TaskId(9)].into());
    assert!(!asked.depends_on_time());
    assert!(query("online and (name = a or not enrolled within 1 day)").depends_on_time());
}
