//! Schedules on a device: the store and the step together, at moments that a test gives.

use super::step::{Ground, Stepped, step};
use super::zone::DeviceZone;
use crate::assignments;
use crate::store::delivery::{self, Delivery, State};
use crate::store::{Store, StoreLocation, news, occurrence};
use jiff::{SignedDuration, Timestamp};
use muster_agent_protocol::assignment::{Assigned, Assignment, Standing};
use muster_agent_protocol::message::{End, News};
use muster_agent_protocol::order::OrderKey;
use muster_domain::application::Needs;
use muster_domain::delivery::Cause;
use muster_domain::schedule::{Schedule, Timetable};
use muster_domain::{ApplicationId, DeviceId, Digest, RunId, TaskId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const DEVICE: DeviceId = DeviceId(7);
const TASK: TaskId = TaskId(3);

/// A device whose clock a test sets.
pub(super) struct Bench {
    pub(super) store: Store,
    key: OrderKey,
    sequence: u64,
    pub(super) zone: DeviceZone,
    boot: String,
    applications: BTreeMap<ApplicationId, bool>,
}

pub(super) fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn schedule(json: &Value) -> Schedule {
    Schedule::parse(json).unwrap().0
}

pub(super) fn assigned(schedule: Schedule, since: &str) -> Assigned {
    Assigned {
        task_name: "nightly".into(),
        revision: 1,
        application: "org.example.tool".parse().unwrap(),
        task_type: "scan".parse().unwrap(),
        needs: Needs::Running,
        exclusive: false,
        time_limit: 600,
        command: Digest::of("{}"),
        plugin: Digest::of("plugin"),
        schedule,
        schedule_revision: 1,
        since: moment(since),
        devices: 1,
    }
}

impl Bench {
    pub(super) async fn new(location: &StoreLocation) -> Self {
        let store = Store::open(location, "x", false).await.unwrap();
        Self {
            store,
            key: OrderKey::from_pkcs8(&OrderKey::generate().unwrap()).unwrap(),
            sequence: 0,
            zone: DeviceZone::named("Europe/Berlin").unwrap(),
            boot: "one".into(),
            applications: BTreeMap::new(),
        }
    }

    async fn in_memory() -> Self {
        Self::new(&StoreLocation::Memory).await
    }

    pub(super) async fn assign(&mut self, standing: Standing) {
        self.sequence += 1;
        let assignment = Assignment {
            device: DEVICE,
            sequence: self.sequence,
            task: TASK,
            standing,
        };
        let envelope = self.key.seal(&assignment);
        assignments::take(&self.store, DEVICE, &self.key.public(), &envelope)
            .await
            .unwrap();
    }

    pub(super) async fn active(&mut self, assigned: &Assigned) {
        self.assign(Standing::Active(Box::new(assigned.clone())))
            .await;
    }

    pub(super) async fn at(&self, now: Timestamp) -> Stepped {
        self.step(now, false).await
    }

    async fn step(&self, now: Timestamp, agent_started: bool) -> Stepped {
        let ground = Ground {
            now,
            device: DEVICE,
            zone: &self.zone,
            boot: &self.boot,
            applications: self.applications.clone(),
            agent_started,
        };
        step(&self.store, &ground).await.unwrap()
    }

    /// All occurrences of the task, the earliest first.
    pub(super) async fn all(&self) -> Vec<Delivery> {
        let mut connection = self.store.acquire().await.unwrap();
        let mut all = delivery::of_task(&mut connection, TASK, 1_000_000)
            .await
            .unwrap();
        all.reverse();
        all
    }

    /// What became of each: its name, and a word.
    async fn told(&self) -> Vec<String> {
        let word = |delivery: &Delivery| {
            let own = delivery.occurrence.as_ref().unwrap();
            let state = match (delivery.missed(), delivery.state) {
                (Some(cause), _) => json!(cause)["code"].as_str().unwrap().to_owned(),
                (None, State::Waiting) if own.admitted => "ready".into(),
                (None, state) => state.as_str().into(),
            };
            format!("{} {state}", own.name)
        };
        self.all().await.iter().map(word).collect()
    }

    /// Begins what is ready, as `deliver` would: one at a time.
    pub(super) async fn begin(&self, now: Timestamp) -> Option<RunId> {
        let mut transaction = self.store.begin().await.unwrap();
        let open = occurrence::open(&mut transaction).await.unwrap();
        if open.iter().any(|delivery| delivery.attempt > 0) {
            return None;
        }
        let ready = |delivery: &&Delivery| delivery.occurrence.as_ref().unwrap().admitted;
        let run = open.iter().find(ready)?.order.run;
        delivery::set_begun(&mut transaction, run).await.unwrap();
        occurrence::set_begun(&mut transaction, run, now)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        Some(run)
    }

    /// Ends what runs.
    pub(super) async fn end(&self) {
        let mut transaction = self.store.begin().await.unwrap();
        for delivery in occurrence::open(&mut transaction).await.unwrap() {
            if delivery.attempt > 0 {
                let run = delivery.order.run;
                delivery::set_ended(&mut transaction, run, &End::Completed)
                    .await
                    .unwrap();
            }
        }
        transaction.commit().await.unwrap();
    }

    pub(super) async fn news(&self) -> Vec<News> {
        let mut connection = self.store.acquire().await.unwrap();
        let mut all = Vec::new();
        let mut last = 0;
        loop {
            let some = news::after(&mut connection, last, usize::MAX)
                .await
                .unwrap();
            let Some(newest) = some.last() else {
                return all;
            };
            last = newest.sequence;
            all.extend(some.into_iter().map(|numbered| numbered.news));
        }
    }
}

fn nightly() -> Value {
    json!({ "when": { "every-days": { "days": 1, "from": "2026-10-01T18:00" } } })
}

fn with(mut schedule: Value, more: &Value) -> Schedule {
    let fields = schedule.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    self::schedule(&schedule)
}

#[tokio::test]
async fn what_is_due_starts_once_and_is_told_in_order() {
    let mut bench = Bench::in_memory().await;
    bench
        .active(&assigned(schedule(&nightly()), "2026-10-05T10:00Z"))
        .await;
    // Six in the evening in Berlin.
    let six = moment("2026-10-05T16:00Z");
    let before = bench.at(moment("2026-10-05T15:59:59.9Z")).await;
    assert_eq!((before.next, before.changed), (Some(six), false));
    assert!(bench.at(six).await.changed);
    assert_eq!(bench.told().await, ["2026-10-05T18:00 ready"]);
    let run = bench.all().await[0].order.run;
    assert!(run.0 < 0);
    assert!(matches!(&bench.news().await[..], [News::Occurred { run: told, .. }] if *told == run));
    assert!(!bench.at(six).await.changed);
    // The clock is set back, and comes there again.
    for text in [
        "2026-10-04T00:00Z",
        "2026-10-05T15:00Z",
        "2026-10-05T16:00:01Z",
    ] {
        assert!(!bench.at(moment(text)).await.changed, "{text}");
    }
    // It was set to another year by mistake: afterwards all goes on.
    bench.begin(six).await.unwrap();
    bench.end().await;
    bench.at(moment("2027-01-31T12:00Z")).await;
    let back = bench.at(moment("2026-10-05T17:00Z")).await;
    assert!(back.next.unwrap() <= moment("2026-10-06T16:00Z"));
}

#[tokio::test]
async fn a_random_delay_is_told_and_kept_across_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let location = StoreLocation::Folder(folder.path().to_owned());
    let mut bench = Bench::new(&location).await;
    let delayed = json!({ "random-delay": { "up-to": { "minutes": 600 } } });
    let assigned = assigned(with(nightly(), &delayed), "2026-10-05T10:00Z");
    bench.active(&assigned).await;
    let six = moment("2026-10-05T16:00Z");
    let name = "2026-10-05T18:00".to_owned().try_into().unwrap();
    let delay = assigned.schedule.random_delay.of(TASK, DEVICE, name, 1);
    let start = six + delay;
    assert!(
        delay > SignedDuration::from_secs(90),
        "the names are chosen so"
    );
    assert_eq!(bench.at(six).await.next, Some(start));
    let told = bench.news().await;
    assert!(
        matches!(&told[..], [News::Occurred { .. }, News::Scheduled { at, .. }] if *at == start)
    );
    bench.store.close().await;
    bench.store = Store::open(&location, "x", false).await.unwrap();
    bench.at(start - SignedDuration::from_secs(1)).await;
    assert_eq!(bench.told().await, ["2026-10-05T18:00 waiting"]);
    bench.at(start).await;
    assert_eq!(bench.told().await, ["2026-10-05T18:00 ready"]);
}

