//! Assign: gives devices the tasks that they start by themselves, and the windows in which they may.
//!
//! A loop without input, like [`crate::deliver`]: for each task with a schedule it compares what each
//! connected device was told last with what holds now, and tells it where they differ. So a device
//! keeps its schedules while the server is away, and hears of a change as soon as it is back. The work
//! is shared out by application, so that a plug-in that takes its time holds up its own tasks alone.

mod give;
mod since;
mod window;

#[cfg(test)]
pub(crate) use give::let_go;
pub(crate) use window::WindowsOfSets;

use crate::deliver::Translations;
use crate::hint::{Due, Hinted};
use crate::place::devices_of;
use crate::user::{Policies, assign_rights};
use crate::{App, AppError};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use muster_domain::scope::Scope;
use muster_domain::task::Task;
use muster_domain::{ApplicationId, DeviceId, TaskId, chain};
use muster_storage::assignment::assignment_devices;
use muster_storage::member::member_since;
use muster_storage::task::{
    ScheduleStanding, task_get, task_head, task_list_scheduled, task_schedule_standing,
};
use muster_storage::user::task_version;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Everything is looked at so often: what a lost hint would have told.
const SWEEP: Duration = Duration::from_mins(5);

/// After a failure, everything is looked at again so soon.
const RETRY: Duration = Duration::from_secs(2);

/// Assigns until the server stops.
pub(crate) async fn work(app: App, mut hinted: Hinted) {
    let stopping = app.0.stopping.clone();
    let mut sweep = interval(SWEEP);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut due = Due::default();
    let mut shares = Shares::default();
    let mut looks = FuturesUnordered::new();
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            _ = sweep.tick() => due.all = true,
            more = hinted.next() => due.add(more),
            Some(share) = looks.next() => shares.put_back(share),
        }
        // A look may hold what telling waits for, such as the turn to give out numbers: both go on.
        let mut back = Vec::new();
        let done = {
            let telling = tell(&app, &due, &mut shares);
            tokio::pin!(telling);
            loop {
                tokio::select! {
                    done = &mut telling => break done,
                    Some(share) = looks.next() => back.push(share),
                }
            }
        };
        for share in back {
            shares.put_back(share);
        }
        match done {
            Ok(()) => due = Due::default(),
            Err(error) => {
                tracing::error!(error = %chain(&error), "assignments are held up; trying again");
                due.all = true;
                sweep.reset_after(RETRY);
            }
        }
        looks.extend(
            shares
                .take_due()
                .into_iter()
                .map(|share| share.look(app.clone())),
        );
    }
    while looks.next().await.is_some() {}
}

/// Shares out what is due, and tells devices what holds for all their tasks.
async fn tell(app: &App, due: &Due, shares: &mut Shares) -> Result<(), AppError> {
    assign_rights(app, due).await?;
    shares.share_out(app, due).await?;
    window::assign(app, due).await
}

/// The work by application.
#[derive(Default)]
struct Shares {
    /// Those that nobody looks at now.
    resting: BTreeMap<ApplicationId, Share>,
    /// What became due of the others meanwhile.
    meanwhile: BTreeMap<ApplicationId, Part>,
}

/// One application's share of the work.
struct Share {
    application: ApplicationId,
    tasks: BTreeMap<TaskId, Translations>,
    due: Part,
}

/// What is due of one application's tasks.
#[derive(Default)]
struct Part {
    /// Of these tasks, every device that is connected.
    tasks: BTreeSet<TaskId>,
    /// Of all tasks, these devices.
    devices: RoaringBitmap,
    /// All tasks of the application that devices have, or are to have.
    known: Vec<TaskId>,
}

impl Part {
    fn add(&mut self, more: Self) {
        self.tasks.extend(more.tasks);
        self.devices |= more.devices;
        if !more.known.is_empty() {
            self.known = more.known;
        }
    }

    fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.devices.is_empty()
    }
}

impl Shares {
    async fn share_out(&mut self, app: &App, due: &Due) -> Result<(), AppError> {
        if !due.all && due.tasks.is_empty() && due.devices.is_empty() {
            return Ok(());
        }
        let scheduled = {
            let mut connection = app.0.storage.read().await?;
            // Where users may start tasks, their devices have those without a schedule, too.
            let all = Policies::read(&mut connection).await?.any();
            let mut scheduled = task_list_scheduled(&mut connection, all).await?;
            // One that was deleted while somebody looked at it may be told to a device after this list was
            // made: it is looked at once more, so that it is taken back.
            for task in &due.tasks {
                if scheduled.iter().any(|(known, _)| known == task) {
                    continue;
                }
                if let Some(head) = task_head(&mut connection, *task).await? {
                    scheduled.push((*task, head.application));
                }
            }
            scheduled
        };
        let mut of: BTreeMap<ApplicationId, Vec<TaskId>> = BTreeMap::new();
        for (task, application) in scheduled {
            of.entry(application).or_default().push(task);
        }
        for (application, known) in of {
            let tasks = known
                .iter()
                .filter(|task| due.all || due.tasks.contains(task));
            let part = Part {
                tasks: tasks.copied().collect(),
                devices: due.devices.clone(),
                known: known.clone(),
            };
            match self.meanwhile.get_mut(&application) {
                Some(meanwhile) => meanwhile.add(part),
                None => self.resting(application).due.add(part),
            }
        }
        Ok(())
    }

