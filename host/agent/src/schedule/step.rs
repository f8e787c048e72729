//! Step: what the schedules want at a moment, in one transaction.
//!
//! What came due since all was done the last time gets a row, a number and news; what waited for its
//! time and has reached it is admitted or missed. `deliver` begins what is admitted. The same step at
//! the same moment changes nothing: names are taken once, whatever the clock does between.

use super::admit::{Other, Verdict, admit, is_in_line, last_chance};
use super::starts::{self, Start};
use super::zone::DeviceZone;
use crate::assignments::miss;
use crate::store::assignment::{self, Kept, State};
use crate::store::delivery::{self, Delivery};
use crate::store::log::NewEntry;
use crate::store::occurrence::{self, NewOccurrence, Rules};
use crate::store::{Store, StoreError, news};
use jiff::{SignedDuration, Timestamp};
use muster_agent_protocol::assignment::Assigned;
use muster_agent_protocol::message::News;
use muster_agent_protocol::order::Order;
use muster_domain::delivery::{Cause, Wanted};
use muster_domain::event::Severity;
use muster_domain::schedule::{Answer, Fact, OccurrenceId, Starting, Timetable, When, Zone};
use muster_domain::{ApplicationId, DeviceId, TaskId};
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, HashMap};

/// Zones are at most so far apart: what another zone has had already is no longer ago.
const ZONES_APART: SignedDuration = SignedDuration::from_hours(26);
/// The mark is written when something is done, and else so often, so that no span gets long.
const MARK_AGE: SignedDuration = SignedDuration::from_hours(24);

/// What a step goes by.
#[derive(Debug, Clone)]
pub(crate) struct Ground<'a> {
    pub(crate) now: Timestamp,
    pub(crate) device: DeviceId,
    pub(crate) zone: &'a DeviceZone,
    /// Names this boot of the device.
    pub(crate) boot: &'a str,
    /// Whether each application runs, as far as that was looked at.
    pub(crate) applications: BTreeMap<ApplicationId, bool>,
    /// Whether the agent has just started.
    pub(crate) agent_started: bool,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stepped {
    /// When there is something to be done next, if nothing happens before.
    pub(crate) next: Option<Timestamp>,
    /// Whether deliveries changed.
    pub(crate) changed: bool,
}

/// One step.
pub(crate) async fn step(store: &Store, ground: &Ground<'_>) -> Result<Stepped, StoreError> {
    let mut transaction = store.begin().await?;
    let mut step = Step {
        store,
        ground,
        next: None,
        changed: false,
    };
    step.take(&mut transaction).await?;
    let stepped = Stepped {
        next: step.next,
        changed: step.changed,
    };
    if stepped.changed {
        muster_crash_point::reach("agent.occurrence-before-commit");
    }
    transaction.commit().await?;
    if stepped.changed {
        muster_crash_point::reach("agent.occurrence-committed");
    }
    Ok(stepped)
}

struct Step<'a> {
    store: &'a Store,
    ground: &'a Ground<'a>,
    next: Option<Timestamp>,
    changed: bool,
}

/// A task that is active here.
struct Active<'a> {
    kept: &'a Kept,
    assigned: &'a Assigned,
    rules: Rules,
}

