//! Rollouts: a run goes out a wave after the other.
//!
//! The rules are [`muster_domain::rollout`]; here is what they are asked about, and what they answered is
//! kept. [`crate::deliver`] asks before it gives anything to a device of such a run, so whatever changes
//! something there is told to it: news of a device, a link, a word of a person, and the end of a soak time.

mod alarm;

pub(crate) use alarm::{Alarms, work};

use crate::place::Tree;
use crate::{Administrator, App, AppError};
use muster_domain::delivery::DeliveryState;
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::rollout::{
    Fleet, Hold, Part, Progress, Rollout, Step, Stratum, Waves, is_error,
};
use muster_domain::run::{Run, RunState};
use muster_domain::text::counted;
use muster_domain::{ApplicationId, DeviceId, RunId};
use muster_storage::Connection;
use muster_storage::delivery::{delivery_devices_in, delivery_reached};
use muster_storage::device::{device_list_of, device_set_linked, device_set_of_groups};
use muster_storage::event::event_insert;
use muster_storage::rollout::{
    RolloutRow, rollout_get, rollout_insert, rollout_update, rollout_waves, rollout_waves_set,
};
use muster_storage::run::run_get;
use roaring::RoaringBitmap;

/// How far a rollout is, for people.
#[derive(Debug, Clone)]
pub struct RolloutStand {
    /// The wave that is at it, counted from 1.
    pub wave: u32,
    /// All waves. The last is what no wave of the rollout took.
    pub waves: Vec<WaveStand>,
    /// What the next device waits for.
    pub hold: Option<Hold>,
}

/// How far a wave is.
#[derive(Debug, Clone, Copy)]
pub struct WaveStand {
    /// Its devices.
    pub devices: u64,
    /// Those that were let go.
    pub begun: u64,
    /// Those that ended.
    pub ended: u64,
    /// Of them, those that are errors.
    pub errors: u64,
}

/// Divides the scope of a run that begins.
pub(crate) async fn begin(
    connection: &mut Connection,
    run: RunId,
    application: &ApplicationId,
    rollout: &Rollout,
    scope: &RoaringBitmap,
) -> Result<(), AppError> {
    let mut fleet = Fleet {
        online: device_set_linked(connection).await?,
        ..Fleet::default()
    };
    let tree = Tree::read(connection).await?;
    for wave in &rollout.waves {
        match &wave.devices {
            Part::Canaries { .. } => {
                let ids: Vec<DeviceId> = scope.iter().map(DeviceId).collect();
                for device in device_list_of(connection, &ids).await? {
                    let installed = device.application(application);
                    let stratum = Stratum {
                        platform: device.facts.platform.clone(),
                        version: installed.and_then(|installed| installed.version.clone()),
                    };
                    fleet.strata.entry(stratum).or_default().insert(device.id.0);
                }
            }
            Part::Groups { groups } => {
                for group in groups {
                    let devices = device_set_of_groups(connection, &tree.subtree(*group)).await?;
                    fleet.groups.insert(*group, devices);
                }
            }
            Part::Percent { .. } => {}
        }
    }
    let waves = rollout.waves(run, scope, &fleet);
    Ok(rollout_insert(connection, run, rollout, &waves).await?)
}

/// Takes devices in that came into a run's scope later.
pub(crate) async fn take_in(
    connection: &mut Connection,
    run: RunId,
    devices: &RoaringBitmap,
) -> Result<(), AppError> {
    if devices.is_empty() || rollout_get(connection, run).await?.is_none() {
        return Ok(());
    }
    let mut waves = rollout_waves(connection, run).await?;
    waves.add(devices);
    Ok(rollout_waves_set(connection, run, &waves).await?)
}

/// Brings a run's rollout up to date, and gives the devices that may have their orders; none if the run has
/// no rollout, and all may.
pub(crate) async fn advance(app: &App, run: &Run) -> Result<Option<RoaringBitmap>, AppError> {
    let online = app.0.links.devices();
    let seen = {
        let mut connection = app.0.storage.read().await?;
        Look::at(&mut connection, run, &online).await?
    };
    let Some(look) = seen else { return Ok(None) };
    if !look.is_news() {
        return Ok(Some(app.0.rollouts.noted(run.id, look.answer())));
    }
    let of = run.clone();
    let answer = app
        .logged(move |connection| {
            Box::pin(async move {
                // Read again: somebody may have said that it goes on since it was looked at.
                let Some(look) = Look::at(connection, &of, &online).await? else {
                    return Ok(None);
                };
                look.keep(connection).await?;
                muster_crash_point::reach("rollout.before-commit");
                Ok(Some(look.answer()))
            })
        })
        .await?;
    app.0.watch.run_changed(run.id);
    Ok(answer.map(|answer| app.0.rollouts.noted(run.id, answer)))
}

