//! Due: what a task's schedule asks for at a moment, by its times, by having been saved, and by what
//! started on the device. Each occurrence gets its number, its row and its news once.

use super::starts::Start;
use super::step::Step;
use crate::assignments::{miss_unlogged, note_missed};
use crate::store::assignment::{self, Kept};
use crate::store::occurrence::{self, NewOccurrence, Rules};
use crate::store::{StoreError, news};
use jiff::{SignedDuration, Timestamp};
use muster_agent_protocol::assignment::Assigned;
use muster_agent_protocol::message::News;
use muster_agent_protocol::order::Order;
use muster_domain::delivery::{Cause, Wanted};
use muster_domain::schedule::{Answer, Fact, OccurrenceId, Starting, Timetable, When, Zone};
use muster_domain::{DeviceId, RunId};
use sqlx::SqliteConnection;

/// Zones are at most so far apart: what another zone has had already is no longer ago.
const ZONES_APART: SignedDuration = SignedDuration::from_hours(26);
/// The mark is written when something is done, and else so often, so that no span gets long.
const MARK_AGE: SignedDuration = SignedDuration::from_hours(24);

/// A task that is active here.
pub(super) struct Active<'a> {
    pub(super) kept: &'a Kept,
    pub(super) assigned: &'a Assigned,
    pub(super) rules: Rules,
}

impl Step<'_> {
    /// What the schedule's times ask for.
    pub(super) async fn times(
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
        let mut last_missed = (0_usize, None);
        for (found, missed) in &found {
            let cause = missed.then_some(Cause::TimePassed);
            let new = self
                .occurred(at, active, found.id, found.at, found.at, cause)
                .await?;
            if *missed && new {
                last_missed = (last_missed.0 + 1, Some(found.id));
            }
        }
        if let (count, Some(name)) = last_missed {
            // A device that was off for weeks has one entry, not a thousand.
            let more = if due.more_missed { "more than " } else { "" };
            let cause = Cause::TimePassed;
            let what = format!("{more}{count} of its occurrences, the last {name}: {cause}");
            let task = (kept.task, assigned.task_name.as_str());
            note_missed(self.store, at, task, &what).await?;
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

    /// What the saving of the schedule asks for, once for each revision.
    pub(super) async fn saved(
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
    pub(super) async fn started(
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
            .await?;
        Ok(())
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

    /// An occurrence is due: it gets its number, its row and its news. False if it had them before.
    async fn occurred(
        &mut self,
        at: &mut SqliteConnection,
        active: &Active<'_>,
        name: OccurrenceId,
        due_at: Timestamp,
        begins: Timestamp,
        missed: Option<Cause>,
    ) -> Result<bool, StoreError> {
        let (kept, assigned) = (active.kept, active.assigned);
        if occurrence::exists(at, kept.task, name).await? {
            return Ok(false);
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
        if let Some(cause) = missed {
            miss_unlogged(at, run, &cause).await?;
        }
        self.changed = true;
        Ok(true)
    }
}

/// What an order of the server to do this would be.
pub(crate) fn order(device: DeviceId, kept: &Kept, assigned: &Assigned, run: RunId) -> Order {
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
