//! Random histories of runs, held against a model: whatever devices and administrators do, in whatever
//! order, the states of a run's deliveries sum to its scope, each count is what its rows say, and what a
//! device said came of a delivery stays.

use super::interpret::Meanings;
use super::{keep, own};
use crate::assign::let_go;
use crate::dispatch::{TaskOfRun, device_leave, run_begin, run_settle, want};
use crate::silence;
use jiff::{SignedDuration, Timestamp};
use muster_agent_protocol::message::{End, News, NumberedNews};
use muster_domain::application::Needs;
use muster_domain::delivery::{Cause, Delivery, DeliveryState, Wanted};
use muster_domain::device::Facts;
use muster_domain::event::Actor;
use muster_domain::report::Report;
use muster_domain::run::{Counts, RunState};
use muster_domain::schedule::{OccurrenceId, Schedule};
use muster_domain::scope::{Membership, Scope};
use muster_domain::settings::Settings;
use muster_domain::task::{NewTask, TaskRevision};
use muster_domain::{DeviceId, Digest, GroupId, RunId, TaskId};
use muster_storage::assignment::{AssignmentRow, assignment_put};
use muster_storage::delivery::{delivery_get, delivery_insert, delivery_list, delivery_touched};
use muster_storage::device::{device_insert, device_link_begin, device_link_end};
use muster_storage::run::{run_get, run_list};
use muster_storage::task::task_insert;
use muster_storage::{Connection, Storage};
use proptest::prelude::*;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

const DEVICES: u32 = 4;

/// What happens to a run; runs and devices by place, so that most of them are there.
#[derive(Debug, Clone)]
enum Step {
    /// A run begins: by the schedule on a day, or by a person.
    Begin {
        targets: Vec<u32>,
        day: Option<u32>,
    },
    /// The server meets a device.
    Contact {
        run: usize,
        device: u32,
    },
    /// A device tells of a run.
    Tell {
        run: usize,
        device: u32,
        word: Word,
    },
    /// A device tells of what it began by itself.
    Own {
        day: u32,
        device: u32,
        word: Word,
    },
    /// An administrator wants something else.
    Want {
        run: usize,
        state: RunState,
    },
    /// Nobody waits any longer.
    Close {
        run: usize,
    },
    /// A device falls silent, and is heard again.
    Forget {
        run: usize,
        device: u32,
    },
    Heard {
        device: u32,
    },
    /// A device has the task no longer.
    LetGo {
        device: u32,
    },
    /// A device is removed.
    Leave {
        device: u32,
    },
}

#[derive(Debug, Clone, Copy)]
enum Word {
    Waiting,
    Scheduled,
    Started,
    Paused,
    Missed,
    Completed,
    Stopped,
}

fn step() -> impl Strategy<Value = Step> {
    let device = || 1..=DEVICES;
    let run = || 0..6_usize;
    let word = || {
        prop_oneof![
            Just(Word::Waiting),
            Just(Word::Scheduled),
            Just(Word::Started),
            Just(Word::Paused),
            Just(Word::Missed),
            Just(Word::Completed),
            Just(Word::Stopped),
        ]
    };
    let state = prop_oneof![
        Just(RunState::Stopping),
        Just(RunState::Paused),
        Just(RunState::Running)
    ];
    prop_oneof![
        2 => (prop::collection::vec(device(), 0..5), prop::option::of(1..4_u32))
            .prop_map(|(targets, day)| Step::Begin { targets, day }),
        4 => (run(), device()).prop_map(|(run, device)| Step::Contact { run, device }),
        8 => (run(), device(), word())
            .prop_map(|(run, device, word)| Step::Tell { run, device, word }),
        6 => (1..4_u32, device(), word())
            .prop_map(|(day, device, word)| Step::Own { day, device, word }),
        2 => (run(), state).prop_map(|(run, state)| Step::Want { run, state }),
        1 => run().prop_map(|run| Step::Close { run }),
        1 => (run(), device()).prop_map(|(run, device)| Step::Forget { run, device }),
        1 => device().prop_map(|device| Step::Heard { device }),
        1 => device().prop_map(|device| Step::LetGo { device }),
        1 => device().prop_map(|device| Step::Leave { device }),
    ]
}

/// What goes on beside the rows: numbers of news, and the devices' own numbers.
#[derive(Default)]
struct World {
    runs: Vec<RunId>,
    sequences: BTreeMap<u32, u64>,
    own: BTreeMap<(u32, u32), i64>,
    gone: Vec<u32>,
}

