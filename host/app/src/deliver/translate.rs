//! What a run's task comes to on a device: a command, a wait, or that it cannot be done there.
//!
//! The plug-in is asked once for each profile, with all profiles that are new in one call.

use crate::schema::Written;
use crate::submit::Agreed;
use crate::{App, AppError};
use muster_domain::application::{Mark, Needs, TaskType};
use muster_domain::command::Command;
use muster_domain::delivery::Cause;
use muster_domain::device::{ApplicationState, Device};
use muster_domain::profile::{Profile, ProfileCount};
use muster_domain::schedule::Schedule;
use muster_domain::settings::Settings;
use muster_domain::task::NewTask;
use muster_domain::{DeviceId, Digest, TaskId};
use muster_plugin_host::{CallError, CallFailure, Plugin, Refusal};
use muster_storage::Connection;
use muster_storage::approval::approval_get;
use muster_storage::task::{TaskHead, task_head, task_revision_get};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Profiles in one call of a plug-in.
const MOST_PROFILES: usize = 1000;

/// Calls for one task that may take all their time, until the plug-in is not asked any more this
/// time: the application's other deliveries wait meanwhile.
const MOST_TIMED_OUT: u32 = 8;

/// Calls for one task that may be kept from running, until the same: the server is too busy.
const MOST_STARVED: u32 = 3;

/// What is to become of a delivery.
#[derive(Clone)]
pub(crate) enum Placement {
    /// The device gets this command.
    Order(Arc<Translated>),
    /// Nothing is given to the device until the cause ends.
    Hold(Cause),
    /// The application cannot do it on this device.
    NotSupported(String),
}

/// A command that a plug-in made.
pub(crate) struct Translated {
    pub(crate) hash: Digest,
    pub(crate) body: String,
    /// The revision that made it, which is to say what comes of it.
    pub(crate) plugin: Digest,
}

/// A revision of a task, and the translations of it that were made.
pub(crate) struct Translations {
    pub(super) head: TaskHead,
    /// What the application must be before the task starts.
    pub(crate) needs: Needs,
    /// Whether it has the application to itself.
    pub(crate) exclusive: bool,
    /// When it starts by itself.
    pub(super) schedule: Option<Schedule>,
    task: TaskId,
    revision: u32,
    settings: Settings,
    schema_version: u32,
    approved: bool,
    // The settings in the terms of the plug-in with this digest. Another one translates anew.
    plugin: Option<Digest>,
    own: Result<Settings, Cause>,
    made: BTreeMap<Profile, Placement>,
}

impl Translations {
    pub(crate) async fn of_revision(
        connection: &mut Connection,
        task: TaskId,
        number: u32,
    ) -> Result<Self, AppError> {
        let head = task_head(connection, task).await?;
        let head = head.ok_or_else(|| AppError::not_found("task", &task))?;
        let revision = task_revision_get(connection, task, number).await?;
        let revision = revision.ok_or_else(|| AppError::not_found("task revision", &number))?;
        Ok(Self {
            head,
            needs: revision.needs,
            exclusive: revision.exclusive,
            schedule: revision.schedule.clone(),
            task,
            revision: revision.number,
            own: Ok(revision.settings.clone()),
            settings: revision.settings,
            schema_version: revision.schema_version,
            approved: false,
            plugin: None,
            made: BTreeMap::new(),
        })
    }

    /// Those of a task that is not kept yet.
    pub(crate) fn of_draft(task: &NewTask, agreed: &Agreed) -> Self {
        Self {
            head: TaskHead {
                name: task.name.clone(),
                application: task.application.clone(),
                task_type: task.task_type.clone(),
                time_limit: task.time_limit.unwrap_or(agreed.task_type.time_limit),
            },
            needs: agreed.task_type.needs,
            exclusive: agreed.task_type.is(Mark::Exclusive),
            schedule: task.schedule.clone(),
            // No task has this number, so that no word about it is kept.
            task: TaskId(0),
            revision: 0,
            own: Ok(agreed.settings.clone()),
            settings: agreed.settings.clone(),
            schema_version: agreed.task_type.schema_version,
            approved: false,
            plugin: None,
            made: BTreeMap::new(),
        }
    }

    /// The number of the revision.
    pub(crate) fn revision(&self) -> u32 {
        self.revision
    }