#[tokio::test]
async fn missed_runs_go_by_their_rule() {
    for (rule, wanted) in [
        (json!("ignore"), ["time-passed"; 3]),
        (json!("once"), ["time-passed", "time-passed", "ready"]),
        (json!("each"), ["ready"; 3]),
        (
            json!({ "younger-than": { "minutes": 60 } }),
            ["time-passed"; 3],
        ),
    ] {
        let mut bench = Bench::in_memory().await;
        let schedule = with(nightly(), &json!({ "missed-runs": rule }));
        bench.active(&assigned(schedule, "2026-10-05T10:00Z")).await;
        bench.at(moment("2026-10-07T20:00Z")).await;
        let days = ["2026-10-05", "2026-10-06", "2026-10-07"];
        let expected: Vec<_> = days
            .iter()
            .zip(wanted)
            .map(|(day, word)| format!("{day}T18:00 {word}"))
            .collect();
        assert_eq!(bench.told().await, expected, "{rule}");
    }
}

#[tokio::test]
async fn a_held_task_starts_nothing_and_then_makes_good_by_the_rule() {
    let mut bench = Bench::in_memory().await;
    let assigned = assigned(schedule(&nightly()), "2026-10-05T10:00Z");
    bench.active(&assigned).await;
    bench.at(moment("2026-10-05T16:00Z")).await;
    bench.begin(moment("2026-10-05T16:00Z")).await.unwrap();
    bench.end().await;
    let cause = Cause::Administrator;
    bench.assign(Standing::Held { cause }).await;
    assert_eq!(bench.at(moment("2026-10-07T17:00Z")).await.next, None);
    assert_eq!(bench.told().await, ["2026-10-05T18:00 ended"]);
    bench.active(&assigned).await;
    bench.at(moment("2026-10-07T17:01Z")).await;
    let told = bench.told().await;
    assert_eq!(
        told[1..],
        ["2026-10-06T18:00 time-passed", "2026-10-07T18:00 ready"]
    );
    // Withdrawn before it began; assigned again it does not come back.
    bench.assign(Standing::Withdrawn).await;
    assert_eq!(bench.told().await[2], "2026-10-07T18:00 no-longer-assigned");
    bench.active(&assigned).await;
    bench.at(moment("2026-10-07T17:02Z")).await;
    assert_eq!(bench.told().await.len(), 3);
}