fn at(day: u32) -> Timestamp {
    let first: Timestamp = "2026-03-01T18:00:00Z".parse().unwrap();
    first + SignedDuration::from_hours(24 * i64::from(day - 1))
}

fn occurrence(day: u32) -> OccurrenceId {
    OccurrenceId::try_from(format!("2026-03-0{day}T18:00")).unwrap()
}

const TASK: TaskId = TaskId(1);

fn of_task() -> TaskOfRun {
    TaskOfRun {
        id: TASK,
        name: "nightly".into(),
        application: "a.b".parse().unwrap(),
        revision: 1,
        rollout: None,
    }
}

async fn prepare(connection: &mut Connection) {
    let now = at(1);
    let daily = serde_json::json!({"when": {"every-days": {"from": "2026-01-01T18:00"}}});
    let schedule = Some(Schedule::parse(&daily).unwrap().0);
    let task = NewTask {
        name: "nightly".into(),
        application: of_task().application,
        task_type: "scan".parse().unwrap(),
        scope: Scope::Group {
            group: GroupId::ROOT,
            subgroups: true,
            excluded: vec![],
            only: None,
            membership: Membership::Fixed,
        },
        time_limit: None,
        settings: Settings::empty(),
        schedule: schedule.clone(),
        rollout: None,
    };
    let first = TaskRevision {
        number: 1,
        settings: Settings::empty(),
        schedule,
        rollout: None,
        schema_version: 1,
        plugin: Digest::of("plugin"),
        needs: Needs::Running,
        exclusive: false,
        findings: vec![],
        migrated_from: None,
        created_at: now,
        created_by: Actor::Server,
        origin: muster_domain::origin::Origin::default(),
    };
    task_insert(connection, &task, 60, &first).await.unwrap();
    for device in 1..=DEVICES {
        let name = format!("pc-{device}");
        let facts = Facts::default();
        let id = device_insert(connection, &name, GroupId::ROOT, &facts, now);
        let id = id.await.unwrap();
        device_link_begin(connection, id, "store", 0).await.unwrap();
        device_link_end(connection, id, now).await.unwrap();
        let row = AssignmentRow {
            device: id,
            task: TASK,
            digest: "told".into(),
            sequence: 1,
            since: Some(now),
            withdrawn: false,
        };
        assignment_put(connection, &row).await.unwrap();
    }
}

fn news(run: RunId, word: Word) -> News {
    let ended = |end| News::Ended {
        run,
        end,
        report: Report::default(),
    };
    let cause = Cause::Administrator;
    match word {
        Word::Waiting => News::Waiting {
            run,
            cause: Cause::ApplicationNotRunning,
        },
        Word::Scheduled => News::Scheduled { run, at: at(3) },
        Word::Started => News::Started { run, attempt: 1 },
        Word::Paused => News::Paused { run },
        Word::Missed => News::Missed { run, cause },
        Word::Completed => ended(End::Completed),
        Word::Stopped => ended(End::Stopped { cause }),
    }
}

impl World {
    async fn tell(&mut self, connection: &mut Connection, device: u32, told: Vec<News>) {
        let sequence = self.sequences.entry(device).or_default();
        let numbered = told.into_iter().map(|news| {
            *sequence += 1;
            NumberedNews {
                sequence: *sequence,
                at: at(3),
                news,
            }
        });
        let id = DeviceId(device);
        let (news, _) = own::resolve(connection, id, numbered.collect())
            .await
            .unwrap();
        keep::keep(connection, vec![(id, news)], Meanings::new())
            .await
            .unwrap();
    }

