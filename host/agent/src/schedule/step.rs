//! Step: what the schedules want at a moment, in one transaction.
//!
//! What came [`due`](super::due) since all was done the last time gets a row, a number and news; what
//! waited for its time and has reached it is admitted or missed. `deliver` begins what is admitted. The same step at
//! the same moment changes nothing: names are taken once, whatever the clock does between.

use super::admit::{Other, Verdict, admit, is_in_line, last_chance};
use super::due::Active;
use super::starts;
use super::zone::DeviceZone;
use crate::assignments::miss;
use crate::store::assignment::{self, State};
use crate::store::delivery::Delivery;
use crate::store::lineage;
use crate::store::occurrence::{self, Rules};
use crate::store::{Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use muster_domain::delivery::Cause;
use muster_domain::schedule::OccurrenceId;
use muster_domain::{ApplicationId, DeviceId, TaskId};
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, HashMap};

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

pub(super) struct Step<'a> {
    pub(super) store: &'a Store,
    pub(super) ground: &'a Ground<'a>,
    pub(super) next: Option<Timestamp>,
    pub(super) changed: bool,
}

impl Step<'_> {
    async fn take(&mut self, at: &mut SqliteConnection) -> Result<(), StoreError> {
        if lineage::is_barred(at).await? {
            // It is no device of the server's any more, or another machine is that device.
            return Ok(());
        }
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

    pub(super) fn sooner(&mut self, moment: Timestamp) {
        self.next = Some(self.next.map_or(moment, |next| next.min(moment)));
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