#[tokio::test]
async fn overlap_is_decided_when_the_next_one_is_due() {
    for (overlap, wanted) in [
        (
            "forbid",
            ["running", "earlier-occurrence", "earlier-occurrence"],
        ),
        ("queue", ["running", "later-occurrence", "ready"]),
        ("replace", ["running", "later-occurrence", "ready"]),
    ] {
        let mut bench = Bench::in_memory().await;
        let schedule = with(nightly(), &json!({ "overlap": overlap }));
        bench.active(&assigned(schedule, "2026-10-05T10:00Z")).await;
        for day in ["2026-10-05", "2026-10-06", "2026-10-07"] {
            let six = moment(&format!("{day}T16:00Z"));
            bench.at(six).await;
            bench.begin(six).await;
        }
        let told = bench.told().await;
        let words: Vec<_> = told
            .iter()
            .map(|text| text.split(' ').nth(1).unwrap())
            .collect();
        assert_eq!(words, wanted, "{overlap}");
        let stop = bench.all().await[0]
            .occurrence
            .as_ref()
            .unwrap()
            .stop
            .is_some();
        assert_eq!(stop, overlap == "replace");
    }
}

#[tokio::test]
async fn what_could_not_begin_in_time_is_missed_if_nothing_makes_it_good() {
    let six = moment("2026-10-05T16:00Z");
    let second = SignedDuration::from_secs(1);
    let closed = Cause::OutsideWindows {
        window: None,
        opens_at: None,
    };
    let behind = Cause::BlockedByTask { run: RunId(1) };
    for (rule, minutes, cause, missed) in [
        (json!("ignore"), 1, &closed, true),
        (json!("ignore"), 1, &behind, false),
        (
            json!({ "younger-than": { "minutes": 90 } }),
            90,
            &closed,
            true,
        ),
        (json!("once"), 1000, &closed, false),
    ] {
        let mut bench = Bench::in_memory().await;
        let schedule = with(nightly(), &json!({ "missed-runs": rule }));
        bench.active(&assigned(schedule, "2026-10-05T10:00Z")).await;
        let stepped = bench.at(six).await;
        let run = bench.all().await[0].order.run;
        let mut connection = bench.store.acquire().await.unwrap();
        delivery::set_waiting(&mut connection, run, cause)
            .await
            .unwrap();
        drop(connection);
        let last = six + SignedDuration::from_mins(minutes);
        bench.at(last - second).await;
        assert!(bench.told().await[0].ends_with("ready"), "{rule}");
        bench.at(last + second).await;
        assert_eq!(
            bench.told().await[0].ends_with("time-passed"),
            missed,
            "{rule}"
        );
        // The step is made in time without anything else happening.
        assert!(!missed || stepped.next.unwrap() <= last + second);
    }
}