impl Step<'_> {
    async fn take(&mut self, at: &mut SqliteConnection) -> Result<(), StoreError> {
        let ground = self.ground;
        let mut started = starts::notice(at, &ground.applications, ground.boot, ground.now).await?;
        if ground.agent_started {
            started.push(starts::agent(at, ground.boot, ground.now).await?);
        }
        for kept in &assignment::list(at).await? {
            let (State::Active, Some(assigned)) = (&kept.state, &kept.assigned) else {
                continue;
            };
            let active = Active {
                kept,
                assigned,
                rules: Rules::from(&assigned.schedule),
            };
            self.times(at, &active).await?;
            self.saved(at, &active).await?;
            for start in &started {
                self.started(at, &active, start).await?;
            }
        }
        self.admit(at).await
    }

    fn sooner(&mut self, moment: Timestamp) {
        self.next = Some(self.next.map_or(moment, |next| next.min(moment)));
    }

    /// What the schedule's times ask for.
    async fn times(
        &mut self,
        at: &mut SqliteConnection,
        active: &Active<'_>,
    ) -> Result<(), StoreError> {
        let (kept, assigned) = (active.kept, active.assigned);
        let (now, zone) = (self.ground.now, self.ground.zone);
        let schedule = &assigned.schedule;
        let table = match Timetable::new(schedule, &zone.rules) {
            Ok(table) => table,
            Err(cause) => {
                tracing::warn!(task = %kept.task, "a task cannot start by its schedule: {cause}");
                return Ok(());
            }
        };
        let since = kept.least.max(assigned.since);
        let moved = schedule.zone == Zone::Device && kept.zone != zone.name;
        let mut mark = kept.mark.min(now);
        if moved && !kept.zone.is_empty() {
            // Times that the other zone had still before it may be over in this one, and were not done.
            mark = mark.checked_sub(ZONES_APART).unwrap_or(Timestamp::MIN);
        }
        let mark = mark.max(since);
        let start_at = |name, due_at| self.start_at(active, name, due_at);
        let due = schedule
            .missed_runs
            .due(&table, mark, now, |found| start_at(found.id, found.at));
        let mut found: Vec<_> = due.missed.iter().map(|found| (*found, true)).collect();
        found.extend(due.start.iter().map(|found| (*found, false)));
        found.extend(due.wait.iter().map(|(found, _)| (*found, false)));
        found.sort_unstable();
        if due.more_missed {
            self.note_more(at, assigned).await?;
        }
        for (found, missed) in &found {
            let missed = missed.then_some(Cause::TimePassed);
            self.occurred(at, active, found.id, found.at, found.at, missed)
                .await?;
        }
        let set_back = now < kept.mark;
        let old = now.duration_since(kept.mark) > MARK_AGE;
        if !found.is_empty() || set_back || old || kept.zone != zone.name {
            assignment::set_mark(at, kept.task, now, &zone.name).await?;
        }
        if let Some(next) = table.after(now.max(since)).next() {
            self.sooner(next.at);
        }
        Ok(())
    }

    async fn note_more(
        &self,
        at: &mut SqliteConnection,
        assigned: &Assigned,
    ) -> Result<(), StoreError> {
        let name = &assigned.task_name;
        let entry = NewEntry {
            kind: "task.missed",
            severity: Severity::Warning,
            text: format!("Task \"{name}\" missed more occurrences than are listed one by one."),
            run: None,
            fields: vec![("task-name".to_owned(), name.clone())],
        };
        self.store.log(at, entry).await
    }

    /// What the saving of the schedule asks for, once for each revision.
    async fn saved(
        &mut self,
        at: &mut SqliteConnection,
        active: &Active<'_>,
    ) -> Result<(), StoreError> {
        let (kept, assigned) = (active.kept, active.assigned);
        let revision = assigned.schedule_revision;
        if assigned.schedule.when != When::Immediately || kept.saved >= revision {
            return Ok(());
        }
        if let Some(start) = self.answer(active, &Fact::Saved) {
            let name = OccurrenceId::Saved { revision };
            self.occurred(at, active, name, self.ground.now, start, None)
                .await?;
        }
        assignment::set_saved(at, kept.task, revision).await
    }

    /// What the start of an application or of the agent asks for.
    async fn started(
        &mut self,
        at: &mut SqliteConnection,
        active: &Active<'_>,
        start: &Start,
    ) -> Result<(), StoreError> {
        let (assigned, before) = (active.assigned, start.before);
        let (of, fact) = match &start.application {
            None => (Starting::Agent, Fact::AgentStarted { before }),
            Some(application) if *application == assigned.application => {
                (Starting::Application, Fact::ApplicationStarted { before })
            }
            Some(_) => return Ok(()),
        };
        let (Some(begins), Ok(zone)) = (
            self.answer(active, &fact),
            assigned.schedule.zone.rules(&self.ground.zone.rules),
        ) else {
            return Ok(());
        };
        let task = active.kept.task;
        let day = zone.to_datetime(self.ground.now).date();
        let name = |number| OccurrenceId::Start { of, day, number };
        let first = name(1).to_string();
        let prefix = first.trim_end_matches('1');
        let mut number = occurrence::count(at, task, prefix).await? + 1;
        while occurrence::exists(at, task, name(number)).await? {
            number += 1;
        }
        self.occurred(at, active, name(number), self.ground.now, begins, None)
            .await
    }

    /// When the schedule starts the task for a fact, if it does.
    fn answer(&self, active: &Active<'_>, fact: &Fact<'_>) -> Option<Timestamp> {
        let schedule = &active.assigned.schedule;
        match schedule.answer(fact, self.ground.now, &self.ground.zone.rules) {
            Ok(Answer::Start { at }) => Some(at),
            Ok(_) => None,
            Err(cause) => {
                let task = active.kept.task;
                tracing::warn!(%task, "a task cannot start by its schedule: {cause}");
                None
            }
        }
    }

    /// With the random delay.
    fn start_at(&self, active: &Active<'_>, name: OccurrenceId, begins: Timestamp) -> Timestamp {
        let (task, device) = (active.kept.task, self.ground.device);
        let assigned = active.assigned;
        let delay = assigned.schedule.random_delay;
        let delay = delay.of(task, device, name, assigned.devices);
        begins.checked_add(delay).unwrap_or(Timestamp::MAX)
    }

    /// An occurrence is due: it gets its number, its row and its news, unless it had them before.
    async fn occurred(
        &mut self,
        at: &mut SqliteConnection,
        active: &Active<'_>,
        name: OccurrenceId,
        due_at: Timestamp,
        begins: Timestamp,
        missed: Option<Cause>,
    ) -> Result<(), StoreError> {
        let (kept, assigned) = (active.kept, active.assigned);
        if occurrence::exists(at, kept.task, name).await? {
            return Ok(());
        }
        let start_at = self.start_at(active, name, begins);
        let run = occurrence::next_run(at).await?;
        let order = order(self.ground.device, kept, assigned, run);
        let waits = (missed.is_none() && start_at > self.ground.now)
            .then_some(Cause::StartsAt { at: start_at });
        let new = NewOccurrence {
            name,
            due_at,
            start_at,
            rules: &active.rules,
        };
        occurrence::insert(at, &order, &new, waits.as_ref()).await?;
        let told = News::Occurred {
            run,
            task: kept.task,
            occurrence: name,
            revision: assigned.revision,
            command: assigned.command,
            plugin: assigned.plugin,
        };
        news::add(at, &told).await?;
        if waits.is_some() {
            news::add(at, &News::Scheduled { run, at: start_at }).await?;
        }
        if let (Some(cause), Some(new)) = (missed, delivery::find(at, run).await?) {
            miss(self.store, at, &new, cause).await?;
        }
        self.changed = true;
        Ok(())
    }

    /// Admits what has reached its time, or has it missed.
    async fn admit(&mut self, at: &mut SqliteConnection) -> Result<(), StoreError> {
        let now = self.ground.now;
        let open = occurrence::open(at).await?;
        let held = assignment::held(at).await?;
        let mut others: HashMap<TaskId, Vec<Other>> = HashMap::new();
        for delivery in &open {
            if let Some(other) = other(delivery) {
                others.entry(delivery.order.task).or_default().push(other);
            }
        }
        for delivery in &open {
            let (Some(own), task) = (&delivery.occurrence, delivery.order.task) else {
                continue;
            };
            if held.contains_key(&task) {
                continue;
            }
            if own.admitted {
                self.expire(at, delivery).await?;
                continue;
            }
            if own.start_at > now {
                self.sooner(own.start_at);
                continue;
            }
            let others = others.entry(task).or_default();
            let verdict = admit(own, others, now);
            if let Some(last) = last_chance(&own.rules, own.start_at).filter(|last| *last >= now) {
                self.sooner(last + SignedDuration::from_millis(1));
            }
            self.carry_out(at, delivery, own.name, verdict, others, &open)
                .await?;
            self.changed = true;
        }
        Ok(())
    }

    /// Has one missed that was admitted and could not begin in time, as a window was closed or its
    /// application did not run, if the rule for missed runs does not make it good.
    async fn expire(
        &mut self,
        at: &mut SqliteConnection,
        delivery: &Delivery,
    ) -> Result<(), StoreError> {
        let last = delivery
            .occurrence
            .as_ref()
            .filter(|_| delivery.attempt == 0)
            .and_then(|own| last_chance(&own.rules, own.start_at));
        let Some(last) = last else {
            return Ok(());
        };
        if self.ground.now <= last {
            let after = SignedDuration::from_millis(1);
            self.sooner(last.checked_add(after).unwrap_or(last));
        } else if !is_in_line(delivery.state, delivery.cause.as_ref()) {
            miss(self.store, at, delivery, Cause::TimePassed).await?;
            self.changed = true;
        }
        Ok(())
    }

    async fn carry_out(
        &self,
        at: &mut SqliteConnection,
        delivery: &Delivery,
        name: OccurrenceId,
        verdict: Verdict,
        others: &mut Vec<Other>,
        open: &[Delivery],
    ) -> Result<(), StoreError> {
        let later = Cause::LaterOccurrence {
            occurrence: Some(name),
        };
        for run in verdict.instead_of {
            if let Some(other) = open.iter().find(|other| other.order.run == run) {
                miss(self.store, at, other, later.clone()).await?;
            }
            others.retain(|other| other.run != run);
        }
        if let Some(run) = verdict.stop {
            occurrence::set_stop(at, run, &later).await?;
        }
        if let Some(cause) = verdict.missed {
            return miss(self.store, at, delivery, cause).await;
        }
        let run = delivery.order.run;
        others.push(Other {
            run,
            name,
            begun: false,
            late: verdict.late,
        });
        occurrence::set_admitted(at, run, verdict.late).await
    }
}

fn other(delivery: &Delivery) -> Option<Other> {
    let own = delivery.occurrence.as_ref().filter(|own| own.admitted)?;
    Some(Other {
        run: delivery.order.run,
        name: own.name,
        begun: delivery.attempt > 0,
        late: own.late,
    })
}

/// What an order of the server to do this would be.
fn order(device: DeviceId, kept: &Kept, assigned: &Assigned, run: muster_domain::RunId) -> Order {
    Order {
        device,
        sequence: kept.sequence,
        run,
        task: kept.task,
        task_name: assigned.task_name.clone(),
        revision: assigned.revision,
        application: assigned.application.clone(),
        task_type: assigned.task_type.clone(),
        needs: assigned.needs,
        exclusive: assigned.exclusive,
        time_limit: assigned.time_limit,
        command: assigned.command,
        wanted: Wanted::Run,
        valid_until: Timestamp::MAX,
        despite_windows: false,
    }
}
