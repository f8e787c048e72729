//! What random tests draw from: few values, so that queries and devices meet.

use super::*;
use proptest::prelude::*;
use proptest::sample::select;

const WORDS: [&str; 8] = [
    "linux", "Linux", "web-1", "web-22", "db", "debian", "", "and",
];
const VERSIONS: [&str; 9] = [
    "1.4.2",
    "1.4",
    "1.4.10",
    "2",
    "0.18.3-1+deb12u3",
    "0.18.3-2",
    "v1",
    "unknown",
    "1.5.0-rc.1",
];
const PATHS: [&str; 6] = ["/", "/A", "/A/B", "/AB", "/A/B/C", "/a"];
const APPLICATIONS: [&str; 2] = ["net.clamav.clamav", "a.b"];
const FACTS: [&str; 3] = ["os.id", "memory", "odd name"];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(&WORDS[..]).prop_map(str::to_owned),
        1 => "[a-z \"\\\\(),=!<>é-]{0,6}",
    ]
}

fn text_of(from: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(from).prop_map(str::to_owned)
}

fn id() -> impl Strategy<Value = ApplicationId> {
    select(&APPLICATIONS[..]).prop_map(application)
}

fn order() -> impl Strategy<Value = Order> {
    select(vec![
        Order::Less,
        Order::LessOrEqual,
        Order::Greater,
        Order::GreaterOrEqual,
    ])
}

fn equality(value: BoxedStrategy<String>) -> BoxedStrategy<Test> {
    prop_oneof![
        value.clone().prop_map(Test::Equal),
        value.clone().prop_map(Test::NotEqual),
        prop::collection::vec(value, 1..4).prop_map(Test::In),
    ]
    .boxed()
}

fn pattern() -> BoxedStrategy<Test> {
    let patterns = ["*", "web-*", "WEB-?", "*1*", "/A/*", "d?", "linux"];
    select(patterns.to_vec())
        .prop_map(|pattern| Test::Matches(pattern.to_owned()))
        .boxed()
}

fn compare(subject: BoxedStrategy<Subject>, test: BoxedStrategy<Test>) -> BoxedStrategy<Condition> {
    (subject, test)
        .prop_map(|(subject, test)| Condition::Compare { subject, test })
        .boxed()
}

fn age() -> impl Strategy<Value = Age> {
    let length = || select(vec![1_u32, 59, 60, 120, 1440, 10_080, 100_000]);
    prop_oneof![
        length().prop_map(|minutes| Age::Within { minutes }),
        length().prop_map(|minutes| Age::OlderThan { minutes }),
    ]
}

pub(super) fn condition() -> impl Strategy<Value = Condition> {
    let comparable = || text_of(&VERSIONS[..6]);
    let version = || {
        prop_oneof![
            equality(text_of(&VERSIONS).boxed()),
            (order(), comparable()).prop_map(|(order, version)| Test::Ordered(order, version)),
            pattern(),
        ]
    };
    let texts = select(vec![
        Subject::Name,
        Subject::Platform,
        Subject::Architecture,
        Subject::Tag,
    ]);
    let fact = || text_of(&FACTS).prop_map(Subject::Fact);
    let path = || text_of(&PATHS);
    let task = (1..3_i64).prop_map(|id| Subject::Outcome(TaskId(id)));
    let state = select(ApplicationState::ALL.to_vec()).prop_map(|one| one.as_str().to_owned());
    let outcome = select(DeliveryState::ALL.to_vec()).prop_map(|one| one.to_string());
    prop_oneof![
        Just(Condition::All),
        Just(Condition::Online),
        Just(Condition::NeverSeen),
        age().prop_map(Condition::LastSeen),
        age().prop_map(Condition::Enrolled),
        id().prop_map(Condition::Installed),
        compare(
            texts.boxed(),
            prop_oneof![equality(word().boxed()), pattern()].boxed()
        ),
        compare(
            prop_oneof![
                fact(),
                Just(Subject::AgentVersion),
                id().prop_map(Subject::ApplicationVersion)
            ]
            .boxed(),
            version().boxed()
        ),
        compare(
            prop_oneof![fact(), Just(Subject::Tag)].boxed(),
            Just(Test::Known).boxed()
        ),
        compare(
            Just(Subject::Group).boxed(),
            prop_oneof![
                equality(path().boxed()),
                pattern(),
                path().prop_map(Test::Below)
            ]
            .boxed()
        ),
        compare(
            id().prop_map(Subject::ApplicationState).boxed(),
            equality(state.boxed())
        ),
        compare(
            task.boxed(),
            prop_oneof![equality(outcome.boxed()), Just(Test::Known)].boxed()
        ),
    ]
}

pub(super) fn a_query() -> impl Strategy<Value = Query> {
    condition()
        .prop_map(Query::Is)
        .prop_recursive(5, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 2..4).prop_map(Query::And),
                prop::collection::vec(inner.clone(), 2..4).prop_map(Query::Or),
                inner.prop_map(|inner| Query::Not(Box::new(inner))),
            ]
        })
}

pub(super) fn a_device() -> impl Strategy<Value = Known> {
    let facts = prop::collection::btree_map(
        text_of(&FACTS),
        prop_oneof![word(), text_of(&VERSIONS)],
        0..4,
    );
    let installed = prop::collection::btree_map(
        text_of(&APPLICATIONS),
        (
            select(ApplicationState::ALL.to_vec()),
            prop::option::of(text_of(&VERSIONS)),
        ),
        0..3,
    );
    let tags = prop::collection::btree_set(word(), 0..3);
    let outcomes = prop::collection::btree_map(
        (1..3_i64).prop_map(TaskId),
        select(DeliveryState::ALL.to_vec()),
        0..3,
    );
    let ages = || select(vec![0_i64, 1, 59, 60, 61, 1440, 1441, 200_000]);
    (
        (word(), word(), word(), text_of(&VERSIONS), text_of(&PATHS)),
        (facts, installed, tags, outcomes),
        (ages(), prop::option::of(ages()), any::<bool>()),
    )
        .prop_map(
            |(
                (name, platform, architecture, agent_version, path),
                (more, installed, tags, outcomes),
                ages,
            )| {
                let (enrolled, seen, online) = ages;
                let installed =
                    installed
                        .into_iter()
                        .map(|(id, (state, version))| InstalledApplication {
                            application: application(&id),
                            state,
                            version,
                        });
                let device = Device {
                    id: DeviceId(1),
                    name,
                    group: GroupId(1),
                    group_since: NOW,
                    facts: Facts {
                        platform,
                        architecture,
                        agent_version,
                        more,
                    },
                    applications: installed.collect(),
                    enrolled_at: NOW - minutes(enrolled),
                    last_seen: seen.map(|seen| NOW - minutes(seen)),
                };
                Known {
                    device,
                    path,
                    online,
                    tags,
                    outcomes,
                }
            },
        )
}