#[tokio::test]
async fn starts_and_savings_start_tasks_once_each() {
    let mut bench = Bench::in_memory().await;
    let saved = assigned(
        schedule(&json!({ "when": "immediately" })),
        "2026-10-05T10:00Z",
    );
    bench.active(&saved).await;
    for text in ["2026-10-05T10:00Z", "2026-10-05T10:01Z"] {
        bench.at(moment(text)).await;
    }
    assert_eq!(bench.told().await, ["saved/1 ready"]);
    let again = Assigned {
        schedule_revision: 4,
        ..saved
    };
    bench.active(&again).await;
    bench.at(moment("2026-10-05T10:02Z")).await;
    assert_eq!(
        bench.told().await,
        ["saved/1 later-occurrence", "saved/4 ready"]
    );

    let mut bench = Bench::in_memory().await;
    let tool: ApplicationId = "org.example.tool".parse().unwrap();
    let when = json!({ "application-start": { "delay-minutes": 5 } });
    bench
        .active(&assigned(
            schedule(&json!({ "when": when })),
            "2026-10-05T10:00Z",
        ))
        .await;
    let begins = moment("2026-10-05T23:50Z");
    for (runs, minute) in [
        (true, 0),
        (false, 1),
        (true, 2),
        (true, 3),
        (false, 4),
        (true, 20),
    ] {
        bench.applications.insert(tool.clone(), runs);
        bench.at(begins + SignedDuration::from_mins(minute)).await;
    }
    // By the clock in Berlin it is the next day already.
    assert_eq!(
        bench.told().await,
        [
            "application-start/2026-10-06/1 ready",
            "application-start/2026-10-06/2 waiting"
        ]
    );

    let mut bench = Bench::in_memory().await;
    let when = json!({ "agent-start": { "first-of-day": true } });
    bench
        .active(&assigned(
            schedule(&json!({ "when": when })),
            "2026-10-05T10:00Z",
        ))
        .await;
    for text in [
        "2026-10-05T10:00Z",
        "2026-10-05T20:00Z",
        "2026-10-05T23:00Z",
    ] {
        bench.step(moment(text), true).await;
        bench.begin(moment(text)).await;
        bench.end().await;
    }
    assert_eq!(
        bench.told().await,
        [
            "agent-start/2026-10-05/1 ended",
            "agent-start/2026-10-06/1 ended"
        ]
    );
}

