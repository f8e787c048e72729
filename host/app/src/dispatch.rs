//! Dispatch: the second step of a task's life.
//!
//! A task becomes a run: its scope at this moment as one bitmap, one small transaction however many
//! devices there are. Stopping, pausing and resuming a run say what is wanted of its deliveries.
//! The next step, [`crate::deliver`], starts from these rows.

use crate::error::sentence;
use crate::place::devices_of;
use crate::rollout;
use crate::vault::{AllowPlain, Allowed};
use crate::{Administrator, App, AppError};
use jiff::Timestamp;
use muster_domain::delivery::{Cause, Delivery, DeliveryState, Wanted};
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::rollout::Rollout;
use muster_domain::run::{Run, RunState};
use muster_domain::schedule::OccurrenceId;
use muster_domain::task::Task;
use muster_domain::{ApplicationId, DeviceId, RunId, TaskId};
use muster_storage::delivery::{
    delivery_devices_in, delivery_list_open, delivery_list_unordered, delivery_touched,
    delivery_update, delivery_want,
};
use muster_storage::device::device_set;
use muster_storage::event::event_insert;
use muster_storage::run::{
    run_counts, run_despite_windows, run_get, run_insert, run_list_open, run_list_open_of,
    run_state_set, run_total, run_untouched_become,
};
use muster_storage::task::{TaskHead, task_get, task_head};
use muster_storage::{Connection, StorageError};
use roaring::RoaringBitmap;

impl App {
    /// Starts a task: the devices that its scope means now are the targets of a new run. A task
    /// whose last run is still under way is not started again.
    pub async fn run_start(
        &self,
        who: &Administrator,
        id: TaskId,
        despite_windows: bool,
    ) -> Result<Run, AppError> {
        let task = self.task_get(who, id).await?.task;
        if let Err(error) = self.may_start(&task).await {
            self.run_refused(who, &task, &error).await?;
            return Err(error);
        }
        let actor = who.actor();
        // A person means those who are in the selection now.
        let seen = self.members_of(task.scope.selection()).await?;
        let run = self
            .logged(move |connection| {
                Box::pin(async move {
                    seen.keep(connection).await?;
                    run_insert_with_event(connection, id, actor, despite_windows).await
                })
            })
            .await?;
        muster_crash_point::reach("dispatch.committed");
        self.0.watch.run_changed(run.id);
        self.0.hints.run_changed(run.id);
        Ok(run)
    }

    /// The plug-in must be there, and if it is another one than agreed to the settings, agree again; and what is
    /// destructive must be approved.
    async fn may_start(&self, task: &Task) -> Result<(), AppError> {
        let plugin = self.plugin(&task.application).await?;
        if plugin.digest() != task.revision.plugin {
            let now = &task.revision;
            let version = Some(now.schema_version);
            self.agree_up(
                &task.application,
                &task.task_type,
                version,
                &now.settings,
                &Allowed::with(&AllowPlain::Nothing, now),
            )
            .await?;
        }
        self.approval_meets(task).await
    }

    async fn run_refused(
        &self,
        who: &Administrator,
        task: &Task,
        error: &AppError,
    ) -> Result<(), AppError> {
        let text = sentence(format!("Task {} was not started: {error}", task.name));
        let event = NewEvent::new("run.refused", Severity::Warning, who.actor(), text)
            .about(Subject {
                application: Some(task.application.clone()),
                task: Some(task.id),
                ..Subject::default()
            })
            .with(serde_json::json!({ "code": error.code() }));
        self.event_write(event).await
    }