    /// What is to become of the deliveries for some devices.
    pub(crate) async fn place(
        &mut self,
        app: &App,
        devices: &[Device],
    ) -> Result<Vec<(DeviceId, Placement)>, AppError> {
        let Some(plugin) = app.0.applications.get(&self.head.application) else {
            return Ok(all(devices, &Placement::Hold(Cause::PluginMissing)));
        };
        if plugin.is_compiling() {
            return Ok(all(devices, &Placement::Hold(Cause::PluginCompiling)));
        }
        let Some(task_type) = plugin.description().task_type(&self.head.task_type) else {
            let reason = format!(
                "version {} of the plug-in no longer knows the task type {}",
                plugin.description().version,
                self.head.task_type
            );
            return Ok(all(devices, &Placement::NotSupported(reason)));
        };
        if task_type.is(Mark::Destructive) && !self.is_approved(app).await? {
            return Ok(all(devices, &Placement::Hold(Cause::ApprovalNeeded)));
        }
        self.translate(app, &plugin, task_type, devices).await?;
        Ok(devices
            .iter()
            .map(|device| (device.id, self.placement(&plugin, task_type, device)))
            .collect())
    }

    /// Whether a second administrator approved the revision. One that did cannot take it back.
    async fn is_approved(&mut self, app: &App) -> Result<bool, AppError> {
        if !self.approved {
            let mut connection = app.0.storage.read().await?;
            let approval = approval_get(&mut connection, self.task, self.revision).await?;
            self.approved = approval.is_some();
        }
        Ok(self.approved)
    }

    fn placement(&self, plugin: &Plugin, task_type: &TaskType, device: &Device) -> Placement {
        if let Some(placement) = self.without_translation(plugin, task_type, device) {
            return placement;
        }
        let profile = device.profile(&self.head.application, &task_type.facts);
        self.made.get(&profile).cloned().unwrap_or_else(|| {
            let reason = "the plug-in was not asked about this device".to_owned();
            Placement::Hold(Cause::PluginFault { reason })
        })
    }

    /// What can be told of a device without asking the plug-in.
    fn without_translation(
        &self,
        plugin: &Plugin,
        task_type: &TaskType,
        device: &Device,
    ) -> Option<Placement> {
        let Some(installed) = device.application(&self.head.application) else {
            return Some(Placement::Hold(Cause::NoConnector));
        };
        if installed.state == ApplicationState::Absent {
            let nothing_needed = task_type.needs == Needs::Nothing;
            return (!nothing_needed).then_some(Placement::Hold(Cause::ApplicationNotInstalled));
        }
        let description = plugin.description();
        let version = installed.version.as_deref()?;
        (!description.manages_version(version)).then(|| {
            Placement::NotSupported(format!(
                "{} {version} is not among the versions that the plug-in manages ({})",
                description.name, description.manages
            ))
        })
    }

    /// Has the plug-in translate for the profiles of these devices that it was not asked about yet.
    async fn translate(
        &mut self,
        app: &App,
        plugin: &Arc<Plugin>,
        task_type: &TaskType,
        devices: &[Device],
    ) -> Result<(), AppError> {
        if self.plugin != Some(plugin.digest()) {
            self.made.clear();
            self.own = match app.settings_for(plugin, task_type, self.written()).await {
                Ok(Ok(own)) => Ok(own.settings),
                Ok(Err(findings)) => {
                    let texts = findings.into_iter().map(|finding| finding.text);
                    let reason = texts.collect::<Vec<_>>().join(" ");
                    Err(Cause::PluginFault { reason })
                }
                Err(AppError::Plugin(error)) => Err(cause_of(&error)),
                Err(error) => return Err(error),
            };
            // A fault is no answer: it is asked for again.
            self.plugin = self.own.is_ok().then(|| plugin.digest());
        }
        // A fault is no answer: it is asked for again.
        self.made
            .retain(|_, made| !matches!(made, Placement::Hold(_)));
        let mut counts: BTreeMap<Profile, u32> = BTreeMap::new();
        for device in devices {
            if self
                .without_translation(plugin, task_type, device)
                .is_none()
            {
                let profile = device.profile(&self.head.application, &task_type.facts);
                if !self.made.contains_key(&profile) {
                    *counts.entry(profile).or_default() += 1;
                }
            }
        }
        let profiles: Vec<ProfileCount> = counts
            .into_iter()
            .map(|(profile, devices)| ProfileCount { profile, devices })
            .collect();
        let mut spent = Spent::default();
        for part in profiles.chunks(MOST_PROFILES) {
            let placements = self.ask(app, plugin, part, &mut spent).await;
            for (count, placement) in part.iter().zip(placements) {
                self.made.insert(count.profile.clone(), placement);
            }
        }
        Ok(())
    }