#[tokio::test]
async fn a_device_that_travels_starts_each_evening_once() {
    let mut bench = Bench::in_memory().await;
    bench
        .active(&assigned(schedule(&nightly()), "2026-10-05T00:00Z"))
        .await;
    bench.at(moment("2026-10-05T16:00Z")).await;
    // To the west: six comes once more on the same day.
    bench.zone = DeviceZone::named("America/New_York").unwrap();
    bench.at(moment("2026-10-05T22:00:00Z")).await;
    assert_eq!(bench.told().await, ["2026-10-05T18:00 ready"]);
    // To the east: six of the next day is over already when it gets there, and is made good.
    bench.zone = DeviceZone::named("Asia/Tokyo").unwrap();
    bench.at(moment("2026-10-06T09:30:00Z")).await;
    assert_eq!(bench.told().await[1], "2026-10-06T18:00 ready");
}

#[tokio::test]
async fn names_are_forgotten_only_behind_the_mark() {
    let mut bench = Bench::in_memory().await;
    bench
        .active(&assigned(
            schedule(
                &json!({ "when": { "every-days": { "days": 1, "from": "2024-10-01T18:00" } } }),
            ),
            "2024-10-01T10:00Z",
        ))
        .await;
    bench.at(moment("2024-10-07T20:00Z")).await;
    bench.begin(moment("2024-10-07T20:00Z")).await;
    bench.end().await;
    let many = bench.all().await.len();
    let mut connection = bench.store.acquire().await.unwrap();
    // What was found missing is as new as the rest: it is forgotten after its time in the store.
    sqlx::query("update delivery set changed_at = 0")
        .execute(&mut *connection)
        .await
        .unwrap();
    drop(connection);
    for _ in 0..5 {
        bench
            .store
            .prune(&crate::config::Tuning::default())
            .await
            .unwrap();
    }
    assert!(many == 7 && bench.all().await.is_empty());
    // The clock was set back by years: nothing of what was forgotten is done again.
    bench.at(moment("2024-10-01T20:00Z")).await;
    bench.at(moment("2024-10-07T20:00Z")).await;
    assert_eq!(bench.told().await, Vec::<String>::new());
}