    fn resting(&mut self, application: ApplicationId) -> &mut Share {
        let share = self.resting.entry(application.clone());
        share.or_insert_with(|| Share {
            application,
            tasks: BTreeMap::new(),
            due: Part::default(),
        })
    }

    /// Takes out the shares that something is due of.
    fn take_due(&mut self) -> Vec<Share> {
        let due = |_: &ApplicationId, share: &mut Share| !share.due.is_empty();
        let taken: Vec<Share> = self
            .resting
            .extract_if(.., due)
            .map(|(_, share)| share)
            .collect();
        for share in &taken {
            self.meanwhile
                .insert(share.application.clone(), Part::default());
        }
        taken
    }

    fn put_back(&mut self, mut share: Share) {
        let meanwhile = self.meanwhile.remove(&share.application);
        share.due.add(meanwhile.unwrap_or_default());
        self.resting.insert(share.application.clone(), share);
    }
}

impl Share {
    /// Does what is due. After a failure it still is, and a moment passes first.
    async fn look(mut self, app: App) -> Self {
        let due = std::mem::take(&mut self.due);
        self.tasks.retain(|task, _| due.known.contains(task));
        for task in &due.known {
            let connected = app.0.links.devices();
            let devices = if due.tasks.contains(task) {
                connected
            } else {
                connected & &due.devices
            };
            if let Err(error) = self.task(&app, *task, &devices).await {
                let (application, error) = (&self.application, chain(&error));
                tracing::error!(%application, %task, %error, "a task could not be assigned; trying again");
                self.due.tasks.insert(*task);
                self.due.known.clone_from(&due.known);
            }
        }
        if !self.due.is_empty() {
            tokio::select! {
                () = app.0.stopping.cancelled() => {}
                () = tokio::time::sleep(RETRY) => {}
            }
        }
        self
    }

    /// Tells some connected devices of a task, as far as they have to hear of it.
    async fn task(
        &mut self,
        app: &App,
        id: TaskId,
        devices: &RoaringBitmap,
    ) -> Result<(), AppError> {
        if devices.is_empty() {
            return Ok(());
        }
        let mut connection = app.0.storage.read().await?;
        let told = assignment_devices(&mut connection, id).await?;
        let standing = task_schedule_standing(&mut connection, id).await?;
        let Some(task) = task_get(&mut connection, id).await? else {
            drop(connection);
            return give::withdraw(app, id, &parts(&(told & devices))).await;
        };
        let mut scope = devices_of(&mut connection, &task.scope).await?;
        let standing = if let Some(standing) = standing {
            standing
        } else {
            let local = matches!(task.scope, Scope::Local { .. });
            let policies = Policies::read(&mut connection).await?;
            scope &= policies.devices(&mut connection, local).await?;
            by_hand(&task)
        };
        let version = task_version(&mut connection, id).await?;
        let known = self.tasks.remove(&id);
        let known = known.filter(|known| known.revision() == task.revision.number);
        let translations = match known {
            Some(translations) => translations,
            None => Translations::of_revision(&mut connection, id, task.revision.number).await?,
        };
        let members = match task.scope.selection() {
            Some(selection) => member_since(&mut connection, selection).await?,
            None => BTreeMap::new(),
        };
        drop(connection);
        let translations = self.tasks.entry(id).or_insert(translations);
        let given = Given {
            task,
            standing,
            version,
            devices: scope.len(),
            members,
        };
        for devices in parts(&(&scope & devices)) {
            give::give(app, &given, translations, &devices).await?;
        }
        give::withdraw(app, id, &parts(&((told & devices) - scope))).await
    }
}

/// A task that only a person starts has been due for nobody since it was made.
fn by_hand(task: &Task) -> ScheduleStanding {
    ScheduleStanding {
        revision: task.revision.number,
        since: task.created_at,
        done: task.created_at,
    }
}

/// A task that is given to devices.
struct Given {
    task: Task,
    standing: ScheduleStanding,
    /// Counts its states, those without a revision of their own too.
    version: u32,
    /// How many devices it is for.
    devices: u64,
    /// If it is for a selection: since when who is in it.
    members: BTreeMap<DeviceId, Timestamp>,
}

/// Devices in one transaction.
const MOST_DEVICES: usize = 1000;

pub(crate) fn parts(devices: &RoaringBitmap) -> Vec<Vec<DeviceId>> {
    let devices: Vec<DeviceId> = devices.iter().map(DeviceId).collect();
    devices.chunks(MOST_DEVICES).map(<[_]>::to_vec).collect()
}