/// What a rollout is asked about, and what it answers.
struct Look<'r> {
    run: &'r Run,
    row: RolloutRow,
    waves: Waves,
    progress: Progress,
    step: Step,
}

impl<'r> Look<'r> {
    async fn at(
        connection: &mut Connection,
        run: &'r Run,
        online: &RoaringBitmap,
    ) -> Result<Option<Self>, AppError> {
        let Some(row) = rollout_get(connection, run.id).await? else {
            return Ok(None);
        };
        let waves = rollout_waves(connection, run.id).await?;
        let progress = progress(connection, run, &row).await?;
        let step = row
            .rollout
            .next(&waves, &progress, online, muster_clock::now());
        Ok(Some(Self {
            run,
            row,
            waves,
            progress,
            step,
        }))
    }

    fn begun(&self) -> RoaringBitmap {
        (&self.row.begun - &self.step.withdraw) | &self.step.release
    }

    fn is_news(&self) -> bool {
        self.begun() != self.row.begun
            || self.step.place != self.row.place
            || self.step.hold != self.row.hold
    }

    /// Who may have the order, and what holds up the others. Whoever had it keeps it.
    fn answer(&self) -> (RoaringBitmap, Option<Hold>) {
        (
            self.begun() | &self.progress.reached,
            self.step.hold.clone(),
        )
    }

    /// Keeps the answer, and tells what people wait for.
    async fn keep(&self, connection: &mut Connection) -> Result<(), AppError> {
        let row = RolloutRow {
            place: self.step.place,
            begun: self.begun(),
            hold: self.step.hold.clone(),
            ..self.row.clone()
        };
        rollout_update(connection, &row).await?;
        let run = self.run.id;
        if row.place.wave > self.row.place.wave {
            let wave = row.place.wave.saturating_add(1);
            let of = self.waves.0.len();
            let devices = usize::try_from(row.place.wave)
                .ok()
                .and_then(|place| self.waves.0.get(place));
            let devices = counted(devices.map_or(0, RoaringBitmap::len), "device");
            let text = format!("Wave {wave} of {of} of run {run} begins: {devices}.");
            self.tell(connection, "rollout.wave-begun", Severity::Info, text)
                .await?;
        }
        if row.hold == self.row.hold {
            return Ok(());
        }
        let remedy = format!("`muster run continue {run}` lets it go on");
        match &row.hold {
            Some(hold @ Hold::Errors { .. })
                if !matches!(self.row.hold, Some(Hold::Errors { .. })) =>
            {
                let text = format!("The rollout of run {run} has {hold}; {remedy}.");
                self.tell(connection, "rollout.stopped", Severity::Warning, text)
                    .await
            }
            Some(hold @ Hold::Approval { .. }) => {
                let text = format!("The rollout of run {run} waits: {hold}; {remedy}.");
                self.tell(connection, "rollout.waits", Severity::Warning, text)
                    .await
            }
            _ => Ok(()),
        }
    }

    async fn tell(
        &self,
        connection: &mut Connection,
        kind: &str,
        severity: Severity,
        text: String,
    ) -> Result<(), AppError> {
        let fields = serde_json::json!({ "place": self.step.place, "hold": self.step.hold });
        tell(
            connection,
            self.run,
            kind,
            severity,
            Actor::Server,
            text,
            fields,
        )
        .await
    }
}

async fn tell(
    connection: &mut Connection,
    run: &Run,
    kind: &str,
    severity: Severity,
    actor: Actor,
    text: String,
    fields: serde_json::Value,
) -> Result<(), AppError> {
    let event = NewEvent::new(kind, severity, actor, text)
        .about(Subject {
            task: Some(run.task),
            run: Some(run.id),
            ..Subject::default()
        })
        .with(fields);
    Ok(event_insert(connection, muster_clock::now(), &[event]).await?)
}

