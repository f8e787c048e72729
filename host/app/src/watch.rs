//! Watch: the last step of a task's life.
//!
//! What is to be seen of runs, deliveries and events. Progress of running deliveries is kept here,
//! in memory alone: agents tell it anew. Whoever watches is woken by a hint and reads the rows.

use crate::rollout::{self, RolloutStand};
use crate::{Administrator, App, AppError};
use jiff::Timestamp;
use muster_domain::delivery::{Cause, Delivery, DeliveryState, Wanted};
use muster_domain::run::{Run, RunState};
use muster_domain::{DeviceId, EventId, RunId, TaskId};
use muster_storage::Connection;
use muster_storage::delivery::{delivery_list, delivery_touched};
use muster_storage::device::{device_list_of, device_names};
use muster_storage::run::{run_get, run_list};
use muster_storage::task::task_head;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{broadcast, watch};

/// Hints that may wait for a slow watcher. One that missed some reads the rows as well.
const MOST_HINTS: usize = 1024;

/// Runs to watch, progress to show, and whether the event log grew.
pub(crate) struct Watch {
    runs: broadcast::Sender<RunId>,
    log: watch::Sender<u64>,
    progress: Mutex<HashMap<RunId, RunProgress>>,
}

/// How far the running deliveries of a run are.
#[derive(Default)]
struct RunProgress {
    deliveries: HashMap<DeviceId, Progress>,
    // The sum of their percents, kept by difference.
    percents: u64,
}

/// How far a running delivery is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// 0 to 100, if the command tells.
    pub percent: Option<u8>,
    /// What it is at.
    pub message: Option<String>,
}

impl RunProgress {
    fn put(&mut self, device: DeviceId, progress: Progress) {
        self.percents += u64::from(progress.percent.unwrap_or(0));
        if let Some(was) = self.deliveries.insert(device, progress) {
            self.percents -= u64::from(was.percent.unwrap_or(0));
        }
    }

    fn take(&mut self, device: DeviceId) {
        if let Some(was) = self.deliveries.remove(&device) {
            self.percents -= u64::from(was.percent.unwrap_or(0));
        }
    }
}

impl Watch {
    pub(crate) fn new(latest: EventId) -> Self {
        Self {
            runs: broadcast::channel(MOST_HINTS).0,
            log: watch::channel(latest.0.unsigned_abs()).0,
            progress: Mutex::default(),
        }
    }

    fn progress_of_runs(&self) -> MutexGuard<'_, HashMap<RunId, RunProgress>> {
        // Progress is for show: even if a holder panicked, what is there will do.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn log_grew(&self) {
        self.log.send_modify(|growth| *growth += 1);
    }

    pub(crate) fn run_changed(&self, run: RunId) {
        // No receiver means that nobody watches.
        let _ = self.runs.send(run);
    }

    pub(crate) fn progress(
        &self,
        run: RunId,
        device: DeviceId,
        percent: Option<u8>,
        message: Option<String>,
    ) {
        let percent = percent.map(|percent| percent.min(100));
        let message = message.map(|message| message.chars().take(200).collect());
        let progress = Progress { percent, message };
        self.progress_of_runs()
            .entry(run)
            .or_default()
            .put(device, progress);
        self.run_changed(run);
    }

    /// A delivery no longer runs.
    pub(crate) fn progress_over(&self, run: RunId, device: DeviceId) {
        let mut runs = self.progress_of_runs();
        if let Some(progress) = runs.get_mut(&run) {
            progress.take(device);
            if progress.deliveries.is_empty() {
                runs.remove(&run);
            }
        }
    }

    /// A device is no longer there to tell.
    pub(crate) fn progress_forget(&self, device: DeviceId) {
        self.progress_of_runs().retain(|_, progress| {
            progress.take(device);
            !progress.deliveries.is_empty()
        });
    }
}

/// A run, with what stands elsewhere about it.
#[derive(Debug, Clone)]
pub struct RunDetail {
    /// The run.
    pub run: Run,
    /// Its task's name.
    pub task_name: String,
    /// 0 to 100 over all devices: final deliveries count whole, running ones by what they tell.
    pub percent: u8,
    /// How far its rollout is, if it has one.
    pub rollout: Option<RolloutStand>,
}

/// A delivery, with what stands elsewhere about it.
#[derive(Debug, Clone)]
pub struct DeliveryDetail {
    /// The delivery. One that has no row yet is made up: pending, or cancelled with its run.
    pub delivery: Delivery,
    /// Whether it has a row, so that its time of change means something.
    pub touched: bool,
    /// The device's name.
    pub device_name: String,
    /// How far it is, while it runs.
    pub progress: Option<Progress>,
}

impl App {
    /// A run.
    pub async fn run_get(&self, _who: &Administrator, id: RunId) -> Result<RunDetail, AppError> {
        let mut connection = self.0.storage.read().await?;
        let run = run_get(&mut connection, id).await?;
        let run = run.ok_or_else(|| AppError::not_found("run", &id))?;
        let head = task_head(&mut connection, run.task).await?;
        let stand = rollout::stand(&mut connection, &run).await?;
        Ok(self.run_detail(run, head.map(|head| head.name), stand))
    }

