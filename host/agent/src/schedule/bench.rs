//! A device whose clock a test sets: the store and the step together.

use super::step::{Ground, Stepped, step};
use super::zone::DeviceZone;
use crate::assignments;
use crate::store::delivery::{self, Delivery, State};
use crate::store::{Store, StoreLocation, news, occurrence};
use jiff::Timestamp;
use muster_agent_protocol::assignment::{Assigned, Assignment, Standing};
use muster_agent_protocol::message::{End, News};
use muster_agent_protocol::order::OrderKey;
use muster_domain::application::Needs;
use muster_domain::schedule::Schedule;
use muster_domain::{ApplicationId, DeviceId, Digest, RunId, TaskId};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const DEVICE: DeviceId = DeviceId(7);
pub(super) const TASK: TaskId = TaskId(3);

/// A device whose clock a test sets.
pub(super) struct Bench {
    pub(super) store: Store,
    key: OrderKey,
    sequence: u64,
    pub(super) zone: DeviceZone,
    pub(super) boot: String,
    pub(super) applications: BTreeMap<ApplicationId, bool>,
}

pub(super) fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn schedule(json: &Value) -> Schedule {
    Schedule::parse(json).unwrap().0
}

pub(super) fn assigned(schedule: Schedule, since: &str) -> Assigned {
    Assigned {
        local: None,
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

    pub(super) async fn in_memory() -> Self {
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

    pub(super) async fn step(&self, now: Timestamp, agent_started: bool) -> Stepped {
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
    pub(super) async fn told(&self) -> Vec<String> {
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

    /// Lets the time pass after which the store forgets what is over.
    pub(super) async fn forget(&self) {
        let mut connection = self.store.acquire().await.unwrap();
        let old = "update delivery set changed_at = 0 where state = 'ended'";
        sqlx::query(old).execute(&mut *connection).await.unwrap();
        drop(connection);
        for _ in 0..5 {
            let tuning = crate::config::Tuning::default();
            self.store.prune(&tuning).await.unwrap();
        }
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

pub(super) fn nightly() -> Value {
    json!({ "when": { "every-days": { "days": 1, "from": "2026-10-01T18:00" } } })
}

pub(super) fn with(mut schedule: Value, more: &Value) -> Schedule {
    let fields = schedule.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    self::schedule(&schedule)
}