mod random {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Act {
        Forth(i64),
        Back(i64),
        Restart,
        Hold,
        Release,
        Begin,
        End,
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            6 => (1_i64..3 * 86_400).prop_map(Act::Forth),
            4 => (1_i64..3600).prop_map(Act::Forth),
            3 => (1_i64..2 * 86_400).prop_map(Act::Back),
            2 => Just(Act::Restart),
            1 => Just(Act::Hold),
            2 => Just(Act::Release),
            3 => Just(Act::Begin),
            3 => Just(Act::End),
        ]
    }

    fn any_schedule() -> impl Strategy<Value = Schedule> {
        let when = prop_oneof![
            Just(json!({ "every-minutes": { "minutes": 45, "from": "2026-10-01T00:10" } })),
            Just(json!({ "every-days": { "days": 1, "from": "2026-10-01T02:30" } })),
            Just(json!({ "weekly": { "days": ["sunday", "wednesday"], "at": "02:15" } })),
            Just(json!({ "cron": { "expression": "*/20 1-4 * * *" } })),
        ];
        let missed = prop_oneof![
            Just(json!("ignore")),
            Just(json!("once")),
            Just(json!("each")),
            Just(json!({ "younger-than": { "minutes": 300 } })),
        ];
        let overlap = prop_oneof![Just("forbid"), Just("queue"), Just("replace")];
        let repeated = prop_oneof![Just("first"), Just("second"), Just("both")];
        let delay = prop_oneof![
            Just(json!("none")),
            Just(json!({ "up-to": { "minutes": 50 } })),
        ];
        (when, missed, overlap, repeated, delay).prop_map(
            |(when, missed, overlap, repeated, delay)| {
                schedule(&json!({
                    "when": when, "missed-runs": missed, "overlap": overlap,
                    "repeated-time": repeated, "random-delay": delay,
                }))
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 32,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// Whatever the clock does and however often the agent begins again, there is each time that
        /// the timetable had while the task was active, once, and none else.
        #[test]
        fn each_occurrence_is_there_exactly_once(
            schedule in any_schedule(),
            acts in prop::collection::vec(act(), 1..40),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(history(schedule, acts));
        }
    }

    async fn history(schedule: Schedule, acts: Vec<Act>) {
        let folder = tempfile::tempdir().unwrap();
        let location = StoreLocation::Folder(folder.path().to_owned());
        let mut bench = Bench::new(&location).await;
        // A few days before the clocks are set back in Berlin.
        let since = "2026-10-22T10:00Z";
        let assigned = assigned(schedule, since);
        bench.active(&assigned).await;
        let (mut now, mut held) = (moment(since), false);
        let mut seen = now;
        for act in acts {
            match act {
                Act::Forth(seconds) => now += SignedDuration::from_secs(seconds),
                Act::Back(seconds) => now -= SignedDuration::from_secs(seconds),
                Act::Restart => {
                    bench.store.close().await;
                    bench.store = Store::open(&location, "x", false).await.unwrap();
                }
                Act::Hold => {
                    let cause = Cause::Administrator;
                    bench.assign(Standing::Held { cause }).await;
                    held = true;
                }
                Act::Release => {
                    bench.active(&assigned).await;
                    held = false;
                }
                Act::Begin => {
                    bench.begin(now).await;
                }
                Act::End => bench.end().await,
            }
            let stepped = bench.at(now).await;
            if !held {
                seen = seen.max(now);
                assert!(stepped.next.is_some_and(|next| next > now));
            }
            assert!(
                !bench.at(now).await.changed,
                "a second step changes something"
            );
        }
        check(&bench, &assigned, seen).await;
        bench.store.close().await;
    }

    async fn check(bench: &Bench, assigned: &Assigned, seen: Timestamp) {
        let table = Timetable::new(&assigned.schedule, &bench.zone.rules).unwrap();
        let expected: Vec<_> = table
            .within(assigned.since, seen)
            .map(|found| found.id)
            .collect();
        let all = bench.all().await;
        let own = |delivery: &Delivery| delivery.occurrence.clone().unwrap();
        let names: Vec<_> = all.iter().map(|delivery| own(delivery).name).collect();
        let sorted = |names: &[_]| names.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(sorted(&names), sorted(&expected));
        assert_eq!(names.len(), expected.len());

        // News: first that it occurred, last that it was missed, and each once.
        let (mut occurred, mut missed) = (BTreeSet::new(), BTreeSet::new());
        for news in bench.news().await {
            let run = news.run().unwrap();
            match news {
                News::Occurred { .. } => assert!(occurred.insert(run)),
                News::Missed { .. } => assert!(missed.insert(run)),
                _ => assert!(occurred.contains(&run) && !missed.contains(&run)),
            }
        }
        assert_eq!(occurred.len(), all.len());
        for delivery in &all {
            let run = delivery.order.run;
            assert_eq!(delivery.missed().is_some(), missed.contains(&run));
            assert!(delivery.missed().is_none() || delivery.attempt == 0);
        }
    }
}