    /// Runs, newest first, at most `limit`, of one task or of all, with a number below `before`.
    pub async fn run_list(
        &self,
        _who: &Administrator,
        task: Option<TaskId>,
        before: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<RunDetail>, AppError> {
        let mut connection = self.0.storage.read().await?;
        let mut details = Vec::new();
        for run in run_list(&mut connection, task, before, limit).await? {
            let head = task_head(&mut connection, run.task).await?;
            let stand = rollout::stand(&mut connection, &run).await?;
            details.push(self.run_detail(run, head.map(|head| head.name), stand));
        }
        Ok(details)
    }

    /// A run that was read, with its progress.
    fn run_detail(
        &self,
        run: Run,
        task_name: Option<String>,
        rollout: Option<RolloutStand>,
    ) -> RunDetail {
        let running = self
            .0
            .watch
            .progress_of_runs()
            .get(&run.id)
            .map_or(0, |run| run.percents);
        let total = run.counts.total();
        let percent = match (run.counts.finished() * 100 + running).checked_div(total) {
            Some(percent) => u8::try_from(percent.min(100)).unwrap_or(100),
            None => 100,
        };
        RunDetail {
            task_name: task_name.unwrap_or_else(|| run.task.to_string()),
            run,
            percent,
            rollout,
        }
    }

    /// Deliveries of a run by device number, at most `limit`, in one state or in all. Devices that
    /// were not in contact yet are among them.
    pub async fn delivery_list(
        &self,
        _who: &Administrator,
        id: RunId,
        state: Option<DeliveryState>,
        after: Option<DeviceId>,
        limit: u32,
    ) -> Result<Vec<DeliveryDetail>, AppError> {
        let mut connection = self.0.storage.read().await?;
        let run = run_get(&mut connection, id).await?;
        let run = run.ok_or_else(|| AppError::not_found("run", &id))?;
        let after = after.unwrap_or(DeviceId(0));
        let mut deliveries = delivery_list(&mut connection, id, state, after, limit).await?;
        let touched = deliveries.len();
        let untouched = run.untouched;
        if state.is_none_or(|state| state == untouched) {
            let silent = &run.targets - delivery_touched(&mut connection, id).await?;
            let silent: Vec<DeviceId> = silent
                .iter()
                .filter(|device| *device > after.0)
                .take(limit as usize)
                .map(DeviceId)
                .collect();
            let causes = self.silence(&mut connection, &silent).await?;
            let silent = silent.into_iter().zip(causes);
            deliveries
                .extend(silent.map(|(device, cause)| made_up(&run, device, untouched, cause)));
        }
        let has_row: Vec<DeviceId> = deliveries
            .iter()
            .take(touched)
            .map(|delivery| delivery.device)
            .collect();
        deliveries.sort_by_key(|delivery| delivery.device);
        deliveries.truncate(limit as usize);
        let devices: Vec<DeviceId> = deliveries.iter().map(|delivery| delivery.device).collect();
        let names: HashMap<DeviceId, String> = device_names(&mut connection, &devices)
            .await?
            .into_iter()
            .collect();
        let progress = self.0.watch.progress_of_runs();
        let progress = progress.get(&id);
        Ok(deliveries
            .into_iter()
            .map(|delivery| DeliveryDetail {
                touched: has_row.binary_search(&delivery.device).is_ok(),
                device_name: names.get(&delivery.device).cloned().unwrap_or_default(),
                progress: progress
                    .and_then(|run| run.deliveries.get(&delivery.device))
                    .cloned(),
                delivery,
            })
            .collect())
    }

    /// Why each of some devices was not in contact; none for one that is linked and about to be.
    async fn silence(
        &self,
        connection: &mut Connection,
        devices: &[DeviceId],
    ) -> Result<Vec<Option<Cause>>, AppError> {
        let connected = self.0.links.devices();
        let known = device_list_of(connection, devices).await?;
        let seen: HashMap<DeviceId, Option<Timestamp>> = known
            .into_iter()
            .map(|device| (device.id, device.last_seen))
            .collect();
        let cause = |device: &DeviceId| {
            let since = seen.get(device).copied().flatten();
            (!connected.contains(device.0)).then_some(Cause::Offline { since })
        };
        Ok(devices.iter().map(cause).collect())
    }

    /// Wakes whoever watches when a run changed. A receiver that lags reads the rows all the same.
    pub fn run_hints(&self) -> broadcast::Receiver<RunId> {
        self.0.watch.runs.subscribe()
    }

    /// Wakes whoever watches when the event log grew.
    pub fn event_hints(&self) -> watch::Receiver<u64> {
        self.0.watch.log.subscribe()
    }

    /// Ends when the server is stopping, so that streams end with it.
    pub async fn stopping(&self) {
        self.0.stopping.cancelled().await;
    }
}

fn made_up(run: &Run, device: DeviceId, state: DeliveryState, silence: Option<Cause>) -> Delivery {
    let (cause, wanted) = match (state, run.state) {
        (DeliveryState::Missed, _) => (Some(Cause::TimePassed), Wanted::Run),
        (DeliveryState::Cancelled, _) => (Some(Cause::Administrator), Wanted::Stop),
        (_, RunState::Paused) => (Some(Cause::Administrator), Wanted::Pause),
        _ => (silence, Wanted::Run),
    };
    Delivery {
        state,
        cause,
        wanted,
        ..Delivery::blank(run.id, device, run.started_at)
    }
}
