//! Deliver: the second step on the device. Brings every open delivery to what its last order wants, or
//! its schedule where the device began it by itself.
//!
//! A loop without input: orders, command bodies and the applications' states are looked up where
//! they stand, a hint only says when. [`decide`] says what is to be done, [`outcome`] commits what
//! came of it, and what an agent before this one left behind is ended by [`leftover`] first.

mod decide;
mod leftover;
mod outcome;
mod siblings;

use crate::agent::Shared;
use crate::applications::View;
use crate::execute::control::Control;
use crate::execute::prepare::{Prepared, prepare};
use crate::execute::{Executor, Work, execute, pretend};
use crate::schedule::windows;
use crate::store::delivery::{self, Delivery, State};
use crate::store::{StoreError, assignment, command, lineage, news};
use decide::{Step, Surroundings, decide};
use jiff::Timestamp;
use muster_agent_protocol::message::{End, News};
use muster_agent_protocol::secret::Values;
use muster_domain::delivery::{Cause, Wanted};
use muster_domain::report::Report;
use muster_domain::schedule::Failure;
use muster_domain::{ApplicationId, RunId};
use siblings::Siblings;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// After the store said no.
const RETRY: Duration = Duration::from_secs(2);
/// When nothing happens: orders run out of their time.
const SWEEP: Duration = Duration::from_secs(30);

/// A command at work.
struct AtWork {
    control: watch::Sender<Control>,
    application: ApplicationId,
    exclusive: bool,
}

/// A delivery that others may have to wait for.
struct Claim {
    run: RunId,
    application: ApplicationId,
    exclusive: bool,
}

pub(crate) struct Deliver {
    shared: Arc<Shared>,
    at_work: HashMap<RunId, AtWork>,
    workers: JoinSet<RunId>,
    /// Nothing begins on an older look at the applications than this one.
    look_needed: u64,
}