    fn written(&self) -> Written<'_> {
        Written {
            task: self.task,
            revision: self.revision,
            schema_version: self.schema_version,
            settings: &self.settings,
        }
    }

    /// Asks the plug-in; where the answer for many profiles is too much for one call, in two calls.
    async fn ask(
        &self,
        app: &App,
        plugin: &Arc<Plugin>,
        profiles: &[ProfileCount],
        spent: &mut Spent,
    ) -> Vec<Placement> {
        if let Some(cause) = spent.enough() {
            return held(profiles, &cause);
        }
        let settings = match &self.own {
            Ok(settings) => settings,
            // Held: another revision may know what to make of them.
            Err(cause) => return held(profiles, cause),
        };
        let answers = plugin
            .translate(&self.head.task_type, settings, profiles)
            .await;
        if let Err(error) = &answers {
            spent.note(&error.failure);
        }
        match answers {
            Ok(answers) => {
                app.0.shadows.translated(
                    &self.head.application,
                    &self.head.task_type,
                    (self.schema_version, &self.settings),
                    profiles,
                    &answers,
                );
                let of = plugin.digest();
                let placement = |answer| placement_of(answer, of);
                answers.into_iter().map(placement).collect()
            }
            Err(error) if profiles.len() > 1 && too_much(&error.failure) => {
                let (one, other) = profiles.split_at(profiles.len() / 2);
                let mut placements = Box::pin(self.ask(app, plugin, one, spent)).await;
                placements.extend(Box::pin(self.ask(app, plugin, other, spent)).await);
                placements
            }
            Err(error) => held(profiles, &cause_of(&error)),
        }
    }
}

/// Calls for one task that came to nothing and took their time.
#[derive(Default)]
struct Spent {
    timed_out: u32,
    starved: u32,
}

impl Spent {
    fn note(&mut self, failure: &CallFailure) {
        match failure {
            CallFailure::TimedOut { .. } => self.timed_out += 1,
            CallFailure::Starved { .. } => self.starved += 1,
            CallFailure::Busy { .. } => self.starved = MOST_STARVED,
            _ => {}
        }
    }

    /// Why no more are made, if there were too many.
    fn enough(&self) -> Option<Cause> {
        if self.starved >= MOST_STARVED {
            return Some(Cause::ServerBusy);
        }
        (self.timed_out >= MOST_TIMED_OUT).then(|| Cause::PluginFault {
            reason: format!(
                "the plug-in was not asked about this device, as it took all its time {} times before",
                self.timed_out
            ),
        })
    }
}

fn held(profiles: &[ProfileCount], cause: &Cause) -> Vec<Placement> {
    let hold = |_| Placement::Hold(cause.clone());
    profiles.iter().map(hold).collect()
}

/// Why a delivery is held whose plug-in gave no answer.
fn cause_of(error: &CallError) -> Cause {
    let reason = muster_domain::chain(error);
    if error.failure == CallFailure::Compiling {
        Cause::PluginCompiling
    } else if error.failure.is_passing() {
        tracing::warn!(%reason, "a task could not be translated now");
        Cause::ServerBusy
    } else {
        tracing::error!(%reason, "a task could not be translated");
        Cause::PluginFault { reason }
    }
}

/// Whether fewer profiles in a call may do.
fn too_much(failure: &CallFailure) -> bool {
    matches!(
        failure,
        CallFailure::AnswerTooLarge { .. }
            | CallFailure::OutOfMemory { .. }
            | CallFailure::TimedOut { .. }
            | CallFailure::Starved { .. }
    )
}

fn placement_of(answer: Result<Command, Refusal>, plugin: Digest) -> Placement {
    match answer {
        Ok(command) => {
            let body = command.to_body();
            Placement::Order(Arc::new(Translated {
                hash: Command::hash_of(&body),
                body,
                plugin,
            }))
        }
        Err(Refusal::Unsupported(reason)) => Placement::NotSupported(reason),
        Err(Refusal::Invalid(findings)) => {
            let texts: Vec<&str> = findings
                .iter()
                .map(|finding| finding.text.as_str())
                .collect();
            Placement::NotSupported(texts.join(" "))
        }
        Err(Refusal::Internal(reason)) => Placement::Hold(Cause::PluginFault { reason }),
    }
}

fn all(devices: &[Device], placement: &Placement) -> Vec<(DeviceId, Placement)> {
    devices
        .iter()
        .map(|device| (device.id, placement.clone()))
        .collect()
}