    async fn go(&mut self, connection: &mut Connection, step: &Step) {
        let of = |run: usize| self.runs.get(run).copied();
        match step {
            Step::Begin { targets, day } => {
                let targets = targets.iter().filter(|device| !self.gone.contains(device));
                let targets: RoaringBitmap = targets.copied().collect();
                let name = day.map(occurrence);
                if let Some(name) = name {
                    let known = muster_storage::run::run_of_occurrence(connection, TASK, name);
                    if known.await.unwrap().is_some() {
                        return;
                    }
                }
                let now = at(day.unwrap_or(1));
                let task = of_task();
                let begun = run_begin(connection, &task, name, &targets, now, Actor::Server);
                self.runs.push(begun.await.unwrap());
            }
            Step::Contact { run, device } => {
                let Some(run) = of(*run) else { return };
                let run = run_get(connection, run).await.unwrap().unwrap();
                let id = DeviceId(*device);
                let known = delivery_get(connection, run.id, id).await.unwrap();
                let fresh = run.targets.contains(*device) && known.is_none();
                if fresh && run.state == RunState::Running {
                    let waiting = Delivery::blank(run.id, id, at(1));
                    let was = run.untouched;
                    delivery_insert(connection, &waiting, was).await.unwrap();
                }
            }
            Step::Tell { run, device, word } => {
                if let Some(run) = of(*run) {
                    let told = vec![news(run, *word)];
                    self.tell(connection, *device, told).await;
                }
            }
            Step::Own { day, device, word } => {
                let next = -(i64::try_from(self.own.len()).unwrap() + 1);
                let key = (*device, *day);
                let known = self.own.contains_key(&key);
                let run = RunId(*self.own.entry(key).or_insert(next));
                let mut told = vec![news(run, *word)];
                if !known {
                    let first = News::Occurred {
                        run,
                        task: TASK,
                        occurrence: occurrence(*day),
                        revision: 1,
                        command: Digest::of("command"),
                        plugin: Digest::of("plugin"),
                    };
                    told.insert(0, first);
                }
                self.tell(connection, *device, told).await;
            }
            Step::Want { run, state } => {
                let Some(run) = of(*run) else { return };
                let wanted = match state {
                    RunState::Stopping => Wanted::Stop,
                    RunState::Paused => Wanted::Pause,
                    _ => Wanted::Run,
                };
                // What does not go with where the run stands is refused, which changes nothing.
                if want(connection, run, *state, wanted).await.is_ok() {
                    run_settle(connection, run, at(3)).await.unwrap();
                }
            }
            Step::Close { run } => {
                if let Some(run) = of(*run) {
                    silence::close(connection, run, at(3)).await.unwrap();
                }
            }
            Step::Forget { run, device } => {
                if let Some(run) = of(*run) {
                    let stale = vec![(run, DeviceId(*device), None)];
                    silence::forget(connection, stale, at(3)).await.unwrap();
                }
            }
            Step::Heard { device } => {
                let heard = silence::heard_again(connection, DeviceId(*device));
                heard.await.unwrap();
            }
            Step::LetGo { device } => {
                let gone = let_go(connection, TASK, DeviceId(*device), Timestamp::MAX);
                gone.await.unwrap();
            }
            Step::Leave { device } => {
                self.gone.push(*device);
                let gone = device_leave(connection, DeviceId(*device), at(3));
                gone.await.unwrap();
            }
        }
    }
}

/// What a device said came of its deliveries.
type Said = BTreeMap<(RunId, DeviceId), DeliveryState>;

/// Holds the counts of every run against its rows, and what was final against what it was.
async fn check(connection: &mut Connection, before: &Said) -> Said {
    let mut said = Said::new();
    for run in run_list(connection, None, None, 1000).await.unwrap() {
        let touched = delivery_touched(connection, run.id).await.unwrap();
        assert!(touched.is_subset(&run.targets), "run {}", run.id);
        let mut model = Counts::default();
        let untouched = (&run.targets - &touched).len();
        if untouched > 0 {
            model.0.insert(run.untouched, untouched);
        }
        let all = delivery_list(connection, run.id, None, DeviceId(0), 1000);
        for delivery in all.await.unwrap() {
            *model.0.entry(delivery.state).or_default() += 1;
            let told = matches!(
                delivery.state,
                DeliveryState::Succeeded | DeliveryState::Warning | DeliveryState::Failed
            );
            if told {
                said.insert((run.id, delivery.device), delivery.state);
            }
        }
        assert_eq!(run.counts, model, "run {} in {:?}", run.id, run.state);
        assert_eq!(run.counts.total(), run.targets.len());
        // Nothing but what nobody knows of is left open by a run that is over.
        let open = run.counts.total() - run.counts.finished();
        let unknown = run.counts.of(DeliveryState::Unknown)
            + run.counts.of(DeliveryState::Running)
            + run.counts.of(DeliveryState::Paused);
        assert!(
            run.state != RunState::Finished || open == unknown,
            "run {}",
            run.id
        );
    }
    for (delivery, state) in before {
        assert_eq!(said.get(delivery), Some(state), "{delivery:?}");
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn states_sum_to_the_scope_whatever_happens(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let folder = tempfile::tempdir().unwrap();
            let storage = Storage::open(&folder.path().join("muster.db")).await.unwrap();
            let history = storage.write::<_, crate::AppError, _>(move |connection| {
                Box::pin(async move {
                    prepare(connection).await;
                    let mut world = World::default();
                    let mut said = Said::new();
                    for step in &steps {
                        world.go(connection, step).await;
                        said = check(connection, &said).await;
                    }
                    Ok(())
                })
            });
            history.await.unwrap();
        });
    }
}