/// What is known of a run.
async fn progress(
    connection: &mut Connection,
    run: &Run,
    row: &RolloutRow,
) -> Result<Progress, AppError> {
    let all = DeliveryState::ALL;
    let ended: Vec<DeliveryState> = all.into_iter().filter(|state| state.is_final()).collect();
    let errors: Vec<DeliveryState> = all.into_iter().filter(|state| is_error(*state)).collect();
    let reached = delivery_reached(connection, run.id).await?;
    Ok(Progress {
        place: row.place,
        begun: &row.begun | &reached,
        silent: delivery_devices_in(connection, run.id, &[DeliveryState::Unknown]).await?,
        ended: delivery_devices_in(connection, run.id, &ended).await?,
        errors: delivery_devices_in(connection, run.id, &errors).await?,
        reached,
        excused: row.excused.clone(),
        paused: run.state == RunState::Paused,
    })
}

/// How far the rollout of a run is, if it has one.
pub(crate) async fn stand(
    connection: &mut Connection,
    run: &Run,
) -> Result<Option<RolloutStand>, AppError> {
    let Some(row) = rollout_get(connection, run.id).await? else {
        return Ok(None);
    };
    let waves = rollout_waves(connection, run.id).await?;
    let progress = progress(connection, run, &row).await?;
    let wave = |devices: &RoaringBitmap| WaveStand {
        devices: devices.len(),
        begun: devices.intersection_len(&progress.begun),
        ended: devices.intersection_len(&progress.ended),
        errors: devices.intersection_len(&progress.errors),
    };
    let hold = if progress.paused {
        Some(Hold::Paused)
    } else {
        row.hold.filter(|_| !run.state.is_final())
    };
    Ok(Some(RolloutStand {
        wave: row.place.wave.saturating_add(1),
        waves: waves.0.iter().map(wave).collect(),
        hold,
    }))
}

impl App {
    /// Lets the rollout of a run go on, whatever a person can decide holds it.
    pub async fn run_continue(&self, who: &Administrator, id: RunId) -> Result<Run, AppError> {
        let run = run_get(&mut *self.0.storage.read().await?, id).await?;
        let run = run.ok_or_else(|| AppError::not_found("run", &id))?;
        if run.state == RunState::Paused {
            return self.run_resume(who, id).await;
        }
        let (actor, online) = (who.actor(), self.0.links.devices());
        let run = self
            .logged(move |connection| {
                Box::pin(async move {
                    go_on(connection, &run, actor, &online).await?;
                    Ok(run)
                })
            })
            .await?;
        self.0.watch.run_changed(id);
        self.0.hints.run_changed(id);
        Ok(run)
    }
}

async fn go_on(
    connection: &mut Connection,
    run: &Run,
    actor: Actor,
    online: &RoaringBitmap,
) -> Result<(), AppError> {
    let Some(mut look) = Look::at(connection, run, online).await? else {
        return Err(AppError::Conflict {
            code: "rollout-none",
            text: format!("run {} has no rollout: nothing holds it up", run.id),
        });
    };
    let hold = look
        .step
        .hold
        .clone()
        .filter(|_| run.state == RunState::Running);
    let waits = match &hold {
        Some(
            Hold::Errors { .. }
            | Hold::Approval { .. }
            | Hold::Reached { .. }
            | Hold::Ended { .. }
            | Hold::Soak { .. },
        ) => None,
        Some(hold) => Some(hold.to_string()),
        None => Some("nothing holds it up".into()),
    };
    if let Some(waits) = waits {
        return Err(AppError::Conflict {
            code: "rollout-waits",
            text: format!("the rollout of run {} goes on by itself: {waits}", run.id),
        });
    }
    let Some(hold) = hold else { return Ok(()) };
    look.progress.place = look.step.place;
    look.progress.go_on(&hold);
    let row = RolloutRow {
        place: look.progress.place,
        excused: look.progress.excused,
        hold: None,
        ..look.row
    };
    rollout_update(connection, &row).await?;
    let text = format!("The rollout of run {} goes on, though {hold}.", run.id);
    let fields = serde_json::json!({ "place": row.place, "hold": hold });
    tell(
        connection,
        run,
        "rollout.continued",
        Severity::Info,
        actor,
        text,
        fields,
    )
    .await
}