    /// Runs a task again on the devices on which a run ended in one of these states. The task is carried
    /// out as it is now.
    pub async fn run_again(
        &self,
        who: &Administrator,
        id: RunId,
        states: Vec<DeliveryState>,
    ) -> Result<Run, AppError> {
        let before = run_existing(&mut *self.0.storage.read().await?, id).await?;
        let task = self.task_get(who, before.task).await?.task;
        if let Err(error) = self.may_start(&task).await {
            self.run_refused(who, &task, &error).await?;
            return Err(error);
        }
        let actor = who.actor();
        let run = self
            .logged(move |connection| {
                Box::pin(async move {
                    let task = task_get(connection, before.task).await?;
                    let task = task.ok_or_else(|| AppError::not_found("task", &before.task))?;
                    refuse_second_run(connection, &task).await?;
                    let mut devices = delivery_devices_in(connection, id, &states).await?;
                    if states.contains(&before.untouched) {
                        devices |= &before.targets - delivery_touched(connection, id).await?;
                    }
                    devices &= device_set(connection).await?;
                    if devices.is_empty() {
                        return Err(AppError::Conflict {
                            code: "run-nothing-again",
                            text: format!("run {id} ended so on no device that is still there"),
                        });
                    }
                    let (of, now) = (TaskOfRun::from(&task), muster_clock::now());
                    let run = run_begin(connection, &of, None, &devices, now, actor).await?;
                    run_existing(connection, run).await
                })
            })
            .await?;
        self.0.watch.run_changed(run.id);
        self.0.hints.run_changed(run.id);
        Ok(run)
    }

    /// Stops a run. Devices that have it end it; those that were not in contact never get it.
    pub async fn run_stop(&self, who: &Administrator, id: RunId) -> Result<Run, AppError> {
        self.run_want(
            who,
            id,
            RunState::Stopping,
            Wanted::Stop,
            "run.stopped",
            "stopped",
        )
        .await
    }

    /// Pauses a run. Devices that are at it stand still; those that come into contact wait.
    pub async fn run_pause(&self, who: &Administrator, id: RunId) -> Result<Run, AppError> {
        self.run_want(
            who,
            id,
            RunState::Paused,
            Wanted::Pause,
            "run.paused",
            "paused",
        )
        .await
    }

    /// Lets a paused run go on.
    pub async fn run_resume(&self, who: &Administrator, id: RunId) -> Result<Run, AppError> {
        self.run_want(
            who,
            id,
            RunState::Running,
            Wanted::Run,
            "run.resumed",
            "resumed",
        )
        .await
    }

    /// Stops the runs of a task that are under way, and gives the newest.
    pub async fn task_stop(&self, who: &Administrator, id: TaskId) -> Result<Run, AppError> {
        let detail = self.task_get(who, id).await?;
        let newest = detail.last_run.ok_or_else(|| AppError::Conflict {
            code: "task-not-running",
            text: format!("task {id} has never run"),
        })?;
        let open = run_list_open_of(&mut *self.0.storage.read().await?, id).await?;
        let mut stopped = None;
        for run in open.iter().filter(|run| run.state != RunState::Stopping) {
            stopped = Some(self.run_stop(who, run.id).await?);
        }
        match stopped {
            Some(run) => Ok(run),
            // Nothing is under way; the newest run says so.
            None => self.run_stop(who, newest).await,
        }
    }

    async fn run_want(
        &self,
        who: &Administrator,
        id: RunId,
        state: RunState,
        wanted: Wanted,
        kind: &'static str,
        verb: &'static str,
    ) -> Result<Run, AppError> {
        let actor = who.actor();
        let run = self
            .logged(move |connection| {
                Box::pin(async move {
                    want(connection, id, state, wanted).await?;
                    let run = run_existing(connection, id).await?;
                    let text = format!("Run {id} of task {} was {verb}.", run.task);
                    let event = NewEvent::new(kind, Severity::Info, actor, text);
                    let head = task_head(connection, run.task).await?;
                    let event = event.about(about(&run, head.as_ref()));
                    let now = muster_clock::now();
                    event_insert(connection, now, &[event]).await?;
                    run_settle(connection, id, now).await?;
                    run_existing(connection, id).await
                })
            })
            .await?;
        muster_crash_point::reach("dispatch.wanted-committed");
        self.0.watch.run_changed(id);
        self.0.hints.run_changed(id);
        Ok(run)
    }
}

/// Wants something else of a run and of its deliveries.
pub(crate) async fn want(
    connection: &mut Connection,
    id: RunId,
    state: RunState,
    wanted: Wanted,
) -> Result<(), AppError> {
    let run = run_existing(connection, id).await?;
    refuse_change(&run, state)?;
    run_state_set(connection, id, state, None).await?;
    delivery_want(connection, id, wanted).await?;
    if wanted == Wanted::Stop {
        cancel_undelivered(connection, &run, muster_clock::now()).await?;
    }
    Ok(())
}