impl Deliver {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let look_needed = shared.applications.look_again();
        Self {
            shared,
            at_work: HashMap::new(),
            workers: JoinSet::new(),
            look_needed,
        }
    }

    /// The worker. When it is to stop, commands at work are ended; they begin again another time.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut view = self.shared.applications.subscribe();
        let mut recovered = false;
        loop {
            let now = view.borrow_and_update().clone();
            let done = if recovered {
                self.reconcile(&now).await
            } else {
                self.recover().await.map(|()| None)
            };
            let mut next = None;
            let pause = match done {
                Ok(_) if !recovered => {
                    recovered = true;
                    continue;
                }
                Ok(moment) => {
                    next = moment;
                    SWEEP
                }
                Err(cause) => {
                    tracing::error!(
                        "deliveries wait for the local store: {}",
                        muster_domain::chain(&cause)
                    );
                    RETRY
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.something_new(&mut view, &now) => {}
                () = muster_clock::until_or_set_back(next.unwrap_or(Timestamp::MAX)) => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        for at_work in self.at_work.values() {
            at_work.control.send_replace(Control::Interrupt);
        }
        while self.workers.join_next().await.is_some() {}
    }

    async fn something_new(&mut self, view: &mut watch::Receiver<Arc<View>>, last: &View) {
        loop {
            tokio::select! {
                () = self.shared.store.hints.deliver.notified() => {
                    self.look_needed = self.shared.applications.look_again();
                    return;
                }
                // A command may have changed how its application stands.
                Some(ended) = self.workers.join_next() => {
                    if let Ok(run) = ended { self.at_work.remove(&run); }
                    self.look_needed = self.shared.applications.look_again();
                    return;
                }
                _ = view.changed() => {
                    let view = view.borrow_and_update();
                    let reached = last.look < self.look_needed && view.look >= self.look_needed;
                    if view.change != last.change || reached { return; }
                }
            }
        }
    }

    /// Ends what an agent before this one left at work, and puts its deliveries back to the start.
    async fn recover(&mut self) -> Result<(), StoreError> {
        let store = &self.shared.store;
        let open = delivery::open(&mut *store.acquire().await?).await?;
        let cut_off: Vec<_> = open
            .iter()
            .filter(|delivery| delivery.attempt > 0 && delivery.state != State::Waiting)
            .collect();
        let ends = cut_off.iter().map(|delivery| async {
            if let Some(session) = &delivery.session {
                let mark = self.shared.mark(delivery.order.run, delivery.attempt);
                let attempt = leftover::Attempt {
                    session,
                    leader: delivery.leader.as_deref(),
                    mark: &mark,
                };
                leftover::end(&attempt, self.shared.tuning.grace).await;
            }
        });
        futures_util::future::join_all(ends).await;
        let mut transaction = store.begin().await?;
        for delivery in cut_off {
            delivery::set_cut_off(&mut transaction, delivery.order.run).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Takes every delivery a step on. Gives back when there is more to do, if nothing happens before.
    async fn reconcile(&mut self, view: &View) -> Result<Option<Timestamp>, StoreError> {
        let mut connection = self.shared.store.acquire().await?;
        let open = delivery::open(&mut connection).await?;
        let held_tasks = assignment::held(&mut connection).await?;
        let barred = lineage::is_barred(&mut connection).await?;
        let windows = assignment::windows(&mut connection).await?;
        drop(connection);
        let secrets = &self.shared.secrets;
        secrets.retain(|run| open.iter().any(|delivery| delivery.order.run == run));
        let windows = windows.map_or(Vec::new(), |(_, windows)| windows);
        let now = muster_clock::now();
        let hold = windows::hold(&windows, &self.shared.zone.borrow(), now);
        let (windows, opens_at) = hold.unzip();
        let mut moments: Vec<Timestamp> = opens_at.flatten().into_iter().collect();
        let mut siblings = Siblings::new(&open);
        let mut claims: Vec<Claim> = self
            .at_work
            .iter()
            .map(|(run, at_work)| Claim {
                run: *run,
                application: at_work.application.clone(),
                exclusive: at_work.exclusive,
            })
            .collect();
        claims.sort_by_key(|claim| claim.run);
        for delivery in &open {
            let order = &delivery.order;
            let at_work = self
                .at_work
                .get(&order.run)
                .map(|at_work| at_work.control.borrow().clone());
            if at_work.is_none() && order.wanted == Wanted::Run && view.look < self.look_needed {
                continue;
            }
            // What it began it ends; it begins nothing more.
            if at_work.is_none() && barred {
                continue;
            }
            let around = Surroundings {
                at_work: at_work.as_ref(),
                application: view.state(&order.application),
                windows: windows.as_ref(),
                held: held_tasks.get(&order.task),
                sibling: siblings.of(delivery),
                blocked_by: self.blocked_by(delivery, &claims),
                secrets: self
                    .shared
                    .secrets
                    .awaited(order.run, &self.shared.store.hints),
                most_attempts: self.shared.tuning.most_attempts,
                now,
            };
            let step = decide(delivery, &around);
            moments.extend(delivery.next_moment(now, step == Step::Start));
            if step.claims() {
                siblings.claim(delivery);
                claims.push(Claim {
                    run: order.run,
                    application: order.application.clone(),
                    exclusive: order.exclusive,
                });
            }
            if step != Step::Start {
                self.shared.secrets.put_down(order.run);
            }
            self.act(delivery, step, view).await?;
        }
        Ok(moments.into_iter().min())
    }

    /// The delivery that this one has to wait for: one before it that wants the application to
    /// itself, any before it if it does so itself, or one of too many.
    fn blocked_by(&self, delivery: &Delivery, claims: &[Claim]) -> Option<RunId> {
        let order = &delivery.order;
        let excludes = |claim: &&Claim| {
            claim.application == order.application
                && (claim.exclusive || order.exclusive)
                && claim.run != order.run
        };
        let excluding = claims.iter().find(excludes).map(|claim| claim.run);
        let too_many = || {
            self.at_work
                .keys()
                .min()
                .copied()
                .filter(|_| self.at_work.len() >= self.shared.tuning.most_running)
        };
        excluding.or_else(too_many)
    }

    async fn act(
        &mut self,
        delivery: &Delivery,
        step: Step,
        view: &View,
    ) -> Result<(), StoreError> {
        let run = delivery.order.run;
        match step {
            Step::Nothing | Step::AwaitCommand | Step::AwaitSecrets => Ok(()),
            Step::Wait(cause) => self.wait(delivery, cause).await,
            Step::Queue(before) => {
                self.wait(delivery, Cause::BlockedByTask { run: before })
                    .await
            }
            Step::Stand => self.change(run, State::Paused, News::Paused { run }).await,
            Step::Control(control) => {
                match control {
                    Control::Pause => {
                        self.change(run, State::Paused, News::Paused { run })
                            .await?;
                    }
                    Control::Run => {
                        let attempt = delivery.attempt;
                        self.change(run, State::Running, News::Started { run, attempt })
                            .await?;
                    }
                    Control::Stop(_) | Control::Interrupt => {}
                }
                if let Some(at_work) = self.at_work.get(&run) {
                    at_work.control.send_replace(control);
                }
                Ok(())
            }
            Step::End(end) => {
                outcome::commit(&self.shared, delivery, &end, &Report::default()).await
            }
            Step::Start => self.start(delivery, view).await,
        }
    }

    async fn wait(&self, delivery: &Delivery, cause: Cause) -> Result<(), StoreError> {
        if delivery.state == State::Waiting && delivery.cause.as_ref() == Some(&cause) {
            return Ok(());
        }
        let run = delivery.order.run;
        let mut transaction = self.shared.store.begin().await?;
        if !delivery::set_waiting(&mut transaction, run, &cause).await? {
            return Ok(());
        }
        let told = match cause {
            Cause::StartsAt { at } => News::Scheduled { run, at },
            cause => News::Waiting { run, cause },
        };
        news::add(&mut transaction, &told).await?;
        transaction.commit().await?;
        self.shared.store.hints.link.notify_one();
        Ok(())
    }

    async fn change(&self, run: RunId, state: State, told: News) -> Result<(), StoreError> {
        let mut transaction = self.shared.store.begin().await?;
        // A command that has just come to its end is not paused any more.
        if delivery::set_state(&mut transaction, run, state).await? {
            news::add(&mut transaction, &told).await?;
            transaction.commit().await?;
            self.shared.store.hints.link.notify_one();
        }
        Ok(())
    }

    async fn start(&mut self, delivery: &Delivery, view: &View) -> Result<(), StoreError> {
        let order = &delivery.order;
        let body = command::find(&mut *self.shared.store.acquire().await?, order.command).await?;
        let (Some(body), Some(connector)) = (body, view.connectors.get(&order.application)) else {
            return Ok(());
        };
        let steps = match prepare(&body, connector) {
            Ok(steps) => steps,
            Err(refusal) => {
                let end = End::Refused {
                    reason: refusal.to_string(),
                };
                if outcome::retry(&self.shared, delivery, Failure::Refused).await? {
                    return Ok(());
                }
                return outcome::commit(&self.shared, delivery, &end, &Report::default()).await;
            }
        };
        let secrets = match steps.iter().find_map(Prepared::secret) {
            Some(name) => self
                .shared
                .secrets
                .take(order.run, name, &self.shared.store.hints),
            None => Some(Values::default()),
        };
        let Some(secrets) = secrets else {
            return Ok(());
        };
        muster_crash_point::reach("agent.secrets-taken");
        let Some(attempt) = outcome::begin(&self.shared, delivery).await? else {
            return Ok(());
        };
        let (control, wishes) = watch::channel(Control::Run);
        let begun = Delivery {
            attempt,
            ..delivery.clone()
        };
        self.workers.spawn(carry_out(
            self.shared.clone(),
            begun,
            (steps, secrets),
            wishes,
        ));
        let at_work = AtWork {
            control,
            application: order.application.clone(),
            exclusive: order.exclusive,
        };
        self.at_work.insert(order.run, at_work);
        Ok(())
    }
}

/// One attempt at a delivery, to its committed end.
async fn carry_out(
    shared: Arc<Shared>,
    delivery: Delivery,
    (steps, secrets): (Vec<Prepared>, Values),
    mut wishes: watch::Receiver<Control>,
) -> RunId {
    let run = delivery.order.run;
    let told: Vec<_> = steps.iter().map(|step| step.step.clone()).collect();
    let outcome = match shared.executor {
        Executor::Pretended => Some(pretend(&steps)),
        Executor::Processes => {
            let work = Work {
                run,
                steps,
                secrets,
                limit: Duration::from_secs(delivery.order.time_limit.into()),
                grace: shared.tuning.grace,
                mark: shared.mark(run, delivery.attempt),
                board: shared.board.clone(),
                store: shared.store.clone(),
            };
            execute(work, wishes.clone()).await
        }
    };
    shared.board.remove(run);
    let Some((end, report)) = outcome else {
        return run;
    };
    let failure = outcome::failure(&told, &end, &report);
    let commit = async || {
        if let Some(failure) = failure
            && outcome::retry(&shared, &delivery, failure).await?
        {
            return Ok(());
        }
        outcome::commit(&shared, &delivery, &end, &report).await
    };
    // The result is the one thing that cannot be had again: it waits here until there is room.
    while let Err(cause) = commit().await {
        tracing::error!(%run, "a result waits for the local store: {}", muster_domain::chain(&cause));
        let interrupted = wishes.wait_for(|wish| *wish == Control::Interrupt);
        if tokio::time::timeout(RETRY, interrupted).await.is_ok() {
            break;
        }
    }
    run
}