async fn run_insert_with_event(
    connection: &mut Connection,
    id: TaskId,
    actor: Actor,
    despite_windows: bool,
) -> Result<Run, AppError> {
    // Read again: the task may have changed, or been started, since it was looked at.
    let task = task_get(connection, id).await?;
    let task = task.ok_or_else(|| AppError::not_found("task", &id))?;
    refuse_second_run(connection, &task).await?;
    let targets = devices_of(connection, &task.scope).await?;
    let now = muster_clock::now();
    let of = TaskOfRun::from(&task);
    let run = run_begin(connection, &of, None, &targets, now, actor).await?;
    if despite_windows {
        run_despite_windows(connection, run).await?;
    }
    muster_crash_point::reach("dispatch.before-commit");
    run_existing(connection, run).await
}

/// What a run needs of its task.
pub(crate) struct TaskOfRun {
    pub(crate) id: TaskId,
    pub(crate) name: String,
    pub(crate) application: ApplicationId,
    pub(crate) revision: u32,
    pub(crate) rollout: Option<Rollout>,
}

impl From<&Task> for TaskOfRun {
    fn from(task: &Task) -> Self {
        Self {
            id: task.id,
            name: task.name.clone(),
            application: task.application.clone(),
            revision: task.revision.number,
            rollout: task.revision.rollout.clone(),
        }
    }
}

/// Begins a run of a task: its row, and its event.
pub(crate) async fn run_begin(
    connection: &mut Connection,
    task: &TaskOfRun,
    occurrence: Option<OccurrenceId>,
    targets: &RoaringBitmap,
    now: Timestamp,
    actor: Actor,
) -> Result<RunId, AppError> {
    let number = task.revision;
    let run = run_insert(
        connection, task.id, number, occurrence, targets, now, &actor,
    )
    .await?;
    if let Some(rollout) = &task.rollout {
        rollout::begin(connection, run, &task.application, rollout, targets).await?;
    }
    let text = match occurrence {
        None => format!("Task {} was started", task.name),
        Some(occurrence) => format!("Occurrence {occurrence} of task {} is due", task.name),
    };
    let text = format!("{text} on {}.", devices(targets.len()));
    let event = NewEvent::new("run.started", Severity::Info, actor, text)
        .about(Subject {
            application: Some(task.application.clone()),
            task: Some(task.id),
            run: Some(run),
            ..Subject::default()
        })
        .with(serde_json::json!({
            "revision": number,
            "devices": targets.len(),
            "occurrence": occurrence,
        }));
    event_insert(connection, muster_clock::now(), &[event]).await?;
    run_settle(connection, run, now).await?;
    Ok(run)
}

fn devices(count: u64) -> String {
    match count {
        1 => "1 device".into(),
        count => format!("{count} devices"),
    }
}

/// A person starts no second run. Those of the schedule may be open for long, as long as one device
/// was not seen since, and are no hindrance.
async fn refuse_second_run(connection: &mut Connection, task: &Task) -> Result<(), AppError> {
    let open = run_list_open_of(connection, task.id).await?;
    let by_person = |run: &&Run| run.occurrence.is_none() && run.state != RunState::Stopping;
    match open.iter().find(by_person) {
        Some(run) => Err(AppError::Conflict {
            code: "task-running",
            text: format!(
                "run {} of task {} is under way; stop it first",
                run.id, task.id
            ),
        }),
        None => Ok(()),
    }
}

fn refuse_change(run: &Run, next: RunState) -> Result<(), AppError> {
    let (may, verb) = match next {
        RunState::Stopping => (
            matches!(run.state, RunState::Running | RunState::Paused),
            "stopped",
        ),
        RunState::Paused => (run.state == RunState::Running, "paused"),
        RunState::Running => (run.state == RunState::Paused, "resumed"),
        RunState::Finished => (false, "finished"),
    };
    if may {
        return Ok(());
    }
    let state = serde_json::json!(run.state);
    Err(AppError::Conflict {
        code: "run-state",
        text: format!(
            "run {} is {} and cannot be {verb}",
            run.id,
            state.as_str().unwrap_or_default()
        ),
    })
}

/// Cancels at once what no device was told of: deliveries without an order, and the devices that
/// were not in contact at all, which have no rows.
async fn cancel_undelivered(
    connection: &mut Connection,
    run: &Run,
    now: Timestamp,
) -> Result<(), AppError> {
    for mut delivery in delivery_list_unordered(connection, run.id).await? {
        if delivery.ordered.is_none() {
            cancel(connection, &mut delivery, Cause::Administrator, now).await?;
        }
    }
    Ok(run_untouched_become(connection, run.id, DeliveryState::Cancelled).await?)
}

async fn cancel(
    connection: &mut Connection,
    delivery: &mut Delivery,
    cause: Cause,
    now: Timestamp,
) -> Result<(), AppError> {
    let was = delivery.state;
    delivery.state = DeliveryState::Cancelled;
    delivery.cause = Some(cause);
    delivery.changed_at = now;
    Ok(delivery_update(connection, delivery, was).await?)
}

/// Ends what a device that is being removed had still to do.
pub(crate) async fn device_leave(
    connection: &mut Connection,
    device: DeviceId,
    now: Timestamp,
) -> Result<(), AppError> {
    for mut delivery in delivery_list_open(connection, &[device]).await? {
        cancel(connection, &mut delivery, Cause::Administrator, now).await?;
        run_settle(connection, delivery.run, now).await?;
    }
    for run in run_list_open(connection).await? {
        let touched = muster_storage::delivery::delivery_get(connection, run.id, device).await?;
        let pending = run.untouched == DeliveryState::Pending;
        if run.targets.contains(device.0) && touched.is_none() && pending {
            let delivery = Delivery {
                state: DeliveryState::Cancelled,
                cause: Some(Cause::Administrator),
                wanted: Wanted::Stop,
                ..Delivery::blank(run.id, device, now)
            };
            muster_storage::delivery::delivery_insert(connection, &delivery, run.untouched).await?;
            run_settle(connection, run.id, now).await?;
        }
    }
    Ok(())
}

/// Finishes a run whose deliveries are all final. Costs the same however many there are.
pub(crate) async fn run_settle(
    connection: &mut Connection,
    id: RunId,
    now: Timestamp,
) -> Result<bool, AppError> {
    let counts = run_counts(connection, id).await?;
    let scope = run_total(connection, id).await?;
    if let Some(scope) = scope.filter(|scope| *scope != counts.total()) {
        let total = counts.total();
        // A mistake of ours. Nothing of the transaction is kept.
        return Err(AppError::Storage(StorageError::Row {
            table: "run_counts",
            what: format!("run {id}: the states sum to {total} and its scope is {scope}"),
        }));
    }
    if counts.finished() < counts.total() {
        return Ok(false);
    }
    let run = run_existing(connection, id).await?;
    if run.state.is_final() {
        return Ok(false);
    }
    run_state_set(connection, id, RunState::Finished, Some(now)).await?;
    let head = task_head(connection, run.task).await?;
    let subject = about(&run, head.as_ref());
    let task = head.map_or_else(|| run.task.to_string(), |head| head.name);
    let said: Vec<String> = counts
        .0
        .iter()
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    let said = if said.is_empty() {
        "no devices".to_owned()
    } else {
        said.join(", ")
    };
    let text = format!("Run {id} of task {task} finished: {said}.");
    let event = NewEvent::new("run.finished", Severity::Info, Actor::Server, text)
        .about(subject)
        .with(serde_json::json!({ "counts": counts }));
    event_insert(connection, now, &[event]).await?;
    Ok(true)
}

async fn run_existing(connection: &mut Connection, id: RunId) -> Result<Run, AppError> {
    run_get(connection, id)
        .await?
        .ok_or_else(|| AppError::not_found("run", &id))
}

fn about(run: &Run, head: Option<&TaskHead>) -> Subject {
    Subject {
        application: head.map(|head| head.application.clone()),
        task: Some(run.task),
        run: Some(run.id),
        ..Subject::default()
    }
}
